//! Logs that fio writes with `write_iolog`, versions 2 and 3.
//!
//! The first line is `fio version N iolog`. Version 3: `microseconds file action [offset length]`, the time
//! counted from the start (measured with fio 3.33; converters that write milliseconds make traces that are too
//! short, which nothing in the file shows). Version 2: `file action [offset length]`, with lines `file wait microseconds`; each
//! wait counts from the one before it. Offsets and lengths are bytes. Reads and writes are taken; add, open and
//! close say nothing of the disk; trim, sync and the like are skipped and counted.

use crate::traces::check::{Builder, Claim};
use crate::traces::lines::{field, lines, number, quote, sector_of};
use crate::traces::{Failure, IoKind, Place, Problem};

pub(super) fn looks_like(line: &str) -> bool {
    line.starts_with("fio version ") && line.ends_with(" iolog")
}

pub(super) fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), Failure> {
    let mut timed = None;
    let mut waited_us: u64 = 0;
    for line in lines(bytes) {
        let (place, line) = line?;
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        match timed {
            None => timed = Some(is_timed(line, place)?),
            Some(true) => {
                let (time, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
                let us = number(time, "a time in microseconds", place)?;
                entry(rest, u128::from(us) * 1000, place, builder)?;
            }
            Some(false) => {
                let waited = entry(line, u128::from(waited_us) * 1000, place, builder)?;
                waited_us = waited_us.checked_add(waited).ok_or_else(|| {
                    (place, Problem::Overflow { found: waited.to_string(), field: "the sum of all waits" })
                })?;
            }
        }
    }
    Ok(())
}

/// Whether each line starts with a time: version 3 does, version 2 does not.
fn is_timed(line: &str, place: Place) -> Result<bool, Failure> {
    let version = line.strip_prefix("fio version ").and_then(|rest| rest.strip_suffix(" iolog"));
    match version {
        Some("2") => Ok(false),
        Some("3") => Ok(true),
        Some(other) => Err((place, Problem::UnknownVersion { found: quote(other), known: "2 and 3" })),
        None => Err((place, Problem::BadField { found: quote(line), wanted: "`fio version 3 iolog`" })),
    }
}

/// One entry behind its time. Returns the microseconds a `wait` asks for, else zero.
fn entry(line: &str, clock_ns: u128, place: Place, builder: &mut Builder) -> Result<u64, Failure> {
    let mut fields = line.split_ascii_whitespace();
    let file = field(&mut fields, "file name", place)?;
    let action = field(&mut fields, "action", place)?;
    let kind = match action {
        "read" => IoKind::Read,
        "write" => IoKind::Write,
        "wait" => return number(field(&mut fields, "wait", place)?, "a wait in microseconds", place),
        "add" | "open" | "close" => return Ok(0),
        "sync" | "datasync" | "trim" | "sync_file_range" => {
            builder.skip();
            return Ok(0);
        }
        other => {
            return Err((
                place,
                Problem::BadField { found: quote(other), wanted: "an action such as read or write" },
            ));
        }
    };
    let offset = number(field(&mut fields, "offset", place)?, "an offset in bytes", place)?;
    let bytes = number(field(&mut fields, "length", place)?, "a length in bytes", place)?;
    if let Some(extra) = fields.next() {
        return Err((place, Problem::BadField { found: quote(extra), wanted: "the end of the line" }));
    }
    builder.on_disk(file, place)?;
    let sector = sector_of(offset, place)?;
    builder.push(&Claim { clock_ns, kind, sector, bytes }, place)?;
    Ok(0)
}
