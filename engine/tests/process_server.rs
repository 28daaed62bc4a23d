//! The process server: a cache that forgets nothing it has acknowledged, and forwards it in order.

mod common;

use std::sync::Arc;

use common::stream::{GENERATION, SERVER, TARGET, agent, batch, change, disk, key};
use common::{AtOnce, Bench, SECOND};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::extent::Change;
use switchback_engine::message::{Compare, Differs, Observation};
use switchback_engine::process_server::{ProcessServer, ProcessServerConfig, ProcessServerRecord};
use switchback_engine::{Batch, Effect, Frame, Message, SectorRange, Stamp, StreamKey};

const PLENTY: u64 = 1 << 40;

type Server = Bench<ProcessServer<Stamp>>;

fn config(cache_bytes: u64) -> ProcessServerConfig {
    ProcessServerConfig::with_cache(1, cache_bytes)
}

fn server(cache_bytes: u64) -> Server {
    Bench::new(ProcessServer::new(config(cache_bytes)))
}

fn stream() -> StreamKey {
    key(disk(1, 0), 1)
}

fn numbered(number: u64) -> Batch<Stamp> {
    batch(stream(), number, vec![change(number, number, 1)])
}

fn hear(server: &mut Server, batch: &Batch<Stamp>) {
    server.hear(agent(1), Message::Batch(Arc::new(batch.clone())));
}

/// Takes the acknowledgements to agents: up to which number, and the credit.
fn acknowledged(server: &mut Server) -> Vec<(u64, u64)> {
    server.take(|effect| match effect {
        Effect::Send { message: Message::BatchStored { upto, credit_bytes, .. }, .. } => {
            Some((*upto, *credit_bytes))
        }
        _ => None,
    })
}

/// Takes the frames sent to the target.
fn frames(server: &mut Server) -> Vec<Arc<Frame<Stamp>>> {
    server.take(|effect| match effect {
        Effect::Send { to, message: Message::Frame(frame) } if *to == TARGET => Some(Arc::clone(frame)),
        _ => None,
    })
}

fn numbers(server: &mut Server) -> Vec<u64> {
    frames(server).iter().map(|frame| frame.number).collect()
}

fn stored(server: &mut Server, stream: StreamKey, upto: u64) {
    server.hear(TARGET, Message::FrameStored { stream, upto });
}

fn crash(server: &mut Server, cache_bytes: u64) {
    server.crash(|_, records, _| ProcessServer::recover(config(cache_bytes), records));
}

fn unpacked(frame: &Frame<Stamp>) -> Vec<Change<Stamp>> {
    use switchback_engine::Content;
    Stamp::unpack(&frame.packed).expect("it was not damaged").to_vec()
}

#[test]
fn a_batch_is_acknowledged_only_when_it_is_durable() {
    let mut server = server(PLENTY);
    server.at_once = AtOnce { syncs: false, ..AtOnce::ALL };
    hear(&mut server, &numbered(1));
    assert!(acknowledged(&mut server).is_empty());
    assert_eq!(numbers(&mut server), [1], "it need not wait to be forwarded");
    server.finish_sync(true);
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(1));
}

#[test]
fn a_batch_is_coalesced_and_the_last_write_of_a_sector_is_kept() {
    let mut server = server(PLENTY);
    let changes = vec![change(1, 10, 4), change(2, 2, 1), change(3, 11, 1), change(4, 2, 1)];
    hear(&mut server, &batch(stream(), 1, changes));
    let frame = frames(&mut server).remove(0);
    let sectors: Vec<(u64, u64, u32)> = unpacked(&frame)
        .iter()
        .flat_map(|run| {
            (0..run.sectors).map(|k| (run.start + u64::from(k), run.content.write, run.content.skip + k))
        })
        .collect();
    assert_eq!(sectors, [(2, 4, 0), (10, 1, 0), (11, 3, 0), (12, 1, 2), (13, 1, 3)]);
    assert_eq!(frame.packed.raw_bytes, 5 * SECTOR_BYTES);
}

