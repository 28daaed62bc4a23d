//! Changed-block tracking: which blocks were written between two snapshots of a disk.
//!
//! The rules are those of vSphere. A change id is an epoch and a number, `52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65
//! 63/81`; every snapshot has the next number. Whatever loses track begins another epoch, and a change id of an earlier one
//! says nothing any more. An answer may name blocks that did not change, and never leaves one out that did.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeSet;

use switchback_engine::SectorRange;
use switchback_sim::Chance;

/// What is tracked together, in sectors: 64 KiB.
pub const TRACKED_SECTORS: u64 = 128;

/// Half of an epoch is written with a dash behind it.
const EPOCH_BYTES: usize = 16;

/// What was tracked without losing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u128);

/// A moment of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId {
    /// Which epoch.
    pub epoch: Epoch,
    /// The how-manieth snapshot of it, from 1.
    pub number: u64,
}

/// Since when changes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// `*`: since ever, which is everything that is in use.
    Ever,
    /// Since a snapshot.
    Change(ChangeId),
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.epoch.0.to_be_bytes().into_iter().enumerate() {
            let before = match at {
                0 => "",
                8 => "-",
                _ => " ",
            };
            write!(f, "{before}{byte:02x}")?;
        }
        write!(f, "/{}", self.number)
    }
}

/// What is no change id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither `*` nor an epoch and a number")]
pub struct NoChangeId;

impl FromStr for Since {
    type Err = NoChangeId;

    fn from_str(text: &str) -> Result<Self, NoChangeId> {
        if text == "*" {
            return Ok(Self::Ever);
        }
        let (epoch, number) = text.split_once('/').ok_or(NoChangeId)?;
        let bytes = epoch.split([' ', '-']).map(|byte| u8::from_str_radix(byte, 16));
        let bytes: Vec<u8> = bytes.collect::<Result<_, _>>().map_err(|_| NoChangeId)?;
        let bytes: [u8; EPOCH_BYTES] = bytes.try_into().map_err(|_| NoChangeId)?;
        let number = number.parse().map_err(|_| NoChangeId)?;
        let id = ChangeId { epoch: Epoch(u128::from_be_bytes(bytes)), number };
        // There is one way to write it.
        if id.to_string() == text { Ok(Self::Change(id)) } else { Err(NoChangeId) }
    }
}

/// What is tracked of one disk in one epoch.
#[derive(Debug, Clone)]
pub(crate) struct ChangeTracking {
    epoch: Epoch,
    /// The blocks that were written before the first snapshot of the epoch, between it and the second, and so on. Never
    /// empty.
    intervals: Vec<BTreeSet<u64>>,
}

impl ChangeTracking {
    /// A new epoch. Nothing was written in it.
    pub(crate) fn begin(chance: &mut Chance) -> Self {
        let epoch = Epoch(u128::from(chance.next_u64()) << 64 | u128::from(chance.next_u64()));
        Self { epoch, intervals: vec![BTreeSet::new()] }
    }

    pub(crate) fn mark(&mut self, range: SectorRange) {
        if let Some(newest) = self.intervals.last_mut() {
            newest.extend(range.start / TRACKED_SECTORS..range.end.div_ceil(TRACKED_SECTORS));
        }
    }

    /// A snapshot is taken now.
    pub(crate) fn cut(&mut self) -> ChangeId {
        let number = self.intervals.len() as u64;
        self.intervals.push(BTreeSet::new());
        ChangeId { epoch: self.epoch, number }
    }

    /// The blocks that were written between two snapshots; none where the first is of another epoch or the later one.
    pub(crate) fn between(&self, since: ChangeId, until: ChangeId) -> Option<BTreeSet<u64>> {
        let is_known = since.epoch == self.epoch && until.epoch == self.epoch && since.number > 0;
        let of = usize::try_from(since.number).ok()?..usize::try_from(until.number).ok()?;
        let written = self.intervals.get(of).filter(|_| is_known)?;
        Some(written.iter().flatten().copied().collect())
    }
}

/// Blocks as ranges of sectors, on a disk of so many: sorted, and none touches the next.
pub(crate) fn ranges(blocks: impl IntoIterator<Item = u64>, sectors: u64) -> Vec<SectorRange> {
    let mut ranges: Vec<SectorRange> = Vec::new();
    for block in blocks {
        let start = block * TRACKED_SECTORS;
        let end = (start + TRACKED_SECTORS).min(sectors);
        match ranges.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => ranges.push(SectorRange { start, end }),
        }
    }
    ranges
}
