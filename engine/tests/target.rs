//! The target: what it acknowledges it keeps, what it calls a point it can show, and what it promotes is on the disk.

mod common;

use std::sync::Arc;

use common::disk::Disk;
use common::stream::{
    GENERATION, GROUP, NEWEST_ONLY, POLICY, SERVER, Sample, change, disk, frame, key, marked, point, round,
    spec,
};
use common::target::{
    Bed, ONE_MACHINE, acknowledged, at, at_point, chosen, finish, hear, numbered, points, recover, replica,
    shown, statuses, stream, target, with_points,
};
use common::{AtOnce, Bench, SECOND, only_answer};
use switchback_engine::content::Body;
use switchback_engine::extent::Change;
use switchback_engine::message::{Answer, Compare, JournalSpec, Observation, Order, Selector};
use switchback_engine::target::{Target, TargetRecord};
use switchback_engine::{
    Block, Consistency, Content, Effect, Frame, Input, MachineId, Message, PointId, SectorRange, Site, Stamp,
    StreamKey,
};

#[test]
fn a_frame_is_acknowledged_only_when_it_is_durable() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    target.at_once = AtOnce { syncs: false, ..AtOnce::ALL };
    hear(&mut target, &numbered(0, 1, None));
    assert!(acknowledged(&mut target).is_empty());
    target.finish_sync(true);
    assert_eq!(acknowledged(&mut target), [1]);
}

#[test]
fn a_failed_sync_is_made_again_and_nothing_is_acknowledged_meanwhile() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    target.at_once.syncs = false;
    hear(&mut target, &numbered(0, 1, None));
    target.finish_sync(false);
    assert!(acknowledged(&mut target).is_empty());
    target.wait(6 * SECOND);
    target.finish_sync(true);
    assert_eq!(acknowledged(&mut target), [1]);
    recover(&mut target);
    hear(&mut target, &numbered(0, 2, None));
    target.finish_sync(true);
    assert_eq!(acknowledged(&mut target), [2], "it had kept the first");
}

#[test]
fn a_point_is_announced_only_when_it_is_durable() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    target.at_once.syncs = false;
    for index in [0, 1] {
        hear(&mut target, &numbered(index, 1, Some(marked(1, at(10), Consistency::Crash, false))));
    }
    assert_eq!(points(&target), [1]);
    target.finish_sync(true);
    assert!(target.observed().is_empty(), "the second frame shares the next sync");
    target.finish_sync(false);
    assert!(target.observed().is_empty());
    target.wait(6 * SECOND);
    target.finish_sync(true);
    let point = target.role.journal(GROUP).expect("it is open").points()[0];
    assert_eq!(target.observed(), [Observation::PointCreated { group: GROUP, point }]);
}

#[test]
fn frames_are_taken_in_order_once_and_acknowledged_in_any_case() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    hear(&mut target, &numbered(0, 2, None));
    assert_eq!(acknowledged(&mut target), [0], "a gap");
    hear(&mut target, &numbered(0, 1, None));
    hear(&mut target, &numbered(0, 1, None));
    hear(&mut target, &numbered(0, 2, None));
    assert_eq!(acknowledged(&mut target), [1, 1, 2]);
}

#[test]
fn older_sessions_and_generations_are_told_that_they_are_over_and_newer_ones_must_wait() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    let of =
        |generation, session| frame(StreamKey { generation, session, ..stream(0) }, 1, vec![change(1, 1, 1)]);
    hear(&mut target, &of(GENERATION, 2));
    assert_eq!(acknowledged(&mut target), [1]);
    hear(&mut target, &of(GENERATION, 1));
    hear(&mut target, &of(GENERATION - 1, 5));
    assert_eq!(acknowledged(&mut target), [u64::MAX, u64::MAX]);
    hear(&mut target, &of(GENERATION + 1, 1));
    assert!(acknowledged(&mut target).is_empty(), "its journal is still to be opened");
}

