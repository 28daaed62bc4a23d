//! Changed-block tracking and snapshots with contents, against a model that compares every sector.

use proptest::prelude::*;
use switchback_disks::{
    AREAS_MAX, ChangeId, DiskChangeInfo, Provisioning, Since, SnapshotId, TRACKED_SECTORS, TrackedDisk,
    TrackingFault, VirtualDisk,
};
use switchback_engine::{Change, Content, SectorRange, Stamp};
use switchback_sim::{Chance, Seed};

/// Some tracked blocks, and a part of one.
const SECTORS: u64 = 20 * TRACKED_SECTORS + 40;
const SECTOR_BYTES: u64 = 512;

fn chance() -> Chance {
    Seed(1).chance("tracking")
}

fn write(number: u64, start: u64, sectors: u32) -> Change<Stamp> {
    Change { start, sectors, content: Stamp { write: number, skip: 0 } }
}

fn tracked(provisioning: Provisioning) -> TrackedDisk<Stamp> {
    let mut disk = TrackedDisk::new(VirtualDisk::new(SECTORS), provisioning);
    disk.want_tracking(true);
    // Not the epoch that a test begins next.
    disk.power_cycle(&mut Seed(2).chance("tracking"));
    disk
}

/// By sector: which write it holds, and which sector of that write.
fn expand(runs: &[Change<Stamp>]) -> Vec<(u64, u32)> {
    let mut model = vec![(0, 0); SECTORS as usize];
    for run in runs {
        for sector in 0..run.sectors {
            let stamp = run.content.part(sector, 1);
            model[run.start as usize + sector as usize] = (stamp.write, stamp.skip);
        }
    }
    model
}

fn covers(info: &DiskChangeInfo, sector: u64) -> bool {
    let byte = sector * SECTOR_BYTES;
    info.areas.iter().any(|area| (area.start..area.start + area.length).contains(&byte))
}

