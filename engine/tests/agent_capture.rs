//! What an agent keeps of the writes of its machine: payload and order while memory lasts, places when it does not,
//! and everything again once it was read.

mod common;

use std::sync::Arc;

use common::machine::{Machine, PLENTY, stamps};
use common::stream::{CRASH_ONLY, SERVER, key, terms};
use common::{AtOnce, SECOND};
use switchback_engine::agent::config::{BATCH_BYTES, BATCHES_IN_FLIGHT, PLACES_MAX};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::message::{Message, Observation};
use switchback_engine::{Batch, Effect, SectorRange, Stamp, WriteOrder};

/// Room for four sectors.
const TINY_POOL: u64 = 4 * SECTOR_BYTES;
const BATCH_SECTORS: u32 = (BATCH_BYTES / SECTOR_BYTES) as u32;

fn has_marker(batch: &Arc<Batch<Stamp>>) -> bool {
    batch.round_end.is_some_and(|end| end.marker.is_some())
}

/// What the replica comes to hold on a sector: the last change of the stream that covers it.
fn last_on(batches: &[Arc<Batch<Stamp>>], sector: u64) -> u64 {
    let mut changes = batches.iter().flat_map(|batch| batch.changes.iter());
    let covering = changes.rfind(|change| (change.range().start..change.range().end).contains(&sector));
    covering.map_or(0, |change| change.content.write)
}

#[test]
fn data_mode_keeps_payload_and_order() {
    let mut machine = Machine::replicating(&[1000], PLENTY);
    let first_write = machine.role.writes_captured() + 1;
    let written = [machine.write(0, 8, 4), machine.write(0, 10, 4), machine.write(0, 0, 1)];
    let sent = machine.drain();
    let [batch] = &sent[..] else { panic!("one batch is wanted, not {sent:?}") };
    assert_eq!(stamps(&sent), written, "in the order in which they completed, not sorted");
    assert_eq!((batch.order, batch.first_write), (WriteOrder::Data, first_write));
    assert_eq!(batch.payload_bytes, 9 * SECTOR_BYTES);
    assert!(batch.round_end.is_some_and(|end| end.consistent));
}

#[test]
fn a_full_batch_does_not_wait_for_the_drain_and_one_that_is_not_full_does() {
    let mut machine = Machine::replicating(&[1 << 20], PLENTY);
    machine.write(0, 0, BATCH_SECTORS - 1);
    assert_eq!(machine.batches().len(), 0);
    machine.write(0, 0, 1);
    let sent = machine.batches();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].round_end, None, "the round goes on");
}

#[test]
fn without_room_only_places_are_kept_and_what_is_read_later_is_a_batch_of_metadata() {
    let mut machine = Machine::replicating(&[1000], TINY_POOL);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    assert_eq!(machine.role.write_order(), WriteOrder::Data);
    let over = machine.write(0, 100, 2);
    assert_eq!(machine.role.write_order(), WriteOrder::Metadata);
    assert!(
        machine
            .observed()
            .iter()
            .any(|seen| matches!(seen, Observation::WriteOrderChanged { to: WriteOrder::Metadata, .. }))
    );
    assert!(machine.reads.is_empty(), "nothing is read while the pool is full");

    let kept = machine.drain();
    assert_eq!(stamps(&kept).len(), 1);
    assert!(kept.iter().filter_map(|batch| batch.round_end).all(|end| !end.consistent));
    assert_eq!(machine.reads.len(), 1, "there is room again");
    assert_eq!(machine.role.write_order(), WriteOrder::Metadata, "until it has been read");

    machine.finish_read();
    assert_eq!(machine.role.write_order(), WriteOrder::Data);
    let read = machine.drain();
    assert_eq!(read[0].order, WriteOrder::Metadata);
    assert_eq!(last_on(&read, 100), over);
    assert_eq!(last_on(&read, 101), over);
}

#[test]
fn payload_is_kept_again_only_where_a_quarter_of_the_pool_stays_free() {
    let mut machine = Machine::replicating(&[1000], 16 * SECTOR_BYTES);
    machine.write(0, 0, 8);
    machine.wait(SECOND);
    let half = machine.batches();
    machine.write(0, 8, 8);
    machine.write(0, 100, 1);
    assert_eq!(machine.role.write_order(), WriteOrder::Metadata);
    machine.acknowledge(&half);
    machine.write(0, 200, 5);
    assert_eq!(machine.role.pool_used(), 8 * SECTOR_BYTES, "less than a quarter would be left");
    machine.write(0, 300, 4);
    assert_eq!(machine.role.pool_used(), 12 * SECTOR_BYTES);
}

