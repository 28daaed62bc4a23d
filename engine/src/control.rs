//! The control role, the vault: what is protected, in which state, and the jobs that move it.
//!
//! A user's [`Command`] becomes a [`Job`] with tasks; each task puts questions to the agents, the targets and the two
//! sites until it is done. Start reading at [`item`](ItemStatus) for the states, then `tasks` for how a job is carried
//! out, then the phase you care about (`enable`, `failover`, `failback`, `commit`, ...).
//!
//! # What survives
//! Everything but heartbeats. A change and the numbers of the questions that follow from it are one record, and
//! nothing leaves before the sync that covers it: no message, no call, no reply, and nothing is shown. What
//! [`Control::item`] and its like show is what a crash cannot take back. A vault that restarts puts every open
//! question again, under the same number.
//!
//! # What it refuses to know
//! What a disk holds (views pass through unread), which product a site is, and whether an agent tells the truth.

use std::collections::BTreeMap;
use std::sync::Arc;

use core::time::Duration;

use crate::content::Content;
use crate::id::{GroupId, MachineId};
use crate::journal::View;
use crate::message::{Answer, Message, RequestId};
use crate::point::RecoveryPoint;
use crate::ports::{CloudAnswer, CloudRequest, HypervisorAnswer, PortFailure};
use crate::role::{Address, CallId, Effect, Input, Outbox, Role};
use crate::time::Instant;

mod cancel;
mod change_point;
mod commands;
mod commit;
mod config;
mod configure;
mod disable;
mod durable;
mod enable;
mod failback;
mod failover;
mod group;
mod growth;
mod item;
mod jobs;
mod joining;
mod ledger;
mod master_target;
mod opening;
mod operations;
mod parts;
mod phase;
mod plan;
mod plan_jobs;
mod planned_failover;
mod prepare_boot;
mod process_server;
mod reprotect;
mod resume;
mod resync;
mod rpo;
mod runs;
mod scripts;
mod server_health;
mod silence;
mod status;
mod tasks;
mod test_failover;
mod vault;
mod vocabulary;
mod way_home;
mod wire;

#[cfg(test)]
mod tests;

pub use config::ControlConfig;
pub use group::Group;
pub use item::{Health, ItemStatus, ProtectedItem};
pub use jobs::{Job, JobError, Task};
pub use joining::GROUP_MACHINES_MAX;
pub use ledger::ControlRecord;
pub use master_target::{DriveUnfit, MasterTargetUnfit, drive_fits};
pub use operations::allowed_operations;
pub use plan::{
    ManualAction, PLAN_GROUPS_MAX, PLAN_MACHINES_MAX, Plan, PlanAction, PlanCommand, PlanGroup, PlanId,
    PlanJob, PlanOperation, PlanPlace, PlanRefused,
};
pub use vocabulary::{
    Command, ItemState, JobId, JobKind, JobState, Location, Operation, PlannedPoint, Refused, ReprotectWay,
    Stack, TaskKind, TaskState, TestState,
};
pub use way_home::NoWayHome;

use durable::Durable;
use jobs::{CloudAsk, Outcome, What};
use vault::Vault;
use wire::Wish;

/// The vault.
#[derive(Debug, Clone)]
pub struct Control<C: Content> {
    vault: Vault,
    durable: Durable,
    /// The disks of the points that are being recovered. Not kept: they are asked for again.
    views: BTreeMap<MachineId, Vec<Arc<View<C>>>>,
}

impl<C: Content> Control<C> {
    /// A vault that protects nothing.
    #[must_use]
    pub fn new(config: ControlConfig) -> Self {
        Self { vault: Vault::new(config), durable: Durable::new(), views: BTreeMap::new() }
    }

    /// A vault that goes on from what its durable store kept, in order.
    #[must_use]
    pub fn recover(config: ControlConfig, records: Vec<ControlRecord>) -> Self {
        Self { vault: Vault::recover(config, records), durable: Durable::new(), views: BTreeMap::new() }
    }

    /// All machines that are or were protected, by number.
    pub fn items(&self) -> impl Iterator<Item = &ProtectedItem> {
        self.vault.shown.items().values()
    }

    /// A machine that is or was protected.
    #[must_use]
    pub fn item(&self, machine: MachineId) -> Option<&ProtectedItem> {
        self.vault.shown.items().get(&machine)
    }

