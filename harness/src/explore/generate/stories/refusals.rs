//! What is refused until somebody sets it right: an account that may only look, a machine that another is listed in place
//! of, a master target where there is none, a storage account that takes nothing. And what comes late: a comparison that
//! waits for its hours, one machine of a plan's test, one that comes home by another way than its group.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::conditions::ConditionWord;
use switchback_scenarios::model::words::{Component, OutsideCall, StackWord};
use switchback_scenarios::model::{
    Action, DailyHours, DatastoreIndex, Group, MasterTargetIndex, NamedMasterTarget, RecoveryPointChoice,
    Subject, VmIndex, When, standard_drives,
};

use super::super::NOWHERE;
use super::super::draw::span;
use super::super::servers::reprotect;
use super::super::site;
use super::super::when::later;
use super::homeward::{coming_home, found, way_home};
use super::moves::writes_on;
use super::{MINUTE, SECOND, Telling, push};

/// Hours that begin this long after the run does end when the day does.
const DAY: Duration = Duration::from_hours(24);

/// Something is the matter for a while.
fn breaks_for_a_while(
    telling: &mut Telling<'_>,
    scenario: &mut Scenario,
    when: When,
    (vm, what): (Option<VmIndex>, ConditionWord),
) {
    let first = push(scenario, when, Action::Break { vm, what });
    let plus = span(telling.chance, 2 * MINUTE..=20 * MINUTE);
    push(scenario, When::After { step: first, plus }, Action::Repair { vm, what });
}

/// The account may only look when a machine is to come home, and may do everything again later.
pub(super) fn nothing_may_be_changed(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let Some((at, ..)) = coming_home(scenario) else { return false };
    let when = scenario.timeline[at].when;
    scenario.timeline[at].when = later(when, span(telling.chance, SECOND..=MINUTE));
    breaks_for_a_while(telling, scenario, when, (None, ConditionWord::ReadOnlyAccount));
    true
}

/// A group that nobody walks is protected anew while another machine is listed in place of one of it.
pub(super) fn listed_for_another(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let subjects = || scenario.timeline.iter().filter_map(|step| walks(&step.action));
    let walked = |vm: &VmIndex| subjects().any(|subject| scenario.members(subject).contains(vm));
    let rests = |group: &&Group| !group.vms.iter().any(walked);
    let idle = scenario.groups.iter().find(rests).and_then(|group| group.vms.first().copied());
    let Some(vm) = idle else { return false };
    let group = scenario.vms[vm.0].group;
    let when = telling.when(scenario);
    let over = push(scenario, when, Action::Disable(Subject::Group(group)));
    let plus = span(telling.chance, 5 * MINUTE..=20 * MINUTE);
    let listed = When::After { step: over, plus };
    let again = later(listed, span(telling.chance, SECOND..=MINUTE));
    breaks_for_a_while(telling, scenario, listed, (Some(vm), ConditionWord::SameIdentifier));
    push(scenario, again, Action::Protect(group));
    true
}

/// Whose walk begins with a step.
const fn walks(first: &Action) -> Option<Subject> {
    match first {
        Action::Failover { subject, .. }
        | Action::TestFailover { subject, .. }
        | Action::Configure { subject, .. }
        | Action::SwitchProcessServer { subject, .. }
        | Action::Resync(subject)
        | Action::Disable(subject)
        | Action::ChangeFailbackPolicy(subject) => Some(*subject),
        _ => None,
    }
}

/// Somebody names a master target to the modernised stack, which has none, and then does not.
pub(super) fn master_target_for_an_appliance(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let home = way_home(scenario).filter(|_| scenario.site.stack == StackWord::Modernised);
    let Some((at, subject, _)) = home else { return false };
    let asked = scenario.timeline[at].when;
    scenario.timeline[at].when = later(asked, span(telling.chance, 5 * MINUTE..=20 * MINUTE));
    let mut named = reprotect(subject);
    if let Action::Reprotect { master_target, .. } = &mut named {
        *master_target = Some(MasterTargetIndex(0));
    }
    push(scenario, asked, named);
    true
}

