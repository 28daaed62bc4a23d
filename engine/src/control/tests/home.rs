//! Which machine is sent home to: the one that is there, or a new one on the master target's host.

use super::world::{D, M, PS, World, fail_over, reprotect, reprotect_to};
use crate::control::{Command, ItemState, JobError, Location, Refused, ReprotectWay};
use crate::id::{Direction::*, Site};
use crate::message::{FirstCopy, Order};
use crate::ports::{Place, PortFailure};

/// Failed over and committed, with the machine at home in such a place.
fn left_home(standing: Place) -> World {
    let mut world = World::failed_over();
    world.succeed(Command::Commit { machine: M });
    world.place(M, Site::Primary).standing = standing;
    world
}

fn first_copy(world: &World) -> Option<FirstCopy> {
    let mut copies = world.orders.iter().filter_map(|(_, _, order)| match order {
        Order::StartReplication(replication) => Some(replication.first),
        _ => None,
    });
    copies.next_back()
}

const UNMANAGED: Place = Place { managed: false, ..Place::NOWHERE };
const WITH_MASTER_TARGET: Place = Place { with_master_target: true, ..Place::NOWHERE };

#[test]
fn a_machine_on_a_managed_host_is_restored_in_place() {
    let mut world = left_home(Place::NOWHERE);
    world.succeed(reprotect(M));
    assert_eq!((world.count("CreateMachine(MachineId"), first_copy(&world)), (0, Some(FirstCopy::Compare)));
}

#[test]
fn on_a_host_that_nobody_manages_a_new_machine_is_made() {
    let mut world = left_home(UNMANAGED);
    world.succeed(reprotect(M));
    assert_eq!((world.count("CreateMachine(MachineId"), first_copy(&world)), (1, Some(FirstCopy::Full)));
}

#[test]
fn without_a_manager_the_master_target_still_reaches_what_is_on_its_own_host() {
    let mut world = left_home(Place { managed: false, ..WITH_MASTER_TARGET });
    world.succeed(reprotect(M));
    assert_eq!((world.count("CreateMachine(MachineId"), first_copy(&world)), (0, Some(FirstCopy::Compare)));
}

#[test]
fn an_alternate_location_is_a_new_machine_and_everything_is_sent() {
    let mut world = left_home(Place::NOWHERE);
    world.succeed(reprotect_to(M, Location::Alternate));
    assert_eq!((world.count("CreateMachine(MachineId"), first_copy(&world)), (1, Some(FirstCopy::Full)));
}

#[test]
fn a_second_attempt_uses_the_machine_that_the_first_has_made() {
    let mut world = left_home(Place::NOWHERE);
    world.failures.push(("AttachDisks", PortFailure::DatastoreOutOfReach, 1));
    world.end(reprotect_to(M, Location::Alternate));
    assert_eq!(world.state(M), ItemState::Committed(Forward));
    world.succeed(reprotect_to(M, Location::Alternate));
    assert_eq!((world.count("CreateMachine(MachineId"), first_copy(&world)), (1, Some(FirstCopy::Compare)));
}

#[test]
fn disks_that_an_attempt_has_attached_are_given_back_before_another_machine_is_made() {
    let mut world = left_home(Place::NOWHERE);
    world.place(M, Site::Primary).attached = true;
    world.succeed(reprotect_to(M, Location::Alternate));
    assert_eq!((world.count("DetachDisks"), world.count("CreateMachine(MachineId")), (1, 1));
    assert_eq!(world.count("AttachDisks"), 1, "those of the new one");
}

#[test]
fn a_machine_of_that_name_on_the_master_targets_host_is_in_the_way_of_a_new_one() {
    let elsewhere = crate::id::DatastoreId(7);
    let mut world = left_home(WITH_MASTER_TARGET);
    let location = Location::Alternate;
    let way = ReprotectWay { location, ..ReprotectWay::through(PS, Some(elsewhere)) };
    let job = world.end(Command::Reprotect { machine: M, way });
    assert_eq!(world.job(job).error, Some(PortFailure::AlreadyExists.into()));
    assert_eq!(world.state(M), ItemState::Committed(Forward));
    assert_ne!(elsewhere, D);
    // A vCenter that was busy first does not make it one that was made by a first attempt.
    world.failures.push(("CreateMachine", PortFailure::Unavailable, 1));
    let job = world.end(Command::Reprotect { machine: M, way });
    assert_eq!(world.job(job).error, Some(PortFailure::AlreadyExists.into()));
}

#[test]
fn a_master_target_whose_host_nobody_has_discovered_cannot_serve() {
    let mut world = left_home(Place { master_target_known: false, ..UNMANAGED });
    world.place(M, Site::Primary).running = true;
    let job = world.end(reprotect(M));
    assert_eq!(world.job(job).error, Some(JobError::HostNotDiscovered));
    assert_eq!(world.count("CreateMachine(MachineId") + world.count("AttachDisks"), 0);
    assert!(world.place(M, Site::Primary).running, "nothing was changed");
}

/// It takes some minutes until the agent in the cloud has registered: nothing has begun until then.
#[test]
fn a_reprotect_before_the_agent_has_registered_fails_and_changes_nothing() {
    let mut world = World::failed_over();
    world.succeed(Command::Commit { machine: M });
    world.place(M, Site::Recovery).unregistered = true;
    let job = world.end(reprotect(M));
    assert_eq!(world.job(job).error, Some(JobError::AgentNotRegistered));
    assert_eq!(world.count("AttachDisks"), 0);
    world.place(M, Site::Recovery).unregistered = false;
    world.succeed(reprotect(M));
}

#[test]
fn the_way_home_needs_a_datastore_even_where_it_is_ignored_and_the_way_away_does_not() {
    let without = Command::Reprotect { machine: M, way: ReprotectWay::through(PS, None) };
    let mut world = left_home(Place::NOWHERE);
    assert_eq!(world.refuse(&without), Refused::NoDatastore);
    assert_eq!(world.state(M), ItemState::Committed(Forward));
    let mut world = World::protected_home();
    world.succeed(fail_over(M));
    world.succeed(Command::Commit { machine: M });
    world.succeed(without);
    world.reach(M, ItemState::Protected(Forward));
}
