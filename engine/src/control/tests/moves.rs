//! A machine moves to another process server: where it may go, and what is known of where it is.

use super::world::{M, N, PS, World, fail_over};
use crate::control::{Command, ItemState, JobState, Refused};
use crate::id::{Direction::*, MachineId, Site};
use crate::role::Address;

/// Another process server on premises.
pub(super) const OTHER: Address = Address::ProcessServer(2);

pub(super) const fn move_to(machine: MachineId, process_server: Address) -> Command {
    Command::SwitchProcessServer { machine, process_server }
}

fn sends_to(world: &World) -> Address {
    world.vault.item(M).expect("an item").process_server
}

#[test]
fn a_machine_moves_and_moves_back() {
    let mut world = World::protected();
    for server in [OTHER, PS] {
        world.succeed(move_to(M, server));
        assert_eq!((sends_to(&world), world.state(M)), (server, ItemState::Protected(Forward)));
    }
}

#[test]
fn a_move_to_where_it_sends_already_is_refused() {
    let mut world = World::protected();
    assert_eq!(world.refuse(&move_to(M, PS)), Refused::SameProcessServer);
    world.succeed(move_to(M, OTHER));
    assert_eq!(world.refuse(&move_to(M, OTHER)), Refused::SameProcessServer);
}

#[test]
fn a_move_to_what_is_no_process_server_and_one_of_a_stranger_are_refused() {
    let mut world = World::protected();
    let target = Address::Target(Site::Recovery);
    assert_eq!(world.refuse(&move_to(M, target)), Refused::NoProcessServer(target));
    assert_eq!(world.refuse(&move_to(N, OTHER)), Refused::UnknownMachine(N));
}

#[test]
fn a_move_does_not_go_beside_another_job_of_the_machine() {
    let mut world = World::protected();
    world.place(M, Site::Primary).running = false;
    world.submit(&move_to(M, OTHER));
    let under_way = world.vault.jobs().next_back().expect("a job").id;
    assert_eq!(world.refuse(&move_to(M, Address::ProcessServer(3))), Refused::JobUnderWay(under_way));
    world.place(M, Site::Primary).running = true;
    world.run("the end of the move", |world| world.job(under_way).state == JobState::Succeeded);
    world.succeed(move_to(M, Address::ProcessServer(3)));
}

/// The answer of the agent is lost, or its order: nobody knows where it sends to, and either can be asked for.
#[test]
fn after_a_move_that_failed_both_can_be_asked_for() {
    let mut world = World::protected();
    world.place(M, Site::Primary).running = false;
    let job = world.end(move_to(M, OTHER));
    assert_eq!(world.job(job).state, JobState::Failed);
    world.place(M, Site::Primary).running = true;
    for server in [PS, OTHER] {
        let mut world = world.clone();
        world.succeed(move_to(M, server));
        assert_eq!(sends_to(&world), server);
        assert_eq!(world.refuse(&move_to(M, server)), Refused::SameProcessServer);
    }
}

#[test]
fn a_failover_does_not_wait_for_a_move() {
    let mut world = World::protected();
    world.losses.push(("UseProcessServer", 1));
    world.submit(&move_to(M, OTHER));
    world.succeed(fail_over(M));
    assert_eq!(world.state(M), ItemState::FailedOver(Forward));
}
