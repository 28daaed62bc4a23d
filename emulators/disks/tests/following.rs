//! A disk that somebody else writes: what has changed is found by holding what it holds against what it held.

use proptest::prelude::*;
use switchback_disks::{Provisioning, Since, SnapshotId, TRACKED_SECTORS, TrackedDisk, VirtualDisk};
use switchback_engine::{Change, Content, Stamp};
use switchback_sim::Seed;

const SECTORS: u64 = 2_000;

/// Writes as they come; write 0 is zeroes.
fn writes(first: u64) -> impl Strategy<Value = Vec<Change<Stamp>>> {
    let write = (0..SECTORS - 300, 1_u32..300, any::<bool>());
    prop::collection::vec(write, 0..12).prop_map(move |writes| {
        let change = |(number, (start, sectors, holds)): (u64, (u64, u32, bool))| {
            let content = if holds { Stamp { write: first + number, skip: 0 } } else { Stamp::zero() };
            Change { start, sectors, content }
        };
        (0..).zip(writes).map(change).collect()
    })
}

/// Which write each sector shows.
fn shown(runs: &[Change<Stamp>]) -> Vec<Stamp> {
    let mut sectors = vec![Stamp::zero(); SECTORS as usize];
    for run in runs {
        for at in 0..run.sectors {
            sectors[(run.start + u64::from(at)) as usize] = run.content.part(at, 1);
        }
    }
    sectors
}

proptest! {
    #[test]
    fn what_differs_is_what_has_changed(first in writes(1), second in writes(100)) {
        let mut disk = VirtualDisk::new(SECTORS).with_write_through();
        disk.write_all(&first).expect("they lie on it");
        let mut chance = Seed(1).chance("tracking");
        let mut tracked = TrackedDisk::new(VirtualDisk::from_snapshot(&disk.snapshot()), Provisioning::Thick);
        tracked.want_tracking(true);
        let since = tracked.take_snapshot(SnapshotId(1), &mut chance).expect("it is the first").expect("it is tracked");
        let before = shown(disk.snapshot().runs());

        disk.write_all(&second).expect("they lie on it");
        let now = disk.snapshot();
        tracked.follow(&now).expect("it has not shrunk");
        tracked.take_snapshot(SnapshotId(2), &mut chance).expect("it is the second");
        prop_assert_eq!(shown(tracked.snapshot(SnapshotId(2)).expect("it is there").runs()), shown(now.runs()));

        let told = tracked.changed_areas(SnapshotId(2), 0, Since::Change(since)).expect("it is known");
        let after = shown(now.runs());
        for block in 0..SECTORS.div_ceil(TRACKED_SECTORS) {
            let sectors = (block * TRACKED_SECTORS..((block + 1) * TRACKED_SECTORS).min(SECTORS)).map(|at| at as usize);
            let differs = sectors.clone().any(|at| before[at] != after[at]);
            let at = block * TRACKED_SECTORS * 512;
            let is_told = told.areas.iter().any(|area| (area.start..area.start + area.length).contains(&at));
            prop_assert_eq!(differs, is_told, "block {}", block);
        }
    }
}

#[test]
fn a_disk_that_grew_is_followed_and_one_that_shrank_is_none() {
    let mut tracked = TrackedDisk::new(VirtualDisk::<Stamp>::new(100), Provisioning::Thick);
    let mut larger = VirtualDisk::<Stamp>::new(200);
    tracked.follow(&larger.snapshot()).expect("it grew");
    assert_eq!(tracked.disk().sectors(), 200);
    let mut smaller = VirtualDisk::<Stamp>::new(100);
    assert!(tracked.follow(&smaller.snapshot()).is_err());
}
