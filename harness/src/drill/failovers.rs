//! What each failover asked for, recovered, lost, and how long it took.

use core::time::Duration;

use serde::Serialize;
use switchback_engine::control::{Command, ItemState};
use switchback_engine::{Consistency, Direction, MachineId, RecoveryPoint};
use switchback_sim::SimTime;

use super::Drill;
use crate::content::Simulated;
use crate::truth::Loss;
use crate::world::BOOT_TIME;

/// A failover of one machine, in either direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failover {
    /// Whose.
    pub machine: MachineId,
    /// Which way.
    pub direction: Direction,
    /// When it was asked for.
    pub asked_at: SimTime,
    /// The point that was recovered.
    pub point: Option<RecoveryPoint>,
    /// When the machine's applications answered again.
    pub answers_at: Option<SimTime>,
    /// What was lost: acknowledged by the applications before the failover was asked for, and not there any more.
    pub loss: Option<Loss>,
    /// What the source went on writing afterwards, because it was not shut down. It is given up by the failover.
    pub written_on: Option<Loss>,
    /// What was lost, in time: from the newest write that is there to the newest that was acknowledged before the
    /// failover was asked for. Zero when nothing was lost.
    pub rpo: Option<Duration>,
    /// Recoveries of the machine when it was asked for.
    #[serde(skip)]
    recoveries_before: usize,
}

impl Failover {
    /// From the request until the applications answered.
    #[must_use]
    pub fn rto(&self) -> Option<Duration> {
        Some(self.answers_at? - self.asked_at)
    }

    /// What the recovered point promises.
    #[must_use]
    pub fn consistency(&self) -> Option<Consistency> {
        self.point.map(|point| point.consistency)
    }
}

impl<C: Simulated> Drill<C> {
    /// Notes that a failover is asked for. Asking again because the first time was too early is the same failover.
    pub(super) fn note_failover(&mut self, machine: MachineId, command: &Command) {
        for machine in self.failing_over(machine, command) {
            self.note_failover_of(machine);
        }
    }

    fn note_failover_of(&mut self, machine: MachineId) {
        let direction = match self.world.judges().state(machine) {
            ItemState::Protected(direction)
            | ItemState::Synchronising(direction)
            | ItemState::FailedOver(direction)
            | ItemState::FailoverFailed(direction) => direction,
            _ => Direction::Forward,
        };
        let open = |failover: &&mut Failover| failover.machine == machine && failover.answers_at.is_none();
        let asked_at = self.world.now();
        if let Some(again) = self.failovers.iter_mut().find(open) {
            (again.asked_at, again.direction) = (asked_at, direction);
            return;
        }
        let recoveries = self.world.judges().recoveries().iter();
        let recoveries_before = recoveries.filter(|recovery| recovery.machine == machine).count();
        self.failovers.push(Failover {
            machine,
            direction,
            asked_at,
            point: None,
            answers_at: None,
            loss: None,
            written_on: None,
            rpo: None,
            recoveries_before,
        });
    }

    /// Fills in what has become known of failovers under way.
    pub(super) fn follow_failovers(&mut self) {
        for failover in self.failovers.iter_mut().filter(|failover| failover.answers_at.is_none()) {
            let machine = failover.machine;
            let mut recoveries = self.world.judges().recoveries().iter().filter(|r| r.machine == machine);
            let Some(recovery) = recoveries.nth(failover.recoveries_before) else { continue };
            let history = self.world.history(machine);
            let source = recovery.site.other();
            let asked_for = history.position_at(source, failover.asked_at);
            failover.answers_at = Some(recovery.at + BOOT_TIME);
            let asked_for = asked_for.max(recovery.position);
            failover.loss = Some(history.loss_between(source, recovery.position, asked_for));
            failover.written_on = Some(history.loss_between(source, asked_for, usize::MAX));
            failover.point = self
                .world
                .control()
                .and_then(|control| control.item(machine))
                .and_then(|item| item.chosen_point());
            failover.rpo = Some(if asked_for > recovery.position {
                let kept = recovery.position.checked_sub(1).map(|last| history.acknowledged_at(source, last));
                history.acknowledged_at(source, asked_for - 1) - kept.unwrap_or(SimTime::ZERO)
            } else {
                Duration::ZERO
            });
        }
    }
}
