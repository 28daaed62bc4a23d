//! Jobs and their tasks as the vault shows them (site-recovery 3.2 and 5.6, recording-classic 2).

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Value, json};
use switchback_engine::control::{Command, Job, JobId, JobKind, JobState, PlanCommand, PlanJob, TaskState};

use super::filed_jobs::FiledJob;
use super::polling::wait_for_news;
use super::route::Answer;
use super::time::{UNSET, stamp, whole_seconds};
use super::work::Work;
use super::{Arm, ItemFile, Rehearsal, Request, Response};
use crate::errors::raised::all_of_job;
use crate::errors::{Code, ErrorRow, table};
use crate::vocabulary::{self, Shown};

/// A job in a list.
enum Listed<'a> {
    OfVault(Work<'a>),
    Filed(&'a FiledJob),
}

/// The path of a job.
pub(super) fn path<R: Rehearsal>(name: &str, r: &R) -> String {
    format!("{}/replicationJobs/{name}", r.cloud().vault_path())
}

impl Arm {
    /// Newest first, without tasks and errors (recording-classic 2). Those of a plan's machines are seen below the plan's.
    pub(super) fn list_jobs<R: Rehearsal>(&self, request: &Request<'_>, r: &R) -> Answer {
        let mut plans: Vec<&PlanJob> = r.vault().into_iter().flat_map(|vault| vault.plan_jobs()).collect();
        let below: BTreeSet<JobId> =
            plans.iter().flat_map(|plan| plan.children.iter().map(|(_, child)| *child)).collect();
        let mut machines = r.vault().into_iter().flat_map(|vault| vault.jobs().rev()).peekable();
        let of_vault = core::iter::from_fn(|| {
            let newest = machines.peek().map(|job| job.id);
            match plans.pop_if(|plan| Some(plan.id) > newest) {
                Some(plan) => Some(Work::Plan(plan)),
                None => machines.next().map(Work::Machine),
            }
        });
        let is_listed = |work: &Work<'_>| !below.contains(&work.id()) && !self.unlisted.contains(&work.id());
        let mut of_vault = of_vault.filter(is_listed).peekable();
        let mut filed = self.filed_jobs.iter().rev().filter(|job| job.words.is_some()).peekable();
        let in_order = core::iter::from_fn(|| {
            let started = of_vault.peek().map(|work| work.started().0);
            match filed.next_if(|job| Some(job.at.as_nanos()) > started) {
                Some(job) => Some(Listed::Filed(job)),
                None => of_vault.next().map(Listed::OfVault),
            }
        });
        Response::page(request, in_order, |listed| match listed {
            Listed::Filed(job) => job.shown(false, r),
            Listed::OfVault(work) => self.shown_job(work, false, r),
        })
    }

    fn shown_job<R: Rehearsal>(&self, work: Work<'_>, is_single: bool, r: &R) -> Value {
        match work {
            Work::Machine(job) => self.job(job, is_single, r),
            Work::Plan(job) => self.plan_job(job, is_single, r),
        }
    }

    /// A client looks at a job: time passes until the job has got one step further.
    pub(super) fn show_job<R: Rehearsal>(&mut self, name: &str, r: &mut R) -> Answer {
        if let Some(filed) = self.filed_jobs.iter().find(|job| job.name.eq_ignore_ascii_case(name)) {
            return Ok(Response::ok(filed.shown(true, r)));
        }
        let id = self.job_names.find(name, r).ok_or_else(|| Response::no_such(name))?;
        wait_for_news(id, r);
        let work = Work::of(id, r).ok_or_else(|| Response::no_such(name))?;
        Ok(Response::ok(self.shown_job(work, true, r)))
    }

    /// Only a failover can be cancelled; it is the machine's, or the plan's, failover that is.
    pub(super) fn cancel_job<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        r: &mut R,
    ) -> Answer {
        let id = self.job_names.find(name, r).ok_or_else(|| Response::no_such(name))?;
        let command = match Work::of(id, r) {
            Some(Work::Machine(job)) => Command::Cancel { machine: job.machine },
            Some(Work::Plan(job)) => Command::Plan(PlanCommand::Cancel(job.plan.id)),
            None => return Err(Response::no_such(name)),
        };
        self.begin(request, &format!("replicationJobs/{name}"), command, r).map(|(_, response)| response)
    }

    /// Begins again what failed, as a new job.
    pub(super) fn restart_job<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        r: &mut R,
    ) -> Answer {
        let id = self.job_names.find(name, r).ok_or_else(|| Response::no_such(name))?;
        let may = Work::of(id, r).is_some_and(|work| match work {
            Work::Machine(job) => job.state == JobState::Failed && !is_failover(job.kind),
            Work::Plan(_) => false,
        });
        match self.begun.get(&id).filter(|_| may).cloned() {
            Some(command) => {
                let resource = format!("replicationJobs/{name}");
                self.begin(request, &resource, command, r).map(|(_, response)| response)
            }
            None => {
                let message = format!("The job '{name}' cannot be restarted.");
                Err(Response::error(409, "JobNotRestartable", &message))
            }
        }
    }

    fn item_of(&self, job: &Job) -> Option<&ItemFile> {
        self.items.of_machine(job.machine)
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
            "tasks": if is_single { super::tasks::tasks(job, r) } else { Vec::new() },
            "errors": if is_single { errors(job, r) } else { Vec::new() },
            "startTime": stamp(job.started),
        });
        // Absent, and not null, as long as it runs (recording-classic 7).
        if let Some(ended) = job.ended {
            properties["endTime"] = json!(whole_seconds(ended));
        }
        properties["allowedActions"] = json!(allowed);
        properties["targetObjectId"] = json!(r.cloud().machine_guid(job.machine));
        properties["targetObjectName"] = json!(r.premises().machines[job.machine.0 as usize].name);
        properties["targetInstanceType"] = json!("ProtectionEntity");
        properties["customDetails"] = if is_single { self.details(job, r) } else { Value::Null };
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
        match job.kind {
            JobKind::Failover | JobKind::PlannedFailover => json!({
                "instanceType": "FailoverJobDetails",
                "affectedObjectDetails": affected,
                "protectedItemDetails": recovered_to(job, r).into_iter().collect::<Vec<_>>(),
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
            JobKind::CleanUpTest => json!({
                "instanceType": "TestFailoverJobDetails",
                "affectedObjectDetails": affected,
                "testFailoverStatus": null,
                "comments": self.comments.get(&job.id),
                "networkName": null,
                "networkFriendlyName": null,
                "networkType": null,
                "protectedItemDetails": [],
            }),
            JobKind::Reprotect => {
                let ended = job.state == JobState::Succeeded;
                let item = self.item_of(job).filter(|_| ended);
                json!({
                    "instanceType": "SwitchProtectionJobDetails",
                    "affectedObjectDetails": affected,
                    // In small letters here, and nowhere else (recording-classic 5.7).
                    "newReplicationProtectedItemId": item.map(|item| {
                        self.item_path(&item.name, r).replacen("/Subscriptions/", "/subscriptions/", 1)
                    }),
                })
            }
            _ => json!({ "instanceType": "AsrJobDetails", "affectedObjectDetails": affected }),
        }
    }
}

