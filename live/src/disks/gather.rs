//! Changes as few large writes: neighbours go to the disk at once.

use std::io;

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Change, Content};

use crate::belt::{Belt, Load};
use crate::content::Data;

/// A write that has grown to this is written, in bytes.
const GATHERED_BYTES: usize = 1 << 20;

/// Loads changes, in order, and puts them on a belt. `first` is done before each of them is.
pub(super) fn load(
    changes: &[Change<Data>],
    first: impl Fn(&Change<Data>) -> io::Result<()>,
    belt: &Belt,
) -> io::Result<()> {
    let mut rest = changes;
    while let Some(change) = rest.first() {
        if change.content.is_zero() {
            first(change)?;
            belt.put(Load::Zeroes(change.start * SECTOR_BYTES, bytes_of(change) as u64));
            rest = &rest[1..];
            continue;
        }
        // Who writes has ended, with an error.
        let Some(mut bytes) = belt.buffer() else { return Ok(()) };
        let start = change.start;
        let count = gathered(rest);
        for change in &rest[..count] {
            first(change)?;
            let from = bytes.len();
            bytes.resize(from + bytes_of(change), 0);
            change.content.read(&mut bytes[from..])?;
        }
        belt.put(Load::Bytes(start * SECTOR_BYTES, bytes));
        rest = &rest[count..];
    }
    Ok(())
}

/// How many of the first changes are written at once: at least one, each where the one before it ends.
fn gathered(changes: &[Change<Data>]) -> usize {
    let mut bytes = bytes_of(&changes[0]);
    let joins = |pair: &&[Change<Data>]| {
        let fits = bytes < GATHERED_BYTES;
        bytes += bytes_of(&pair[1]);
        fits && pair[0].range().end == pair[1].start && !pair[1].content.is_zero()
    };
    1 + changes.windows(2).take_while(joins).count()
}

const fn bytes_of(change: &Change<Data>) -> usize {
    change.sectors as usize * SECTOR_BYTES as usize
}
