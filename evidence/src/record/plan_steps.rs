//! What recovery plans did: where each of their jobs was, and for how long.

use std::collections::BTreeMap;

use switchback_engine::control::{JobState, PlanId, PlanPlace};
use switchback_harness::Outcome;

use super::{Happening, Observation, PlanAction, PlanStep, Scenario, words};
use crate::times::millis;

/// The steps of all plans, in the order in which they began.
pub(super) fn of(scenario: &Scenario, outcome: &Outcome) -> Vec<PlanStep> {
    let mut steps: Vec<PlanStep> = Vec::new();
    let mut open = BTreeMap::new();
    for (at, happening) in &outcome.happenings {
        let Happening::Observed(Observation::Plan { job, plan, kind, place, state }) = happening else {
            continue;
        };
        if let Some(index) = open.remove(job)
            && let Some(step) = steps.get_mut::<usize>(index)
        {
            step.ended_ms = Some(millis(*at));
            step.result = words::job_state(*state).to_owned();
        }
        if *state != JobState::InProgress {
            continue;
        }
        let manual = manual(scenario, *plan, *place);
        let what = manual.map_or_else(|| words::plan_place(*place), str::to_owned);
        open.insert(*job, steps.len());
        steps.push(PlanStep {
            plan: name(scenario, *plan),
            what: format!("{}: {what}", words::job(*kind)),
            began_ms: millis(*at),
            ended_ms: None,
            manual: manual.is_some(),
            result: "not ended".to_owned(),
        });
    }
    steps
}

fn name(scenario: &Scenario, plan: PlanId) -> String {
    scenario.plans.get(plan.0 as usize).map_or_else(|| format!("plan {}", plan.0), |plan| plan.name.clone())
}

/// What people are asked to do at this place, if it is theirs.
fn manual(scenario: &Scenario, plan: PlanId, place: PlanPlace) -> Option<&str> {
    let groups = &scenario.plans.get(plan.0 as usize)?.groups;
    let action = match place {
        PlanPlace::Before { group, action } => groups.get(group)?.before.get(action)?,
        PlanPlace::After { group, action } => groups.get(group)?.after.get(action)?,
        _ => return None,
    };
    match action {
        PlanAction::Manual(what) => Some(what),
        PlanAction::Script(_) => None,
    }
}
