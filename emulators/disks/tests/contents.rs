//! What a disk holds, against a model that keeps every sector by itself.

use proptest::prelude::*;
use switchback_disks::{CACHED_WRITES_MAX, DiskError, Snapshot, VirtualDisk};
use switchback_engine::batch::RoundEnd;
use switchback_engine::journal::GroupJournal;
use switchback_engine::message::JournalSpec;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::{
    Batch, Change, Content, DiskId, Frame, GroupId, Instant, MachineId, SectorRange, Stamp, StreamKey,
    WriteOrder,
};
use switchback_sim::Seed;

const SECTORS: u64 = 200;

/// By sector: which write it holds, and which sector of that write.
type Model = Vec<(u64, u32)>;

fn expand(runs: &[Change<Stamp>], sectors: u64) -> Model {
    let mut model = vec![(0, 0); sectors as usize];
    for run in runs {
        put(&mut model, run);
    }
    model
}

fn put(model: &mut [(u64, u32)], change: &Change<Stamp>) {
    for sector in 0..change.sectors {
        let stamp = change.content.part(sector, 1);
        model[change.start as usize + sector as usize] = (stamp.write, stamp.skip);
    }
}

fn write(number: u64, start: u64, sectors: u32) -> Change<Stamp> {
    Change { start, sectors, content: Stamp { write: number, skip: 0 } }
}

fn assert_tidy(runs: &[Change<Stamp>], range: SectorRange) {
    assert!(runs.iter().all(|run| !run.content.is_zero() && run.sectors > 0), "zeroes in {runs:?}");
    assert!(
        runs.iter().all(|run| range.intersection(&run.range()) == run.range()),
        "{runs:?} not in {range:?}"
    );
    assert!(runs.windows(2).all(|pair| pair[0].range().end <= pair[1].start), "not sorted: {runs:?}");
}