#[test]
fn bytes_are_compressed_unless_it_is_told_not_to() {
    use switchback_engine::Block;
    let text = Change { start: 0, sectors: 256, content: Block(vec![7; 256 * 512].into()) };
    let batch = batch(stream(), 1, vec![text]);
    let weighs = |compresses| {
        let config = ProcessServerConfig { compresses, ..config(PLENTY) };
        let mut server: Bench<ProcessServer<Block>> = Bench::new(ProcessServer::new(config));
        server.hear(agent(1), Message::Batch(Arc::new(batch.clone())));
        let sent = server.take(|effect| match effect {
            Effect::Send { message: Message::Frame(frame), .. } => Some(frame.packed.wire_bytes),
            _ => None,
        });
        assert_eq!(sent.len(), 1);
        sent[0]
    };
    assert!(weighs(true) < 256 * 512 / 10, "{} bytes are sent", weighs(true));
    assert!(weighs(false) >= 256 * 512, "{} bytes are sent", weighs(false));
}

#[test]
fn writes_of_different_batches_are_not_coalesced() {
    let mut server = server(PLENTY);
    hear(&mut server, &batch(stream(), 1, vec![change(1, 10, 1)]));
    hear(&mut server, &batch(stream(), 2, vec![change(2, 10, 1)]));
    assert_eq!(frames(&mut server).iter().map(|frame| unpacked(frame).len()).sum::<usize>(), 2);
}

#[test]
fn batches_are_taken_strictly_in_order() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(2));
    assert_eq!(numbers(&mut server), [0; 0], "a gap");
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(0));
    hear(&mut server, &numbered(1));
    hear(&mut server, &numbered(1));
    assert_eq!(numbers(&mut server), [1], "a repetition is acknowledged and not taken");
    assert_eq!(acknowledged(&mut server).iter().map(|(upto, _)| *upto).collect::<Vec<_>>(), [1, 1]);
    hear(&mut server, &numbered(2));
    assert_eq!(numbers(&mut server), [2]);
}

#[test]
fn a_newer_session_replaces_what_was_cached_of_an_older_one_which_is_ignored_from_then_on() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    let newer = key(disk(1, 0), 2);
    hear(&mut server, &batch(newer, 1, vec![change(9, 9, 2)]));
    assert_eq!(server.role.cached_bytes(), frames(&mut server).last().expect("both went out").wire_bytes());
    acknowledged(&mut server);
    hear(&mut server, &numbered(2));
    assert!(frames(&mut server).is_empty());
    assert!(acknowledged(&mut server).is_empty(), "nobody listens to it any more");
    server.wait(120 * SECOND);
    assert!(frames(&mut server).iter().all(|frame| frame.stream == newer));
}

#[test]
fn a_full_cache_takes_nothing_gives_no_credit_and_says_so_once() {
    let one = numbered(1).wire_bytes();
    let mut server = server(10 * one);
    (1..=8).for_each(|number| hear(&mut server, &numbered(number)));
    acknowledged(&mut server);
    hear(&mut server, &numbered(9));
    hear(&mut server, &numbered(9));
    assert_eq!(acknowledged(&mut server), [(8, 0), (8, 0)], "a fifth stays free");
    let throttled = |seen: &Observation| matches!(seen, Observation::Throttled { by } if *by == SERVER);
    assert_eq!(server.observed().iter().filter(|seen| throttled(seen)).count(), 1);

    stored(&mut server, stream(), 1);
    assert_eq!(server.role.cached_bytes(), 7 * one);
    assert_eq!(acknowledged(&mut server), [(8, one)], "who was turned away is called back");
    hear(&mut server, &numbered(9));
    assert_eq!(acknowledged(&mut server), [(9, 0)], "a quarter was free again");
    assert!(
        server.observed().iter().any(|seen| matches!(seen, Observation::TakesAgain { by } if *by == SERVER))
    );
    stored(&mut server, stream(), 9);
    assert_eq!(server.role.cached_bytes(), 0);
}

#[test]
fn who_came_with_more_than_there_is_room_for_is_called_back_when_it_fits_and_once() {
    let one = numbered(1).wire_bytes();
    let mut server = server(10 * one);
    (1..=8).for_each(|number| hear(&mut server, &numbered(number)));
    let large = batch(key(disk(2, 0), 1), 1, (1..=4).map(|at| change(at, at, 1)).collect());
    assert!(large.wire_bytes() > 2 * one && large.wire_bytes() <= 8 * one);
    server.hear(agent(2), Message::Batch(Arc::new(large)));
    acknowledged(&mut server);
    stored(&mut server, stream(), 1);
    assert_eq!(acknowledged(&mut server), [], "it would not fit");
    stored(&mut server, stream(), 8);
    assert_eq!(acknowledged(&mut server), [(0, 8 * one)]);
    stored(&mut server, stream(), 8);
    assert_eq!(acknowledged(&mut server), [], "it was called back already");
}

