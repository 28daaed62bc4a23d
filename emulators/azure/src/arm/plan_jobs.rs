//! The job of a recovery plan as the vault shows it: a task for each thing that is done with all of its machines, for each
//! group that starts and for each action, with the machines' own jobs below. Kinds and fields are those of the published
//! description; ids and names of these tasks are inferred, no recording has them.

use serde_json::{Value, json};
use switchback_engine::control::{
    Job, JobKind, JobState, PlanAction, PlanJob, PlanPlace, TaskKind, TaskState,
};
use switchback_engine::time::Instant;

use super::jobs::path;
use super::plan_actions::may_be_cancelled;
use super::time::{UNSET, stamp, whole_seconds};
use super::work::Work;
use super::{Arm, Rehearsal};
use crate::vocabulary::{self, StateWords};

/// Where the job of a plan stands: one that waits for people is suspended (site-recovery 5.6).
pub(super) fn state(job: &PlanJob) -> StateWords {
    match job.waits_for() {
        Some(_) => StateWords { state: "Suspended", description: "WaitingForManualAction" },
        None => vocabulary::job_state(job.state),
    }
}

/// Something that the job of a plan does.
struct PlanTask {
    place: PlanPlace,
    id: String,
    friendly_name: String,
    of: Of,
}

/// What a task of a plan's job is about.
enum Of {
    /// Its machines, each with the task of its own job that it is about; none where it is about all of it.
    Machines { details: &'static str, group: String, kind: &'static str, part: Option<TaskKind> },
    /// What people or a script do.
    Action(PlanAction, String),
}

impl Arm {
    pub(super) fn plan_job<R: Rehearsal>(&self, job: &PlanJob, is_single: bool, r: &R) -> Value {
        let (words, state) = (vocabulary::job(job.kind), state(job));
        let name = r.cloud().job_guid(job.id);
        let mut allowed = Vec::new();
        if job.state == JobState::InProgress && may_be_cancelled(job) {
            allowed.push("Cancel");
        }
        if job.waits_for().is_some() {
            allowed.push("Resume");
        }
        let plan = r.cloud().guid_named(&format!("plan {}", job.plan.id.0));
        let activity = r.cloud().guid_named(&format!("activity {}", job.id.0));
        let mut properties = json!({
            "activityId": is_single.then(|| format!(" ActivityId: {activity}")),
            "scenarioName": words.scenario_name,
            "friendlyName": words.friendly_name,
            "state": state.state,
            "stateDescription": state.description,
            "tasks": if is_single { self.plan_tasks(job, r) } else { Vec::new() },
            "errors": if is_single { errors(job, r) } else { Vec::new() },
            "startTime": stamp(job.started),
        });
        // Absent, and not null, as long as it runs (recording-classic 7).
        if let Some(ended) = job.ended {
            properties["endTime"] = json!(whole_seconds(ended));
        }
        properties["allowedActions"] = json!(allowed);
        properties["targetObjectId"] = json!(plan);
        properties["targetObjectName"] = json!(job.plan.name);
        properties["targetInstanceType"] = json!("RecoveryPlan");
        properties["customDetails"] = if is_single { details(job, r) } else { Value::Null };
        json!({
            "id": path(&name, r),
            "name": name,
            "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
            "properties": properties,
        })
    }

    fn plan_tasks<R: Rehearsal>(&self, job: &PlanJob, r: &R) -> Vec<Value> {
        self.tasks_of(job).iter().map(|task| self.plan_task(job, task, r)).collect()
    }

