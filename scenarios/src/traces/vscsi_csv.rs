//! vSCSI records as comma-separated text: `version,time,op,size,lbn`.
//!
//! The header is wanted. `version` is 1 or 2, `time` whole seconds, `op` the SCSI opcode in hexadecimal without
//! prefix, `size` bytes, `lbn` the first sector. All requests of a second are issued at once; the binary form
//! has the finer clock.

use crate::traces::check::{Builder, Claim};
use crate::traces::lines::{field, lines, number, quote};
use crate::traces::{Failure, Place, Problem, vscsi};

const HEADER: &str = "version,time,op,size,lbn";

pub(super) fn looks_like(line: &str) -> bool {
    line == HEADER
}

pub(super) fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), Failure> {
    let mut header_seen = false;
    for line in lines(bytes) {
        let (place, line) = line?;
        if line.trim().is_empty() {
            continue;
        }
        if !header_seen {
            if !looks_like(line.trim()) {
                let problem =
                    Problem::BadField { found: quote(line), wanted: "the header version,time,op,size,lbn" };
                return Err((place, problem));
            }
            header_seen = true;
            continue;
        }
        record(line, place, builder)?;
    }
    Ok(())
}

fn record(line: &str, place: Place, builder: &mut Builder) -> Result<(), Failure> {
    let mut fields = line.split(',');
    let version = number(field(&mut fields, "version", place)?, "a version", place)?;
    if !matches!(version, 1 | 2) {
        return Err((place, Problem::UnknownVersion { found: version.to_string(), known: "1 and 2" }));
    }
    let seconds = number(field(&mut fields, "time", place)?, "a time in seconds", place)?;
    let op = field(&mut fields, "op", place)?;
    let opcode = u32::from_str_radix(op, 16).ok().filter(|opcode| *opcode <= 0xff && !op.starts_with('+'));
    let Some(opcode) = opcode else {
        return Err((place, Problem::BadField { found: quote(op), wanted: "an opcode in hexadecimal" }));
    };
    let size = number(field(&mut fields, "size", place)?, "a size in bytes", place)?;
    let sector = number(field(&mut fields, "lbn", place)?, "a sector", place)?;
    if let Some(extra) = fields.next() {
        return Err((place, Problem::BadField { found: quote(extra), wanted: "the end of the line" }));
    }
    match vscsi::direction(opcode) {
        Some(kind) => {
            let clock_ns = u128::from(seconds) * 1_000_000_000;
            builder.push(&Claim { clock_ns, kind, sector, bytes: size }, place)
        }
        None if vscsi::is_other(opcode) => {
            builder.skip();
            Ok(())
        }
        None => Err((place, Problem::UnknownOpcode { found: opcode })),
    }
}
