//! Changes as few large writes: neighbours go to the disk at once.

use std::io;

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Change, Content};

use crate::belt::{Belt, Load};
use crate::content::Data;

/// A write that has grown to this is written, in bytes.
const GATHERED_BYTES: usize = 1 << 20;

/// So many changes ahead are announced, so that what has to be fetched for them is there when their turn comes.
const AHEAD: usize = 256;

/// Loads changes, in order, and puts them on a belt. `soon` is told of each some time before it is loaded; `first` is done
/// right before.
pub(super) fn load(
    changes: &[Change<Data>],
    soon: impl Fn(&Change<Data>),
    first: impl Fn(&Change<Data>) -> io::Result<()>,
    belt: &Belt,
) -> io::Result<()> {
    let mut rest = changes;
    let mut unannounced = changes.iter();
    while let Some(change) = rest.first() {
        let announced = changes.len() - unannounced.len();
        let loaded = changes.len() - rest.len();
        for change in unannounced.by_ref().take((loaded + AHEAD).saturating_sub(announced)) {
            change.content.will_need(change.sectors);
            soon(change);
        }
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
        bytes.resize(rest[..count].iter().map(bytes_of).sum());
        let mut into = bytes.as_mut();
        for change in &rest[..count] {
            first(change)?;
            let (now, later) = into.split_at_mut(bytes_of(change));
            change.content.read(now)?;
            into = later;
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
