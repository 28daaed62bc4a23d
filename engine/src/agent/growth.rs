//! Disks of the machine that became larger while it is replicated.
//!
//! The replica has nothing of what lies behind the old end, and what was written there before the agent heard of it was
//! not asked for by anybody: only a comparison of the disks as they are now brings the two together. Until the replica has
//! grown too nothing behind its end can be read there, so such a question is not answered and is asked again.

use super::{Agent, Out};
use crate::content::Content;
use crate::message::{Replication, ResyncReason};
use crate::time::Instant;

impl<C: Content> Agent<C> {
    /// A disk is larger than it was made. A machine that goes down is told again when it starts.
    pub(super) fn disk_grew(&mut self, now: Instant, disk: u8, sectors: u64, out: &mut Out<C>) {
        self.grown.insert(disk, sectors);
        let known = self.replicating.as_ref().and_then(|r| r.terms.disk_sectors.get(usize::from(disk)));
        let is_news = known.is_some_and(|known| *known < sectors);
        if is_news && self.stopping.is_none() {
            self.compare_anew(now, ResyncReason::DiskGrew, None, out);
        }
    }

    /// The terms name the sizes that control knows. A disk that has grown since is replicated as large as it is.
    pub(super) fn fit(&self, terms: &mut Replication) {
        for (index, sectors) in &self.grown {
            if let Some(known) = terms.disk_sectors.get_mut(usize::from(*index)) {
                *known = (*known).max(*sectors);
            }
        }
    }
}
