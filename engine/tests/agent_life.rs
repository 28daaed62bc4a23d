//! An agent's life: orders, crashes, orderly stops, and what its store keeps of them.

mod common;

use std::collections::BTreeSet;

use common::machine::{Machine, PLENTY, stamps};
use common::stream::{CRASH_ONLY, GENERATION, SERVER, disk, key, terms};
use common::{AtOnce, SECOND, only_answer};
use switchback_engine::agent::config::{SEQUENCE_JUMP, SEQUENCE_RECORDED_EVERY, STOP_PATIENCE};
use switchback_engine::agent::{Agent, AgentRecord};
use switchback_engine::message::{Answer, Observation, Order, Replication, ResyncReason};
use switchback_engine::{Address, Effect, Input, Instant, Message, Outbox, WriteOrder};

const SECTORS: [u64; 2] = [1000, 1000];

fn is_ready_to_stop(machine: &mut Machine) -> bool {
    machine.count(|effect| matches!(effect, Effect::ReadyToStop)) == 1
}

fn has_clean_record(machine: &Machine) -> bool {
    matches!(machine.store.durable().last(), Some(AgentRecord::CleanStop { .. }))
}

#[test]
fn a_crash_begins_a_session_that_compares() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.write(0, 5, 1);
    machine.crash_and_boot();
    let started = |seen: &Observation| {
        matches!(seen, Observation::ResyncStarted { reason: ResyncReason::UncleanShutdown, .. })
    };
    assert!(machine.observed().iter().any(started));
    machine.wait(SECOND);
    let questions = machine.questions();
    assert_eq!(questions.len(), SECTORS.len());
    assert!(questions.iter().all(|question| question.stream.session == 2));
    assert_eq!(machine.role.write_order(), WriteOrder::Bitmap);
}

#[test]
fn sessions_grow_with_every_crash_also_with_those_in_quick_succession() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        machine.crash_and_boot();
        machine.wait(SECOND);
        sessions.push(machine.questions()[0].stream.session);
    }
    assert_eq!(sessions, [2, 3, 4]);
}

#[test]
fn a_crash_before_the_session_was_durable_leaves_its_number_to_the_next() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.at_once.syncs = false;
    machine.crash_and_boot();
    machine.wait(100 * SECOND);
    assert!(machine.questions().is_empty(), "nobody has heard of session 2");
    machine.crash_and_boot();
    machine.finish_sync(true);
    assert_eq!(machine.questions()[0].stream.session, 2);
}

#[test]
fn numbers_of_writes_jump_after_a_crash_and_never_repeat() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    let mut used = BTreeSet::new();
    let mut highest = 0;
    for life in 0..6 {
        // Also lives that are shorter than the way of a record to the disk.
        let writes = [10, 3 * SEQUENCE_RECORDED_EVERY, 1, 0, 2000, 5][life];
        machine.at_once.syncs = life % 2 == 0;
        machine.finish_sync(true);
        for _ in 0..writes {
            machine.write(0, 5, 1);
            let number = machine.role.writes_captured();
            assert!(used.insert(number), "{number} is used twice");
            highest = highest.max(number);
        }
        machine.crash_and_boot();
        machine.write(0, 5, 1);
        let number = machine.role.writes_captured();
        assert!(number > highest, "numbering goes on after {highest}, not at {number}");
        assert!(number >= SEQUENCE_JUMP);
        assert!(used.insert(number));
        highest = number;
    }
}

#[test]
fn after_a_crash_numbering_is_a_whole_jump_ahead_however_long_the_session_was() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    for _ in 0..10 * SEQUENCE_RECORDED_EVERY {
        machine.write(0, 5, 1);
    }
    let highest = machine.role.writes_captured();
    machine.crash_and_boot();
    machine.write(0, 5, 1);
    let number = machine.role.writes_captured();
    // The last records may have been on their way.
    let recorded = highest - 4 * SEQUENCE_RECORDED_EVERY;
    assert!(number >= recorded + SEQUENCE_JUMP, "{number} comes after {highest}");
}

