//! What a client asks of a recovery plan, as commands of the engine's control role.

use serde_json::Value;
use switchback_engine::control::{
    Command, JobKind, JobState, Operation, PlanCommand, PlanJob, PlanOperation, PlannedPoint, ReprotectWay,
};
use switchback_engine::message::Selector;
use switchback_engine::{Direction, MachineId};

use super::plan::{PlanFile, invalid, plan_below};
use super::route::Answer;
use super::work::Work;
use super::{Arm, Rehearsal, Request, Response};
use crate::vocabulary;

/// What may be asked of a plan, in the order in which the service lists it.
const LISTED: [Operation; 6] = [
    Operation::PlannedFailover,
    Operation::Failover,
    Operation::TestFailover,
    Operation::CleanUpTest,
    Operation::Commit,
    Operation::Reprotect,
];

impl Arm {
    /// An action on a plan, by its word in small letters.
    pub(super) fn act_on_plan<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        action: &str,
        r: &mut R,
    ) -> Answer {
        let plan = self.plan_named(name)?.clone();
        let properties = request.json()?["properties"].clone();
        let operation = match action {
            "failovercancel" => return self.cancel_plan(request, &plan, r),
            "testfailover" => {
                let (to, multi_vm) = selector(&properties, Selector::LatestProcessed, &plan, r)?;
                PlanOperation::TestFailover { to, multi_vm }
            }
            "unplannedfailover" => {
                let shut_down_source = properties["sourceSiteOperations"] == "Required";
                let newest = if shut_down_source { Selector::Latest } else { Selector::LatestProcessed };
                let (to, multi_vm) = selector(&properties, newest, &plan, r)?;
                // Home, the machines in Azure are always shut down first.
                let shut_down_source = shut_down_source || direction(&plan, r) == Direction::Reverse;
                PlanOperation::Failover { to, multi_vm, shut_down_source }
            }
            "plannedfailover" => PlanOperation::PlannedFailover { to: planned_point(&properties)? },
            "testfailovercleanup" => PlanOperation::CleanUpTest,
            "failovercommit" => PlanOperation::Commit,
            "reprotect" => PlanOperation::Reprotect(self.way_of_plan(&plan, &properties, r)?),
            _ => {
                let segments = ["replicationRecoveryPlans", name, action];
                return Err(super::route::not_answered(request.method, &segments));
            }
        };
        if action == "testfailover" {
            let machines: Vec<MachineId> = plan.machines().collect();
            self.test_network(&machines, &properties["networkId"], r)?;
        }
        self.start_plan(request, &plan, operation, r)
    }

    /// The engine's plan has no actions that are for some operations only: it is given those that are for this one.
    fn start_plan<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        plan: &PlanFile,
        operation: PlanOperation,
        r: &mut R,
    ) -> Answer {
        let word = match operation {
            PlanOperation::Failover { .. } => "UnplannedFailover",
            PlanOperation::PlannedFailover { .. } => "PlannedFailover",
            PlanOperation::TestFailover { .. } => "TestFailover",
            PlanOperation::CleanUpTest => "TestFailoverCleanup",
            PlanOperation::Commit => "Commit",
            PlanOperation::Reprotect(_) => "SwitchProtection",
        };
        let now = r.now();
        let wanted = Some((word, direction(plan, r)));
        let engine = plan.for_engine(wanted)?;
        self.asked(Command::Plan(PlanCommand::Save(engine)), r)?;
        let command = Command::Plan(PlanCommand::Start(plan.id, operation));
        let (job, response) = self.begin(request, &plan_below(&plan.name), command, r)?;
        let names = plan.action_names(wanted).into_iter();
        self.action_names.extend(names.map(|(place, name)| ((job, place), name)));
        if let Some(plan) = self.plans.get_mut(&plan.name.to_ascii_lowercase()) {
            plan.job = Some(job);
            match operation {
                PlanOperation::TestFailover { .. } => plan.tested_at = Some(now),
                PlanOperation::Failover { .. } => plan.failed_over_at = Some(now),
                PlanOperation::PlannedFailover { .. } => plan.planned_at = Some(now),
                _ => {}
            }
        }
        self.note_on_items(plan, operation, r);
        Ok(response)
    }

    /// What is done with a plan is done with its machines.
    fn note_on_items<R: Rehearsal>(&mut self, plan: &PlanFile, operation: PlanOperation, r: &R) {
        for machine in plan.machines() {
            let Some(item) = self.items.of_machine_mut(machine) else { continue };
            match operation {
                PlanOperation::TestFailover { .. } => item.tested_at = Some(r.now()),
                PlanOperation::Failover { .. } | PlanOperation::PlannedFailover { .. } => {
                    item.failed_over_at = Some(r.now());
                }
                PlanOperation::Reprotect(_) => {
                    (item.tested_at, item.failed_over_at, item.home_policy) = (None, None, None);
                }
                PlanOperation::CleanUpTest | PlanOperation::Commit => {}
            }
        }
    }

    fn cancel_plan<R: Rehearsal>(&mut self, request: &Request<'_>, plan: &PlanFile, r: &mut R) -> Answer {
        let command = Command::Plan(PlanCommand::Cancel(plan.id));
        self.begin(request, &plan_below(&plan.name), command, r).map(|(_, response)| response)
    }

    /// A client that reprotects a plan says nothing of the way, or what it would say of a machine. Home goes through the
    /// first of the servers and to the first of the datastores then.
    fn way_of_plan<R: Rehearsal>(
        &self,
        plan: &PlanFile,
        properties: &Value,
        r: &R,
    ) -> Result<ReprotectWay, Response> {
        let first = plan.machines().next().ok_or_else(|| invalid("The recovery plan has no machine."))?;
        let given = &properties["providerSpecificDetails"];
        let given = given.as_array().and_then(|all| all.first()).unwrap_or(given);
        if given["instanceType"].is_string() {
            return self.way(first, given, r);
        }
        let mut way = self.default_way(first, r);
        way.datastore =
            (direction(plan, r) == Direction::Forward).then_some(switchback_engine::DatastoreId(0));
        Ok(way)
    }

    /// Carries on a plan that waits for people.
    pub(super) fn resume_job<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        r: &mut R,
    ) -> Answer {
        let id = self.job_names.find(name, r).ok_or_else(|| Response::no_such(name))?;
        let comments = request.json()?["properties"]["comments"].as_str().unwrap_or_default().to_owned();
        let (plan, place) = match Work::of(id, r) {
            Some(Work::Plan(job)) if job.waits_for().is_some() => (job.plan.id, job.place),
            _ => {
                let message = format!("The job '{name}' waits for nobody: it cannot be resumed.");
                return Err(Response::error(409, "JobNotSuspended", &message));
            }
        };
        self.asked(Command::Plan(PlanCommand::Resume(plan)), r)?;
        self.observations.insert((id, place), comments);
        Ok(self.goes_on(request, id, &format!("replicationJobs/{name}"), r))
    }
}

