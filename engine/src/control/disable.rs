//! Disable: replication stops, the points and the replica disks are removed.
//!
//! What runs is left running: the machine at home, or after a committed failover the recovered one. A half-made
//! recovered machine is deleted, and disks that are attached to the master target are given back.

use super::item::ItemStatus;
use super::jobs::{CloudAsk, Next, What};
use super::phase::Scene;
use super::vault::Vault;
use super::vocabulary::{JobId, TaskKind};
use crate::ports::{HypervisorRequest, Instance};

pub(super) const TASKS: &[TaskKind] = &[TaskKind::StopReplication, TaskKind::DropPoints, TaskKind::CleanUp];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    let is_in_run = scene.run().is_some_and(|run| !run.left.contains(&scene.item.machine));
    match (task, stages) {
        (TaskKind::StopReplication, 0) if is_in_run => Next::Ask(vec![scene.stop()]),
        (TaskKind::StopReplication, 0) => Next::Skip,
        (TaskKind::DropPoints, 0) => Next::Ask(scene.close_journal(false)),
        (TaskKind::CleanUp, 0) => Next::Ask(remains(scene)),
        _ => Next::Done,
    }
}

fn remains(scene: &Scene<'_>) -> Vec<What> {
    let machine = scene.item.machine;
    let mut remains: Vec<What> =
        scene.disks().map(|(disk, _)| What::Cloud(CloudAsk::DeleteReplica(disk))).collect();
    if scene.job.facts.leftover {
        remains.push(What::Cloud(CloudAsk::DeleteMachine(Instance::Recovered, machine)));
    }
    if scene.item.disks_attached {
        remains.push(What::Hypervisor(HypervisorRequest::DetachDisks(machine)));
    }
    remains
}

/// A disable or a cancel ended. What could not be removed can be removed by disabling once more.
pub(super) fn ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(job) = vault.job(id) else { return };
    let (machine, had_machine) = (job.machine, job.facts.leftover);
    // A target that did not answer still has the journal: only who is sure that it is gone forgets it.
    if job.has_done(TaskKind::DropPoints) {
        vault.forget_run(machine);
    }
    let to = ItemStatus::Unprotected { leftover: !well && had_machine, since: vault.now };
    vault.transition(machine, to, "replication is over");
}
