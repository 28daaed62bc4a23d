//! The journal as it was at one moment, to be kept in the durable store.
//!
//! A checkpoint and the frames appended after it are the journal. Choices and points given up after it are not
//! in the frames; whoever keeps the log records them and repeats them in their place.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::GroupJournal;
use crate::content::Content;

/// What an entry of the index counts for in a checkpoint, and a segment, in bytes. A bound and not a measure: when a checkpoint is
/// due must not depend on how narrow the numbers of an index came out.
const EXTENT_BYTES: u64 = 24;
const SEGMENT_BYTES: u64 = 40;

/// The journal as it was at one moment. Holds the same immutable parts as the journal; taking it copies no index
/// and no payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"))]
pub struct Checkpoint<C: Content> {
    journal: GroupJournal<C>,
}

impl<C: Content> Checkpoint<C> {
    /// The same checkpoint with what it keeps of frames told in another way: as where they are, say, to be written down. Places
    /// in a frame stay what they are.
    pub fn map<D: Content>(&self, tell: &mut impl FnMut(&C::Kept) -> D::Kept) -> Checkpoint<D> {
        let journal = &self.journal;
        Checkpoint {
            journal: GroupJournal {
                spec: Arc::clone(&journal.spec),
                disks: journal.disks.iter().map(|(id, disk)| (*id, disk.map(tell))).collect(),
                points: journal.points.clone(),
                points_changed: journal.points_changed,
                promoted: journal.promoted.clone(),
                promoting: journal.promoting.clone(),
                highest_number: journal.highest_number,
                next_segment: journal.next_segment,
                deleted: journal.deleted.clone(),
            },
        }
    }

    /// What it counts for in the durable store, in bytes: the index and the payload it points at.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let stats = self.journal.stats();
        stats.extents * EXTENT_BYTES + stats.segments * SEGMENT_BYTES + stats.live_bytes
    }
}

impl<C: Content> GroupJournal<C> {
    /// The journal as it is now.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint<C> {
        Checkpoint { journal: self.clone() }
    }

    /// The journal as it was. Its points are known and are not announced again.
    #[must_use]
    pub fn restore(checkpoint: Checkpoint<C>) -> Self {
        checkpoint.journal
    }
}