    fn plan_task<R: Rehearsal>(&self, job: &PlanJob, task: &PlanTask, r: &R) -> Value {
        let comment = self.observations.get(&(job.id, task.place)).map(String::as_str);
        let children = children_of(job, task, r);
        let state = state_of(job, task, &children);
        let (started, ended) = times(task, &children);
        let (task_type, custom, group) = match &task.of {
            Of::Machines { details, group, kind, .. } => {
                let below: Vec<Value> = children.iter().map(|child| machine_task(child, task, r)).collect();
                let details = json!({
                    "instanceType": details, "childTasks": below, "name": task.friendly_name,
                    "groupId": group, "rpGroupType": kind,
                });
                ("GroupTaskDetails", Value::Null, details)
            }
            Of::Action(action, name) => {
                (action_type(action), action_details(action, name, comment), Value::Null)
            }
        };
        let is_waiting = matches!(&task.of, Of::Action(PlanAction::Manual(_), _)) && task.place == job.place;
        json!({
            "taskId": task.id,
            "name": task.id,
            "startTime": started.map_or_else(|| UNSET.to_owned(), stamp),
            "endTime": ended.map_or_else(|| UNSET.to_owned(), stamp),
            "allowedActions": if is_waiting { vec!["Resume"] } else { Vec::new() },
            "friendlyName": task.friendly_name,
            "state": if is_waiting { "Suspended" } else { state.state },
            "stateDescription": if is_waiting { "WaitingForManualAction" } else { state.description },
            "taskType": task_type,
            "customDetails": custom,
            "groupTaskCustomDetails": group,
            "errors": [],
        })
    }

    fn tasks_of(&self, job: &PlanJob) -> Vec<PlanTask> {
        let everyone = |place, id: &str, friendly: &str, details, kind: &'static str, part| PlanTask {
            place,
            id: id.to_owned(),
            friendly_name: format!("{friendly} ({})", job.children.len()),
            of: Of::Machines { details, group: kind.to_owned(), kind, part },
        };
        let shutdown = || {
            let (details, part) = ("RecoveryPlanShutdownGroupTaskDetails", Some(TaskKind::ShutDownSource));
            everyone(
                PlanPlace::ShuttingDown,
                "RecoveryPlanShutdown",
                "All groups shutdown",
                details,
                "Shutdown",
                part,
            )
        };
        let failover = |friendly| {
            let (details, part) = ("RecoveryPlanGroupTaskDetails", Some(TaskKind::FailOver));
            everyone(PlanPlace::FailingOver, "RecoveryPlanFailover", friendly, details, "Failover", part)
        };
        let mut tasks = match job.kind {
            JobKind::Failover | JobKind::PlannedFailover => vec![shutdown(), failover("All groups failover")],
            JobKind::TestFailover => vec![failover("All groups test failover")],
            kind => {
                let friendly = vocabulary::job(kind).friendly_name;
                let details = "RecoveryPlanGroupTaskDetails";
                return vec![everyone(
                    PlanPlace::Everywhere,
                    "RecoveryPlanOperation",
                    friendly,
                    details,
                    "Boot",
                    None,
                )];
            }
        };
        for (number, group) in job.plan.groups.iter().enumerate() {
            let before = group
                .before
                .iter()
                .enumerate()
                .map(|(action, of)| (PlanPlace::Before { group: number, action }, of));
            tasks.extend(before.map(|(place, of)| self.action_task(job, place, of)));
            tasks.push(PlanTask {
                place: PlanPlace::Starting { group: number },
                id: format!("RecoveryPlanGroup{}", number + 1),
                friendly_name: format!("Group {}: Start ({})", number + 1, group.machines.len()),
                of: Of::Machines {
                    details: "RecoveryPlanGroupTaskDetails",
                    group: (number + 1).to_string(),
                    kind: "Boot",
                    part: Some(TaskKind::StartMachine),
                },
            });
            let after = group
                .after
                .iter()
                .enumerate()
                .map(|(action, of)| (PlanPlace::After { group: number, action }, of));
            tasks.extend(after.map(|(place, of)| self.action_task(job, place, of)));
        }
        tasks
    }

    /// An action has the name that it was filed under.
    fn action_task(&self, job: &PlanJob, place: PlanPlace, of: &PlanAction) -> PlanTask {
        let (group, when, action) = match place {
            PlanPlace::After { group, action } => (group, "End", action),
            PlanPlace::Before { group, action } => (group, "Start", action),
            _ => (0, "", 0),
        };
        let name = self.action_names.get(&(job.id, place)).cloned().unwrap_or_default();
        PlanTask {
            place,
            id: format!("RecoveryPlanGroup{}{when}Action{}", group + 1, action + 1),
            friendly_name: name.clone(),
            of: Of::Action(of.clone(), name),
        }
    }
}