#[test]
fn numbering_goes_on_after_an_orderly_stop_and_after_a_crash_that_follows_it() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.crash_and_boot();
    machine.write(0, 5, 1);
    let far = machine.role.writes_captured();
    machine.wait(SECOND);
    for question in machine.questions() {
        machine.differs(&question, Vec::new());
    }
    machine.feed(Input::ShuttingDown);
    machine.drain();
    assert!(has_clean_record(&machine));
    machine.crash_and_boot();
    machine.write(0, 5, 1);
    assert_eq!(machine.role.writes_captured(), far + 1, "without a jump");
    machine.crash_and_boot();
    machine.write(0, 5, 1);
    assert!(machine.role.writes_captured() > far + 1);
}

#[test]
fn an_orderly_stop_commits_everything_puts_the_last_marker_in_and_then_says_so() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    let written = machine.write(0, 5, 1);
    machine.feed(Input::ShuttingDown);
    let sent = machine.batches();
    assert!(stamps(&sent).contains(&written), "it does not wait for the drain");
    assert_eq!(sent.len(), SECTORS.len());
    let markers = sent.iter().map(|batch| batch.round_end.and_then(|end| end.marker));
    let markers: Vec<_> =
        markers.map(|marker| marker.expect("the last marker stands on every disk")).collect();
    assert!(markers.iter().all(|marker| marker.last && *marker == markers[0]));
    assert!(!is_ready_to_stop(&mut machine), "not before everything is acknowledged");
    machine.acknowledge(&sent);
    assert!(is_ready_to_stop(&mut machine));
    assert!(has_clean_record(&machine));
}

#[test]
fn an_orderly_stop_says_so_only_when_its_record_is_durable() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.at_once.syncs = false;
    machine.feed(Input::ShuttingDown);
    machine.drain();
    assert!(!is_ready_to_stop(&mut machine));
    machine.finish_sync(false);
    assert!(!is_ready_to_stop(&mut machine), "the record was lost and is written again");
    machine.finish_sync(true);
    assert!(is_ready_to_stop(&mut machine));
    assert!(has_clean_record(&machine));
}

#[test]
fn after_an_orderly_stop_the_session_goes_on_without_a_comparison() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.write(0, 5, 1);
    machine.feed(Input::ShuttingDown);
    let last = machine.drain();
    let last = last.iter().rfind(|batch| batch.stream.disk.index == 0).expect("the last marker was sent");
    machine.crash_and_boot();
    assert!(machine.observed().is_empty());
    machine.write(0, 6, 1);
    let next = machine.drain();
    assert!(machine.questions().is_empty());
    let next = next.iter().find(|batch| batch.stream.disk.index == 0).expect("the write is sent");
    assert_eq!((next.stream, next.number), (last.stream, last.number + 1));
    let rounds = (last.round_end.map(|end| end.round), next.round_end.map(|end| end.round));
    assert!(rounds.0 < rounds.1, "rounds are not counted twice: {rounds:?}");
    assert_eq!(machine.role.write_order(), WriteOrder::Data);
}

#[test]
fn points_after_an_orderly_stop_are_newer_than_the_last_marker() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.feed(Input::ShuttingDown);
    let last = machine.drain();
    let last = last[0].round_end.and_then(|end| end.marker).expect("the last marker was sent");
    machine.crash_and_boot();
    let mut later = Vec::new();
    for _ in 0..200 {
        later.extend(machine.drain());
    }
    let next =
        later.iter().find_map(|batch| batch.round_end?.marker).expect("a point is due after five minutes");
    assert!(next.point > last.point);
    assert!(!next.last);
}

