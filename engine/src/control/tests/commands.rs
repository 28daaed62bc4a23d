//! What is allowed when, and that a refused or repeated command changes nothing.

use super::moves::{OTHER, move_to};
use super::planned_failovers::PLAN;
use super::world::{G, M, N, PS, World, enable, fail_over, reprotect};
use crate::control::{Command, ItemState, Operation, Refused};
use crate::id::{Direction::*, GroupId};
use crate::message::Selector;
use crate::point::PointId;
use crate::policy::ReplicationPolicy;
use crate::ports::PortFailure;
use crate::recovery::SettingsChange;
use crate::role::Input;

fn begun(mut world: World, command: Command) -> World {
    world.submit(&command);
    world
}

fn ended(mut world: World, command: Command) -> World {
    world.succeed(command);
    world
}

/// A world for every state an item can be in.
fn worlds() -> Vec<(ItemState, World)> {
    let protected = World::protected();
    let failing_over = begun(protected.clone(), fail_over(M));
    let failed_over = World::failed_over();
    let committed = ended(failed_over.clone(), Command::Commit { machine: M });
    let synchronising_home = ended(committed.clone(), reprotect(M));
    let home = World::protected_home();
    let failed_home = ended(home.clone(), fail_over(M));
    let committed_home = ended(failed_home.clone(), Command::Commit { machine: M });
    let point = failed_over.vault.points(G)[0].id;
    let none = Command::Failover { machine: M, to: Selector::Latest, shut_down_source: false };
    let mut half = protected.clone();
    half.failures.push(("CreateMachine", PortFailure::OutOfCapacity("cores".to_owned()), 1));
    half.end(none.clone());
    let mut half_home = home.clone();
    half_home.failures.push(("PowerOn", PortFailure::OutOfCapacity("memory".to_owned()), 1));
    half_home.end(none);
    vec![
        (ItemState::Enabling(Forward), begun(World::new(), enable(&[M]))),
        (ItemState::Synchronising(Forward), ended(World::new(), enable(&[M]))),
        (ItemState::Cancelling, begun(failing_over.clone(), Command::Cancel { machine: M })),
        (ItemState::FailingOver(Forward), failing_over),
        (ItemState::FailoverFailed(Forward), half),
        (
            ItemState::ChangingPoint(Forward),
            begun(failed_over.clone(), Command::ChangePoint { machine: M, to: point }),
        ),
        (ItemState::Committing(Forward), begun(failed_over.clone(), Command::Commit { machine: M })),
        (ItemState::FailedOver(Forward), failed_over),
        (ItemState::Enabling(Reverse), begun(committed.clone(), reprotect(M))),
        (ItemState::Committed(Forward), committed),
        (ItemState::Synchronising(Reverse), synchronising_home),
        (ItemState::FailingOver(Reverse), begun(home.clone(), fail_over(M))),
        (ItemState::Protected(Reverse), home),
        (ItemState::FailoverFailed(Reverse), half_home),
        (ItemState::Committing(Reverse), begun(failed_home.clone(), Command::Commit { machine: M })),
        (ItemState::FailedOver(Reverse), failed_home),
        (ItemState::Committed(Reverse), committed_home),
        (ItemState::Disabling, begun(protected.clone(), Command::Disable { machine: M })),
        (ItemState::Unprotected, ended(protected.clone(), Command::Disable { machine: M })),
        (
            ItemState::Protected(Forward),
            begun(protected.clone(), Command::TestFailover { machine: M, to: Selector::Latest }),
        ),
        (
            ItemState::Protected(Forward),
            ended(protected.clone(), Command::TestFailover { machine: M, to: Selector::Latest }),
        ),
        (ItemState::Protected(Forward), protected),
    ]
}

/// Worlds of the modernised stack in each state that is its own.
fn modernised_worlds() -> Vec<(ItemState, World)> {
    let home = World::modernised_home();
    let failing = begun(home.clone(), PLAN);
    let mut stuck = home.clone();
    stuck.failures = vec![
        ("PowerOn", PortFailure::GuestUnresponsive, 1),
        ("RevertSnapshot", PortFailure::GuestUnresponsive, 1),
    ];
    stuck.end(PLAN);
    stuck.reach(M, ItemState::FailoverFailed(Reverse));
    vec![
        (ItemState::Resuming, begun(failing.clone(), Command::Cancel { machine: M })),
        (ItemState::FailingOver(Reverse), failing),
        (ItemState::FailoverFailed(Reverse), stuck),
        (ItemState::FailedOver(Reverse), ended(home.clone(), PLAN)),
        (ItemState::Protected(Reverse), home),
    ]
}

