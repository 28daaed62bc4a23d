//! Crash consistency with real file systems: two recorded ext4 disks under SQLite and PostgreSQL are replicated through faults, and what
//! every recovery point restores is handed to e2fsck, SQLite and PostgreSQL, who know nothing of Switchback.
//!
//! A database whose files lie on the first disk keeps its write-ahead log on the second: it recovers only if both are of one cut.
//! `docs/guide/real-file-systems.md` has the figures. Without the programs the tests that need them say so and are skipped;
//! with `SWITCHBACK_REQUIRE_FILE_SYSTEMS=1` they fail.

#![allow(unreachable_pub, reason = "the modules of one test")]

#[path = "../common/mod.rs"]
mod common;
mod image;
mod programs;
mod recording;
mod twins;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{Drill, MINUTE, SECOND, drill, site};
use image::{Restored, play, restore};
use programs::{Complaints, Programs};
use recording::{Recording, RecordingError};
use switchback_engine::message::Selector;
use switchback_engine::role::Address;
use switchback_engine::{Consistency, MachineId, Site, Stamp, WriteOrder};
use switchback_harness::WorldSpec;
use switchback_harness::workload::{Recorded, RecordedWrite, WorkloadSpec};
use switchback_harness::world::spec::{BootSpec, DiskSpec, MachineSpec};
use switchback_harness::world::{LinkName, Sabotage, WAN};
use switchback_sim::Ratio;

const MACHINE: MachineId = MachineId(0);
/// The recording is played this slowly, so that many recovery points fall into it.
const PLAYING_TIME: u128 = 24 * 60 * 1_000_000;

/// The programs, or a line that says why this test is skipped.
fn programs() -> Option<Programs> {
    match Programs::find() {
        Ok(programs) => Some(programs),
        Err(why) if std::env::var_os("SWITCHBACK_REQUIRE_FILE_SYSTEMS").is_some_and(|value| value == "1") => {
            panic!("real file systems are required: {why}")
        }
        Err(why) => {
            println!("SKIPPED, no real file systems are checked: {why}");
            None
        }
    }
}

fn recorded() -> Recording {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/two-databases.rec.xz");
    Recording::load(&path).expect("the recording of this repository is whole")
}

/// The machine that was recorded. Its device serves one request after the other: the recorded order is that of completion, and no
/// write may overtake one that was durable before it was issued.
fn recorded_machine(recording: &Recording) -> WorldSpec {
    let last = recording.writes.last().map_or(1, |write| write.at.as_micros().max(1));
    let mut played: Vec<Vec<RecordedWrite>> = vec![Vec::new(); recording.disks.len()];
    let mut at = Duration::ZERO;
    for (number, write) in recording.writes.iter().enumerate() {
        let slowed = Duration::from_micros((write.at.as_micros() * PLAYING_TIME / last) as u64);
        // No two at one instant: the order of the disks among each other is what this is about.
        at = slowed.max(at + Duration::from_micros(1));
        let sectors = recording.sectors(number);
        played[usize::from(write.disk)].push(RecordedWrite { at, start: write.start, sectors });
    }
    let workload = |(disk, writes): (usize, Vec<RecordedWrite>)| {
        WorkloadSpec::Recorded(Recorded {
            disk: disk as u8,
            writes: Arc::from(writes),
            starts_at: SECOND,
            repeats_after: None,
        })
    };
    let disk = |(number, sectors): (usize, &u64)| DiskSpec {
        name: format!("disk{number}"),
        sectors: *sectors,
        used_sectors: *sectors,
        raw: None,
    };
    let machine = MachineSpec {
        name: "db-01".to_owned(),
        windows: false,
        uefi: false,
        remote_access: false,
        boot: BootSpec::READY,
        classic_model: false,
        ailments: Vec::new(),
        memory_bytes: 4 << 30,
        pool_bytes: 1 << 20,
        tracking_bytes: None,
        datastore: 0,
        disks: recording.disks.iter().enumerate().map(disk).collect(),
        workloads: played.into_iter().enumerate().map(workload).collect(),
    };
    let mut spec = site(23, vec![machine]);
    spec.machine_disk.parallelism = 1;
    spec.groups[0].policy.crash_consistent_every = MINUTE;
    spec.groups[0].policy.app_consistent_every = Some(5 * MINUTE);
    spec.wan.loss = Ratio::percent(2);
    spec.wan.reorder = Ratio::percent(5);
    spec.wan.duplicate = Ratio::percent(2);
    spec
}