#[test]
fn what_was_read_at_places_takes_room_until_it_is_acknowledged() {
    let mut machine = Machine::replicating(&[1000], TINY_POOL);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    machine.write(0, 100, 2);
    machine.write(0, 200, 3);
    machine.drain();
    assert_eq!(machine.role.pool_used(), 0);
    while machine.finish_read() {}
    assert_eq!(machine.role.pool_used(), 5 * SECTOR_BYTES);
    let read = machine.drain();
    assert_eq!(read.iter().map(|batch| batch.payload_bytes).sum::<u64>(), 5 * SECTOR_BYTES);
    assert_eq!(machine.role.pool_used(), 0);
}

#[test]
fn places_that_touch_are_read_as_one_and_no_others_before_they_came_back() {
    let mut machine = Machine::replicating(&[1000], TINY_POOL);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    for (start, sectors) in [(300, 1), (102, 2), (100, 3)] {
        machine.write(0, start, sectors);
    }
    machine.drain();
    let asked = |machine: &Machine| machine.reads.iter().map(|read| read.range).collect::<Vec<_>>();
    assert_eq!(asked(&machine), [SectorRange::new(100, 4), SectorRange::new(300, 1)]);
    machine.write(0, 500, 4);
    machine.drain();
    assert_eq!(asked(&machine).len(), 2, "what is read now would only wait in memory");
    while machine.reads.iter().any(|read| read.range.start < 500) {
        machine.finish_read();
    }
    machine.drain();
    assert_eq!(asked(&machine), [SectorRange::new(500, 4)]);
}

#[test]
fn what_reads_as_zero_at_a_place_is_sent_as_zero() {
    let mut machine = Machine::replicating(&[1000], TINY_POOL);
    machine.write(0, 0, 4);
    machine.write_stamped(0, 100, 8, 0);
    let sent = machine.drain();
    let zero = sent.iter().flat_map(|batch| batch.changes.iter()).find(|change| change.start == 100);
    let zero = zero.expect("the zeroes are sent");
    assert_eq!((zero.sectors, zero.content.write), (8, 0));
}

#[test]
fn too_many_places_are_folded_into_a_bitmap() {
    let mut machine = Machine::replicating(&[1 << 21], TINY_POOL);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    for i in 0..PLACES_MAX as u64 {
        machine.write(0, 100 + i * 2, 1);
    }
    assert_eq!(machine.role.write_order(), WriteOrder::Metadata, "as many as there may be");
    let last = machine.write(0, 1 << 20, 1);
    assert_eq!(machine.role.write_order(), WriteOrder::Bitmap, "and one more");

    machine.at_once.reads = true;
    let mut sent = Vec::new();
    while machine.role.write_order() != WriteOrder::Data {
        sent.extend(machine.drain());
    }
    sent.extend(machine.drain());
    assert!(sent.iter().any(|batch| batch.order == WriteOrder::Bitmap));
    assert_eq!(last_on(&sent, 1 << 20), last);
}

#[test]
fn no_marker_goes_in_while_order_is_not_kept_and_one_goes_in_soon_after() {
    let mut machine = Machine::replicating(&[1000], TINY_POOL);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    machine.write(0, 100, 2);
    let mut sent = Vec::new();
    for _ in 0..200 {
        sent.extend(machine.drain());
    }
    assert_eq!(machine.count(|effect| matches!(effect, Effect::HoldWrites)), 0);
    assert!(!sent.iter().any(has_marker), "twice the cadence has passed without a marker");

    machine.finish_read();
    let mut after = Vec::new();
    for _ in 0..4 {
        after.extend(machine.drain());
    }
    assert!(after.iter().any(has_marker), "the marker was due and comes within the retry of five seconds");
}

#[test]
fn the_negative_twin_a_marker_goes_in_at_every_cadence_while_order_is_kept() {
    let mut machine = Machine::replicating(&[1000], PLENTY);
    let mut markers = 0;
    for _ in 0..300 {
        machine.write(0, 7, 1);
        markers += machine.drain().iter().filter(|batch| has_marker(batch)).count();
    }
    assert_eq!(markers, 2, "ten minutes at a point every five");
}

#[test]
fn a_batch_that_was_not_acknowledged_comes_again_with_its_number() {
    let mut machine = Machine::replicating(&[1000], PLENTY);
    machine.write(0, 1, 1);
    machine.wait(SECOND);
    let first = machine.batches();
    assert_eq!(first.len(), 1);
    machine.wait(SECOND);
    assert_eq!(machine.batches().len(), 0, "not so soon");
    machine.wait(2 * SECOND);
    let again = machine.batches();
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].number, &again[0].changes), (first[0].number, &first[0].changes));

    machine.acknowledge(&first);
    machine.wait(120 * SECOND);
    assert_eq!(machine.batches().len(), 0, "acknowledged ones do not");
}

