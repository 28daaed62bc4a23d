//! When a fault happens: by the clock, around a step of the journey, or at a moment of the workflow.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{PassingState, TaskWord};
use switchback_scenarios::model::{Moment, VmIndex, When};
use switchback_sim::Chance;

use super::draw::{one_in, rather_small, seconds_below, span};
use crate::explore::Weights;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// What is known of a run when its faults are drawn.
pub(super) struct Journey<'a> {
    pub(super) weights: &'a Weights,
    /// How many steps of the timeline are those of the journey.
    pub(super) steps: usize,
    /// How long after t0 the last of them is about due.
    pub(super) until: Duration,
    /// Whether faults fall around them.
    pub(super) around: bool,
}

impl Journey<'_> {
    pub(super) fn when(&self, chance: &mut Chance, scenario: &Scenario) -> When {
        match chance.below(8) {
            0..=2 if self.around && self.steps > 0 => self.around_a_step(chance, scenario),
            0..=3 => When::At(seconds_below(chance, self.until + MINUTE)),
            _ => self.at_a_moment(chance, scenario),
        }
    }

    /// Shortly before or after a step is due.
    fn around_a_step(&self, chance: &mut Chance, scenario: &Scenario) -> When {
        let step = &scenario.timeline[chance.below(self.steps as u64) as usize];
        let by = span(chance, Duration::from_millis(10)..=3 * MINUTE);
        if one_in(chance, 2) { later(step.when, by) } else { sooner(step.when, by) }
    }

    fn at_a_moment(&self, chance: &mut Chance, scenario: &Scenario) -> When {
        let vm = VmIndex(chance.below(scenario.vms.len() as u64) as usize);
        let moment = match chance.below(4) {
            0 => cut_of_a_point(chance, scenario, vm),
            1 | 2 => Moment::State { vm, is: self.weights.pick_state(chance, PassingState::ALL) },
            _ => match chance.pick(TaskWord::ALL) {
                Some(task) => Moment::Task { vm, task: *task },
                None => return When::At(Duration::ZERO),
            },
        };
        let plus = match chance.below(4) {
            0 => Duration::ZERO,
            1 => span(chance, Duration::from_micros(10)..=Duration::from_millis(50)),
            2 => span(chance, Duration::from_millis(50)..=10 * SECOND),
            _ => span(chance, 10 * SECOND..=3 * MINUTE),
        };
        When::Moment { moment, plus }
    }
}

/// One of the first points of a machine's group.
pub(super) fn cut_of_a_point(chance: &mut Chance, scenario: &Scenario, vm: VmIndex) -> Moment {
    Moment::CutsPoint { group: scenario.vms[vm.0].group, number: rather_small(chance, &(1..=12)) }
}

/// So much later than that.
pub(crate) fn later(when: When, by: Duration) -> When {
    match when {
        When::At(at) => When::At(at + by),
        When::After { step, plus } => When::After { step, plus: plus + by },
        When::Moment { moment, plus } => When::Moment { moment, plus: plus + by },
    }
}

/// So much sooner than that, if that is possible.
pub(super) fn sooner(when: When, by: Duration) -> When {
    match when {
        When::At(at) => When::At(at.saturating_sub(by)),
        When::After { step, plus } => When::After { step, plus: plus.saturating_sub(by) },
        When::Moment { moment, plus } => When::Moment { moment, plus: plus.saturating_sub(by) },
    }
}
