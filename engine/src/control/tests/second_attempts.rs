//! What a first attempt left, and what a second one makes of it.

use core::time::Duration;

use super::world::{G, M, N, World, enable, fail_over, reprotect};
use crate::control::{Command, ItemState, JobState, Refused, TaskKind, TaskState};
use crate::id::{Direction::*, Site};
use crate::message::Selector;
use crate::point::Consistency;
use crate::ports::PortFailure;

fn no_room() -> PortFailure {
    PortFailure::OutOfCapacity("cores".to_owned())
}

/// A failover whose recovered machine did not start.
fn half_failed_over() -> World {
    let mut world = World::protected();
    world.run_for(Duration::from_secs(600));
    world.failures.push(("StartMachine", no_room(), 1));
    world.end(fail_over(M));
    assert_eq!(world.state(M), ItemState::FailoverFailed(Forward));
    assert!(world.place(M, Site::Recovery).exists);
    world
}

#[test]
fn disabling_after_a_failed_failover_removes_what_it_made() {
    let mut world = half_failed_over();
    world.succeed(Command::Disable { machine: M });
    assert_eq!(*world.place(M, Site::Recovery), Default::default());
}

#[test]
fn what_a_disable_could_not_remove_is_removed_by_disabling_once_more() {
    let mut world = half_failed_over();
    world.failures.push(("DeleteMachine", PortFailure::WrongState("locked".to_owned()), 1));
    let job = world.end(Command::Disable { machine: M });
    assert_eq!(world.job(job).state, JobState::Failed);
    assert_eq!(world.state(M), ItemState::Unprotected);
    assert!(world.place(M, Site::Recovery).exists);
    world.succeed(Command::Disable { machine: M });
    assert_eq!(*world.place(M, Site::Recovery), Default::default());
    assert_eq!(world.state(M), ItemState::Unprotected);
}

#[test]
fn a_second_attempt_recovers_the_kind_of_point_it_asks_for_and_not_the_one_of_the_first() {
    let chosen = |to: Selector| {
        let mut world = half_failed_over();
        let first = world.journals[&(G, Site::Recovery)].finished[&M].1.id;
        world.succeed(Command::Failover { machine: M, to, shut_down_source: false });
        let point = world.vault.item(M).and_then(|item| item.chosen_point()).expect("a point");
        (point.consistency, point.id == first)
    };
    assert_eq!(chosen(Selector::Latest), (Consistency::Crash, true), "the target stays with its choice");
    assert_eq!(chosen(Selector::LatestApplication), (Consistency::Application, false));
}

#[test]
fn a_machine_that_the_operator_started_at_home_is_not_started_again() {
    let mut world = World::protected_home();
    world.failures.push(("PowerOn", no_room(), 1));
    world.end(fail_over(M));
    world.place(M, Site::Primary).running = true;
    let job = world.succeed(fail_over(M));
    assert_eq!(world.count("PowerOn"), 1);
    assert!(world.job(job).point().is_some(), "it still says which point the machine holds");
}

#[test]
fn a_machine_that_was_started_away_between_two_attempts_does_not_run_on() {
    let mut world = World::protected_home();
    world.failures.push(("PowerOn", no_room(), 1));
    world.end(fail_over(M));
    world.place(M, Site::Recovery).running = true;
    world.succeed(fail_over(M));
    assert!(world.place(M, Site::Primary).running && !world.place(M, Site::Recovery).running);
}

#[test]
fn a_machine_whose_disks_were_given_back_comes_home_to_the_point_it_has_and_to_no_other() {
    let mut world = World::protected_home();
    world.failures.push(("PowerOn", no_room(), 1));
    world.end(fail_over(M));
    let wanted = |to| Command::Failover { machine: M, to, shut_down_source: true };
    assert_eq!(world.refuse(&wanted(Selector::LatestApplication)), Refused::NoSuchPoint);
    world.succeed(wanted(Selector::LatestProcessed));
    assert_eq!(world.state(M), ItemState::FailedOver(Reverse));
}

#[test]
fn a_failback_stops_the_recovered_machine_unless_it_is_down_already() {
    let mut world = World::protected_home();
    let mut down = world.clone();
    world.succeed(fail_over(M));
    assert!(!world.place(M, Site::Recovery).running);
    down.place(M, Site::Recovery).running = false;
    let job = down.succeed(fail_over(M));
    let stop = down.job(job).tasks.iter().find(|task| task.kind == TaskKind::ShutDownSource);
    assert_eq!(stop.map(|task| task.state), Some(TaskState::Skipped));
    assert_eq!(down.count("StopMachine"), 0);
}

#[test]
fn a_change_of_point_whose_new_machine_does_not_start_is_a_failed_failover() {
    let mut world = World::protected();
    world.run_for(Duration::from_secs(600));
    world.succeed(fail_over(M));
    let to = world.vault.points(G)[0].id;
    world.failures.push(("StartMachine", no_room(), 1));
    world.end(Command::ChangePoint { machine: M, to });
    assert_eq!(world.state(M), ItemState::FailoverFailed(Forward));
    world.succeed(Command::Failover { machine: M, to: Selector::Exactly(to), shut_down_source: false });
    assert_eq!(world.state(M), ItemState::FailedOver(Forward));
}

#[test]
fn a_failover_ends_the_resyncs_of_its_machine_and_of_no_other() {
    let mut world = World::new();
    world.succeed(enable(&[M, N]));
    world.reach(N, ItemState::Protected(Forward));
    world.losses.push(("Resync", u32::MAX));
    let resyncs = [M, N].map(|machine| {
        let id = world.submit(&Command::Resync { machine });
        world.replies[&id].clone().expect("a job")
    });
    let id = world.submit(&fail_over(M));
    assert!(world.replies[&id].is_ok());
    let states = resyncs.map(|job| world.job(job).state);
    assert_eq!(states, [JobState::Cancelled, JobState::InProgress]);
}

/// In Azure, with its disks at home attached to the master target although vCenter never said so.
fn attached_and_never_answered() -> World {
    let mut world = World::protected();
    world.succeed(fail_over(M));
    world.succeed(Command::Commit { machine: M });
    world.losses.push(("AttachDisks", u32::MAX));
    let job = world.end(reprotect(M));
    assert_eq!(world.job(job).state, JobState::Failed);
    assert!(world.place(M, Site::Primary).attached);
    world.losses.clear();
    world
}

#[test]
fn disks_that_were_attached_without_an_answer_are_found_attached_by_the_next_reprotect() {
    let mut world = attached_and_never_answered();
    world.succeed(reprotect(M));
    assert_eq!(world.count("AttachDisks"), 1);
    world.reach(M, ItemState::Protected(Reverse));
}

#[test]
fn disks_that_were_given_back_by_hand_meanwhile_are_attached_again() {
    let mut world = attached_and_never_answered();
    world.place(M, Site::Primary).attached = false;
    world.succeed(reprotect(M));
    assert_eq!(world.count("AttachDisks"), 2);
}

#[test]
fn disks_that_were_attached_without_an_answer_are_given_back_when_protection_ends() {
    let mut world = attached_and_never_answered();
    world.succeed(Command::Disable { machine: M });
    assert!(!world.place(M, Site::Primary).attached);
}
