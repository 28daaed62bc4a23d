//! Commit: the failover is accepted, the points are given up, and on the way home the recovered machine is removed, and
//! with it the snapshot that a planned failover took at home.

use super::item::ItemStatus;
use super::jobs::{CloudAsk, Next, What};
use super::phase::Scene;
use super::vault::Vault;
use super::vocabulary::{JobId, TaskKind};
use crate::id::Direction;
use crate::ports::{HypervisorRequest, Instance};

pub(super) const TASKS: &[TaskKind] = &[TaskKind::CleanUp, TaskKind::DropPoints];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    let direction = scene.job.direction;
    match (task, stages, direction) {
        (TaskKind::CleanUp, 0, Direction::Forward) => Next::Skip,
        (TaskKind::CleanUp, 0, Direction::Reverse) => {
            let machine = scene.item.machine;
            let delete = What::Cloud(CloudAsk::DeleteMachine(Instance::Recovered, machine));
            let snapshot = What::Hypervisor(HypervisorRequest::RemoveSnapshot(machine));
            Next::Ask([delete].into_iter().chain(scene.job.facts.snapshot.then_some(snapshot)).collect())
        }
        // Away, the replica disks keep the recovered state, so that a later comparison finds few differences. At
        // home the replica disks are the disks of the machine that runs from them: they must not be touched.
        (TaskKind::DropPoints, 0, _) => Next::Ask(scene.close_journal(direction == Direction::Forward)),
        _ => Next::Done,
    }
}

/// A commit ended.
pub(super) fn ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(machine) = vault.job(id).map(|job| job.machine) else {
        return;
    };
    let Some(&ItemStatus::Committing { direction, point, .. }) =
        vault.item(machine).map(|item| item.status())
    else {
        return;
    };
    let since = vault.now;
    if well {
        vault.forget_run(machine);
        vault.transition(machine, ItemStatus::Committed { direction, point, since }, "points dropped");
    } else {
        vault.transition(
            machine,
            ItemStatus::FailedOver { direction, job: id, point, since },
            "commit failed",
        );
    }
}
