//! Rounds: one cut through all disks of a machine, and what it is worth.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::SECOND;
use common::machine::{Machine, PLENTY, stamps};
use switchback_engine::batch::RoundEnd;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Batch, Stamp, WriteOrder};

/// The round ends of each disk, in stream order.
fn ends(batches: &[Arc<Batch<Stamp>>]) -> BTreeMap<u8, Vec<RoundEnd>> {
    let mut ends: BTreeMap<u8, Vec<RoundEnd>> = BTreeMap::new();
    for batch in batches {
        ends.entry(batch.stream.disk.index).or_default().extend(batch.round_end);
    }
    ends
}

#[test]
fn a_round_ends_on_all_disks_with_the_same_number_also_where_nothing_was_written() {
    let mut machine = Machine::replicating(&[1000, 1000, 1000], PLENTY);
    machine.write(1, 5, 1);
    let sent = machine.drain();
    let ends = ends(&sent);
    assert_eq!(ends.len(), 3);
    let first = ends[&0].clone();
    assert_eq!(first.len(), 1);
    assert!(ends.values().all(|end| *end == first), "{ends:?}");
    assert_eq!(stamps(&sent).len(), 1);
}

#[test]
fn rounds_are_counted_without_gaps_and_an_idle_machine_closes_none() {
    let mut machine = Machine::replicating(&[1000], PLENTY);
    let mut rounds = Vec::new();
    for _ in 0..3 {
        machine.write(0, 5, 1);
        rounds.extend(machine.drain().iter().filter_map(|batch| batch.round_end).map(|end| end.round));
        assert!(machine.drain().is_empty(), "nothing was written");
    }
    assert!(rounds.windows(2).all(|pair| pair[1] == pair[0] + 1), "{rounds:?}");
}

#[test]
fn a_round_of_several_batches_ends_with_the_last() {
    let mut machine = Machine::replicating(&[1 << 20], PLENTY);
    for _ in 0..3 {
        machine.write(0, 0, 8192);
    }
    machine.write(0, 0, 1);
    let sent = machine.drain();
    let ended: Vec<bool> = sent.iter().map(|batch| batch.round_end.is_some()).collect();
    assert_eq!(ended, [false, false, false, true]);
}

#[test]
fn numbers_of_batches_have_no_gaps_on_any_disk() {
    let mut machine = Machine::replicating(&[1000, 1000], PLENTY);
    let mut sent = Vec::new();
    for i in 0..20 {
        machine.write(i % 2, 5, 1);
        sent.extend(machine.drain());
    }
    for index in 0..2 {
        let numbers = sent.iter().filter(|batch| batch.stream.disk.index == index).map(|batch| batch.number);
        let numbers: Vec<u64> = numbers.collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    }
}

#[test]
fn a_cut_is_consistent_only_when_every_disk_keeps_its_order() {
    let mut machine = Machine::replicating(&[1000, 1000], 4 * SECTOR_BYTES);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    machine.write(1, 0, 1);
    assert_eq!(machine.role.write_order(), WriteOrder::Metadata);
    let during = ends(&machine.drain());
    assert!(during.values().flatten().all(|end| !end.consistent), "disk 0 kept its order and does not help");

    machine.finish_read();
    let after = ends(&machine.drain());
    assert!(!after.is_empty());
    assert!(after.values().flatten().all(|end| end.consistent));
}

#[test]
fn a_slow_disk_holds_back_its_round_end_and_not_that_of_the_others() {
    let mut machine = Machine::replicating(&[1000, 1000], 4 * SECTOR_BYTES);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    machine.write(1, 0, 1);
    machine.drain();
    assert_eq!(machine.reads.len(), 1);
    // A write on the first disk closes a round while the second is being read.
    machine.write(0, 8, 1);
    let during = ends(&machine.drain());
    assert_eq!(during.keys().collect::<Vec<_>>(), [&0]);
    machine.finish_read();
    let after = ends(&machine.drain());
    assert!(after[&1].iter().any(|end| during[&0].contains(end)), "the same round ends there, too");
    assert!(during[&0].iter().all(|end| !end.consistent));
}

#[test]
fn a_round_is_closed_a_drain_after_its_first_write() {
    let mut machine = Machine::replicating(&[1000], PLENTY);
    machine.wait(10 * SECOND);
    machine.write(0, 5, 1);
    let written_at = machine.now;
    machine.wait(3 * SECOND);
    let sent = machine.batches();
    assert_eq!(ends(&sent)[&0][0].at, written_at + SECOND);
}
