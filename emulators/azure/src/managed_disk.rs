//! Microsoft.Compute/disks: replica disks, kept up to date, and the disks of recovered machines.

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::ports::Instance;
use switchback_engine::{DiskId, PointId};

const GIB: u64 = 1 << 30;

/// Upper ends of the size bands in which managed disks are sold, in GiB (P1 to P80). A disk is made as large as
/// asked and billed by the next band.
const BANDS_GIB: [(u64, &str); 14] = [
    (4, "P1"),
    (8, "P2"),
    (16, "P3"),
    (32, "P4"),
    (64, "P6"),
    (128, "P10"),
    (256, "P15"),
    (512, "P20"),
    (1024, "P30"),
    (2048, "P40"),
    (4096, "P50"),
    (8192, "P60"),
    (16384, "P70"),
    (32767, "P80"),
];

/// The largest managed disk, in GiB (site-recovery 4.1).
pub const DISK_GIB_MAX: u64 = 32_767;

/// What a managed disk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskRole {
    /// Replicated writes are applied to it; named `asrseeddisk-…`.
    Replica,
    /// It was made from a recovery point, for a recovered machine.
    Recovered,
    /// It was made from a recovery point, for a test failover.
    Test,
}

impl DiskRole {
    /// What the disks of an instance are for.
    #[must_use]
    pub const fn of(instance: Instance) -> Self {
        match instance {
            Instance::Recovered => Self::Recovered,
            Instance::Test => Self::Test,
        }
    }
}

/// A managed disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedDisk {
    /// Its name.
    pub name: String,
    /// Which disk of which machine it holds.
    pub disk: DiskId,
    /// What it is for.
    pub role: DiskRole,
    /// Its size, in sectors; unknown for one made from a recovery point whose replica is gone.
    pub sectors: Option<u64>,
    /// The name of the replica disk whose recovery point it was made from.
    pub source: Option<String>,
    /// That recovery point; none for a replica disk, or when everything received was asked for.
    pub source_point: Option<PointId>,
    /// The name of the machine it is attached to.
    pub attached_to: Option<String>,
}

impl ManagedDisk {
    /// Its size in whole GiB, rounded up, as the service states sizes.
    #[must_use]
    pub fn size_gib(&self) -> Option<u64> {
        self.sectors.map(size_gib)
    }

    /// Whether it was made from that recovery point; nobody knows that of an unnamed one.
    pub(crate) fn is_from(&self, point: Option<PointId>) -> bool {
        point.is_some() && self.source_point == point
    }

    /// The band it is billed by, such as `P10`.
    #[must_use]
    pub fn tier(&self) -> Option<&'static str> {
        let gib = self.size_gib()?;
        BANDS_GIB.iter().find(|(upto, _)| gib <= *upto).map(|(_, tier)| *tier)
    }
}

pub(crate) const fn size_gib(sectors: u64) -> u64 {
    (sectors.saturating_mul(SECTOR_BYTES)).div_ceil(GIB)
}

/// The name of a replica disk: the first eight characters of the machine's name with `_` for `-`, and a GUID, as
/// recorded (recording-modernized 5).
pub(crate) fn replica_name(machine: &str, guid: &str) -> String {
    let stem: String = machine.chars().take(8).map(|c| if c == '-' { '_' } else { c }).collect();
    format!("asrseeddisk-{stem}-PHYSICAL-{guid}")
}

/// The name of a recovered machine's disk, as recorded (recording-classic 5.5).
pub(crate) fn recovered_name(machine: &str, index: u8) -> String {
    format!("PHYSICALDRIVE{index}-{}", machine.replace('-', "_"))
}
