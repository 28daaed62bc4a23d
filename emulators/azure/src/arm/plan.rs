//! Recovery plans: what clients file, how the vault shows it, and how it becomes a plan of the engine (site-recovery 6,
//! recording-modernized 7).
//!
//! A plan of the service has a group for the shutdown, one for the failover, and the groups that start one after the
//! other. The engine has the last; what stands behind the failover group is done before the first of them starts.

use serde_json::{Value, json};
use switchback_engine::control::{
    Command, JobId, ManualAction, Plan, PlanAction, PlanCommand, PlanGroup, PlanId, PlanPlace,
};
use switchback_engine::script::Script;
use switchback_engine::{Direction, MachineId};
use switchback_sim::SimTime;

use super::names::last_of;
use super::route::Answer;
use super::time::stamp_of;
use super::work::Work;
use super::{Arm, Rehearsal, Request, Response, plan_jobs};
use crate::vocabulary;

const KIND: &str = "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans";
const AZURE: &str = "Microsoft Azure";

/// A plan as a client has filed it.
#[derive(Debug, Clone)]
pub(super) struct PlanFile {
    pub(super) name: String,
    pub(super) id: PlanId,
    primary_fabric: String,
    recovery_fabric: String,
    model: String,
    groups: Vec<FiledGroup>,
    /// Its last job, and when it last was for a test, an unplanned and a planned failover.
    pub(super) job: Option<JobId>,
    pub(super) tested_at: Option<SimTime>,
    pub(super) failed_over_at: Option<SimTime>,
    pub(super) planned_at: Option<SimTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GroupKind {
    Shutdown,
    Failover,
    Boot,
}

/// A group as it was filed.
#[derive(Debug, Clone)]
struct FiledGroup {
    kind: GroupKind,
    machines: Vec<MachineId>,
    before: Vec<Value>,
    after: Vec<Value>,
}

/// What a plan is to be carried out for: its actions are for some operations and directions only.
pub(super) type For = Option<(&'static str, Direction)>;

impl Arm {
    /// Everything about recovery plans; `segments` are below the vault, `words` the same in small letters.
    pub(super) fn plans<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        words: &[&str],
        r: &mut R,
    ) -> Answer {
        match (request.method, &words[1..]) {
            ("GET", []) => Response::page(request, self.plans.values(), |plan| self.plan(plan, false, r)),
            ("GET", [_]) => Ok(Response::ok(self.plan(self.plan_named(segments[1])?, true, r))),
            ("PUT", [_]) => self.create_plan(request, segments[1], r),
            ("PATCH", [_]) => self.update_plan(request, segments[1], r),
            ("DELETE", [name]) => {
                let id = self.plan_named(segments[1])?.id;
                self.asked(Command::Plan(PlanCommand::Delete(id)), r)?;
                self.plans.remove(*name);
                Ok(self.done_at_once(request, &plan_below(segments[1]), r))
            }
            ("POST", [_, action]) => self.act_on_plan(request, segments[1], action, r),
            _ => Err(super::route::not_answered(request.method, segments)),
        }
    }

    pub(super) fn plan_named(&self, name: &str) -> Result<&PlanFile, Response> {
        self.plans.get(&name.to_ascii_lowercase()).ok_or_else(|| Response::no_such(name))
    }

    fn create_plan<R: Rehearsal>(&mut self, request: &Request<'_>, name: &str, r: &mut R) -> Answer {
        let properties = request.json()?["properties"].clone();
        let text = |key: &str| {
            let found = properties[key].as_str().filter(|it| !it.is_empty());
            found.map(str::to_owned).ok_or_else(|| invalid(&format!("properties.{key} is required.")))
        };
        let known = self.plans.get(&name.to_ascii_lowercase());
        let id = known.map_or(PlanId(self.plans_made), |plan| plan.id);
        let file = PlanFile {
            name: name.to_owned(),
            id,
            primary_fabric: fabric(&text("primaryFabricId")?, r)?,
            recovery_fabric: fabric(&text("recoveryFabricId")?, r)?,
            model: text("failoverDeploymentModel").unwrap_or_else(|_| "ResourceManager".to_owned()),
            groups: self.groups_of(&properties["groups"], r)?,
            job: None,
            tested_at: None,
            failed_over_at: None,
            planned_at: None,
        };
        let response = self.save_plan(request, file, r)?;
        self.plans_made = self.plans_made.max(id.0 + 1);
        Ok(response)
    }

    /// The groups are replaced as a whole.
    fn update_plan<R: Rehearsal>(&mut self, request: &Request<'_>, name: &str, r: &mut R) -> Answer {
        let mut file = self.plan_named(name)?.clone();
        let groups = request.json()?["properties"]["groups"].clone();
        if !groups.is_null() {
            file.groups = self.groups_of(&groups, r)?;
        }
        self.save_plan(request, file, r)
    }

    fn save_plan<R: Rehearsal>(&mut self, request: &Request<'_>, file: PlanFile, r: &mut R) -> Answer {
        self.asked(Command::Plan(PlanCommand::Save(file.for_engine(None)?)), r)?;
        let below = plan_below(&file.name);
        self.plans.insert(file.name.to_ascii_lowercase(), file);
        Ok(self.done_at_once(request, &below, r))
    }

    fn groups_of<R: Rehearsal>(&self, groups: &Value, r: &R) -> Result<Vec<FiledGroup>, Response> {
        let groups = groups.as_array().ok_or_else(|| invalid("properties.groups is required."))?;
        let mut filed = groups.iter().map(|group| self.group_of(group, r)).collect::<Result<Vec<_>, _>>()?;
        // The service adds the first two itself, and puts them first (recording-modernized 7).
        for (place, kind) in [GroupKind::Shutdown, GroupKind::Failover].into_iter().enumerate() {
            let found = filed.iter().position(|group| group.kind == kind).map(|at| filed.remove(at));
            if filed.iter().any(|group| group.kind == kind) {
                return Err(invalid(&format!("A recovery plan has one {kind:?} group.")));
            }
            let none = FiledGroup { kind, machines: Vec::new(), before: Vec::new(), after: Vec::new() };
            filed.insert(place, found.unwrap_or(none));
        }
        if let Some(group) = filed[..2].iter().find(|group| !group.machines.is_empty()) {
            let message = format!("The {:?} group is of all machines, and names none.", group.kind);
            return Err(invalid(&message));
        }
        let (shutdown, failover) = (&filed[0], &filed[1]);
        if [&shutdown.before, &shutdown.after, &failover.before]
            .into_iter()
            .any(|actions| !actions.is_empty())
        {
            let message = "Actions before or after the shutdown of all machines are not emulated; those before a group \
                           starts are.";
            return Err(Response::error(501, "OperationNotEmulated", message));
        }
        Ok(filed)
    }

    fn group_of<R: Rehearsal>(&self, group: &Value, r: &R) -> Result<FiledGroup, Response> {
        let kind = match group["groupType"].as_str().unwrap_or_default() {
            "Shutdown" => GroupKind::Shutdown,
            "Failover" => GroupKind::Failover,
            "Boot" => GroupKind::Boot,
            other => {
                let message = format!("'{other}' is no groupType; Shutdown, Failover and Boot are.");
                return Err(invalid(&message));
            }
        };
        let items = group["replicationProtectedItems"].as_array().map_or(&[][..], Vec::as_slice);
        let machine = |item: &Value| {
            let name = last_of(item["id"].as_str().unwrap_or_default());
            self.filed(name, r).map(|filed| filed.machine)
        };
        let machines = items.iter().map(machine).collect::<Result<Vec<_>, _>>()?;
        let actions = |key: &str| group[key].as_array().cloned().unwrap_or_default();
        let filed = FiledGroup {
            kind,
            machines,
            before: actions("startGroupActions"),
            after: actions("endGroupActions"),
        };
        for action in filed.before.iter().chain(&filed.after) {
            engine_action(action)?;
        }
        Ok(filed)
    }

    /// A plan; lists show it without its groups.
    fn plan<R: Rehearsal>(&self, plan: &PlanFile, is_single: bool, r: &R) -> Value {
        let friendly = |id: &str| if id == AZURE { AZURE.to_owned() } else { r.premises().name.clone() };
        let groups = plan.groups.iter().map(|group| self.shown_group(group, r));
        let work = plan.job.and_then(|id| Work::of(id, r));
        let (scenario, state) = match work {
            Some(Work::Plan(job)) => {
                let scenario = json!({
                    "scenarioName": vocabulary::job(job.kind).scenario_name,
                    "jobId": super::jobs::path(&r.cloud().job_guid(job.id), r),
                    "startTime": super::time::stamp(job.started),
                });
                (scenario, Some(plan_jobs::state(job)))
            }
            _ => (Value::Null, None),
        };
        let mut properties = json!({
            "friendlyName": plan.name,
            "primaryFabricId": plan.primary_fabric,
            "primaryFabricFriendlyName": friendly(&plan.primary_fabric),
            "recoveryFabricId": plan.recovery_fabric,
            "recoveryFabricFriendlyName": friendly(&plan.recovery_fabric),
            "failoverDeploymentModel": plan.model,
            "replicationProviders": providers(plan, r),
            "allowedOperations": super::plan_actions::allowed(plan, r),
        });
        // Absent, and not null, until there was one (recording-modernized 7).
        for (key, at) in [
            ("lastPlannedFailoverTime", plan.planned_at),
            ("lastUnplannedFailoverTime", plan.failed_over_at),
            ("lastTestFailoverTime", plan.tested_at),
        ] {
            if let Some(at) = at {
                properties[key] = json!(stamp_of(at));
            }
        }
        properties["currentScenario"] = scenario;
        properties["currentScenarioStatus"] = json!(state.map(|state| state.state));
        properties["currentScenarioStatusDescription"] = json!(state.map(|state| state.description));
        properties["groups"] = if is_single { groups.collect() } else { json!([]) };
        properties["providerSpecificDetails"] = json!([]);
        json!({
            "id": format!("{}/{}", r.cloud().vault_path(), plan_below(&plan.name)),
            "name": plan.name,
            "type": KIND,
            "properties": properties,
        })
    }

    fn shown_group<R: Rehearsal>(&self, group: &FiledGroup, r: &R) -> Value {
        let items = group.machines.iter().filter_map(|machine| {
            let filed = self.items.of_machine(*machine)?;
            let generation = r.vault().and_then(|vault| vault.item(*machine)).map(|item| item.generation);
            let id = format!("incarnation {} {}", machine.0, generation.unwrap_or_default());
            Some(json!({
                "id": self.item_path(&filed.name, r),
                "virtualMachineId": r.cloud().guid_named(&id),
            }))
        });
        json!({
            "groupType": format!("{:?}", group.kind),
            "replicationProtectedItems": items.collect::<Vec<_>>(),
            "startGroupActions": group.before,
            "endGroupActions": group.after,
        })
    }
}

impl PlanFile {
    /// Its machines, in the order in which they start.
    pub(super) fn machines(&self) -> impl Iterator<Item = MachineId> {
        self.groups.iter().flat_map(|group| group.machines.iter().copied())
    }

