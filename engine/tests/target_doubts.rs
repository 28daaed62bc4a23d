//! A replica disk that answers a write with an error: it is told of until its machine has begun to compare.

mod common;

use std::sync::Arc;

use common::stream::{NEWEST_ONLY, SERVER, disk, key, marked};
use common::target::{Bed, ONE_MACHINE, at, hear, numbered, recover, statuses, target};
use switchback_engine::message::Compare;
use switchback_engine::{Consistency, MachineId, Message, SectorRange, Stamp};

/// A target that folds its first point into its replica disks, which do not answer yet.
fn folding() -> Bed<Stamp> {
    let mut target = target::<Stamp>(ONE_MACHINE, NEWEST_ONLY);
    target.at_once.writes = false;
    for index in [0, 1] {
        hear(&mut target, &numbered(index, 1, Some(marked(1, at(10), Consistency::Crash, false))));
    }
    assert!(!target.writes.is_empty(), "something is to be folded");
    target
}

fn doubtful(target: &mut Bed<Stamp>) -> Vec<(MachineId, u32)> {
    statuses(target).last().expect("it has said how it is").doubtful.clone()
}

fn compare(target: &mut Bed<Stamp>, session: u32) {
    for index in [0, 1] {
        let (stream, range) = (key(disk(1, index), session), SectorRange::new(0, 100));
        let compare = Compare { stream, range, block_sectors: 2048, digests: vec![0] };
        target.hear(SERVER, Message::Compare(Arc::new(compare)));
    }
}

#[test]
fn a_disk_that_refuses_a_write_is_in_doubt_until_a_later_session_compares() {
    let mut target = folding();
    target.finish_write(false);
    assert_eq!(doubtful(&mut target), [(MachineId(1), 1)]);
    compare(&mut target, 2);
    assert!(doubtful(&mut target).is_empty());
}

#[test]
fn a_doubt_outlives_a_crash() {
    let mut target = folding();
    target.finish_write(false);
    recover(&mut target);
    target.wait(61 * common::SECOND);
    assert_eq!(doubtful(&mut target), [(MachineId(1), 1)]);
}

/// The negative twin.
#[test]
fn a_disk_that_takes_what_is_written_is_not() {
    let mut target = folding();
    while target.finish_write(true) {}
    target.wait(61 * common::SECOND);
    assert!(doubtful(&mut target).is_empty());
}
