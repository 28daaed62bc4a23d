//! The default text output of blkparse.
//!
//! `8,0  3  1  0.000123456  697  C  W  223490 + 8 [0]`: device, processor, sequence number, seconds, process,
//! action, kind of request, first sector, `+`, sectors, process name. A request is in the log once for each stage
//! it passes; taken are completions (`C`) when there are any, because only they have surely happened, else queue
//! events (`Q`). Requests without sectors (flushes) and discards are skipped and counted. The summary that
//! follows the events, from a line that starts with `CPU` or `Total`, is not read.

use crate::traces::check::{Builder, Claim};
use crate::traces::lines::{field, lines, number, quote};
use crate::traces::{Failure, IoKind, Place, Problem};

pub(super) fn looks_like(line: &str) -> bool {
    let mut fields = line.split_ascii_whitespace();
    let device = fields.next().is_some_and(is_device);
    let digits =
        |field: Option<&str>| field.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    device
        && digits(fields.next())
        && digits(fields.next())
        && fields.next().is_some_and(|time| time.contains('.'))
}

fn is_device(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(',').is_some_and(|(major, minor)| digits(major) && digits(minor))
}

pub(super) fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), Failure> {
    let wanted = if has_completions(bytes) { "C" } else { "Q" };
    for line in lines(bytes) {
        let (place, line) = line?;
        if is_summary(line) {
            break;
        }
        if !line.trim().is_empty() {
            event(line, wanted, place, builder)?;
        }
    }
    Ok(())
}

fn is_summary(line: &str) -> bool {
    line.starts_with("CPU") || line.starts_with("Total")
}

/// Whether any event is the completion of a request with sectors.
fn has_completions(bytes: &[u8]) -> bool {
    lines(bytes).map_while(Result::ok).map(|(_, line)| line).take_while(|line| !is_summary(line)).any(
        |line| {
            let mut fields = line.split_ascii_whitespace().skip(5);
            fields.next() == Some("C") && fields.nth(2) == Some("+")
        },
    )
}

fn event(line: &str, wanted: &str, place: Place, builder: &mut Builder) -> Result<(), Failure> {
    let mut fields = line.split_ascii_whitespace();
    let device = field(&mut fields, "device", place)?;
    if !is_device(device) {
        return Err((place, Problem::BadField { found: quote(device), wanted: "a device such as 8,0" }));
    }
    number(field(&mut fields, "processor", place)?, "a processor", place)?;
    number(field(&mut fields, "sequence number", place)?, "a sequence number", place)?;
    let clock_ns = seconds(field(&mut fields, "time", place)?, place)?;
    number(field(&mut fields, "process", place)?, "a process", place)?;
    let action = field(&mut fields, "action", place)?;
    if action != wanted {
        return Ok(());
    }
    let flags = field(&mut fields, "kind of request", place)?;
    let kind = match () {
        () if flags.contains('D') => None,
        () if flags.contains('W') => Some(IoKind::Write),
        () if flags.contains('R') => Some(IoKind::Read),
        () => None,
    };
    let sector = fields.next().filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let (Some(kind), Some(sector)) = (kind, sector) else {
        builder.skip();
        return Ok(());
    };
    let sector = number(sector, "a sector", place)?;
    match fields.next() {
        Some("+") => {}
        // A flush has a sector and no length in some versions.
        _ => {
            builder.skip();
            return Ok(());
        }
    }
    let sectors = number(field(&mut fields, "number of sectors", place)?, "a number of sectors", place)?;
    let bytes = sectors.checked_mul(super::SECTOR_BYTES).ok_or_else(|| {
        (place, Problem::Overflow { found: sectors.to_string(), field: "a number of sectors" })
    })?;
    if bytes == 0 {
        builder.skip();
        return Ok(());
    }
    builder.on_disk(device, place)?;
    builder.push(&Claim { clock_ns, kind, sector, bytes }, place)
}

/// `12.000123456` in nanoseconds; at most nine digits follow the point.
fn seconds(text: &str, place: Place) -> Result<u128, Failure> {
    const WANTED: &str = "a time in seconds with a fraction";
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.len() > 9 {
        return Err((place, Problem::BadField { found: quote(text), wanted: WANTED }));
    }
    let whole = number(whole, WANTED, place)?;
    let fraction = number(&format!("{fraction:0<9}"), WANTED, place)?;
    Ok(u128::from(whole) * 1_000_000_000 + u128::from(fraction))
}