/// The direction in which the machines of a plan replicate.
pub(super) fn direction<R: Rehearsal>(plan: &PlanFile, r: &R) -> Direction {
    let first = plan.machines().find_map(|machine| r.vault()?.item(machine));
    first.map_or(Direction::Forward, switchback_engine::control::ProtectedItem::direction)
}

/// `allowedOperations` of a plan: what its machines allow, if no job of it is under way. While a test is to be cleaned up,
/// that and nothing else.
pub(super) fn allowed<R: Rehearsal>(plan: &PlanFile, r: &R) -> Vec<&'static str> {
    if let Some(Work::Plan(job)) = plan.job.and_then(|id| Work::of(id, r))
        && job.state == JobState::InProgress
    {
        return if may_be_cancelled(job) { vec!["CancelFailover"] } else { Vec::new() };
    }
    let Some(vault) = r.vault() else { return Vec::new() };
    let machines: Vec<Vec<Operation>> = plan.machines().map(|it| vault.allowed_operations(it)).collect();
    let any = |operation: Operation| machines.iter().any(|allowed| allowed.contains(&operation));
    if any(Operation::CleanUpTest) {
        return vec!["TestFailoverCleanup"];
    }
    LISTED.into_iter().filter(|operation| any(*operation)).filter_map(vocabulary::operation).collect()
}

/// The engine cancels a plan on its way away, and a planned failover home.
pub(super) fn may_be_cancelled(job: &PlanJob) -> bool {
    job.kind == JobKind::PlannedFailover
        || (job.kind == JobKind::Failover && job.direction == Direction::Forward)
}

/// What the input says for the provider that the machines of the plan have now, and whether machines of a group go to a
/// point that they share.
fn selector<R: Rehearsal>(
    properties: &Value,
    otherwise: Selector,
    plan: &PlanFile,
    r: &R,
) -> Result<(Selector, bool), Response> {
    let provider = vocabulary::provider(r.premises().stack, direction(plan, r));
    let inputs = properties["providerSpecificDetails"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(input) = inputs.iter().find(|input| input["instanceType"] == provider) else {
        return match inputs.first() {
            None => Ok((otherwise, false)),
            Some(_) => Err(invalid(&format!(
                "The machines of the plan replicate with {provider}: no input is for it."
            ))),
        };
    };
    let multi_vm = input["useMultiVmSyncPoint"].as_str().is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let to = match input["recoveryPointType"].as_str() {
        None => otherwise,
        Some("Latest" | "LatestTime") => Selector::Latest,
        Some("LatestProcessed") => Selector::LatestProcessed,
        Some("LatestApplicationConsistent" | "LatestTag") => Selector::LatestApplication,
        Some("LatestCrashConsistent") => Selector::LatestCrash,
        Some(other) => {
            let message = format!("'{other}' is no recoveryPointType of a recovery plan for {provider}.");
            return Err(invalid(&message));
        }
    };
    Ok((to, multi_vm))
}

fn planned_point(properties: &Value) -> Result<PlannedPoint, Response> {
    let inputs = properties["providerSpecificDetails"].as_array().map_or(&[][..], Vec::as_slice);
    let input = inputs.iter().find(|input| input["instanceType"] == "InMageRcmFailback");
    match input.and_then(|input| input["recoveryPointType"].as_str()) {
        Some("CrashConsistent") | None => Ok(PlannedPoint::CrashConsistent),
        Some("ApplicationConsistent") => Ok(PlannedPoint::ApplicationConsistent),
        Some(other) => Err(invalid(&format!(
            "'{other}' is no recoveryPointType; CrashConsistent and ApplicationConsistent are."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_failover_goes_to_either_kind_of_point_and_to_no_other() {
        let input = |kind: &str| serde_json::json!({ "providerSpecificDetails": [{ "instanceType": "InMageRcmFailback", "recoveryPointType": kind }] });
        assert_eq!(planned_point(&input("ApplicationConsistent")), Ok(PlannedPoint::ApplicationConsistent));
        assert_eq!(planned_point(&Value::Null), Ok(PlannedPoint::CrashConsistent));
        assert!(planned_point(&input("LatestTag")).is_err());
    }
}
