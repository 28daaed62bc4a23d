//! Jobs of the vault, of a machine or of a recovery plan, as far as a client that polls does not tell them apart; and
//! which job a GUID names.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use switchback_engine::control::{Job, JobId, JobState, PlanJob, PlanPlace, TaskKind};
use switchback_engine::time::Instant;

use super::Rehearsal;

/// A job.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work<'a> {
    /// Of one machine.
    Machine(&'a Job),
    /// Of the machines of a plan.
    Plan(&'a PlanJob),
}

/// How far a job is: what a client sees change.
pub(super) type Step = (JobState, Option<TaskKind>, Option<PlanPlace>);

impl<'a> Work<'a> {
    /// The job with a number.
    pub(super) fn of<R: Rehearsal>(id: JobId, r: &'a R) -> Option<Self> {
        let vault = r.vault()?;
        vault.job(id).map(Self::Machine).or_else(|| vault.plan_job(id).map(Self::Plan))
    }

    pub(super) const fn state(self) -> JobState {
        match self {
            Self::Machine(job) => job.state,
            Self::Plan(job) => job.state,
        }
    }

    pub(super) const fn id(self) -> JobId {
        match self {
            Self::Machine(job) => job.id,
            Self::Plan(job) => job.id,
        }
    }

    pub(super) const fn started(self) -> Instant {
        match self {
            Self::Machine(job) => job.started,
            Self::Plan(job) => job.started,
        }
    }

    pub(super) const fn ended(self) -> Option<Instant> {
        match self {
            Self::Machine(job) => job.ended,
            Self::Plan(job) => job.ended,
        }
    }

    pub(super) fn step(self) -> Step {
        match self {
            Self::Machine(job) => (job.state, job.current_task().map(|task| task.kind), None),
            Self::Plan(job) => (job.state, None, Some(job.place)),
        }
    }

    /// Whether it goes on by itself. A plan that waits for people does not.
    pub(super) fn is_under_way(self) -> bool {
        let waits = matches!(self, Self::Plan(job) if job.waits_for().is_some());
        self.state() == JobState::InProgress && !waits
    }

    /// Why it failed, as Resource Manager puts it.
    pub(super) fn error<R: Rehearsal>(self, r: &R) -> Value {
        match self {
            Self::Machine(job) => super::jobs::error_of(job),
            Self::Plan(plan) => {
                let children = plan.children.iter().filter_map(|(_, child)| r.vault()?.job(*child));
                let failed = children.into_iter().find(|job| job.state == JobState::Failed);
                failed.map_or_else(|| script_error(plan), super::jobs::error_of)
            }
        }
    }
}

/// Where no machine's job failed, a script did.
fn script_error(plan: &PlanJob) -> Value {
    let message = plan.error.as_ref().map_or_else(String::new, ToString::to_string);
    json!({ "code": "RecoveryPlanActionFailed", "message": message, "details": null })
}

/// Which job a GUID names: filled up as jobs come, so that a look at one of thousands does not name them all.
#[derive(Debug, Clone, Default)]
pub(super) struct JobNames {
    known: BTreeMap<String, JobId>,
    up_to: u64,
}

impl JobNames {
    pub(super) fn find<R: Rehearsal>(&mut self, name: &str, r: &R) -> Option<JobId> {
        let vault = r.vault()?;
        let newest = vault.jobs().next_back().map_or(0, |job| job.id.0);
        let newest = vault.plan_jobs().next_back().map_or(newest, |job| job.id.0.max(newest));
        for number in self.up_to + 1..=newest {
            self.known.insert(r.cloud().job_guid(JobId(number)), JobId(number));
        }
        self.up_to = self.up_to.max(newest);
        let found = self.known.get(&name.to_ascii_lowercase()).copied();
        found.filter(|id| Work::of(*id, r).is_some())
    }
}
