//! The disks of both sites and the devices they lie on. What a role calls a disk is resolved to a physical one here.

use std::sync::Arc;
use std::time::Duration;

use switchback_disks::{Snapshot, VirtualDisk};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::role::{Address, DiskRef, Input, StorageError, Token};
use switchback_engine::{Change, DiskId, MachineId, SectorRange, Site};
use switchback_sim::{Device, DeviceSpec, IoKind, Seed, SimTime};

use super::event::Event;
use super::late_device::LateDevice;
use super::spec::{DiskTiming, WorldSpec};
use super::{Sabotage, SlowDevice, World};
use crate::content::Simulated;
use crate::truth::initial_stamp;

/// A disk that exists once, whatever roles call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum PhysicalDisk {
    /// The machine's disk at home, on a datastore.
    Home(DiskId),
    /// The replica disk in the cloud.
    Replica(DiskId),
    /// The disk of the recovered machine in the cloud.
    Recovered(DiskId),
    /// The disk of a test machine in the cloud.
    Test(DiskId),
}

impl PhysicalDisk {
    /// Which disk of which machine it is a copy of.
    #[must_use]
    pub const fn id(self) -> DiskId {
        match self {
            Self::Home(id) | Self::Replica(id) | Self::Recovered(id) | Self::Test(id) => id,
        }
    }
}

impl From<DiskRef> for PhysicalDisk {
    fn from(disk: DiskRef) -> Self {
        match disk {
            // Coming home, the target writes to the machine's own disks, attached to the master target.
            DiskRef::Machine(id, Site::Primary) | DiskRef::Replica(id, Site::Primary) => Self::Home(id),
            DiskRef::Machine(id, Site::Recovery) => Self::Recovered(id),
            DiskRef::Replica(id, Site::Recovery) => Self::Replica(id),
        }
    }
}

/// All disks and devices.
#[derive(Debug, Clone)]
pub(super) struct Storage<C: Simulated> {
    /// By machine, then by disk.
    disks: Vec<Vec<Copies<C>>>,
    /// What each machine's disks lie on: at home and in the cloud.
    machine_devices: Vec<[LateDevice; 2]>,
    replica_device: Device,
}

/// The copies of one disk.
#[derive(Debug, Clone)]
struct Copies<C: Simulated> {
    home: Option<VirtualDisk<C>>,
    replica: Option<VirtualDisk<C>>,
    recovered: Option<VirtualDisk<C>>,
    test: Option<VirtualDisk<C>>,
    /// What the snapshot at home holds.
    kept: Option<Snapshot<C>>,
}

pub(super) fn device_spec(timing: &DiskTiming) -> DeviceSpec {
    DeviceSpec {
        read_latency: timing.latency.clone(),
        write_latency: timing.latency.clone(),
        flush_latency: timing.flush.clone(),
        bytes_per_sec: Some(timing.bytes_per_sec),
        parallelism: timing.parallelism,
        capacity_bytes: None,
    }
}

impl<C: Simulated> Storage<C> {
    pub(super) fn new(spec: &WorldSpec, seed: Seed) -> Self {
        let home = |machine: usize, index: usize| {
            let disk = &spec.machines[machine].disks[index];
            let content = |range: SectorRange| initial::<C>(machine, index, range);
            VirtualDisk::initial(disk.sectors, disk.used_sectors, content).with_write_through()
        };
        let copies = |machine, index| Copies {
            home: Some(home(machine, index)),
            replica: None,
            recovered: None,
            test: None,
            kept: None,
        };
        let machine_device = Arc::new(device_spec(&spec.machine_disk));
        let device = |name: String| LateDevice::new(Arc::clone(&machine_device), seed.chance(&name));
        let devices = |m| [device(format!("device home {m}")), device(format!("device recovered {m}"))];
        let machines = 0..spec.machines.len();
        Self {
            disks: machines
                .clone()
                .map(|m| (0..spec.machines[m].disks.len()).map(|index| copies(m, index)).collect())
                .collect(),
            machine_devices: machines.map(devices).collect(),
            replica_device: Device::new(device_spec(&spec.backend_disk), seed.chance("device replica")),
        }
    }

