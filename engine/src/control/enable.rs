//! Enable, and reprotect away after a failback: replication from home to the other site begins.

use super::configure::then_examine;
use super::item::ItemStatus;
use super::jobs::{CloudAsk, JobError, Next, What};
use super::phase::{Scene, open_journal};
use super::vault::Vault;
use super::vocabulary::{JobId, JobKind, TaskKind};
use crate::id::Site;
use crate::message::{FirstCopy, Order};
use crate::ports::HypervisorRequest;

pub(super) const TASKS: &[TaskKind] =
    &[TaskKind::CheckPrerequisites, TaskKind::PrepareTarget, TaskKind::StartReplication];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    match (task, stages) {
        (TaskKind::CheckPrerequisites, 0) => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::Inspect(scene.item.machine))])
        }
        (TaskKind::CheckPrerequisites, 1) => then_examine(check(scene), scene),
        (TaskKind::PrepareTarget, 0) => Next::Ask(install(scene)),
        (TaskKind::PrepareTarget, 1) => {
            let create = |(disk, sectors)| What::Cloud(CloudAsk::CreateReplica(disk, sectors));
            Next::Ask(scene.disks().map(create).collect())
        }
        (TaskKind::PrepareTarget, _) => open_journal(scene),
        (TaskKind::StartReplication, 0) => {
            // A replica that was there holds an older state of the same disks: only what differs is sent.
            let first = if scene.job.facts.blank { FirstCopy::Full } else { FirstCopy::Compare };
            Next::Ask(vec![scene.agent_does(Order::StartReplication(scene.replication(first)))])
        }
        _ => Next::Done,
    }
}

/// The agent is installed before anything is made at the other site, so that a machine that takes none leaves nothing
/// there. One that comes from the other site has it.
fn install(scene: &Scene<'_>) -> Vec<What> {
    let machine = scene.item.machine;
    let is_new = scene.job.kind == JobKind::Enable;
    is_new.then_some(What::Hypervisor(HypervisorRequest::InstallAgent(machine))).into_iter().collect()
}

fn check(scene: &Scene<'_>) -> Result<(), JobError> {
    let is_new = scene.job.kind == JobKind::Enable;
    match &scene.job.facts.home {
        // Who is to be protected is chosen from the list; who comes back is known.
        Some(found) if found.exists && is_new && !found.place.listed => Err(JobError::NotListed),
        Some(found) if found.exists && found.running => Ok(()),
        Some(found) if found.exists => Err(JobError::MachineNotRunning(Site::Primary)),
        _ => Err(JobError::MachineMissing(Site::Primary)),
    }
}

/// A machine that turns round enters its run.
pub(super) fn enter(vault: &mut Vault, id: JobId) {
    let Some((machine, direction)) = vault.job(id).map(|job| (job.machine, job.direction)) else { return };
    vault.choose_part(machine, direction, id);
    vault.enter_run(machine, direction, id);
}

/// An enable or a reprotect in either direction ended.
///
/// When it failed the machine has left the run for good: its agent may have taken the order to start and will be
/// told to stop, so the next attempt needs a generation that no such order names.
pub(super) fn ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(machine) = vault.job(id).map(|job| job.machine) else {
        return;
    };
    let Some(&ItemStatus::Enabling { direction, after, .. }) = vault.item(machine).map(|item| item.status())
    else {
        return;
    };
    let since = vault.now;
    if well {
        vault.transition(machine, ItemStatus::Synchronising { direction, since }, "replication started");
        vault.protect_if_pointed(machine);
        return;
    }
    if let Some(run) = vault.run_of_mut(machine) {
        run.left.insert(machine);
    }
    vault.go_on_without_waiting_for(machine, direction);
    vault.hand_journal_over(machine, id);
    let back = match after {
        Some(point) => ItemStatus::Committed { direction: direction.reversed(), point, since },
        None => ItemStatus::Unprotected { leftover: false, since },
    };
    vault.transition(machine, back, "replication could not be started");
}
