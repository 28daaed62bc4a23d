//! What trials are made of: a machine, what it writes, the links, and what may go wrong.
//!
//! Owns the numbers of a trial and holds them against each other before anything runs. Refuses to draw anything.

use core::ops::RangeInclusive;
use core::time::Duration;

use switchback_engine::content::SECTOR_BYTES;
use switchback_sim::LinkSpec;

use super::fault::FaultKind;
use crate::workload::{Pattern, Recorded, Synthetic, WorkloadSpec};
use crate::world::WorldSpec;
use crate::world::spec::DiskSpec;

/// The largest disk, in sectors: 1 GiB. Every point of every disk is read back in full.
const DISK_SECTORS_MAX: u64 = 1 << 21;
/// The most disks: a write names its disk in a byte.
const DISKS_MAX: usize = 64;

/// What every trial of a search has in common.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The machine's disks. Those with `used_sectors` hold something before replication begins.
    pub disks: Vec<DiskSpec>,
    /// What the machine writes: patterns, and recorded traces.
    pub workloads: Vec<WorkloadSpec>,
    /// How long a write takes. Writes under way together are acknowledged in any order; one that a crash overtakes
    /// never reached the disk.
    pub write_latency: RangeInclusive<Duration>,
    /// How long a sync of a durable log takes.
    pub sync_latency: RangeInclusive<Duration>,
    /// The link each way, when nothing is wrong with it.
    pub link: LinkSpec,
    /// How long things may go wrong.
    pub run: Duration,
    /// How long the machine then goes on writing with nothing wrong. By its end there must be a recovery point of an
    /// instant after the last fault.
    pub settle: Duration,
    /// What may go wrong; a replicator that rests on TCP leaves out loss, duplicates and reordering.
    pub fault_kinds: Vec<FaultKind>,
    /// The most faults in one trial.
    pub faults_max: u32,
}

/// Why a setup cannot be tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Too few disks, or too many.
    #[error("a machine has 1 to {DISKS_MAX} disks; this one has {0}")]
    Disks(usize),
    /// A disk that is empty or too large.
    #[error("disk {disk} has {sectors} sectors; a trial takes 1 to {DISK_SECTORS_MAX} (1 GiB)")]
    DiskSize {
        /// Which disk.
        disk: usize,
        /// Its size in sectors.
        sectors: u64,
    },
    /// Writes that do not lie on a disk of the machine.
    #[error("workload {workload} writes to disk {disk} up to sector {end}, and the machine has {}", has(.sectors))]
    OffTheDisk {
        /// Which workload, counted from 0.
        workload: usize,
        /// The disk that it names.
        disk: u8,
        /// One past the last sector it may write.
        end: u64,
        /// How many sectors that disk has; `None` if there is no such disk.
        sectors: Option<u64>,
    },
    /// Sizes of writes that are none.
    #[error(
        "workload {workload} writes {least} to {most} bytes at a time; sizes are multiples of 512, from 512 to 16 MiB, \
         the smallest first"
    )]
    BlockSize {
        /// Which workload, counted from 0.
        workload: usize,
        /// The smallest write in bytes.
        least: u64,
        /// The largest write in bytes.
        most: u64,
    },
    /// A recorded write of nothing.
    #[error("write {write} of workload {workload} has no sectors (both are counted from 0)")]
    EmptyWrite {
        /// Which workload, counted from 0.
        workload: usize,
        /// Which of its writes, counted from 0.
        write: usize,
    },
    /// A workload without a disk to write to.
    #[error("workload {0} names no disk to write to")]
    NoDisk(usize),
    /// A workload that waits for another machine.
    #[error("workload {0} follows the writes of another machine, and a trial has only one")]
    Follows(usize),
    /// A range that ends before it begins.
    #[error("{0} must be a range from the shortest to the longest time")]
    EmptyRange(&'static str),
    /// A machine that the world does not have.
    #[error("there is no machine {machine}: the world has {count}, counted from 0")]
    NoMachine {
        /// The machine that was asked for.
        machine: usize,
        /// How many there are.
        count: usize,
    },
}

fn has(sectors: &Option<u64>) -> String {
    sectors.map_or_else(|| "no such disk".to_owned(), |sectors| format!("{sectors} sectors there"))
}