/// Places in the order in which a plan comes to them.
const fn place(of: PlanPlace) -> (usize, usize, usize) {
    match of {
        PlanPlace::Everywhere | PlanPlace::ShuttingDown => (0, 0, 0),
        PlanPlace::FailingOver => (1, 0, 0),
        PlanPlace::Before { group, action } => (2 + group, 0, action),
        PlanPlace::Starting { group } => (2 + group, 1, 0),
        PlanPlace::After { group, action } => (2 + group, 2, action),
        PlanPlace::Ended => (usize::MAX, 0, 0),
    }
}

/// The machines' jobs that a task is about.
fn children_of<'r, R: Rehearsal>(job: &PlanJob, task: &PlanTask, r: &'r R) -> Vec<&'r Job> {
    let in_group = |machine| match task.place {
        PlanPlace::Starting { group } => {
            job.plan.groups.get(group).is_some_and(|group| group.machines.contains(machine))
        }
        _ => matches!(task.of, Of::Machines { .. }),
    };
    let wanted = job.children.iter().filter(|(machine, _)| in_group(machine));
    wanted.filter_map(|(_, child)| r.vault()?.job(*child)).collect()
}

fn state_of(job: &PlanJob, task: &PlanTask, children: &[&Job]) -> StateWords {
    let is_through = place(task.place) < place(job.place);
    let has_failed = |child: &&&Job| child.state == JobState::Failed && part_failed(child, task);
    let state = match is_through || job.state != JobState::InProgress {
        _ if children.iter().any(|child| has_failed(&child)) => TaskState::Failed,
        true => TaskState::Succeeded,
        false if task.place == job.place => TaskState::InProgress,
        false => TaskState::NotStarted,
    };
    vocabulary::task_state(state)
}

/// Whether the part of a machine's job that a task is about failed; the start of a group is the rest of it.
fn part_failed(child: &Job, task: &PlanTask) -> bool {
    let failed = child.tasks.iter().find(|task| task.state == TaskState::Failed).map(|task| task.kind);
    match &task.of {
        Of::Machines { part: Some(TaskKind::FailOver), .. } => {
            failed.is_some_and(|kind| !matches!(kind, TaskKind::ShutDownSource | TaskKind::StartMachine))
        }
        Of::Machines { part: Some(part), .. } => failed == Some(*part),
        Of::Machines { part: None, .. } => true,
        Of::Action(..) => false,
    }
}

fn times(task: &PlanTask, children: &[&Job]) -> (Option<Instant>, Option<Instant>) {
    let part = match &task.of {
        Of::Machines { part, .. } => *part,
        Of::Action(..) => return (None, None),
    };
    let spans: Vec<(Option<Instant>, Option<Instant>)> = children
        .iter()
        .map(|child| match part {
            None => (Some(child.started), child.ended),
            Some(kind) => {
                let found = child.tasks.iter().find(|task| task.kind == kind);
                found.map_or((None, None), |task| (task.started, task.ended))
            }
        })
        .collect();
    let all_over = spans.iter().all(|(_, ended)| ended.is_some());
    let started = spans.iter().filter_map(|(started, _)| *started).min();
    (started, spans.iter().filter_map(|(_, ended)| *ended).max().filter(|_| all_over))
}

