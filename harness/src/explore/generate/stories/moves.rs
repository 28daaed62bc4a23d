//! Moves between process servers in trouble: who is left answers late, comes back with much in its cache, is moved on at
//! once, and hears an order twice.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{Component, LinkName};
use switchback_scenarios::model::{
    Action, Churn, DurationRange, NamedProcessServer, Pattern, ProcessServerChoice, Ratio,
    RecoveryPointChoice, Subject, VmIndex, When,
};

use super::super::NOWHERE;
use super::super::draw::{by_magnitude, one_in, pick, span};
use super::super::servers;
use super::super::when::later;
use super::{MILLISECOND, MINUTE, SECOND, Telling, push};

/// An hour of bursts is few enough of them.
const BURSTS_EVERY: core::ops::RangeInclusive<u64> = 20..=60;

/// A machine moves to another process server with much under way: what either of them holds gets away late or never, and
/// as often as not it moves back before that.
pub(super) fn moved_in_trouble(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = (telling.when(scenario), telling.vm(scenario));
    let lasts = span(telling.chance, 30 * SECOND..=10 * MINUTE);
    let trouble = match telling.chance.below(3) {
        0 => telling.bad_line(LinkName::Wan, lasts),
        1 => telling.bad_line(LinkName::Lan, lasts),
        _ => telling.crash(Component::ProcessServer, vm),
    };
    push(scenario, when, trouble);
    let subject = Subject::Vm(vm);
    let within = span(telling.chance, MILLISECOND..=lasts);
    let away = servers::switch(telling.chance, scenario, subject);
    let first = push(scenario, later(when, within), away);
    if one_in(telling.chance, 2) {
        let plus = span(telling.chance, MILLISECOND..=lasts);
        push(scenario, When::After { step: first, plus }, to(subject, ProcessServerChoice::OnPremises));
    }
    if one_in(telling.chance, 3) {
        let who = pick(telling.chance, &[Component::Agent, Component::ProcessServer, Component::Control]);
        let plus = span(telling.chance, MILLISECOND..=MINUTE);
        let crash = telling.crash(who, vm);
        push(scenario, When::After { step: first, plus }, crash);
    }
}

/// The process server that is left answers late, over a network that hardly carries anything, and what is sent to the
/// next one is lost: what the first has counts for nothing any more.
pub(super) fn left_and_late(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = early(telling, scenario);
    writes_on(telling, scenario, vm);
    let lasts = span(telling.chance, 5 * MINUTE..=15 * MINUTE);
    let bandwidth = by_magnitude(telling.chance, 128_000..=8_000_000);
    push(scenario, when, Action::Slow { link: LinkName::Lan, bandwidth, lasts });
    let link = pick(telling.chance, &[LinkName::Lan, LinkName::Wan]);
    push(scenario, when, lossy(telling, link, lasts));
    let near = further_server(telling, scenario);
    let stops = [ProcessServerChoice::Azure, near, ProcessServerChoice::OnPremises];
    let mut at = later(when, span(telling.chance, SECOND..=MINUTE));
    for _ in 0..telling.chance.in_range(4..=8) {
        let stop = pick(telling.chance, &stops);
        push(scenario, at, to(Subject::Vm(vm), stop));
        at = later(at, span(telling.chance, SECOND..=MINUTE));
    }
}

fn lossy(telling: &mut Telling<'_>, link: LinkName, lasts: Duration) -> Action {
    let loss = Ratio { n: telling.chance.in_range(100..=500) as u32, d: 1000 };
    Action::Impair { link, loss, reorder: Ratio::ZERO, duplicate: Ratio::ZERO, lasts }
}

/// The line to the cloud is slow, so that a process server holds much; the machine moves to another one on premises, and
/// back.
pub(super) fn away_and_back(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = early(telling, scenario);
    writes_on(telling, scenario, vm);
    let lasts = span(telling.chance, 8 * MINUTE..=20 * MINUTE);
    let bandwidth = by_magnitude(telling.chance, 64_000..=512_000);
    push(scenario, when, Action::Slow { link: LinkName::Wan, bandwidth, lasts });
    let other = further_server(telling, scenario);
    let subject = Subject::Vm(vm);
    let mut at = later(when, span(telling.chance, 30 * SECOND..=3 * MINUTE));
    for _ in 0..telling.chance.in_range(1..=2) {
        push(scenario, at, to(subject, other));
        at = later(at, span(telling.chance, 30 * SECOND..=2 * MINUTE));
        push(scenario, at, to(subject, ProcessServerChoice::OnPremises));
        at = later(at, span(telling.chance, 30 * SECOND..=2 * MINUTE));
    }
}

