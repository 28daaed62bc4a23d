//! The end of a log: what is appended, and how it becomes durable.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::SharedSegment;
use super::end::End;
use super::records::{Encoded, LOOSE_FRAME, Record};
use super::segment::{HEADER_BYTES, Segments};
use crate::content::{KeptFrame, Place};

/// A segment that has grown to this is the last one no longer.
const SEGMENT_BYTES: u64 = 256 << 20;
/// What begins anew with so much has a segment of its own: the log goes on in the next, and what it began with is gone when it is
/// replaced in turn, and not only when nothing needs the frames behind it any more.
const APART_BYTES: u64 = 1 << 20;
/// How long what stands before the head of a record is, in bytes.
pub(super) const PREFIX_BYTES: usize = 20;
/// The head of the record that ends what a segment begins anew with.
pub(super) const END_MARK: &[u8] = b"";

/// The end of a log.
#[derive(Debug)]
pub(super) struct Log {
    segments: Segments,
    /// Held for as long as the store is open.
    _lock: File,
    /// From which on everything is needed, in order. The last is written to.
    current: Vec<SharedSegment>,
    /// Those before them that are there for the frames in them.
    older: Vec<SharedSegment>,
    /// Which of the older ones what was written later names.
    named: BTreeSet<u64>,
    /// How long the last is, as far as it is durable.
    durable_bytes: u64,
    /// What comes next in it.
    pending: Vec<u8>,
    /// Frames whose bodies are in what is pending, and where.
    settling: Vec<(Arc<KeptFrame>, u64)>,
    /// A log that takes the place of this one when it is durable.
    anew: Option<Anew>,
    /// One that was to, and was given up; nothing becomes durable before it is gone.
    undone: Option<SharedSegment>,
    /// What went wrong since the last sync.
    failed: Option<io::Error>,
}

/// A segment that begins anew, all of it still to be written.
#[derive(Debug)]
struct Anew {
    segment: SharedSegment,
    /// The older segments that it names.
    names: BTreeSet<u64>,
}

impl Log {
    /// The end of a log in these segments. The older ones are all named.
    pub(super) fn new(
        segments: Segments,
        lock: File,
        older: Vec<SharedSegment>,
        current: Vec<SharedSegment>,
        durable_bytes: u64,
    ) -> Self {
        Self {
            segments,
            _lock: lock,
            current,
            named: older.iter().map(|segment| segment.number()).collect(),
            older,
            durable_bytes,
            pending: Vec::new(),
            settling: Vec::new(),
            anew: None,
            undone: None,
            failed: None,
        }
    }

    /// Appends a record. Nothing is written before the next sync.
    pub(super) fn append<R: Record>(&mut self, record: &R) {
        let encoded = record.encode(&mut |_| Err(nowhere()));
        self.keep(encoded);
    }

    fn keep(&mut self, encoded: io::Result<Encoded>) {
        match encoded {
            Ok(encoded) if u32::try_from(encoded.head.len()).is_err() => {
                let why = format!("a record of {} bytes: at most {} fit", encoded.head.len(), u32::MAX);
                self.failed = Some(io::Error::new(io::ErrorKind::FileTooLarge, why));
            }
            Ok(encoded) => {
                let at = self.push(&encoded.head, encoded.body.as_deref().unwrap_or_default());
                self.settling.extend(encoded.frame.map(|frame| (frame, at)));
                if let Some(anew) = &mut self.anew {
                    anew.names.extend(encoded.names);
                }
            }
            Err(error) => self.failed = Some(error),
        }
    }

    /// Puts a record behind what is pending, and says where its body will lie.
    fn push(&mut self, head: &[u8], body: &[u8]) -> u64 {
        let durable_bytes = if self.anew.is_some() { 0 } else { self.durable_bytes };
        let mut prefix = [head.len() as u32, body.len() as u32].map(u32::to_le_bytes).concat();
        prefix.extend_from_slice(&durable_bytes.to_le_bytes());
        let checksum = [head, body].into_iter().fold(crc32c::crc32c(&prefix), crc32c::crc32c_append);
        self.pending.extend_from_slice(&prefix);
        self.pending.extend_from_slice(&checksum.to_le_bytes());
        self.pending.extend_from_slice(head);
        let begins_at = durable_bytes.max(HEADER_BYTES);
        let at = begins_at + self.pending.len() as u64;
        self.pending.extend_from_slice(body);
        at
    }