    /// All groups, by number.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.vault.shown.groups()
    }

    /// All jobs, oldest first.
    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = &Job> {
        self.vault.shown.jobs()
    }

    /// A job.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.vault.shown.job(id)
    }

    /// A recovery plan.
    #[must_use]
    pub fn plan(&self, id: PlanId) -> Option<&Plan> {
        self.vault.shown.plan(id)
    }

    /// All jobs of plans, oldest first.
    pub fn plan_jobs(&self) -> impl DoubleEndedIterator<Item = &PlanJob> {
        self.vault.shown.plan_jobs()
    }

    /// A job of a plan.
    #[must_use]
    pub fn plan_job(&self, id: JobId) -> Option<&PlanJob> {
        self.vault.shown.plan_job(id)
    }

    /// The recovery points of a group's newest run, oldest first. Empty when there are none, after a commit, and
    /// for the moment after a restart until the target is heard from.
    #[must_use]
    pub fn points(&self, group: GroupId) -> &[RecoveryPoint] {
        let run = self.vault.shown.group(group).and_then(Group::open_run);
        let status = run.and_then(|run| self.vault.statuses.get(&(group, run.generation)));
        status.map_or(&[], |status| &status.points)
    }

    /// The recovery points of the run a machine belongs to. Differs from [`Control::points`] only while the
    /// machines of its group are at different places of their journey.
    #[must_use]
    pub fn points_of(&self, machine: MachineId) -> &[RecoveryPoint] {
        let status =
            self.item(machine).and_then(|item| self.vault.statuses.get(&(item.group, item.generation)));
        status.map_or(&[], |status| &status.points)
    }

    /// What a user may ask for now; [`Operation::Enable`] for a machine that was never protected.
    #[must_use]
    pub fn allowed_operations(&self, machine: MachineId) -> Vec<Operation> {
        let (item, stack) = (self.item(machine), self.vault.config.stack);
        item.map_or_else(
            || vec![Operation::Enable],
            |item| allowed_operations(item.state(), item.test(), stack),
        )
    }

    /// How old the newest recovery point of a machine is: what would be lost if it failed over now. `None` while
    /// there is nothing to recover, and once the machine has failed over.
    #[must_use]
    pub fn rpo_lag(&self, machine: MachineId, now: Instant) -> Option<Duration> {
        self.vault.rpo_lag(machine, now)
    }

    fn message(&mut self, from: Address, message: Message<C>) {
        match (from, message) {
            (_, Message::Answer { request, answer }) => self.answer(from, request, answer),
            (Address::Agent(machine, site), Message::AgentStatus(status)) if status.machine == machine => {
                self.vault.agent_status(site, &status);
            }
            (Address::Target(site), Message::TargetStatus(status)) => {
                self.vault.target_heard(site);
                self.vault.target_status(site, status);
            }
            (Address::ProcessServer(number), Message::ProcessServerStatus(status))
                if status.number == number =>
            {
                self.vault.process_server_status(*status);
            }
            // Nothing else is for the vault; whoever sends it is not believed and not answered.
            _ => {}
        }
    }

    fn answer(&mut self, from: Address, request: RequestId, answer: Answer<C>) {
        let RequestId(number) = request;
        let Some(job) = self.vault.wire.job_of(number) else {
            return self.vault.standing_answered(from, number);
        };
        let outcome = match answer {
            Answer::Done => Outcome::Done,
            Answer::Chosen(point) => Outcome::Chosen(point),
            Answer::NoSuchPoint => Outcome::Failed(JobError::NoSuchPoint),
            Answer::Unknown => Outcome::Failed(JobError::Unknown),
            Answer::Views(views) => {
                self.vault.views_arrived(job);
                if let Some(machine) = self.vault.job(job).map(|job| job.machine) {
                    self.views.insert(machine, views);
                }
                Outcome::Done
            }
        };
        self.vault.settle(number, outcome);
    }

    fn hypervisor(&mut self, call: CallId, result: Result<HypervisorAnswer, PortFailure>) {
        let outcome = match result {
            Ok(HypervisorAnswer::Done) => Outcome::Done,
            Ok(HypervisorAnswer::Machine(found)) => Outcome::Inspected(found),
            Ok(HypervisorAnswer::MasterTarget(found)) => Outcome::FoundMasterTarget(found),
            Ok(HypervisorAnswer::Installed(installed)) => Outcome::Installed(installed),
            Err(failure) => Outcome::Failed(failure.into()),
        };
        self.vault.settle(call.0, outcome);
    }

    fn cloud(&mut self, call: CallId, result: Result<CloudAnswer, PortFailure>) {
        let outcome = match result {
            Ok(CloudAnswer::Done) => Outcome::Done,
            Ok(CloudAnswer::Existed) => Outcome::Existed,
            Ok(CloudAnswer::Machine(found)) => Outcome::Inspected(found),
            Ok(CloudAnswer::Suits(settings)) => Outcome::Suits(settings),
            Err(failure) => Outcome::Failed(failure.into()),
        };
        self.vault.settle(call.0, outcome);
    }

    /// Turns what may leave into effects. A question that was answered or dropped meanwhile is no longer put.
    fn release(&self, wish: Wish) -> Option<Effect<C, ControlRecord>> {
        Some(match wish {
            Wish::Ask(number) => self.question(number)?,
            Wish::Order(to, request, order) => {
                Effect::Send { to, message: Message::Order { request, order: Box::new(order) } }
            }
            Wish::Reply(id, result) => Effect::Reply { id, result },
            Wish::Observe(observation) => Effect::Observe(observation),
        })
    }

    fn question(&self, number: u64) -> Option<Effect<C, ControlRecord>> {
        if let Some(run) = self.vault.script_asked(number) {
            let request = CloudRequest::RunScript(Box::new(run));
            return Some(Effect::Cloud { call: CallId(number), request });
        }
        let job = self.vault.job(self.vault.wire.job_of(number)?)?;
        Some(match job.ask(number)?.what.clone() {
            What::Order { to, order } => Effect::Send {
                to,
                message: Message::Order { request: RequestId(number), order: Box::new(order) },
            },
            What::Hypervisor(request) => Effect::Hypervisor { call: CallId(number), request },
            What::Cloud(ask) => {
                Effect::Cloud { call: CallId(number), request: self.cloud_request(job, ask)? }
            }
            What::Await(_) => return None,
        })
    }

    /// `None` for a disk whose view is not here (again) yet.
    fn cloud_request(&self, job: &Job, ask: CloudAsk) -> Option<CloudRequest<C>> {
        let item = self.vault.item(job.machine);
        let settings = || item.and_then(|item| item.recovery.clone()).map(Box::new);
        Some(match ask {
            CloudAsk::Examine(machine) => {
                let found = job.facts.home.as_ref().and_then(|found| found.profile.clone());
                let profile = found.or_else(|| item.and_then(|item| item.profile.clone()))?;
                CloudRequest::Examine(machine, Box::new(profile), settings())
            }
            CloudAsk::Inspect(instance, machine) => CloudRequest::Inspect(instance, machine),
            CloudAsk::CreateReplica(disk, sectors) => CloudRequest::CreateReplica(disk, sectors),
            CloudAsk::CreateDisk(instance, disk) => {
                let view = self.views.get(&job.machine)?.get(usize::from(disk.index))?;
                let sectors = self.vault.item(job.machine)?.disk_sectors.get(usize::from(disk.index))?;
                CloudRequest::CreateDisk(instance, disk, Arc::clone(view), *sectors)
            }
            CloudAsk::CreateMachine(instance, machine) => {
                CloudRequest::CreateMachine(instance, machine, settings())
            }
            CloudAsk::PrepareBoot(instance, machine) => CloudRequest::PrepareBoot(instance, machine),
            CloudAsk::StartMachine(instance, machine) => CloudRequest::StartMachine(instance, machine),
            CloudAsk::StopMachine(machine) => CloudRequest::StopMachine(machine),
            CloudAsk::DeleteMachine(instance, machine) => CloudRequest::DeleteMachine(instance, machine),
            CloudAsk::DeleteReplica(disk) => CloudRequest::DeleteReplica(disk),
        })
    }
}

