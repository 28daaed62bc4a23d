//! Reprotect home: the disks at home are attached to the master target (in the modernised stack, to the appliance), and the recovered machine's agent replicates.
//!
//! A machine that is still there at home is shut down and its disks are compared; where there is none, or none that
//! can be used, one is created with blank disks on the master target's host and everything is sent. Snapshots at
//! home are merged by the site itself and do not stand in the way. Whether there is a way home at all is for `way_home`.
//!
//! A machine cannot be used when its host is not managed and is not the master target's own, or when the user wants
//! another location. It is shut down, and otherwise left as it is. Nor can a physical server: nothing can be attached
//! to it, and nobody can shut it down from outside.

use super::jobs::{CloudAsk, JobError, Next, What};
use super::master_target;
use super::phase::{Scene, open_journal};
use super::vocabulary::{Location, TaskKind};
use super::way_home;
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
        (TaskKind::CheckPrerequisites, 0) if scene.job.facts.invalid => Next::Fail(JobError::InvalidInput),
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
        (TaskKind::DiscoverReplica, 2) => create(scene),
        (TaskKind::PrepareTarget, 0) if scene.item.disks_attached => Next::Ask(Vec::new()),
        (TaskKind::PrepareTarget, 0) => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::AttachDisks(machine))])
        }
        (TaskKind::PrepareTarget, _) => open_journal(scene),
        (TaskKind::StartReplication, 0) => {
            let first = if can_be_used(scene) { FirstCopy::Compare } else { FirstCopy::Full };
            Next::Ask(vec![scene.agent_does(Order::StartReplication(scene.replication(first)))])
        }
        _ => Next::Done,
    }
}

fn check(scene: &Scene<'_>) -> Next {
    let is_registered = scene.job.facts.away.as_ref().is_none_or(|found| found.agent_registered);
    match source_is_missing(scene) {
        Some(error) => Next::Fail(error),
        None if !is_registered => Next::Fail(JobError::AgentNotRegistered),
        None => master_target::take(scene),
    }
}

/// Why the recovered machine has nothing to send, if it has not.
pub(super) fn source_is_missing(scene: &Scene<'_>) -> Option<JobError> {
    match &scene.job.facts.away {
        Some(found) if found.exists && found.running => None,
        Some(found) if found.exists => Some(JobError::MachineNotRunning(Site::Recovery)),
        _ => Some(JobError::MachineMissing(Site::Recovery)),
    }
}

/// Whether the machine that was found at home is the one that data is sent to. One that is where a new one would be
/// made is at the other location already: it comes from an attempt before, or from a failback before.
fn can_be_used(scene: &Scene<'_>) -> bool {
    let facts = &scene.job.facts;
    facts.home.as_ref().is_some_and(|found| {
        let place = &found.place;
        let is_there_already = place.with_master_target && place.datastore == facts.datastore;
        found.exists
            && !found.guest.physical
            && (place.managed || place.with_master_target)
            && (facts.location == Location::Original || is_there_already)
    })
}

fn make_ready(scene: &Scene<'_>) -> Next {
    if let Some(why) = way_home::closed(scene, !can_be_used(scene)) {
        return Next::Fail(why);
    }
    match &scene.job.facts.home {
        Some(found) if can_be_used(scene) && !found.datastore_in_reach => {
            Next::Fail(PortFailure::DatastoreOutOfReach.into())
        }
        Some(found) if found.disks_attached && !can_be_used(scene) => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::DetachDisks(scene.item.machine))])
        }
        Some(found) if found.running && !found.guest.physical => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::ShutDown(scene.item.machine))])
        }
        _ => Next::Ask(Vec::new()),
    }
}

fn create(scene: &Scene<'_>) -> Next {
    if can_be_used(scene) {
        return Next::Done;
    }
    let (machine, sizes) = (scene.item.machine, scene.item.disk_sectors.clone());
    let datastore = scene.job.facts.datastore;
    Next::Ask(vec![What::Hypervisor(HypervisorRequest::CreateMachine(machine, sizes, datastore))])
}
