//! What the text formats share: lines with numbers, fields, numbers that do not overflow.

use crate::node::shorten;
use crate::traces::{Failure, Place, Problem};

/// The lines of a text, numbered from 1, each without its line end.
///
/// A byte that is not UTF-8 fails the line it is in, not the file before it.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<(Place, &str), Failure>> {
    bytes.split(|byte| *byte == b'\n').enumerate().map(|(index, line)| {
        let place = Place::Line(index as u64 + 1);
        match std::str::from_utf8(line) {
            Ok(text) => Ok((place, text.trim_end_matches('\r'))),
            Err(_) => Err((place, Problem::NotUtf8)),
        }
    })
}

/// The next field of a line.
pub(super) fn field<'t>(
    fields: &mut impl Iterator<Item = &'t str>,
    name: &'static str,
    place: Place,
) -> Result<&'t str, Failure> {
    match fields.next().map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err((place, Problem::Missing { field: name })),
    }
}

/// A decimal number.
pub(super) fn number(text: &str, name: &'static str, place: Place) -> Result<u64, Failure> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err((place, Problem::BadField { found: quote(text), wanted: name }));
    }
    text.parse().map_err(|_| (place, Problem::Overflow { found: quote(text), field: name }))
}

/// The sector of a byte offset.
pub(super) fn sector_of(byte: u64, place: Place) -> Result<u64, Failure> {
    match byte.is_multiple_of(super::SECTOR_BYTES) {
        true => Ok(byte / super::SECTOR_BYTES),
        false => Err((place, Problem::Unaligned { byte })),
    }
}

/// Something from the file for a message: short, and without characters that drive a terminal.
pub(super) fn quote(text: &str) -> String {
    shorten(text).chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
