//! The driver that follows the disks, when it no longer does.
//!
//! From then on nobody tells what is written, so no cut is consistent any more, whatever is compared or sent. Only a
//! restart of the machine brings the driver back, and then the disks are compared.

use super::{AfterSync, Agent, AgentRecord, Out};
use crate::conditions::FilterLoss;
use crate::content::Content;
use crate::message::Observation;
use crate::role::Effect;
use crate::time::Instant;

impl<C: Content> Agent<C> {
    /// The driver no longer follows the disks.
    pub(super) fn filter_lost(&mut self, now: Instant, why: FilterLoss, out: &mut Out<C>) {
        if self.filter_lost.replace(why).is_some() {
            return;
        }
        self.drop_barrier(now, out);
        self.leave_unfollowed(out);
    }

    /// Takes note of it in the session that is under way, and for the next life.
    pub(super) fn leave_unfollowed(&mut self, out: &mut Out<C>) {
        let Some((why, r)) = self.filter_lost.zip(self.replicating.as_mut()) else { return };
        r.disks.iter_mut().for_each(|disk| disk.is_followed = false);
        out.push(Effect::Observe(Observation::FilterLost { machine: self.config.machine, why }));
        self.record(AgentRecord::Unfollowed, AfterSync::GoOn, out);
    }
}