    /// Replaces everything by these records, once the next sync is through. Frames that lie in older segments stay there.
    pub(super) fn begin_anew<'r, R: Record>(&mut self, records: impl Iterator<Item = &'r R>) {
        self.give_up();
        let number = self.current.last().map_or(1, |last| last.number() + 1);
        match self.segments.create(number, true) {
            Ok(segment) => {
                // It has the name of one that was given up, and took its place.
                self.undone = None;
                self.anew = Some(Anew { segment, names: BTreeSet::new() });
            }
            Err(error) => return self.failed = Some(error),
        }
        for record in records {
            let encoded = record.encode(&mut |frame| self.put_loose(frame));
            self.keep(encoded);
        }
        self.push(END_MARK, &[]);
    }

    /// A frame that was never appended is written before the record that names it.
    fn put_loose(&mut self, frame: &Arc<KeptFrame>) -> io::Result<Place> {
        let body = frame.body()?;
        let segment = self.anew.as_ref().map(|anew| Arc::clone(&anew.segment));
        let at = self.push(LOOSE_FRAME, &body);
        self.settling.push((Arc::clone(frame), at));
        Ok(Place { segment: segment.ok_or_else(nowhere)?, at })
    }

    /// Makes everything durable that was appended. When that fails, what was appended since the last good sync is gone.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let result = self
            .failed
            .take()
            .map_or(Ok(()), Err)
            .and_then(|()| self.forget_undone())
            .and_then(|()| self.write());
        match result {
            Ok(segment) => {
                for (frame, at) in self.settling.drain(..) {
                    frame.settle(Place { segment: Arc::clone(&segment), at });
                }
                self.tidy();
                Ok(())
            }
            Err(error) => {
                self.give_up();
                Err(error)
            }
        }
    }

    /// Forgets what is pending, and what of it may have got to the disk.
    fn give_up(&mut self) {
        self.pending.clear();
        self.settling.clear();
        self.failed = None;
        if let Some(anew) = self.anew.take() {
            self.undone = Some(anew.segment);
        }
    }

    /// Deletes a segment that was to begin anew and does not, for good: were it there again after a crash, it would stand for
    /// what was appended to the old ones since.
    fn forget_undone(&mut self) -> io::Result<()> {
        if let Some(segment) = &self.undone {
            segment.remove()?;
            self.segments.sync_names()?;
            self.undone = None;
        }
        Ok(())
    }

    /// Deletes older segments that nothing names and nobody holds a frame in.
    fn tidy(&mut self) {
        let named = &self.named;
        let is_needed =
            |segment: &SharedSegment| named.contains(&segment.number()) || Arc::strong_count(segment) > 1;
        for segment in self.older.extract_if(.., |segment| !is_needed(segment)) {
            segment.delete();
        }
    }

    fn write(&mut self) -> io::Result<SharedSegment> {
        match self.anew.as_ref().map(|anew| (Arc::clone(&anew.segment), anew.names.clone())) {
            Some((segment, names)) => {
                segment.file().write_all_at(&self.pending, HEADER_BYTES)?;
                segment.file().sync_data()?;
                self.segments.sync_names()?;
                segment.finish()?;
                self.durable_bytes = HEADER_BYTES + self.pending.len() as u64;
                self.anew = None;
                self.older.append(&mut self.current);
                self.named = names;
                self.current.push(Arc::clone(&segment));
                self.pending.clear();
                self.turn_over(APART_BYTES)?;
                Ok(segment)
            }
            None => {
                let segment = Arc::clone(self.last()?);
                let written = segment.file().write_all_at(&self.pending, self.durable_bytes);
                if let Err(error) = written.and_then(|()| segment.file().sync_data()) {
                    // Whatever got there must not be found behind what is written next.
                    segment.file().set_len(self.durable_bytes)?;
                    return Err(error);
                }
                self.durable_bytes += self.pending.len() as u64;
                self.pending.clear();
                self.turn_over(SEGMENT_BYTES)?;
                Ok(segment)
            }
        }
    }

    /// Notes how it ends. What was appended and not synced is not part of it.
    pub(super) fn close(&self) {
        let Ok(last) = self.last() else { return };
        let end = End { segment: last.number(), bytes: self.durable_bytes };
        if let Err(error) = end.write(self.segments.directory()) {
            tracing::warn!(store = %self.segments.directory().display(), %error, "the end of a store is not noted");
        }
    }

    fn last(&self) -> io::Result<&SharedSegment> {
        self.current.last().ok_or_else(|| io::Error::other("the log has no segment"))
    }

    /// Goes on in a new segment when the last one is as long as that.
    fn turn_over(&mut self, length: u64) -> io::Result<()> {
        if self.durable_bytes < length {
            return Ok(());
        }
        let number = self.last()?.number() + 1;
        let created = self.segments.create(number, false).and_then(|segment| {
            segment.file().sync_data()?;
            self.segments.sync_names()?;
            Ok(segment)
        });
        match created {
            Ok(segment) => {
                self.current.push(segment);
                self.durable_bytes = HEADER_BYTES;
                Ok(())
            }
            // Without a new one it goes on in this one, which is then the last.
            Err(_) => self.segments.remove(number).or(Ok(())),
        }
    }
}

/// Frames are named only by what begins anew.
fn nowhere() -> io::Error {
    io::Error::other("a frame is named that lies nowhere")
}