#[derive(Debug, Clone)]
enum Step {
    Write { start: u64, sectors: u32, zero: bool },
    Flush,
    Read { start: u64, sectors: u64 },
    Snapshot,
    Crash { seed: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = (0..SECTORS).prop_flat_map(|start| (Just(start), 1..=(SECTORS - start).min(40)));
    let step = prop_oneof![
        8 => (place.clone(), prop::bool::weighted(0.2))
            .prop_map(|((start, sectors), zero)| Step::Write { start, sectors: sectors as u32, zero }),
        1 => Just(Step::Flush),
        3 => place.prop_map(|(start, sectors)| Step::Read { start, sectors }),
        1 => Just(Step::Snapshot),
        1 => any::<u64>().prop_map(|seed| Step::Crash { seed }),
    ];
    prop::collection::vec(step, 0..120)
}

/// Runs `steps` on a disk and on models: what a reader sees, and what is certain after a crash.
fn check(mut disk: VirtualDisk<Stamp>, write_through: bool, steps: &[Step]) {
    let mut seen = vec![(0, 0); SECTORS as usize];
    let mut pending: Vec<Change<Stamp>> = Vec::new();
    let mut flushed = seen.clone();
    let mut kept: Vec<(Snapshot<Stamp>, Model)> = Vec::new();
    for (number, step) in (1..).zip(steps) {
        match *step {
            Step::Write { start, sectors, zero } => {
                let change = write(if zero { 0 } else { number }, start, sectors);
                put(&mut seen, &change);
                disk.write(change.clone()).expect("it lies on the disk");
                if write_through { put(&mut flushed, &change) } else { pending.push(change) }
            }
            Step::Flush => {
                disk.flush();
                flushed.clone_from(&seen);
                pending.clear();
            }
            Step::Read { start, sectors } => {
                let range = SectorRange::new(start, sectors);
                let runs = disk.read(range).expect("it lies on the disk");
                assert_tidy(&runs, range);
                let found = expand(&runs, SECTORS);
                assert_eq!(
                    found[start as usize..range.end as usize],
                    seen[start as usize..range.end as usize]
                );
                assert_eq!(disk.peek(range), Ok(runs));
            }
            Step::Snapshot => kept.push((disk.snapshot(), seen.clone())),
            Step::Crash { seed } => {
                let report = disk.crash(&mut Seed(seed).chance("crash"));
                assert_eq!((report.kept + report.torn + report.lost) as usize, pending.len());
                seen = expand(&disk.runs(), SECTORS);
                for (sector, holds) in seen.iter().enumerate() {
                    let from_pending = pending.iter().any(|change| {
                        let mut one = vec![(u64::MAX, 0); SECTORS as usize];
                        put(&mut one, change);
                        one[sector] == *holds
                    });
                    assert!(*holds == flushed[sector] || from_pending, "sector {sector} holds {holds:?}");
                }
                flushed.clone_from(&seen);
                pending.clear();
            }
        }
    }
    let whole = SectorRange::new(0, SECTORS);
    let runs = disk.runs();
    assert_tidy(&runs, whole);
    assert_eq!(expand(&runs, SECTORS), seen);
    for (snapshot, then) in kept {
        assert_eq!(expand(snapshot.runs(), SECTORS), then, "a snapshot changed");
        assert_eq!(expand(&snapshot.read(whole), SECTORS), then);
        assert_eq!(expand(&VirtualDisk::from_snapshot(&snapshot).runs(), SECTORS), then);
    }
}

proptest! {
    #[test]
    fn a_cached_disk_holds_what_was_written(steps in steps()) {
        check(VirtualDisk::new(SECTORS), false, &steps);
    }

    #[test]
    fn a_write_through_disk_holds_what_was_written(steps in steps()) {
        check(VirtualDisk::new(SECTORS).with_write_through(), true, &steps);
    }

    /// Long enough for the tail to be sorted and the base to be merged several times over.
    #[test]
    fn many_writes_leave_what_the_last_of_them_wrote(seed: u64, cached: bool) {
        let sectors = 5_000;
        let mut chance = Seed(seed).chance("writes");
        let mut disk = VirtualDisk::new(sectors);
        if !cached {
            disk = disk.with_write_through();
        }
        let mut model = vec![(0, 0); sectors as usize];
        for number in 1..20_000 {
            let start = chance.below(sectors);
            let change = write(number, start, chance.in_range(1..=(sectors - start).min(16)) as u32);
            put(&mut model, &change);
            disk.write(change).unwrap();
            if chance.below(500) == 0 {
                let range = SectorRange::new(start, (sectors - start).min(64));
                let found = expand(&disk.read(range).unwrap(), sectors);
                prop_assert_eq!(&found[range.start as usize..range.end as usize],
                    &model[range.start as usize..range.end as usize]);
            }
        }
        prop_assert!(disk.unflushed_writes() <= CACHED_WRITES_MAX);
        prop_assert_eq!(expand(&disk.runs(), sectors), model);
    }
}

#[test]
fn a_prefilled_disk_holds_its_first_content_durably() {
    let mut disk = VirtualDisk::initial(1000, 100, |used| vec![write(7, used.start, 300), write(8, 50, 10)]);
    disk.crash(&mut Seed(1).chance("crash"));
    let found = expand(&disk.runs(), 1000);
    assert_eq!((found[49], found[55], found[99], found[100]), ((7, 49), (8, 5), (7, 99), (0, 0)));
}

#[test]
fn a_disk_grows_with_zeroes_and_never_shrinks() {
    let mut disk = VirtualDisk::new(10);
    disk.write(write(1, 0, 10)).unwrap();
    disk.resize(20).unwrap();
    disk.write(write(2, 15, 5)).unwrap();
    let found = expand(&disk.runs(), 20);
    assert_eq!((found[9], found[10], found[19]), ((1, 9), (0, 0), (2, 4)));
    assert_eq!(disk.resize(19), Err(DiskError::Shrink { sectors: 20, wanted: 19 }));
}

#[test]
fn what_lies_behind_the_end_is_refused_and_changes_nothing() {
    let mut disk = VirtualDisk::new(10);
    for (start, sectors) in [(10, 1), (9, 2), (0, 11), (u64::MAX, 1), (3, 0)] {
        let refused = disk.write(write(1, start, sectors));
        assert!(matches!(refused, Err(DiskError::OutOfRange { sectors: 10, .. })), "{start}+{sectors}");
    }
    let batch = [write(1, 0, 5), write(2, 8, 5)];
    assert!(disk.write_all(&batch).is_err(), "half a batch");
    assert!(disk.read(SectorRange::new(5, 6)).is_err());
    assert_eq!(disk.runs().len(), 0);
}

#[test]
fn a_snapshot_shares_what_the_disk_holds() {
    let mut disk = VirtualDisk::new(10).with_write_through();
    disk.write(write(1, 0, 10)).unwrap();
    let (first, second) = (disk.snapshot(), disk.snapshot());
    assert!(std::ptr::eq(first.runs(), second.runs()));
}

#[test]
fn a_disk_made_from_a_view_holds_the_view_over_what_is_below() {
    let id = DiskId { machine: MachineId(1), index: 0 };
    let mut journal = GroupJournal::new(&JournalSpec {
        group: GroupId(1),
        generation: 1,
        machines: vec![(id.machine, vec![100])],
        policy: ReplicationPolicy::DEFAULT,
    });
    let batch = Batch {
        stream: StreamKey { disk: id, generation: 1, session: 1 },
        number: 1,
        opens_at: 1,
        order: WriteOrder::Data,
        first_write: 1,
        changes: [write(5, 10, 10), write(0, 15, 2)].into(),
        payload_bytes: 0,
        round_end: Some(RoundEnd { round: 1, consistent: true, at: Instant(1), marker: None }),
    };
    let frame = Frame::seal(&batch);
    journal.append(&frame, &Stamp::unpack(&frame.packed).unwrap());
    let base = VirtualDisk::initial(100, 100, |_| vec![write(1, 0, 100)]).snapshot();
    let mut disk = VirtualDisk::from_view(&journal.head(id).unwrap(), &base, 50);
    let found = expand(&disk.runs(), 50);
    assert_eq!(
        (found[9], found[10], found[15], found[17], found[49]),
        ((1, 9), (5, 0), (0, 0), (5, 7), (1, 49))
    );
    let mut blank = VirtualDisk::from_view(&journal.head(id).unwrap(), &Snapshot::blank(100), 100);
    assert_eq!(expand(&blank.runs(), 100).iter().filter(|holds| holds.0 != 0).count(), 8);
}
