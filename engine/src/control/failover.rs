//! Failover away, and what failing over has in common in both directions.
//!
//! Replication is told to stop before anything is recovered. Until then a failover that fails leaves the item
//! protected; afterwards it is [`ItemStatus::FailoverFailed`]: the source may be shut down, the agent has been
//! stopped and the target takes nothing more, but the journal still holds the points, so the user may fail over
//! again (to another point too) or end the protection.

use super::configure::then_examine;
use super::item::ItemStatus;
use super::jobs::{Awaited, CloudAsk, JobError, Next, What};
use super::phase::{Scene, recover_away};
use super::prepare_boot;
use super::vault::Vault;
use super::vocabulary::{JobId, TaskKind};
use crate::id::{MachineId, Site};
use crate::message::Order;
use crate::ports::{HypervisorRequest, Instance};
use crate::role::Address;

pub(super) const TASKS: &[TaskKind] = &[
    TaskKind::CheckPrerequisites,
    TaskKind::ShutDownSource,
    TaskKind::SynchroniseLatest,
    TaskKind::ChoosePoint,
    TaskKind::FailOver,
    TaskKind::PrepareBoot,
    TaskKind::StartMachine,
];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    let machine = scene.item.machine;
    match (task, stages) {
        (TaskKind::CheckPrerequisites, 0) => {
            Next::Ask(vec![What::Cloud(CloudAsk::Inspect(Instance::Recovered, machine))])
        }
        (TaskKind::CheckPrerequisites, 1) => then_examine(check(scene), scene),
        // Nobody can shut a physical server down from outside.
        (TaskKind::ShutDownSource, 0) if scene.item.guest.physical => Next::Skip,
        (TaskKind::ShutDownSource, 0) if scene.job.facts.shut_down_source => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::ShutDown(machine))])
        }
        (TaskKind::ShutDownSource, 0) => Next::Skip,
        (TaskKind::SynchroniseLatest, 0) => last_changes(scene),
        (TaskKind::ChoosePoint, 0) => Next::Ask(vec![finish(scene)]),
        (TaskKind::FailOver, 0) if scene.job.facts.leftover => {
            Next::Ask(vec![What::Cloud(CloudAsk::DeleteMachine(Instance::Recovered, machine))])
        }
        (TaskKind::FailOver, 0) => Next::Ask(Vec::new()),
        (TaskKind::FailOver, stages) => recover_away(scene, stages - 1),
        (TaskKind::PrepareBoot, stages) => prepare_boot::stage(scene, Instance::Recovered, stages),
        (TaskKind::StartMachine, 0) => {
            Next::Ask(vec![What::Cloud(CloudAsk::StartMachine(Instance::Recovered, machine))])
        }
        _ => Next::Done,
    }
}

fn check(scene: &Scene<'_>) -> Result<(), JobError> {
    let in_the_way = scene.job.facts.away.as_ref().is_some_and(|found| found.exists);
    if in_the_way && !scene.job.facts.leftover {
        return Err(JobError::MachineInTheWay(Site::Recovery));
    }
    Ok(())
}

/// Waits for the last changes, if the source was shut down so that there are last ones.
pub(super) fn last_changes(scene: &Scene<'_>) -> Next {
    if scene.job.facts.source_is_down {
        Next::Ask(vec![What::Await(Awaited::ShutDownPoint)])
    } else {
        Next::Skip
    }
}

/// Takes nothing more from the machine and settles on the point.
pub(super) fn finish(scene: &Scene<'_>) -> What {
    scene.target_does(Order::Finish {
        group: scene.group.id,
        generation: scene.item.generation,
        machine: scene.item.machine,
        selector: scene.job.facts.selector,
    })
}

/// The point of no return: the agent is told to stop. Nobody waits for it; its site may be lost, and an agent
/// that missed the order is told again whenever it is heard from.
pub(super) fn stop_replication(vault: &mut Vault, machine: MachineId) {
    let Some(item) = vault.ledger.item_mut(machine) else {
        return;
    };
    let ItemStatus::FailingOver { direction, stopped, .. } = &mut item.status else {
        return;
    };
    *stopped = true;
    let (to, generation) = (Address::Agent(machine, direction.source()), item.generation);
    vault.order_once(to, Order::StopReplication { generation });
}

/// A failover in either direction ended.
pub(super) fn ends(vault: &mut Vault, job: JobId, well: bool) {
    let Some((machine, point)) = vault.job(job).map(|job| (job.machine, job.facts.point)) else {
        return;
    };
    let Some(&ItemStatus::FailingOver { direction, stopped, .. }) =
        vault.item(machine).map(|item| item.status())
    else {
        return;
    };
    let since = vault.now;
    match (well, point) {
        (true, Some(point)) => {
            vault.transition(
                machine,
                ItemStatus::FailedOver { direction, job, point, since },
                "machine started",
            );
        }
        _ if stopped => {
            vault.transition(
                machine,
                ItemStatus::FailoverFailed { direction, job, since },
                "failover failed",
            );
        }
        _ => vault.transition(machine, ItemStatus::Protected { direction, since }, "failover failed early"),
    }
}
