//! Recorded block traces: which requests a real disk saw, and when. No payload.
//!
//! [`open`] reads a whole file and checks every record, because a trace that lies would make every number that
//! a run reports a lie. One file of this module for each format; `check` holds what must be true in all of
//! them. Requests that neither read nor write (flushes, discards, inquiries) are counted and left out.
//!
//! Limits: [`FILE_BYTES_MAX`] a file, [`REQUESTS_MAX`] requests, [`REQUEST_BYTES_MAX`] a request,
//! [`SECTOR_MAX`] the last sector. Time may go back by [`TIME_BACK_MAX`], as recorders with several queues do;
//! such a request is issued at the time of the one before it.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

pub use crate::model::words::TraceFormat;
pub use crate::traces::detect::magic_of;
pub use crate::traces::error::{Place, Problem, TraceError};

mod blkparse;
mod check;
mod detect;
mod error;
mod fio;
mod lines;
mod msr;
mod vscsi;
mod vscsi_csv;

pub use vscsi::encode as encode_vscsi;

/// The largest trace file: 1 GiB, which is half an hour of a very busy disk.
pub const FILE_BYTES_MAX: u64 = 1 << 30;
/// The most requests of a trace: 2^25, one gigabyte of memory.
pub const REQUESTS_MAX: usize = 1 << 25;
/// The largest request: 64 MiB. Real ones end at 32 MiB.
pub const REQUEST_BYTES_MAX: u64 = 64 << 20;
/// No request reaches beyond this sector: 2^48, as far as a disk can be addressed.
pub const SECTOR_MAX: u64 = 1 << 48;
/// How far time may go back from one record to the next.
pub const TIME_BACK_MAX: Duration = Duration::from_secs(1);
/// The longest trace: a year.
pub const DURATION_MAX: Duration = Duration::from_hours(366 * 24);

/// Bytes of a sector.
pub const SECTOR_BYTES: u64 = 512;

/// The direction of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IoKind {
    /// From the disk.
    Read,
    /// To the disk.
    Write,
}

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockIo {
    /// When it was issued, since the first request of the trace; never before the request ahead of it.
    pub at: Duration,
    /// Read or write.
    pub kind: IoKind,
    /// The first 512-byte sector.
    pub sector: u64,
    /// The number of sectors, not zero.
    pub sectors: u32,
}

impl BlockIo {
    /// The number of bytes.
    pub fn bytes(&self) -> u64 {
        u64::from(self.sectors) * SECTOR_BYTES
    }

    /// The sector behind the last one.
    pub fn end_sector(&self) -> u64 {
        self.sector + u64::from(self.sectors)
    }
}

/// What a trace holds, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSummary {
    /// The format it was read as.
    pub format: TraceFormat,
    /// Requests that read.
    pub reads: u64,
    /// Requests that write.
    pub writes: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// From the first request to the last.
    pub duration: Duration,
    /// The sector behind the last one that is touched.
    pub end_sector: u64,
    /// Records that neither read nor write.
    pub skipped: u64,
}

/// A trace that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedTrace {
    /// The requests in the order of their time; at least one.
    pub requests: Vec<BlockIo>,
    /// The trace in numbers.
    pub summary: TraceSummary,
}

impl RecordedTrace {
    /// From the first request of one round to the first of the next when the trace is looped: its duration and
    /// the average time between two requests. Zero for a trace that takes no time.
    pub fn period(&self) -> Duration {
        let gaps = u32::try_from(self.requests.len().saturating_sub(1)).unwrap_or(u32::MAX);
        match gaps {
            0 => Duration::ZERO,
            gaps => self.summary.duration + self.summary.duration / gaps,
        }
    }
}

/// Opens a trace, reads it to its end and checks it.
///
/// Without a format it is told from the content; with one, a file of another kind is refused.
///
/// # Errors
/// The first thing that is wrong, with its line or byte. A trace with one bad record is refused as a whole.
pub fn open(path: &Path, format: Option<TraceFormat>) -> Result<RecordedTrace, TraceError> {
    let fail = |problem| TraceError { file: path.to_path_buf(), place: Place::File, problem };
    let metadata = fs::metadata(path).map_err(|source| fail(Problem::Unreadable { source }))?;
    if metadata.is_dir() {
        return Err(fail(Problem::Directory));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(fail(Problem::TooLarge { bytes: metadata.len() }));
    }
    let mut bytes = Vec::new();
    let read = |bytes: &mut Vec<u8>| -> io::Result<usize> {
        fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(bytes)
    };
    read(&mut bytes).map_err(|source| fail(Problem::Unreadable { source }))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(fail(Problem::TooLarge { bytes: bytes.len() as u64 }));
    }
    parse(path, &bytes, format)
}

/// Reads a trace that is already in memory; `path` only names it.
///
/// # Errors
/// As [`open`].
pub fn parse(path: &Path, bytes: &[u8], format: Option<TraceFormat>) -> Result<RecordedTrace, TraceError> {
    parse_bytes(bytes, format).map_err(|(place, problem)| TraceError {
        file: path.to_path_buf(),
        place,
        problem,
    })
}

/// What went wrong and where, before it is known in which file.
type Failure = (Place, Problem);

fn parse_bytes(bytes: &[u8], format: Option<TraceFormat>) -> Result<RecordedTrace, Failure> {
    let format = detect::format_of(bytes, format).map_err(|problem| (Place::File, problem))?;
    let mut builder = check::Builder::default();
    match format {
        TraceFormat::Vscsi => vscsi::read(bytes, &mut builder)?,
        TraceFormat::VscsiCsv => vscsi_csv::read(bytes, &mut builder)?,
        TraceFormat::MsrCsv => msr::read(bytes, &mut builder)?,
        TraceFormat::FioIolog => fio::read(bytes, &mut builder)?,
        TraceFormat::Blkparse => blkparse::read(bytes, &mut builder)?,
    }
    builder.finish(format)
}