fn protected(recording: &Recording) -> Drill<Stamp> {
    let mut drill = drill(recorded_machine(recording));
    drill.protect();
    drill.world.release_traces();
    drill
}

/// What all recovery points restore, each cut once.
fn restored_points(drill: &mut Drill<Stamp>, recording: &Recording) -> Vec<Restored> {
    let points = drill.world.judges().points().to_vec();
    let mut seen = BTreeSet::new();
    let mut restored = Vec::new();
    for point in points {
        let image = drill.world.point_image(Site::Recovery, point.group, MACHINE, point.id);
        let image = image.unwrap_or_else(|| panic!("{:?} cannot be read", point.id));
        restored.push(restore(recording, MACHINE, &image));
    }
    restored.retain(|point| seen.insert(point.writes));
    restored
}

/// A failover in a copy of the world: the disks with which the machine starts in the cloud.
fn failed_over(drill: &Drill<Stamp>, recording: &Recording, shut_down: bool) -> Restored {
    let mut copy = Drill { world: drill.world.clone() };
    copy.fail_over(Selector::Latest, shut_down);
    copy.expect_nothing_found();
    let image = copy.world.machine_image(MACHINE, Site::Recovery);
    restore(recording, MACHINE, &image)
}

fn complaints(programs: &Programs, recording: &Recording, restored: &Restored) -> Complaints {
    programs.check(&restored.disks, |who| recording.promised(who, restored.writes))
}

#[test]
fn every_recovery_point_holds_file_systems_and_databases_that_recover() {
    let Some(programs) = programs() else { return };
    let recording = recorded();
    let mut drill = protected(&recording);
    let mut restored = Vec::new();
    drill.pass(4 * MINUTE);
    drill.world.cut(&WAN, 2 * MINUTE);
    drill.pass(90 * SECOND);
    restored.push(failed_over(&drill, &recording, false));
    drill.pass(150 * SECOND);
    drill.world.crash(Address::ProcessServer(0), 20 * SECOND);
    drill.pass(3 * MINUTE);
    drill.world.crash(Address::Target(Site::Recovery), 20 * SECOND);
    drill.pass(5 * SECOND);
    restored.push(failed_over(&drill, &recording, false));
    drill.pass(3 * MINUTE);
    drill.world.slow(&[LinkName::Lan], 1000, 4 * MINUTE);
    let mut seconds_out_of_order = 0;
    for _ in 0..4 * 60 {
        drill.pass(SECOND);
        let order = drill.world.agent(MACHINE, Site::Primary).map(|agent| agent.write_order());
        seconds_out_of_order += u32::from(order != Some(WriteOrder::Data));
    }
    assert!(seconds_out_of_order > 0, "the pool did not overflow");
    drill.pass(3 * MINUTE);
    drill.world.crash(Address::Control, 20 * SECOND);
    drill.pass(3 * MINUTE);
    restored.push(failed_over(&drill, &recording, true));
    drill.pass(6 * MINUTE);
    restored.push(failed_over(&drill, &recording, true));
    drill.expect_nothing_found();
    let failovers = restored.len();
    let points = drill.world.judges().points();
    let applications = points.iter().filter(|point| point.consistency == Consistency::Application).count();
    let made = points.len();
    restored.extend(restored_points(&mut drill, &recording));
    let found: Vec<_> = restored
        .iter()
        .map(|restored| (restored.writes, complaints(&programs, &recording, restored)))
        .filter(|(_, complaints)| !complaints.is_empty())
        .collect();
    println!(
        "{made} points ({applications} application-consistent), {} different cuts and {failovers} failovers of {} writes checked; \
         the order was given up for {seconds_out_of_order} s",
        restored.len() - failovers,
        recording.writes.len(),
    );
    assert!(found.is_empty(), "{found:#?}");
    assert!(restored.len() >= 20 && applications >= 4, "too little to look at");
    assert!(
        restored.iter().any(|restored| restored.writes == recording.writes.len()),
        "the end was not reached"
    );
}

