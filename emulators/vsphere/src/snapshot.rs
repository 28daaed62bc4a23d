//! VirtualMachineSnapshot: a kept state of a machine's disks.

use switchback_sim::SimTime;

use crate::moid::SnapshotMoid;

/// A snapshot. What the disks held then is kept by whoever keeps contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub moid: SnapshotMoid,
    /// Its name.
    pub name: String,
    /// When it was taken.
    pub created: SimTime,
}
