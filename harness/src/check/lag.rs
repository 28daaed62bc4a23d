//! Honest RPO: the lag that the vault reports is never smaller than the true one, which is the age of the oldest
//! acknowledged write that the newest recovery point does not hold.

use core::time::Duration;

use switchback_engine::control::ItemState;
use switchback_engine::{Direction, MachineId, Site};

use super::Judge;
use crate::content::Simulated;
use crate::world::{Event, World, instant};

/// One look at a machine's lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LagSample {
    /// When.
    pub at: switchback_sim::SimTime,
    /// Whose.
    pub machine: MachineId,
    /// What the vault reports; `None` while nothing can be recovered.
    pub reported: Option<Duration>,
}

/// In which direction a machine replicates whose lag matters: also while its failover is under way and after one
/// that failed, because what would be lost is what the user then wants to know most.
const fn direction_of(state: ItemState) -> Option<Direction> {
    match state {
        ItemState::Protected(direction)
        | ItemState::FailingOver(direction)
        | ItemState::FailoverFailed(direction) => Some(direction),
        _ => None,
    }
}

impl<C: Simulated> World<C> {
    pub(crate) fn sample(&mut self) {
        for machine in 0..self.spec().machines.len() {
            self.sample_machine(MachineId(machine as u32));
        }
        self.judge_told();
        self.schedule_sample();
    }

    pub(crate) fn schedule_sample(&mut self) {
        self.schedule(self.spec().sample_every(), Event::Sample);
    }

    fn sample_machine(&mut self, machine: MachineId) {
        let now = self.now();
        let Some(control) = self.control() else { return };
        let Some(item) = control.item(machine) else { return };
        let Some(direction) = direction_of(item.state()) else { return };
        let reported = control.rpo_lag(machine, instant(now));
        if matches!(item.state(), ItemState::Protected(_)) {
            self.judges.lags.push(LagSample { at: now, machine, reported });
        }
        let (Some(reported), true) = (reported, self.judges.reads_back) else { return };
        self.judges.looked(Judge::HonestRpo);
        let spread = self.clock_spread();
        let truth = self.true_lag(machine, direction.source());
        if truth.is_some_and(|truth| reported + spread < truth) {
            let what =
                format!("machine {} is reported {reported:?} behind and is {truth:?} behind", machine.0);
            self.found_about(machine, Judge::HonestRpo, what);
        }
    }

    /// The age of the oldest acknowledged write that the newest point does not hold; `None` with no point.
    fn true_lag(&self, machine: MachineId, source: Site) -> Option<Duration> {
        let target = self.target(source.other())?;
        let group = target.group_of_machine(machine)?;
        let newest = target.journal(group)?.points().last()?.id;
        let positions = self.positions_of(source.other(), group, newest)?;
        let (_, position) = positions.iter().find(|(m, _)| *m == machine)?;
        let history = self.history(machine);
        let is_behind = *position < history.len(source);
        Some(if is_behind { self.now() - history.acknowledged_at(source, *position) } else { Duration::ZERO })
    }
}
