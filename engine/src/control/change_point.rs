//! Change of the recovery point between a forward failover and its commit: the machine is deleted and made again
//! from the other point.

use super::item::ItemStatus;
use super::jobs::{Awaited, CloudAsk, Next, What};
use super::phase::{Scene, recover_away};
use super::prepare_boot;
use super::vault::Vault;
use super::vocabulary::{JobId, TaskKind};
use crate::id::Direction;
use crate::ports::Instance;

pub(super) const TASKS: &[TaskKind] =
    &[TaskKind::CleanUp, TaskKind::FailOver, TaskKind::PrepareBoot, TaskKind::StartMachine];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    let machine = scene.item.machine;
    match (task, stages) {
        // Nothing is deleted before the other point is known to exist.
        (TaskKind::CleanUp, 0) => Next::Ask(vec![What::Await(Awaited::Points)]),
        // Best effort: a machine that does not stop is deleted as it is.
        (TaskKind::CleanUp, 1) => Next::Ask(vec![What::Cloud(CloudAsk::StopMachine(machine))]),
        (TaskKind::CleanUp, 2) => {
            Next::Ask(vec![What::Cloud(CloudAsk::DeleteMachine(Instance::Recovered, machine))])
        }
        (TaskKind::FailOver, stages) => recover_away(scene, stages),
        (TaskKind::PrepareBoot, stages) => prepare_boot::stage(scene, Instance::Recovered, stages),
        (TaskKind::StartMachine, 0) => {
            Next::Ask(vec![What::Cloud(CloudAsk::StartMachine(Instance::Recovered, machine))])
        }
        _ => Next::Done,
    }
}

/// A change of point ended. The old machine is still there only if its deletion was what failed.
pub(super) fn ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(job) = vault.job(id) else { return };
    let (machine, wanted, is_deleted) = (job.machine, job.facts.point, job.has_done(TaskKind::CleanUp));
    let Some(&ItemStatus::ChangingPoint { point: before, .. }) =
        vault.item(machine).map(|item| item.status())
    else {
        return;
    };
    let (direction, since) = (Direction::Forward, vault.now);
    match (well, wanted) {
        (true, Some(point)) => {
            let to = ItemStatus::FailedOver { direction, job: id, point, since };
            vault.transition(machine, to, "machine started from the other point");
        }
        _ if is_deleted => {
            let to = ItemStatus::FailoverFailed { direction, job: id, since };
            vault.transition(machine, to, "machine could not be made again");
        }
        _ => {
            let to = ItemStatus::FailedOver { direction, job: id, point: before, since };
            vault.transition(machine, to, "machine could not be deleted");
        }
    }
}
