//! What recovery points of a journal on disk hold, sector by sector, and what they weigh.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::sync::Arc;

use proptest::prelude::*;
use switchback_engine::{Change, PointId, SectorRange};
use switchback_live::attached::{AttachedDisk, write_out};
use switchback_live::content::Data;
use switchback_live::disks::Disk;
use switchback_live::nbd::{Address, Export, Exports, Server, ServerLimits};
use switchback_live::promote::{self, Format};
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[path = "../../benches/journal/data.rs"]
#[allow(dead_code, reason = "measurements use more of it")]
mod data;
#[path = "../../benches/journal/rig.rs"]
#[allow(dead_code, reason = "measurements use more of it")]
mod rig;

use data::Noise;
use rig::{Rig, frame};

/// A write: where, how many sectors, and whether it is of zeroes.
type Write = (u64, u32, bool);

/// A target on a disk of its own, and what its disk ought to hold at each point.
struct Story {
    place: TempDir,
    _runtime: Runtime,
    base: Arc<Disk>,
    rig: Rig,
    sectors: u64,
    /// The disk as a machine would see it, and as it was at each point.
    now: Vec<u8>,
    points: Vec<Vec<u8>>,
    noise: Noise,
}

impl Story {
    /// A disk that holds something already.
    fn begin(sectors: u64) -> Self {
        let place = tempfile::tempdir().unwrap();
        let held = data::reference(sectors as usize * 512, 1).to_vec();
        std::fs::write(place.path().join("replica"), &held).unwrap();
        let base = Arc::new(Disk::open(place.path().join("replica")).unwrap());
        let runtime = Runtime::new().unwrap();
        let rig = {
            let _within = runtime.enter();
            Rig::open(place.path(), Some(Arc::clone(&base)))
        };
        rig.open_journal(sectors);
        Self { place, _runtime: runtime, base, rig, sectors, now: held, points: Vec::new(), noise: Noise(2) }
    }

    /// Writes of a machine in order, as a frame; then a recovery point, if there is to be one.
    fn write(&mut self, writes: &[Write], is_point: bool) {
        let changes = writes.iter().map(|write| self.change(*write)).collect();
        if is_point {
            self.points.push(self.now.clone());
        }
        self.rig.receive(frame(changes, is_point.then_some(self.points.len() as u64)));
    }

    fn change(&mut self, (start, sectors, is_zero): Write) -> Change<Data> {
        let range = start as usize * 512..(start as usize + sectors as usize) * 512;
        let content = if is_zero {
            self.now[range].fill(0);
            Data::Zeroes
        } else {
            let mut bytes = vec![0; range.len()];
            self.noise.fill(&mut bytes);
            self.now[range].copy_from_slice(&bytes);
            Data::Bytes(bytes.into())
        };
        Change { start, sectors, content }
    }

    /// The same target after its process has begun again.
    fn begin_again(&mut self) {
        self.rig.wait();
        self.rig.seat.end();
        let _within = self._runtime.enter();
        self.rig = Rig::open(self.place.path(), Some(Arc::clone(&self.base)));
    }

    fn attach(&self, number: u64) -> AttachedDisk {
        let point = PointId { generation: 1, number };
        AttachedDisk::new(Arc::clone(&self.base), self.sectors, self.place.path(), || {
            Some(self.rig.view(point))
        })
        .unwrap()
        .unwrap()
    }

    /// The first byte in which a point is not what the disk held then, read in steps that are not aligned to anything.
    fn difference(&self, number: u64) -> Option<usize> {
        let disk = self.attach(number);
        let mut read = vec![0; self.sectors as usize * 512];
        for (step, part) in read.chunks_mut(7 * 512).enumerate() {
            disk.read(step as u64 * 7 * 512, part).unwrap();
        }
        let expected = &self.points[number as usize - 1];
        read.iter().zip(expected).position(|(read, expected)| read != expected)
    }

    fn assert_points_hold_what_the_disk_held(&self) {
        self.rig.wait();
        for number in 1..=self.points.len() as u64 {
            assert_eq!(self.difference(number), None, "at point {number}");
        }
    }
}

const SECTORS: u64 = 400;

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let write = (0..SECTORS, 1u32..60, prop::bool::weighted(0.2));
    let inside = |(start, sectors, zero): Write| (start, sectors.min((SECTORS - start) as u32), zero);
    prop::collection::vec(write.prop_map(inside), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_point_holds_every_sector_that_its_disk_held(frames in prop::collection::vec((writes(), any::<bool>()), 1..12)) {
        let mut story = Story::begin(SECTORS);
        for (writes, is_point) in &frames {
            story.write(writes, *is_point);
        }
        story.write(&[], true);
        story.assert_points_hold_what_the_disk_held();
        story.begin_again();
        story.assert_points_hold_what_the_disk_held();
    }
}

/// The negative twin: a sector that is not as it was is found.
#[test]
fn a_sector_that_is_not_as_it_was_is_found() {
    let mut story = Story::begin(SECTORS);
    story.write(&[(63, 9, false)], true);
    story.points[0][71 * 512] ^= 1;
    story.rig.wait();
    assert_eq!(story.difference(1), Some(71 * 512));
}

#[test]
fn a_promoted_point_is_the_disk_as_it_was_and_its_holes_are_holes() {
    let mut story = Story::begin(1 << 14);
    story.write(&[(63, 72, false), (100, 8192, true)], true);
    story.write(&[(0, 4000, false)], true);
    story.rig.wait();
    let to = story.place.path().join("image");
    let (image, _) = Disk::create(&to, story.sectors).unwrap();
    write_out(&story.rig.view(PointId { generation: 1, number: 1 }), &story.base, story.sectors, &image)
        .unwrap();
    assert!(std::fs::read(&to).unwrap() == story.points[0]);
    // What was zeroed at the point was written over since, in production.
    let inside = SectorRange::new(1024, 4096);
    assert!(image.runs(inside).unwrap().is_empty());
    let kept = std::os::unix::fs::MetadataExt::blocks(&std::fs::metadata(&to).unwrap());
    assert!(kept <= story.sectors - 8192 + 64, "{kept} sectors are kept for it");
}

