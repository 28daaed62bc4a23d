//! What the journal knows of one disk, as plain values for people who look inside. It changes nothing, and no judge
//! reads it.

use super::GroupJournal;
use crate::content::Content;
use crate::id::DiskId;
use crate::point::PointId;

/// The journal of one disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskLook {
    /// Sealed epochs over the base, oldest first.
    pub epochs: Vec<EpochLook>,
    /// Parts of the tail after the newest point.
    pub tail_parts: usize,
    /// Frames in them.
    pub tail_frames: u64,
    /// Runs of sectors in them.
    pub tail_runs: u64,
    /// Payload of the tail, in bytes.
    pub tail_bytes: u64,
    /// Cuts in the tail that may still become a point.
    pub cuts: usize,
    /// The point that the base disk was made equal to, if it was.
    pub promoted: Option<PointId>,
}

/// Everything written between two points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochLook {
    /// The point at its end.
    pub end: PointId,
    /// Runs of sectors in it.
    pub runs: u64,
    /// Its payload, in bytes.
    pub bytes: u64,
}

impl<C: Content> GroupJournal<C> {
    /// What it knows of a disk; `None` if the disk is not of the group.
    #[must_use]
    pub fn look(&self, disk: DiskId) -> Option<DiskLook> {
        let mut look = self.disks.get(&disk)?.look();
        look.promoted = self.promoted.get(&disk.machine).copied();
        Some(look)
    }
}