#[test]
fn frames_of_disks_that_no_journal_has_are_not_answered() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    hear(&mut target, &frame(key(disk(1, 2), 1), 1, vec![change(1, 1, 1)]));
    hear(&mut target, &frame(key(disk(9, 0), 1), 1, vec![change(1, 1, 1)]));
    assert!(acknowledged(&mut target).is_empty());
}

#[test]
fn a_point_exists_only_when_all_disks_carry_its_marker() {
    let mut target = target::<Stamp>(&[(1, &[100, 100]), (2, &[100])], POLICY);
    let end = Some(marked(1, at(10), Consistency::Crash, false));
    hear(&mut target, &numbered(0, 1, end));
    hear(&mut target, &numbered(1, 1, end));
    assert!(points(&target).is_empty());
    hear(&mut target, &Frame { round_end: end, ..frame(key(disk(2, 0), 1), 1, vec![change(5, 5, 1)]) });
    assert_eq!(points(&target), [1]);
    assert_eq!(statuses(&mut target).last().map(|status| status.points.len()), Some(1));
}

#[test]
fn control_hears_of_a_point_only_when_it_is_durable() {
    let mut target = target::<Stamp>(&[(1, &[100])], POLICY);
    target.at_once.syncs = false;
    hear(&mut target, &numbered(0, 1, Some(marked(1, at(10), Consistency::Crash, false))));
    assert!(statuses(&mut target).is_empty());
    while target.finish_sync(true) {}
    assert_eq!(statuses(&mut target).last().map(|status| status.points.len()), Some(1));
}

#[test]
fn the_last_marker_of_all_disks_says_that_the_source_was_shut_down_and_a_later_frame_that_it_runs() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    let last = Some(marked(1, at(10), Consistency::Crash, true));
    hear(&mut target, &numbered(0, 1, last));
    assert!(statuses(&mut target).iter().all(|status| status.shut_down.is_empty()));
    hear(&mut target, &numbered(1, 1, last));
    assert_eq!(statuses(&mut target).last().map(|status| status.shut_down.clone()), Some(vec![MachineId(1)]));
    hear(&mut target, &numbered(0, 2, None));
    assert_eq!(statuses(&mut target).last().map(|status| status.shut_down.clone()), Some(vec![]));
}

#[test]
fn each_selector_chooses_its_point_and_the_same_one_when_asked_again() {
    let choices = [
        (Selector::LatestProcessed, 2),
        (Selector::LatestApplication, 1),
        (Selector::LatestCrash, 2),
        (Selector::Exactly(point(1)), 1),
        (Selector::Exactly(point(2)), 2),
    ];
    for (selector, number) in choices {
        let mut target = with_points::<Stamp>(POLICY);
        assert_eq!(chosen(&mut target, 5, selector).id.number, number, "{selector:?}");
        assert_eq!(chosen(&mut target, 6, selector).id.number, number);
        recover(&mut target);
        assert_eq!(chosen(&mut target, 7, selector).id.number, number, "also after a crash");
        assert_eq!(
            chosen(&mut target, 8, Selector::LatestProcessed).id.number,
            2,
            "another wish is another point"
        );
    }
}

#[test]
fn latest_makes_a_point_of_the_newest_round_that_all_disks_have_ended() {
    let mut target = with_points::<Stamp>(POLICY);
    hear(&mut target, &numbered(0, 4, Some(round(4, at(40)))));
    let latest = chosen(&mut target, 5, Selector::Latest);
    assert_eq!((latest.at, latest.consistency), (at(30), Consistency::Crash));
    let sector =
        |target: &mut Bed<Stamp>, index, sector| at_point(target, index, latest.id).sector(sector).write;
    assert_eq!((sector(&mut target, 0, 3), sector(&mut target, 1, 3)), (30, 31));
    assert_eq!(sector(&mut target, 0, 4), 0, "a round that only one disk has ended");
}

