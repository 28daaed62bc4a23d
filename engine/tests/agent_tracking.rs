//! An agent whose driver may remember only so much, and comparisons that wait for their hours.

mod common;

use core::time::Duration;

use common::machine::{Machine, PLENTY};
use common::stream::{CRASH_ONLY, terms};
use common::{Bench, SECOND};
use switchback_engine::agent::{Agent, AgentConfig};
use switchback_engine::message::{Observation, Order, ResyncReason};
use switchback_engine::policy::{DailyWindow, ReplicationPolicy};

/// Sectors under one leaf of the bitmap: 16 MiB.
const LEAF: u64 = 32768;
const HOUR: Duration = Duration::from_secs(60 * 60);

fn resyncs(machine: &mut Machine) -> Vec<ResyncReason> {
    let reason = |seen: &Observation| match seen {
        Observation::ResyncStarted { reason, .. } => Some(*reason),
        _ => None,
    };
    machine.observed().iter().filter_map(reason).collect()
}

/// A machine without a pool, whose driver may remember so much, and that has written all over its disk.
fn written_all_over(tracking_bytes: Option<u64>) -> Machine {
    let mut machine = Machine::installed(1, 0);
    machine.config = AgentConfig { tracking_bytes, ..machine.config };
    machine.bench = Bench::new(Agent::install(machine.config));
    machine.order(1, Order::StartReplication(terms(&[1], &[20 * LEAF], CRASH_ONLY)));
    machine.drain();
    machine.bench.wanted.clear();
    machine.at_once.reads = false;
    for place in 0..300 {
        machine.write(0, place * 8, 1);
    }
    for leaf in 1..20 {
        machine.write(0, leaf * LEAF, 1);
    }
    machine
}

#[test]
fn a_driver_that_cannot_remember_what_changed_has_its_disks_compared() {
    let mut machine = written_all_over(Some(4 << 10));
    assert_eq!(resyncs(&mut machine), [ResyncReason::LowMemory]);
    while machine.finish_read() {}
    let from_the_beginning = machine.questions().first().map(|question| question.range.start);
    assert_eq!(from_the_beginning, Some(0));
}

/// The negative twin: 300 places, and 20 leaves of 512 bytes.
#[test]
fn a_driver_with_enough_memory_remembers_it() {
    assert!(resyncs(&mut written_all_over(Some(20 * 512))).is_empty());
    assert!(resyncs(&mut written_all_over(None)).is_empty());
}

fn with_hours() -> Machine {
    let hours = Some(DailyWindow { begins: HOUR * 6, lasts: HOUR });
    let policy = ReplicationPolicy { automatic_resync: hours, ..CRASH_ONLY };
    Machine::replicating_under(terms(&[1], &[1000], policy), PLENTY)
}

#[test]
fn a_comparison_that_comes_by_itself_waits_for_its_hours_and_what_is_written_does_not() {
    let mut machine = with_hours();
    machine.crash_and_boot();
    machine.batches();
    machine.write(0, 5, 1);
    machine.wait(HOUR);
    assert!(machine.questions().is_empty());
    assert!(!machine.batches().is_empty());
    machine.wait(HOUR * 5);
    assert!(!machine.questions().is_empty());
}

#[test]
fn one_that_a_user_asks_for_does_not_wait() {
    let mut machine = with_hours();
    machine.crash_and_boot();
    machine.order(7, Order::Resync { reason: ResyncReason::Manual });
    machine.wait(SECOND);
    assert!(!machine.questions().is_empty());
}
