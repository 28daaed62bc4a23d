//! The schedule of faults: which kind, on what, when, for how long.

use core::time::Duration;

use switchback_engine::content::SECTOR_BYTES;
use switchback_scenarios::Exploration;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{
    Component, DiskFaultKind, DiskOwner, DiskSide, FaultWord, LinkName, LocationWord, OutsideCall,
    OutsideFailure,
};
use switchback_scenarios::model::{
    Action, DatastoreIndex, DiskIndex, ProcessServerChoice, Ratio, SlowDevice, Step, StepIndex, VmIndex, When,
};
use switchback_sim::{Chance, Seed};

use super::conditions;
use super::draw::{by_magnitude, one_in, pick, rather_small, span};
use super::journey::step;
use super::leanings::Leanings;
use super::stories::{self, Telling};
use super::when::Journey;
use crate::explore::Weights;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Adds faults to the timeline.
pub(super) fn draw(
    seed: &Seed,
    ranges: &Exploration,
    leanings: Leanings,
    journey: &Journey<'_>,
    scenario: &mut Scenario,
) {
    let mut chance = seed.chance("faults");
    let kinds = switched_on(&mut chance, ranges, journey.weights);
    if kinds.is_empty() {
        return;
    }
    let most = scenario.timeline.len() + rather_small(&mut chance, &ranges.faults) as usize;
    for number in 0..most {
        if scenario.timeline.len() >= most {
            return;
        }
        let Some(kind) = journey.weights.pick_fault(&mut chance, &kinds) else { return };
        // A generator for each fault: one that is taken away reshuffles none of the others.
        let mut own = seed.chance(&format!("fault {number}"));
        if leanings.stories && !one_in(&mut own, 3) {
            let telling = Telling { chance: &mut own, journey };
            // A story brings its kinds with it; only what the ranges leave out is out of the question.
            if stories::tell(telling, &ranges.kinds, scenario) {
                continue;
            }
        }
        let when = journey.when(&mut own, scenario);
        add(&mut own, kind, when, scenario);
    }
}

/// A disk grows by no more than this, in bytes: what is read back in every judgement.
const GROWTH_MAX: u64 = 64 << 20;

/// The kinds of this run: each is on in half of the runs.
fn switched_on(chance: &mut Chance, ranges: &Exploration, weights: &Weights) -> Vec<FaultWord> {
    let on: Vec<FaultWord> = ranges.kinds.iter().copied().filter(|_| one_in(chance, 2)).collect();
    match (on.is_empty(), weights.pick_fault(chance, &ranges.kinds)) {
        (true, Some(kind)) => vec![kind],
        _ => on,
    }
}

fn add(chance: &mut Chance, kind: FaultWord, when: When, scenario: &mut Scenario) {
    let action = action(chance, kind, scenario);
    let first = StepIndex(scenario.timeline.len());
    let undo = match &action {
        Action::Stop(vm) => Some(Action::Start(*vm)),
        Action::Start(vm) => Some(Action::Stop(*vm)),
        Action::StopInAzure(vm) => Some(Action::StartInAzure(*vm)),
        Action::Break { vm, what } => conditions::undo(chance, *vm, *what),
        Action::Snapshot(vm) if one_in(chance, 2) => Some(Action::RemoveSnapshots(*vm)),
        _ => None,
    };
    scenario.timeline.push(step(when, action));
    if let Some(undo) = undo {
        let plus = span(chance, 10 * SECOND..=20 * MINUTE);
        scenario.timeline.push(step(When::After { step: first, plus }, undo));
    }
}