#[test]
fn a_replication_that_loses_writes_is_seen_by_them() {
    let Some(programs) = programs() else { return };
    let recording = recorded();
    let mut drill = protected(&recording);
    drill.world.sabotage(Sabotage::HideWrites { one_in: 50 });
    drill.pass(26 * MINUTE);
    let restored = restored_points(&mut drill, &recording);
    let caught =
        restored.iter().filter(|restored| !complaints(&programs, &recording, restored).is_empty()).count();
    println!("one write in 50 hidden: {caught} of {} points caught", restored.len());
    // A write that is hidden does no harm once its place is written again, and the first points lack none.
    assert!(restored.len() >= 15 && caught * 3 > restored.len() * 2, "{caught} of {} caught", restored.len());
}

#[test]
fn broken_orders_are_seen_by_file_systems_and_databases() {
    let Some(programs) = programs() else { return };
    let recording = recorded();
    let mut seen: BTreeMap<&str, (usize, usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for twin in twins::all(&recording) {
        let disks = play(&recording, twin.writes);
        let complaints = programs.check(&disks, |who| recording.promised(who, twin.cut));
        let (images, caught, by) = seen.entry(twin.kind).or_default();
        *images += 1;
        *caught += usize::from(!complaints.is_empty());
        complaints.keys().for_each(|who| *by.entry(who).or_default() += 1);
    }
    for (kind, (images, caught, by)) in &seen {
        println!("{kind}: {caught} of {images} caught: {by:?}");
    }
    for (kind, (images, caught, _)) in seen {
        if kind == twins::WHOLE {
            assert_eq!(caught, 0, "a cut that is whole was complained of");
        } else {
            assert!(caught * 2 >= images, "{kind}: only {caught} of {images} caught");
        }
    }
}

#[test]
fn the_recording_is_small_and_whole() {
    if programs().is_none() {
        return;
    }
    let recording = recorded();
    assert_eq!(recording.disks.len(), 2);
    assert!(recording.writes.len() > 1000 && recording.flushes > 100);
    for who in ["postgres", "sqlite-delete", "sqlite-wal"] {
        assert!(recording.promised(who, recording.writes.len()) >= 100, "{who} did too little");
    }
}

#[test]
fn a_recording_that_is_cut_short_or_something_else_is_refused_with_its_place() {
    let header =
        [b"SWBKREC1".as_slice(), &1_u32.to_le_bytes(), &8_u64.to_le_bytes(), &0_u32.to_le_bytes()].concat();
    let refusal = |bytes: Vec<u8>| match Recording::read(bytes) {
        Err(error @ RecordingError::Malformed { .. }) => error.to_string(),
        other => panic!("expected a refusal: {other:?}"),
    };
    assert_eq!(refusal(b"SWBKREC2".to_vec()), "at byte 0: expected SWBKREC1, found something else");
    assert_eq!(
        refusal(header.clone()),
        "at byte 24: expected an event, or the end, found 0 bytes and the end"
    );
    let beyond =
        [&header[..], &[1], &[0; 8], &[0], &8_u64.to_le_bytes(), &1_u32.to_le_bytes(), &[7; 512]].concat();
    let expected =
        "at byte 24: expected a write inside its disk, found 1 sectors at 8 of disk 0 of 8 sectors";
    assert_eq!(refusal(beyond), expected);
    assert!(Recording::read([&header[..], &[0]].concat()).is_ok());
}