#[derive(Debug, Clone)]
enum Step {
    Write { start: u64, sectors: u32 },
    Snapshot,
    Remove(usize),
    Revert(usize),
    Flush,
    Crash(u64),
    Relocate,
    PowerCycle,
    Want(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = (0..SECTORS).prop_flat_map(|start| (Just(start), 1..=(SECTORS - start).min(300)));
    let step = prop_oneof![
        12 => place.prop_map(|(start, sectors)| Step::Write { start, sectors: sectors as u32 }),
        6 => Just(Step::Snapshot),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => any::<usize>().prop_map(Step::Revert),
        1 => Just(Step::Flush),
        1 => any::<u64>().prop_map(Step::Crash),
        1 => Just(Step::Relocate),
        1 => Just(Step::PowerCycle),
        1 => any::<bool>().prop_map(Step::Want),
    ];
    prop::collection::vec(step, 0..80)
}

/// A snapshot that was taken, whether it was removed since or not.
struct Taken {
    id: SnapshotId,
    change: Option<ChangeId>,
    held: Vec<(u64, u32)>,
    is_there: bool,
}

/// Every snapshot holds what the disk held then, and an answer about any two never leaves out a sector that differs. Within
/// one epoch it names no block but those that were written.
fn check(steps: &[Step]) {
    let mut disk = tracked(Provisioning::Thin);
    let mut chance = chance();
    let mut taken: Vec<Taken> = Vec::new();
    for (number, step) in (1..).zip(steps) {
        match *step {
            Step::Write { start, sectors } => disk.write(write(number, start, sectors)).expect("it fits"),
            Step::Snapshot => {
                let id = SnapshotId(number as u32);
                let change = disk.take_snapshot(id, &mut chance).expect("a number of its own");
                let held = expand(disk.snapshot(id).expect("it was taken").runs());
                let whole = disk.disk().peek(SectorRange::new(0, SECTORS)).expect("all of it");
                assert_eq!(held, expand(&whole));
                taken.push(Taken { id, change, held, is_there: true });
            }
            Step::Remove(_) | Step::Revert(_) if taken.is_empty() => {}
            Step::Remove(which) => {
                let which = which % taken.len();
                let removed = disk.remove_snapshot(taken[which].id, &mut chance);
                assert_eq!(removed.is_ok(), std::mem::take(&mut taken[which].is_there));
            }
            Step::Revert(which) => {
                let one = &taken[which % taken.len()];
                let reverted = disk.revert(one.id, &mut chance);
                assert_eq!(reverted.is_ok(), one.is_there);
                if one.is_there {
                    let whole = disk.disk().peek(SectorRange::new(0, SECTORS)).expect("all of it");
                    assert_eq!(expand(&whole), one.held);
                }
            }
            Step::Flush => disk.flush(),
            Step::Crash(seed) => {
                disk.crash(&mut Seed(seed).chance("crash"));
            }
            Step::Relocate => disk.relocate(&mut chance),
            Step::PowerCycle => disk.power_cycle(&mut chance),
            Step::Want(is_wanted) => disk.want_tracking(is_wanted),
        }
    }
    for until in taken.iter().filter(|one| one.is_there) {
        assert_eq!(expand(disk.snapshot(until.id).expect("it is there").runs()), until.held);
        match disk.changed_areas(until.id, 0, Since::Ever) {
            Ok(info) => {
                let left_out = (0..SECTORS).find(|at| until.held[*at as usize].0 != 0 && !covers(&info, *at));
                assert_eq!(left_out, None, "in use");
            }
            Err(fault) => assert_eq!((fault, until.change), (TrackingFault::NotTracked, None)),
        }
        for since in &taken {
            let Some(change) = since.change else { continue };
            if let Ok(info) = disk.changed_areas(until.id, 0, Since::Change(change)) {
                let differs = |at: &u64| since.held[*at as usize] != until.held[*at as usize];
                let left_out = (0..SECTORS).find(|at| differs(at) && !covers(&info, *at));
                assert_eq!(left_out, None, "from {change} to {:?}", until.id);
                assert_eq!(info.length, SECTORS * SECTOR_BYTES);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_change_is_left_out(steps in steps()) {
        check(&steps);
    }
}

fn areas(disk: &TrackedDisk<Stamp>, id: u32, since: Since) -> Result<Vec<(u64, u64)>, TrackingFault> {
    let info = disk.changed_areas(SnapshotId(id), 0, since)?;
    Ok(info.areas.iter().map(|area| (area.start >> 16, area.length >> 16)).collect())
}

#[test]
fn an_answer_names_the_blocks_that_were_written_and_no_others() {
    let mut disk = tracked(Provisioning::Thin);
    disk.write(write(1, 0, 1)).unwrap();
    let first = disk.take_snapshot(SnapshotId(1), &mut chance()).unwrap().expect("it is tracked");
    // The end of one block and the beginning of the next, and what the first snapshot holds already.
    disk.write(write(2, 3 * TRACKED_SECTORS - 1, 2)).unwrap();
    disk.take_snapshot(SnapshotId(2), &mut chance()).unwrap();
    disk.write(write(3, 9 * TRACKED_SECTORS, 8)).unwrap();
    assert_eq!(areas(&disk, 2, Since::Change(first)), Ok(vec![(2, 2)]), "what came later is not in it");
    assert_eq!(areas(&disk, 1, Since::Change(first)), Ok(vec![]));
    assert_eq!(areas(&disk, 2, Since::Ever), Ok(vec![(0, 1), (2, 2)]));
}

#[test]
fn everything_of_a_thick_disk_is_in_use() {
    let mut disk = tracked(Provisioning::Thick);
    disk.take_snapshot(SnapshotId(1), &mut chance()).unwrap();
    let info = disk.changed_areas(SnapshotId(1), 1024, Since::Ever).unwrap();
    assert_eq!((info.start, info.length), (1024, SECTORS * 512 - 1024));
    assert_eq!((info.areas.len(), info.areas[0].start), (1, 1024));
    assert_eq!(
        disk.changed_areas(SnapshotId(1), SECTORS * 512, Since::Ever),
        Err(TrackingFault::BehindTheEnd)
    );
}

#[test]
fn tracking_begins_with_the_next_stun_and_not_before() {
    let mut disk = TrackedDisk::new(VirtualDisk::new(SECTORS), Provisioning::Thin);
    assert_eq!(disk.take_snapshot(SnapshotId(1), &mut chance()), Ok(None));
    disk.want_tracking(true);
    assert!(!disk.is_tracked());
    assert!(disk.take_snapshot(SnapshotId(2), &mut chance()).unwrap().is_some());
    assert_eq!(areas(&disk, 1, Since::Ever), Err(TrackingFault::NotTracked));
    assert_eq!(areas(&disk, 2, Since::Ever), Ok(vec![]));
    disk.want_tracking(false);
    assert!(disk.is_tracked());
    disk.remove_snapshot(SnapshotId(1), &mut chance()).unwrap();
    assert!(!disk.is_tracked());
}

/// Everything after which a reader has to begin anew, and what is none of it.
#[test]
fn a_change_id_of_an_epoch_that_is_over_says_nothing() {
    type Deed = fn(&mut TrackedDisk<Stamp>, &mut Chance);
    let deeds: [(&str, bool, Deed); 7] = [
        ("going back", true, |disk, chance| disk.revert(SnapshotId(1), chance).unwrap()),
        ("moving", true, TrackedDisk::relocate),
        ("power lost with writes in the cache", true, |disk, chance| {
            disk.crash(chance);
        }),
        ("off and on", true, |disk, chance| {
            disk.want_tracking(false);
            disk.power_cycle(chance);
            disk.want_tracking(true);
            disk.power_cycle(chance);
        }),
        ("power lost with everything flushed", false, |disk, chance| {
            disk.flush();
            disk.crash(chance);
        }),
        ("an orderly restart", false, TrackedDisk::power_cycle),
        ("a snapshot that is given up", false, |disk, chance| {
            disk.remove_snapshot(SnapshotId(1), chance).unwrap();
        }),
    ];
    for (what, is_over, deed) in deeds {
        let mut chance = chance();
        let mut disk = tracked(Provisioning::Thin);
        let first = disk.take_snapshot(SnapshotId(1), &mut chance).unwrap().expect("it is tracked");
        disk.write(write(1, 0, 8)).unwrap();
        deed(&mut disk, &mut chance);
        let second = disk.take_snapshot(SnapshotId(2), &mut chance).unwrap().expect("it is tracked");
        assert_eq!(first.epoch != second.epoch, is_over, "{what}");
        let expected = if is_over { Err(TrackingFault::StaleChangeId) } else { Ok(vec![(0, 1)]) };
        assert_eq!(areas(&disk, 2, Since::Change(first)), expected, "{what}");
    }
}

#[test]
fn a_later_snapshot_is_no_beginning() {
    let mut disk = tracked(Provisioning::Thin);
    disk.take_snapshot(SnapshotId(1), &mut chance()).unwrap();
    let second = disk.take_snapshot(SnapshotId(2), &mut chance()).unwrap().expect("it is tracked");
    assert_eq!(areas(&disk, 1, Since::Change(second)), Err(TrackingFault::StaleChangeId));
    assert_eq!(disk.take_snapshot(SnapshotId(2), &mut chance()), Err(TrackingFault::Snapshot));
}

#[test]
fn a_long_answer_comes_in_parts_that_leave_nothing_out() {
    let sectors = 2 * TRACKED_SECTORS * (AREAS_MAX as u64 + 500);
    let mut disk = TrackedDisk::new(VirtualDisk::new(sectors), Provisioning::Thin);
    disk.want_tracking(true);
    let first = disk.take_snapshot(SnapshotId(1), &mut chance()).unwrap().expect("it is tracked");
    for block in (0..sectors / TRACKED_SECTORS).step_by(2) {
        disk.write(write(block + 1, block * TRACKED_SECTORS, 1)).unwrap();
    }
    disk.take_snapshot(SnapshotId(2), &mut chance()).unwrap();
    let (mut start, mut areas, mut parts) = (0, 0, 0);
    while start < sectors * 512 {
        let info = disk.changed_areas(SnapshotId(2), start, Since::Change(first)).unwrap();
        assert!(info.areas.len() <= AREAS_MAX && info.length > 0);
        (start, areas, parts) = (start + info.length, areas + info.areas.len(), parts + 1);
    }
    assert_eq!((areas, parts), (AREAS_MAX + 500, 2));
}

#[test]
fn a_change_id_is_written_as_vsphere_writes_it_and_read_back() {
    let text = "52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/81";
    let Ok(Since::Change(id)) = text.parse() else { panic!("{text}") };
    assert_eq!((id.number, id.to_string().as_str()), (81, text));
    assert_eq!("*".parse(), Ok(Since::Ever));
    for bad in ["", "52/1", "**", "52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63", &text.replace('-', " ")]
    {
        assert!(bad.parse::<Since>().is_err(), "{bad}");
    }
}
