//! Operations that take time: the 202 with its two URLs, and what polling them answers.
//!
//! A client that polls waits; where nobody has to sit through it, that is when time passes. The first look of a client sees the
//! operation under way, as recorded (recording-modernized 1.4); from then on it runs to its end.

use core::time::Duration;

use serde_json::{Value, json};
use switchback_engine::control::{Command, JobId, JobState, PlanRefused, Refused};
use switchback_sim::SimTime;

use super::filed_jobs::FiledJob;
use super::route::Answer;
use super::time::{padded_seconds, stamp_of};
use super::work::Work;
use super::{Arm, NEWEST_VERSION, Rehearsal, Request, Response};
use crate::errors::Code;
use crate::errors::raised::of_refusal;

/// The longest that a client has to wait for a job, whatever happens: jobs end by then.
const LONGEST_JOB: Duration = Duration::from_hours(12);
/// One look of a client at a job lets at most so much pass.
const LOOK: Duration = Duration::from_mins(5);
/// The vault answers a command within milliseconds, or is down.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
const ANSWER_LOOKED_FOR_EVERY: Duration = Duration::from_millis(1);

/// An operation that a client polls.
#[derive(Debug, Clone)]
pub(super) struct Tracked {
    /// When it was accepted.
    started: SimTime,
    /// What it is.
    of: Of,
    /// The resource it is about: its path below the vault.
    resource: String,
    /// How often it was looked at.
    looks: u32,
}

#[derive(Debug, Clone)]
enum Of {
    /// Jobs of the vault, mostly one.
    Jobs(Vec<JobId>),
    /// It was over when it was asked for: why it failed, or nothing.
    Filing(Value),
}

impl Arm {
    /// Asks the vault for something about a resource, and accepts it as an operation.
    pub(super) fn begin<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        resource: &str,
        command: Command,
        r: &mut R,
    ) -> Result<(JobId, Response), Response> {
        let job = self.asked(command.clone(), r)?;
        self.begun.insert(job, command);
        Ok((job, self.goes_on(request, job, resource, r)))
    }

    /// Accepts a job that the vault has begun as an operation.
    pub(super) fn goes_on<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        job: JobId,
        resource: &str,
        r: &R,
    ) -> Response {
        self.all_go_on(request, vec![job], resource, r)
    }

    /// The same of several; the operation has the name of the first.
    pub(super) fn all_go_on<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        jobs: Vec<JobId>,
        resource: &str,
        r: &R,
    ) -> Response {
        let name = jobs.first().map_or_else(String::new, |job| r.cloud().job_guid(*job));
        self.accepted(request, &name, resource, Of::Jobs(jobs), r)
    }

    /// Asks the vault for something and has its answer.
    pub(super) fn asked<R: Rehearsal>(&self, command: Command, r: &mut R) -> Result<JobId, Response> {
        let id = r.ask(command);
        let mut waited = Duration::ZERO;
        let reply = loop {
            if let Some(reply) = r.reply(id) {
                break reply;
            }
            if waited >= ANSWERED_WITHIN {
                let message = "The server is busy. Retry the request later.";
                return Err(Response::error(503, "ServiceUnavailable", message));
            }
            r.pass(ANSWER_LOOKED_FOR_EVERY);
            waited += ANSWER_LOOKED_FOR_EVERY;
        };
        reply.map_err(|refused| refusal(&refused))
    }

    /// Accepts something that is done already: polled like all others.
    pub(super) fn done_at_once<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        resource: &str,
        r: &R,
    ) -> Response {
        let name = r.cloud().guid_named(&format!("filing {}", self.served));
        let job = FiledJob::of(name.clone(), r.now(), request.method, request.path, resource);
        self.file_job(request, job, resource, r)
    }

    /// Accepts a commit that fails: the failover before has failed (recording-classic 5.3).
    pub(super) fn fails_to_commit<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        resource: &str,
        r: &R,
    ) -> Response {
        let name = r.cloud().guid_named(&format!("filing {}", self.served));
        self.file_job(request, FiledJob::of_failed_commit(name, r.now(), resource), resource, r)
    }

    fn file_job<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        job: FiledJob,
        resource: &str,
        r: &R,
    ) -> Response {
        let (name, error) = (job.name.clone(), job.error());
        self.filed_jobs.insert(name.clone(), job);
        self.accepted(request, &name, resource, Of::Filing(error), r)
    }

    fn accepted<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        resource: &str,
        of: Of,
        r: &R,
    ) -> Response {
        let tracked = Tracked { started: r.now(), of, resource: resource.to_owned(), looks: 0 };
        self.operations.insert(name.to_owned(), tracked);
        let (base, vault, version) = (request.base, r.cloud().vault_path(), request.api_version());
        let status = format!("{base}{vault}/replicationOperationStatus/{name}?api-version={version}");
        let result = format!("{base}{vault}/{resource}/operationresults/{name}?api-version={version}");
        let mut response = Response::empty(202);
        response.headers = vec![
            ("azure-asyncoperation", status),
            ("location", result),
            ("retry-after", "0".to_owned()),
            // The job, whose name is that of the operation (recording-classic 5).
            ("x-ms-request-id", format!("{vault}/replicationJobs/{name}")),
        ];
        response
    }

    /// `replicationOperationStatus`: always 200 with exactly these keys (recording-modernized 1.4).
    pub(super) fn operation_status<R: Rehearsal>(&mut self, name: &str, r: &mut R) -> Answer {
        let tracked = self.look(name, r)?;
        let (status, ended, error) = status_of(&tracked, r);
        Ok(Response::ok(json!({
            "error": error,
            "id": null,
            "name": name,
            "properties": null,
            "status": status,
            "startTime": stamp_of(tracked.started),
            "endTime": ended.map(padded_seconds),
            "percentComplete": null,
        })))
    }

    /// `operationresults`: 202 while it runs, then what it was about, or nothing where that is gone.
    pub(super) fn operation_result<R: Rehearsal>(&mut self, name: &str, r: &mut R) -> Answer {
        let tracked = self.look(name, r)?;
        let (status, _, error) = status_of(&tracked, r);
        match status {
            "InProgress" => return Ok(Response::empty(202)),
            "Failed" => {
                let body = Some(json!({ "error": error }));
                return Err(Response { status: 409, headers: Vec::new(), body });
            }
            _ => {}
        }
        let path = format!("{}/{}", r.cloud().vault_path(), tracked.resource);
        let query = format!("api-version={NEWEST_VERSION}");
        let again = Request {
            method: "GET",
            path: &path,
            query: &query,
            base: "",
            body: &[],
            client_request_id: None,
        };
        Ok(self.route(&again, r).unwrap_or_else(|_| Response::empty(204)))
    }

    /// A client looks at an operation: time passes while it runs.
    fn look<R: Rehearsal>(&mut self, name: &str, r: &mut R) -> Result<Tracked, Response> {
        let tracked = self.operations.get_mut(name).ok_or_else(|| Response::no_such(name))?;
        tracked.looks += 1;
        let tracked = tracked.clone();
        if let Of::Jobs(jobs) = &tracked.of {
            for job in jobs {
                if tracked.looks == 1 {
                    wait_for_news(*job, r);
                } else {
                    wait_for_end(*job, r);
                }
            }
        }
        Ok(tracked)
    }
}

