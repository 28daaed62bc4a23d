//! How a replica gets its first content and is brought back in line: first copies, comparisons, resyncs.

mod common;

use std::sync::Arc;

use common::machine::{Machine, PLENTY, stamps};
use common::stream::{CRASH_ONLY, terms};
use common::{Bench, SECOND, only_answer};
use switchback_engine::agent::config::{
    BITMAP_SECTORS, COMPARE_BLOCK_SECTORS, COMPARE_RETRY, COPY_STEP_SECTORS, COPY_STEPS_AHEAD,
};
use switchback_engine::agent::{Agent, AgentConfig};
use switchback_engine::message::{Answer, FirstCopy, Message, Observation, Order, Replication, ResyncReason};
use switchback_engine::{Batch, Effect, SectorRange, Stamp, WriteOrder};

const BLOCK: u64 = COMPARE_BLOCK_SECTORS as u64;

fn comparing(disk_sectors: &[u64]) -> Replication {
    Replication { first: FirstCopy::Compare, ..terms(&[1], disk_sectors, CRASH_ONLY) }
}

fn ranges(batches: &[Arc<Batch<Stamp>>]) -> Vec<SectorRange> {
    batches.iter().flat_map(|batch| batch.changes.iter().map(|change| change.range())).collect()
}

#[test]
fn a_first_copy_sends_what_is_there_and_skips_holes() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.put(0, 10, 2, 901);
    machine.put(0, 70_000, 1, 902);
    machine.order(1, Order::StartReplication(terms(&[1], &[100_000], CRASH_ONLY)));
    assert!(matches!(only_answer(&mut machine, 1), Answer::Done));
    let sent = machine.drain();
    let sectors: u64 = ranges(&sent).iter().map(SectorRange::sectors).sum();
    assert_eq!(sectors, 3, "nothing but what is there");
    assert!(sent.iter().any(|batch| batch.order == WriteOrder::Bitmap));
    let completed = |seen: &Observation| matches!(seen, Observation::CopyCompleted { .. });
    assert_eq!(machine.observed().iter().filter(|seen| completed(seen)).count(), 1);
}

#[test]
fn the_first_marker_goes_in_as_soon_as_the_first_copy_is_complete_and_not_before() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once.reads = false;
    machine.put(0, 10, 2, 901);
    machine.order(1, Order::StartReplication(terms(&[1], &[100], CRASH_ONLY)));
    let during = machine.drain();
    assert!(during.iter().all(|batch| batch.round_end.is_none_or(|end| end.marker.is_none())));
    machine.finish_read();
    let after = machine.drain();
    let marked = after.iter().find(|batch| batch.round_end.is_some_and(|end| end.marker.is_some()));
    assert!(marked.is_some(), "it does not wait for the cadence");
}

#[test]
fn a_large_disk_is_copied_in_steps_with_few_under_way() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once.reads = false;
    let sectors = COPY_STEP_SECTORS * 5 + 100;
    machine.put(0, sectors - 1, 1, 901);
    machine.order(1, Order::StartReplication(terms(&[1], &[sectors], CRASH_ONLY)));
    let mut covered = 0;
    let mut sent = Vec::new();
    while !machine.reads.is_empty() {
        assert!(machine.reads.len() <= COPY_STEPS_AHEAD);
        assert_eq!(machine.reads[0].range.start, covered);
        covered = machine.reads[0].range.end;
        machine.finish_read();
        sent.extend(machine.drain());
    }
    assert_eq!(covered, sectors);
    assert_eq!(ranges(&sent), [SectorRange::new(sectors - 1, 1)]);
}

