//! Replicated disks: what a disk holds, which of its writes would survive a crash, and the ways it can lie.
//!
//! Start reading at [`VirtualDisk`]; [`fault`] says which lies a disk can be told to tell. [`TrackedDisk`] is one
//! with snapshots and changed-block tracking, as vSphere has it.
//!
//! What is absent on purpose: time (how long a read takes is a device's matter), who owns a disk and where it is
//! attached, files and their formats. A disk is a plain value: cloning one is how a world is snapshotted.

mod change_tracking;
mod crash;
mod disk;
mod error;
pub mod fault;
mod layers;
mod snapshot;
mod tracked_disk;

pub use change_tracking::{ChangeId, Epoch, NoChangeId, Since, TRACKED_SECTORS};
pub use crash::CrashReport;
pub use disk::{CACHED_WRITES_MAX, VirtualDisk};
pub use error::DiskError;
pub use fault::{FaultCounts, ReadFault, WriteFault};
pub use snapshot::Snapshot;
pub use tracked_disk::{
    AREAS_MAX, ChangedArea, DiskChangeInfo, Provisioning, SnapshotId, TrackedDisk, TrackingFault,
};
