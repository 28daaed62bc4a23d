//! Replicated disks: what a disk holds, which of its writes would survive a crash, and the ways it can lie.
//!
//! Start reading at [`VirtualDisk`]; [`fault`] says which lies a disk can be told to tell. [`TrackedDisk`] is one
//! with snapshots and changed-block tracking, as vSphere has it.
//!
//! What is absent on purpose: time (how long a read takes is a device's matter), who owns a disk and where it is
//! attached, and how files are called. A disk is a plain value: cloning one is how a world is snapshotted. [`ByteFile`]
//! is a file of real bytes, [`Image`] how either is read, and [`vmdk`] the formats in which disks go in and out.

mod byte_file;
mod change_tracking;
mod crash;
mod difference;
mod disk;
mod error;
pub mod fault;
mod image;
mod layers;
mod snapshot;
mod tracked_disk;
pub mod vmdk;

pub use byte_file::ByteFile;
pub use change_tracking::{ChangeId, Epoch, NoChangeId, Since, TRACKED_SECTORS};
pub use crash::CrashReport;
pub use disk::{CACHED_WRITES_MAX, VirtualDisk};
pub use error::DiskError;
pub use fault::{FaultCounts, ReadFault, WriteFault};
pub use image::{BlockImage, Image, read_snapshot, sectors_around};
pub use snapshot::Snapshot;
pub use tracked_disk::{
    AREAS_MAX, ChangedArea, DiskChangeInfo, Provisioning, SnapshotId, TrackedDisk, TrackingFault,
};