#[test]
fn steps_are_as_large_and_as_far_ahead_as_the_agent_is_told() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.config = AgentConfig { copy_step_sectors: 100, copy_steps_ahead: 3, ..machine.config };
    machine.bench = Bench::new(Agent::install(machine.config));
    machine.at_once.reads = false;
    machine.order(1, Order::StartReplication(terms(&[1], &[1050], CRASH_ONLY)));
    let reads = |machine: &Machine| machine.reads.iter().map(|read| read.range).collect::<Vec<_>>();
    let expected: Vec<_> = (0..3).map(|step| SectorRange::new(step * 100, 100)).collect();
    assert_eq!(reads(&machine), expected);
    machine.finish_read();
    machine.drain();
    let expected: Vec<_> = (1..4).map(|step| SectorRange::new(step * 100, 100)).collect();
    assert_eq!(reads(&machine), expected, "another one takes the place of the one that is done");
}

#[test]
fn a_write_during_the_first_copy_wins_over_what_the_copy_read() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once.reads = false;
    machine.put(0, 10, 2, 901);
    machine.order(1, Order::StartReplication(terms(&[1], &[100], CRASH_ONLY)));
    let newer = machine.write(0, 11, 1);
    assert!(machine.drain().is_empty(), "the write waits behind the copy");
    machine.finish_read_of_then();
    let sent = machine.drain();
    let order: Vec<u64> = stamps(&sent);
    assert_eq!(order.last(), Some(&newer));
    assert!(order.contains(&901));
}

#[test]
fn a_comparison_sends_digests_and_then_only_what_differs() {
    let mut machine = Machine::installed(1, PLENTY);
    for block in 0..4 {
        machine.put(0, block * BLOCK + 3, 2, 901 + block);
    }
    machine.order(1, Order::StartReplication(comparing(&[4 * BLOCK])));
    let questions = machine.questions();
    assert_eq!(questions.len(), 1);
    let question = &questions[0];
    assert_eq!((question.range, question.digests.len()), (SectorRange { start: 0, end: 4 * BLOCK }, 4));
    assert!(machine.drain().is_empty(), "nothing is sent before the answer");

    machine.differs(question, vec![SectorRange::new(2 * BLOCK, BLOCK)]);
    let sent = machine.drain();
    assert!(stamps(&sent).contains(&903));
    assert!(!stamps(&sent).iter().any(|stamp| [901, 902, 904].contains(stamp)));
    let outside = |range: &SectorRange| range.start < 2 * BLOCK || range.end > 3 * BLOCK;
    assert!(!ranges(&sent).iter().any(outside));
    assert_eq!(
        ranges(&sent).iter().map(SectorRange::sectors).sum::<u64>(),
        BLOCK,
        "its holes are sent as zeroes"
    );
}

#[test]
fn a_comparison_of_small_blocks_sends_less_of_what_is_the_same() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.config = AgentConfig { compare_block_sectors: 8, ..machine.config };
    machine.bench = Bench::new(Agent::install(machine.config));
    machine.put(0, 0, 16, 901);
    machine.order(1, Order::StartReplication(comparing(&[100])));
    let question = machine.questions().remove(0);
    assert_eq!((question.block_sectors, question.digests.len()), (8, 13), "the last block is not whole");
    machine.differs(&question, vec![SectorRange::new(8, 8)]);
    let sent = ranges(&machine.drain());
    assert!(sent.iter().all(|range| (8..16).contains(&range.start)), "{sent:?}");
    assert_eq!(sent.iter().map(SectorRange::sectors).sum::<u64>(), 8);
}

#[test]
fn a_comparison_that_finds_nothing_sends_nothing_and_is_complete() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.put(0, 3, 2, 901);
    machine.order(1, Order::StartReplication(comparing(&[BLOCK])));
    let question = machine.questions().remove(0);
    assert_eq!(machine.role.write_order(), WriteOrder::Bitmap);
    machine.differs(&question, Vec::new());
    assert_eq!(machine.role.write_order(), WriteOrder::Data);
    assert!(stamps(&machine.drain()).is_empty());
    assert!(machine.observed().iter().any(|seen| matches!(seen, Observation::CopyCompleted { .. })));
}

