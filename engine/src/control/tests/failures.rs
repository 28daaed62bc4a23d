//! What fails, what is tried again, and in which state the item is afterwards.

use core::time::Duration;

use super::world::{G, M, World, enable, fail_over, reprotect};
use crate::control::{Command, ItemState, JobError, JobState, TaskKind, TaskState};
use crate::id::{Direction::*, Site};
use crate::message::{Order, Selector};
use crate::ports::PortFailure;

fn task(world: &World, job: crate::control::JobId, kind: TaskKind) -> TaskState {
    world.job(job).tasks.iter().find(|task| task.kind == kind).expect("a task").state
}

#[test]
fn a_shutdown_that_fails_is_skipped_and_the_failover_goes_on() {
    let mut world = World::protected();
    world.failures.push(("ShutDown", PortFailure::GuestUnresponsive, 1));
    let job = world.succeed(fail_over(M));
    assert_eq!(task(&world, job, TaskKind::ShutDownSource), TaskState::Skipped);
    assert_eq!(task(&world, job, TaskKind::SynchroniseLatest), TaskState::Skipped);
    assert!(world.place(M, Site::Primary).running, "both run: the world says so, not the vault");
}

#[test]
fn a_site_that_is_lost_does_not_hold_its_failover_up_for_long() {
    let mut world = World::protected();
    world.failures.push(("ShutDown", PortFailure::Unavailable, u32::MAX));
    let before = world.now;
    world.succeed(fail_over(M));
    assert!(world.now.since(before) < Duration::from_secs(6 * 60));
}

#[test]
fn last_changes_that_do_not_come_are_given_up() {
    let mut world = World::protected();
    world.agents.clear();
    let job = world.succeed(fail_over(M));
    assert_eq!(task(&world, job, TaskKind::SynchroniseLatest), TaskState::Skipped);
}

#[test]
fn transient_failures_are_tried_again_as_new_calls() {
    let mut world = World::protected();
    let wait = Duration::from_secs(90);
    world.failures.push(("StartMachine", PortFailure::Throttled { retry_after: wait }, 1));
    world.failures.push(("CreateMachine", PortFailure::Unavailable, 3));
    let before = world.now;
    world.succeed(fail_over(M));
    assert!(world.now.since(before) >= wait);
    assert_eq!(world.count("CreateMachine"), 4);
}

#[test]
fn a_creation_that_happened_behind_a_transient_failure_is_no_obstacle() {
    let mut world = World::protected();
    world.failures.push(("CreateMachine", PortFailure::Unavailable, 1));
    world.failures.push(("CreateMachine", PortFailure::AlreadyExists, 1));
    world.place(M, Site::Recovery).exists = false;
    let job = world.submit(&fail_over(M));
    world.run("the first failure", |world| world.count("CreateMachine") == 1);
    world.place(M, Site::Recovery).exists = true;
    let job = world.replies[&job].clone().expect("a job");
    world.run("the end", |world| world.job(job).state != JobState::InProgress);
    assert_eq!(world.state(M), ItemState::FailedOver(Forward));
}

#[test]
fn a_creation_that_finds_another_machine_in_its_way_fails() {
    let mut world = World::protected();
    world.failures.push(("CreateMachine", PortFailure::AlreadyExists, 1));
    let job = world.end(fail_over(M));
    assert_eq!(world.job(job).error, Some(JobError::Port(PortFailure::AlreadyExists)));
}

#[test]
fn lost_answers_are_asked_for_again_under_the_same_number() {
    let mut world = World::new();
    world.losses.extend([("CreateReplica", 2), ("OpenJournal", 2), ("StartReplication", 1), ("Inspect", 1)]);
    world.succeed(enable(&[M]));
    assert_eq!(world.count("CreateReplica"), 2, "one for each disk");
    let opens: Vec<_> =
        world.orders.iter().filter(|(_, _, order)| matches!(order, Order::OpenJournal(_))).collect();
    assert_eq!(opens.len(), 3);
    assert!(opens.iter().all(|(_, request, _)| *request == opens[0].1));
}

