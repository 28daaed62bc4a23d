//! What survives a crash, and, told in pairs, what does not.

use switchback_disks::{DiskError, ReadFault, VirtualDisk, WriteFault};
use switchback_engine::{Change, SectorRange, Stamp};
use switchback_sim::Seed;

const WHOLE: SectorRange = SectorRange::new(0, 64);

fn write(number: u64, start: u64, sectors: u32) -> Change<Stamp> {
    Change { start, sectors, content: Stamp { write: number, skip: 0 } }
}

/// Which write each place of a disk of ten writes holds after a crash.
fn survivors(mut disk: VirtualDisk<Stamp>, flush: bool, seed: u64) -> usize {
    for number in 0..10 {
        disk.write(write(number + 1, number * 4, 4)).expect("it lies on the disk");
    }
    if flush {
        disk.flush();
    }
    disk.crash(&mut Seed(seed).chance("crash"));
    disk.runs().iter().filter(|run| run.sectors == 4).count()
}

#[test]
fn what_was_flushed_survives_every_crash() {
    assert!((0..100).all(|seed| survivors(VirtualDisk::new(64), true, seed) == 10));
}

/// The negative twin: without a flush the same writes are lost, now and then, some of them.
#[test]
fn what_was_not_flushed_can_be_lost() {
    let counts: Vec<_> = (0..100).map(|seed| survivors(VirtualDisk::new(64), false, seed)).collect();
    assert!(counts.iter().all(|count| *count <= 10));
    assert!(counts.iter().filter(|count| **count < 10).count() > 90, "{counts:?}");
    assert!(counts.iter().any(|count| *count > 3), "a cache never wrote anything back: {counts:?}");
}

#[test]
fn a_write_through_disk_loses_nothing() {
    let disk = VirtualDisk::new(64).with_write_through();
    assert!((0..100).all(|seed| survivors(disk.clone(), false, seed) == 10));
}

#[test]
fn a_crash_tears_writes_at_sectors_from_either_end() {
    let (mut heads, mut tails) = (0, 0);
    for seed in 0..100 {
        let mut disk = VirtualDisk::new(64);
        disk.write(write(1, 0, 8)).unwrap();
        let report = disk.crash(&mut Seed(seed).chance("crash"));
        let runs = disk.runs();
        assert_eq!(report.lost == 1, runs.is_empty());
        if report.torn == 1 {
            assert!(runs[0].sectors < 8);
            if runs[0].start == 0 {
                heads += 1
            } else {
                tails += 1
            }
            assert_eq!(u64::from(runs[0].content.skip), runs[0].start, "the part is in its place");
        }
    }
    assert!(heads > 5 && tails > 5, "{heads} heads, {tails} tails");
}

#[test]
fn the_same_seed_crashes_alike() {
    for seed in 0..20 {
        let count = |_| survivors(VirtualDisk::new(64), false, seed);
        assert_eq!(count(0), count(1));
    }
}

#[test]
fn a_torn_write_leaves_the_old_tail() {
    let mut disk = VirtualDisk::new(64);
    disk.write(write(1, 0, 8)).unwrap();
    disk.arm_write(WriteFault::Torn { keep_sectors: 3 });
    disk.write(write(2, 0, 2)).unwrap();
    assert_eq!(disk.faults_waiting(), 1, "it does not fit a write of two sectors");
    disk.write(write(3, 0, 8)).unwrap();
    let runs = disk.read(WHOLE).unwrap();
    let places: Vec<_> = runs.iter().map(|run| (run.start, run.sectors, run.content.write)).collect();
    assert_eq!(places, [(0, 3, 3), (3, 5, 1)]);
    assert_eq!(disk.faults_fired().torn_writes, 1);
}

#[test]
fn a_lost_write_shows_and_its_twin_does_not() {
    let mut honest = VirtualDisk::new(64).with_write_through();
    let mut lying = honest.clone();
    lying.arm_write(WriteFault::Lost);
    for disk in [&mut honest, &mut lying] {
        disk.write(write(1, 0, 8)).unwrap();
        disk.write(write(2, 8, 8)).unwrap();
    }
    assert_eq!(honest.runs().len(), 2);
    assert_eq!(lying.runs().len(), 1, "only the second arrived");
    assert_eq!((honest.faults_fired().lost_writes, lying.faults_fired().lost_writes), (0, 1));
}

#[test]
fn a_misdirected_write_lands_elsewhere() {
    let mut disk = VirtualDisk::new(64);
    disk.arm_write(WriteFault::Misdirected { to: 60 });
    disk.arm_write(WriteFault::Misdirected { to: u64::MAX });
    disk.write(write(1, 0, 8)).unwrap();
    disk.write(write(2, 0, 8)).unwrap();
    assert_eq!(disk.read(WHOLE).unwrap(), [write(1, 60, 4)], "what lies behind the end vanishes");
    assert_eq!(disk.faults_fired().misdirected_writes, 2);
}

#[test]
fn a_misdirected_read_answers_from_elsewhere_once() {
    let mut disk = VirtualDisk::new(64);
    disk.write(write(1, 0, 8)).unwrap();
    disk.write(write(2, 8, 8)).unwrap();
    disk.arm_read(ReadFault::Misdirected { from: 8 });
    let range = SectorRange::new(0, 8);
    assert_eq!(disk.peek(range).unwrap(), [write(1, 0, 8)], "no fault fires for a judge");
    assert_eq!(disk.read(range).unwrap(), [write(2, 0, 8)]);
    assert_eq!(disk.read(range).unwrap(), [write(1, 0, 8)]);
}

#[test]
fn rot_stays_until_it_is_written_again() {
    let mut disk = VirtualDisk::new(64);
    disk.write(write(1, 0, 8)).unwrap();
    disk.arm_read(ReadFault::Rot(write(99, 4, 1)));
    assert_eq!(disk.read(SectorRange::new(0, 4)).unwrap().len(), 1, "not touched");
    for _ in 0..2 {
        let runs = disk.read(WHOLE).unwrap();
        assert!(runs.iter().any(|run| run.start == 4 && run.content.write == 99));
    }
    disk.write(write(3, 4, 1)).unwrap();
    assert!(disk.read(WHOLE).unwrap().iter().all(|run| run.content.write != 99));
    assert_eq!(disk.faults_fired().rotten_reads, 1);
}

#[test]
fn writes_that_are_asked_for_together_are_refused_once_and_half_of_them_is_there() {
    let mut disk = VirtualDisk::new(64);
    disk.arm_write(WriteFault::Refused);
    disk.write(write(1, 0, 4)).expect("a single write is none of its business");
    let together = [write(2, 10, 4), write(3, 20, 4)];
    assert_eq!(disk.write_all(&together), Err(DiskError::Medium));
    assert_eq!(disk.faults_fired().refused_writes, 1);
    let held = |disk: &mut VirtualDisk<Stamp>| disk.read(WHOLE).expect("it lies on the disk").len();
    assert_eq!(held(&mut disk), 2);
    assert_eq!(disk.write_all(&together), Ok(()));
    assert_eq!(held(&mut disk), 3);
}