/// A batch of a machine that moved here when the server before had kept everything up to `opens_at`.
fn moved(number: u64, opens_at: u64) -> Batch<Stamp> {
    Batch { opens_at, ..numbered(number) }
}

#[test]
fn a_machine_that_moves_here_goes_on_where_the_server_before_has_kept_everything() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(5));
    assert_eq!(numbers(&mut server), [0; 0], "a gap, as long as nobody says that another has the rest");
    hear(&mut server, &moved(5, 5));
    hear(&mut server, &moved(4, 1));
    assert_eq!(numbers(&mut server), [5]);
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(5));
}

#[test]
fn a_machine_that_comes_back_waits_until_what_it_left_here_has_reached_the_target() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    hear(&mut server, &moved(3, 3));
    assert_eq!(numbers(&mut server), [1]);
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(1), "not yet");
    stored(&mut server, stream(), 1);
    hear(&mut server, &moved(3, 3));
    assert_eq!(numbers(&mut server), [3]);
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(3));
}

#[test]
fn where_a_machine_came_back_is_known_after_a_crash() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    stored(&mut server, stream(), 1);
    hear(&mut server, &moved(3, 3));
    acknowledged(&mut server);
    numbers(&mut server);
    crash(&mut server, PLENTY);
    server.feed(switchback_engine::Input::Wake);
    assert_eq!(numbers(&mut server), [3]);
    hear(&mut server, &moved(4, 3));
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(4));
}

#[test]
fn after_a_crash_what_was_acknowledged_is_sent_again() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    hear(&mut server, &numbered(2));
    stored(&mut server, stream(), 1);
    hear(&mut server, &numbered(3));
    crash(&mut server, PLENTY);
    server.feed(switchback_engine::Input::Wake);
    assert_eq!(numbers(&mut server), [2, 3], "not what the target has");
    hear(&mut server, &numbered(2));
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(3));
}

#[test]
fn what_the_target_has_is_not_synced_by_itself_and_is_learnt_again_after_a_crash() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    stored(&mut server, stream(), 1);
    crash(&mut server, PLENTY);
    server.feed(switchback_engine::Input::Wake);
    assert_eq!(numbers(&mut server), [1], "once more");
    stored(&mut server, stream(), 1);
    assert_eq!(server.role.cached_bytes(), 0);
}

#[test]
fn after_a_crash_what_was_not_acknowledged_comes_again_from_the_agent() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    acknowledged(&mut server);
    server.at_once.syncs = false;
    hear(&mut server, &numbered(2));
    assert!(acknowledged(&mut server).is_empty());
    crash(&mut server, PLENTY);
    server.at_once.syncs = true;
    frames(&mut server);
    hear(&mut server, &numbered(2));
    assert_eq!(numbers(&mut server).last(), Some(&2));
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(2));
}

#[test]
fn a_cache_that_recovers_wants_to_send_without_being_spoken_to() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    crash(&mut server, PLENTY);
    server.wait(60 * SECOND);
    assert!(numbers(&mut server).contains(&1), "nobody else knows that it has something");
}

#[test]
fn a_sync_that_failed_is_made_again_and_nothing_is_acknowledged_meanwhile() {
    let mut server = server(PLENTY);
    server.at_once.syncs = false;
    hear(&mut server, &numbered(1));
    server.finish_sync(false);
    hear(&mut server, &numbered(2));
    assert!(!server.store.is_syncing(), "not at once");
    server.wait(5 * SECOND);
    assert!(acknowledged(&mut server).is_empty());
    server.finish_sync(true);
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(2));
    let kept =
        server.store.durable().iter().filter(|record| matches!(record, ProcessServerRecord::Frame(..)));
    assert_eq!(kept.count(), 2, "each once");
}

#[test]
fn frames_the_target_does_not_answer_for_are_probed_one_at_a_time() {
    let mut server = server(PLENTY);
    (1..=3).for_each(|number| hear(&mut server, &numbered(number)));
    assert_eq!(numbers(&mut server), [1, 2, 3]);
    server.wait(3 * SECOND);
    assert_eq!(numbers(&mut server), [1]);
    stored(&mut server, stream(), 2);
    assert_eq!(numbers(&mut server), [3]);
    stored(&mut server, stream(), 3);
    server.wait(120 * SECOND);
    assert!(numbers(&mut server).is_empty());
}