#[test]
fn after_a_finish_nothing_more_is_taken_and_the_sender_is_told() {
    let mut target = with_points::<Stamp>(POLICY);
    chosen(&mut target, 5, Selector::LatestProcessed);
    acknowledged(&mut target);
    hear(&mut target, &numbered(0, 4, None));
    assert_eq!(acknowledged(&mut target), [u64::MAX]);
    recover(&mut target);
    hear(&mut target, &numbered(0, 4, None));
    assert_eq!(acknowledged(&mut target), [u64::MAX]);
}

#[test]
fn without_a_point_to_choose_replication_goes_on() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    hear(&mut target, &numbered(0, 1, None));
    for selector in [
        Selector::Latest,
        Selector::LatestProcessed,
        Selector::LatestApplication,
        Selector::Exactly(point(1)),
    ] {
        target.order(5, finish(selector));
        assert!(matches!(only_answer(&mut target, 5), Answer::NoSuchPoint), "{selector:?}");
    }
    acknowledged(&mut target);
    hear(&mut target, &numbered(0, 2, None));
    assert_eq!(acknowledged(&mut target), [2]);
}

#[test]
fn orders_for_other_groups_generations_and_roles_are_unknown() {
    let mut target = with_points::<Stamp>(POLICY);
    let older = Order::Finish {
        group: GROUP,
        generation: GENERATION - 1,
        machine: MachineId(1),
        selector: Selector::Latest,
    };
    target.order(5, older);
    assert!(matches!(only_answer(&mut target, 5), Answer::Unknown));
    target.order(6, Order::StopReplication { generation: GENERATION });
    assert!(matches!(only_answer(&mut target, 6), Answer::Unknown));
    let older = JournalSpec { generation: GENERATION - 1, ..spec(ONE_MACHINE, POLICY) };
    target.order(7, Order::OpenJournal(older));
    assert!(matches!(only_answer(&mut target, 7), Answer::Unknown));
    assert_eq!(points(&target), [1, 2]);
}

#[test]
fn opening_a_journal_again_changes_nothing() {
    let mut target = with_points::<Stamp>(POLICY);
    target.order(1, Order::OpenJournal(spec(ONE_MACHINE, POLICY)));
    assert!(matches!(only_answer(&mut target, 1), Answer::Done));
    assert_eq!(points(&target), [1, 2]);
}

fn open(number: u64) -> Order {
    Order::OpenPoint { group: GROUP, machine: MachineId(1), point: point(number) }
}

#[test]
fn a_view_shows_its_point_whatever_comes_later() {
    let mut target = with_points::<Stamp>(POLICY);
    target.order(5, open(1));
    let Answer::Views(views) = only_answer(&mut target, 5) else { panic!("views are wanted") };
    assert_eq!(views.len(), 2);
    for number in 4..10 {
        hear(&mut target, &frame(stream(0), number, vec![change(500 + number, 0, 50)]));
    }
    let first = shown(&mut target, &views[0]);
    assert_eq!((first.sector(1).write, first.sector(2).write), (10, 0));
    let second = shown(&mut target, &views[1]);
    assert_eq!((second.sector(1).write, second.sector(2).write), (11, 0));
    target.order(6, open(9));
    assert!(matches!(only_answer(&mut target, 6), Answer::NoSuchPoint));
}

fn promote(number: u64) -> Order {
    Order::Promote { group: GROUP, machine: MachineId(1), point: point(number) }
}

#[test]
fn promotion_writes_exactly_the_point_and_answers_when_it_is_durable() {
    let mut target = with_points::<Stamp>(POLICY);
    let wanted = [at_point(&mut target, 0, point(2)), at_point(&mut target, 1, point(2))];
    chosen(&mut target, 5, Selector::Exactly(point(2)));
    target.at_once.writes = false;
    target.order(6, promote(2));
    target.order(6, promote(2));
    target.finish_write(true);
    assert!(target.answers().is_empty(), "one disk of two");
    while target.finish_write(true) {}
    assert!(matches!(only_answer(&mut target, 6), Answer::Done), "once, for an order that came twice");
    for (index, wanted) in (0..).zip(&wanted) {
        assert!(target.disk(replica(index)).holds_the_same(wanted));
    }
    target.order(7, promote(2));
    assert!(matches!(only_answer(&mut target, 7), Answer::Done), "it is done");
    target.order(8, promote(1));
    assert!(matches!(only_answer(&mut target, 8), Answer::NoSuchPoint));
    recover(&mut target);
    target.order(9, promote(2));
    while target.finish_write(true) {}
    assert!(matches!(only_answer(&mut target, 9), Answer::Done));
}