#[test]
fn an_acknowledgement_frees_the_pool_and_one_of_another_session_does_not() {
    let mut machine = Machine::replicating(&[1000], PLENTY);
    machine.write(0, 1, 3);
    machine.wait(SECOND);
    let sent = machine.batches();
    assert_eq!(machine.role.pool_used(), 3 * SECTOR_BYTES);
    machine.stored(key(sent[0].stream.disk, 7), u64::MAX, 0);
    assert_eq!(machine.role.pool_used(), 3 * SECTOR_BYTES);
    machine.acknowledge(&sent);
    assert_eq!(machine.role.pool_used(), 0);
}

#[test]
fn without_credit_one_batch_goes_out_and_with_credit_so_many_may_be_under_way() {
    let mut machine = Machine::replicating(&[1 << 20], PLENTY);
    machine.write(0, 0, 1);
    machine.wait(SECOND);
    let probe = machine.batches();
    machine.stored(probe[0].stream, probe[0].number, 0);
    for _ in 0..BATCHES_IN_FLIGHT + 4 {
        machine.write(0, 0, BATCH_SECTORS);
    }
    let sent = machine.batches();
    assert_eq!(sent.len(), 1, "the one that finds out whether there is room");
    machine.stored(sent[0].stream, sent[0].number, u64::MAX);
    assert_eq!(machine.batches().len(), BATCHES_IN_FLIGHT);
}

#[test]
fn a_write_that_completes_during_a_read_comes_after_it_in_the_stream() {
    let mut machine = Machine::replicating(&[1000], TINY_POOL);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    machine.write(0, 100, 2);
    let mut sent = machine.drain();
    assert_eq!(machine.reads.len(), 1);
    let newer = machine.write(0, 100, 1);
    // The read brings what was there before the write.
    machine.finish_read_of_then();
    sent.extend(machine.drain());
    assert_eq!(last_on(&sent, 100), newer);
    assert_eq!(last_on(&sent, 101), newer - 1);
}

#[test]
fn payload_that_is_still_open_comes_before_the_later_place_of_the_same_sectors() {
    // A pool that just holds a full batch and one more sector: the sector waits in the open batch, then the next
    // write finds no room, and the acknowledgement of the full batch makes room to read before the drain.
    let mut machine = Machine::replicating(&[1 << 20], BATCH_BYTES + SECTOR_BYTES);
    machine.write(0, 1000, BATCH_SECTORS);
    let full = machine.batches();
    assert_eq!(full.len(), 1);
    machine.write(0, 0, 1);
    let newest = machine.write(0, 0, 1);
    assert_eq!(machine.role.write_order(), WriteOrder::Metadata);
    machine.acknowledge(&full);
    let sent = machine.drain();
    assert_eq!(last_on(&sent, 0), newest);
}

#[test]
fn a_read_that_fails_is_made_again_and_order_is_not_kept_until_it_worked() {
    let mut machine = Machine::replicating(&[1000], TINY_POOL);
    machine.at_once.reads = false;
    machine.write(0, 0, 4);
    let place = machine.write(0, 100, 2);
    machine.drain();
    machine.fail_read();
    assert_eq!(machine.role.write_order(), WriteOrder::Bitmap, "the place is now dirty blocks");
    assert_eq!(machine.reads.len(), 1);
    machine.finish_read();
    assert_eq!(machine.role.write_order(), WriteOrder::Data);
    assert_eq!(last_on(&machine.drain(), 101), place);
}

#[test]
fn an_agent_that_replicates_nothing_says_nothing_about_writes() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.write(0, 0, 1);
    machine.wait(10 * SECOND);
    assert!(machine.batches().is_empty());
    assert!(machine.sent().iter().all(|(to, _)| *to != SERVER));
}

#[test]
fn nothing_of_a_session_is_sent_before_its_record_is_durable() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once = AtOnce { syncs: false, ..AtOnce::ALL };
    machine.put(0, 5, 1, 77);
    let terms = terms(&[1], &[1000], CRASH_ONLY);
    machine.order(1, switchback_engine::message::Order::StartReplication(terms));
    machine.write(0, 9, 1);
    machine.wait(600 * SECOND);
    let said = machine.sent();
    assert!(said.iter().all(|(_, message)| matches!(message, Message::AgentStatus(_))), "{said:?}");
    assert!(machine.reads.is_empty());
    machine.finish_sync(true);
    let mut sent = machine.batches();
    sent.extend(machine.drain());
    assert!(stamps(&sent).contains(&1), "what was captured meanwhile is not lost");
    assert!(stamps(&sent).contains(&77), "and neither is what was there before");
}