#[test]
fn a_lost_answer_is_asked_for_again_with_what_the_disk_holds_by_then() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.order(1, Order::StartReplication(comparing(&[BLOCK])));
    let first = machine.questions().remove(0);
    machine.write(0, 5, 1);
    machine.wait(COMPARE_RETRY - SECOND);
    assert!(machine.questions().is_empty());
    machine.wait(SECOND);
    let again = machine.questions();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].range, first.range);
    assert_ne!(again[0].digests, first.digests);
    machine.differs(&first, Vec::new());
    machine.wait(2 * COMPARE_RETRY);
    assert!(machine.questions().is_empty(), "answered");
}

#[test]
fn an_answer_that_comes_twice_or_from_another_session_dirties_nothing() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.put(0, 3, 2, 901);
    machine.order(1, Order::StartReplication(comparing(&[BLOCK])));
    let question = machine.questions().remove(0);
    machine.differs(&question, Vec::new());
    machine.drain();
    machine.differs(&question, vec![question.range]);
    assert_eq!(machine.role.write_order(), WriteOrder::Data);

    machine.order(2, Order::Resync { reason: ResyncReason::Manual });
    machine.differs(&question, Vec::new());
    assert_eq!(machine.role.write_order(), WriteOrder::Bitmap, "the question of this session is open");
}

#[test]
fn a_comparison_read_that_fails_is_asked_again_later() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once.reads = false;
    machine.order(1, Order::StartReplication(comparing(&[BLOCK])));
    machine.fail_read();
    assert!(machine.questions().is_empty());
    machine.wait(COMPARE_RETRY);
    machine.finish_read();
    assert_eq!(machine.questions().len(), 1);
}

#[test]
fn a_resync_begins_a_session_that_compares_and_says_why() {
    let mut machine = Machine::replicating(&[BLOCK], PLENTY);
    machine.order(2, Order::Resync { reason: ResyncReason::Manual });
    assert!(matches!(only_answer(&mut machine, 2), Answer::Done));
    let question = machine.questions().remove(0);
    assert_eq!(question.stream.session, 2);
    let statuses = machine.take(|effect| match effect {
        Effect::Send { message: Message::AgentStatus(status), .. } => Some(status.clone()),
        _ => None,
    });
    let status = statuses.last().expect("it reports what it does");
    assert_eq!(status.resync.map(|(reason, _)| reason), Some(ResyncReason::Manual));
    assert_eq!(status.sectors_to_copy, BLOCK);
    let started =
        |seen: &Observation| matches!(seen, Observation::ResyncStarted { reason: ResyncReason::Manual, .. });
    assert!(machine.observed().iter().any(started));
}

#[test]
fn replication_that_begins_with_a_comparison_is_a_resync_and_a_first_copy_is_none() {
    let resyncs = |terms: Replication| {
        let mut machine = Machine::installed(1, PLENTY);
        machine.order(1, Order::StartReplication(terms));
        let reason = |seen: &Observation| match seen {
            Observation::ResyncStarted { reason, .. } => Some(*reason),
            _ => None,
        };
        machine.observed().iter().filter_map(reason).collect::<Vec<_>>()
    };
    assert_eq!(resyncs(comparing(&[BLOCK])), [ResyncReason::Reprotect]);
    assert_eq!(resyncs(terms(&[1], &[BLOCK], CRASH_ONLY)), []);
}

#[test]
fn writes_while_a_comparison_runs_are_kept_in_order_and_dirty_blocks_are_whole() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.put(0, 3, 2, 901);
    machine.order(1, Order::StartReplication(comparing(&[BLOCK + 3])));
    let question = machine.questions().remove(0);
    let first = machine.write(0, 4, 1);
    machine.differs(&question, vec![SectorRange { start: 0, end: BITMAP_SECTORS }]);
    let second = machine.write(0, 4, 1);
    let sent = machine.drain();
    let on_four: Vec<u64> = sent
        .iter()
        .flat_map(|batch| batch.changes.iter())
        .filter(|change| change.range().start <= 4 && 4 < change.range().end)
        .map(|change| change.content.write)
        .collect();
    assert_eq!(on_four.last(), Some(&second));
    assert_eq!(on_four[0], first);
}