    /// Makes a device as fast as that from now on.
    pub(super) fn set_timing(&mut self, device: SlowDevice, timing: &DiskTiming) {
        let spec = device_spec(timing);
        match device {
            SlowDevice::Machine(machine) => {
                self.machine_devices[machine.0 as usize]
                    .iter_mut()
                    .for_each(|d| d.get().set_spec(spec.clone()));
            }
            SlowDevice::Replica => self.replica_device.set_spec(spec),
        }
    }

    pub(super) fn disk_mut(&mut self, disk: PhysicalDisk) -> Option<&mut VirtualDisk<C>> {
        self.slot(disk)?.as_mut()
    }

    /// A disk as it is; `None` if there is no such disk.
    pub(super) fn disk(&self, disk: PhysicalDisk) -> Option<&VirtualDisk<C>> {
        let id = disk.id();
        let copies = self.disks.get(id.machine.0 as usize)?.get(usize::from(id.index))?;
        match disk {
            PhysicalDisk::Home(_) => copies.home.as_ref(),
            PhysicalDisk::Replica(_) => copies.replica.as_ref(),
            PhysicalDisk::Recovered(_) => copies.recovered.as_ref(),
            PhysicalDisk::Test(_) => copies.test.as_ref(),
        }
    }

    fn slot(&mut self, disk: PhysicalDisk) -> Option<&mut Option<VirtualDisk<C>>> {
        let copies = self.copies_mut(disk.id())?;
        Some(match disk {
            PhysicalDisk::Home(_) => &mut copies.home,
            PhysicalDisk::Replica(_) => &mut copies.replica,
            PhysicalDisk::Recovered(_) => &mut copies.recovered,
            PhysicalDisk::Test(_) => &mut copies.test,
        })
    }

    /// Puts a disk where there was none, or takes one away.
    pub(super) fn set(&mut self, disk: PhysicalDisk, content: Option<VirtualDisk<C>>) {
        if let Some(slot) = self.slot(disk) {
            *slot = content;
        }
    }

    /// Everything on a disk; `None` if there is no such disk.
    pub(super) fn runs(&mut self, disk: PhysicalDisk) -> Option<Arc<Vec<Change<C>>>> {
        self.disk_mut(disk).map(VirtualDisk::runs)
    }

    pub(super) fn snapshot(&mut self, disk: PhysicalDisk) -> Option<Snapshot<C>> {
        self.disk_mut(disk).map(VirtualDisk::snapshot)
    }

    fn copies_mut(&mut self, id: DiskId) -> Option<&mut Copies<C>> {
        self.disks.get_mut(id.machine.0 as usize)?.get_mut(usize::from(id.index))
    }

    /// A snapshot of a machine at home keeps what its disk holds.
    pub(super) fn keep_home(&mut self, id: DiskId) {
        if let Some(copies) = self.copies_mut(id) {
            copies.kept = copies.home.as_mut().map(VirtualDisk::snapshot);
        }
    }

    /// The disk of a machine at home holds again what its snapshot kept.
    pub(super) fn revert_home(&mut self, id: DiskId) {
        if let Some(copies) = self.copies_mut(id)
            && let Some(kept) = copies.kept.take()
        {
            copies.home = Some(VirtualDisk::from_snapshot(&kept).with_write_through());
        }
    }

    /// When a request of a machine is served by the device its disks lie on.
    pub(super) fn submit_for_machine(
        &mut self,
        now: SimTime,
        machine: MachineId,
        site: Site,
        kind: IoKind,
        bytes: u64,
    ) -> SimTime {
        self.machine_devices[machine.0 as usize][super::host::site_index(site)].get().submit(now, kind, bytes)
    }

    fn submit(&mut self, now: SimTime, disk: PhysicalDisk, kind: IoKind, bytes: u64) -> SimTime {
        match disk {
            PhysicalDisk::Home(id) => self.submit_for_machine(now, id.machine, Site::Primary, kind, bytes),
            PhysicalDisk::Recovered(id) => {
                self.submit_for_machine(now, id.machine, Site::Recovery, kind, bytes)
            }
            PhysicalDisk::Replica(_) | PhysicalDisk::Test(_) => self.replica_device.submit(now, kind, bytes),
        }
    }
}

