//! Random commands, failures, losses and crashes: no panic, no illegal edge, and every job ends.

use core::time::Duration;

use proptest::prelude::*;

use super::world::{Crash, M, N, World, enable, fail_over, reprotect};
use crate::control::{Command, JobState, PlannedPoint, Stack};
use crate::id::{MachineId, Site};
use crate::message::Selector;
use crate::ports::PortFailure;
use crate::role::Address;

#[derive(Debug, Clone)]
enum Act {
    Ask(Command),
    Steps(u8),
    Seconds(u16),
    Fail(&'static str, PortFailure, u32),
    Lose(&'static str, u32),
    Crash(Crash),
    Power(MachineId, Site, bool),
}

fn machine() -> impl Strategy<Value = MachineId> {
    prop_oneof![Just(M), Just(N)]
}

fn site() -> impl Strategy<Value = Site> {
    prop_oneof![Just(Site::Primary), Just(Site::Recovery)]
}

fn command() -> impl Strategy<Value = Command> {
    let selector = prop_oneof![
        Just(Selector::Latest),
        Just(Selector::LatestProcessed),
        Just(Selector::LatestApplication),
        (1..4_u64, 1..4_u64)
            .prop_map(|(generation, number)| Selector::Exactly(crate::point::PointId { generation, number })),
    ];
    prop_oneof![
        2 => prop_oneof![Just(enable(&[M, N])), Just(enable(&[M]))],
        3 => machine().prop_map(fail_over),
        2 => (machine(), selector, any::<bool>()).prop_map(|(machine, to, shut_down_source)| Command::Failover {
            machine, to, shut_down_source
        }),
        2 => (machine(), 1..4_u64, 1..4_u64).prop_map(|(machine, generation, number)| Command::ChangePoint {
            machine, to: crate::point::PointId { generation, number }
        }),
        4 => machine().prop_map(|machine| Command::Commit { machine }),
        1 => machine().prop_map(|machine| Command::Cancel { machine }),
        4 => machine().prop_map(reprotect),
        1 => machine().prop_map(|machine| Command::Resync { machine }),
        1 => machine().prop_map(|machine| Command::Disable { machine }),
        2 => machine().prop_map(|machine| Command::TestFailover { machine, to: Selector::Latest }),
        2 => machine().prop_map(|machine| Command::CleanUpTest { machine }),
        3 => (machine(), any::<bool>()).prop_map(|(machine, application)| Command::PlannedFailover {
            machine,
            to: if application { PlannedPoint::ApplicationConsistent } else { PlannedPoint::CrashConsistent },
        }),
        2 => (machine(), 0..3_u16).prop_map(|(machine, number)| Command::SwitchProcessServer {
            machine, process_server: Address::ProcessServer(number)
        }),
        2 => (machine(), "[a-z]{1,3}").prop_map(|(machine, name)| Command::Configure {
            machine,
            change: crate::recovery::SettingsChange { name: Some(name), ..Default::default() }
        }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let call = prop_oneof![
        Just("Inspect"),
        Just("Create"),
        Just("Start"),
        Just("Stop"),
        Just("Delete"),
        Just("ShutDown"),
        Just("PowerOn"),
        Just("Attach"),
        Just("Detach"),
        Just("OpenPoint"),
        Just("Finish"),
        Just("Promote"),
        Just("PinPoint"),
        Just("UnpinPoint"),
        Just("TakeSnapshot"),
        Just("RevertSnapshot"),
        Just("RemoveSnapshot"),
    ];
    let failure = prop_oneof![
        Just(PortFailure::Unavailable),
        Just(PortFailure::Throttled { retry_after: Duration::from_secs(7) }),
        Just(PortFailure::AlreadyExists),
        Just(PortFailure::NotFound),
        Just(PortFailure::GuestUnresponsive),
    ];
    prop_oneof![
        8 => command().prop_map(Act::Ask),
        4 => (0..30_u8).prop_map(Act::Steps),
        6 => (0..900_u16).prop_map(Act::Seconds),
        1 => (call.clone(), failure, 1..3_u32).prop_map(|(call, failure, times)| Act::Fail(call, failure, times)),
        1 => (call, 1..3_u32).prop_map(|(call, times)| Act::Lose(call, times)),
        1 => (any::<bool>(), any::<bool>())
            .prop_map(|(keeps_tail, keeps_answers)| Act::Crash(Crash { keeps_tail, keeps_answers })),
        1 => (machine(), site(), any::<bool>()).prop_map(|(machine, site, on)| Act::Power(machine, site, on)),
    ]
}

fn play(stack: Stack, acts: Vec<Act>) {
    let mut world = World::of(stack);
    for act in acts {
        match act {
            Act::Ask(command) => drop(world.submit(&command)),
            Act::Steps(steps) => (0..steps).for_each(|_| world.step()),
            Act::Seconds(seconds) => world.run_for(Duration::from_secs(seconds.into())),
            Act::Fail(call, failure, times) => world.failures.push((call, failure, times)),
            Act::Lose(call, times) => world.losses.push((call, times)),
            Act::Crash(crash) => world.crash(crash),
            Act::Power(machine, site, on) => {
                let place = world.place(machine, site);
                place.running = on && place.exists && !place.attached;
            }
        }
    }
    world.failures.clear();
    world.losses.clear();
    world
        .run("the end of every job", |world| world.vault.jobs().all(|job| job.state != JobState::InProgress));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_job_ends_in_the_modernised_stack_too(acts in proptest::collection::vec(act(), 1..60)) {
        play(Stack::Modernised, acts);
    }

    #[test]
    fn every_job_ends_and_no_edge_is_illegal(acts in proptest::collection::vec(act(), 1..60)) {
        play(Stack::Classic, acts);
    }
}
