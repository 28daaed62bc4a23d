//! What stands in the way of a failover or of the way home, and goes: a machine that is off in Azure, an agent that has
//! not registered, a name that is taken, a host without room, an address that a test has, a line that is cut.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::recovery::{Network, Settings, Subnet};
use switchback_scenarios::model::words::{
    LinkName, LocationWord, MachineKind, PassingState, StackWord, TaskWord,
};
use switchback_scenarios::model::{
    Action, Churn, DatastoreIndex, Group, GroupIndex, Moment, NewDisks, Pattern, RecoveryPointChoice, Step,
    StepIndex, Subject, VmIndex, When,
};

use super::super::NOWHERE;
use super::super::draw::{by_magnitude, span};
use super::super::servers::reprotect;
use super::super::site;
use super::super::when::{later, sooner};
use super::moves::writes_on;
use super::{MINUTE, SECOND, Telling, push};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The first step of a kind, and the first machine that it is about.
pub(super) fn found(
    scenario: &Scenario,
    is: impl Fn(&Action) -> Option<Subject>,
) -> Option<(usize, Subject, VmIndex)> {
    scenario.timeline.iter().enumerate().find_map(|(at, step)| {
        let subject = is(&step.action)?;
        Some((at, subject, *scenario.members(subject).first()?))
    })
}

/// The first reprotect of the way home: the one before any failback.
pub(super) fn way_home(scenario: &Scenario) -> Option<(usize, Subject, VmIndex)> {
    found(scenario, |action| match action {
        Action::Reprotect { subject, .. } => Some(*subject),
        _ => None,
    })
}

/// The first failback, planned or not.
pub(super) fn coming_home(scenario: &Scenario) -> Option<(usize, Subject, VmIndex)> {
    found(scenario, |action| match action {
        Action::Failback { subject, .. } | Action::PlannedFailover { subject, .. } => Some(*subject),
        _ => None,
    })
}

/// The first planned failover.
fn planned_failover(scenario: &Scenario) -> Option<(usize, Subject, VmIndex)> {
    found(scenario, |action| match action {
        Action::PlannedFailover { subject, .. } => Some(*subject),
        _ => None,
    })
}

/// Lets a step follow the one before it soon.
fn hurry(telling: &mut Telling<'_>, scenario: &mut Scenario, at: usize) {
    if let When::After { plus, .. } = &mut scenario.timeline[at].when {
        *plus = span(telling.chance, SECOND..=2 * MINUTE);
    }
}

/// Agents in Azure take their time, and the way home is to begin before that is over.
pub(super) fn before_it_has_registered(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let Some((at, ..)) = way_home(scenario) else { return false };
    scenario.region.agent_registration = span(telling.chance, 6 * MINUTE..=15 * MINUTE);
    for earlier in 1..=at {
        hurry(telling, scenario, earlier);
    }
    true
}

/// Somebody switches a machine off in Azure before its way home begins, and on again later.
pub(super) fn off_in_azure(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let Some((at, _, vm)) = way_home(scenario) else { return false };
    if let When::After { plus, .. } = &mut scenario.timeline[at].when {
        *plus = span(telling.chance, MINUTE..=5 * MINUTE);
    }
    let moment = Moment::State { vm, is: PassingState::FailoverCommitted };
    let plus = span(telling.chance, SECOND..=MINUTE / 2);
    let off = push(scenario, When::Moment { moment, plus }, Action::StopInAzure(vm));
    let plus = span(telling.chance, 8 * MINUTE..=30 * MINUTE);
    push(scenario, When::After { step: off, plus }, Action::StartInAzure(vm));
    true
}

