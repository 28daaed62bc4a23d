//! Opening points of a journal with ten million extents: with the index in memory, and from a cold start.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{Advice, fadvise};
use switchback_engine::{Change, PointId};
use switchback_live::attached::AttachedDisk;
use switchback_live::content::Data;
use switchback_live::disks::Disk;
use switchback_live::nbd::Export;

use crate::data::{self, Noise};
use crate::rig::{Rig, frame};
use crate::table::{Table, median};

/// Points of a day, one every 5 minutes.
const POINTS: u64 = 288;
/// Frames between two points.
const FRAMES: u64 = 9;
/// The disk: 32 GiB.
const SECTORS: u64 = 64 << 20;

/// The changes of a frame: so many single sectors all over the disk, none of them like another and all of them small when packed,
/// because it is their number that counts here.
fn changes(count: u64, noise: &mut Noise) -> Vec<Change<Data>> {
    let room = SECTORS / count;
    let change = |number: u64| {
        let mut unlike = [0; 32];
        noise.fill(&mut unlike);
        let content = Data::Bytes(unlike.repeat(16).into());
        Change { start: number * room + noise.below(room), sectors: 1, content }
    };
    (0..count).map(change).collect()
}

/// Fills a journal with so many extents in all, the last of its log as long as a log gets before it is replaced by a checkpoint.
fn fill(rig: &mut Rig, extents: u64, log_bytes: usize) {
    let mut noise = Noise(3);
    let in_frame = extents / (POINTS * FRAMES);
    for point in 1..=POINTS {
        for number in 1..=FRAMES {
            let marker = (number == FRAMES).then_some(point);
            rig.receive(frame(changes(in_frame, &mut noise), marker));
        }
    }
    const WRITE_BYTES: usize = 4096;
    for seed in 0..log_bytes as u64 >> 20 {
        let bytes = data::incompressible(1 << 20, seed);
        let change = |number: usize| Change {
            start: number as u64 * 200_000 + noise.below(199_000),
            sectors: 8,
            content: Data::Bytes(bytes.slice(number * WRITE_BYTES..(number + 1) * WRITE_BYTES)),
        };
        rig.receive(frame((0..256).map(change).collect(), None));
    }
    rig.wait();
}

/// Opens a point as somebody does who attaches it, and reads from it.
fn open(rig: &Rig, base: &Arc<Disk>, scratch: &Path, point: PointId, place: u64) -> Duration {
    let began = Instant::now();
    let opened = AttachedDisk::new(Arc::clone(base), SECTORS, scratch, || Some(rig.view(point)));
    let disk = opened.expect("there is room").expect("there is such a point");
    let took = began.elapsed();
    let mut read = [0; 4096];
    disk.read(place * 512, &mut read).expect("it reads");
    took
}

/// Gives the pages of everything in a directory back, so that it is read from the disk.
pub(crate) fn forget_pages(directory: &Path) {
    for entry in std::fs::read_dir(directory).expect("it is there") {
        let path = entry.expect("it is there").path();
        if path.is_file() {
            let file = File::open(&path).expect("it opens");
            file.sync_all().expect("it is written");
            fadvise(&file, 0, None, Advice::DontNeed).expect("pages can be given back");
        }
    }
}

pub(crate) fn measure(place: &Path, is_quick: bool, table: &mut Table) {
    let (extents, log_bytes) = if is_quick { (300_000, 8 << 20) } else { (10_000_000, 240 << 20) };
    std::fs::create_dir_all(place).expect("there is room");
    let (base, _) = Disk::create(place.join("replica"), SECTORS).expect("there is room");
    let base = Arc::new(base);
    let mut rig = Rig::open(place, Some(Arc::clone(&base)));
    rig.open_journal(SECTORS);
    fill(&mut rig, extents, log_bytes);
    let stats = rig.stats();
    assert_eq!(stats.points, POINTS, "all points are kept");
    table.note("extents in the journal", stats.extents as f64, "");
    table.at_most(
        "index bytes for each extent, without the frames' own",
        stats.index_bytes as f64 / stats.extents as f64,
        16.0,
        " B",
    );
    let mut noise = Noise(5);
    let mut took: Vec<f64> = Vec::new();
    let mut first_reads: Vec<f64> = Vec::new();
    for point in rig.points() {
        let began = Instant::now();
        took.push(open(&rig, &base, place, point, noise.below(SECTORS - 8)).as_secs_f64() * 1e3);
        first_reads.push(began.elapsed().as_secs_f64() * 1e3 - took[took.len() - 1]);
    }
    table.at_most(
        "opening any of 288 points, index in memory: the slowest",
        took.iter().copied().fold(0.0, f64::max),
        10.0,
        " ms",
    );
    table.note("  the first read of it, in the middle", median(first_reads.clone()), " ms");
    table.note("  the first read of it, the slowest", first_reads.into_iter().fold(0.0, f64::max), " ms");
    let last = *rig.points().last().expect("there are points");
    rig.seat.end();
    drop(rig);
    let mut cold = Vec::new();
    for _ in 0..if is_quick { 1 } else { 5 } {
        forget_pages(&place.join("target"));
        let began = Instant::now();
        let again = Rig::open(place, Some(Arc::clone(&base)));
        open(&again, &base, place, last, noise.below(SECTORS - 8));
        cold.push(began.elapsed().as_secs_f64());
        assert_eq!(again.stats().extents, stats.extents, "it is the same journal");
        again.seat.end();
    }
    table.at_most("opening a point from a cold start, with its first read", median(cold), 0.5, " s");
}
