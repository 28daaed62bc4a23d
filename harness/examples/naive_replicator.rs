//! A small replicator of its own, with a mistake, put under the judges: `cargo run --example naive_replicator`.
//!
//! It numbers what it ships, sends it again until the target has acknowledged it, and makes a recovery point every
//! second from a marker in the stream. Two mistakes can be switched on, and both pass while nothing goes wrong:
//!
//! - `disk-by-disk`: each disk has a stream of its own, and the marker travels in that of disk 0. When the stream of
//!   another disk is held up, the point lacks writes of that disk which are older than what it shows of disk 0.
//! - `early-acknowledgement`: the target acknowledges what it has received and not yet synced. The source forgets
//!   it, and a crash of the target loses it.
//!
//! `fixed` has neither, and passes.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use switchback_harness::SimTime;
use switchback_harness::adapter::{
    Io, Point, Replicator, Report, Setup, SetupError, Source, Start, SyncId, Target, Written, search,
};

const SECTOR: usize = 512;
/// How much of a disk one message of the first copy holds.
const COPY_SECTORS: u64 = 64;
/// How many messages of a stream may be under way.
const WINDOW: usize = 32;
const POINT_EVERY: Duration = Duration::from_secs(1);
const RESEND_AFTER: Duration = Duration::from_millis(250);
const POINTS_KEPT: usize = 8;

/// Which mistake is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// None.
    Fixed,
    /// Each disk is shipped on its own.
    DiskByDisk,
    /// The target acknowledges before its log is synced.
    EarlyAcknowledgement,
}

/// The replicator.
#[derive(Debug)]
pub(crate) struct Shipper(pub(crate) Flaw);

impl Replicator for Shipper {
    type Source = Sender;
    type Target = Receiver;

    fn source(&self, start: Start, io: &mut Io<'_>) -> Sender {
        Sender::start(self.0, start, io)
    }

    fn target(&self, start: Start, _io: &mut Io<'_>) -> Receiver {
        Receiver::start(self.0, &start)
    }
}

/// What is shipped: sectors of a disk, or a marker that stands for an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Body {
    Data { disk: u8, start: u64, bytes: Vec<u8> },
    Marker { at: SimTime },
}

/// A message of the source, and a record of the target's log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Which life of the source it is from.
    session: u64,
    stream: u8,
    /// Its place in the stream.
    number: u64,
    body: Body,
}

impl Entry {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.session.to_le_bytes());
        out.extend(self.number.to_le_bytes());
        out.push(self.stream);
        match &self.body {
            Body::Data { disk, start, bytes } => {
                out.push(*disk);
                out.extend(start.to_le_bytes());
                out.extend(bytes);
            }
            Body::Marker { at } => {
                out.push(u8::MAX);
                out.extend(at.as_nanos().to_le_bytes());
            }
        }
        out
    }

    fn decode(message: &[u8]) -> Option<Self> {
        let place = number_at(message, 18)?;
        let body = match *message.get(17)? {
            u8::MAX => Body::Marker { at: SimTime::from_nanos(place) },
            disk => Body::Data { disk, start: place, bytes: message.get(26..)?.to_vec() },
        };
        let stream = *message.get(16)?;
        Some(Self { session: number_at(message, 0)?, stream, number: number_at(message, 8)?, body })
    }
}

fn number_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// What of one stream the target has not acknowledged.
#[derive(Debug, Default)]
struct Stream {
    first: u64,
    pending: Vec<Vec<u8>>,
}

/// The source.
#[derive(Debug)]
pub(crate) struct Sender {
    flaw: Flaw,
    disks: Vec<u64>,
    session: u64,
    /// Nothing is sent before the session's number is durable: it must never be used twice.
    is_open: bool,
    streams: Vec<Stream>,
    next_point: SimTime,
}

impl Sender {
    fn start(flaw: Flaw, start: Start, io: &mut Io<'_>) -> Self {
        let last = start.records.last().and_then(|record| number_at(record, 0));
        let session = last.map_or(0, |last| last + 1);
        io.append(session.to_le_bytes().to_vec());
        io.sync();
        let streams = start.disks.iter().map(|_| Stream::default()).collect();
        Self { flaw, disks: start.disks, session, is_open: false, streams, next_point: SimTime::ZERO }
    }