/// A machine on the master target's host is to come home to another place on it: its name is taken there. Then it comes
/// home to where it was.
pub(super) fn name_is_taken(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let Some((at, subject, _)) = way_home(scenario).filter(|_| !site::is_apart(scenario)) else {
        return false;
    };
    let further = DatastoreIndex(scenario.site.datastores.len());
    scenario.site.datastores.push(site::datastore(&format!("ds-further-{}", further.0), 1));
    // One host, so that every machine is on that of the master target.
    scenario.site.hosts = 1;
    for store in &mut scenario.site.datastores {
        store.reach = vec![0];
    }
    let asked = scenario.timeline[at].when;
    scenario.timeline[at].when = later(asked, span(telling.chance, 5 * MINUTE..=20 * MINUTE));
    let mut elsewhere = reprotect(subject);
    if let Action::Reprotect { location, datastore, .. } = &mut elsewhere {
        (*location, *datastore) = (LocationWord::Alternate, NewDisks::In(further));
    }
    push(scenario, asked, elsewhere);
    true
}

/// The line home is cut, or hardly carries anything, when the last changes of a planned failover are to come over it.
pub(super) fn last_changes_are_late(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let Some((.., vm)) = planned_failover(scenario) else { return false };
    writes_on(telling, scenario, vm);
    let lasts = span(telling.chance, 12 * MINUTE..=30 * MINUTE);
    let moment = match telling.chance.below(3) {
        0 => Moment::Task { vm, task: TaskWord::SynchronizeLatest },
        1 => Moment::Task { vm, task: TaskWord::ShutDownSource },
        _ => Moment::State { vm, is: PassingState::FailingBack },
    };
    let bad = telling.bad_line(LinkName::Wan, lasts);
    push(scenario, When::Moment { moment, plus: Duration::ZERO }, bad);
    true
}

/// A planned failover shuts a machine down that has just written more than its capture pool takes, over a line that makes
/// that last: places wait to be read then, and the last marker has to wait for them.
pub(super) fn shut_down_behind(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let Some((at, _, vm)) = planned_failover(scenario) else { return false };
    let pool = MIB * telling.chance.in_range(1..=2);
    let rate = pool * telling.chance.in_range(2..=3);
    let every = Duration::from_secs(telling.chance.in_range(20..=40));
    let block = 64 << 10;
    let machine = &mut scenario.vms[vm.0];
    machine.capture_pool = pool;
    machine.churn = Some(Churn {
        rate: 1,
        pattern: Pattern::Bursts { every, lasts: SECOND, rate },
        block_min: block,
        block_max: block,
        disk: None,
        after: None,
        source: NOWHERE,
    });
    let bandwidth = by_magnitude(telling.chance, 1_000_000..=4_000_000);
    let slow = Action::Slow { link: LinkName::Wan, bandwidth, lasts: 10 * MINUTE };
    push(scenario, sooner(scenario.timeline[at].when, 2 * MINUTE), slow);
    true
}

/// A machine comes home to a new place on a host whose memory another machine has taken, until somebody switches that one
/// off.
pub(super) fn no_room_at_home(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let (Some((at, _, vm)), Some((.., vm_home))) = (coming_home(scenario), way_home(scenario)) else {
        return false;
    };
    if way_home(scenario).is_none_or(|(first, ..)| first > at)
        || vm != vm_home
        || has_room_for_no_more(scenario)
    {
        return false;
    }
    let neighbour = neighbour(scenario);
    let at_home: u64 = scenario.vms.iter().map(|vm| vm.memory).sum();
    let memory = at_home.max(4 * GIB) + GIB;
    scenario.site.host_memory = Some(memory);
    scenario.vms[neighbour.0].memory = memory - GIB / 2;
    let moment = Moment::State { vm, is: PassingState::FailingBack };
    let plus = span(telling.chance, MINUTE..=10 * MINUTE);
    push(scenario, When::Moment { moment, plus }, Action::Stop(neighbour));
    true
}