fn machine_task<R: Rehearsal>(child: &Job, task: &PlanTask, r: &R) -> Value {
    let name = r.premises().machines[child.machine.0 as usize].name.as_str();
    let words = vocabulary::job(child.kind);
    let (started, ended) = times(task, &[child]);
    let state = match &task.of {
        Of::Machines { part: Some(kind), .. } => {
            child.tasks.iter().find(|task| task.kind == *kind).map(|task| vocabulary::task_state(task.state))
        }
        _ => None,
    };
    let state = state.unwrap_or_else(|| vocabulary::job_state(child.state));
    json!({
        "taskId": format!("{}Vm", task.id),
        "name": name,
        "startTime": started.map_or_else(|| UNSET.to_owned(), stamp),
        "endTime": ended.map_or_else(|| UNSET.to_owned(), stamp),
        "allowedActions": [],
        "friendlyName": name,
        "state": state.state,
        "stateDescription": state.description,
        "taskType": "VirtualMachineTaskDetails",
        "customDetails": {
            "instanceType": "VirtualMachineTaskDetails",
            "jobTask": {
                "jobId": path(&r.cloud().job_guid(child.id), r),
                "jobFriendlyName": words.friendly_name,
                "targetObjectId": r.cloud().machine_guid(child.machine),
                "targetObjectName": name,
                "targetInstanceType": "ProtectionEntity",
                "jobScenarioName": words.scenario_name,
            },
            "skippedReason": null,
            "skippedReasonString": null,
        },
        "groupTaskCustomDetails": null,
        "errors": [],
    })
}

const fn action_type(action: &PlanAction) -> &'static str {
    match action {
        PlanAction::Manual(_) => "ManualActionTaskDetails",
        PlanAction::Script(_) => "ScriptActionTaskDetails",
    }
}

fn action_details(action: &PlanAction, name: &str, comment: Option<&str>) -> Value {
    match action {
        PlanAction::Manual(manual) => json!({
            "instanceType": "ManualActionTaskDetails",
            "name": name,
            "instructions": manual.description,
            "observation": comment,
        }),
        PlanAction::Script(script) => json!({
            "instanceType": "ScriptActionTaskDetails",
            "name": name,
            "path": script.place(),
            "output": null,
            "isPrimarySideScript": false,
        }),
    }
}

fn errors<R: Rehearsal>(job: &PlanJob, r: &R) -> Vec<Value> {
    if job.state != JobState::Failed {
        return Vec::new();
    }
    let children = job.children.iter().filter_map(|(_, child)| r.vault()?.job(*child));
    let mut errors: Vec<Value> = children.flat_map(|child| super::jobs::errors(child, r)).collect();
    if errors.is_empty() {
        let error = Work::Plan(job).error(r);
        errors.push(json!({
            "serviceErrorDetails": { "code": error["code"], "message": error["message"] },
            "errorLevel": "Error",
            "creationTime": job.ended.map_or_else(|| UNSET.to_owned(), stamp),
            "taskId": null,
        }));
    }
    errors
}

fn details<R: Rehearsal>(job: &PlanJob, r: &R) -> Value {
    let kind = match job.kind {
        JobKind::Failover | JobKind::PlannedFailover => "FailoverJobDetails",
        JobKind::TestFailover => "TestFailoverJobDetails",
        _ => return json!({ "instanceType": "AsrJobDetails", "affectedObjectDetails": {} }),
    };
    let items = job.children.iter().filter_map(|(_, child)| r.vault()?.job(*child));
    let items: Vec<Value> = items.filter_map(|child| super::jobs::recovered_to(child, r)).collect();
    let mut details = json!({ "instanceType": kind, "affectedObjectDetails": {} });
    if job.kind == JobKind::TestFailover {
        details["testFailoverStatus"] = json!("Active");
        details["comments"] = Value::Null;
        details["networkName"] = json!(r.cloud().names().network);
        details["networkFriendlyName"] = json!(r.cloud().names().network);
        details["networkType"] = json!("VmNetworkAsInput");
    }
    details["protectedItemDetails"] = json!(items);
    details
}
