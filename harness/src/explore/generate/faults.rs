//! The schedule of faults: which kind, on what, when, for how long.

use core::time::Duration;

use switchback_scenarios::Exploration;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{
    Component, DiskFaultKind, DiskOwner, DiskSide, FaultWord, LinkName, OutsideCall, OutsideFailure,
    PassingState, TaskWord,
};
use switchback_scenarios::model::{
    Action, DatastoreIndex, DiskIndex, Moment, Ratio, SlowDevice, StepIndex, VmIndex, When,
};
use switchback_sim::{Chance, Seed};

use super::draw::{by_magnitude, one_in, rather_small, seconds_below, span};
use super::journey::step;
use crate::explore::Weights;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Adds faults to the timeline. They are spread over the span of the journey and a little beyond.
pub(super) fn draw(
    seed: &Seed,
    ranges: &Exploration,
    weights: &Weights,
    span: Duration,
    scenario: &mut Scenario,
) {
    let mut chance = seed.chance("faults");
    let kinds = switched_on(&mut chance, ranges, weights);
    if kinds.is_empty() {
        return;
    }
    for number in 0..rather_small(&mut chance, &ranges.faults) {
        let Some(kind) = weights.pick_fault(&mut chance, &kinds) else { return };
        // A generator for each fault: one that is taken away reshuffles none of the others.
        let mut own = seed.chance(&format!("fault {number}"));
        let when = moment(&mut own, weights, scenario, span);
        add(&mut own, kind, when, scenario);
    }
}

/// The kinds of this run: each is on in half of the runs.
fn switched_on(chance: &mut Chance, ranges: &Exploration, weights: &Weights) -> Vec<FaultWord> {
    let on: Vec<FaultWord> = ranges.kinds.iter().copied().filter(|_| one_in(chance, 2)).collect();
    match (on.is_empty(), weights.pick_fault(chance, &ranges.kinds)) {
        (true, Some(kind)) => vec![kind],
        _ => on,
    }
}

/// By the clock, or by the state of the workflow.
fn moment(chance: &mut Chance, weights: &Weights, scenario: &Scenario, until: Duration) -> When {
    let vm = VmIndex(chance.below(scenario.vms.len() as u64) as usize);
    let moment = match chance.below(8) {
        0..=3 => return When::At(seconds_below(chance, until + 5 * MINUTE)),
        4 => Moment::CutsPoint { group: scenario.vms[vm.0].group, number: rather_small(chance, &(1..=12)) },
        5 | 6 => Moment::State { vm, is: weights.pick_state(chance, PassingState::ALL) },
        _ => match chance.pick(TaskWord::ALL) {
            Some(task) => Moment::Task { vm, task: *task },
            None => return When::At(Duration::ZERO),
        },
    };
    let plus = match chance.below(3) {
        0 => Duration::ZERO,
        1 => span(chance, Duration::from_micros(10)..=SECOND),
        _ => span(chance, SECOND..=3 * MINUTE),
    };
    When::Moment { moment, plus }
}

fn add(chance: &mut Chance, kind: FaultWord, when: When, scenario: &mut Scenario) {
    let action = action(chance, kind, scenario);
    let first = StepIndex(scenario.timeline.len());
    let undo = match &action {
        Action::Stop(vm) => Some(Action::Start(*vm)),
        Action::Start(vm) => Some(Action::Stop(*vm)),
        Action::Snapshot(vm) if one_in(chance, 2) => Some(Action::RemoveSnapshots(*vm)),
        _ => None,
    };
    scenario.timeline.push(step(when, action));
    if let Some(undo) = undo {
        let plus = span(chance, 10 * SECOND..=20 * MINUTE);
        scenario.timeline.push(step(When::After { step: first, plus }, undo));
    }
}

fn action(chance: &mut Chance, kind: FaultWord, scenario: &Scenario) -> Action {
    let vm = VmIndex(chance.below(scenario.vms.len() as u64) as usize);
    let lasts = span(chance, SECOND..=20 * MINUTE);
    match kind {
        FaultWord::Cut => Action::Cut { link: link(chance), lasts },
        FaultWord::Slow => {
            Action::Slow { link: link(chance), bandwidth: by_magnitude(chance, 64_000..=50_000_000), lasts }
        }
        FaultWord::Impair => Action::Impair {
            link: link(chance),
            // At least one of the shares is given.
            loss: Ratio { n: chance.in_range(1..=300) as u32, d: 1000 },
            reorder: ratio(chance, 300),
            duplicate: ratio(chance, 300),
            lasts,
        },
        FaultWord::Crash => {
            let (who, vm) = role(chance, vm);
            let down_for = Some(span(chance, Duration::from_millis(1)..=5 * MINUTE));
            Action::Crash { who, vm, down_for }
        }
        FaultWord::Fail => Action::Fail {
            call: pick(chance, OutsideCall::ALL),
            times: rather_small(chance, &(1..=6)),
            with: pick(chance, OutsideFailure::ALL),
        },
        FaultWord::Delay => Action::Delay {
            call: pick(chance, OutsideCall::ALL),
            by: span(chance, SECOND..=20 * MINUTE),
            times: rather_small(chance, &(1..=4)),
        },
        FaultWord::DiskFull => Action::DiskFull { who: pick(chance, DiskOwner::ALL), lasts },
        FaultWord::Skew => {
            let (who, vm) = role(chance, vm);
            let by = span(chance, Duration::from_millis(1)..=10 * MINUTE);
            Action::Skew { who, vm, ahead: one_in(chance, 2), by, lasts: one_in(chance, 2).then_some(lasts) }
        }
        FaultWord::DiskFault => Action::DiskFault {
            vm,
            disk: DiskIndex(chance.below(scenario.vms[vm.0].disks.len() as u64) as usize),
            side: pick(chance, DiskSide::ALL),
            kind: pick(chance, DiskFaultKind::ALL),
        },
        FaultWord::SlowDisk => {
            let who = if one_in(chance, 2) { SlowDevice::Replica } else { SlowDevice::Machine(vm) };
            Action::SlowDisk { who, latency: span(chance, Duration::from_millis(1)..=2 * SECOND), lasts }
        }
        FaultWord::Snapshot => Action::Snapshot(vm),
        FaultWord::RemoveSnapshots => Action::RemoveSnapshots(vm),
        FaultWord::Move => Action::Move { vm, datastore: datastore(chance, scenario) },
        FaultWord::MoveMasterTarget => Action::MoveMasterTarget { datastore: datastore(chance, scenario) },
        FaultWord::Start => Action::Start(vm),
        FaultWord::Stop => Action::Stop(vm),
        FaultWord::Destroy => Action::Destroy,
    }
}

fn pick<T: Copy>(chance: &mut Chance, words: &[T]) -> T {
    words[chance.below(words.len() as u64) as usize]
}

fn link(chance: &mut Chance) -> LinkName {
    if one_in(chance, 4) { LinkName::Lan } else { LinkName::Wan }
}

/// A role, and whose agent if it is one.
fn role(chance: &mut Chance, vm: VmIndex) -> (Component, Option<VmIndex>) {
    let who = pick(chance, Component::ALL);
    (who, (who == Component::Agent).then_some(vm))
}

/// Nothing, or some thousandths.
fn ratio(chance: &mut Chance, most: u64) -> Ratio {
    if one_in(chance, 2) { Ratio { n: chance.in_range(1..=most) as u32, d: 1000 } } else { Ratio::ZERO }
}

fn datastore(chance: &mut Chance, scenario: &Scenario) -> DatastoreIndex {
    DatastoreIndex(chance.below(scenario.site.datastores.len() as u64) as usize)
}
