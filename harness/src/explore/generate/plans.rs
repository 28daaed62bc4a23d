//! Recovery plans: now and then the groups of a site are walked together, as the machines of a plan, with scripts between
//! the groups of it. Nobody waits for people in what is drawn: a failover that fails is asked for again, and nobody can
//! say beforehand how often somebody has to come.

use core::time::Duration;

use switchback_scenarios::model::words::JourneyWord;
use switchback_scenarios::model::{
    GroupIndex, PlanAction, PlanGroup, PlanIndex, PlanScript, RecoveryPlan, RecoveryPointChoice, Scenario,
    Subject, VmIndex,
};
use switchback_sim::Chance;

use super::NOWHERE;
use super::draw::{one_in, span};

/// One run in so many has a plan.
const PLAN_ONE_IN: u64 = 4;
/// No plan has more groups here; the limits of the product have tests of their own.
const GROUPS_MAX: u64 = 4;

/// Adds a plan of some of the groups, or of one, and says which groups they are.
pub(super) fn add(chance: &mut Chance, scenario: &mut Scenario) -> Vec<GroupIndex> {
    if !one_in(chance, PLAN_ONE_IN) {
        return Vec::new();
    }
    let all = (0..scenario.groups.len()).map(GroupIndex);
    let of_plan: Vec<GroupIndex> = all.filter(|group| group.0 == 0 || !one_in(chance, 3)).collect();
    let mut groups: Vec<PlanGroup> = Vec::new();
    for vm in of_plan.iter().flat_map(|group| scenario.groups[group.0].vms.clone()) {
        let count = groups.len() as u64;
        // Machines of one consistency group start in groups of the plan of their own, as often as not.
        let at = if count < GROUPS_MAX { chance.below(count + 1) } else { chance.below(count) };
        match groups.get_mut(at as usize) {
            Some(group) => group.vms.push(vm),
            None => groups.push(group(chance, vm)),
        }
    }
    scenario.plans.push(RecoveryPlan::new("plan-1".to_owned(), groups, NOWHERE));
    of_plan
}

fn group(chance: &mut Chance, vm: VmIndex) -> PlanGroup {
    let (before, after) = (scripts(chance, "before", vm), scripts(chance, "after", vm));
    PlanGroup { vms: vec![vm], before, after }
}

fn scripts(chance: &mut Chance, when: &str, vm: VmIndex) -> Vec<PlanAction> {
    if !one_in(chance, 4) {
        return Vec::new();
    }
    let takes = span(chance, Duration::from_millis(1)..=Duration::from_mins(10));
    let place = format!("{when}-{}", vm.0 + 1);
    vec![PlanAction::Script(PlanScript { is_web_hook: one_in(chance, 2), place, takes, fails: None })]
}

/// The plan, as what steps are about.
pub(super) const PLAN: Subject = Subject::Plan(PlanIndex(0));

/// Whether a step is done with plans.
pub(super) const fn can(word: JourneyWord) -> bool {
    matches!(
        word,
        JourneyWord::Failover
            | JourneyWord::Cancel
            | JourneyWord::TestFailover
            | JourneyWord::CleanUpTest
            | JourneyWord::Commit
            | JourneyWord::Reprotect
            | JourneyWord::Failback
            | JourneyWord::PlannedFailover
    )
}

/// What a plan goes to where a group would go there: to no single point, now and then to the newest crash-consistent one, and as
/// often as not to one that machines share.
pub(super) fn point(chance: &mut Chance, to: RecoveryPointChoice) -> RecoveryPointChoice {
    use RecoveryPointChoice as To;
    let is_crash = one_in(chance, 3);
    match (to, one_in(chance, 2)) {
        (To::LatestProcessed | To::At(_), true) if is_crash => To::LatestMultiVmCrashConsistent,
        (To::LatestProcessed | To::At(_), false) if is_crash => To::LatestCrashConsistent,
        (To::Latest, true) => To::LatestMultiVm,
        (To::LatestProcessed | To::At(_), true) => To::LatestMultiVmProcessed,
        (To::LatestAppConsistent, true) => To::LatestMultiVmAppConsistent,
        (To::At(_), false) => To::LatestProcessed,
        (to, _) => to,
    }
}
