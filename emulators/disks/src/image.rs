//! What a file or a disk holds, as bytes to read: of a moment, so that whoever reads it piece by piece reads one thing.

use core::fmt::Debug;
use core::ops::Range;

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Block, Content, SectorRange};

use crate::snapshot::Snapshot;

/// Bytes that do not change.
pub trait Image: Debug + Send + Sync {
    /// How many there are.
    fn bytes(&self) -> u64;

    /// Reads from a byte on. What lies behind the end is zeroes.
    fn read(&self, at: u64, into: &mut [u8]);

    /// Whether there are only zeroes, as far as it is known without reading them.
    fn is_blank(&self, range: Range<u64>) -> bool;
}

/// What of some bytes are whole sectors around them.
#[must_use]
pub const fn sectors_around(range: &Range<u64>) -> SectorRange {
    SectorRange { start: range.start / SECTOR_BYTES, end: range.end.div_ceil(SECTOR_BYTES) }
}

/// Reads bytes of a snapshot, whose runs are made to bytes by `bytes_of`.
pub fn read_snapshot<C: Content>(
    contents: &Snapshot<C>,
    at: u64,
    into: &mut [u8],
    bytes_of: impl Fn(&C, u32) -> Block,
) {
    into.fill(0);
    let wanted = at..at.saturating_add(into.len() as u64);
    for run in contents.read(sectors_around(&wanted)) {
        let Block(bytes) = bytes_of(&run.content, run.sectors);
        let start = run.start * SECTOR_BYTES;
        let common = start.max(wanted.start)..(start + bytes.len() as u64).min(wanted.end);
        if common.is_empty() {
            continue;
        }
        let length = (common.end - common.start) as usize;
        let (from, to) = ((common.start - start) as usize, (common.start - wanted.start) as usize);
        into[to..to + length].copy_from_slice(&bytes[from..from + length]);
    }
}

/// Real bytes of a snapshot.
#[derive(Debug, Clone)]
pub struct BlockImage {
    contents: Snapshot<Block>,
    bytes: u64,
}

impl BlockImage {
    /// The first so many bytes of a snapshot.
    #[must_use]
    pub const fn new(contents: Snapshot<Block>, bytes: u64) -> Self {
        Self { contents, bytes }
    }

    /// The snapshot.
    #[must_use]
    pub const fn contents(&self) -> &Snapshot<Block> {
        &self.contents
    }
}

impl Image for BlockImage {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, at: u64, into: &mut [u8]) {
        read_snapshot(&self.contents, at, into, |block, _| block.clone());
    }

    fn is_blank(&self, range: Range<u64>) -> bool {
        self.contents.read(sectors_around(&range)).is_empty()
    }
}