    /// After a crash nobody knows what had been captured and not shipped: everything is shipped again.
    fn copy_all(&mut self, io: &mut Io<'_>) {
        for (disk, sectors) in self.disks.clone().into_iter().enumerate() {
            for start in (0..sectors).step_by(COPY_SECTORS as usize) {
                let length = (sectors - start).min(COPY_SECTORS) as u32;
                if let Ok(bytes) = io.read_disk(disk, start, length) {
                    self.ship(Body::Data { disk: disk as u8, start, bytes }, io);
                }
            }
        }
    }

    fn ship(&mut self, body: Body, io: &mut Io<'_>) {
        let stream = match (&body, self.flaw) {
            (Body::Data { disk, .. }, Flaw::DiskByDisk) => *disk,
            _ => 0,
        };
        let pending = &mut self.streams[usize::from(stream)];
        let number = pending.first + pending.pending.len() as u64;
        let message = Entry { session: self.session, stream, number, body }.encode();
        if pending.pending.len() < WINDOW {
            io.send(message.clone());
        }
        pending.pending.push(message);
    }

    fn acknowledged(&mut self, stream: usize, until: u64, io: &mut Io<'_>) {
        let Some(stream) = self.streams.get_mut(stream) else { return };
        let done = (until.saturating_sub(stream.first) as usize).min(stream.pending.len());
        stream.pending.drain(..done);
        stream.first += done as u64;
        // The window has moved on: what is new in it was not sent yet.
        for message in stream.pending.iter().take(WINDOW).skip(WINDOW - done.min(WINDOW)) {
            io.send(message.clone());
        }
    }
}

impl Source for Sender {
    fn written(&mut self, write: Written<'_>, io: &mut Io<'_>) {
        // What comes earlier is part of the copy.
        if self.is_open {
            let (disk, bytes) = (write.disk as u8, write.data.to_vec());
            self.ship(Body::Data { disk, start: write.start, bytes }, io);
        }
    }

    fn message(&mut self, message: &[u8], io: &mut Io<'_>) {
        let fields = (number_at(message, 0), number_at(message, 8), message.get(16));
        if let (Some(session), Some(until), Some(stream)) = fields
            && session == self.session
        {
            self.acknowledged(usize::from(*stream), until, io);
        }
    }

    fn synced(&mut self, _sync: SyncId, io: &mut Io<'_>) {
        self.is_open = true;
        self.copy_all(io);
        self.next_point = io.now() + POINT_EVERY;
        io.wake_at(io.now() + RESEND_AFTER);
    }

    fn wake(&mut self, io: &mut Io<'_>) {
        if io.now() >= self.next_point {
            self.next_point = io.now() + POINT_EVERY;
            self.ship(Body::Marker { at: io.now() }, io);
        }
        for stream in &self.streams {
            stream.pending.iter().take(WINDOW).for_each(|message| io.send(message.clone()));
        }
        io.wake_at(io.now() + RESEND_AFTER);
    }
}

/// What has arrived in order: how far each stream is.
#[derive(Debug, Clone, Default)]
struct Progress {
    session: u64,
    expected: Vec<u64>,
    markers: u64,
}

/// A recovery point with the disks as they were.
#[derive(Debug)]
struct Kept {
    at: SimTime,
    disks: Vec<Vec<u8>>,
}

/// The target.
#[derive(Debug)]
pub(crate) struct Receiver {
    flaw: Flaw,
    disks: Vec<Vec<u8>>,
    progress: Progress,
    /// How far things will be when a sync completes.
    syncing: BTreeMap<SyncId, Progress>,
    /// By the number of the marker.
    points: BTreeMap<u64, Kept>,
    /// How many markers are durable; points of later ones are not offered.
    durable_markers: u64,
}

impl Receiver {
    fn start(flaw: Flaw, start: &Start) -> Self {
        let disks = start.disks.iter().map(|sectors| vec![0; *sectors as usize * SECTOR]).collect();
        let expected = vec![0; start.disks.len()];
        let progress = Progress { expected, ..Progress::default() };
        let mut receiver = Self {
            flaw,
            disks,
            progress,
            syncing: BTreeMap::new(),
            points: BTreeMap::new(),
            durable_markers: 0,
        };
        for entry in start.records.iter().filter_map(|record| Entry::decode(record)) {
            receiver.take(&entry);
        }
        receiver.durable_markers = receiver.progress.markers;
        receiver
    }