#[test]
fn a_crash_in_the_life_after_an_orderly_stop_is_an_unclean_one() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.feed(Input::ShuttingDown);
    machine.drain();
    machine.crash_and_boot();
    machine.write(0, 5, 1);
    machine.crash_and_boot();
    machine.wait(SECOND);
    assert_eq!(machine.questions().len(), SECTORS.len());
}

#[test]
fn a_stop_that_runs_out_of_time_lets_the_machine_go_and_leaves_no_clean_record() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.write(0, 5, 1);
    machine.feed(Input::ShuttingDown);
    machine.wait(STOP_PATIENCE - SECOND);
    assert!(!is_ready_to_stop(&mut machine));
    machine.wait(SECOND);
    assert!(is_ready_to_stop(&mut machine));
    assert!(!has_clean_record(&machine));
    machine.crash_and_boot();
    machine.wait(SECOND);
    assert_eq!(machine.questions().len(), SECTORS.len(), "what was pending is unknown");
}

#[test]
fn a_stop_during_a_first_copy_puts_no_last_marker_in() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once.reads = false;
    machine.order(1, Order::StartReplication(terms(&[1], &SECTORS, CRASH_ONLY)));
    machine.feed(Input::ShuttingDown);
    let sent = machine.drain();
    assert!(sent.iter().all(|batch| batch.round_end.is_none_or(|end| end.marker.is_none())));
}

#[test]
fn a_machine_that_replicates_nothing_may_stop_at_once() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.feed(Input::ShuttingDown);
    assert!(is_ready_to_stop(&mut machine));
    machine.feed(Input::ShuttingDown);
    assert!(!is_ready_to_stop(&mut machine), "once");
}

#[test]
fn an_order_to_start_that_comes_again_is_answered_and_does_nothing_twice() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    let captured = machine.role.writes_captured();
    machine.order(1, Order::StartReplication(terms(&[1], &SECTORS, CRASH_ONLY)));
    assert!(matches!(only_answer(&mut machine, 1), Answer::Done));
    assert_eq!(machine.store.unsynced(), 0);
    assert!(machine.drain().is_empty());
    assert_eq!(machine.role.writes_captured(), captured);
}

#[test]
fn an_order_that_comes_again_while_its_record_is_on_the_way_is_answered_once_it_is_durable() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once = AtOnce { syncs: false, ..AtOnce::ALL };
    let start = Order::StartReplication(terms(&[1], &SECTORS, CRASH_ONLY));
    machine.order(1, start.clone());
    machine.order(1, start);
    assert!(machine.answers().is_empty());
    machine.finish_sync(true);
    assert!(matches!(only_answer(&mut machine, 1), Answer::Done));

    machine.order(2, Order::StopReplication { generation: GENERATION });
    machine.order(2, Order::StopReplication { generation: GENERATION });
    assert!(machine.answers().is_empty(), "a crash now would bring replication back");
    machine.finish_sync(true);
    assert!(matches!(only_answer(&mut machine, 2), Answer::Done));
}

#[test]
fn a_newer_generation_replaces_an_older_one_and_an_older_one_is_refused() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    let newer = Replication { generation: GENERATION + 1, ..terms(&[1], &SECTORS, CRASH_ONLY) };
    machine.order(2, Order::StartReplication(newer));
    assert!(matches!(only_answer(&mut machine, 2), Answer::Done));
    machine.write(0, 5, 1);
    let sent = machine.drain();
    assert!(sent.iter().all(|batch| batch.stream.generation == GENERATION + 1 && batch.stream.session == 1));
    machine.order(1, Order::StartReplication(terms(&[1], &SECTORS, CRASH_ONLY)));
    assert!(matches!(only_answer(&mut machine, 1), Answer::Unknown));
}

