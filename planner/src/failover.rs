//! How long the recovery plans of a file take, from a run in which each is failed over.

use core::time::Duration;
use std::sync::Arc;

use serde::Serialize;
use switchback_harness::Outcome;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::{
    Action, PlanAction, PlanIndex, RecoveryPlan, RecoveryPointChoice, Step, Subject, When,
};

use crate::PlanError;
use crate::measure::{Run, guarded, unjudged};
use crate::variant;

/// How long after the first copy a plan is failed over: there are recovery points of every kind by then.
const FAILED_OVER_AFTER: Duration = Duration::from_mins(70);

/// How long a recovery plan takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanTime {
    /// The plan.
    pub plan: String,
    /// Its machines.
    pub machines: usize,
    /// From the request until the applications of the last machine answered; `None` if one of them did not.
    #[serde(serialize_with = "crate::units::seconds_or_null")]
    pub takes: Option<Duration>,
    /// Steps that people do. What they take is not in the time.
    pub manual_steps: usize,
}

/// The time of every plan, each from a run of its own over a line of so many bits a second.
pub(crate) fn plan_times(scenario: &Scenario, bandwidth: u64, run: Run) -> Result<Vec<PlanTime>, PlanError> {
    (0..scenario.plans.len()).map(|plan| plan_time(scenario, PlanIndex(plan), bandwidth, run)).collect()
}

fn plan_time(scenario: &Scenario, plan: PlanIndex, bandwidth: u64, run: Run) -> Result<PlanTime, PlanError> {
    let mut variant = variant::churn_only(scenario, bandwidth, run.batch_every);
    let manual_steps = without_people(&mut variant.plans[plan.0]);
    variant.timeline.push(Step {
        name: "failover".to_owned(),
        when: When::At(FAILED_OVER_AFTER),
        action: Action::Failover {
            subject: Subject::Plan(plan),
            to: RecoveryPointChoice::Latest,
            shutdown: true,
        },
        fails: None,
        source: scenario.plans[plan.0].source,
    });
    let variant = Arc::new(variant);
    let outcome = guarded(bandwidth, || Ok(unjudged(&variant)?.run(|_| {})))?;
    let written = &scenario.plans[plan.0];
    let takes = longest(&outcome, written.vms.len());
    Ok(PlanTime { plan: written.name.clone(), machines: written.vms.len(), takes, manual_steps })
}

/// From the request to the last answer, if all machines gave one.
fn longest(outcome: &Outcome, machines: usize) -> Option<Duration> {
    let asked = outcome.failovers.iter().map(|failover| failover.asked_at).min()?;
    let answers: Option<Vec<_>> = outcome.failovers.iter().map(|failover| failover.answers_at).collect();
    let last = answers.filter(|answers| answers.len() == machines)?.into_iter().max()?;
    Some(last - asked)
}

/// Takes the steps out that people do, and counts them: nobody is there to say that they are done.
fn without_people(plan: &mut RecoveryPlan) -> usize {
    let mut taken = 0;
    for actions in plan.groups.iter_mut().flat_map(|group| [&mut group.before, &mut group.after]) {
        let before = actions.len();
        actions.retain(|action| !matches!(action, PlanAction::Manual(_)));
        taken += before - actions.len();
    }
    taken
}
