//! Jobs and their tasks as the vault shows them (site-recovery 3.2 and 5.6, recording-classic 2).

use std::sync::OnceLock;

use serde_json::{Value, json};
use switchback_engine::control::{Job, JobId, JobKind, JobState, TaskState};

use super::polling::wait_for_news;
use super::route::Answer;
use super::time::{UNSET, stamp, whole_seconds};
use super::{Arm, ItemFile, Rehearsal, Request, Response};
use crate::errors::raised::all_of_job;
use crate::errors::{Code, ErrorRow, table};
use crate::vocabulary::{self, Shown, ShownTask};

/// The path of a job.
pub(super) fn path<R: Rehearsal>(name: &str, r: &R) -> String {
    format!("{}/replicationJobs/{name}", r.cloud().vault_path())
}

impl Arm {
    /// Newest first, without tasks and errors (recording-classic 2).
    pub(super) fn list_jobs<R: Rehearsal>(&self, r: &R) -> Response {
        let jobs = r.vault().into_iter().flat_map(|vault| vault.jobs().rev());
        Response::list(jobs.map(|job| self.job(job, false, r)).collect())
    }

    /// A client looks at a job: time passes until the job has got one step further.
    pub(super) fn show_job<R: Rehearsal>(&self, name: &str, r: &mut R) -> Answer {
        let id = named(name, r).ok_or_else(|| Response::no_such(name))?;
        wait_for_news(id, r);
        let job = r.vault().and_then(|vault| vault.job(id)).ok_or_else(|| Response::no_such(name))?;
        Ok(Response::ok(self.job(job, true, r)))
    }

    /// Only a failover can be cancelled; it is the machine's failover that is.
    pub(super) fn cancel_job<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        r: &mut R,
    ) -> Answer {
        let id = named(name, r).ok_or_else(|| Response::no_such(name))?;
        let job = r.vault().and_then(|vault| vault.job(id)).ok_or_else(|| Response::no_such(name))?;
        let machine = job.machine;
        let command = switchback_engine::control::Command::Cancel { machine };
        self.begin(request, &format!("replicationJobs/{name}"), command, r).map(|(_, response)| response)
    }

    fn item_of(&self, job: &Job) -> Option<&ItemFile> {
        self.items.values().find(|item| item.machine == job.machine)
    }

    fn job<R: Rehearsal>(&self, job: &Job, is_single: bool, r: &R) -> Value {
        let (words, state) = (vocabulary::job(job.kind), vocabulary::job_state(job.state));
        let name = r.cloud().job_guid(job.id);
        let allowed: &[&str] = match job.state {
            JobState::InProgress => &["Cancel"],
            JobState::Failed if !is_failover(job.kind) => &["Restart"],
            _ => &[],
        };
        let mut properties = json!({
            "activityId": is_single.then(|| format!(" ActivityId: {}", r.cloud().guid_named(&format!("activity {}", job.id.0)))),
            "scenarioName": words.scenario_name,
            "friendlyName": words.friendly_name,
            "state": state.state,
            "stateDescription": state.description,
            "tasks": if is_single { tasks(job, r) } else { Vec::new() },
            "errors": if is_single { errors(job, r) } else { Vec::new() },
            "startTime": stamp(job.started),
            "allowedActions": allowed,
            "targetObjectId": r.cloud().machine_guid(job.machine),
            "targetObjectName": r.premises().machines[job.machine.0 as usize].name,
            "targetInstanceType": "ProtectionEntity",
            "customDetails": if is_single { self.details(job, r) } else { Value::Null },
        });
        // Absent, and not null, as long as it runs (recording-classic 7).
        if let Some(ended) = job.ended {
            properties["endTime"] = json!(whole_seconds(ended));
        }
        json!({
            "id": path(&name, r),
            "name": name,
            "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
            "properties": properties,
        })
    }

    fn details<R: Rehearsal>(&self, job: &Job, r: &R) -> Value {
        let machine = &r.premises().machines[job.machine.0 as usize].name;
        let affected = json!({
            "primaryVmId": r.cloud().machine_guid(job.machine),
            "primaryVmName": machine,
            "recoveryVmId": "",
            "recoveryVmName": machine,
        });
        let point = job.point().map(|point| {
            json!([{
                "name": r.cloud().machine_guid(job.machine),
                "friendlyName": machine,
                "testVmName": null,
                "testVmFriendlyName": null,
                "networkConnectionStatus": null,
                "networkFriendlyName": r.cloud().names().network,
                "subnet": null,
                "recoveryPointId": r.cloud().point_guid(job.machine, point.id),
                "recoveryPointTime": stamp(point.at),
            }])
        });
        match job.kind {
            JobKind::Failover | JobKind::PlannedFailover => json!({
                "instanceType": "FailoverJobDetails",
                "affectedObjectDetails": affected,
                "protectedItemDetails": point.unwrap_or_else(|| json!([])),
            }),
            JobKind::TestFailover => json!({
                "instanceType": "TestFailoverJobDetails",
                "affectedObjectDetails": affected,
                "testFailoverStatus": "Active",
                "comments": null,
                "networkName": r.cloud().names().network,
                "networkFriendlyName": r.cloud().names().network,
                "networkType": "VmNetworkAsInput",
                "protectedItemDetails": [],
            }),
            JobKind::Reprotect => {
                let ended = job.state == JobState::Succeeded;
                let item = self.item_of(job).filter(|_| ended);
                json!({
                    "instanceType": "SwitchProtectionJobDetails",
                    "affectedObjectDetails": affected,
                    "newReplicationProtectedItemId": item.map(|item| self.item_path(&item.name, r)),
                })
            }
            _ => json!({ "instanceType": "AsrJobDetails", "affectedObjectDetails": affected }),
        }
    }
}

