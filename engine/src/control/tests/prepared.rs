//! Machines that are prepared before they start away, and a physical server that comes home as a virtual machine.

use super::journey::travel;
use super::world::{M, World, enable, fail_over, reprotect};
use crate::control::{Command, ItemState, JobId, TaskKind, TaskState};
use crate::id::{Direction::*, Site};
use crate::message::{FirstCopy, Order, Selector};
use crate::ports::{Guest, PortFailure};

const PHYSICAL: Guest = Guest { physical: true, ..Guest::READY };

fn protected(guest: Guest) -> World {
    let mut world = World::new();
    world.place(M, Site::Primary).guest = guest;
    world.succeed(enable(&[M]));
    world.reach(M, ItemState::Protected(Forward));
    world
}

fn task(world: &World, job: JobId, kind: TaskKind) -> TaskState {
    world.job(job).tasks.iter().find(|task| task.kind == kind).expect("the task").state
}

#[test]
fn exactly_the_machines_that_would_not_start_are_prepared() {
    let table = [
        (Guest::READY, TaskState::Skipped),
        (PHYSICAL, TaskState::Succeeded),
        (Guest { linux: true, ..Guest::READY }, TaskState::Succeeded),
        (Guest { dhcp: false, ..Guest::READY }, TaskState::Succeeded),
        (Guest { boot_drivers: false, ..Guest::READY }, TaskState::Succeeded),
    ];
    for (guest, expected) in table {
        let mut world = protected(guest);
        let test = world.succeed(Command::TestFailover { machine: M, to: Selector::Latest });
        world.succeed(Command::CleanUpTest { machine: M });
        let failover = world.succeed(fail_over(M));
        for job in [test, failover] {
            assert_eq!(task(&world, job, TaskKind::PrepareBoot), expected, "{guest:?}");
        }
    }
}

#[test]
fn a_machine_that_cannot_be_prepared_is_not_started() {
    let mut world = protected(Guest { dhcp: false, ..Guest::READY });
    world.failures.push(("PrepareBoot", PortFailure::BootNotPrepared, 1));
    let job = world.end(fail_over(M));
    assert_eq!(task(&world, job, TaskKind::PrepareBoot), TaskState::Failed);
    assert_eq!(task(&world, job, TaskKind::StartMachine), TaskState::NotStarted);
    world.reach(M, ItemState::FailoverFailed(Forward));
}

#[test]
fn nobody_asks_a_hypervisor_to_shut_a_physical_server_down() {
    let mut world = protected(PHYSICAL);
    let job = world.succeed(fail_over(M));
    assert_eq!(task(&world, job, TaskKind::ShutDownSource), TaskState::Skipped);
    assert_eq!(world.count("ShutDown(MachineId(1))"), 0);
    assert!(world.place(M, Site::Primary).running);
}

#[test]
fn a_physical_server_comes_home_as_a_new_machine_and_everything_is_sent() {
    let mut world = protected(PHYSICAL);
    world.succeed(fail_over(M));
    world.succeed(Command::Commit { machine: M });
    world.succeed(reprotect(M));
    assert_eq!(world.count("CreateMachine(MachineId(1), [1048576, 262144], Some(DatastoreId(0)))"), 1);
    let mut firsts = world.orders.iter().filter_map(|(_, _, order)| match order {
        Order::StartReplication(replication) => Some(replication.first),
        _ => None,
    });
    assert_eq!(firsts.next_back(), Some(FirstCopy::Full));
}

#[test]
fn once_it_is_a_virtual_machine_it_is_shut_down_and_compared_like_any_other() {
    let mut world = World::new();
    world.place(M, Site::Primary).guest = PHYSICAL;
    travel(&mut world);
    let job = world.succeed(fail_over(M));
    assert_eq!(task(&world, job, TaskKind::ShutDownSource), TaskState::Succeeded);
    assert_eq!(task(&world, job, TaskKind::PrepareBoot), TaskState::Skipped);
}