/// The same with a machine that somebody has switched off in Azure, and switches on again before it is asked home once
/// more. What the modernised stack plans is taken back, and never begins again where it ended.
pub(super) fn no_room_and_started_again(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    if scenario.site.stack == StackWord::Modernised || !no_room_at_home(telling, scenario) {
        return false;
    }
    let (Some((reprotect, _, vm)), Some((failback, ..))) = (way_home(scenario), coming_home(scenario)) else {
        return false;
    };
    let off = When::After { step: StepIndex(reprotect), plus: span(telling.chance, SECOND..=MINUTE) };
    push(scenario, off, Action::StopInAzure(vm));
    // Where it never comes to a failback, it is switched on again all the same.
    push(scenario, later(off, 30 * MINUTE), Action::StartInAzure(vm));
    scenario.timeline[failback].when = later(off, span(telling.chance, SECOND..=MINUTE));
    let moment = Moment::State { vm, is: PassingState::FailbackFailed };
    let plus = span(telling.chance, SECOND..=MINUTE / 2);
    push(scenario, When::Moment { moment, plus }, Action::StartInAzure(vm));
    true
}

fn has_room_for_no_more(scenario: &Scenario) -> bool {
    scenario.vms.len() >= 8 || scenario.site.host_memory.is_some()
}

/// Puts the master target on a host and into a datastore of its own, with a machine that stays there, and lets everybody
/// come home to it.
fn neighbour(scenario: &mut Scenario) -> VmIndex {
    let host = scenario.site.hosts;
    scenario.site.hosts += 1;
    let mut store = site::datastore("ds-apart", 0);
    store.reach = vec![host];
    scenario.site.datastores.push(store);
    let datastore = DatastoreIndex(scenario.site.datastores.len() - 1);
    scenario.master_target.datastore = datastore;
    scenario.site.unmanaged.clear();
    scenario.master_targets.clear();
    for Step { action, .. } in &mut scenario.timeline {
        if let Action::Reprotect { master_target, retention_drive, location, .. } = action {
            (*master_target, *retention_drive) = (None, None);
            *location = LocationWord::Alternate;
        }
    }
    let index = VmIndex(scenario.vms.len());
    let group = GroupIndex(scenario.groups.len());
    scenario.groups.push(Group { name: "neighbour".to_owned(), vms: vec![index], source: NOWHERE });
    let mut vm = scenario.vms[0].clone();
    (vm.index, vm.group, vm.datastore) = (index, group, datastore);
    vm.name = "neighbour".to_owned();
    vm.kind = MachineKind::Vmware;
    vm.churn = None;
    vm.disks.truncate(1);
    scenario.vms.push(vm);
    index
}

/// A machine is to have an address of its own in Azure, and the machine of a test failover that nobody has cleaned up has
/// it.
pub(super) fn test_has_the_address(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let failover = found(scenario, |action| match action {
        Action::Failover { subject, .. } => Some(*subject),
        _ => None,
    });
    let alone = failover.filter(|(_, subject, _)| scenario.members(*subject).len() == 1);
    let Some((at, subject, _)) = alone.filter(|_| scenario.region.networks.is_empty()) else {
        return false;
    };
    let first = core::net::Ipv4Addr::new(10, 2, 0, 0);
    let subnet = Subnet { name: "front".to_owned(), first, admits_internet: false };
    scenario.region.networks.push(Network { name: "vnet-dr".to_owned(), subnets: vec![subnet] });
    let number = telling.chance.in_range(4..=250) as u8;
    let change = Settings {
        network: Some("vnet-dr".to_owned()),
        subnet: Some("front".to_owned()),
        address: Some(core::net::Ipv4Addr::new(10, 2, 0, number)),
        ..Settings::default()
    };
    let configured = scenario.timeline[at].when;
    let tested = later(configured, MINUTE);
    let asked = later(tested, span(telling.chance, 4 * MINUTE..=10 * MINUTE));
    scenario.timeline[at].when = asked;
    push(scenario, configured, Action::Configure { subject, change: Box::new(change) });
    let to = RecoveryPointChoice::LatestProcessed;
    let test = push(scenario, tested, Action::TestFailover { subject, to });
    let plus = span(telling.chance, 5 * MINUTE..=20 * MINUTE);
    push(scenario, When::After { step: test, plus }, Action::CleanUpTest(subject));
    true
}
