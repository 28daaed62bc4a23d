//! Reading a point from end to end beside reading the plain file, and making it an image beside `qemu-img convert`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use switchback_engine::Change;
use switchback_live::attached::AttachedDisk;
use switchback_live::content::Data;
use switchback_live::disks::Disk;
use switchback_live::nbd::{Address, Export, Exports, Server, ServerLimits};
use switchback_live::promote::{self, Format};

use crate::data::{self, Noise};
use crate::points::forget_pages;
use crate::rig::{Rig, frame};
use crate::table::{Table, median};

/// Read at once, in bytes.
const STEP: usize = 1 << 20;
/// A write, in sectors: 36 KiB, as they are in the middle of the recorded disk.
const WRITE_SECTORS: u32 = 72;
/// Writes between two points.
const WRITES: u64 = 64;

/// A machine's disk on a replica, and a journal over it that has changed a tenth of it.
fn prepare(place: &Path, disk_bytes: usize) -> (Rig, Arc<Disk>) {
    std::fs::create_dir_all(place.join("files")).expect("there is room");
    let replica = place.join("files/replica");
    let file = File::create(&replica).expect("there is room");
    for number in 0..disk_bytes / STEP {
        file.write_all_at(&data::reference(STEP, number as u64), (number * STEP) as u64)
            .expect("there is room");
    }
    file.sync_all().expect("there is room");
    drop(file);
    let base = Arc::new(Disk::open(&replica).expect("it is there"));
    let mut rig = Rig::open(place, Some(Arc::clone(&base)));
    let sectors = disk_bytes as u64 / 512;
    rig.open_journal(sectors);
    let mut noise = Noise(11);
    rig.receive(frame(Vec::new(), Some(1)));
    let write_bytes = WRITE_SECTORS as usize * 512;
    for point in 0..disk_bytes as u64 / 10 / (WRITES * write_bytes as u64) {
        let bytes = data::reference(WRITES as usize * write_bytes, point);
        let room = sectors / WRITES;
        let change = |number: u64| Change {
            start: number * room + noise.below(room - u64::from(WRITE_SECTORS)),
            sectors: WRITE_SECTORS,
            content: Data::Bytes(
                bytes.slice(number as usize * write_bytes..(number as usize + 1) * write_bytes),
            ),
        };
        rig.receive(frame((0..WRITES).map(change).collect(), Some(point + 2)));
    }
    rig.wait();
    (rig, base)
}

/// Reads a disk from end to end, and says how fast, in MB/s.
fn read_through(disk_bytes: usize, mut read: impl FnMut(u64, &mut [u8])) -> f64 {
    let mut bytes = vec![0; STEP];
    let began = Instant::now();
    for step in 0..disk_bytes / STEP {
        read((step * STEP) as u64, &mut bytes);
    }
    disk_bytes as f64 / 1e6 / began.elapsed().as_secs_f64()
}

pub(crate) fn measure(place: &Path, is_quick: bool, table: &mut Table) {
    let (disk_bytes, pairs) = if is_quick { (64 << 20, 1) } else { (1 << 30, 5) };
    let (rig, base) = prepare(place, disk_bytes);
    let sectors = disk_bytes as u64 / 512;
    let last = *rig.points().last().expect("there are points");
    let attach = || {
        let opened = AttachedDisk::new(Arc::clone(&base), sectors, place, || Some(rig.view(last)));
        opened.expect("there is room").expect("there is such a point")
    };
    let plain = File::open(base.path()).expect("it is there");
    for (state, is_cold) in [("in memory", false), ("on disk", true)] {
        let (mut points, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..pairs {
            let forget = || {
                if is_cold {
                    forget_pages(&place.join("target"));
                    forget_pages(&place.join("files"));
                }
            };
            forget();
            let file = read_through(disk_bytes, |at, into| plain.read_exact_at(into, at).expect("it reads"));
            forget();
            let disk = attach();
            let point = read_through(disk_bytes, |at, into| disk.read(at, into).expect("it reads"));
            points.push(point);
            ratios.push(point / file);
        }
        table.note(&format!("reading a point from end to end, files {state}"), median(points), " MB/s");
        table.at_least(&format!("  beside the plain file, {pairs} pairs"), median(ratios), 0.8, "");
    }
    promote_changes(place, &rig, &base, pairs, table);
    promote_image(place, Arc::new(attach()), disk_bytes, pairs, table);
    rig.seat.end();
}

/// The same bytes by `qemu-img`, file to file, on the disk at the end; in seconds. `None` where there is no `qemu-img`.
fn convert(from: &Path, to: &Path) -> Option<f64> {
    let _ = std::fs::remove_file(to);
    let began = Instant::now();
    let mut convert = Command::new("qemu-img");
    convert
        .args(["convert", "-f", "raw", "-O", "raw", "-m", "16", "-W", "-t", "none", "-T", "none"])
        .arg(from)
        .arg(to);
    let status = convert.status().ok()?;
    assert!(status.success(), "qemu-img converts");
    Some(began.elapsed().as_secs_f64())
}

/// What a promotion writes to the replica, beside a copy of as many bytes.
fn promote_changes(place: &Path, rig: &Rig, base: &Disk, pairs: usize, table: &mut Table) {
    let last = *rig.points().last().expect("there are points");
    let changes = rig.view(last).changes();
    let bytes: u64 = changes.iter().map(|change| u64::from(change.sectors) * 512).sum();
    let packed = place.join("files/changed");
    std::fs::write(&packed, data::reference(bytes as usize, 1)).expect("there is room");
    let mut ratios = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..pairs {
        forget_pages(&place.join("target"));
        forget_pages(&place.join("files"));
        let Some(theirs) = convert(&packed, &place.join("files/converted")) else { return };
        let began = Instant::now();
        base.write(&changes).expect("it is written");
        let ours = began.elapsed().as_secs_f64();
        rates.push(bytes as f64 / 1e6 / ours);
        ratios.push(theirs / ours);
    }
    table.note("promoting a point onto its replica: changed bytes", median(rates), " MB/s");
    table.at_least(
        &format!("  beside qemu-img convert of as many bytes, {pairs} pairs"),
        median(ratios),
        1.0,
        "",
    );
}

/// A point as an image that stands alone, beside a copy of such an image.
fn promote_image(place: &Path, disk: Arc<AttachedDisk>, disk_bytes: usize, pairs: usize, table: &mut Table) {
    let exports = Exports::new("disk-0", "a point", disk).expect("the name is good");
    let at = Address::Unix(place.join("point.sock"));
    let server = Server::start(&at, exports, ServerLimits::USUAL).expect("it is served");
    let image = place.join("files/image");
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        let began = Instant::now();
        promote::promote(server.address(), "disk-0", &image, Format::Raw).expect("it is promoted");
        let ours = began.elapsed().as_secs_f64();
        let Some(theirs) = convert(&image, &place.join("files/converted")) else { break };
        rates.push(disk_bytes as f64 / 1e6 / ours);
        ratios.push(theirs / ours);
    }
    server.stop();
    if !ratios.is_empty() {
        table.note("promoting a point to a raw image", median(rates), " MB/s");
        table.at_least(
            &format!("  beside qemu-img convert file to file, {pairs} pairs"),
            median(ratios),
            1.0,
            "",
        );
    }
}