    /// The names of its actions that are for an operation, and where the engine's plan has them.
    pub(super) fn action_names(&self, wanted: For) -> Vec<(PlanPlace, String)> {
        let mut named = Vec::new();
        for group in 0..self.groups.len().saturating_sub(2) {
            let (before, after) = self.actions(group);
            let name = |action: &Value| action["actionName"].as_str().unwrap_or_default().to_owned();
            let wanted = |actions: Vec<&Value>| -> Vec<String> {
                actions.into_iter().filter(|action| is_for(action, wanted)).map(name).collect()
            };
            let before = wanted(before).into_iter().enumerate();
            named.extend(before.map(|(action, name)| (PlanPlace::Before { group, action }, name)));
            let after = wanted(after).into_iter().enumerate();
            named.extend(after.map(|(action, name)| (PlanPlace::After { group, action }, name)));
        }
        named
    }

    /// The actions before and after a group that starts; behind the failover group is before the first.
    fn actions(&self, group: usize) -> (Vec<&Value>, Vec<&Value>) {
        let behind_failover = self.groups[1].after.iter().filter(|_| group == 0);
        self.groups.get(group + 2).map_or_else(Default::default, |boot| {
            (behind_failover.chain(&boot.before).collect(), boot.after.iter().collect())
        })
    }