/// Lets time pass until a job has got one step further.
pub(super) fn wait_for_news<R: Rehearsal>(job: JobId, r: &mut R) {
    let step = |r: &R| Work::of(job, r).map(Work::step);
    let (before, until) = (step(r), r.now() + LOOK);
    while is_under_way(job, r) && step(r) == before && r.now() < until {
        if !r.wait(LOOK) {
            return;
        }
    }
}

fn wait_for_end<R: Rehearsal>(job: JobId, r: &mut R) {
    let until = r.now() + LONGEST_JOB;
    while is_under_way(job, r) && r.now() < until {
        if !r.wait(LOOK) {
            return;
        }
    }
}

/// Whether waiting leads to anything: a vault that is down comes back.
fn is_under_way<R: Rehearsal>(job: JobId, r: &R) -> bool {
    Work::of(job, r).is_none_or(Work::is_under_way)
}

/// The status word of an operation, when it ended, and why it failed. What was done at once is shown under way once.
fn status_of<R: Rehearsal>(tracked: &Tracked, r: &R) -> (&'static str, Option<SimTime>, Value) {
    match &tracked.of {
        Of::Filing(_) if tracked.looks < 2 => ("InProgress", None, Value::Null),
        Of::Filing(Value::Null) => ("Succeeded", Some(tracked.started), Value::Null),
        Of::Filing(error) => ("Failed", Some(tracked.started), error.clone()),
        Of::Jobs(jobs) => {
            // The worst of them says how it stands, and the last of them when it ended.
            let rank = |status: &str| {
                ["Succeeded", "Canceled", "Failed", "InProgress"].iter().position(|it| *it == status)
            };
            let all: Vec<_> = jobs.iter().map(|job| job_status(*job, r)).collect();
            let last = all.iter().filter_map(|(_, ended, _)| *ended).max();
            let worst = all.into_iter().max_by_key(|(status, ..)| rank(status));
            worst.map_or(("Succeeded", last, Value::Null), |(status, ended, error)| {
                (status, ended.and(last), error)
            })
        }
    }
}

/// The same of a job. A vault that is down says that it runs.
fn job_status<R: Rehearsal>(job: JobId, r: &R) -> (&'static str, Option<SimTime>, Value) {
    let Some(work) = Work::of(job, r) else {
        return ("InProgress", None, Value::Null);
    };
    let ended = work.ended().map(|at| SimTime::from_nanos(at.0));
    match work.state() {
        JobState::InProgress => ("InProgress", None, Value::Null),
        JobState::Succeeded => ("Succeeded", ended, Value::Null),
        JobState::Cancelled => ("Canceled", ended, Value::Null),
        JobState::Failed => ("Failed", ended, work.error(r)),
    }
}

/// What is refused before there is a job. The service accepts much of it and fails the job; here it is a conflict.
pub(super) fn refusal(refused: &Refused) -> Response {
    let message = refused.to_string();
    match refused {
        Refused::UnknownMachine(_) => Response::error(404, "NotFound", &message),
        Refused::Plan(PlanRefused::UnknownPlan) => Response::error(404, "NotFound", &message),
        Refused::Plan(
            PlanRefused::Empty
            | PlanRefused::TooManyGroups(_)
            | PlanRefused::TooManyMachines(_)
            | PlanRefused::MachineTwice(_)
            | PlanRefused::UnknownMachine(_)
            | PlanRefused::SinglePoint,
        ) => Response::error(400, "InvalidParameter", &message),
        Refused::NoSuchPoint => Response::error(400, "RecoveryPointNotFound", &message),
        Refused::NoDatastore | Refused::NoProcessServer(_) | Refused::BadGroup(_) => {
            Response::error(400, "InvalidParameter", &message)
        }
        _ => {
            let code = of_refusal(refused).map_or("OperationNotAllowed", Code::as_str);
            Response::error(409, code, &message)
        }
    }
}
