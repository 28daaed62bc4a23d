//! Short stories with a point each.

use core::time::Duration;

use super::super::*;
use super::world::*;
use crate::content::Stamp;
use crate::extent::{Piece, SectorRange};
use crate::message::Selector;
use crate::point::Consistency::{Application, Crash};

const ALONE: MachineId = MachineId(1);

fn sector<C: Content>(view: &View<C>, sector: u64) -> Option<C> {
    match view.read(SectorRange::new(sector, 1)).remove(0) {
        Piece::Run(run) => Some(run.content),
        Piece::Hole(_) => None,
    }
}

fn stamp(write: u64) -> Option<Stamp> {
    Some(Stamp { write, skip: 0 })
}

#[test]
fn a_point_holds_what_was_written_before_its_marker_and_nothing_after() {
    let mut world = World::<Stamp>::new(&[1]);
    let before = world.write(disk(1, 0), 5, 1, false);
    let point = world.mark(Crash, None);
    let after = world.write(disk(1, 0), 5, 1, false);
    world.round(ALONE, true, None);
    world.deliver_all();
    assert_eq!(sector(&world.journal.view(disk(1, 0), point).unwrap(), 5), stamp(before));
    assert_eq!(sector(&world.journal.head(disk(1, 0)).unwrap(), 5), stamp(after));
}

#[test]
fn a_point_exists_once_the_last_disk_of_the_last_machine_carries_its_marker() {
    let mut world = World::<Stamp>::new(&[2, 1]);
    let point = world.mark(Application, None);
    assert_eq!(world.deliver(disk(1, 0), 9), []);
    assert_eq!(world.deliver(disk(2, 0), 9), []);
    let completed = world.deliver(disk(1, 1), 9);
    assert_eq!(completed, [RecoveryPoint { id: point, consistency: Application, at: world.now }]);
}

#[test]
fn a_marker_that_misses_a_machine_never_becomes_a_point() {
    let mut world = World::<Stamp>::new(&[1, 1]);
    let early = world.write(disk(1, 0), 0, 1, false);
    world.mark(Crash, Some(MachineId(2)));
    world.write(disk(1, 0), 0, 1, false);
    let whole = world.mark(Crash, None);
    let completed: Vec<_> = world.deliver_all().iter().map(|point| point.id).collect();
    assert_eq!(completed, [whole]);
    assert_eq!(sector(&world.journal.view(disk(1, 0), whole).unwrap(), 0), stamp(early + 1));
    world.check().unwrap();
}

#[test]
fn latest_is_the_newest_round_that_all_disks_have_ended() {
    let mut world = World::<Stamp>::new(&[2]);
    world.mark(Crash, None);
    world.deliver_all();
    let common = world.write(disk(1, 0), 0, 1, false);
    world.round(ALONE, true, None);
    world.deliver_all();
    world.write(disk(1, 0), 0, 1, false);
    world.round(ALONE, true, None);
    world.deliver(disk(1, 0), 9);
    let chosen = world.choose(Selector::Latest).unwrap();
    assert_eq!(chosen.id, point_id(2));
    assert_eq!(sector(&world.journal.view(disk(1, 0), chosen.id).unwrap(), 0), stamp(common));
    world.check().unwrap();
}

#[test]
fn latest_is_the_newest_point_when_the_rounds_after_it_are_empty_or_inconsistent() {
    let mut world = World::<Stamp>::new(&[1]);
    world.write(disk(1, 0), 0, 1, false);
    let point = world.mark(Crash, None);
    world.round(ALONE, true, None);
    world.write(disk(1, 0), 0, 1, false);
    world.round(ALONE, false, None);
    world.deliver_all();
    assert_eq!(world.choose(Selector::Latest).unwrap().id, point);
}

#[test]
fn latest_of_several_machines_is_their_newest_common_marker() {
    let mut world = World::<Stamp>::new(&[1, 1]);
    let point = world.mark(Crash, None);
    world.write(disk(1, 0), 0, 1, false);
    world.round(MachineId(1), true, None);
    world.round(MachineId(2), true, None);
    world.deliver_all();
    assert_eq!(world.choose(Selector::Latest).unwrap().id, point);
}