#[test]
fn a_promotion_is_tried_again_when_a_disk_fails() {
    let mut target = with_points::<Stamp>(POLICY);
    let wanted = at_point(&mut target, 0, point(2));
    target.at_once.writes = false;
    while target.finish_write(true) {}
    chosen(&mut target, 5, Selector::LatestProcessed);
    target.order(6, promote(2));
    target.finish_write(true);
    target.finish_write(false);
    target.wait(4 * SECOND);
    assert!(target.writes.is_empty() && target.answers().is_empty());
    target.wait(2 * SECOND);
    while target.finish_write(true) {}
    assert!(matches!(only_answer(&mut target, 6), Answer::Done));
    assert!(target.disk(replica(0)).holds_the_same(&wanted));
}

#[test]
fn a_disk_that_answers_late_after_another_failed_does_not_keep_the_target_awake() {
    let mut target = with_points::<Stamp>(POLICY);
    target.at_once.writes = false;
    while target.finish_write(true) {}
    chosen(&mut target, 5, Selector::LatestProcessed);
    target.order(6, promote(2));
    target.finish_write(false);
    target.wait(20 * SECOND);
    target.finish_write(true);
    while target.finish_write(true) {}
    assert!(matches!(only_answer(&mut target, 6), Answer::Done));
}

#[test]
fn a_closed_journal_leaves_the_point_it_was_told_to_on_the_disks() {
    let close = |fold| Order::CloseJournal { group: GROUP, generation: GENERATION, fold };
    let mut target = with_points::<Stamp>(POLICY);
    let wanted = [at_point(&mut target, 0, point(2)), at_point(&mut target, 1, point(2))];
    target.at_once.writes = false;
    target.order(5, close(Some(point(2))));
    assert!(target.answers().is_empty());
    while target.finish_write(true) {}
    assert!(matches!(only_answer(&mut target, 5), Answer::Done));
    for (index, wanted) in (0..).zip(&wanted) {
        assert!(target.disk(replica(index)).holds_the_same(wanted));
    }
    assert!(target.role.journal(GROUP).is_none());
    target.order(6, close(None));
    assert!(matches!(only_answer(&mut target, 6), Answer::Done));
    recover(&mut target);
    assert!(target.role.journal(GROUP).is_none());
}

#[test]
fn the_negative_twin_a_journal_closed_without_a_point_writes_nothing() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    hear(&mut target, &numbered(0, 1, None));
    target.order(5, Order::CloseJournal { group: GROUP, generation: GENERATION, fold: None });
    assert!(matches!(only_answer(&mut target, 5), Answer::Done));
    assert!(target.disk(replica(0)).all().is_empty());
}

#[test]
fn folds_wait_until_the_log_is_durable() {
    let mut target = target::<Stamp>(&[(1, &[100])], NEWEST_ONLY);
    target.at_once = AtOnce { syncs: false, writes: false, ..AtOnce::ALL };
    for number in 1..=2 {
        let end = marked(number, at(number * 10), Consistency::Crash, false);
        hear(&mut target, &numbered(0, number, Some(end)));
    }
    assert!(target.writes.is_empty(), "a crash now would forget what was given up");
    while target.finish_sync(true) {}
    assert!(!target.writes.is_empty());
    let newest = at_point(&mut target, 0, point(2));
    while target.finish_write(true) || target.finish_sync(true) {}
    assert!(!target.disk(replica(0)).all().is_empty());
    assert!(at_point(&mut target, 0, point(2)).holds_the_same(&newest));
    recover(&mut target);
    assert!(at_point(&mut target, 0, point(2)).holds_the_same(&newest));
}

