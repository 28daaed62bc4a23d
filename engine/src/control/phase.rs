//! Which phase answers for which job: the only place that knows all of them.
//!
//! A phase is a file: `enable`, `failover`, `failback`, `prepare_boot`, `change_point`, `commit`, `cancel`, `reprotect`, `resync`,
//! `process_server`, `disable`, `test_failover`, `planned_failover`, `resume`. Each says which tasks its jobs have, what every stage of a task asks, and where the item goes at
//! the end. Phases read the world through a [`Scene`] and change nothing but the item.

use super::group::{Group, Run};
use super::item::ProtectedItem;
use super::jobs::{Ask, Awaited, CloudAsk, Job, JobError, Next, Tolerance, What};
use super::vault::Vault;
use super::vocabulary::{JobId, JobKind, TaskKind};
use super::{
    cancel, change_point, commit, configure, disable, enable, failback, failover, planned_failover,
    process_server, reprotect, resume, resync, test_failover,
};
use crate::id::{Direction, DiskId};
use crate::message::{FirstCopy, Order, Replication};
use crate::ports::Instance;
use crate::role::Address;

/// What a phase sees of the vault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub job: &'a Job,
    pub item: &'a ProtectedItem,
    pub group: &'a Group,
}

impl Scene<'_> {
    pub(super) fn run(&self) -> Option<&Run> {
        self.group.run(self.item.generation)
    }

    /// The disks of the machine.
    pub(super) fn disks(&self) -> impl Iterator<Item = (DiskId, u64)> {
        let machine = self.item.machine;
        (0..).zip(&self.item.disk_sectors).map(move |(index, sectors)| (DiskId { machine, index }, *sectors))
    }

    /// An order to the target that data goes to.
    pub(super) const fn target_does(&self, order: Order) -> What {
        What::Order { to: Address::Target(self.job.direction.target()), order }
    }

    /// An order to the agent that data comes from.
    pub(super) const fn agent_does(&self, order: Order) -> What {
        What::Order { to: Address::Agent(self.item.machine, self.job.direction.source()), order }
    }

    /// The order to stop replicating in the item's run.
    pub(super) const fn stop(&self) -> What {
        self.agent_does(Order::StopReplication { generation: self.item.generation })
    }

    /// What the agent must know to replicate.
    pub(super) fn replication(&self, first: FirstCopy) -> Replication {
        Replication {
            generation: self.item.generation,
            group: self.group.id,
            members: self.run().map_or_else(Vec::new, |run| run.members().collect()),
            process_server: self.item.process_server,
            disk_sectors: self.item.disk_sectors.clone(),
            policy: self.item.policy_in(self.job.direction),
            first,
        }
    }

    /// Closes the journal of the item's run if nobody else is in it and it is still there.
    pub(super) fn close_journal(&self, fold: bool) -> Vec<What> {
        let Some(run) = self.run().filter(|run| !run.closed && run.is_last(self.item.machine)) else {
            return Vec::new();
        };
        let fold = self.item.chosen_point().filter(|_| fold).map(|point| point.id);
        let (group, generation) = (self.group.id, run.generation);
        let to = Address::Target(run.direction.target());
        vec![What::Order { to, order: Order::CloseJournal { group, generation, fold } }]
    }
}