#[test]
fn a_cut_of_an_old_session_is_not_common_with_a_new_one() {
    let mut world = World::<Stamp>::new(&[2]);
    world.write(disk(1, 0), 0, 1, false);
    world.round(ALONE, true, None);
    world.deliver(disk(1, 0), 9);
    world.restart(ALONE);
    world.write(disk(1, 1), 0, 1, false);
    world.round(ALONE, true, None);
    world.deliver(disk(1, 1), 9);
    assert_eq!(world.choose(Selector::Latest), None);
}

#[test]
fn a_marker_in_two_sessions_of_a_machine_is_not_one_cut() {
    let mut world = World::<Stamp>::new(&[2]);
    let marker = marker(point_id(1), Crash, Instant::ZERO);
    world.round(ALONE, true, Some(marker));
    let mut frames = world.take_sent(disk(1, 0));
    world.restart(ALONE);
    world.round(ALONE, true, Some(marker));
    frames.extend(world.take_sent(disk(1, 1)));
    frames.extend(world.take_sent(disk(1, 0)));
    let completed = frames.iter().map(|frame| world.journal.append(frame, &Arc::from([])).point.is_some());
    assert_eq!(completed.collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn zeroes_hide_what_is_below() {
    let mut world = World::<Stamp>::new(&[1]);
    world.write(disk(1, 0), 0, 8, false);
    world.mark(Crash, None);
    world.deliver_all();
    world.fold_begin();
    world.fold_end();
    world.write(disk(1, 0), 2, 2, true);
    let point = world.mark(Crash, None);
    world.deliver_all();
    let view = world.journal.view(disk(1, 0), point).unwrap();
    assert_eq!(sector(&view, 2), Some(Stamp::zero()));
    assert_eq!(sector(&view, 4), None, "the base holds it");
    world.check().unwrap();
}

#[test]
fn giving_up_points_gives_segments_back_and_changes_no_point_that_is_kept() {
    let mut world = World::<Stamp>::new(&[1]);
    let points: Vec<_> = (0..5)
        .map(|_| {
            world.write(disk(1, 0), 0, 4, false);
            world.mark(Crash, None)
        })
        .collect();
    world.deliver_all();
    assert_eq!(world.journal.stats().segments, 5);
    world.give_up(&points[1..4]);
    assert_eq!(world.journal.take_deleted_segments(), [SegmentId(1), SegmentId(2), SegmentId(3)]);
    let stats = world.journal.stats();
    assert_eq!((stats.points, stats.epochs, stats.live_bytes, stats.dead_bytes), (2, 2, 2 * 4 * 512, 0));
}

#[test]
fn the_model_notices_a_merge_across_a_kept_point() {
    let mut world = World::<Stamp>::new(&[1]);
    for _ in 0..2 {
        world.write(disk(1, 0), 0, 4, false);
        world.mark(Crash, None);
    }
    world.deliver_all();
    world.check().unwrap();
    merge_across_kept_points(&mut world.journal);
    assert!(world.check().unwrap_err().contains("sector 0"));
}

#[test]
fn the_model_notices_a_fold_past_the_oldest_point() {
    let mut world = World::<Stamp>::new(&[1]);
    world.write(disk(1, 0), 0, 4, true);
    world.mark(Crash, None);
    world.write(disk(1, 0), 8, 4, false);
    world.mark(Crash, None);
    world.deliver_all();
    let mut forgetful = world.clone();
    let oldest = forgetful.journal.points[0];
    forgetful.journal.points.remove(0);
    let gone = oldest.id..=oldest.id;
    let logs = forgetful.journal.disks.values_mut();
    logs.for_each(|log| log.keep_points(&[point_id(2)], &gone, &mut Vec::new()));
    forgetful.fold_begin();
    forgetful.fold_end();
    forgetful.journal.points.insert(0, oldest);
    assert!(forgetful.check().unwrap_err().contains("sector 8"));
}

#[test]
fn a_first_copy_flows_through_the_journal_before_there_is_a_point() {
    let mut world = World::<Stamp>::new(&[2]);
    for start in 0..4 {
        world.write(disk(1, 0), start * 4, 4, false);
        world.round(ALONE, false, None);
    }
    world.deliver_all();
    world.fold_begin();
    world.fold_end();
    assert_eq!(world.journal.stats(), JournalStats::default());
    world.check().unwrap();
    world.mark(Crash, None);
    assert_eq!(world.deliver_all().len(), 1);
    world.check().unwrap();
}

#[test]
fn a_fold_that_is_overtaken_by_a_point_takes_nothing_away() {
    let mut world = World::<Stamp>::new(&[1]);
    world.write(disk(1, 0), 0, 4, false);
    world.flush(disk(1, 0));
    world.deliver_all();
    world.fold_begin();
    world.mark(Crash, None);
    world.deliver_all();
    world.fold_end();
    assert_eq!(world.journal.stats().epochs, 1);
    world.check().unwrap();
}

#[test]
fn an_open_view_does_not_see_what_the_journal_does_later() {
    let mut world = World::<Stamp>::new(&[1]);
    let first = world.write(disk(1, 0), 0, 1, false);
    let point = world.mark(Crash, None);
    world.deliver_all();
    let view = world.journal.view(disk(1, 0), point).unwrap();
    world.write(disk(1, 0), 0, 1, false);
    world.mark(Crash, None);
    world.deliver_all();
    world.give_up(&[point]);
    assert!(world.journal.view(disk(1, 0), point).is_none());
    assert_eq!(sector(&view, 0), stamp(first));
}

#[test]
fn a_promoted_machine_has_one_point_and_takes_nothing_more() {
    let mut world = World::<Stamp>::new(&[1, 1]);
    for machine in [1, 2] {
        world.write(disk(machine, 0), 0, 1, false);
    }
    let wanted = world.mark(Crash, None);
    world.write(disk(1, 0), 0, 1, false);
    let newer = world.mark(Crash, None);
    world.deliver_all();
    let mut journal = world.journal;
    let plan = journal.promote_plan(MachineId(1), wanted).unwrap();
    assert_eq!(plan.len(), 1);
    assert_eq!((plan[0].0, plan[0].1[0].content), (disk(1, 0), Stamp { write: 1, skip: 0 }));
    journal.promoted(MachineId(1), wanted);
    assert_eq!(journal.view(disk(1, 0), wanted).unwrap().changes().len(), 0);
    assert!(journal.view(disk(1, 0), newer).is_none());
    assert!(journal.fold_plan().unwrap().disks().iter().all(|(id, _)| id.machine == MachineId(2)));
    assert_eq!(sector(&journal.view(disk(2, 0), newer).unwrap(), 0), stamp(2));
}

#[test]
fn pinned_points_outlive_the_window() {
    let mut world = World::<Stamp>::new(&[1]);
    let old = world.mark(Crash, None);
    world.now = Instant::ZERO + Duration::from_secs(48 * 60 * 60);
    world.mark(Crash, None);
    world.deliver_all();
    assert_eq!(world.journal.prune(world.now, &[old]), 0);
    assert_eq!(world.journal.prune(world.now, &[]), 1);
    assert_eq!(world.journal.points().len(), 1);
}

#[test]
fn frames_of_another_generation_or_disk_change_nothing() {
    let mut world = World::<Stamp>::new(&[1]);
    let mut journal: GroupJournal<Stamp> = GroupJournal::new(&JournalSpec { generation: 99, ..spec(&[1]) });
    world.write(disk(1, 0), 0, 1, false);
    world.mark(Crash, None);
    for frame in &world.take_sent(disk(1, 0)) {
        assert_eq!(journal.append(frame, &Stamp::unpack(&frame.packed).unwrap()), Appended::default());
    }
    assert_eq!(journal.stats(), JournalStats::default());
}

#[test]
fn a_checkpoint_weighs_its_index_and_the_payload_it_points_at() {
    let mut world = World::<Stamp>::new(&[1]);
    assert_eq!(world.journal.checkpoint().bytes(), 0);
    world.write(disk(1, 0), 0, 4, false);
    world.mark(Crash, None);
    world.deliver_all();
    // One run in one segment: what they count for, and not what they weigh.
    let index = 24 + 40;
    assert!(world.journal.stats().index_bytes > 0);
    assert_eq!(world.journal.checkpoint().bytes(), index + 4 * 512);
}
