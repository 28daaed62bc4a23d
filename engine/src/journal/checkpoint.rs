//! The journal as it was at one moment, to be kept in the durable store.
//!
//! A checkpoint and the frames appended after it are the journal. Choices and points given up after it are not
//! in the frames; whoever keeps the log records them and repeats them in their place.

use super::GroupJournal;
use crate::content::Content;

/// The journal as it was at one moment. Holds the same immutable parts as the journal; taking it copies no index
/// and no payload.
#[derive(Debug, Clone)]
pub struct Checkpoint<C: Content> {
    journal: GroupJournal<C>,
}

impl<C: Content> Checkpoint<C> {
    /// What it weighs in the durable store, in bytes: the index and the payload it points at.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let stats = self.journal.stats();
        stats.index_bytes + stats.live_bytes
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