fn command(operation: Operation, point: PointId) -> Command {
    match operation {
        Operation::Enable => enable(&[M]),
        Operation::Failover => fail_over(M),
        Operation::ChangePoint => Command::ChangePoint { machine: M, to: point },
        Operation::Commit => Command::Commit { machine: M },
        Operation::Cancel => Command::Cancel { machine: M },
        Operation::Reprotect => reprotect(M),
        Operation::Resync => Command::Resync { machine: M },
        Operation::SwitchProcessServer => move_to(M, OTHER),
        Operation::Disable => Command::Disable { machine: M },
        Operation::TestFailover => Command::TestFailover { machine: M, to: Selector::Latest },
        Operation::CleanUpTest => Command::CleanUpTest { machine: M },
        Operation::PlannedFailover => PLAN,
        Operation::Configure => Command::Configure { machine: M, change: SettingsChange::default() },
    }
}

const OPERATIONS: [Operation; 13] = [
    Operation::Enable,
    Operation::Failover,
    Operation::ChangePoint,
    Operation::Commit,
    Operation::Cancel,
    Operation::Reprotect,
    Operation::Resync,
    Operation::SwitchProcessServer,
    Operation::Disable,
    Operation::TestFailover,
    Operation::CleanUpTest,
    Operation::PlannedFailover,
    Operation::Configure,
];

#[test]
fn in_every_state_what_is_allowed_is_accepted_and_everything_else_is_refused() {
    for (state, world) in worlds().into_iter().chain(modernised_worlds()) {
        assert_eq!(world.state(M), state);
        for operation in OPERATIONS {
            let mut world = world.clone();
            let point = world.vault.points(G).first().map_or(PointId { generation: 1, number: 1 }, |p| p.id);
            let (jobs, is_allowed) = (world.vault.jobs().count(), world.allowed(M).contains(&operation));
            let id = world.submit(&command(operation, point));
            match &world.replies[&id] {
                Ok(_) => assert!(is_allowed, "{operation:?} in {state:?}"),
                Err(why) => {
                    assert!(!is_allowed, "{operation:?} in {state:?}: {why}");
                    let is_right = *why == Refused::NotAllowed { operation, state }
                        || *why == (Refused::NotInStack { operation, stack: world.config.stack })
                        || (operation == Operation::Enable && matches!(why, Refused::BadGroup(_)));
                    assert!(is_right, "{operation:?} in {state:?}: {why}");
                    assert_eq!(world.vault.jobs().count(), jobs);
                }
            }
        }
    }
}

#[test]
fn a_command_that_is_repeated_is_done_once() {
    let mut world = World::new();
    let id = world.submit(&enable(&[M]));
    world.inbox.push_back(Input::Command { id, command: enable(&[M]) });
    world.reach(M, ItemState::Protected(Forward));
    world.inbox.push_back(Input::Command { id, command: enable(&[M]) });
    world.run_for(core::time::Duration::from_secs(60));
    assert_eq!(world.vault.jobs().count(), 1);
}

#[test]
fn groups_that_make_no_sense_are_refused() {
    let mut world = World::protected();
    assert!(matches!(world.refuse(&enable(&[])), Refused::BadGroup(_)));
    assert!(matches!(world.refuse(&enable(&[N, N])), Refused::BadGroup(_)));
    assert!(matches!(world.refuse(&enable(&[N])), Refused::BadGroup(_)), "the group is taken");
    let diskless = Command::Enable {
        group: GroupId(9),
        machines: vec![(N, Vec::new())],
        policy: ReplicationPolicy::DEFAULT,
        process_server: PS,
    };
    assert!(matches!(world.refuse(&diskless), Refused::BadGroup(_)));
    assert_eq!(world.refuse(&fail_over(N)), Refused::UnknownMachine(N));
}

#[test]
fn a_point_that_is_not_there_is_refused() {
    let mut world = World::protected();
    world.run_for(core::time::Duration::from_secs(60));
    let to = Selector::Exactly(PointId { generation: 1, number: 77 });
    let missing = Command::Failover { machine: M, to, shut_down_source: false };
    assert_eq!(world.refuse(&missing), Refused::NoSuchPoint);
    let to = Selector::LatestApplication;
    let application = Command::Failover { machine: M, to, shut_down_source: false };
    assert_eq!(world.refuse(&application), Refused::NoSuchPoint);
    world.run_for(core::time::Duration::from_secs(600));
    world.succeed(application);
}
