//! What people are told of: who is silent for longer than a quarter of an hour, applications that do not pause for hours,
//! caches that do not drain, machines that change too much for a while, drivers that stop before an orderly restart.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::conditions::ConditionWord;
use switchback_scenarios::model::words::{Component, DiskOwner, LinkName};
use switchback_scenarios::model::{Action, Churn, DiskIndex, Pattern, When};

use super::super::NOWHERE;
use super::super::draw::{one_in, pick, span};
use super::super::faults::vm_of;
use super::super::when::later;
use super::moves::writes_on;
use super::{MINUTE, SECOND, Telling, push};

const MIB: u64 = 1 << 20;

/// Somebody is down, or a line is cut, for longer than anybody calls a moment, and is heard of again.
pub(super) fn silent_for_long(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = (telling.when(scenario), telling.vm(scenario));
    let lasts = span(telling.chance, 10 * MINUTE..=60 * MINUTE);
    let action = match telling.chance.below(4) {
        0 => Action::Cut { link: pick(telling.chance, LinkName::ALL), lasts },
        _ => {
            let who = pick(telling.chance, Component::ALL);
            Action::Crash { who, vm: vm_of(who, vm), down_for: Some(lasts) }
        }
    };
    if one_in(telling.chance, 2) {
        writes_on(telling, scenario, vm);
    }
    push(scenario, when, action);
}

/// The applications of a machine do not pause for hours, so that points are made of which none is theirs.
pub(super) fn never_pauses(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let vm = telling.vm(scenario);
    scenario.policy.app_consistent_every.get_or_insert(15 * MINUTE);
    scenario.policy.retain_recovery_points_for =
        scenario.policy.retain_recovery_points_for.max(Duration::from_hours(3));
    let os = scenario.vms[vm.0].os;
    let keeps = |word: &&ConditionWord| word.keeps_from_pausing() && word.goes_with(os);
    let words: Vec<ConditionWord> = ConditionWord::ALL.iter().filter(keeps).copied().collect();
    let Some(what) = telling.chance.pick(&words).copied() else { return };
    let when = When::At(span(telling.chance, SECOND..=5 * MINUTE));
    let first = push(scenario, when, Action::Break { vm: Some(vm), what });
    let plus = span(telling.chance, 70 * MINUTE..=150 * MINUTE);
    push(scenario, When::After { step: first, plus }, Action::Repair { vm: Some(vm), what });
}

/// Whoever takes what a process server forwards does not: what it has forwarded before drains nothing.
pub(super) fn drains_no_more(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = (telling.when(scenario), telling.vm(scenario));
    writes_on(telling, scenario, vm);
    let lasts = span(telling.chance, 16 * MINUTE..=40 * MINUTE);
    let (who, store) = pick(
        telling.chance,
        &[(Component::Target, DiskOwner::Target), (Component::MasterTarget, DiskOwner::MasterTarget)],
    );
    let action = if one_in(telling.chance, 2) {
        Action::Crash { who, vm: None, down_for: Some(lasts) }
    } else {
        Action::DiskFull { who: store, lasts }
    };
    push(scenario, when, action);
}

/// Now and then a machine writes more than can be sent for a minute or some, and next to nothing between; the line to the
/// cloud becomes slow after that.
pub(super) fn changes_too_much(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let vm = telling.vm(scenario);
    let lasts = Duration::from_secs(telling.chance.in_range(65..=240));
    let every = Duration::from_mins(telling.chance.in_range(25..=60));
    let rate = telling.chance.in_range(22..=26) * MIB;
    let pattern = Pattern::Bursts { every, lasts, rate };
    // All of it to one disk.
    let disk = (scenario.vms[vm.0].disks.len() > 1).then_some(DiskIndex(0));
    let (rest, block) = (1, MIB / 2);
    scenario.vms[vm.0].churn = Some(Churn {
        rate: rest,
        pattern,
        block_min: block,
        block_max: block,
        disk,
        after: None,
        source: NOWHERE,
    });
    // Nobody who answers it makes it more.
    for other in &mut scenario.vms {
        if let Some(churn) = other.churn.as_mut().filter(|churn| churn.after == Some(vm)) {
            churn.after = None;
        }
    }
    scenario.lan.bandwidth = scenario.lan.bandwidth.max(1_000_000_000);
    scenario.wan.bandwidth = scenario.wan.bandwidth.max(100_000_000);
    let slow = telling.bad_line(LinkName::Wan, 10 * MINUTE);
    push(scenario, When::At(every + lasts + 5 * MINUTE), slow);
}

/// The driver of a machine stops following its disks, and somebody restarts the machine in order.
pub(super) fn unfollowed_and_restarted(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = (telling.when(scenario), telling.vm(scenario));
    writes_on(telling, scenario, vm);
    let os = scenario.vms[vm.0].os;
    let stops = |word: &&ConditionWord| word.ends_with_restart() && word.goes_with(os);
    let words: Vec<ConditionWord> = ConditionWord::ALL.iter().filter(stops).copied().collect();
    let Some(what) = telling.chance.pick(&words).copied() else { return };
    push(scenario, when, Action::Break { vm: Some(vm), what });
    let within = span(telling.chance, MINUTE..=10 * MINUTE);
    let off = push(scenario, later(when, within), Action::Stop(vm));
    let plus = span(telling.chance, 10 * SECOND..=5 * MINUTE);
    push(scenario, When::After { step: off, plus }, Action::Start(vm));
}