/// By one sector at least, and to twice its size at most.
fn resize(chance: &mut Chance, vm: VmIndex, scenario: &Scenario) -> Action {
    let disks = &scenario.vms[vm.0].disks;
    let disk = DiskIndex(chance.below(disks.len() as u64) as usize);
    let size = disks[disk.0].size;
    let more = chance.in_range(1..=size.min(GROWTH_MAX) / SECTOR_BYTES) * SECTOR_BYTES;
    Action::ResizeDisk { vm, disk, size: size + more }
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
            let down_for = Some(down(chance));
            Action::Crash { who, vm, down_for }
        }
        FaultWord::Fail => Action::Fail {
            call: pick(chance, OutsideCall::ALL),
            times: times(chance),
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
            Action::SlowDisk { who, latency: span(chance, Duration::from_millis(1)..=10 * SECOND), lasts }
        }
        FaultWord::Snapshot => Action::Snapshot(vm),
        FaultWord::RemoveSnapshots => Action::RemoveSnapshots(vm),
        FaultWord::ResizeDisk => resize(chance, vm, scenario),
        FaultWord::Delete => Action::Delete(vm),
        FaultWord::Move => Action::Move { vm, datastore: move_to(chance, scenario) },
        FaultWord::Vmotion => {
            Action::Vmotion { vm, host: chance.below(u64::from(scenario.site.hosts)) as u32 }
        }
        FaultWord::MoveMasterTarget => Action::MoveMasterTarget { datastore: datastore(chance, scenario) },
        FaultWord::Start => Action::Start(vm),
        FaultWord::Stop => Action::Stop(vm),
        FaultWord::StopInAzure => Action::StopInAzure(vm),
        FaultWord::StartInAzure => Action::StartInAzure(vm),
        FaultWord::Destroy => Action::Destroy,
        FaultWord::Probe => Action::Probe(ProcessServerChoice::of_number(chance.below(2) as usize)),
        FaultWord::Break => conditions::breaks(chance, vm, scenario),
        FaultWord::Repair => conditions::repairs(chance, vm, scenario),
    }
}

fn link(chance: &mut Chance) -> LinkName {
    match chance.below(8) {
        0 => LinkName::Fabric,
        1 | 2 => LinkName::Lan,
        _ => LinkName::Wan,
    }
}

/// A role, and whose agent if it is one.
fn role(chance: &mut Chance, vm: VmIndex) -> (Component, Option<VmIndex>) {
    let who = pick(chance, Component::ALL);
    (who, vm_of(who, vm))
}

/// The machine whose agent it is, if a role is one.
pub(super) fn vm_of(who: Component, vm: VmIndex) -> Option<VmIndex> {
    (who == Component::Agent).then_some(vm)
}

/// Mostly moments; now and then longer than anybody waits.
fn down(chance: &mut Chance) -> Duration {
    match chance.below(16) {
        0 => span(chance, 40 * MINUTE..=180 * MINUTE),
        _ => span(chance, Duration::from_millis(1)..=5 * MINUTE),
    }
}

/// Mostly what is made up for by asking again; now and then more than that.
fn times(chance: &mut Chance) -> u32 {
    if one_in(chance, 6) { by_magnitude(chance, 6..=60) as u32 } else { rather_small(chance, &(1..=6)) }
}

/// Nothing, or some thousandths.
fn ratio(chance: &mut Chance, most: u64) -> Ratio {
    if one_in(chance, 2) { Ratio { n: chance.in_range(1..=most) as u32, d: 1000 } } else { Ratio::ZERO }
}

/// Who moves a new machine out of the datastore of its alternate location cannot have another one there: its name is
/// taken, and the site refuses as documented.
fn move_to(chance: &mut Chance, scenario: &Scenario) -> DatastoreIndex {
    let is_alternate =
        |step: &Step| matches!(step.action, Action::Reprotect { location: LocationWord::Alternate, .. });
    match scenario.timeline.iter().any(is_alternate) {
        true => scenario.master_target.datastore,
        false => datastore(chance, scenario),
    }
}

fn datastore(chance: &mut Chance, scenario: &Scenario) -> DatastoreIndex {
    DatastoreIndex(chance.below(scenario.site.datastores.len() as u64) as usize)
}