/// Two moves are asked for while the agent is down: the second one has to wait for the first.
pub(super) fn one_after_the_other(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = early(telling, scenario);
    let down_for = span(telling.chance, MINUTE..=10 * MINUTE);
    push(scenario, when, Action::Crash { who: Component::Agent, vm: Some(vm), down_for: Some(down_for) });
    let other = further_server(telling, scenario);
    let mut stops = [ProcessServerChoice::Azure, other];
    if one_in(telling.chance, 2) {
        stops.reverse();
    }
    let mut at = when;
    for stop in stops {
        at = later(at, span(telling.chance, SECOND..=MINUTE / 2));
        push(scenario, at, to(Subject::Vm(vm), stop));
    }
}

/// Moves come one after the other over a line on which messages come twice, and late: the order of one may come again
/// when the next was carried out.
pub(super) fn ordered_twice(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = early(telling, scenario);
    writes_on(telling, scenario, vm);
    scenario.wan.latency = DurationRange { min: MILLISECOND, max: 200 * MILLISECOND };
    let share = |n| Ratio { n, d: 1000 };
    let lasts = 5 * MINUTE;
    let bad = Action::Impair {
        link: LinkName::Wan,
        loss: share(1),
        reorder: share(600),
        duplicate: share(900),
        lasts,
    };
    push(scenario, when, bad);
    let other = further_server(telling, scenario);
    let mut at = later(when, SECOND);
    for _ in 0..telling.chance.in_range(8..=12) {
        push(scenario, at, to(Subject::Vm(vm), other));
        at = later(at, telling.chance.in_range(20..=300) as u32 * MILLISECOND);
        push(scenario, at, to(Subject::Vm(vm), ProcessServerChoice::OnPremises));
        at = later(at, telling.chance.in_range(3..=9) as u32 * SECOND);
    }
}

/// A moment at which machines replicate for sure: soon, and the journey begins when the story is over.
fn early(telling: &mut Telling<'_>, scenario: &mut Scenario) -> (When, VmIndex) {
    for step in &mut scenario.timeline[..telling.journey.steps] {
        if let When::At(at) = &mut step.when {
            *at += 20 * MINUTE;
            goes_to_later_point(&mut step.action, 20 * MINUTE);
        }
    }
    (When::At(span(telling.chance, SECOND..=2 * MINUTE)), telling.vm(scenario))
}

/// A point that a step names by its time is as old as before.
fn goes_to_later_point(action: &mut Action, by: Duration) {
    if let Action::Failover { to, .. } | Action::TestFailover { to, .. } | Action::ChangePoint { to, .. } =
        action
        && let RecoveryPointChoice::At(at) = to
    {
        *at += by;
    }
}

/// A process server on premises beside the usual one.
fn further_server(telling: &mut Telling<'_>, scenario: &mut Scenario) -> ProcessServerChoice {
    if scenario.process_servers.is_empty() {
        let cache = 600 << 30;
        let name = "scale-out-1".to_owned();
        scenario.process_servers.push(NamedProcessServer { name, cache, source: NOWHERE });
    }
    ProcessServerChoice::of_number(2 + telling.chance.below(scenario.process_servers.len() as u64) as usize)
}

/// A machine writes some blocks every half a minute or so.
pub(super) fn writes_on(telling: &mut Telling<'_>, scenario: &mut Scenario, vm: VmIndex) {
    let block = 16 << telling.chance.in_range(8..=12);
    let every = Duration::from_secs(telling.chance.in_range(BURSTS_EVERY));
    let rate = block * telling.chance.in_range(4..=32);
    let pattern = Pattern::Bursts { every, lasts: SECOND, rate };
    let churn = Churn {
        rate: 1,
        pattern,
        block_min: block,
        block_max: block,
        disk: None,
        after: None,
        source: NOWHERE,
    };
    scenario.vms[vm.0].churn = Some(churn);
}

const fn to(subject: Subject, to: ProcessServerChoice) -> Action {
    Action::SwitchProcessServer { subject, to }
}
