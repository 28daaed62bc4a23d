//! What must hold at home before data can come there, and that nothing was changed where it does not.

use super::world::{M, World, enable, fail_over, reprotect, reprotect_to};
use crate::control::{Command, ItemState, JobError, Location, NoWayHome};
use crate::id::{Direction::*, Site};
use crate::ports::{DatastoreKind, Guest, Place, PortFailure};

/// Failed over and committed; the machine at home runs still, in such a place, on such a datastore.
fn left_home(standing: Place, storage: DatastoreKind, guest: Guest) -> World {
    let mut world = World::new();
    let home = world.place(M, Site::Primary);
    (home.storage, home.guest) = (storage, guest);
    world.succeed(enable(&[M]));
    world.reach(M, ItemState::Protected(Forward));
    world.succeed(fail_over(M));
    world.succeed(Command::Commit { machine: M });
    let home = world.place(M, Site::Primary);
    (home.standing, home.running) = (standing, true);
    world
}

/// A reprotect fails for that reason, and leaves everything at home as it was.
fn refuses(mut world: World, location: Location, why: JobError) {
    let job = world.end(reprotect_to(M, location));
    assert_eq!(world.job(job).error, Some(why));
    assert_eq!(world.state(M), ItemState::Committed(Forward));
    assert_eq!(world.count("CreateMachine(MachineId") + world.count("AttachDisks"), 0);
    assert!(world.place(M, Site::Primary).running, "nothing was changed");
}

const NO_RIGHTS: Place = Place { may_change: false, ..Place::NOWHERE };
const TAKEN_FOR_OTHERS: Place = Place { disks_told_apart: false, ..Place::NOWHERE };
const RAW: Guest = Guest { raw_disks: true, ..Guest::READY };

#[test]
fn who_may_only_look_brings_nothing_home() {
    let world = left_home(NO_RIGHTS, DatastoreKind::Vmfs, Guest::READY);
    refuses(world, Location::Original, PortFailure::NotPermitted.into());
}

#[test]
fn a_master_target_needs_vmfs_also_for_a_machine_that_is_there() {
    for storage in [DatastoreKind::Vsan, DatastoreKind::Nfs] {
        let world = left_home(Place::NOWHERE, storage, Guest::READY);
        refuses(world, Location::Original, NoWayHome::NoVmfs.into());
    }
}

#[test]
fn disks_that_are_taken_for_the_master_targets_do_not_come_home() {
    let world = left_home(TAKEN_FOR_OTHERS, DatastoreKind::Vmfs, Guest::READY);
    refuses(world, Location::Original, NoWayHome::SameDisks.into());
}

#[test]
fn raw_disks_come_home_to_themselves_and_to_no_new_machine() {
    let mut world = left_home(Place::NOWHERE, DatastoreKind::Vmfs, RAW);
    world.succeed(reprotect(M));
    let world = left_home(Place::NOWHERE, DatastoreKind::Vmfs, RAW);
    refuses(world, Location::Alternate, NoWayHome::RawDisks.into());
}

/// Nobody at home remembers what the disks of a machine were that is gone; the vault does.
#[test]
fn raw_disks_are_remembered_when_the_machine_is_gone() {
    let mut world = left_home(Place::NOWHERE, DatastoreKind::Vmfs, RAW);
    let home = world.place(M, Site::Primary);
    (home.exists, home.running, home.guest) = (false, false, Guest::READY);
    let job = world.end(reprotect(M));
    assert_eq!(world.job(job).error, Some(NoWayHome::RawDisks.into()));
}

/// The rights may be taken while the machine comes home: it is not stopped for a failback that cannot end well.
#[test]
fn a_failback_without_rights_does_not_begin() {
    let mut world = left_home(Place::NOWHERE, DatastoreKind::Vmfs, Guest::READY);
    world.succeed(reprotect(M));
    world.reach(M, ItemState::Protected(Reverse));
    world.place(M, Site::Primary).standing = NO_RIGHTS;
    let job = world.end(fail_over(M));
    assert_eq!(world.job(job).error, Some(PortFailure::NotPermitted.into()));
    assert_eq!(world.state(M), ItemState::Protected(Reverse));
    assert!(world.place(M, Site::Recovery).running);
    world.place(M, Site::Primary).standing = Place::NOWHERE;
    world.succeed(fail_over(M));
}

#[test]
fn a_machine_that_is_not_listed_cannot_be_chosen() {
    let mut world = World::new();
    world.place(M, Site::Primary).standing = Place { listed: false, ..Place::NOWHERE };
    let job = world.end(enable(&[M]));
    assert_eq!(world.job(job).error, Some(JobError::NotListed));
    assert_eq!((world.state(M), world.count("InstallAgent")), (ItemState::Unprotected, 0));
}

#[test]
fn a_machine_that_came_home_is_protected_again_whoever_is_listed_in_its_place() {
    let mut world = World::protected_home();
    world.succeed(fail_over(M));
    world.succeed(Command::Commit { machine: M });
    world.place(M, Site::Primary).standing = Place { listed: false, ..Place::NOWHERE };
    world.succeed(reprotect(M));
    world.reach(M, ItemState::Protected(Forward));
}