/// What a disk holds at first.
fn initial<C: Simulated>(machine: usize, index: usize, range: SectorRange) -> Vec<Change<C>> {
    /// Content is made in pieces of this size, so that one of real bytes is never larger than a copy step.
    const PIECE: u64 = 64 << 11;
    let mut runs = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let sectors = (range.end - start).min(PIECE) as u32;
        let stamp = initial_stamp(MachineId(machine as u32), index as u8, start);
        runs.push(Change { start, sectors, content: C::of_write(stamp, sectors) });
        start += u64::from(sectors);
    }
    runs
}

impl<C: Simulated> World<C> {
    /// A role reads. What it gets is what the disk held when it asked; it gets it when the device has served it.
    pub(super) fn read_disk(&mut self, from: Address, disk: DiskRef, range: SectorRange, token: Token) {
        let now = self.now();
        let physical = PhysicalDisk::from(disk);
        let result = self.access(disk).and_then(|()| {
            let disk = self.storage.disk_mut(physical).ok_or(StorageError::Gone)?;
            disk.read(range).map_err(StorageError::from)
        });
        let bytes = result.as_ref().map_or(0, |runs| payload(runs));
        let at = self.storage.submit(now, physical, IoKind::Read, bytes);
        self.input_at(at, from, Input::DiskRead { token, result });
    }

    /// A target writes to a replica disk and wants to hear when it is durable. Until then a crash may lose any of it.
    pub(super) fn write_replica(
        &mut self,
        from: Address,
        disk: DiskRef,
        changes: &[Change<C>],
        token: Token,
    ) {
        let now = self.now();
        let physical = PhysicalDisk::from(disk);
        let changes = match self.sabotage {
            Some(Sabotage::LoseReplicaWrite) if !changes.is_empty() => &changes[1..],
            _ => changes,
        };
        let written = self.access(disk).and_then(|()| {
            let disk = self.storage.disk_mut(physical).ok_or(StorageError::Gone)?;
            disk.write_all(changes).map_err(StorageError::from)
        });
        if let Err(error) = written {
            let delay = Duration::from_millis(1);
            return self.input_after(delay, from, Input::DiskWritten { token, result: Err(error) });
        }
        self.storage.submit(now, physical, IoKind::Write, payload(changes));
        let at = self.storage.submit(now, physical, IoKind::Flush, 0);
        let life = self.hosts.life(from);
        self.kernel.schedule_at(at, Event::DiskFlushed { to: from, life, disk: physical, token });
    }

    pub(super) fn replica_flushed(&mut self, to: Address, life: u32, disk: PhysicalDisk, token: Token) {
        if self.hosts.life(to) != life {
            return;
        }
        let result = self.storage.disk_mut(disk).map(VirtualDisk::flush).ok_or(StorageError::Gone);
        self.input(to, Input::DiskWritten { token, result });
    }

    /// Whether the site gives access to a disk now.
    fn access(&self, disk: DiskRef) -> Result<(), StorageError> {
        match PhysicalDisk::from(disk) {
            PhysicalDisk::Home(_) => self.vcenter.disk_access(disk),
            PhysicalDisk::Replica(_) | PhysicalDisk::Recovered(_) | PhysicalDisk::Test(_) => {
                self.azure.disk_access(disk)
            }
        }
    }

    /// The power of a site's target fails: what was not flushed to its disks is in doubt.
    pub(super) fn crash_replicas(&mut self, site: Site) {
        for machine in 0..self.spec.machines.len() {
            for index in 0..self.spec.machines[machine].disks.len() {
                let id = DiskId { machine: MachineId(machine as u32), index: index as u8 };
                let disk =
                    if site == Site::Primary { PhysicalDisk::Home(id) } else { PhysicalDisk::Replica(id) };
                if let Some(disk) = self.storage.disk_mut(disk) {
                    disk.crash(&mut self.chance);
                }
            }
        }
    }

    /// Everything on a disk, as a reader from outside would find it.
    pub fn disk_runs(&mut self, disk: PhysicalDisk) -> Option<Arc<Vec<Change<C>>>> {
        self.storage.runs(disk)
    }
}

fn payload<C: Simulated>(runs: &[Change<C>]) -> u64 {
    runs.iter().filter(|run| !run.content.is_zero()).map(|run| u64::from(run.sectors) * SECTOR_BYTES).sum()
}
