//! Carrying jobs out: one stage of one task after the other, whatever the job is for.
//!
//! This file owns the loop, the numbers, the repeats and the patience. What a stage asks, what a failed question
//! means and what happens to the item at the end is the business of the phases.

use super::jobs::{Ask, Awaited, Facts, Job, JobError, Next, Outcome, Task, Tolerance, What};
use super::phase::{self, Scene};
use super::vault::{RECOVERED, Vault};
use super::vocabulary::{JobId, JobKind, JobState, TaskState};
use super::wire::Wish;
use crate::id::{Direction, GroupId, MachineId};
use crate::message::{Observation, Order, Selector};
use crate::ports::{HypervisorRequest, PortFailure};
use crate::time::Instant;

impl Vault {
    /// Creates a job; [`Vault::advance`] sets it going.
    pub(super) fn begin_job(
        &mut self,
        kind: JobKind,
        machine: MachineId,
        direction: Direction,
        facts: Facts,
    ) -> JobId {
        let id = self.ledger.next_job();
        let tasks = phase::tasks(kind, direction).iter().copied().map(Task::new).collect();
        self.ledger.put_job(Job {
            id,
            kind,
            machine,
            direction,
            state: JobState::InProgress,
            tasks,
            error: None,
            started: self.now,
            ended: None,
            facts,
        });
        self.observe(Observation::Job { job: id, kind, machine, state: JobState::InProgress });
        id
    }

    /// Goes on with a job as far as it goes without an answer.
    pub(super) fn advance(&mut self, id: JobId) {
        while self.is_running(id) {
            let Some(task) = self.job(id).and_then(Job::current_task) else {
                if self.is_held(id) {
                    return;
                }
                if !self.start_next_task(id) {
                    return self.end_job(id, JobState::Succeeded);
                }
                continue;
            };
            if task.is_waiting() {
                return;
            }
            match self.what_next(id) {
                Some(next) => self.carry_out(id, next),
                None => return,
            }
        }
    }

    fn start_next_task(&mut self, id: JobId) -> bool {
        let now = self.now;
        let Some(job) = self.ledger.job_mut(id) else {
            return false;
        };
        let Some(task) = job.tasks.iter_mut().find(|task| task.state == TaskState::NotStarted) else {
            return false;
        };
        task.state = TaskState::InProgress;
        task.started = Some(now);
        let kind = task.kind;
        self.observe(Observation::Task { job: id, task: kind, state: TaskState::InProgress });
        phase::task_begins(self, id, kind);
        true
    }

    /// The next step of a task whose questions are all answered.
    fn what_next(&self, id: JobId) -> Option<Next> {
        let job = self.job(id)?;
        let task = job.current_task()?;
        let scene = Scene { job, item: self.item(job.machine)?, group: self.group_of(job.machine)? };
        for ask in &task.asks {
            let Some(Err(error)) = &ask.result else { continue };
            match phase::tolerance(job, task.kind, ask) {
                Tolerance::Fatal => return Some(Next::Fail(error.clone())),
                Tolerance::SkipTask => return Some(Next::Skip),
                Tolerance::Ignore => {}
            }
        }
        Some(phase::stage(&scene, task.kind, task.stages))
    }

    fn carry_out(&mut self, id: JobId, next: Next) {
        match next {
            Next::Ask(questions) => self.put_questions(id, questions),
            Next::Done => self.close_task(id, TaskState::Succeeded),
            Next::Skip => self.close_task(id, TaskState::Skipped),
            Next::Fail(error) => {
                self.close_task(id, TaskState::Failed);
                if let Some(job) = self.ledger.job_mut(id) {
                    job.error = Some(error);
                }
                self.end_job(id, JobState::Failed);
            }
        }
    }

    fn put_questions(&mut self, id: JobId, questions: Vec<What>) {
        let now = self.now;
        let mut asks: Vec<Ask> = Vec::with_capacity(questions.len());
        for what in questions {
            let number = self.ledger.next_number();
            asks.push(Ask { number, what, since: now, failures: 0, result: None });
        }
        let awaited: Vec<u64> =
            asks.iter().filter(|ask| self.is_true_already(id, &ask.what)).map(|ask| ask.number).collect();
        self.open_asks(id, asks, true);
        for number in awaited {
            self.settle(number, Outcome::Done);
        }
    }

    /// Adds questions to the task that is under way, as its next stage when they are one.
    pub(super) fn open_asks(&mut self, id: JobId, asks: Vec<Ask>, next_stage: bool) {
        for ask in asks.iter().filter(|ask| ask.result.is_none()) {
            self.wire.set(ask.number, id, self.next_look(ask));
            if !matches!(ask.what, What::Await(_)) {
                self.wishes.push(Wish::Ask(ask.number));
            }
        }
        let Some(task) = self.ledger.job_mut(id).and_then(Job::task_mut) else {
            return;
        };
        task.asks.extend(asks);
        task.stages += u8::from(next_stage);
    }

