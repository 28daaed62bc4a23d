//! What the vault makes of silence.

use core::time::Duration;

use super::world::{M, World, agent_status};
use crate::control::Command;
use crate::health::{Level, ProcessServerStatus, ServerFigure, Symptom};
use crate::id::{MachineId, Site};
use crate::message::{AgentStatus, Message, Observation, Selector};
use crate::role::{Address, Input};

const MINUTE: Duration = Duration::from_secs(60);

fn has(world: &World, symptom: Symptom) -> bool {
    world.vault.item(M).expect("an item").symptoms.contains(&symptom)
}

fn told(world: &World, symptom: Symptom) -> Vec<bool> {
    let of = |observed: &Observation| match observed {
        Observation::Symptom { machine: M, symptom: of, is_there } if *of == symptom => Some(*is_there),
        _ => None,
    };
    world.observed.iter().filter_map(of).collect()
}

fn hear_server(world: &mut World, silent_secs: Vec<(MachineId, u32)>) {
    let status = Box::new(ProcessServerStatus { number: 0, silent_secs, ..Default::default() });
    let message = Message::ProcessServerStatus(status);
    world.hand_in(Input::Message { from: Address::ProcessServer(0), message });
}

fn hear_agent(world: &mut World, unanswered_secs: u32) {
    let generation = world.vault.item(M).expect("an item").generation;
    let status = AgentStatus { unanswered_secs, ..agent_status(M, generation) };
    let from = Address::Agent(M, Site::Primary);
    world.hand_in(Input::Message { from, message: Message::AgentStatus(status) });
}

#[test]
fn a_machine_is_silent_after_a_quarter_of_an_hour_until_it_is_heard_of() {
    let mut world = World::protected();
    world.place(M, Site::Primary).running = false;
    world.run_for(MINUTE * 13);
    assert!(!has(&world, Symptom::MachineSilent));
    world.run_for(MINUTE * 4);
    assert!(has(&world, Symptom::MachineSilent));
    world.place(M, Site::Primary).running = true;
    world.run_for(MINUTE * 2);
    assert_eq!(told(&world, Symptom::MachineSilent), [true, false]);
}

#[test]
fn a_process_server_that_says_nothing_is_silent_and_one_that_does_is_not() {
    let mut world = World::protected();
    for _ in 0..20 {
        hear_server(&mut world, Vec::new());
        world.run_for(MINUTE);
    }
    assert!(!has(&world, Symptom::ProcessServerSilent));
    world.run_for(MINUTE * 16);
    assert!(has(&world, Symptom::ProcessServerSilent));
    hear_server(&mut world, Vec::new());
    world.run_for(MINUTE * 2);
    assert_eq!(told(&world, Symptom::ProcessServerSilent), [true, false]);
}

#[test]
fn a_server_speaks_for_itself_only() {
    let mut world = World::protected();
    for _ in 0..20 {
        let status = Box::new(ProcessServerStatus::default());
        let message = Message::ProcessServerStatus(status);
        world.hand_in(Input::Message { from: Address::ProcessServer(1), message });
        world.run_for(MINUTE);
    }
    assert!(has(&world, Symptom::ProcessServerSilent));
}

#[test]
fn uploads_are_blocked_only_of_a_machine_that_has_something_to_send() {
    let mut world = World::protected();
    world.agents.remove(&(M, Site::Primary));
    let mut hear = |unanswered_secs: u32| {
        for _ in 0..35 {
            hear_server(&mut world, vec![(M, 40 * 60)]);
            hear_agent(&mut world, unanswered_secs);
            world.run_for(MINUTE);
        }
        has(&world, Symptom::UploadsBlocked)
    };
    assert!(!hear(0));
    assert!(hear(60));
    assert!(!hear(0));
}

#[test]
fn what_the_machine_says_of_its_server_is_believed_while_it_is_heard_of() {
    let mut world = World::protected();
    world.agents.remove(&(M, Site::Primary));
    for _ in 0..3 {
        hear_agent(&mut world, 16 * 60);
        world.run_for(MINUTE / 2);
        hear_agent(&mut world, 16 * 60);
        world.run_for(MINUTE / 2);
    }
    assert!(has(&world, Symptom::ProcessServerUnreached));
    hear_agent(&mut world, 1);
    world.run_for(MINUTE * 2);
    assert_eq!(told(&world, Symptom::ProcessServerUnreached), [true, false]);
}