#[test]
fn a_fold_under_way_when_a_newer_generation_begins_takes_nothing_of_it() {
    let mut target = target::<Stamp>(&[(1, &[1 << 20])], POLICY);
    target.at_once.writes = false;
    // A first copy that is large enough to be folded before there is a point.
    hear(&mut target, &frame(stream(0), 1, vec![change(1, 0, 200_000)]));
    assert!(!target.writes.is_empty());
    let newer = JournalSpec { generation: GENERATION + 1, ..spec(&[(1, &[1 << 20])], POLICY) };
    target.order(5, Order::OpenJournal(newer.clone()));
    let next = StreamKey { generation: GENERATION + 1, ..stream(0) };
    hear(&mut target, &frame(next, 1, vec![change(7, 5, 1)]));
    while target.finish_write(true) {}
    target.order(5, Order::OpenJournal(newer));
    hear(&mut target, &frame(next, 1, vec![change(7, 5, 1)]));
    let head = target.role.journal(GROUP).and_then(|journal| journal.head(disk(1, 0)));
    let head = head.expect("the journal is open");
    assert_eq!(shown(&mut target, &head).sector(5).write, 7);
}

/// A question about the blocks of 8 sectors of disk 0, as a source would ask that holds these runs.
fn question(stream: StreamKey, blocks: u64, source: &[Change<Stamp>]) -> Compare {
    const BLOCK: u64 = 2048;
    let source = Disk::of(source);
    let digest = |block: u64| {
        let range = SectorRange::new(block * BLOCK, BLOCK);
        Stamp::digest_range(&source.read(range), range)
    };
    Compare {
        stream,
        range: SectorRange { start: 0, end: blocks * BLOCK },
        block_sectors: BLOCK as u32,
        digests: (0..blocks).map(digest).collect(),
    }
}

fn differing(target: &mut Bed<Stamp>) -> Vec<Vec<SectorRange>> {
    target.take(|effect| match effect {
        Effect::Send { to, message: Message::Differs(differs) } if *to == SERVER => {
            Some(differs.ranges.clone())
        }
        _ => None,
    })
}

#[test]
fn a_comparison_finds_exactly_the_blocks_that_differ_also_while_a_fold_runs() {
    let machines: &[(u32, &[u64])] = &[(1, &[6 * 2048])];
    let mut target = target::<Stamp>(machines, NEWEST_ONLY);
    target.disk(replica(0)).write(&[change(40, 5 * 2048, 2)]);
    target.at_once = AtOnce { reads: false, writes: false, ..AtOnce::ALL };
    let changes = vec![change(1, 0, 1), change(2, 2048, 1), change(3, 3 * 2048, 1)];
    let end = Some(marked(1, at(10), Consistency::Crash, false));
    hear(&mut target, &Frame { round_end: end, ..frame(stream(0), 1, changes) });
    assert_eq!(target.writes.len(), 1, "a fold is under way");
    let source = [change(1, 0, 1), change(9, 2048, 1), change(8, 2 * 2048, 1), change(40, 5 * 2048, 2)];
    let compare = question(key(disk(1, 0), 2), 6, &source);
    let ask = |target: &mut Bed<Stamp>| target.hear(SERVER, Message::Compare(Arc::new(compare.clone())));
    ask(&mut target);
    target.finish_write(true);
    target.finish_read_of_then();
    ask(&mut target);
    target.finish_read();
    let wanted = vec![SectorRange { start: 2048, end: 4 * 2048 }];
    assert_eq!(differing(&mut target), [wanted.clone(), wanted]);
}