const fn is_failover(kind: JobKind) -> bool {
    matches!(kind, JobKind::Failover | JobKind::PlannedFailover | JobKind::Commit)
}

/// The job with a GUID.
fn named<R: Rehearsal>(name: &str, r: &R) -> Option<JobId> {
    let mut jobs = r.vault()?.jobs().rev();
    jobs.find(|job| r.cloud().job_guid(job.id).eq_ignore_ascii_case(name)).map(|job| job.id)
}

fn tasks<R: Rehearsal>(job: &Job, r: &R) -> Vec<Value> {
    vocabulary::shown_tasks(job).iter().map(|shown| task(job, shown, r)).collect()
}

fn task<R: Rehearsal>(job: &Job, task: &ShownTask, r: &R) -> Value {
    let shown = vocabulary::task_state(task.state);
    let made_up = || r.cloud().guid_named(&format!("task {} {:?}", job.id.0, task.kind));
    json!({
        "taskId": task.words.task_id.map_or_else(made_up, str::to_owned),
        "name": task.words.name,
        "friendlyName": task.words.friendly_name,
        "state": shown.state,
        "stateDescription": shown.description,
        "startTime": task.started.map_or_else(|| UNSET.to_owned(), stamp),
        "endTime": task.ended.map_or_else(|| UNSET.to_owned(), stamp),
        "allowedActions": [],
        "taskType": "TaskDetails",
        "customDetails": null,
        "groupTaskCustomDetails": null,
        "errors": if task.state == TaskState::Failed { errors(job, r) } else { Vec::new() },
    })
}

/// Why a job failed, as Resource Manager puts it.
pub(super) fn error_of(job: &Job) -> Value {
    let code = all_of_job(job).into_iter().next();
    let message = job.error.as_ref().map_or_else(String::new, ToString::to_string);
    let message = code.and_then(row).map_or(message, |row| row.text.to_owned());
    json!({ "code": code.map_or("InternalError", Code::as_str), "message": message, "details": null })
}

fn errors<R: Rehearsal>(job: &Job, r: &R) -> Vec<Value> {
    let created = job.ended.map_or_else(|| UNSET.to_owned(), stamp);
    let failed = job.tasks.iter().find(|task| task.state == TaskState::Failed).map(|task| task.kind);
    let words = failed.and_then(|kind| match vocabulary::task(job.kind, kind) {
        Some(Shown::As(words)) => words.task_id,
        _ => None,
    });
    all_of_job(job)
        .into_iter()
        .map(|code| {
            let row = row(code);
            json!({
                "serviceErrorDetails": {
                    "code": code.as_str(),
                    "message": row.map(|row| row.text),
                    "possibleCauses": row.map(|row| row.causes),
                    "recommendedAction": row.map(|row| row.action),
                    "activityId": r.cloud().guid_named(&format!("activity {}", job.id.0)),
                },
                "providerErrorDetails": {
                    "errorCode": 0, "errorMessage": null,
                    "errorId": r.cloud().guid_named(&format!("error {} {}", job.id.0, code.as_str())),
                    "possibleCauses": "", "recommendedAction": "",
                },
                "errorLevel": "Error",
                "creationTime": created,
                "taskId": words,
            })
        })
        .collect()
}

/// The row of the table of errors that a code has.
pub(super) fn row(code: Code) -> Option<ErrorRow> {
    static ROWS: OnceLock<Vec<ErrorRow>> = OnceLock::new();
    let rows = ROWS.get_or_init(|| table().unwrap_or_default());
    rows.iter().find(|row| row.code == code.as_str()).copied()
}
