//! Jobs of plans: what is refused, and how one goes on.
//!
//! A plan does nothing to a machine by itself. It begins the jobs that a user would begin, and holds each of them back
//! before the tasks that have to wait for other machines. How far it is follows from the jobs below it, which are looked
//! at after every input, so what the vault keeps is all it needs after a restart.
//!
//! A machine whose job fails does not stop the others: an unplanned failover goes on (site-recovery 6, product pages on
//! creating plans).

use super::jobs::Job;
use super::ledger::Reply;
use super::operations::allowed_operations;
use super::plan::{Plan, PlanAction, PlanCommand, PlanId, PlanJob, PlanOperation, PlanPlace, PlanRefused};
use super::vault::Vault;
use super::vocabulary::{ItemState, JobId, JobKind, JobState, Operation, Refused, TaskKind, TaskState};
use crate::id::{Direction, MachineId};
use crate::message::{Observation, Selector};

impl Vault {
    /// Takes a command about a plan.
    pub(super) fn plan_command(&mut self, command: PlanCommand) -> Reply {
        match command {
            PlanCommand::Save(plan) => self.save_plan(plan),
            PlanCommand::Delete(plan) => self.delete_plan(plan),
            PlanCommand::Start(plan, operation) => self.start_plan(plan, operation),
            PlanCommand::Resume(plan) => self.resume_plan(plan),
            PlanCommand::Cancel(plan) => self.cancel_plan(plan),
        }
    }

    fn save_plan(&mut self, plan: Plan) -> Reply {
        plan.check()?;
        self.is_idle(plan.id)?;
        if let Some(machine) = plan.machines().find(|machine| self.item(*machine).is_none()) {
            return Err(PlanRefused::UnknownMachine(machine).into());
        }
        self.ledger.put_plan(plan);
        Ok(self.ledger.next_job())
    }

    fn delete_plan(&mut self, id: PlanId) -> Reply {
        self.ledger.plan(id).ok_or(PlanRefused::UnknownPlan)?;
        self.is_idle(id)?;
        self.ledger.remove_plan(id);
        Ok(self.ledger.next_job())
    }

    fn is_idle(&self, id: PlanId) -> Result<(), PlanRefused> {
        self.running_plan(id).map_or(Ok(()), |_| Err(PlanRefused::Busy))
    }

    fn running_plan(&self, id: PlanId) -> Option<&PlanJob> {
        self.running_plans().find(|job| job.plan.id == id)
    }

    fn running_plans(&self) -> impl Iterator<Item = &PlanJob> {
        self.ledger.plan_jobs().filter(|job| job.state == JobState::InProgress)
    }

    fn start_plan(&mut self, id: PlanId, operation: PlanOperation) -> Reply {
        let plan = self.ledger.plan(id).ok_or(PlanRefused::UnknownPlan)?.clone();
        self.is_idle(id)?;
        if matches!(operation.selector(), Some(Selector::Exactly(_))) {
            return Err(PlanRefused::SinglePoint.into());
        }
        let ready = self.ready_machines(&plan, operation)?;
        let direction = self.common_direction(&ready)?;
        if let PlanOperation::Reprotect(way) = operation {
            if way.datastore.is_none() && direction == Direction::Forward {
                return Err(Refused::NoDatastore);
            }
            ready.iter().try_for_each(|machine| self.check_master_target(*machine, way.named()))?;
        }
        if let Some(selector) = operation.selector() {
            for machine in &ready {
                self.check_selector(*machine, selector)?;
            }
        }
        if operation.is_multi_vm() && direction == Direction::Reverse {
            return Err(PlanRefused::MultiVmHome.into());
        }
        let job = self.ledger.next_job();
        let place = match operation {
            PlanOperation::Failover { .. } | PlanOperation::PlannedFailover { .. } => PlanPlace::ShuttingDown,
            PlanOperation::TestFailover { .. } => PlanPlace::FailingOver,
            _ => PlanPlace::Everywhere,
        };
        let mut children = Vec::with_capacity(ready.len());
        for machine in ready {
            let child = self.start_on(machine, operation)?;
            if let Some(child) = self.ledger.job_mut(child).filter(|_| operation.is_multi_vm()) {
                child.facts.shared = Some(job);
            }
            children.push((machine, child));
        }
        self.ledger.put_plan_job(PlanJob {
            id: job,
            plan,
            kind: operation.kind(),
            direction,
            state: JobState::InProgress,
            place,
            children,
            started: self.now,
            ended: None,
            error: None,
            script: None,
        });
        self.tell_plan(job);
        Ok(job)
    }