#[test]
fn a_stream_that_the_target_has_ended_is_dropped_and_its_agent_freed() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    acknowledged(&mut server);
    stored(&mut server, stream(), u64::MAX);
    assert_eq!(server.role.cached_bytes(), 0);
    frames(&mut server);
    hear(&mut server, &numbered(2));
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(u64::MAX));
    assert!(frames(&mut server).is_empty());

    crash(&mut server, PLENTY);
    hear(&mut server, &numbered(3));
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(u64::MAX), "also after a crash");
    let next = StreamKey { generation: GENERATION + 1, session: 1, ..stream() };
    hear(&mut server, &batch(next, 1, vec![change(1, 1, 1)]));
    assert_eq!(numbers(&mut server), [1], "the next run of replication is another matter");
}

#[test]
fn an_acknowledgement_of_another_stream_frees_nothing() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    stored(&mut server, key(disk(1, 0), 7), u64::MAX);
    stored(&mut server, key(disk(1, 1), 1), u64::MAX);
    assert!(server.role.cached_bytes() > 0);
}

#[test]
fn comparisons_are_relayed_to_the_target_and_their_answers_to_the_agent() {
    let mut server = server(PLENTY);
    let range = SectorRange::new(0, 100);
    let compare = Compare { stream: stream(), range, block_sectors: 100, digests: vec![1] };
    server.hear(agent(1), Message::Compare(Arc::new(compare.clone())));
    let relayed = server.take(|effect| match effect {
        Effect::Send { to, message: Message::Compare(compare) } => Some((*to, (**compare).clone())),
        _ => None,
    });
    assert_eq!(relayed, [(TARGET, compare)]);
    let heartbeat = server.sent();
    assert!(matches!(&heartbeat[..], [(_, Message::ProcessServerStatus(_))]), "{heartbeat:?}");
    let answer = |session| {
        Message::Differs(Arc::new(Differs { stream: key(disk(1, 0), session), range, ranges: vec![range] }))
    };
    server.hear(TARGET, answer(2));
    assert!(server.sent().is_empty(), "an answer for a session that nobody has heard of");
    server.hear(TARGET, answer(1));
    let relayed = server.sent();
    assert!(matches!(&relayed[..], [(to, Message::Differs(_))] if *to == agent(1)), "{relayed:?}");
}

#[test]
fn a_comparison_of_a_newer_session_drops_the_cached_frames_of_the_older() {
    let mut server = server(PLENTY);
    hear(&mut server, &numbered(1));
    let compare = Compare {
        stream: key(disk(1, 0), 2),
        range: SectorRange::new(0, 1),
        block_sectors: 1,
        digests: vec![0],
    };
    server.hear(agent(1), Message::Compare(Arc::new(compare)));
    assert_eq!(server.role.cached_bytes(), 0);
}

#[test]
fn compaction_keeps_everything_that_the_target_does_not_have() {
    let mut server = server(PLENTY);
    // Large in bytes, small in memory: stamps weigh what they would weigh.
    let large = |number| batch(stream(), number, vec![change(number, 0, 65_536)]);
    let over = key(disk(2, 0), 1);
    server.hear(agent(2), Message::Batch(Arc::new(batch(over, 1, vec![change(1, 0, 1)]))));
    stored(&mut server, over, u64::MAX);
    let mut number = 0;
    while server.store.compactions < 2 {
        number += 1;
        hear(&mut server, &large(number));
        if number % 8 != 0 {
            stored(&mut server, stream(), number - number % 8);
        }
        assert!(number < 1000, "the log is rewritten now and then");
    }
    assert!(server.store.durable().len() < number as usize);
    hear(&mut server, &large(number + 1));
    hear(&mut server, &large(number + 2));
    let before = server.role.cached_bytes();
    crash(&mut server, PLENTY);
    assert_eq!(server.role.cached_bytes(), before);
    server.feed(switchback_engine::Input::Wake);
    let sent = numbers(&mut server);
    assert!(!sent.is_empty() && sent.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sent:?}");
    stored(&mut server, stream(), number + 2);
    assert_eq!(server.role.cached_bytes(), 0);
    hear(&mut server, &large(number + 3));
    assert_eq!(acknowledged(&mut server).last().map(|(upto, _)| *upto), Some(number + 3));
    server.hear(agent(2), Message::Batch(Arc::new(batch(over, 2, vec![change(1, 0, 1)]))));
    assert_eq!(
        acknowledged(&mut server).last().map(|(upto, _)| *upto),
        Some(u64::MAX),
        "what was over stays over"
    );
}
