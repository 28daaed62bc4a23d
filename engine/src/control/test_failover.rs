//! Test failover: a machine is made from a point beside production, to be tried and cleaned up again. Replication goes on.
//!
//! The item keeps its state; the test stands beside it ([`TestStatus`]). The point is pinned at the target until the
//! disks are made, because retention goes on too. What a test failover that fails halfway has made stays, as the
//! product leaves it, until it is cleaned up.

use super::configure::then_examine;
use super::item::TestStatus;
use super::jobs::{CloudAsk, JobError, Next, What};
use super::phase::{Scene, recover_disks};
use super::prepare_boot;
use super::vault::Vault;
use super::vocabulary::{JobId, TaskKind};
use crate::id::Site;
use crate::message::Order;
use crate::ports::Instance;

pub(super) const TASKS: &[TaskKind] = &[
    TaskKind::CheckPrerequisites,
    TaskKind::FailOver,
    TaskKind::CreateTestMachine,
    TaskKind::PrepareBoot,
    TaskKind::StartMachine,
];

pub(super) const CLEAN_UP_TASKS: &[TaskKind] = &[TaskKind::CleanUp];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    let machine = scene.item.machine;
    let cloud = |ask| Next::Ask(vec![What::Cloud(ask)]);
    match (task, stages) {
        (TaskKind::CheckPrerequisites, 0) => cloud(CloudAsk::Inspect(Instance::Test, machine)),
        (TaskKind::CheckPrerequisites, 1) => then_examine(check(scene), scene),
        (TaskKind::FailOver, 0) => Next::Ask(vec![pin(scene)]),
        (TaskKind::FailOver, 1 | 2) => recover_disks(scene, Instance::Test, stages - 1),
        (TaskKind::FailOver, 3) => Next::Ask(vec![unpin(scene)]),
        (TaskKind::CreateTestMachine, 0) => cloud(CloudAsk::CreateMachine(Instance::Test, machine)),
        (TaskKind::PrepareBoot, stages) => prepare_boot::stage(scene, Instance::Test, stages),
        (TaskKind::StartMachine, 0) => cloud(CloudAsk::StartMachine(Instance::Test, machine)),
        _ => Next::Done,
    }
}

pub(super) fn clean_up_stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    match (task, stages) {
        (TaskKind::CleanUp, 0) => {
            let delete = CloudAsk::DeleteMachine(Instance::Test, scene.item.machine);
            Next::Ask(vec![What::Cloud(delete), unpin(scene)])
        }
        _ => Next::Done,
    }
}

fn check(scene: &Scene<'_>) -> Result<(), JobError> {
    match &scene.job.facts.away {
        Some(found) if found.exists => Err(JobError::MachineInTheWay(Site::Recovery)),
        _ => Ok(()),
    }
}

fn pin(scene: &Scene<'_>) -> What {
    scene.target_does(Order::PinPoint {
        group: scene.group.id,
        generation: scene.item.generation,
        machine: scene.item.machine,
        selector: scene.job.facts.selector,
        by: scene.job.id.0,
        with: scene.job.facts.shared.map(|plan| plan.0),
    })
}

fn unpin(scene: &Scene<'_>) -> What {
    scene.target_does(Order::UnpinPoint {
        group: scene.group.id,
        generation: scene.item.generation,
        machine: scene.item.machine,
        by: scene.job.id.0,
    })
}

/// A test failover ended. What it may have made is there until it is cleaned up.
pub(super) fn ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(job) = vault.job(id) else { return };
    let has_begun = job.has_done(TaskKind::CheckPrerequisites);
    let machine = job.machine;
    if well && let Some(item) = vault.ledger.item_mut(machine) {
        item.was_tested = true;
    }
    vault.test_is(machine, if well || has_begun { TestStatus::Active(id) } else { TestStatus::None });
}

/// A cleanup ended. What it could not remove is still there.
pub(super) fn clean_up_ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(machine) = vault.job(id).map(|job| job.machine) else { return };
    vault.test_is(machine, if well { TestStatus::None } else { TestStatus::Active(id) });
}
