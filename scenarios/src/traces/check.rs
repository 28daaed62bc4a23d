//! What must be true of a request in every format, and the trace as it grows.

use std::time::Duration;

use crate::model::words::TraceFormat;
use crate::traces::lines::quote;
use crate::traces::{
    BlockIo, DURATION_MAX, Failure, IoKind, Place, Problem, REQUEST_BYTES_MAX, REQUESTS_MAX, RecordedTrace,
    SECTOR_BYTES, SECTOR_MAX, TIME_BACK_MAX, TraceSummary,
};

/// A request as a file says it, before it is believed.
pub(super) struct Claim {
    /// On the clock of the recorder, in nanoseconds.
    pub(super) clock_ns: u128,
    pub(super) kind: IoKind,
    pub(super) sector: u64,
    pub(super) bytes: u64,
}

/// Collects requests.
#[derive(Default)]
pub(super) struct Builder {
    requests: Vec<BlockIo>,
    skipped: u64,
    /// Clock of the first request and of the latest so far.
    first_ns: u128,
    latest_ns: u128,
    /// The disk of the first request, as the file names it: a name is only shortened to be shown.
    disk: Option<String>,
}

impl Builder {
    /// A record that neither reads nor writes.
    pub(super) fn skip(&mut self) {
        self.skipped += 1;
    }

    /// Checks that all requests are of one disk.
    pub(super) fn on_disk(&mut self, disk: &str, place: Place) -> Result<(), Failure> {
        match &self.disk {
            Some(first) if first == disk => Ok(()),
            Some(first) => {
                let problem = Problem::SeveralDisks { first: quote(first), second: quote(disk) };
                Err((place, problem))
            }
            None => {
                self.disk = Some(disk.to_owned());
                Ok(())
            }
        }
    }

    /// Checks a request and takes it.
    pub(super) fn push(&mut self, claim: &Claim, place: Place) -> Result<(), Failure> {
        let fail = |problem| Err((place, problem));
        if claim.bytes == 0 || !claim.bytes.is_multiple_of(SECTOR_BYTES) || claim.bytes > REQUEST_BYTES_MAX {
            return fail(Problem::BadLength { bytes: claim.bytes });
        }
        // At most 2^17: it was checked against REQUEST_BYTES_MAX.
        let sectors = u32::try_from(claim.bytes / SECTOR_BYTES).unwrap_or(u32::MAX);
        if claim.sector > SECTOR_MAX - u64::from(sectors) {
            return fail(Problem::BeyondAnyDisk { sector: claim.sector });
        }
        if self.requests.is_empty() {
            self.first_ns = claim.clock_ns;
            self.latest_ns = claim.clock_ns;
        }
        let back = self.latest_ns.saturating_sub(claim.clock_ns);
        if back > TIME_BACK_MAX.as_nanos() {
            return fail(Problem::TimeGoesBack { back: duration(back) });
        }
        self.latest_ns = self.latest_ns.max(claim.clock_ns);
        let at = self.latest_ns - self.first_ns;
        if at > DURATION_MAX.as_nanos() {
            return fail(Problem::TooLong);
        }
        if self.requests.len() >= REQUESTS_MAX {
            return fail(Problem::TooMany);
        }
        self.requests.push(BlockIo { at: duration(at), kind: claim.kind, sector: claim.sector, sectors });
        Ok(())
    }

    pub(super) fn finish(self, format: TraceFormat) -> Result<RecordedTrace, Failure> {
        let Some(last) = self.requests.last() else {
            return Err((Place::File, Problem::NoRequests));
        };
        let mut summary = TraceSummary {
            format,
            reads: 0,
            writes: 0,
            bytes_read: 0,
            bytes_written: 0,
            duration: last.at,
            end_sector: 0,
            skipped: self.skipped,
        };
        for request in &self.requests {
            // At most 2^25 requests of 2^26 bytes: no sum overflows.
            match request.kind {
                IoKind::Read => {
                    summary.reads += 1;
                    summary.bytes_read += request.bytes();
                }
                IoKind::Write => {
                    summary.writes += 1;
                    summary.bytes_written += request.bytes();
                }
            }
            summary.end_sector = summary.end_sector.max(request.end_sector());
        }
        Ok(RecordedTrace { requests: self.requests, summary })
    }
}

/// Nanoseconds as a duration; above 584 years all durations are the same to us.
fn duration(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