    /// When a question is looked at again: to repeat it, or to give it up.
    fn next_look(&self, ask: &Ask) -> Instant {
        let repeat = self.now + self.config.repeat_after(&ask.what);
        repeat.min(ask.since + self.config.patience(&ask.what))
    }

    /// The time for a question came: it is given up, or put again under its number.
    pub(super) fn repeat_or_give_up(&mut self, number: u64, is_held: bool) {
        let Some(id) = self.wire.job_of(number) else {
            return;
        };
        if self.job(id).is_none() {
            return self.repeat_script(id, number, is_held);
        }
        if self.wire.look_at(number) == Some(RECOVERED) {
            self.begin_patience_anew(id, number);
        }
        let Some(ask) = self.job(id).and_then(|job| job.ask(number)) else {
            return self.wire.close(number);
        };
        let patience = self.config.patience(&ask.what);
        if self.now >= ask.since + patience {
            return self.settle(number, Outcome::Failed(JobError::NoAnswer(patience)));
        }
        let silent = is_held || matches!(ask.what, What::Await(_));
        self.wire.set(number, id, self.next_look(ask));
        if !silent {
            self.wishes.push(Wish::Ask(number));
        }
    }

    /// Takes what came of a question. Answers to questions that are no longer open are dropped.
    pub(super) fn settle(&mut self, number: u64, outcome: Outcome) {
        let Some(id) = self.wire.job_of(number) else {
            return;
        };
        if self.job(id).is_none() {
            return self.settle_script(id, number, outcome);
        }
        let Some(ask) = self.job(id).and_then(|job| job.ask(number)).cloned() else {
            return;
        };
        if let Outcome::Failed(JobError::Port(failure)) = &outcome
            && failure.is_transient()
            && self.postpone(id, &ask, failure)
        {
            return;
        }
        self.wire.close(number);
        let result = self.learn(id, &ask, outcome);
        if ask.what.closes_journal()
            && result.is_ok()
            && let Some(machine) = self.job(id).map(|job| job.machine)
        {
            self.journal_closed(machine);
        }
        if let Some(ask) = self.open_ask_mut(id, number) {
            ask.result = Some(result);
        }
        self.advance(id);
    }

    /// The time during which the vault was down is nobody's fault.
    fn begin_patience_anew(&mut self, id: JobId, number: u64) {
        let now = self.now;
        if let Some(ask) = self.open_ask_mut(id, number) {
            ask.since = now;
        }
    }

    fn open_ask_mut(&mut self, id: JobId, number: u64) -> Option<&mut Ask> {
        let task = self.ledger.job_mut(id)?.task_mut()?;
        task.asks.iter_mut().find(|ask| ask.number == number)
    }

    /// Asks again later, unless that would be after the question's patience. The failed call is over and keeps
    /// its answer under its number, so the next one is a new call.
    fn postpone(&mut self, id: JobId, ask: &Ask, failure: &PortFailure) -> bool {
        let pause = match failure {
            PortFailure::Throttled { retry_after } => (*retry_after).max(self.config.backoff_min),
            _ => self.config.backoff(ask.failures),
        };
        let at = self.now + pause;
        if at >= ask.since + self.config.patience(&ask.what) {
            return false;
        }
        let fresh = self.ledger.next_number();
        self.wire.close(ask.number);
        self.wire.set(fresh, id, at);
        if let Some(ask) = self.open_ask_mut(id, ask.number) {
            ask.number = fresh;
            ask.failures += 1;
        }
        true
    }

    /// Keeps what an answer tells, and says whether the question was answered well.
    fn learn(&mut self, id: JobId, ask: &Ask, outcome: Outcome) -> Result<(), JobError> {
        if ask.what == What::Await(Awaited::Points) && matches!(outcome, Outcome::Done) {
            return self.find_point(id);
        }
        let machine = self.job(id).map(|job| job.machine);
        if let (What::Order { order: Order::OpenJournal(spec), .. }, Outcome::Done) = (&ask.what, &outcome) {
            self.journal_opened(spec);
        }
        self.learn_attached(id, ask, &outcome);
        self.learn_guest(id, ask, &outcome);
        if let (Outcome::Installed(installed), Some(machine)) = (&outcome, machine) {
            self.observe(Observation::AgentInstalled { machine, installed: *installed });
        }
        if let (Outcome::Suits(settings), Some(job)) = (&outcome, self.job(id)) {
            let (machine, found) = (job.machine, job.facts.home.clone());
            self.keep_settings(machine, found, settings.as_ref().clone());
        }
        if matches!(outcome, Outcome::Done) {
            self.master_target_assigned(ask);
        }
        let Some(job) = self.ledger.job_mut(id) else {
            return Ok(());
        };
        match outcome {
            Outcome::Done => job.facts.source_is_down |= ask.what.shuts_down(),
            Outcome::Existed => job.facts.blank = false,
            Outcome::Chosen(point) => job.facts.point = Some(point),
            Outcome::Suits(_) | Outcome::Installed(_) => {}
            Outcome::Inspected(found) => job.facts.note_inspection(&ask.what, found),
            Outcome::FoundMasterTarget(found) => job.facts.master_target = Some(found),
            Outcome::Failed(error) => return ask.excuse(error, &mut job.facts),
        }
        Ok(())
    }

