//! How fast a target makes writes durable, what they take on disk, and what their index takes in memory.

use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use switchback_engine::batch::Frame;
use switchback_engine::{Change, PointId};
use switchback_live::content::Data;

use crate::data::{self, Noise};
use crate::rig::{Rig, frame};
use crate::table::Table;

/// Writes of 4 KiB in a frame: 1 MiB of payload.
const WRITES: usize = 256;
const WRITE_BYTES: usize = 4096;
/// The disk: 64 GiB.
const SECTORS: u64 = 128 << 20;

/// Frames of random 4 KiB writes that are not aligned to anything but sectors.
fn frames(count: usize, payload: impl Fn(usize, u64) -> Bytes) -> Vec<Frame<Data>> {
    let mut noise = Noise(7);
    let one = |number: usize| {
        let bytes = payload(WRITES * WRITE_BYTES, number as u64);
        let room = SECTORS / WRITES as u64;
        let change = |at: usize| Change {
            start: at as u64 * room + noise.below(room - 8),
            sectors: (WRITE_BYTES / 512) as u32,
            content: Data::Bytes(bytes.slice(at * WRITE_BYTES..(at + 1) * WRITE_BYTES)),
        };
        frame((0..WRITES).map(change).collect(), (number == 0).then_some(1))
    };
    (0..count).map(one).collect()
}

/// Both kinds of data, one after the other.
pub(crate) fn measure(place: &Path, is_quick: bool, table: &mut Table) {
    let count = if is_quick { 64 } else { 1024 };
    one(&place.join("raw"), "incompressible", frames(count, data::incompressible), 1.02, table);
    one(&place.join("lz4"), "reference data", frames(count, data::reference), 0.76, table);
}

fn one(place: &Path, what: &str, frames: Vec<Frame<Data>>, most: f64, table: &mut Table) {
    let writes = frames.len() * WRITES;
    let mut rig = Rig::open(place, None);
    rig.open_journal(SECTORS);
    let began = Instant::now();
    frames.into_iter().for_each(|frame| rig.receive(frame));
    rig.wait();
    let rate = writes as f64 / began.elapsed().as_secs_f64();
    table.at_least(&format!("durable 4 KiB writes a second, {what}"), rate, 100_000.0, "/s");
    let captured = (writes * WRITE_BYTES) as f64;
    table.at_most(
        &format!("space for each captured byte, {what}"),
        stored_bytes(place) as f64 / captured,
        most,
        "",
    );
    let stats = rig.stats();
    let view = rig.view(PointId { generation: 1, number: 1 });
    assert_eq!((stats.points, view.point().is_some()), (1, true), "the journal took what it was given");
    let frame_bytes = frames_index_bytes(writes) as f64;
    let index = (stats.index_bytes as f64 + frame_bytes) / stats.extents as f64;
    table.at_most(&format!("index bytes for each extent, frames' own included, {what}"), index, 16.0, " B");
    rig.seat.end();
}

/// What the frames of so many writes know of themselves: a head of 128 bytes, and 8 bytes for each 64 KiB.
const fn frames_index_bytes(writes: usize) -> usize {
    let payload_bytes = writes * WRITE_BYTES;
    writes.div_ceil(WRITES) * 128 + payload_bytes / (64 << 10) * 8
}

/// What a store takes on disk, in bytes.
fn stored_bytes(place: &Path) -> u64 {
    let files = std::fs::read_dir(place.join("target")).expect("the store is there");
    files.map(|file| file.and_then(|file| file.metadata()).expect("it can be looked at").len()).sum()
}
