//! Scripts between the groups of a plan: asked of the cloud under a number, like any call, and asked again after a
//! restart.
//!
//! An unplanned failover goes on when a script fails, and its job is failed at the end (product pages on creating
//! plans). On the way home the product runs none (site-recovery 6).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::jobs::{JobError, Outcome};
use super::plan::{PlanAction, PlanJob, PlanPlace};
use super::vault::{RECOVERED, Vault};
use super::vocabulary::{JobId, JobKind, JobState};
use super::wire::Wish;
use crate::id::MachineId;
use crate::ports::Instance;
use crate::script::{ScriptMachine, ScriptRun, ScriptStep};
use crate::time::Instant;

/// A script that has not ended by then is given up. Azure Automation ends runbooks after three hours.
pub(super) const SCRIPT_PATIENCE: Duration = Duration::from_secs(3 * 3_600);

/// A script that is being run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenScript {
    /// The number it was asked for under.
    number: u64,
    /// When it was first asked for.
    since: Instant,
    /// How many times the answer was a transient failure.
    failures: u32,
}

impl Vault {
    /// Asks for the script that a plan is at, if it was not asked for.
    pub(super) fn run_script(&mut self, id: JobId) {
        if self.ledger.plan_job(id).is_none_or(|job| job.script.is_some()) {
            return;
        }
        let (number, now) = (self.ledger.next_number(), self.now);
        if let Some(job) = self.ledger.plan_job_mut(id) {
            job.script = Some(OpenScript { number, since: now, failures: 0 });
        }
        self.wire.set(number, id, now + self.config.call_repeat_after);
        self.wishes.push(Wish::Ask(number));
    }

    /// What is asked under that number, if it is a script.
    pub(super) fn script_asked(&self, number: u64) -> Option<ScriptRun> {
        let job = self.ledger.plan_job(self.wire.job_of(number)?)?;
        job.script.filter(|script| script.number == number)?;
        let (step, action) = job.action()?;
        let PlanAction::Script(script) = action else { return None };
        let members = &job.plan.groups.get(step.group)?.machines;
        Some(ScriptRun {
            job: job.id,
            plan: job.plan.id,
            plan_name: job.plan.name.clone(),
            is_test: job.kind == JobKind::TestFailover,
            step,
            script: script.clone(),
            machines: members.iter().filter_map(|machine| self.told_of(job, *machine)).collect(),
        })
    }

    fn told_of(&self, plan: &PlanJob, machine: MachineId) -> Option<ScriptMachine> {
        let (_, child) = plan.children.iter().find(|(member, _)| *member == machine)?;
        let job = self.job(*child)?;
        let made = if plan.kind == JobKind::TestFailover { Instance::Test } else { Instance::Recovered };
        let instance = (job.state == JobState::Succeeded).then_some(made);
        Some(ScriptMachine { machine, instance, point: job.point().map(|point| point.id) })
    }

    /// The time for a script came: it is asked for again, or given up.
    pub(super) fn repeat_script(&mut self, id: JobId, number: u64, is_held: bool) {
        let now = self.now;
        let is_recovered = self.wire.look_at(number) == Some(RECOVERED);
        let open = self.ledger.plan_job_mut(id).and_then(|job| job.script.as_mut());
        let Some(open) = open.filter(|open| open.number == number) else { return self.wire.close(number) };
        if is_recovered {
            open.since = now;
        }
        if now >= open.since + SCRIPT_PATIENCE {
            return self.settle_script(id, number, Outcome::Failed(JobError::NoAnswer(SCRIPT_PATIENCE)));
        }
        let last = open.since + SCRIPT_PATIENCE;
        self.wire.set(number, id, last.min(now + self.config.call_repeat_after));
        if !is_held {
            self.wishes.push(Wish::Ask(number));
        }
    }

    /// Takes what came of a script, and lets the plan go on.
    pub(super) fn settle_script(&mut self, id: JobId, number: u64, outcome: Outcome) {
        let open = self.ledger.plan_job(id).and_then(|job| job.script);
        let Some(open) = open.filter(|open| open.number == number) else { return };
        self.wire.close(number);
        if let Outcome::Failed(JobError::Port(failure)) = &outcome
            && failure.is_transient()
            && self.now + self.config.backoff(open.failures) < open.since + SCRIPT_PATIENCE
        {
            return self.ask_script_later(id, open);
        }
        let Some(job) = self.ledger.plan_job_mut(id) else { return };
        job.script = None;
        job.action_done();
        if let Outcome::Failed(error) = outcome {
            job.error.get_or_insert(error);
        }
        self.tell_plan(id);
    }

    /// The failed call keeps its answer under its number, so the next one is a new call.
    fn ask_script_later(&mut self, id: JobId, open: OpenScript) {
        let number = self.ledger.next_number();
        self.wire.set(number, id, self.now + self.config.backoff(open.failures));
        if let Some(job) = self.ledger.plan_job_mut(id) {
            job.script = Some(OpenScript { number, failures: open.failures + 1, ..open });
        }
    }

    /// Scripts that were being run when the vault went down are asked for again, under their numbers.
    pub(super) fn reopen_scripts(&mut self) {
        let running = self.ledger.plan_jobs().filter(|job| job.state == JobState::InProgress);
        let open: Vec<(u64, JobId)> = running.filter_map(|job| Some((job.script?.number, job.id))).collect();
        for (number, id) in open {
            self.wire.set(number, id, RECOVERED);
        }
    }
}

impl PlanJob {
    /// The action that the plan is at, and where it stands.
    #[must_use]
    pub fn action(&self) -> Option<(ScriptStep, &PlanAction)> {
        let (group, is_after, action) = match self.place {
            PlanPlace::Before { group, action } => (group, false, action),
            PlanPlace::After { group, action } => (group, true, action),
            _ => return None,
        };
        let actions = self.plan.groups.get(group)?;
        let actions = if is_after { &actions.after } else { &actions.before };
        Some((ScriptStep { group, is_after, action }, actions.get(action)?))
    }
}
