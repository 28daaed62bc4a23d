//! A machine made beside production, and removed again.

use core::time::Duration;

use super::world::{Crash, G, M, World, fail_over, reprotect};
use crate::control::{Command, ItemState, JobState, Operation, TaskKind, TaskState, TestState};
use crate::id::{Direction::*, Site};
use crate::message::{Order, Selector};
use crate::ports::PortFailure;

fn test_failover() -> Command {
    Command::TestFailover { machine: M, to: Selector::Latest }
}

const CLEAN_UP: Command = Command::CleanUpTest { machine: M };

fn tested() -> World {
    let mut world = World::protected();
    world.succeed(test_failover());
    world
}

fn test_state(world: &World) -> TestState {
    world.vault.item(M).expect("an item").test()
}

#[test]
fn a_test_machine_runs_beside_production_which_stays_protected() {
    let mut world = tested();
    assert!(world.tests[&M].running);
    assert!(world.place(M, Site::Primary).running && !world.place(M, Site::Recovery).exists);
    assert_eq!(world.state(M), ItemState::Protected(Forward));
    assert_eq!(world.agents[&(M, Site::Primary)], 1, "it replicates on");
    world.succeed(CLEAN_UP);
    assert_eq!(world.tests[&M], Default::default());
    assert_eq!(test_state(&world), TestState::None);
}

#[test]
fn the_point_is_pinned_before_its_disks_are_made_and_let_go_afterwards() {
    let world = tested();
    let names = world.orders.iter().filter_map(|(_, _, order)| match order {
        Order::PinPoint { .. } => Some("pin"),
        Order::OpenPoint { .. } => Some("open"),
        Order::UnpinPoint { .. } => Some("unpin"),
        _ => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), ["pin", "open", "unpin"]);
}

#[test]
fn while_a_test_runs_nothing_else_is_offered_and_afterwards_protection_cannot_end_before_the_cleanup() {
    let mut world = World::protected();
    world.submit(&test_failover());
    world.run_for(Duration::from_millis(100));
    assert!(world.vault.allowed_operations(M).is_empty() || test_state(&world) != TestState::InProgress);
    let world = tested();
    let allowed = world.vault.allowed_operations(M);
    assert!(allowed.contains(&Operation::CleanUpTest) && allowed.contains(&Operation::Failover));
    assert!(!allowed.contains(&Operation::Disable) && !allowed.contains(&Operation::TestFailover));
}

#[test]
fn a_machine_fails_over_and_comes_home_with_its_test_machine_forgotten() {
    let mut world = tested();
    world.succeed(fail_over(M));
    world.succeed(Command::Commit { machine: M });
    world.succeed(reprotect(M));
    world.reach(M, ItemState::Protected(Reverse));
    assert!(world.tests[&M].running);
    world.succeed(CLEAN_UP);
    assert_eq!(world.tests[&M], Default::default());
    assert!(world.place(M, Site::Recovery).running, "only the test machine is removed");
}

#[test]
fn what_a_test_failover_made_before_it_failed_is_removed_by_the_cleanup() {
    let mut world = World::protected();
    world.failures.push(("CreateMachine", PortFailure::OutOfCapacity("cores".to_owned()), 1));
    let job = world.end(test_failover());
    assert_eq!(world.job(job).state, JobState::Failed);
    assert_eq!(world.tests[&M].disks, 2);
    assert_eq!(test_state(&world), TestState::Active);
    world.succeed(CLEAN_UP);
    assert_eq!(world.tests[&M], Default::default());
}

#[test]
fn a_test_failover_that_finds_another_test_machine_in_its_way_changes_nothing() {
    let mut world = World::protected();
    world.tests.entry(M).or_default().exists = true;
    let job = world.end(test_failover());
    assert_eq!(world.job(job).state, JobState::Failed);
    assert_eq!(test_state(&world), TestState::None);
}

#[test]
fn a_cleanup_that_fails_can_be_asked_for_again() {
    let mut world = tested();
    world.failures.push(("DeleteMachine", PortFailure::WrongState("locked".to_owned()), 1));
    world.end(CLEAN_UP);
    assert_eq!(test_state(&world), TestState::Active);
    world.succeed(CLEAN_UP);
    assert_eq!(world.tests[&M], Default::default());
}

#[test]
fn a_target_that_does_not_let_the_point_go_does_not_fail_the_test() {
    let mut world = World::protected();
    world.losses.push(("UnpinPoint", u32::MAX));
    let job = world.succeed(test_failover());
    let made = world.job(job).tasks.iter().find(|task| task.kind == TaskKind::FailOver);
    assert_eq!(made.map(|task| task.state), Some(TaskState::Succeeded));
}

#[test]
fn a_vault_that_crashes_in_the_middle_makes_one_test_machine_all_the_same() {
    for inputs in 1..40 {
        let mut world = World::protected();
        let crash = Crash { keeps_tail: inputs % 2 == 0, keeps_answers: inputs % 3 == 0 };
        world.crash_at = Some((world.inputs + inputs, crash));
        let id = world.submit(&test_failover());
        world.run_for(Duration::from_secs(3600));
        if world.replies.get(&id).is_none_or(Result::is_err) {
            world.succeed(test_failover());
        }
        assert_eq!(test_state(&world), TestState::Active, "crash at input {inputs}");
        assert!(world.tests[&M].running && world.tests[&M].disks == 2, "crash at input {inputs}");
        world.succeed(CLEAN_UP);
        assert_eq!(world.tests[&M], Default::default(), "crash at input {inputs}");
        assert!(world.journals.contains_key(&(G, Site::Recovery)));
    }
}