impl<C: Content> Role for Control<C> {
    type Content = C;
    type Record = ControlRecord;

    fn handle(&mut self, now: Instant, input: Input<C>, out: &mut Outbox<C, ControlRecord>) {
        self.vault.now = now;
        self.vault.listen();
        match input {
            Input::Wake => {
                let durable = &self.durable;
                self.vault.wake(|number| durable.holds_ask(number));
            }
            Input::Message { from, message } => self.message(from, message),
            Input::Synced { token, result } => {
                self.durable.synced(token, result, now + self.vault.config.store_retry_after);
            }
            Input::Hypervisor { call, result } => self.hypervisor(call, result),
            Input::Cloud { call, result } => self.cloud(call, result),
            Input::Command { id, command } => self.vault.command(id, command),
            // The vault has no disks and captures no writes.
            Input::Written { .. }
            | Input::WritesHeld
            | Input::Quiesced(_)
            | Input::FilterLost(_)
            | Input::DiskGrew { .. }
            | Input::ShuttingDown
            | Input::DiskRead { .. }
            | Input::DiskWritten { .. } => {}
        }
        self.vault.carry_plans_on();
        while let Some(record) = self.durable.next_durable() {
            self.vault.shown.apply_record(record);
        }
        let vault = &self.vault;
        self.views.retain(|machine, _| vault.is_recovering(*machine));
        let free = self.durable.flush(now, &mut self.vault.ledger, &mut self.vault.wishes, out);
        for effect in free.into_iter().filter_map(|wish| self.release(wish)) {
            out.push(effect);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        // Only a vault that has just started again still has something to say after an input.
        let first = (!self.vault.wishes.is_empty()).then_some(Instant::ZERO);
        self.vault.wire.deadline().into_iter().chain(self.durable.deadline()).chain(first).min()
    }
}
