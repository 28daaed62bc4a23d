//! What has to be there before a job begins its work, and what the user hears when it is not.

use super::world::{G, M, N, PS, Place, World, enable, fail_over, reprotect};
use crate::control::{Command, ItemState, JobError, Refused};
use crate::id::{Direction::*, Site};
use crate::policy::ReplicationPolicy;
use crate::ports::PortFailure;

/// How a command fails.
fn error(mut world: World, command: Command) -> Option<JobError> {
    let job = world.end(command);
    world.job(job).error.clone()
}

#[test]
fn a_machine_that_is_not_there_cannot_be_enabled() {
    let mut gone = World::new();
    *gone.place(M, Site::Primary) = Place::default();
    let mut unknown = World::new();
    unknown.failures.push(("Inspect", PortFailure::NotFound, 1));
    for world in [gone, unknown] {
        assert_eq!(error(world, enable(&[M])), Some(JobError::MachineMissing(Site::Primary)));
    }
}

#[test]
fn the_way_home_begins_only_from_a_recovered_machine_that_runs() {
    let mut world = World::failed_over();
    world.succeed(Command::Commit { machine: M });
    let home = reprotect(M);
    let mut down = world.clone();
    down.place(M, Site::Recovery).running = false;
    assert_eq!(error(down, home.clone()), Some(JobError::MachineNotRunning(Site::Recovery)));
    *world.place(M, Site::Recovery) = Place::default();
    assert_eq!(error(world, home), Some(JobError::MachineMissing(Site::Recovery)));
}

#[test]
fn a_failback_needs_the_machine_at_home() {
    let mut world = World::protected_home();
    *world.place(M, Site::Primary) = Place::default();
    let job = world.end(fail_over(M));
    assert_eq!(world.job(job).error, Some(JobError::MachineMissing(Site::Primary)));
    assert_eq!(world.state(M), ItemState::Protected(Reverse));
}

#[test]
fn a_machine_may_have_256_disks_and_no_more() {
    let with_disks = |count: usize| Command::Enable {
        group: G,
        machines: vec![(N, vec![1 << 18; count])],
        policy: ReplicationPolicy::DEFAULT,
        process_server: PS,
    };
    assert!(matches!(World::new().refuse(&with_disks(257)), Refused::BadGroup(_)));
    let mut world = World::new();
    let id = world.submit(&with_disks(256));
    assert!(world.replies[&id].is_ok());
}