/// The storage account that frames land in takes nothing for a while, and much is written.
pub(super) fn account_takes_nothing(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let vm = telling.vm(scenario);
    writes_on(telling, scenario, vm);
    let when = telling.when(scenario);
    breaks_for_a_while(telling, scenario, when, (None, ConditionWord::CacheAccountBlocked));
}

/// A machine loses power long before the hours in which comparisons are made.
pub(super) fn waits_for_its_hours(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let vm = telling.vm(scenario);
    writes_on(telling, scenario, vm);
    let begins = span(telling.chance, Duration::from_mins(70)..=Duration::from_mins(150));
    scenario.policy.automatic_resync = Some(DailyHours { begins, lasts: DAY - begins });
    let when = telling.when(scenario);
    let crash = telling.crash(Component::Agent, vm);
    push(scenario, when, crash);
}

/// Azure is late with what it knows of one machine when a plan is tested from a point that its machines share: the others
/// have their disks by then, and there is a newer point.
pub(super) fn late_in_the_test_of_a_plan(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let failover = found(scenario, |action| match action {
        Action::Failover { subject: subject @ Subject::Plan(_), .. } => Some(*subject),
        _ => None,
    });
    let Some((at, subject, _)) = failover.filter(|(at, ..)| *at == 0) else {
        return false;
    };
    scenario.policy.crash_consistent_every = MINUTE;
    let asked = scenario.timeline[at].when;
    let tested = later(asked, SECOND);
    scenario.timeline[at].when = later(asked, span(telling.chance, 40 * MINUTE..=60 * MINUTE));
    let by = span(telling.chance, 5 * MINUTE..=12 * MINUTE);
    push(scenario, asked, Action::Delay { call: OutsideCall::GetMachine, by, times: 1 });
    let to = RecoveryPointChoice::LatestMultiVmProcessed;
    let test = push(scenario, tested, Action::TestFailover { subject, to });
    let plus = span(telling.chance, 15 * MINUTE..=25 * MINUTE);
    push(scenario, When::After { step: test, plus }, Action::CleanUpTest(subject));
    true
}

/// A group is asked home, and one machine of it later than the others and through another master target than those have.
pub(super) fn through_another_master_target(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let is_group = |subject: &Subject| matches!(subject, Subject::Group(_));
    let home = way_home(scenario).filter(|(_, subject, _)| is_group(subject));
    let Some((at, subject, first)) = home.filter(|_| scenario.site.stack == StackWord::Classic) else {
        return false;
    };
    let members = scenario.members(subject).to_vec();
    if members.len() < 2 || site::is_apart(scenario) {
        return false;
    }
    let asked = scenario.timeline[at].when;
    scenario.timeline[at].action = reprotect(Subject::Vm(first));
    for vm in &members[1..] {
        let number = MasterTargetIndex(1 + scenario.master_targets.len());
        scenario.master_targets.push(further(telling, scenario, *vm));
        let mut named = reprotect(Subject::Vm(*vm));
        if let Action::Reprotect { master_target, .. } = &mut named {
            *master_target = Some(number);
        }
        push(scenario, later(asked, span(telling.chance, MINUTE / 2..=15 * MINUTE)), named);
        writes_on(telling, scenario, *vm);
    }
    true
}

/// A master target that takes a machine.
fn further(telling: &mut Telling<'_>, scenario: &Scenario, vm: VmIndex) -> NamedMasterTarget {
    NamedMasterTarget {
        name: format!("mt-further-{}", scenario.master_targets.len() + 1),
        datastore: DatastoreIndex(telling.chance.below(scenario.site.datastores.len() as u64) as usize),
        os: scenario.vms[vm.0].os,
        authenticating_proxy: false,
        drives: standard_drives(),
        source: NOWHERE,
    }
}
