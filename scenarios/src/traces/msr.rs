//! MSR Cambridge traces: comma-separated text, seven fields, with or without a header.
//!
//! `Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime`: a Windows file time in units of 100 ns, a name,
//! a number, `Read` or `Write`, bytes, bytes, and a duration that is not used here.

use crate::traces::check::{Builder, Claim};
use crate::traces::lines::{field, lines, number, quote, sector_of};
use crate::traces::{Failure, IoKind, Place, Problem};

pub(super) fn looks_like(line: &str) -> bool {
    if is_header(line) {
        return true;
    }
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    fields.len() == 7 && direction(fields[3]).is_some() && fields[0].bytes().all(|byte| byte.is_ascii_digit())
}

fn is_header(line: &str) -> bool {
    line.trim().to_ascii_lowercase().starts_with("timestamp,hostname,")
}

fn direction(word: &str) -> Option<IoKind> {
    match word.to_ascii_lowercase().as_str() {
        "read" => Some(IoKind::Read),
        "write" => Some(IoKind::Write),
        _ => None,
    }
}

pub(super) fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), Failure> {
    for line in lines(bytes) {
        let (place, line) = line?;
        if line.trim().is_empty() || (place == Place::Line(1) && is_header(line)) {
            continue;
        }
        record(line, place, builder)?;
    }
    Ok(())
}

fn record(line: &str, place: Place, builder: &mut Builder) -> Result<(), Failure> {
    let mut fields = line.split(',');
    let ticks = number(field(&mut fields, "timestamp", place)?, "a Windows file time", place)?;
    let host = field(&mut fields, "host name", place)?;
    let disk = number(field(&mut fields, "disk number", place)?, "a disk number", place)?;
    let word = field(&mut fields, "type", place)?;
    let Some(kind) = direction(word) else {
        return Err((place, Problem::BadField { found: quote(word), wanted: "Read or Write" }));
    };
    let offset = number(field(&mut fields, "offset", place)?, "an offset in bytes", place)?;
    let size = number(field(&mut fields, "size", place)?, "a size in bytes", place)?;
    field(&mut fields, "response time", place)?;
    if let Some(extra) = fields.next() {
        return Err((place, Problem::BadField { found: quote(extra), wanted: "the end of the line" }));
    }
    builder.on_disk(&format!("{host} disk {disk}"), place)?;
    let sector = sector_of(offset, place)?;
    builder.push(&Claim { clock_ns: u128::from(ticks) * 100, kind, sector, bytes: size }, place)
}