#[test]
fn there_is_an_application_consistent_point_or_that_is_told() {
    let mut world = World::protected();
    world.run_for(MINUTE * 150);
    assert!(!has(&world, Symptom::NoApplicationPoint));
    world.place(M, Site::Primary).running = false;
    world.run_for(MINUTE * 120);
    assert!(!has(&world, Symptom::NoApplicationPoint), "two intervals and the threshold are not over");
    world.run_for(MINUTE * 30);
    assert!(has(&world, Symptom::NoApplicationPoint));
    world.place(M, Site::Primary).running = true;
    world.run_for(MINUTE * 15);
    assert_eq!(told(&world, Symptom::NoApplicationPoint), [true, false]);
}

/// What a server with a cache of 100 bytes says, which packs 10 bytes a second and has 100 bytes of memory.
fn said(cached_bytes: u64, minute: u64) -> ProcessServerStatus {
    ProcessServerStatus {
        cache_bytes: 100,
        cached_bytes,
        packed_bytes: minute * 60 * 9,
        forwarded_bytes: minute * 2,
        under_way_bytes: 97,
        packs_bytes_per_sec: Some(10),
        memory_bytes: Some(100),
        ..ProcessServerStatus::default()
    }
}

fn say(world: &mut World, status: ProcessServerStatus) {
    let message = Message::ProcessServerStatus(Box::new(status));
    world.hand_in(Input::Message { from: Address::ProcessServer(0), message });
    world.run_for(MINUTE);
}

fn levels(world: &World, wanted: ServerFigure) -> Vec<Level> {
    let of = |observed: &Observation| match observed {
        Observation::Server { number: 0, figure, level } if *figure == wanted => Some(*level),
        _ => None,
    };
    world.observed.iter().filter_map(of).collect()
}

#[test]
fn a_server_is_judged_by_its_cache_and_by_a_quarter_of_an_hour_of_load() {
    let mut world = World::protected();
    for (minute, cached) in [(1, 70), (2, 71), (3, 76), (4, 71), (5, 70)] {
        say(&mut world, said(cached, minute));
    }
    use Level::{Critical, Normal, Warning};
    assert_eq!(levels(&world, ServerFigure::CacheSpace), [Warning, Critical, Warning, Normal]);
    assert_eq!(levels(&world, ServerFigure::Processor), [], "the window is not full");
    for minute in 6..18 {
        say(&mut world, said(70, minute));
    }
    assert_eq!(levels(&world, ServerFigure::Processor), [Warning], "ninety of a hundred");
    assert_eq!(levels(&world, ServerFigure::Memory), [Critical]);
    assert_eq!(levels(&world, ServerFigure::DrainTime), [Warning], "seventy at two a minute");
    for minute in 18..24 {
        say(&mut world, said(4, minute));
    }
    assert_eq!(levels(&world, ServerFigure::DrainTime), [Warning, Normal]);
}

#[test]
fn a_server_that_is_not_heard_of_is_critical_until_it_is() {
    let mut world = World::protected();
    say(&mut world, said(0, 1));
    world.run_for(MINUTE * 17);
    assert_eq!(levels(&world, ServerFigure::Heartbeat), [Level::Critical]);
    say(&mut world, said(0, 2));
    assert_eq!(levels(&world, ServerFigure::Heartbeat), [Level::Critical, Level::Normal]);
}

#[test]
fn a_machine_is_untested_until_a_test_failover_succeeds() {
    let mut world = World::protected();
    world.run_for(MINUTE * 2);
    assert!(has(&world, Symptom::NeverTested));
    world.succeed(Command::TestFailover { machine: M, to: Selector::LatestProcessed });
    world.run_for(MINUTE * 2);
    assert_eq!(told(&world, Symptom::NeverTested), [true, false]);
}
