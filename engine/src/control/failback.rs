//! Failover home. The recovered machine is stopped, its last changes are waited for, the disks at home are brought
//! to the point in place and the machine is powered on.
//!
//! Once its disks were given back to the machine a further attempt has nothing left to do but to power it on:
//! bringing the disks to a point again would need them at the master target.

use super::failover::{finish, last_changes};
use super::jobs::{CloudAsk, JobError, Next, What};
use super::phase::Scene;
use super::vocabulary::TaskKind;
use crate::id::Site;
use crate::message::Order;
use crate::ports::{HypervisorRequest, Instance, PortFailure};

/// Those of a failover away without a preparation: what comes home has run there before.
pub(super) const TASKS: &[TaskKind] = &[
    TaskKind::CheckPrerequisites,
    TaskKind::ShutDownSource,
    TaskKind::SynchroniseLatest,
    TaskKind::ChoosePoint,
    TaskKind::FailOver,
    TaskKind::StartMachine,
];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    let machine = scene.item.machine;
    match (task, stages) {
        (TaskKind::CheckPrerequisites, 0) => Next::Ask(vec![
            What::Hypervisor(HypervisorRequest::Inspect(machine)),
            What::Cloud(CloudAsk::Inspect(Instance::Recovered, machine)),
        ]),
        (TaskKind::CheckPrerequisites, _) => check(scene),
        (TaskKind::StartMachine, 0) if scene.job.facts.only_start && home_runs(scene) => Next::Done,
        (TaskKind::StartMachine, 0) => Next::Ask(vec![What::Hypervisor(HypervisorRequest::PowerOn(machine))]),
        (TaskKind::StartMachine, _) => Next::Done,
        // Also when there is nothing left but to power it on: somebody may have started the other one meanwhile.
        (TaskKind::ShutDownSource, 0) if away_runs(scene) => {
            Next::Ask(vec![What::Cloud(CloudAsk::StopMachine(machine))])
        }
        (TaskKind::ShutDownSource, 0) => Next::Skip,
        _ if scene.job.facts.only_start => Next::Skip,
        (TaskKind::SynchroniseLatest, 0) => last_changes(scene),
        (TaskKind::ChoosePoint, 0) => Next::Ask(vec![finish(scene)]),
        (TaskKind::FailOver, 0) => promote(scene),
        (TaskKind::FailOver, 1) => Next::Ask(vec![What::Hypervisor(HypervisorRequest::DetachDisks(machine))]),
        _ => Next::Done,
    }
}

/// Whether the machine at home was found to run.
pub(super) fn home_runs(scene: &Scene<'_>) -> bool {
    scene.job.facts.home.as_ref().is_some_and(|found| found.running)
}

fn away_runs(scene: &Scene<'_>) -> bool {
    scene.job.facts.away.as_ref().is_none_or(|found| found.running)
}

fn check(scene: &Scene<'_>) -> Next {
    match &scene.job.facts.home {
        Some(found) if !found.place.may_change => Next::Fail(PortFailure::NotPermitted.into()),
        _ if scene.job.facts.only_start => Next::Done,
        Some(found) if !found.exists => Next::Fail(JobError::MachineMissing(Site::Primary)),
        Some(found) if found.running => Next::Fail(JobError::MachineInTheWay(Site::Primary)),
        Some(found) if !found.datastore_in_reach => Next::Fail(PortFailure::DatastoreOutOfReach.into()),
        _ => Next::Done,
    }
}

fn promote(scene: &Scene<'_>) -> Next {
    let Some(point) = scene.job.facts.point else {
        return Next::Fail(JobError::NoSuchPoint);
    };
    let (group, machine) = (scene.group.id, scene.item.machine);
    Next::Ask(vec![scene.target_does(Order::Promote { group, machine, point: point.id })])
}
