//! Machines that share recovery points, each with jobs of its own.

use super::world::{G, M, N, World, enable, fail_over, reprotect};
use crate::control::{Command, ItemState, JobState};
use crate::id::{Direction::*, Site};
use crate::message::Order;

fn opened(world: &World) -> usize {
    world.orders.iter().filter(|(_, _, order)| matches!(order, Order::OpenJournal(_))).count()
}

fn protected() -> World {
    let mut world = World::new();
    world.succeed(enable(&[M, N]));
    world.reach(M, ItemState::Protected(Forward));
    world.reach(N, ItemState::Protected(Forward));
    world
}

#[test]
fn the_machines_of_a_group_share_a_generation_and_a_journal() {
    let world = protected();
    assert_eq!(opened(&world), 1);
    let generation = |machine| world.vault.item(machine).map(|item| item.generation);
    assert_eq!(generation(M), generation(N));
}

#[test]
fn the_journal_is_closed_by_the_last_machine_and_the_way_home_is_shared() {
    let mut world = protected();
    world.succeed(fail_over(M));
    world.succeed(Command::Commit { machine: M });
    assert!(world.journals.contains_key(&(G, Site::Recovery)), "the other machine still needs it");
    world.succeed(reprotect(M));
    world.succeed(fail_over(N));
    world.succeed(Command::Commit { machine: N });
    assert!(!world.journals.contains_key(&(G, Site::Recovery)));
    assert_eq!(
        world.state(M),
        ItemState::Synchronising(Reverse),
        "no common point without the other machine"
    );
    world.succeed(reprotect(N));
    world.reach(M, ItemState::Protected(Reverse));
    world.reach(N, ItemState::Protected(Reverse));
    assert_eq!(opened(&world), 2, "one away, one home");
}

#[test]
fn a_machine_that_cannot_be_enabled_does_not_hold_the_others_up() {
    let mut world = World::new();
    world.place(M, Site::Primary).running = false;
    let job = world.end(enable(&[M, N]));
    assert_eq!(world.job(job).state, JobState::Failed);
    world.reach(N, ItemState::Protected(Forward));
    assert_eq!(world.state(M), ItemState::Unprotected);
}

#[test]
fn a_machine_that_starts_home_again_takes_the_others_along() {
    let mut world = protected();
    for machine in [M, N] {
        world.succeed(fail_over(machine));
        world.succeed(Command::Commit { machine });
    }
    world.succeed(reprotect(M));
    world.failures.push(("AttachDisks(MachineId(2))", crate::ports::PortFailure::NotFound, 1));
    world.end(reprotect(N));
    assert_eq!(world.state(N), ItemState::Committed(Forward));
    world.succeed(reprotect(N));
    world.reach(N, ItemState::Protected(Reverse));
    world.reach(M, ItemState::Protected(Reverse));
    assert_eq!(world.agents[&(M, Site::Recovery)], world.agents[&(N, Site::Recovery)]);
}

/// However often it is asked for: those that come home already keep their points until it can come too.
#[test]
fn a_machine_that_cannot_come_home_takes_nothing_from_the_others() {
    let mut world = protected();
    for machine in [M, N] {
        world.succeed(fail_over(machine));
        world.succeed(Command::Commit { machine });
    }
    world.place(N, Site::Recovery).running = false;
    let first = world.submit(&reprotect(M));
    world.end(reprotect(N));
    world.replies[&first].clone().expect("a job");
    world.reach(M, ItemState::Protected(Reverse));
    let generation = |world: &World| world.vault.item(M).map(|item| item.generation);
    let before = generation(&world);
    for _ in 0..3 {
        world.end(reprotect(N));
        assert_eq!((world.state(N), generation(&world)), (ItemState::Committed(Forward), before));
    }
    world.place(N, Site::Recovery).running = true;
    world.succeed(reprotect(N));
    world.reach(N, ItemState::Protected(Reverse));
    world.reach(M, ItemState::Protected(Reverse));
    assert!(generation(&world) > before, "they begin anew together");
}
