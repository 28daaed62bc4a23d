//! Replicated disks: what a disk holds, which of its writes would survive a crash, and the ways it can lie.
//!
//! Start reading at [`VirtualDisk`]; [`fault`] says which lies a disk can be told to tell.
//!
//! What is absent on purpose: time (how long a read takes is a device's matter), who owns a disk and where it is
//! attached, files and their formats. A disk is a plain value: cloning one is how a world is snapshotted.

mod crash;
mod disk;
mod error;
pub mod fault;
mod layers;
mod snapshot;

pub use crash::CrashReport;
pub use disk::{CACHED_WRITES_MAX, VirtualDisk};
pub use error::DiskError;
pub use fault::{FaultCounts, ReadFault, WriteFault};
pub use snapshot::Snapshot;
