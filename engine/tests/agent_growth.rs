//! A disk of a machine that grows while it is replicated.

mod common;

use common::machine::{Machine, PLENTY};
use common::stream::{CRASH_ONLY, terms};
use switchback_engine::SectorRange;
use switchback_engine::message::{Observation, Order, ResyncReason};
use switchback_engine::role::Input;

const MADE: u64 = 4096;
const GROWN: u64 = 6000;

fn resyncs(machine: &mut Machine) -> Vec<ResyncReason> {
    let reason = |seen: &Observation| match seen {
        Observation::ResyncStarted { reason, .. } => Some(*reason),
        _ => None,
    };
    machine.observed().iter().filter_map(reason).collect()
}

fn replicated() -> Machine {
    Machine::replicating(&[MADE], PLENTY)
}

fn grows(machine: &mut Machine, sectors: u64) {
    machine.feed(Input::DiskGrew { disk: 0, sectors });
}

#[test]
fn a_disk_that_grew_is_compared_up_to_its_new_end() {
    let mut machine = replicated();
    grows(&mut machine, GROWN);
    assert_eq!(resyncs(&mut machine), [ResyncReason::DiskGrew]);
    let asked: Vec<SectorRange> = machine.questions().iter().map(|question| question.range).collect();
    assert_eq!(asked.last().map(|range| range.end), Some(GROWN));
}

/// The negative twin: whoever hears what it knows does nothing.
#[test]
fn a_disk_that_is_as_large_as_before_is_not_compared() {
    let mut machine = replicated();
    grows(&mut machine, MADE);
    assert!(resyncs(&mut machine).is_empty());
    grows(&mut machine, GROWN);
    resyncs(&mut machine);
    grows(&mut machine, GROWN);
    assert!(resyncs(&mut machine).is_empty());
}

/// Control may not have heard of it when it orders the machine to replicate.
#[test]
fn a_disk_that_grew_before_replication_is_replicated_as_large_as_it_is() {
    let mut machine = Machine::installed(1, PLENTY);
    grows(&mut machine, GROWN);
    machine.order(1, Order::StartReplication(terms(&[1], &[MADE], CRASH_ONLY)));
    let status = machine.bench.role.status_at(machine.bench.now);
    assert_eq!(status.disk_sectors, [GROWN]);
}
