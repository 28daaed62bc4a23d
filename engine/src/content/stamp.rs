//! Simulated content: which write put a sector's bytes there, and which sector of that write it is.

use std::sync::Arc;

use super::{Body, Content, KeptChanges, SECTOR_BYTES};
use crate::batch::{CHANGE_HEADER_BYTES, Corrupt, Packed};
use crate::extent::{Change, SectorRange};

/// The identity of the write behind a run of sectors. Write 0 is "never written": zeroes.
///
/// Sector `k` of a run with this stamp holds sector `skip + k` of write `write`, so a run that lands in the
/// wrong place or loses its head is as visible as one that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Which write; 0 for zeroes.
    pub write: u64,
    /// Which sector of that write the run starts with.
    pub skip: u32,
}

impl Content for Stamp {
    type Kept = KeptChanges<Self>;

    fn keep(changes: &Arc<[Change<Self>]>) -> Self::Kept {
        KeptChanges::of(changes)
    }

    fn place(kept: &Self::Kept, number: u32, _: &Change<Self>) -> u64 {
        kept.place(number)
    }

    fn at(kept: &Self::Kept, place: u64, sectors: u32) -> Self {
        kept.at(place, sectors)
    }

    fn zero() -> Self {
        Self { write: 0, skip: 0 }
    }

    fn is_zero(&self) -> bool {
        self.write == 0
    }

    fn part(&self, skip: u32, _sectors: u32) -> Self {
        if self.is_zero() { *self } else { Self { write: self.write, skip: self.skip.wrapping_add(skip) } }
    }

    fn digest(&self, sectors: u32) -> u64 {
        if self.is_zero() {
            return 0;
        }
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.write.to_le_bytes());
        key[8..12].copy_from_slice(&self.skip.to_le_bytes());
        key[12..].copy_from_slice(&sectors.to_le_bytes());
        xxhash_rust::xxh3::xxh3_64(&key) | 1
    }

    /// Joins runs that continue each other before they are digested: a simulated disk has few writes and many
    /// sectors, so going by sector would cost more than the whole rest of a resync.
    fn digest_range(runs: &[Change<Self>], range: SectorRange) -> u64 {
        let mut digest = 0;
        let mut open: Option<(u64, u64, Self)> = None;
        for run in runs.iter().filter(|run| !run.content.is_zero()) {
            let sectors = u64::from(run.sectors);
            match &mut open {
                Some((start, length, first))
                    if *start + *length == run.start
                        && first.write == run.content.write
                        && u64::from(first.skip) + *length == u64::from(run.content.skip) =>
                {
                    *length += sectors;
                }
                _ => {
                    digest ^= open.take().map_or(0, |run| fold(run, range.start));
                    open = Some((run.start, sectors, run.content));
                }
            }
        }
        digest ^= open.map_or(0, |run| fold(run, range.start));
        if digest == 0 && runs.iter().any(|run| !run.content.is_zero()) { 1 } else { digest }
    }

    fn pack(changes: Vec<Change<Self>>) -> Packed<Self> {
        let raw_bytes =
            changes.iter().filter(|c| !c.content.is_zero()).map(|c| u64::from(c.sectors)).sum::<u64>()
                * SECTOR_BYTES;
        let wire_bytes = raw_bytes + CHANGE_HEADER_BYTES * changes.len() as u64;
        Packed { body: Body::Plain(changes.into()), raw_bytes, wire_bytes, checksum: 0 }
    }

    fn unpack(packed: &Packed<Self>) -> Result<Arc<[Change<Self>]>, Corrupt> {
        match &packed.body {
            Body::Plain(changes) => Ok(Arc::clone(changes)),
            Body::Bytes(_) => Err(Corrupt::NotThisContent),
        }
    }
}

/// The digest of one maximal run at its place in a block.
fn fold((start, sectors, stamp): (u64, u64, Stamp), block_start: u64) -> u64 {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&(start - block_start).to_le_bytes());
    key[8..16].copy_from_slice(&sectors.to_le_bytes());
    key[16..24].copy_from_slice(&stamp.write.to_le_bytes());
    key[24..28].copy_from_slice(&stamp.skip.to_le_bytes());
    xxhash_rust::xxh3::xxh3_64(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: u64, sectors: u32, write: u64, skip: u32) -> Change<Stamp> {
        Change { start, sectors, content: Stamp { write, skip } }
    }

    #[test]
    fn a_digest_does_not_depend_on_how_content_is_cut() {
        let range = SectorRange::new(100, 50);
        let whole = [run(104, 8, 7, 3), run(120, 4, 9, 0)];
        let cut = [run(104, 3, 7, 3), run(107, 5, 7, 6), run(114, 2, 0, 0), run(120, 4, 9, 0)];
        assert_eq!(Stamp::digest_range(&whole, range), Stamp::digest_range(&cut, range));
    }

    #[test]
    fn a_digest_tells_another_place_another_write_and_another_part() {
        let range = SectorRange::new(100, 50);
        let digest = |r| Stamp::digest_range(&[r], range);
        let original = digest(run(104, 8, 7, 3));
        assert_ne!(original, digest(run(105, 8, 7, 3)));
        assert_ne!(original, digest(run(104, 8, 8, 3)));
        assert_ne!(original, digest(run(104, 8, 7, 4)));
        assert_ne!(original, digest(run(104, 7, 7, 3)));
        assert_eq!(0, digest(run(104, 8, 0, 0)));
    }
}