/// The tasks of a job, in order.
pub(super) const fn tasks(kind: JobKind, direction: Direction) -> &'static [TaskKind] {
    match (kind, direction) {
        (JobKind::Enable, _) | (JobKind::Reprotect, Direction::Forward) => enable::TASKS,
        (JobKind::Reprotect, Direction::Reverse) => reprotect::TASKS,
        (JobKind::Failover, Direction::Forward) => failover::TASKS,
        (JobKind::Failover, Direction::Reverse) => failback::TASKS,
        (JobKind::PlannedFailover, _) => failback::TASKS,
        (JobKind::ChangePoint, _) => change_point::TASKS,
        (JobKind::Commit, _) => commit::TASKS,
        (JobKind::Cancel, Direction::Forward) => cancel::TASKS,
        (JobKind::Cancel, Direction::Reverse) => resume::TASKS,
        (JobKind::Resync, _) => resync::TASKS,
        (JobKind::SwitchProcessServer, _) => process_server::TASKS,
        (JobKind::Disable, _) => disable::TASKS,
        (JobKind::TestFailover, _) => test_failover::TASKS,
        (JobKind::CleanUpTest, _) => test_failover::CLEAN_UP_TASKS,
        (JobKind::Configure, _) => configure::TASKS,
    }
}

/// What a task wants after `stages` stages.
pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    match (scene.job.kind, scene.job.direction) {
        (JobKind::Enable, _) | (JobKind::Reprotect, Direction::Forward) => enable::stage(scene, task, stages),
        (JobKind::Reprotect, Direction::Reverse) => reprotect::stage(scene, task, stages),
        (JobKind::Failover, Direction::Forward) => failover::stage(scene, task, stages),
        (JobKind::Failover, Direction::Reverse) => failback::stage(scene, task, stages),
        (JobKind::ChangePoint, _) => change_point::stage(scene, task, stages),
        (JobKind::Commit, _) => commit::stage(scene, task, stages),
        (JobKind::Cancel, Direction::Forward) => cancel::stage(scene, task, stages),
        (JobKind::Cancel, Direction::Reverse) => resume::stage(scene, task, stages),
        (JobKind::Resync, _) => resync::stage(scene, task, stages),
        (JobKind::SwitchProcessServer, _) => process_server::stage(scene, task, stages),
        (JobKind::Disable, _) => disable::stage(scene, task, stages),
        (JobKind::TestFailover, _) => test_failover::stage(scene, task, stages),
        (JobKind::CleanUpTest, _) => test_failover::clean_up_stage(scene, task, stages),
        (JobKind::PlannedFailover, _) => planned_failover::stage(scene, task, stages),
        (JobKind::Configure, _) => Next::Done,
    }
}

/// What a question that failed means.
pub(super) fn tolerance(job: &Job, task: TaskKind, ask: &Ask) -> Tolerance {
    match (job.kind, job.direction, task) {
        (JobKind::Failover, Direction::Forward, TaskKind::ShutDownSource)
        | (JobKind::Failover, _, TaskKind::SynchroniseLatest) => Tolerance::SkipTask,
        (JobKind::Cancel | JobKind::Disable, _, TaskKind::StopReplication) => Tolerance::SkipTask,
        // What a stopped planned failover asked for is over, whatever came of it. What it did must be taken back.
        (JobKind::Cancel, Direction::Reverse, TaskKind::CleanUp) if !ask.what.reverts() => Tolerance::Ignore,
        // What was not made needs no removing. What may still be made, later than anybody waits, is for the user to know.
        (JobKind::Cancel | JobKind::Disable | JobKind::CleanUpTest, _, TaskKind::CleanUp)
            if ask.what.creates() && !ask.is_given_up() =>
        {
            Tolerance::Ignore
        }
        (JobKind::ChangePoint, _, TaskKind::CleanUp) if ask.what.stops_machine() => Tolerance::Ignore,
        // A pin that stays keeps a point too long, and the next one replaces it.
        (JobKind::TestFailover | JobKind::CleanUpTest, ..) if ask.what.unpins() => Tolerance::Ignore,
        _ => Tolerance::Fatal,
    }
}