#[test]
fn an_older_stream_is_over_once_a_newer_one_was_compared_also_after_a_crash() {
    let mut target = target::<Stamp>(&[(1, &[2048])], POLICY);
    let compare = question(key(disk(1, 0), 2), 1, &[]);
    target.hear(SERVER, Message::Compare(Arc::new(compare)));
    assert_eq!(differing(&mut target), [vec![]], "the same");
    hear(&mut target, &numbered(0, 1, None));
    assert_eq!(acknowledged(&mut target), [u64::MAX]);
    recover(&mut target);
    // It was late on the way. Taken now, it would undo what the comparison found.
    hear(&mut target, &numbered(0, 1, None));
    assert_eq!(acknowledged(&mut target), [u64::MAX]);
}

#[test]
fn a_comparison_is_answered_when_all_that_was_compared_is_durable() {
    let mut target = target::<Stamp>(&[(1, &[2048])], POLICY);
    target.at_once.syncs = false;
    hear(&mut target, &numbered(0, 1, None));
    target.hear(SERVER, Message::Compare(Arc::new(question(key(disk(1, 0), 2), 1, &[change(10, 1, 1)]))));
    assert!(differing(&mut target).is_empty());
    while target.finish_sync(true) {}
    assert_eq!(differing(&mut target), [vec![]]);
}

#[test]
fn comparisons_that_cannot_be_made_are_not_answered() {
    let mut target = with_points::<Stamp>(POLICY);
    target.at_once.reads = false;
    target.hear(SERVER, Message::Compare(Arc::new(question(key(disk(1, 0), 2), 1, &[]))));
    target.fail_read();
    target.hear(SERVER, Message::Compare(Arc::new(question(stream(0), 1, &[]))));
    assert!(target.reads.is_empty(), "an older session");
    chosen(&mut target, 5, Selector::LatestProcessed);
    target.hear(SERVER, Message::Compare(Arc::new(question(key(disk(1, 0), 3), 1, &[]))));
    assert!(target.reads.is_empty(), "a finished machine");
    assert!(differing(&mut target).is_empty());
}

#[test]
fn a_damaged_frame_is_not_acknowledged_and_the_same_frame_undamaged_is() {
    let mut target = target::<Block>(ONE_MACHINE, POLICY);
    let good = numbered::<Block>(0, 1, None);
    let Body::Bytes(body) = good.packed.body.clone() else { panic!("blocks are packed into bytes") };
    for bit in (0..body.len() * 8).step_by(37) {
        let mut bytes = body.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut damaged = good.clone();
        damaged.packed.body = Body::Bytes(bytes.into());
        hear(&mut target, &damaged);
        assert_eq!(acknowledged(&mut target), [0], "bit {bit}");
    }
    hear(&mut target, &good);
    assert_eq!(acknowledged(&mut target), [1]);
}

#[test]
fn points_beyond_the_window_are_given_up_and_stay_given_up() {
    let mut target = with_points::<Stamp>(NEWEST_ONLY);
    assert_eq!(points(&target), [2]);
    recover(&mut target);
    assert_eq!(points(&target), [2]);
}

/// The points that machine 1 can be recovered to: all of them until it is promoted.
fn visible_points<C: Content>(target: &Bed<C>) -> Vec<PointId> {
    let journal = target.role.journal(GROUP).expect("the journal is open");
    let ids = journal.points().iter().map(|point| point.id);
    ids.filter(|id| journal.view(disk(1, 0), *id).is_some()).collect()
}

