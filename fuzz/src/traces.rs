//! Trace files: read or refused in every format, and what is read can be written and read again.

use std::iter::once;
use std::path::Path;

use switchback_scenarios::traces::{self, IoKind, RecordedTrace, SECTOR_BYTES, SECTOR_MAX, TraceFormat};

/// Reads bytes as a trace, once as the format they look like and once as each format.
///
/// # Panics
/// If a refusal says nothing, if the requests of a trace contradict its summary or the limits of the module, or if
/// the trace is another one after it was written and read.
pub fn read(bytes: &[u8]) {
    for format in once(None).chain(TraceFormat::ALL.iter().copied().map(Some)) {
        match traces::parse(Path::new("fuzzed"), bytes, format) {
            Ok(trace) => {
                assert!(format.is_none_or(|format| trace.summary.format == format));
                check(&trace);
                round_trip(&trace);
                rewrite(&trace, &"d".repeat(1 + bytes.len() % 97));
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(error.code().starts_with("trace::"));
                assert!(!error.help().is_empty() && !error.label().is_empty());
                assert!(!error.to_string().chars().any(char::is_control), "an error drives the terminal");
            }
        }
    }
}

/// What holds for every trace that is accepted.
fn check(trace: &RecordedTrace) {
    let (requests, summary) = (&trace.requests, &trace.summary);
    assert!(!requests.is_empty());
    assert!(requests.is_sorted_by_key(|request| request.at));
    assert!(requests.iter().all(|request| request.sectors > 0 && request.end_sector() <= SECTOR_MAX));
    assert_eq!(requests.len() as u64, summary.reads + summary.writes);
    let bytes: u64 = requests.iter().map(traces::BlockIo::bytes).sum();
    assert_eq!(bytes, summary.bytes_read + summary.bytes_written);
    assert_eq!(requests.iter().map(traces::BlockIo::end_sector).max(), Some(summary.end_sector));
    assert_eq!(requests.last().map(|last| last.at - requests[0].at), Some(summary.duration));
    assert!(trace.period() >= summary.duration);
}

/// A trace that is written in the binary format, whose clock counts microseconds, is the same afterwards.
fn round_trip(trace: &RecordedTrace) {
    let written = traces::encode_vscsi(&trace.requests);
    same(trace, &traces::parse(Path::new("written"), &written, None).expect("what was written can be read"));
}

/// The same requests at the same times, as far as microseconds tell.
fn same(trace: &RecordedTrace, again: &RecordedTrace) {
    assert_eq!(again.requests.len(), trace.requests.len());
    for (before, after) in trace.requests.iter().zip(&again.requests) {
        assert_eq!((before.kind, before.sector, before.sectors), (after.kind, after.sector, after.sectors));
        assert!(before.at.abs_diff(after.at).as_micros() <= 1, "{before:?} was written as {after:?}");
    }
}

/// A trace that is written as text, of a disk with a name of any length, is the same afterwards.
fn rewrite(trace: &RecordedTrace, disk: &str) {
    let mut text = format!("fio version 3 iolog\n0 {disk} add\n0 {disk} open\n");
    for request in &trace.requests {
        let action = if request.kind == IoKind::Read { "read" } else { "write" };
        let (offset, length) = (request.sector * SECTOR_BYTES, request.bytes());
        text.push_str(&format!("{} {disk} {action} {offset} {length}\n", request.at.as_micros()));
    }
    let again = traces::parse(Path::new("rewritten"), text.as_bytes(), None);
    same(trace, &again.expect("what was written as text can be read"));
}
