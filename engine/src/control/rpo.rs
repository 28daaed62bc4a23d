//! The recovery-point lag: how much would be lost if the machine failed over now.
//!
//! The lag is counted from the instant that the newest point restores, never from the moment the target or the
//! vault heard of it, and it does not shrink because a status is late: silence makes it grow.

use core::time::Duration;

use super::vault::Vault;
use super::vocabulary::ItemState;
use crate::id::MachineId;
use crate::message::Observation;
use crate::time::Instant;

impl Vault {
    /// How old the newest point of a machine is; `None` while there is none to fail over to, or no need to.
    pub(super) fn rpo_lag(&self, machine: MachineId, now: Instant) -> Option<Duration> {
        let item = self.shown.items().get(&machine)?;
        let run = self.shown.group(item.group)?.run(item.generation)?;
        let is_covered = matches!(
            item.state(),
            ItemState::Protected(_) | ItemState::FailingOver(_) | ItemState::FailoverFailed(_)
        );
        run.newest.filter(|_| is_covered).map(|newest| now.since(newest.at))
    }

    /// Looks at the lag when it may pass its alert, if the machine is protected.
    pub(super) fn watch_rpo(&mut self, machine: MachineId) {
        if let Some(at) = self.rpo_alert_at(machine) {
            self.wire.watch_rpo(machine, at);
        }
    }

    fn rpo_alert_at(&self, machine: MachineId) -> Option<Instant> {
        let item = self.item(machine).filter(|item| matches!(item.state(), ItemState::Protected(_)))?;
        let newest = self.run_of(machine)?.newest_instant()?;
        Some(newest + item.policy_in(item.direction()).rpo_alert_after)
    }

    /// Raises or lowers the alert. Called when the lag may have passed its threshold and when there is a new point.
    pub(super) fn check_rpo(&mut self, machine: MachineId) {
        let Some(at) = self.rpo_alert_at(machine) else {
            return;
        };
        let over = self.now >= at;
        if !over {
            self.wire.watch_rpo(machine, at);
        }
        if self.item(machine).is_some_and(|item| item.rpo_alert == over) {
            return;
        }
        if let Some(item) = self.ledger.item_mut(machine) {
            item.rpo_alert = over;
        }
        self.observe(Observation::RpoAlert { machine, over });
    }
}
