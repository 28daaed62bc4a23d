//! What follows from what agents and targets say, also when they say it late.

use core::time::Duration;

use super::world::{G, M, N, World, agent_status, target_status};
use crate::control::{Command, ItemState};
use crate::id::{Direction::*, Site};
use crate::message::{AgentStatus, FirstCopy, Message, Observation, Order, ResyncReason};
use crate::role::{Address, Input};

fn hear_agent(world: &mut World, site: Site, generation: u64) {
    let message = Message::AgentStatus(agent_status(M, generation));
    world.hand_in(Input::Message { from: Address::Agent(M, site), message });
}

fn given(world: &World, is_it: impl Fn(&Order) -> bool) -> usize {
    world.orders.iter().filter(|(_, _, order)| is_it(order)).count()
}

#[test]
fn an_agent_that_replicates_where_it_should_not_is_stopped() {
    let mut world = World::protected_home();
    let before = given(&world, |order| matches!(order, Order::StopReplication { generation: 1 }));
    world.place(M, Site::Primary).running = true;
    for _ in 0..2 {
        hear_agent(&mut world, Site::Primary, 1);
        world.run_for(Duration::from_secs(1));
    }
    let stops: Vec<_> =
        world.orders.iter().filter(|(to, _, _)| *to == Address::Agent(M, Site::Primary)).collect();
    assert!(given(&world, |order| matches!(order, Order::StopReplication { generation: 1 })) > before);
    let [.., first, second] = &stops[..] else { panic!("two stops") };
    assert_eq!(first.1, second.1, "the same order");
}

#[test]
fn the_health_of_a_machine_is_what_its_agent_said_last_and_never_what_an_older_session_said() {
    let mut world = World::protected();
    let generation = world.vault.item(M).expect("an item").generation;
    let mut say = |session, pending_bytes| {
        let status = AgentStatus { session, pending_bytes, ..agent_status(M, generation) };
        let from = Address::Agent(M, Site::Primary);
        world.hand_in(Input::Message { from, message: Message::AgentStatus(status) });
        let health = &world.vault.item(M).expect("an item").health;
        assert_eq!(health.heard, Some(world.now));
        (health.session, health.pending_bytes)
    };
    assert_eq!(say(2, 100), (2, 100));
    assert_eq!(say(2, 200), (2, 200));
    assert_eq!(say(1, 300), (2, 200));
}

#[test]
fn an_agent_speaks_for_its_own_machine_only() {
    let mut world = World::protected();
    let generation = world.vault.item(M).expect("an item").generation;
    let status = AgentStatus { session: 9, ..agent_status(M, generation) };
    let from = Address::Agent(N, Site::Primary);
    world.hand_in(Input::Message { from, message: Message::AgentStatus(status) });
    assert_eq!(world.vault.item(M).expect("an item").health.session, 1);
}

#[test]
fn a_blank_agent_is_started_again_with_a_comparison() {
    let mut world = World::protected();
    world.agents.insert((M, Site::Primary), 0);
    world.run_for(Duration::from_secs(60));
    assert_eq!(world.agents[&(M, Site::Primary)], 1);
    let again = |order: &Order| matches!(order, Order::StartReplication(terms) if terms.generation == 1 && terms.first == FirstCopy::Compare);
    assert_eq!(given(&world, again), 1);
}

#[test]
fn one_late_status_starts_nothing() {
    let mut world = World::protected();
    hear_agent(&mut world, Site::Primary, 0);
    world.run_for(Duration::from_secs(60));
    assert_eq!(given(&world, |order| matches!(order, Order::StartReplication(_))), 1);
}

#[test]
fn a_doubtful_replica_is_resynced_once_per_occurrence() {
    let mut world = World::protected();
    let resyncs = |world: &World| {
        given(world, |order| matches!(order, Order::Resync { reason: ResyncReason::TargetError }))
    };
    for occurrence in 1..=2 {
        world.journals.get_mut(&(G, Site::Recovery)).expect("a journal").doubtful = vec![(M, 0)];
        world.run_for(Duration::from_secs(120));
        assert_eq!(resyncs(&world), occurrence);
        world.journals.get_mut(&(G, Site::Recovery)).expect("a journal").doubtful = Vec::new();
        world.run_for(Duration::from_secs(60));
    }
}

#[test]
fn a_replica_that_comes_to_be_in_doubt_in_the_session_of_its_resync_is_resynced_again() {
    let mut world = World::protected();
    // The agents of this world stay in their first session, so the doubt is always one of the present one.
    world.journals.get_mut(&(G, Site::Recovery)).expect("a journal").doubtful = vec![(M, 1)];
    world.run_for(Duration::from_secs(600));
    assert!(given(&world, |order| matches!(order, Order::Resync { reason: ResyncReason::TargetError })) > 1);
}

#[test]
fn a_manual_resync_reaches_the_agent_and_changes_no_state() {
    let mut world = World::protected();
    world.succeed(Command::Resync { machine: M });
    assert_eq!(given(&world, |order| matches!(order, Order::Resync { reason: ResyncReason::Manual })), 1);
    assert_eq!(world.state(M), ItemState::Protected(Forward));
}

#[test]
fn a_late_status_of_the_target_does_not_take_points_back() {
    let mut world = World::protected();
    let late = target_status(&world.journals[&(G, Site::Recovery)]);
    world.run_for(Duration::from_secs(700));
    let (lag, points) = (world.vault.rpo_lag(M, world.now), world.vault.points(G).len());
    assert!(points > 1);
    world.hand_in(Input::Message {
        from: Address::Target(Site::Recovery),
        message: Message::TargetStatus(late),
    });
    assert_eq!((world.vault.rpo_lag(M, world.now), world.vault.points(G).len()), (lag, points));
}

#[test]
fn silence_makes_the_lag_grow_until_the_alert_and_a_point_ends_it() {
    let mut world = World::protected();
    world.place(M, Site::Primary).running = false;
    world.run_for(Duration::from_secs(17 * 60));
    assert!(world.vault.rpo_lag(M, world.now) > Some(Duration::from_secs(16 * 60)));
    let alerts = |world: &World, over| world.observed.contains(&Observation::RpoAlert { machine: M, over });
    assert!(alerts(&world, true) && !alerts(&world, false));
    assert!(world.vault.item(M).is_some_and(|item| item.rpo_alert));
    world.place(M, Site::Primary).running = true;
    world.run_for(Duration::from_secs(60));
    assert!(alerts(&world, false));
}

#[test]
fn there_is_no_lag_while_nothing_can_be_recovered() {
    let mut world = World::new();
    world.succeed(super::world::enable(&[M]));
    assert_eq!(world.state(M), ItemState::Synchronising(Forward));
    assert_eq!(world.vault.rpo_lag(M, world.now), None);
}
