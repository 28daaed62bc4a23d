//! The whole journey: away, home, and protected again.

use super::world::{G, M, World, enable, fail_over, reprotect};
use crate::control::{Command, ItemState, Operation, TaskKind, TaskState};
use crate::id::{Direction::*, Site};
use crate::message::{FirstCopy, Order, Selector};
use crate::policy::ReplicationPolicy;
use crate::role::Address;

/// Drives `M` through everything once.
pub(super) fn travel(world: &mut World) {
    world.succeed(enable(&[M]));
    world.reach(M, ItemState::Protected(Forward));
    world.succeed(fail_over(M));
    world.reach(M, ItemState::FailedOver(Forward));
    world.run("points are shown", |world| !world.vault.points(G).is_empty());
    let point = world.vault.points(G)[0].id;
    world.succeed(Command::ChangePoint { machine: M, to: point });
    world.succeed(Command::Commit { machine: M });
    world.reach(M, ItemState::Committed(Forward));
    world.succeed(reprotect(M));
    world.reach(M, ItemState::Protected(Reverse));
    world.succeed(fail_over(M));
    world.reach(M, ItemState::FailedOver(Reverse));
    world.succeed(Command::Commit { machine: M });
    world.reach(M, ItemState::Committed(Reverse));
    world.succeed(reprotect(M));
    world.reach(M, ItemState::Protected(Forward));
}

#[test]
fn the_whole_journey_ends_where_it_began() {
    let mut world = World::new();
    travel(&mut world);
    assert!(world.place(M, Site::Primary).running);
    assert!(!world.place(M, Site::Primary).attached);
    assert!(!world.place(M, Site::Recovery).exists, "the recovered machine is gone");
    assert_eq!(world.journals.len(), 1, "one journal, away");
    assert_eq!(world.vault.item(M).map(|item| item.generation), Some(3));
    assert_eq!(world.vault.item(M).map(|item| item.failback_policy), Some(ReplicationPolicy::FAILBACK));
    assert!(world.allowed(M).contains(&Operation::Failover));
}

#[test]
fn replicas_that_are_there_are_compared_and_blank_ones_are_filled() {
    let mut world = World::new();
    travel(&mut world);
    let copies: Vec<FirstCopy> = starts(&world);
    assert_eq!(copies, [FirstCopy::Full, FirstCopy::Compare, FirstCopy::Compare]);
}

#[test]
fn a_machine_that_is_gone_at_home_is_created_and_filled() {
    let mut world = World::failed_over();
    world.succeed(Command::Commit { machine: M });
    *world.place(M, Site::Primary) = super::world::Place::default();
    world.succeed(reprotect(M));
    assert_eq!(world.count("CreateMachine(MachineId(1), [1048576, 262144], Some(DatastoreId(0)))"), 1);
    assert_eq!(starts(&world).last(), Some(&FirstCopy::Full));
}

#[test]
fn a_machine_that_runs_at_home_is_shut_down_before_it_is_written_to() {
    let mut world = World::protected();
    let to = Selector::LatestProcessed;
    world.succeed(Command::Failover { machine: M, to, shut_down_source: false });
    assert!(world.place(M, Site::Primary).running, "nobody asked for the shutdown");
    world.succeed(Command::Commit { machine: M });
    world.succeed(reprotect(M));
    assert!(!world.place(M, Site::Primary).running);
    assert_eq!(world.count("ShutDown"), 1);
}

#[test]
fn the_points_are_gone_after_a_commit() {
    let mut world = World::failed_over();
    assert!(!world.vault.points(G).is_empty(), "until then another one can be chosen");
    world.succeed(Command::Commit { machine: M });
    assert!(world.vault.points(G).is_empty());
    assert!(world.vault.points_of(M).is_empty());
    assert_eq!(world.vault.rpo_lag(M, world.now), None);
}

#[test]
fn replication_stops_before_anything_is_recovered() {
    let world = World::failed_over();
    let is_stop = |order: &Order| matches!(order, Order::StopReplication { .. });
    let stop = world.orders.iter().position(|(_, _, order)| is_stop(order)).expect("a stop");
    let open = world.orders.iter().position(|(_, _, order)| matches!(order, Order::OpenPoint { .. }));
    assert!(open.is_some_and(|open| stop < open));
}

#[test]
fn a_forward_commit_leaves_the_recovered_state_on_the_replica() {
    let mut world = World::failed_over();
    let point = world.vault.item(M).and_then(|item| item.chosen_point()).expect("a point");
    world.succeed(Command::Commit { machine: M });
    let (to, _, close) = world.orders.last().expect("an order");
    assert_eq!(*to, Address::Target(Site::Recovery));
    assert_eq!(*close, Order::CloseJournal { group: G, generation: 1, fold: Some(point.id) });
}

#[test]
fn a_failover_without_shutdown_skips_what_depends_on_it() {
    let mut world = World::protected();
    let to = Selector::Latest;
    let job = world.succeed(Command::Failover { machine: M, to, shut_down_source: false });
    let skipped: Vec<TaskKind> = world
        .job(job)
        .tasks
        .iter()
        .filter(|task| task.state == TaskState::Skipped)
        .map(|task| task.kind)
        .collect();
    // The machine needs no preparation, whether its source was shut down or not.
    assert_eq!(skipped, [TaskKind::ShutDownSource, TaskKind::SynchroniseLatest, TaskKind::PrepareBoot]);
}

#[test]
fn a_disabled_machine_leaves_nothing_behind() {
    let mut world = World::protected();
    world.succeed(Command::Disable { machine: M });
    assert_eq!(world.state(M), ItemState::Unprotected);
    assert!(world.replicas.is_empty() && world.journals.is_empty());
    assert_eq!(world.agents[&(M, Site::Primary)], 0);
    world.succeed(enable(&[M]));
    world.reach(M, ItemState::Protected(Forward));
}

#[test]
fn disabling_on_the_way_home_gives_the_disks_back() {
    let mut world = World::protected_home();
    assert!(world.place(M, Site::Primary).attached);
    world.succeed(Command::Disable { machine: M });
    assert!(!world.place(M, Site::Primary).attached);
    assert!(world.place(M, Site::Recovery).running, "what runs is left running");
}

fn starts(world: &World) -> Vec<FirstCopy> {
    let start = |order: &Order| match order {
        Order::StartReplication(terms) => Some(terms.first),
        _ => None,
    };
    world.orders.iter().filter_map(|(_, _, order)| start(order)).collect()
}