    /// The plan as the engine has it: with all actions, or with those that are for an operation.
    pub(super) fn for_engine(&self, wanted: For) -> Result<Plan, Response> {
        let engine = |actions: Vec<&Value>| {
            let actions = actions.into_iter().filter(|action| is_for(action, wanted));
            actions.map(engine_action).collect::<Result<Vec<_>, _>>()
        };
        let mut groups = Vec::with_capacity(self.groups.len());
        for (place, boot) in self.groups.iter().skip(2).enumerate() {
            let (before, after) = self.actions(place);
            groups.push(PlanGroup {
                machines: boot.machines.clone(),
                before: engine(before)?,
                after: engine(after)?,
            });
        }
        Ok(Plan { id: self.id, name: self.name.clone(), groups })
    }
}

fn is_for(action: &Value, wanted: For) -> bool {
    let Some((operation, direction)) = wanted else { return true };
    let direction = match direction {
        Direction::Forward => "PrimaryToRecovery",
        Direction::Reverse => "RecoveryToPrimary",
    };
    let has = |key: &str, word: &str| {
        let words = action[key].as_array().map_or(&[][..], Vec::as_slice);
        words.iter().any(|other| other.as_str().is_some_and(|other| other.eq_ignore_ascii_case(word)))
    };
    has("failoverTypes", operation) && has("failoverDirections", direction)
}

fn engine_action(action: &Value) -> Result<PlanAction, Response> {
    let details = &action["customDetails"];
    let text = |key: &str| details[key].as_str().unwrap_or_default().to_owned();
    let script = |place: String| match place {
        place if place.is_empty() => Err(invalid("A script of a recovery plan names what is run.")),
        place if place.starts_with("http://") || place.starts_with("https://") => Ok(Script::WebHook(place)),
        place => Ok(Script::Program(place)),
    };
    match details["instanceType"].as_str().unwrap_or_default() {
        "ManualActionDetails" => Ok(PlanAction::Manual(ManualAction { description: text("description") })),
        "ScriptActionDetails" => script(text("path")).map(PlanAction::Script),
        "AutomationRunbookActionDetails" => script(text("runbookId")).map(PlanAction::Script),
        other => Err(invalid(&format!(
            "'{other}' is no action of a recovery plan; ManualActionDetails, ScriptActionDetails and \
             AutomationRunbookActionDetails are."
        ))),
    }
}

/// A plan goes from the fabric of the vault to Azure; nothing else is here.
fn fabric<R: Rehearsal>(id: &str, r: &R) -> Result<String, Response> {
    if id.eq_ignore_ascii_case(AZURE) {
        return Ok(AZURE.to_owned());
    }
    if last_of(id).eq_ignore_ascii_case(&r.cloud().fabric_name()) {
        return Ok(r.cloud().fabric_path());
    }
    Err(Response::no_such(last_of(id)))
}

fn providers<R: Rehearsal>(plan: &PlanFile, r: &R) -> Vec<&'static str> {
    let items = plan.machines().filter_map(|machine| r.vault()?.item(machine));
    let mut all: Vec<_> =
        items.map(|item| vocabulary::provider(r.premises().stack, item.direction())).collect();
    all.sort_unstable();
    all.dedup();
    all
}

pub(super) fn plan_below(name: &str) -> String {
    format!("replicationRecoveryPlans/{name}")
}

pub(super) fn invalid(message: &str) -> Response {
    Response::error(400, "InvalidParameter", message)
}