#[test]
fn a_record_of_an_older_generation_does_not_let_a_newer_session_begin() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once.syncs = false;
    machine.order(1, Order::StartReplication(terms(&[1], &SECTORS, CRASH_ONLY)));
    let newer = Replication { generation: GENERATION + 1, ..terms(&[1], &SECTORS, CRASH_ONLY) };
    machine.order(2, Order::StartReplication(newer));
    machine.write(0, 5, 1);
    machine.finish_sync(true);
    assert!(machine.drain().is_empty(), "the record of the newer one is still on its way");
    machine.finish_sync(true);
    assert!(!machine.drain().is_empty());
}

#[test]
fn records_lost_by_a_failed_sync_are_written_again_in_their_order() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.at_once.syncs = false;
    machine.order(1, Order::StartReplication(terms(&[1], &SECTORS, CRASH_ONLY)));
    machine.order(2, Order::Resync { reason: ResyncReason::Manual });
    machine.finish_sync(false);
    while machine.finish_sync(true) {}
    let last = machine.store.durable().last();
    assert!(matches!(last, Some(AgentRecord::Session { session: 2, .. })), "{last:?}");
}

#[test]
fn an_order_to_stop_ends_it_and_stays_in_force_after_a_crash() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.order(2, Order::StopReplication { generation: GENERATION - 1 });
    assert!(matches!(only_answer(&mut machine, 2), Answer::Done));
    machine.write(0, 5, 1);
    assert!(!machine.drain().is_empty(), "the order was for an older generation");

    machine.order(3, Order::StopReplication { generation: GENERATION });
    assert!(matches!(only_answer(&mut machine, 3), Answer::Done));
    machine.order(3, Order::StopReplication { generation: GENERATION });
    assert!(matches!(only_answer(&mut machine, 3), Answer::Done));
    machine.write(0, 5, 1);
    assert!(machine.drain().is_empty());
    machine.crash_and_boot();
    machine.write(0, 5, 1);
    assert!(machine.drain().is_empty());
    assert!(machine.questions().is_empty());
}

#[test]
fn a_resync_that_is_ordered_again_begins_once() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    for _ in 0..2 {
        machine.order(2, Order::Resync { reason: ResyncReason::Manual });
        assert!(matches!(only_answer(&mut machine, 2), Answer::Done));
    }
    assert_eq!(machine.questions().iter().map(|question| question.stream.session).max(), Some(2));
    machine.order(3, Order::Resync { reason: ResyncReason::Manual });
    assert_eq!(
        machine.questions().iter().map(|question| question.stream.session).max(),
        Some(3),
        "another order"
    );
}

#[test]
fn orders_for_targets_and_resyncs_of_nothing_are_unknown_to_an_agent() {
    let mut machine = Machine::installed(1, PLENTY);
    machine.order(1, Order::Resync { reason: ResyncReason::Manual });
    assert!(matches!(only_answer(&mut machine, 1), Answer::Unknown));
    machine
        .order(2, Order::CloseJournal { group: common::stream::GROUP, generation: GENERATION, fold: None });
    assert!(matches!(only_answer(&mut machine, 2), Answer::Unknown));
}

#[test]
fn a_store_without_records_is_a_new_agent() {
    let config = Machine::installed(1, PLENTY).config;
    let mut out = Outbox::default();
    let agent = Agent::<switchback_engine::Stamp>::boot(config, Instant::ZERO, &[], &mut out);
    assert!(out.is_empty());
    assert_eq!(agent.writes_captured(), 0);
}

/// The process server that a machine moves to.
const OTHER: Address = Address::ProcessServer(2);

fn move_to_the_other(machine: &mut Machine, request: u64) {
    let order = Order::UseProcessServer { generation: GENERATION, process_server: OTHER };
    machine.order(request, order);
}

/// Takes the batches sent: to whom, their number, and where the process server is to begin.
fn sent(machine: &mut Machine) -> Vec<(Address, u64, u64)> {
    machine.take(|effect| match effect {
        Effect::Send { to, message: Message::Batch(batch) } => Some((*to, batch.number, batch.opens_at)),
        _ => None,
    })
}