    /// A first task asks before anything else happens, so the job is held back in time although it begins before the
    /// plan's job knows of it.
    fn start_on(&mut self, machine: MachineId, operation: PlanOperation) -> Reply {
        self.accept(operation.on(machine))
    }

    /// The machines that the operation is for. One that has failed over already, with another plan or alone, is left out of a
    /// failover; any other one that is not in a state for it is in the way. What comes after a failover is done with those
    /// that it is allowed for.
    fn ready_machines(&self, plan: &Plan, operation: PlanOperation) -> Result<Vec<MachineId>, Refused> {
        let wanted = operation_of(operation);
        let is_failover = matches!(wanted, Operation::Failover | Operation::PlannedFailover);
        let (mut ready, mut other) = (Vec::new(), None);
        for machine in plan.machines() {
            let item = self.item(machine).ok_or(PlanRefused::UnknownMachine(machine))?;
            let state = item.state();
            let is_through = matches!(state, ItemState::FailedOver(_) | ItemState::Committed(_));
            if allowed_operations(state, item.test(), self.config.stack).contains(&wanted) {
                ready.push(machine);
            } else if is_failover && !is_through {
                return Err(self.not_ready(machine, wanted));
            } else {
                other = other.or(Some((machine, state)));
            }
        }
        match other {
            Some((machine, state)) if ready.is_empty() => {
                Err(PlanRefused::NotReady { machine, state }.into())
            }
            _ => Ok(ready),
        }
    }

    /// Why a machine keeps its plan from beginning: an operation that its stack does not have, or its state.
    fn not_ready(&self, machine: MachineId, wanted: Operation) -> Refused {
        match self.permit(machine, wanted) {
            Err(Refused::NotAllowed { state, .. }) => PlanRefused::NotReady { machine, state }.into(),
            Err(refused) => refused,
            Ok(item) => PlanRefused::NotReady { machine, state: item.state() }.into(),
        }
    }

    fn common_direction(&self, machines: &[MachineId]) -> Result<Direction, PlanRefused> {
        let mut directions =
            machines.iter().filter_map(|machine| self.item(*machine)).map(|item| item.direction());
        let first = directions.next().unwrap_or(Direction::Forward);
        if directions.all(|direction| direction == first) {
            Ok(first)
        } else {
            Err(PlanRefused::MixedDirections)
        }
    }

    fn resume_plan(&mut self, id: PlanId) -> Reply {
        self.ledger.plan(id).ok_or(PlanRefused::UnknownPlan)?;
        let job = self.running_plan(id).filter(|job| job.waits_for().is_some());
        let job = job.map(|job| job.id).ok_or(PlanRefused::NotWaiting)?;
        if let Some(plan) = self.ledger.plan_job_mut(job) {
            plan.action_done();
        }
        self.tell_plan(job);
        Ok(job)
    }

    fn cancel_plan(&mut self, id: PlanId) -> Reply {
        self.ledger.plan(id).ok_or(PlanRefused::UnknownPlan)?;
        let may = |job: &&PlanJob| {
            job.kind == JobKind::PlannedFailover
                || job.kind == JobKind::Failover && job.direction == Direction::Forward
        };
        let (job, children) = self
            .running_plan(id)
            .filter(may)
            .map(|job| (job.id, job.children.clone()))
            .ok_or(PlanRefused::NotWaiting)?;
        for (machine, child) in children {
            if self.is_running(child) {
                self.cancel(machine)?;
            }
        }
        self.end_plan(job, JobState::Cancelled);
        Ok(job)
    }

    /// Whether a plan holds a job back before its next task.
    pub(super) fn is_held(&self, id: JobId) -> bool {
        let Some(job) = self.job(id) else { return false };
        let next = job.tasks.iter().find(|task| task.state == TaskState::NotStarted);
        let child = (job.machine, id);
        next.is_some_and(|next| {
            self.running_plans()
                .any(|plan| plan.children.contains(&child) && plan.holds(job.machine, next.kind))
        })
    }

    /// Lets every plan go on as far as the jobs below it allow.
    pub(super) fn carry_plans_on(&mut self) {
        let running: Vec<JobId> = self.running_plans().map(|job| job.id).collect();
        for id in running {
            while self.carry_plan_on(id) {}
        }
    }

