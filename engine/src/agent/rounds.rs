//! Rounds: the batches of all disks are closed in one step, so that every round end is a cut of the machine.

use super::Replicating;
use super::capture::{ReadFor, Slot};
use super::config::AgentConfig;
use crate::batch::RoundEnd;
use crate::content::Content;
use crate::point::{Marker, WriteOrder};
use crate::time::Instant;

impl<C: Content> Replicating<C> {
    /// Something waits for the end of a round: the first such thing sets its time.
    pub(super) fn owe_a_round(&mut self, now: Instant, config: &AgentConfig) {
        if !self.owes_a_round {
            self.owes_a_round = true;
            self.next_round_at = now + config.drain_every;
        }
    }

    /// Closes the round when its time has come and something is in it.
    pub(super) fn close_round_if_due(&mut self, now: Instant) {
        if self.owes_a_round && now >= self.next_round_at {
            if self.disks.iter().any(super::capture::DiskCapture::owes_a_round) {
                self.close_round(now, None);
            }
            // A read under way opens the next round when it comes back.
            self.owes_a_round = false;
        }
    }

    /// Closes the round on all disks, with a marker if there is one. A marker must only be given while every disk
    /// keeps its write order.
    pub(super) fn close_round(&mut self, now: Instant, marker: Option<Marker>) {
        let consistent = self.disks.iter().all(|disk| disk.order() == WriteOrder::Data);
        debug_assert!(consistent || marker.is_none(), "a marker where write order is not kept");
        self.rounds += 1;
        let end = RoundEnd { round: self.rounds, consistent, at: now, marker };
        for disk in &mut self.disks {
            disk.close_batch();
            disk.round_is_open = false;
            match disk.slots.back_mut() {
                Some(slot) if slot.round_end.is_none() => slot.round_end = Some(end),
                _ => {
                    let mut empty = Slot::reading(WriteOrder::Data, ReadFor::Nothing, Vec::new());
                    empty.round_end = Some(end);
                    disk.slots.push_back(empty);
                }
            }
        }
    }
}