#[test]
fn a_failover_that_fails_before_replication_stops_leaves_the_item_protected() {
    let mut world = World::protected();
    world.place(M, Site::Recovery).exists = true;
    let job = world.end(fail_over(M));
    assert_eq!(world.job(job).error, Some(JobError::MachineInTheWay(Site::Recovery)));
    assert_eq!(world.state(M), ItemState::Protected(Forward));
    assert_eq!(world.agents[&(M, Site::Primary)], 1, "it still replicates");
}

#[test]
fn a_failover_that_fails_later_can_be_asked_for_again_to_another_point() {
    let mut world = World::protected();
    world.run_for(Duration::from_secs(600));
    world.failures.push(("StartMachine", PortFailure::OutOfCapacity("cores".to_owned()), 1));
    world.end(fail_over(M));
    assert_eq!(world.state(M), ItemState::FailoverFailed(Forward));
    let first = world.vault.points(G)[0].id;
    let to = Selector::Exactly(first);
    world.succeed(Command::Failover { machine: M, to, shut_down_source: false });
    assert_eq!(world.vault.item(M).and_then(|item| item.chosen_point()).map(|point| point.id), Some(first));
    assert_eq!(world.place(M, Site::Recovery).disks, 2, "what the first attempt made was deleted");
}

#[test]
fn a_failback_whose_machine_does_not_start_only_has_to_start_it() {
    let mut world = World::protected_home();
    world.failures.push(("PowerOn", PortFailure::OutOfCapacity("memory".to_owned()), 1));
    world.end(fail_over(M));
    assert_eq!(world.state(M), ItemState::FailoverFailed(Reverse));
    world.succeed(fail_over(M));
    assert!(world.place(M, Site::Primary).running);
    assert_eq!(world.count("DetachDisks"), 1);
}

#[test]
fn a_failback_does_not_start_while_the_machine_at_home_was_turned_on() {
    let mut world = World::protected_home();
    world.place(M, Site::Primary).running = true;
    let job = world.end(fail_over(M));
    assert_eq!(world.job(job).error, Some(JobError::MachineInTheWay(Site::Primary)));
    assert_eq!(world.state(M), ItemState::Protected(Reverse));
}

#[test]
fn a_cancelled_failover_leaves_nothing_and_does_not_replicate_again() {
    let calm = World::failed_over().inputs;
    let begin = World::protected().inputs;
    let mut cancelled = 0;
    for at in begin..calm {
        let mut world = World::protected();
        world.submit(&fail_over(M));
        world.run("a place", |world| world.inputs >= at || world.state(M) == ItemState::FailedOver(Forward));
        if world.state(M) == ItemState::FailedOver(Forward) {
            break;
        }
        let id = world.submit(&Command::Cancel { machine: M });
        let Ok(job) = world.replies[&id].clone() else {
            break;
        };
        world.run("the end", |world| world.job(job).state != JobState::InProgress);
        cancelled += 1;
        world.run_for(Duration::from_secs(120));
        assert_eq!(world.state(M), ItemState::Unprotected);
        assert_eq!(*world.place(M, Site::Recovery), Default::default(), "cancelled at {at}");
        assert!(world.journals.is_empty());
    }
    assert!(cancelled > 10, "{cancelled} places");
}

#[test]
fn a_reprotect_before_the_agent_answers_waits_for_it_and_then_fails() {
    let mut world = World::failed_over();
    world.succeed(Command::Commit { machine: M });
    world.losses.push(("StartReplication", u32::MAX));
    let before = world.now;
    let job = world.end(reprotect(M));
    assert!(matches!(world.job(job).error, Some(JobError::NoAnswer(_))));
    assert!(world.now.since(before) >= Duration::from_secs(15 * 60));
    assert_eq!(world.state(M), ItemState::Committed(Forward));
    world.losses.clear();
    world.succeed(reprotect(M));
    world.reach(M, ItemState::Protected(Reverse));
}

#[test]
fn a_machine_that_does_not_run_cannot_be_enabled() {
    let mut world = World::new();
    world.place(M, Site::Primary).running = false;
    let job = world.end(enable(&[M]));
    assert_eq!(world.job(job).error, Some(JobError::MachineNotRunning(Site::Primary)));
    assert_eq!(world.state(M), ItemState::Unprotected);
}
