//! Opening a store: what it had kept, and where its log goes on.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::end::End;
use super::log::{END_MARK, Log, PREFIX_BYTES};
use super::owner;
use super::records::{Reading, Record};
use super::segment::{HEADER_BYTES, Segments};
use super::{SharedSegment, StoreError};
use crate::content::FrameCache;

/// Unpacked frames that are remembered: 64 MiB.
const CACHED_FRAMES: usize = 1024;

/// What was found.
pub(super) struct Found<R> {
    pub(super) log: Log,
    pub(super) records: Vec<R>,
    pub(super) torn_bytes: u64,
}

/// A record as it lies in a segment.
struct Raw {
    head: Bytes,
    body: Bytes,
    /// Where its body begins.
    body_at: u64,
}

/// What a segment holds.
struct Scanned {
    segment: SharedSegment,
    records: Vec<Raw>,
    /// Where the last whole record ends.
    end: u64,
    torn_bytes: u64,
}

pub(super) fn open<R: Record>(directory: PathBuf, owner: &str) -> Result<Found<R>, StoreError> {
    std::fs::create_dir_all(&directory).map_err(StoreError::io(&directory))?;
    let lock = lock(&directory)?;
    owner::claim(&directory, owner)?;
    let segments = Segments::new(directory, Arc::new(FrameCache::new(CACHED_FRAMES)));
    let numbers = segments.numbers()?;
    let mut scanned = scan_back(&segments, &numbers)?;
    if let Some(end) = End::read(segments.directory())? {
        end.check(&segments, scanned.last().map(|last| (last.segment.number(), last.end)))?;
        End::forget(segments.directory())?;
    }
    let torn_bytes = cut_off(&mut scanned)?;
    if scanned.is_empty() {
        let next = numbers.last().map_or(1, |last| last + 1);
        scanned.push(first_segment(&segments, next)?);
    }
    let base = scanned[0].segment.number();
    let mut reading =
        Reading::new(&segments, &scanned.iter().map(|s| Arc::clone(&s.segment)).collect::<Vec<_>>());
    let mut records = Vec::new();
    for scan in &scanned {
        for raw in &scan.records {
            let decoded = reading.record(&scan.segment, &raw.head, raw.body.clone(), raw.body_at);
            let damage = |why| StoreError::Damaged { path: scan.segment.path().into(), at: raw.body_at, why };
            records.extend(decoded.map_err(damage)?);
        }
    }
    let older = reading.older_than(base, &numbers);
    let durable_bytes = scanned.last().map_or(HEADER_BYTES, |last| last.end);
    let current = scanned.into_iter().map(|scan| scan.segment).collect();
    Ok(Found { log: Log::new(segments, lock, older, current, durable_bytes), records, torn_bytes })
}

fn lock(directory: &std::path::Path) -> Result<File, StoreError> {
    let path = directory.join("lock");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse(directory.into())),
        Err(std::fs::TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
    }
}

fn first_segment(segments: &Segments, number: u64) -> Result<Scanned, StoreError> {
    let create = || {
        let segment = segments.create(number, false)?;
        segment.file().sync_data()?;
        segments.sync_names()?;
        Ok(segment)
    };
    let segment = create().map_err(StoreError::io(segments.path(number)))?;
    Ok(Scanned { segment, records: Vec::new(), end: HEADER_BYTES, torn_bytes: 0 })
}

/// Reads segments, the newest first, until one that begins anew and was finished; in order.
fn scan_back(segments: &Segments, numbers: &[u64]) -> Result<Vec<Scanned>, StoreError> {
    let mut scanned = Vec::new();
    for number in numbers.iter().rev() {
        let Some((segment, beginning)) = segments.open(*number)? else { continue };
        let is_last = scanned.is_empty();
        let scan = scan(segment, is_last)?;
        let has_end_mark = scan.records.iter().any(|raw| raw.head == END_MARK);
        if beginning.is_anew && !has_end_mark {
            if beginning.is_finished {
                return Err(scan.damaged("it was whole to its end mark, and that is not there"));
            }
            // The log that it was to replace is still there.
            scan.segment.delete();
            continue;
        }
        scanned.push(scan);
        if beginning.is_anew {
            break;
        }
    }
    scanned.reverse();
    Ok(scanned)
}

impl Scanned {
    fn damaged(&self, why: &str) -> StoreError {
        StoreError::Damaged { path: self.segment.path().into(), at: self.end, why: why.to_owned() }
    }
}

fn scan(segment: SharedSegment, is_last: bool) -> Result<Scanned, StoreError> {
    let io = || StoreError::io(segment.path());
    let length = segment.file().metadata().map_err(io())?.len();
    let mut bytes = vec![0; length as usize];
    segment.file().read_exact_at(&mut bytes, 0).map_err(io())?;
    let bytes = Bytes::from(bytes);
    let (mut at, mut records) = (HEADER_BYTES as usize, Vec::new());
    while let Some((raw, end)) = record_at(&bytes, at) {
        records.push(raw);
        at = end;
    }
    let torn_bytes = (bytes.len() - at) as u64;
    let scanned = Scanned { segment, records, end: at as u64, torn_bytes };
    if torn_bytes > 0 && !is_last {
        return Err(scanned.damaged("a later segment was begun, so it was durable"));
    }
    if was_durable(&bytes, at) {
        return Err(scanned.damaged("what follows it says that it was durable"));
    }
    Ok(scanned)
}

/// The record that begins at a place, if it is whole, and where it ends.
fn record_at(bytes: &Bytes, at: usize) -> Option<(Raw, usize)> {
    let (head_bytes, body_bytes) = lengths_at(bytes, at)?;
    let head_at = at + PREFIX_BYTES;
    let body_at = head_at.checked_add(head_bytes)?;
    let end = body_at.checked_add(body_bytes).filter(|end| *end <= bytes.len())?;
    let checksum = bytes[at + 16..head_at].iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    let found = crc32c::crc32c_append(crc32c::crc32c(&bytes[at..at + 16]), &bytes[head_at..end]);
    (found == checksum).then(|| {
        let raw = Raw {
            head: bytes.slice(head_at..body_at),
            body: bytes.slice(body_at..end),
            body_at: body_at as u64,
        };
        (raw, end)
    })
}

fn lengths_at(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let prefix = bytes.get(at..at.checked_add(PREFIX_BYTES)?)?;
    let word =
        |at: usize| u32::from_le_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]]) as usize;
    Some((word(0), word(4)))
}

/// Whether some record behind a place says that it was durable. One that is not whole can be of any length, so they are looked for
/// everywhere.
fn was_durable(bytes: &Bytes, at: usize) -> bool {
    (at + 1..bytes.len().saturating_sub(PREFIX_BYTES)).any(|place| {
        let durable_bytes =
            bytes[place + 8..place + 16].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        // Most places are none, which this says before anything is summed up.
        durable_bytes > at as u64 && durable_bytes <= place as u64 && record_at(bytes, place).is_some()
    })
}

/// Cuts off what is torn at the end of the last segment, and says how much that was.
fn cut_off(scanned: &mut [Scanned]) -> Result<u64, StoreError> {
    let Some(last) = scanned.last().filter(|last| last.torn_bytes > 0) else { return Ok(0) };
    let cut = || {
        last.segment.file().set_len(last.end)?;
        last.segment.file().sync_data()
    };
    cut().map_err(StoreError::io(last.segment.path()))?;
    Ok(last.torn_bytes)
}
