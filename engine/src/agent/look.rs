//! What an agent holds, as plain values for people who look inside a role that stands still. It changes nothing, and
//! no role and no judge reads it.

use super::Agent;
use crate::content::Content;
use crate::id::DiskId;
use crate::message::AgentStatus;
use crate::point::{Marker, WriteOrder};
use crate::time::Instant;

/// What is pending of one disk of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingDisk {
    /// Which disk.
    pub disk: DiskId,
    /// How new writes are kept.
    pub mode: WriteOrder,
    /// Writes in the batch that is being filled.
    pub open_writes: usize,
    /// Batches to be that wait in the order of the stream.
    pub slots: usize,
    /// The first batch that is not acknowledged, and the next one to be made.
    pub batches: (u64, u64),
    /// Places whose content is still to be read again.
    pub places: usize,
    /// Sectors that a first copy or a comparison still has to look at.
    pub sectors_to_copy: u64,
}

impl<C: Content> Agent<C> {
    /// What it says of itself at `now`.
    #[must_use]
    pub fn status_at(&self, now: Instant) -> AgentStatus {
        self.with_sizes(self.status(now))
    }

    /// What is pending of each disk; empty while nothing is replicated.
    #[must_use]
    pub fn pending_disks(&self) -> Vec<PendingDisk> {
        let disks = self.replicating.iter().flat_map(|replicating| &replicating.disks);
        let pending = disks.map(|disk| PendingDisk {
            disk: disk.disk,
            mode: disk.mode,
            open_writes: disk.open.changes.len(),
            slots: disk.slots.len(),
            batches: (disk.window.first_number(), disk.window.next_number()),
            places: disk.places.len(),
            sectors_to_copy: disk.sectors_to_copy(),
        });
        pending.collect()
    }

    /// The marker in the making and how far this machine is with it, in a word.
    #[must_use]
    pub fn raising(&self) -> Option<(Marker, &'static str)> {
        self.replicating.as_ref()?.marks.raising()
    }

    /// Records that are on their way to its durable store.
    #[must_use]
    pub const fn records_unsynced(&self) -> usize {
        self.syncs.len()
    }
}