/// A machine that has sent two more batches of its first disk, of which the first was kept; the number of the second.
fn with_one_batch_on_its_way() -> (Machine, u64) {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.write(0, 5, 1);
    machine.wait(SECOND);
    let batches = machine.batches();
    machine.acknowledge(&batches);
    machine.write(0, 6, 1);
    machine.wait(SECOND);
    let number =
        machine.batches().iter().filter(|batch| batch.stream.disk.index == 0).map(|b| b.number).max();
    (machine, number.expect("a write was sent"))
}

#[test]
fn a_machine_that_moves_sends_the_new_process_server_what_the_old_one_has_not_kept() {
    let (mut machine, number) = with_one_batch_on_its_way();
    move_to_the_other(&mut machine, 9);
    assert!(matches!(only_answer(&mut machine, 9), Answer::Done));
    assert!(sent(&mut machine).contains(&(OTHER, number, number)));
    assert_eq!(machine.role.write_order(), WriteOrder::Data, "nothing is compared");
    let late = Message::BatchStored { stream: key(disk(1, 0), 1), upto: number, credit_bytes: 0 };
    machine.hear(SERVER, late);
    machine.wait(10 * SECOND);
    assert!(sent(&mut machine).contains(&(OTHER, number, number)), "the new one must have it too");
}

#[test]
fn a_move_is_repeated_without_harm_and_one_that_was_overtaken_is_not_made() {
    let (mut machine, _) = with_one_batch_on_its_way();
    move_to_the_other(&mut machine, 9);
    move_to_the_other(&mut machine, 9);
    assert!(machine.answers().iter().all(|(_, answer)| matches!(answer, Answer::Done)));
    sent(&mut machine);
    machine.order(8, Order::UseProcessServer { generation: GENERATION, process_server: SERVER });
    assert!(matches!(only_answer(&mut machine, 8), Answer::Unknown));
    machine.wait(10 * SECOND);
    let again = sent(&mut machine);
    assert!(!again.is_empty() && again.iter().all(|(to, ..)| *to == OTHER), "{again:?}");
}

#[test]
fn a_move_is_answered_when_it_is_durable_and_survives_a_crash() {
    let (mut machine, _) = with_one_batch_on_its_way();
    machine.at_once.syncs = false;
    move_to_the_other(&mut machine, 9);
    move_to_the_other(&mut machine, 9);
    assert_eq!(
        machine.count(|effect| matches!(
            effect,
            Effect::Send { to: Address::Control, message: Message::Answer { .. } }
        )),
        0
    );
    machine.finish_sync(true);
    assert!(matches!(only_answer(&mut machine, 9), Answer::Done));
    machine.at_once.syncs = true;
    machine.crash_and_boot();
    machine.wait(SECOND);
    let asked = machine.take(|effect| match effect {
        Effect::Send { to, message: Message::Compare(_) } => Some(*to),
        _ => None,
    });
    assert!(!asked.is_empty() && asked.iter().all(|to| *to == OTHER), "{asked:?}");
}

#[test]
fn after_a_move_and_an_orderly_stop_the_new_process_server_begins_with_the_next_batch() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    move_to_the_other(&mut machine, 9);
    machine.feed(Input::ShuttingDown);
    for (to, number, _) in sent(&mut machine) {
        for index in [0, 1] {
            let stream = key(disk(1, index), 1);
            machine.hear(to, Message::BatchStored { stream, upto: number, credit_bytes: u64::MAX });
        }
    }
    assert!(is_ready_to_stop(&mut machine) && has_clean_record(&machine));
    machine.crash_and_boot();
    machine.write(0, 7, 1);
    machine.wait(SECOND);
    let first = sent(&mut machine);
    assert!(first.iter().all(|(to, number, opens_at)| (*to, *number) == (OTHER, *opens_at)), "{first:?}");
    assert!(first.iter().any(|(_, number, _)| *number > 1), "{first:?}");
}
