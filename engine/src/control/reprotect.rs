//! Reprotect home: the disks at home are attached to the master target, and the recovered machine's agent replicates.
//!
//! A machine that is still there at home is shut down and its disks are compared; where there is none, one is
//! created with blank disks and everything is sent. Snapshots at home are merged by the site itself and do not
//! stand in the way.

use super::jobs::{CloudAsk, JobError, Next, What};
use super::master_target;
use super::phase::{Scene, open_journal};
use super::vocabulary::TaskKind;
use crate::id::Site;
use crate::message::{FirstCopy, Order};
use crate::ports::{HypervisorRequest, Instance, PortFailure};

pub(super) const TASKS: &[TaskKind] = &[
    TaskKind::CheckPrerequisites,
    TaskKind::DiscoverReplica,
    TaskKind::PrepareTarget,
    TaskKind::StartReplication,
];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    let machine = scene.item.machine;
    match (task, stages) {
        (TaskKind::CheckPrerequisites, 0) => {
            let recovered = What::Cloud(CloudAsk::Inspect(Instance::Recovered, machine));
            Next::Ask([recovered].into_iter().chain(master_target::find(scene)).collect())
        }
        (TaskKind::CheckPrerequisites, 1) => check(scene),
        (TaskKind::CheckPrerequisites, _) => Next::Done,
        (TaskKind::DiscoverReplica, 0) => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::Inspect(machine))])
        }
        (TaskKind::DiscoverReplica, 1) => make_ready(scene),
        (TaskKind::PrepareTarget, 0) if scene.item.disks_attached => Next::Ask(Vec::new()),
        (TaskKind::PrepareTarget, 0) => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::AttachDisks(machine))])
        }
        (TaskKind::PrepareTarget, _) => open_journal(scene),
        (TaskKind::StartReplication, 0) => {
            let first = if home_exists(scene) { FirstCopy::Compare } else { FirstCopy::Full };
            Next::Ask(vec![scene.agent_does(Order::StartReplication(scene.replication(first)))])
        }
        _ => Next::Done,
    }
}

fn check(scene: &Scene<'_>) -> Next {
    match &scene.job.facts.away {
        Some(found) if found.exists && found.running => master_target::take(scene),
        Some(found) if found.exists => Next::Fail(JobError::MachineNotRunning(Site::Recovery)),
        _ => Next::Fail(JobError::MachineMissing(Site::Recovery)),
    }
}

fn home_exists(scene: &Scene<'_>) -> bool {
    scene.job.facts.home.as_ref().is_some_and(|found| found.exists)
}

fn make_ready(scene: &Scene<'_>) -> Next {
    let machine = scene.item.machine;
    match &scene.job.facts.home {
        Some(found) if found.exists && !found.datastore_in_reach => {
            Next::Fail(PortFailure::DatastoreOutOfReach.into())
        }
        Some(found) if found.running => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::ShutDown(machine))])
        }
        Some(found) if found.exists => Next::Ask(Vec::new()),
        _ => {
            let sizes = scene.item.disk_sectors.clone();
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::CreateMachine(machine, sizes))])
        }
    }
}