    /// Takes an entry if it is the next of its stream.
    fn take(&mut self, entry: &Entry) -> bool {
        if entry.session > self.progress.session {
            self.progress.session = entry.session;
            self.progress.expected.fill(0);
        }
        let is_ours = entry.session == self.progress.session;
        let Some(expected) = self.progress.expected.get_mut(usize::from(entry.stream)) else { return false };
        if !is_ours || *expected != entry.number {
            return false;
        }
        *expected += 1;
        self.apply(&entry.body);
        true
    }

    fn apply(&mut self, body: &Body) {
        match body {
            Body::Data { disk, start, bytes } => {
                let from = *start as usize * SECTOR;
                let disk = self.disks.get_mut(usize::from(*disk));
                if let Some(place) = disk.and_then(|disk| disk.get_mut(from..from + bytes.len())) {
                    place.copy_from_slice(bytes);
                }
            }
            Body::Marker { at } => {
                self.points.insert(self.progress.markers, Kept { at: *at, disks: self.disks.clone() });
                self.progress.markers += 1;
            }
        }
    }

    fn acknowledge(progress: &Progress, io: &mut Io<'_>) {
        for (stream, expected) in progress.expected.iter().enumerate() {
            let mut message = Vec::new();
            message.extend(progress.session.to_le_bytes());
            message.extend(expected.to_le_bytes());
            message.push(stream as u8);
            io.send(message);
        }
    }

    /// The oldest points go; never because of a marker that a crash may still take away.
    fn retire(&mut self) {
        let durable = self.points.range(..self.durable_markers).count();
        for _ in POINTS_KEPT..durable {
            self.points.pop_first();
        }
    }
}

impl Target for Receiver {
    fn message(&mut self, message: &[u8], io: &mut Io<'_>) {
        let Some(entry) = Entry::decode(message) else { return };
        if self.take(&entry) {
            io.append(message.to_vec());
        }
        // Also for what was known: its acknowledgement may have been lost.
        self.syncing.insert(io.sync(), self.progress.clone());
        if self.flaw == Flaw::EarlyAcknowledgement {
            Self::acknowledge(&self.progress, io);
        }
    }

    fn synced(&mut self, sync: SyncId, io: &mut Io<'_>) {
        let Some(progress) = self.syncing.remove(&sync) else { return };
        // Syncs may complete in any order.
        self.durable_markers = self.durable_markers.max(progress.markers);
        self.retire();
        Self::acknowledge(&progress, io);
    }

    fn points(&self) -> Vec<Point> {
        let durable = self.points.range(..self.durable_markers);
        durable.map(|(id, kept)| Point { id: *id, at: kept.at, is_application: false }).collect()
    }

    fn read(&self, point: u64, disk: usize, start: u64, sectors: u32) -> Option<Vec<u8>> {
        let from = start as usize * SECTOR;
        let disk = self.points.get(&point)?.disks.get(disk)?;
        Some(disk.get(from..from + sectors as usize * SECTOR)?.to_vec())
    }
}

/// Tries the replicator with a mistake, or none, on the first seeds.
///
/// # Errors
/// None with this setup.
pub(crate) fn try_out(flaw: Flaw, seeds: u64) -> Result<Report, SetupError> {
    search(&Shipper(flaw), &Setup::small(), 0..seeds)
}

/// The report in words.
#[must_use]
pub(crate) fn describe(flaw: Flaw, report: &Report) -> String {
    let Report { seeds, writes, points, .. } = report;
    let looked = format!("{flaw:?}: {seeds} seeds, {writes} writes, {points} recovery points read back");
    match &report.counterexample {
        None => format!("{looked}, nothing found"),
        Some(counterexample) => format!("{looked}\n{counterexample}"),
    }
}

fn main() -> ExitCode {
    let flaw = match std::env::args().nth(1).as_deref() {
        None | Some("disk-by-disk") => Flaw::DiskByDisk,
        Some("early-acknowledgement") => Flaw::EarlyAcknowledgement,
        Some("fixed") => Flaw::Fixed,
        Some(other) => {
            eprintln!("`{other}` is none of disk-by-disk, early-acknowledgement, fixed");
            return ExitCode::from(2);
        }
    };
    match try_out(flaw, 500) {
        Ok(report) => println!("{}", describe(flaw, &report)),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
