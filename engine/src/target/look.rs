//! What a target holds, as plain values for people who look inside. It changes nothing, and no judge reads it.

use super::Target;
use crate::batch::StreamKey;
use crate::content::Content;
use crate::id::{DiskId, GroupId, MachineId};
use crate::journal::GroupJournal;
use crate::point::RecoveryPoint;

/// One group at a target.
#[derive(Debug)]
pub struct GroupLook<'t, C: Content> {
    /// Which.
    pub id: GroupId,
    /// Its journal.
    pub journal: &'t GroupJournal<C>,
    /// The streams of its disks, and the number of the next frame of each.
    pub streams: Vec<(StreamKey, u64)>,
    /// Machines that take nothing more, and the point that is recovered of each.
    pub finished: Vec<(MachineId, RecoveryPoint)>,
}

impl<C: Content> Target<C> {
    /// The journals of its groups.
    pub fn journals(&self) -> impl Iterator<Item = (GroupId, &GroupJournal<C>)> {
        self.groups.iter().map(|(id, group)| (id, &group.journal))
    }

    /// Its groups.
    pub fn groups(&self) -> impl Iterator<Item = GroupLook<'_, C>> {
        self.groups.iter().map(|(id, group)| GroupLook {
            id,
            journal: &group.journal,
            streams: group.streams.values().map(|stream| (stream.key, stream.next)).collect(),
            finished: group.finished.iter().map(|(machine, finished)| (*machine, finished.point)).collect(),
        })
    }

    /// The group, or part of one, whose journal takes what comes of a machine.
    #[must_use]
    pub fn group_of_machine(&self, machine: MachineId) -> Option<GroupId> {
        self.groups.of_disk(DiskId { machine, index: 0 })
    }

    /// Comparisons of disks under way, and replica disks being brought forward.
    #[must_use]
    pub fn work_under_way(&self) -> (usize, usize) {
        (self.comparisons.len(), self.writings.len())
    }
}