impl Setup {
    /// Two disks of 256 KiB, of which the first half holds something, written at random with 4 to 16 KiB at a time
    /// and 256 KiB/s; links of 4 MiB/s and 5 to 15 ms; up to 4 faults of any kind in 10 s, and 8 s to settle. A trial takes
    /// milliseconds, and small disks make sectors that are written again and again.
    #[must_use]
    pub fn small() -> Self {
        let disk =
            |name: &str| DiskSpec { name: name.to_owned(), sectors: 512, used_sectors: 256, raw: None };
        let workload = Synthetic {
            disks: vec![(0, 512), (1, 512)],
            bytes_per_sec: 256 << 10,
            block_bytes: 4096..=16_384,
            pattern: Pattern::Uniform,
            follows: None,
            batch_every: None,
        };
        Self {
            disks: vec![disk("system"), disk("data")],
            workloads: vec![WorkloadSpec::Synthetic(workload)],
            write_latency: Duration::from_micros(200)..=Duration::from_micros(600),
            sync_latency: Duration::from_millis(2)..=Duration::from_millis(40),
            link: LinkSpec::reliable(Duration::from_millis(5)..=Duration::from_millis(15), Some(4 << 20)),
            run: Duration::from_secs(10),
            settle: Duration::from_secs(8),
            fault_kinds: FaultKind::ALL.to_vec(),
            faults_max: 4,
        }
    }

    /// The disks, workloads and line between the sites of one machine of a world, by its place: so that a machine
    /// described in a scenario file ([`crate::scene::world_spec`]), with its recorded traces, can be tried. The rest
    /// is as in [`Setup::small`].
    ///
    /// # Errors
    /// [`SetupError::NoMachine`] if there is none. Whether a trial takes it is said by [`Setup::check`].
    pub fn of_machine(world: &WorldSpec, machine: usize) -> Result<Self, SetupError> {
        let count = world.machines.len();
        let spec = world.machines.get(machine).ok_or(SetupError::NoMachine { machine, count })?;
        Ok(Self {
            disks: spec.disks.clone(),
            workloads: spec.workloads.clone(),
            link: world.wan.clone(),
            ..Self::small()
        })
    }

    /// Holds the numbers against each other.
    ///
    /// # Errors
    /// The first [`SetupError`].
    pub fn check(&self) -> Result<(), SetupError> {
        if !(1..=DISKS_MAX).contains(&self.disks.len()) {
            return Err(SetupError::Disks(self.disks.len()));
        }
        for (disk, spec) in self.disks.iter().enumerate() {
            if !(1..=DISK_SECTORS_MAX).contains(&spec.sectors) {
                return Err(SetupError::DiskSize { disk, sectors: spec.sectors });
            }
        }
        for (name, range) in [
            ("write_latency", &self.write_latency),
            ("sync_latency", &self.sync_latency),
            ("link.latency", &self.link.latency),
        ] {
            if range.is_empty() {
                return Err(SetupError::EmptyRange(name));
            }
        }
        self.workloads.iter().enumerate().try_for_each(|(workload, spec)| match spec {
            WorkloadSpec::Synthetic(spec) => self.check_synthetic(workload, spec),
            WorkloadSpec::Recorded(spec) => self.check_recorded(workload, spec),
        })
    }

    fn check_synthetic(&self, workload: usize, spec: &Synthetic) -> Result<(), SetupError> {
        if spec.follows.is_some() {
            return Err(SetupError::Follows(workload));
        }
        if spec.disks.is_empty() {
            return Err(SetupError::NoDisk(workload));
        }
        let (least, most) = (*spec.block_bytes.start(), *spec.block_bytes.end());
        let is_whole = least.is_multiple_of(SECTOR_BYTES) && most.is_multiple_of(SECTOR_BYTES);
        if !is_whole || least < SECTOR_BYTES || least > most || most > 16 << 20 {
            return Err(SetupError::BlockSize { workload, least, most });
        }
        // A disk that is smaller than one block would be written past its end.
        let mut disks = spec.disks.iter();
        disks.try_for_each(|(disk, sectors)| {
            self.check_place(workload, *disk, (*sectors).max(most / SECTOR_BYTES))
        })
    }

    fn check_recorded(&self, workload: usize, spec: &Recorded) -> Result<(), SetupError> {
        if let Some(write) = spec.writes.iter().position(|write| write.sectors == 0) {
            return Err(SetupError::EmptyWrite { workload, write });
        }
        let end =
            |write: &crate::workload::RecordedWrite| write.start.saturating_add(u64::from(write.sectors));
        self.check_place(workload, spec.disk, spec.writes.iter().map(end).max().unwrap_or(0))
    }

    fn check_place(&self, workload: usize, disk: u8, end: u64) -> Result<(), SetupError> {
        let sectors = self.disks.get(usize::from(disk)).map(|disk| disk.sectors);
        if sectors.is_some_and(|sectors| end <= sectors) {
            return Ok(());
        }
        Err(SetupError::OffTheDisk { workload, disk, end, sectors })
    }
}
