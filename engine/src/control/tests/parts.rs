//! Machines of one group that come home through different master targets share no point on the way, and share them again
//! when they are away.

use super::world::{D, G, M, N, PS, World, enable, fail_over, reprotect};
use crate::control::{Command, ItemState, JobState, ReprotectWay};
use crate::id::{Direction::*, GroupId, MachineId, MasterTargetId, Site};
use crate::ports::PortFailure;

fn through(machine: MachineId, master_target: u16) -> Command {
    let way = ReprotectWay {
        master_target: Some(MasterTargetId(master_target)),
        ..ReprotectWay::through(PS, Some(D))
    };
    Command::Reprotect { machine, way }
}

fn group_of(world: &World, machine: MachineId) -> GroupId {
    world.vault.item(machine).expect("an item").group
}

fn away() -> World {
    let mut world = World::new();
    world.succeed(enable(&[M, N]));
    for machine in [M, N] {
        world.reach(machine, ItemState::Protected(Forward));
        world.succeed(fail_over(machine));
        world.succeed(Command::Commit { machine });
    }
    world
}

#[test]
fn each_master_target_has_a_journal_with_points_of_its_own() {
    let mut world = away();
    world.succeed(reprotect(M));
    world.succeed(through(N, 1));
    world.reach(M, ItemState::Protected(Reverse));
    world.reach(N, ItemState::Protected(Reverse));
    assert_eq!(group_of(&world, M), G);
    assert_ne!(group_of(&world, N), G);
    assert_eq!(group_of(&world, N).whole(), G);
    let points = |machine| world.vault.points_of(machine).iter().map(|point| point.id).collect::<Vec<_>>();
    assert!(!points(M).is_empty() && !points(N).is_empty());
    assert!(points(M).iter().all(|point| !points(N).contains(point)));
}

/// The twin: through one master target they share them.
#[test]
fn through_one_master_target_they_share_a_journal() {
    let mut world = away();
    world.succeed(through(M, 1));
    world.succeed(through(N, 1));
    world.reach(N, ItemState::Protected(Reverse));
    assert_eq!((group_of(&world, M), group_of(&world, N)), (G, G));
    assert_eq!(world.vault.points_of(M), world.vault.points_of(N));
}

#[test]
fn away_again_the_group_is_whole() {
    let mut world = away();
    world.succeed(through(M, 1));
    world.succeed(reprotect(N));
    for machine in [M, N] {
        world.reach(machine, ItemState::Protected(Reverse));
        world.succeed(fail_over(machine));
        world.succeed(Command::Commit { machine });
        world.succeed(reprotect(machine));
    }
    world.reach(M, ItemState::Protected(Forward));
    world.reach(N, ItemState::Protected(Forward));
    assert_eq!((group_of(&world, M), group_of(&world, N)), (G, G));
    let at_home: Vec<_> = world.journals.keys().filter(|(_, site)| *site == Site::Primary).collect();
    assert!(at_home.is_empty(), "{at_home:?}");
}

/// Those that counted on it do not wait for it, whatever becomes of its own attempt.
#[test]
fn a_machine_that_cannot_come_home_by_itself_does_not_hold_the_others_up() {
    let mut world = away();
    world.succeed(reprotect(M));
    world.failures.push(("AttachDisks(MachineId(2))", PortFailure::NotFound, 1));
    let job = world.end(through(N, 1));
    assert_eq!(world.job(job).state, JobState::Failed);
    world.reach(M, ItemState::Protected(Reverse));
    world.succeed(through(N, 0));
    world.reach(N, ItemState::Protected(Reverse));
    world.reach(M, ItemState::Protected(Reverse));
    assert_eq!((group_of(&world, M), group_of(&world, N)), (G, G), "through one master target after all");
}