    /// Keeps whether the disks at home are attached. What an inspection finds counts only where they are about to be
    /// attached: a failover must not take disks that an operator took away for disks it has given back itself.
    fn learn_attached(&mut self, id: JobId, ask: &Ask, outcome: &Outcome) {
        let Some(job) = self.job(id) else { return };
        let is_to_attach = matches!(job.kind, JobKind::Reprotect | JobKind::Cancel);
        let machine = job.machine;
        let is_inspection = matches!(ask.what, What::Hypervisor(HypervisorRequest::Inspect(_)));
        let attached = ask.tells_attached(outcome).filter(|_| is_to_attach || !is_inspection);
        if let Some((item, attached)) = self.ledger.item_mut(machine).zip(attached) {
            item.disks_attached = attached;
        }
    }

    /// Keeps what a machine is that begins to replicate away: when it fails over its site may be lost.
    fn learn_guest(&mut self, id: JobId, ask: &Ask, outcome: &Outcome) {
        let Some(job) = self.job(id) else { return };
        let machine = job.machine;
        let begins = matches!(job.kind, JobKind::Enable | JobKind::Reprotect)
            && job.direction == Direction::Forward
            && matches!(ask.what, What::Hypervisor(HypervisorRequest::Inspect(_)));
        if let Outcome::Inspected(found) = outcome
            && begins
            && let Some(item) = self.ledger.item_mut(machine)
        {
            item.guest = found.guest;
        }
    }

    /// Keeps the point that was asked for, if the target shows it.
    fn find_point(&mut self, id: JobId) -> Result<(), JobError> {
        let Some(job) = self.job(id) else { return Ok(()) };
        let points = self.status_of(job.machine).map_or(&[][..], |status| &status.points);
        let wanted = points.iter().find(|point| job.facts.selector == Selector::Exactly(point.id)).copied();
        let wanted = wanted.ok_or(JobError::NoSuchPoint)?;
        if let Some(job) = self.ledger.job_mut(id) {
            job.facts.point = Some(wanted);
        }
        Ok(())
    }

    /// Settles the questions that are true by now.
    pub(super) fn recheck_awaited(&mut self, awaited: Awaited, group: GroupId) {
        let waiting: Vec<(u64, JobId)> = self.wire.open().collect();
        for (number, id) in waiting {
            let Some(job) = self.job(id) else { continue };
            let is_asked = job.ask(number).is_some_and(|ask| ask.what == What::Await(awaited));
            let is_concerned = self.item(job.machine).is_some_and(|item| item.group == group);
            if is_asked && is_concerned && self.is_true_already(id, &What::Await(awaited)) {
                self.settle(number, Outcome::Done);
            }
        }
    }

    fn is_true_already(&self, id: JobId, what: &What) -> bool {
        let Some(machine) = self.job(id).map(|job| job.machine) else {
            return false;
        };
        match what {
            What::Await(Awaited::JournalOpen) => self.run_of(machine).is_some_and(|run| run.open),
            What::Await(Awaited::Points) => self.status_of(machine).is_some(),
            What::Await(Awaited::ShutDownPoint) => {
                self.status_of(machine).is_some_and(|status| status.shut_down.contains(&machine))
            }
            What::Await(Awaited::Drained) => self.is_drained(machine),
            What::Await(Awaited::Turn) => self.is_its_turn(machine),
            _ => false,
        }
    }

    /// Ends a job and moves its item accordingly.
    fn end_job(&mut self, id: JobId, state: JobState) {
        self.close_job(id, state);
        phase::job_ends(self, id, state == JobState::Succeeded);
    }

    /// Stops a job from outside. Its item is moved by whoever stops it.
    pub(super) fn cancel_job(&mut self, id: JobId) {
        self.close_task(id, TaskState::Skipped);
        self.close_job(id, JobState::Cancelled);
    }

    /// Stops what runs beside replication for a machine that was asked for something bigger: resyncs, and moves to another
    /// process server.
    pub(super) fn cancel_side_jobs(&mut self, machine: MachineId) {
        let beside: Vec<JobId> = self.side_jobs(machine).collect();
        beside.into_iter().for_each(|id| self.cancel_job(id));
    }

    /// The jobs that run beside replication for a machine: resyncs, and moves to another process server.
    pub(super) fn side_jobs(&self, machine: MachineId) -> impl Iterator<Item = JobId> {
        let is_beside = move |job: &Job| {
            matches!(job.kind, JobKind::Resync | JobKind::SwitchProcessServer) && job.machine == machine
        };
        let open = self.wire.open().map(|(_, id)| id);
        open.filter(move |id| self.job(*id).is_some_and(is_beside) && self.is_running(*id))
    }
}