/// A task begins.
pub(super) fn task_begins(vault: &mut Vault, id: JobId, task: TaskKind) {
    let Some((kind, machine)) = vault.job(id).map(|job| (job.kind, job.machine)) else {
        return;
    };
    match (kind, task) {
        (JobKind::Failover | JobKind::PlannedFailover, TaskKind::ChoosePoint) => {
            failover::stop_replication(vault, machine);
        }
        (JobKind::Cancel, TaskKind::PrepareTarget) => resume::enter(vault, id),
        (JobKind::Reprotect, TaskKind::PrepareTarget) => enable::enter(vault, id),
        (JobKind::Commit | JobKind::Cancel | JobKind::Disable, TaskKind::DropPoints) => {
            if let Some(run) = vault.run_of_mut(machine) {
                run.left.insert(machine);
            }
        }
        (JobKind::Cancel | JobKind::Disable | JobKind::CleanUpTest, TaskKind::CleanUp) => {
            cancel::inherit(vault, id);
        }
        _ => {}
    }
}

/// A job ended by itself.
pub(super) fn job_ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(job) = vault.job(id) else { return };
    match job.kind {
        JobKind::Enable | JobKind::Reprotect => enable::ends(vault, id, well),
        JobKind::Failover => failover::ends(vault, id, well),
        JobKind::ChangePoint => change_point::ends(vault, id, well),
        JobKind::Commit => commit::ends(vault, id, well),
        JobKind::PlannedFailover => planned_failover::ends(vault, id, well),
        JobKind::Cancel if job.direction == Direction::Reverse => resume::ends(vault, id, well),
        JobKind::Cancel | JobKind::Disable => disable::ends(vault, id, well),
        JobKind::TestFailover => test_failover::ends(vault, id, well),
        JobKind::CleanUpTest => test_failover::clean_up_ends(vault, id, well),
        JobKind::SwitchProcessServer => process_server::ends(vault, id, well),
        JobKind::Resync | JobKind::Configure => {}
    }
}

/// Opens the journal of the item's run, or waits for the machine that does; done when it is open.
pub(super) fn open_journal(scene: &Scene<'_>) -> Next {
    let Some(run) = scene.run().filter(|run| !run.open) else {
        return Next::Done;
    };
    if run.opener != scene.job.id {
        return Next::Ask(vec![What::Await(Awaited::JournalOpen)]);
    }
    let journal = run.journal(scene.group.id, scene.item.policy_in(scene.job.direction));
    Next::Ask(vec![scene.target_does(Order::OpenJournal(journal))])
}

/// Brings the replica's point into the world as a running machine; shared by failover and change of point.
pub(super) fn recover_away(scene: &Scene<'_>, stages: u8) -> Next {
    match stages {
        0 | 1 => recover_disks(scene, Instance::Recovered, stages),
        2 => Next::Ask(vec![What::Cloud(CloudAsk::CreateMachine(Instance::Recovered, scene.item.machine))]),
        _ => Next::Done,
    }
}

/// Makes the disks of an instance from the chosen point.
pub(super) fn recover_disks(scene: &Scene<'_>, instance: Instance, stages: u8) -> Next {
    let machine = scene.item.machine;
    match (stages, scene.job.facts.point) {
        (0, Some(point)) => {
            let order = Order::OpenPoint { group: scene.group.id, machine, point: point.id };
            Next::Ask(vec![scene.target_does(order)])
        }
        (0, None) => Next::Fail(JobError::NoSuchPoint),
        (1, _) => {
            let create = |(disk, _)| What::Cloud(CloudAsk::CreateDisk(instance, disk));
            Next::Ask(scene.disks().map(create).collect())
        }
        _ => Next::Done,
    }
}

impl What {
    pub(super) const fn creates(&self) -> bool {
        matches!(
            self,
            Self::Cloud(CloudAsk::CreateDisk(..) | CloudAsk::CreateMachine(..) | CloudAsk::StartMachine(..))
        )
    }

    pub(super) const fn unpins(&self) -> bool {
        matches!(self, Self::Order { order: Order::UnpinPoint { .. }, .. })
    }

    pub(super) const fn stops_machine(&self) -> bool {
        matches!(self, Self::Cloud(CloudAsk::StopMachine(_)))
    }
}