    fn carry_plan_on(&mut self, id: JobId) -> bool {
        let Some(job) = self.ledger.plan_job(id) else { return false };
        if let Some((_, PlanAction::Script(_))) = job.action() {
            return self.carry_script_on(id);
        }
        let Some(next) = self.next_place(job) else { return false };
        let children = job.children.clone();
        if next == PlanPlace::Ended {
            let is_well =
                |child: &JobId| self.job(*child).is_some_and(|job| job.state == JobState::Succeeded);
            let is_well = job.error.is_none() && children.iter().all(|(_, child)| is_well(child));
            self.end_plan(id, if is_well { JobState::Succeeded } else { JobState::Failed });
            return false;
        }
        if let Some(job) = self.ledger.plan_job_mut(id) {
            job.place = next;
        }
        self.tell_plan(id);
        children.into_iter().for_each(|(_, child)| self.advance(child));
        true
    }

    /// A script is waited for; on the way home it is left out, and the plan goes on.
    fn carry_script_on(&mut self, id: JobId) -> bool {
        let is_home = self.ledger.plan_job(id).is_some_and(|job| job.direction == Direction::Reverse);
        if !is_home {
            self.run_script(id);
        } else if let Some(job) = self.ledger.plan_job_mut(id) {
            job.action_done();
        }
        is_home
    }

    /// Where a plan is next; `None` while it has to wait.
    fn next_place(&self, job: &PlanJob) -> Option<PlanPlace> {
        let jobs = || job.children.iter().map(|(machine, child)| (*machine, self.job(*child)));
        let has_ended = |child: Option<&Job>| child.is_none_or(|job| job.state != JobState::InProgress);
        let all_ended = || jobs().all(|(_, child)| has_ended(child));
        let after_actions = |group: usize| match group + 1 < job.plan.groups.len() {
            true => PlanPlace::Before { group: group + 1, action: 0 },
            false => PlanPlace::Ended,
        };
        match job.place {
            PlanPlace::Everywhere => all_ended().then_some(PlanPlace::Ended),
            // Nobody is left who could be started.
            PlanPlace::ShuttingDown | PlanPlace::FailingOver if all_ended() => Some(PlanPlace::Ended),
            PlanPlace::ShuttingDown => jobs()
                .all(|(_, child)| child.is_none_or(|job| is_before(job, TaskKind::SynchroniseLatest)))
                .then_some(PlanPlace::FailingOver),
            PlanPlace::FailingOver => jobs()
                .all(|(_, child)| child.is_none_or(|job| is_before(job, TaskKind::StartMachine)))
                .then_some(PlanPlace::Before { group: 0, action: 0 }),
            PlanPlace::Before { group, .. } => {
                job.action().is_none().then_some(PlanPlace::Starting { group })
            }
            PlanPlace::Starting { group } => {
                let members = &job.plan.groups.get(group)?.machines;
                let mut members = jobs().filter(|(machine, _)| members.contains(machine));
                members.all(|(_, child)| has_ended(child)).then_some(PlanPlace::After { group, action: 0 })
            }
            PlanPlace::After { group, .. } => job.action().is_none().then(|| after_actions(group)),
            PlanPlace::Ended => None,
        }
    }

    fn end_plan(&mut self, id: JobId, state: JobState) {
        let now = self.now;
        if let Some(job) = self.ledger.plan_job_mut(id) {
            job.place = PlanPlace::Ended;
            job.state = state;
            job.ended = Some(now);
            job.script = None;
        }
        self.wire.numbers_of(id).into_iter().for_each(|number| self.wire.close(number));
        self.tell_plan(id);
    }

    pub(super) fn tell_plan(&mut self, id: JobId) {
        let Some(job) = self.ledger.plan_job(id) else { return };
        let told = Observation::Plan {
            job: id,
            plan: job.plan.id,
            kind: job.kind,
            place: job.place,
            state: job.state,
        };
        self.observe(told);
    }
}

/// Whether a job has ended or has come to where only that task is next.
fn is_before(job: &Job, task: TaskKind) -> bool {
    let next =
        job.tasks.iter().find(|task| matches!(task.state, TaskState::NotStarted | TaskState::InProgress));
    job.state != JobState::InProgress
        || next.is_none_or(|next| next.kind == task && next.state == TaskState::NotStarted)
}

const fn operation_of(operation: PlanOperation) -> Operation {
    match operation {
        PlanOperation::Failover { .. } => Operation::Failover,
        PlanOperation::PlannedFailover { .. } => Operation::PlannedFailover,
        PlanOperation::TestFailover { .. } => Operation::TestFailover,
        PlanOperation::CleanUpTest => Operation::CleanUpTest,
        PlanOperation::Commit => Operation::Commit,
        PlanOperation::Reprotect(_) => Operation::Reprotect,
    }
}

impl From<PlanRefused> for Refused {
    fn from(why: PlanRefused) -> Self {
        Self::Plan(why)
    }
}