/// A small history with folds, points given up, a choice and a promotion, and after each prefix of
/// what was logged the target as recovered from it.
fn every_prefix_recovers<C: Sample>() {
    let mut target = target::<C>(ONE_MACHINE, NEWEST_ONLY);
    // Before each step: how many records were durable, which points there were and what they showed.
    let mut before = Vec::new();
    let mut look = |target: &mut Bed<C>| {
        let ids = visible_points(target);
        let pictures: Vec<_> =
            ids.iter().map(|id| [0, 1].map(|index| at_point(target, index, *id))).collect();
        before.push((target.store.durable().len(), ids, pictures, target.disks.clone()));
    };
    for number in 1..=6 {
        let end = match number {
            2 | 4 => Some(marked(number, at(number * 10), Consistency::Crash, false)),
            3 => Some(marked(number, at(number * 10), Consistency::Application, false)),
            _ => Some(round(number, at(number * 10))),
        };
        for index in 0..2 {
            hear(&mut target, &numbered(index, number, end));
            look(&mut target);
        }
    }
    let latest = chosen(&mut target, 5, Selector::Latest);
    look(&mut target);
    target.order(6, Order::Promote { group: GROUP, machine: MachineId(1), point: latest.id });
    look(&mut target);
    let records: Vec<TargetRecord<C>> = target.store.durable().to_vec();
    for (count, ids, pictures, disks) in before {
        let mut again = Bench::new(Target::recover(Site::Recovery, &records[..count]));
        again.disks = disks;
        assert_eq!(visible_points(&again), ids, "after {count} records");
        for (id, picture) in ids.iter().zip(&pictures) {
            for (index, wanted) in (0..).zip(picture) {
                assert!(
                    at_point(&mut again, index, *id).holds_the_same(wanted),
                    "{id:?} after {count} records"
                );
            }
        }
    }
    // Also prefixes that end between the records of one step are recovered from.
    for count in 0..=records.len() {
        let mut again = Bench::new(Target::<C>::recover(Site::Recovery, &records[..count]));
        again.feed(Input::Wake);
    }
}

#[test]
fn after_a_crash_at_any_step_points_and_views_are_the_same() {
    every_prefix_recovers::<Stamp>();
    every_prefix_recovers::<Block>();
}

#[test]
fn a_checkpoint_replaces_the_log_and_recovers_to_the_same() {
    let mut target = target::<Stamp>(&[(1, &[1 << 22])], POLICY);
    let mut number = 0;
    while target.store.compactions < 2 {
        number += 1;
        let end = marked(number, at(number), Consistency::Crash, false);
        let changes = vec![change(number, (number % 7) * 100_000, 131_072)];
        hear(&mut target, &Frame { round_end: Some(end), ..frame(stream(0), number, changes) });
        assert!(number < 100, "the log is replaced now and then");
    }
    let before = points(&target);
    let head = |target: &mut Bed<Stamp>| {
        let head = target.role.journal(GROUP).and_then(|journal| journal.head(disk(1, 0)));
        head.expect("the journal is open").changes()
    };
    let (shown, stored) = (head(&mut target), target.store.durable().len());
    assert!(stored < number as usize);
    recover(&mut target);
    assert_eq!(points(&target), before);
    assert_eq!(head(&mut target), shown);
    acknowledged(&mut target);
    hear(&mut target, &numbered(0, number + 1, None));
    assert_eq!(acknowledged(&mut target), [number + 1]);
}

#[test]
fn frames_of_a_journal_that_was_closed_are_wanted_no_more_also_after_a_crash() {
    let mut target = with_points::<Stamp>(POLICY);
    target.order(5, Order::CloseJournal { group: GROUP, generation: GENERATION, fold: None });
    assert!(matches!(only_answer(&mut target, 5), Answer::Done));
    acknowledged(&mut target);
    hear(&mut target, &numbered(0, 4, None));
    assert_eq!(acknowledged(&mut target), [u64::MAX]);
    recover(&mut target);
    hear(&mut target, &numbered(1, 4, None));
    assert_eq!(acknowledged(&mut target), [u64::MAX]);
}

#[test]
fn frames_of_a_journal_that_is_still_to_be_opened_are_not_taken_for_those_of_the_closed_one() {
    let mut target = with_points::<Stamp>(POLICY);
    target.order(5, Order::CloseJournal { group: GROUP, generation: GENERATION, fold: None });
    acknowledged(&mut target);
    let newer = StreamKey { generation: GENERATION + 1, ..stream(0) };
    hear(&mut target, &frame(newer, 1, vec![change(1, 1, 1)]));
    assert!(acknowledged(&mut target).is_empty());
}
