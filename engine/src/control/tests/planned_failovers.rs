//! Planned failovers home, and how they are taken back.

use super::world::{M, World, fail_over, reprotect};
use crate::control::{
    Command, ItemState, JobKind, JobState, Operation, PlannedPoint, Refused, Stack, TaskKind,
};
use crate::id::{Direction::*, Site};
use crate::message::Order;
use crate::ports::PortFailure;

pub(super) const PLAN: Command = Command::PlannedFailover { machine: M, to: PlannedPoint::CrashConsistent };
const CANCEL: Command = Command::Cancel { machine: M };

/// The machine comes home as planned, and away again.
pub(super) fn come_home(world: &mut World) {
    world.succeed(PLAN);
    world.reach(M, ItemState::FailedOver(Reverse));
    world.succeed(Command::Commit { machine: M });
    world.succeed(reprotect(M));
    world.reach(M, ItemState::Protected(Forward));
}

/// The machine cannot be powered on at home.
pub(super) fn fail_to_come_home(world: &mut World) {
    world.failures.push(("PowerOn", PortFailure::GuestUnresponsive, 1));
    world.end(PLAN);
    world.reach(M, ItemState::Protected(Reverse));
}

/// Goes on until a task of the planned failover is under way.
fn reach_task(world: &mut World, task: TaskKind) {
    world.submit(&PLAN);
    world.run("a task", |world| {
        let planned = world.vault.jobs().rfind(|job| job.kind == JobKind::PlannedFailover);
        planned.and_then(|job| job.current_task()).is_some_and(|current| current.kind == task)
    });
}

fn runs(world: &mut World, site: Site) -> bool {
    world.place(M, site).running
}

fn generation(world: &World) -> u64 {
    world.vault.item(M).map_or(0, |item| item.generation)
}

#[test]
fn a_planned_failover_brings_the_machine_home_and_its_commit_removes_the_snapshot() {
    let mut world = World::modernised_home();
    world.succeed(PLAN);
    assert_eq!(world.state(M), ItemState::FailedOver(Reverse));
    assert!(runs(&mut world, Site::Primary) && !runs(&mut world, Site::Recovery));
    assert!(world.place(M, Site::Primary).snapshot);
    world.succeed(Command::Commit { machine: M });
    assert!(!world.place(M, Site::Primary).snapshot);
    assert!(!world.place(M, Site::Recovery).exists);
}

#[test]
fn a_snapshot_is_taken_before_the_machine_is_powered_on() {
    let mut world = World::modernised_home();
    world.succeed(PLAN);
    let place = |call: &str| world.done.iter().position(|done| done.starts_with(call)).expect("a call");
    assert!(place("DetachDisks") < place("TakeSnapshot") && place("TakeSnapshot") < place("PowerOn"));
}

#[test]
fn cancelled_while_draining_the_machine_goes_on_in_the_same_run() {
    let mut world = World::modernised_home();
    let before = generation(&world);
    reach_task(&mut world, TaskKind::SynchroniseLatest);
    world.succeed(CANCEL);
    assert_eq!(world.state(M), ItemState::Protected(Reverse));
    assert!(runs(&mut world, Site::Recovery) && !runs(&mut world, Site::Primary));
    assert!(world.place(M, Site::Primary).attached, "nothing was given back");
    assert_eq!(generation(&world), before);
    world.succeed(PLAN);
}

#[test]
fn cancelled_after_the_drain_the_machine_replicates_in_a_new_run_with_a_comparison() {
    let mut world = World::modernised_home();
    let before = generation(&world);
    reach_task(&mut world, TaskKind::StartMachine);
    world.succeed(CANCEL);
    world.reach(M, ItemState::Protected(Reverse));
    assert!(runs(&mut world, Site::Recovery) && !runs(&mut world, Site::Primary));
    let place = *world.place(M, Site::Primary);
    assert!(place.attached && !place.snapshot);
    assert_eq!(generation(&world), before + 1);
    let is_start = |order: &Order| matches!(order, Order::StartReplication(_));
    assert_eq!(world.orders.iter().filter(|(_, _, order)| is_start(order)).count(), 3);
    world.succeed(PLAN);
}

#[test]
fn whatever_fails_it_is_taken_back_by_itself() {
    for call in ["StopMachine", "DetachDisks", "TakeSnapshot", "PowerOn"] {
        let mut world = World::modernised_home();
        world.failures.push((call, PortFailure::GuestUnresponsive, 1));
        let job = world.end(PLAN);
        assert_eq!(world.job(job).state, JobState::Failed, "{call}");
        world.reach(M, ItemState::Protected(Reverse));
        assert!(runs(&mut world, Site::Recovery) && !runs(&mut world, Site::Primary), "{call}");
        world.succeed(PLAN);
    }
}

#[test]
fn changes_that_never_arrive_end_it_and_nothing_is_lost() {
    let mut world = World::modernised_home();
    reach_task(&mut world, TaskKind::SynchroniseLatest);
    world.journals.values_mut().for_each(|journal| journal.shut_down.clear());
    world.reach(M, ItemState::Protected(Reverse));
    assert!(runs(&mut world, Site::Recovery) && !runs(&mut world, Site::Primary));
    assert_eq!(world.count("DetachDisks"), 0, "the disks at home were not touched");
}

#[test]
fn a_failover_that_cannot_be_taken_back_is_cancelled_by_hand() {
    let mut world = World::modernised_home();
    world.failures.push(("PowerOn", PortFailure::GuestUnresponsive, 1));
    world.failures.push(("RevertSnapshot", PortFailure::DatastoreOutOfReach, 1));
    world.end(PLAN);
    world.reach(M, ItemState::FailoverFailed(Reverse));
    assert!(!runs(&mut world, Site::Recovery), "it may run at home, as far as anybody knows");
    world.succeed(CANCEL);
    world.reach(M, ItemState::Protected(Reverse));
    assert!(runs(&mut world, Site::Recovery));
}

#[test]
fn what_somebody_has_started_at_home_is_shut_down_before_its_disks_are_lent_again() {
    let mut world = World::modernised_home();
    world.failures.push(("DetachDisks", PortFailure::DatastoreOutOfReach, 1));
    world.failures.push(("AttachDisks", PortFailure::DatastoreOutOfReach, 1));
    reach_task(&mut world, TaskKind::FailOver);
    world.place(M, Site::Primary).attached = false;
    world.place(M, Site::Primary).running = true;
    world.reach(M, ItemState::FailoverFailed(Reverse));
    world.place(M, Site::Primary).running = true;
    world.succeed(CANCEL);
    world.reach(M, ItemState::Protected(Reverse));
    assert!(!runs(&mut world, Site::Primary) && runs(&mut world, Site::Recovery));
}

#[test]
fn a_look_that_finds_something_wrong_changes_nothing() {
    let mut world = World::modernised_home();
    world.place(M, Site::Recovery).running = false;
    let job = world.end(PLAN);
    assert_eq!(world.job(job).state, JobState::Failed);
    assert_eq!(world.state(M), ItemState::Protected(Reverse));
    assert!(world.vault.jobs().all(|job| job.kind != JobKind::Cancel));
}

#[test]
fn each_stack_refuses_what_the_other_does() {
    let operation = Operation::PlannedFailover;
    let refused = Refused::NotInStack { operation, stack: Stack::Classic };
    assert_eq!(World::protected_home().refuse(&PLAN), refused);
    let operation = Operation::Failover;
    let refused = Refused::NotInStack { operation, stack: Stack::Modernised };
    assert_eq!(World::modernised_home().refuse(&fail_over(M)), refused);
}