const fn is_failover(kind: JobKind) -> bool {
    matches!(kind, JobKind::Failover | JobKind::PlannedFailover | JobKind::Commit)
}

/// The machine that a failover recovers and the point it goes to, as soon as one was chosen.
pub(super) fn recovered_to<R: Rehearsal>(job: &Job, r: &R) -> Option<Value> {
    let machine = &r.premises().machines[job.machine.0 as usize].name;
    job.point().map(|point| {
        json!({
            "name": r.cloud().machine_guid(job.machine),
            "friendlyName": machine,
            "testVmName": null,
            "testVmFriendlyName": null,
            "networkConnectionStatus": null,
            "networkFriendlyName": r.cloud().names().network,
            "subnet": null,
            "recoveryPointId": r.cloud().point_guid(job.machine, point.id),
            "recoveryPointTime": stamp(point.at),
        })
    })
}

/// Why a job failed, as Resource Manager puts it.
pub(super) fn error_of(job: &Job) -> Value {
    let code = all_of_job(job).into_iter().next();
    let message = job.error.as_ref().map_or_else(String::new, ToString::to_string);
    let message = code.and_then(row).map_or(message, |row| row.text.to_owned());
    json!({ "code": code.map_or("InternalError", Code::as_str), "message": message, "details": null })
}

pub(super) fn errors<R: Rehearsal>(job: &Job, r: &R) -> Vec<Value> {
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