#[test]
fn a_point_that_is_served_becomes_an_image_with_the_same_bytes_to_the_last_sector() {
    // Neither the disk nor what is zeroes on it ends where a block does.
    let mut story = Story::begin((24 << 10) + 3);
    story.write(&[(63, 72, false), (101, 16_001, true)], true);
    story.rig.wait();
    let exports = Exports::new("disk-0", "a point", Arc::new(story.attach(1))).unwrap();
    let server =
        Server::start(&Address::Tcp("127.0.0.1:0".parse().unwrap()), exports, ServerLimits::USUAL).unwrap();
    let image = story.place.path().join("image");
    let promoted = promote::promote(server.address(), "disk-0", &image, Format::Raw).unwrap();
    server.stop();
    assert!(std::fs::read(&image).unwrap() == story.points[0]);
    assert_eq!(promoted.disk_bytes, story.sectors * 512);
    assert!(promoted.data_bytes <= (story.sectors - 16_001 + 16) * 512, "{promoted:?}");
    let kept = std::os::unix::fs::MetadataExt::blocks(&std::fs::metadata(&image).unwrap());
    assert!(kept <= story.sectors - 16_001 + 64, "{kept} sectors are kept for it");
}

/// 4 KiB writes all over a disk of 8 GiB, in frames of 1 MiB.
fn written(payload: impl Fn(usize, u64) -> bytes::Bytes) -> (TempDir, Rig, Runtime, u64) {
    const FRAMES: u64 = 16;
    let place = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let within = runtime.enter();
    let mut rig = Rig::open(place.path(), None);
    rig.open_journal(16 << 20);
    let mut noise = Noise(9);
    for number in 0..FRAMES {
        let bytes = payload(1 << 20, number);
        let change = |at: u64| Change {
            start: at * 65_536 + noise.below(65_528),
            sectors: 8,
            content: Data::Bytes(bytes.slice(at as usize * 4096..(at as usize + 1) * 4096)),
        };
        rig.receive(frame((0..256).map(change).collect(), (number == FRAMES - 1).then_some(1)));
    }
    rig.wait();
    drop(within);
    (place, rig, runtime, FRAMES << 20)
}

/// What a store takes on disk for each byte that was captured.
fn space(payload: impl Fn(usize, u64) -> bytes::Bytes) -> f64 {
    let (place, _rig, _runtime, captured) = written(payload);
    let files = std::fs::read_dir(place.path().join("target")).unwrap();
    let stored: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    stored as f64 / captured as f64
}

#[test]
fn a_journal_takes_hardly_more_than_what_was_captured_and_less_where_that_can_be_packed() {
    let raw = space(data::incompressible);
    assert!((1.0..=1.02).contains(&raw), "{raw} of what nothing makes smaller");
    let packed = space(data::reference);
    assert!((0.65..=0.76).contains(&packed), "{packed} of data as it is");
}

#[test]
fn an_extent_weighs_less_than_sixteen_bytes_with_all_that_is_known_of_its_content() {
    let (_place, rig, _runtime, captured) = written(data::incompressible);
    let stats = rig.stats();
    // A few of the writes met.
    assert!(stats.extents > captured / 4096 * 99 / 100);
    // Of each frame 128 bytes are known, and 8 for each 64 KiB in it.
    let frames = captured / (1 << 20) * 128 + captured / (64 << 10) * 8;
    let each = (stats.index_bytes + frames) as f64 / stats.extents as f64;
    assert!(each <= 16.0, "{each} bytes");
}

/// The writes of the recorded disk, at most so many, if `SWITCHBACK_TRACES` says where the recording is.
fn recorded(most: usize) -> Option<Vec<Write>> {
    let folder = std::path::PathBuf::from(std::env::var_os("SWITCHBACK_TRACES")?);
    let text = std::fs::read_to_string(folder.join("cloudPhysicsIO.csv")).unwrap();
    let write = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[2] == "2a")
            .then(|| (fields[4].parse().unwrap(), fields[3].parse::<u32>().unwrap() / 512, false))
    };
    Some(text.lines().skip(1).filter_map(write).take(most).collect())
}

#[test]
fn points_of_the_recorded_disk_hold_every_sector_of_it() {
    let Some(writes) = recorded(4000) else {
        eprintln!("SKIPPED: SWITCHBACK_TRACES does not say where the recorded disk is");
        return;
    };
    let unaligned = writes.iter().filter(|(start, sectors, _)| start % 8 != 0 || sectors % 8 != 0).count();
    assert!(
        unaligned * 1000 > writes.len() * 990,
        "{unaligned} of {} are not aligned to 4 KiB",
        writes.len()
    );
    // The places are moved together, so that the whole disk can be held beside it: what matters is how they meet.
    let mut story = Story::begin(1 << 18);
    for (number, part) in writes.chunks(100).enumerate() {
        let moved: Vec<Write> = part
            .iter()
            .map(|(start, sectors, zero)| {
                let start = start % (1 << 18);
                (start, (*sectors).min(((1 << 18) - start) as u32), *zero)
            })
            .collect();
        story.write(&moved, number % 10 == 9);
    }
    story.assert_points_hold_what_the_disk_held();
    story.begin_again();
    story.assert_points_hold_what_the_disk_held();
}
