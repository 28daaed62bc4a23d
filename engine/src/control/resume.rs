//! Taking a planned failover back: a user stopped it, or it failed (site-recovery 3.4).
//!
//! At home the snapshot is gone back to, which stops the machine if it runs, and its disks are attached again. The
//! machine at the other site is started, and replicates: as before if it had not been told to stop, or else in a run of
//! its own, with a comparison, because its disks at home may hold any part of the point it was brought to.
//!
//! It never runs on both sides: nothing is started before what may run at home is stopped. When this fails too, the user
//! is told, and may ask for it again.

use super::failback::home_runs;
use super::item::ItemStatus;
use super::jobs::{Ask, Awaited, CloudAsk, Facts, JobError, Next, What};
use super::phase::{Scene, open_journal};
use super::vault::Vault;
use super::vocabulary::{JobId, JobKind, TaskKind};
use crate::id::{Direction, MachineId, Site};
use crate::message::{FirstCopy, Order};
use crate::ports::{HypervisorRequest, Instance};

pub(super) const TASKS: &[TaskKind] =
    &[TaskKind::CleanUp, TaskKind::StartMachine, TaskKind::PrepareTarget, TaskKind::StartReplication];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    let machine = scene.item.machine;
    let home = |request| Next::Ask(vec![What::Hypervisor(request)]);
    match (task, stages) {
        (TaskKind::CleanUp, 0) if scene.job.facts.snapshot => {
            home(HypervisorRequest::RevertSnapshot(machine))
        }
        (TaskKind::StartMachine, 0) => {
            Next::Ask(vec![What::Cloud(CloudAsk::Inspect(Instance::Recovered, machine))])
        }
        (TaskKind::StartMachine, 1) => start(scene),
        (TaskKind::StartMachine, 2) if begins_anew(scene) => Next::Ask(vec![What::Await(Awaited::Turn)]),
        (TaskKind::PrepareTarget | TaskKind::StartReplication, _) if !begins_anew(scene) => Next::Skip,
        (TaskKind::PrepareTarget, 0) => home(HypervisorRequest::Inspect(machine)),
        // Somebody may have started it at home.
        (TaskKind::PrepareTarget, 1) if home_runs(scene) => home(HypervisorRequest::ShutDown(machine)),
        (TaskKind::PrepareTarget, 1) => Next::Ask(Vec::new()),
        (TaskKind::PrepareTarget, 2) if scene.item.disks_attached => Next::Ask(Vec::new()),
        (TaskKind::PrepareTarget, 2) => home(HypervisorRequest::AttachDisks(machine)),
        (TaskKind::PrepareTarget, _) => open_journal(scene),
        (TaskKind::StartReplication, 0) => {
            let replication = scene.replication(FirstCopy::Compare);
            Next::Ask(vec![scene.agent_does(Order::StartReplication(replication))])
        }
        _ => Next::Done,
    }
}

fn start(scene: &Scene<'_>) -> Next {
    match &scene.job.facts.away {
        Some(found) if found.running => Next::Ask(Vec::new()),
        Some(found) if found.exists => {
            let start = CloudAsk::StartMachine(Instance::Recovered, scene.item.machine);
            Next::Ask(vec![What::Cloud(start)])
        }
        _ => Next::Fail(JobError::MachineMissing(Site::Recovery)),
    }
}

const fn begins_anew(scene: &Scene<'_>) -> bool {
    matches!(scene.item.status(), ItemStatus::Resuming { stopped: true, .. })
}

/// Enters the run in which the machine begins anew.
pub(super) fn enter(vault: &mut Vault, id: JobId) {
    let Some(machine) = vault.job(id).map(|job| job.machine) else { return };
    if !matches!(
        vault.item(machine).map(|item| item.status()),
        Some(ItemStatus::Resuming { stopped: true, .. })
    ) {
        return;
    }
    if let Some(run) = vault.run_of_mut(machine) {
        run.left.insert(machine);
    }
    vault.enter_run(machine, Direction::Reverse, id);
    if let Some(ItemStatus::Resuming { entered, .. }) =
        vault.ledger.item_mut(machine).map(|item| &mut item.status)
    {
        *entered = true;
    }
}

/// It was taken back, or could not be.
pub(super) fn ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(machine) = vault.job(id).map(|job| job.machine) else { return };
    let Some(&ItemStatus::Resuming { stopped, entered, .. }) = vault.item(machine).map(|item| item.status())
    else {
        return;
    };
    let (direction, since) = (Direction::Reverse, vault.now);
    if !well {
        if entered {
            if let Some(run) = vault.run_of_mut(machine) {
                run.left.insert(machine);
            }
            vault.hand_journal_over(machine, id);
        }
        let to = ItemStatus::FailoverFailed { direction, job: id, since };
        vault.transition(machine, to, "a planned failover could not be taken back");
    } else if stopped {
        vault.transition(machine, ItemStatus::Synchronising { direction, since }, "replication began anew");
        vault.protect_if_pointed(machine);
    } else {
        if let Some(run) = vault.run_of_mut(machine) {
            run.resumed_at = Some(since);
        }
        vault.transition(machine, ItemStatus::Protected { direction, since }, "the source runs again");
    }
    if let Some(group) = vault.item(machine).map(|item| item.group) {
        vault.recheck_awaited(Awaited::Turn, group);
    }
}

/// The calls of a job that may still change something at a site.
fn under_way(vault: &Vault, stopped: JobId) -> Vec<Ask> {
    let asks = vault.job(stopped).into_iter().flat_map(|job| &job.tasks).flat_map(|task| &task.asks);
    let is_open = |ask: &&Ask| ask.what.changes_site() && (ask.result.is_none() || ask.is_given_up());
    asks.filter(is_open).map(|ask| Ask { since: vault.now, result: None, ..ask.clone() }).collect()
}

impl Vault {
    /// Takes back what a job did that was stopped or has failed.
    pub(super) fn resume(&mut self, machine: MachineId, stopped_job: JobId) -> JobId {
        let snapshot = self.job(stopped_job).is_some_and(|job| {
            let mut asks = job.tasks.iter().flat_map(|task| &task.asks);
            job.facts.snapshot || asks.any(|ask| ask.what.takes_snapshot())
        });
        let inherited = under_way(self, stopped_job);
        let is_going_on = matches!(
            self.item(machine).map(|item| item.status()),
            Some(ItemStatus::FailingOver { stopped: false, .. })
        );
        // A run that another machine of the group has replaced meanwhile cannot be gone on with.
        let stopped = !is_going_on || self.run_of(machine).is_none_or(|run| run.closed);
        let facts = Facts { inherited, snapshot, ..Facts::new() };
        let job = self.begin_job(JobKind::Cancel, machine, Direction::Reverse, facts);
        let to = ItemStatus::Resuming { job, stopped, entered: false, since: self.now };
        self.transition(machine, to, "a planned failover is taken back");
        self.advance(job);
        job
    }

    /// Whether no other machine of the group is about to begin a run.
    pub(super) fn is_its_turn(&self, machine: MachineId) -> bool {
        let Some(group) = self.item(machine).map(|item| item.group) else { return true };
        let others =
            self.ledger.items().values().filter(|item| item.group == group && item.machine != machine);
        others.into_iter().all(|item| !matches!(item.status, ItemStatus::Resuming { entered: true, .. }))
    }
}
