//! A sparse bitmap of a disk: which 4 KiB blocks must be read again.
//!
//! A flat bitmap costs 32 MiB for each TiB of disk; most disks never need one, and those that do dirty a few
//! regions. Leaves of 16 MiB are made on demand.

use std::collections::BTreeMap;

use super::config::BITMAP_SECTORS;
use crate::extent::SectorRange;

const BITS_PER_LEAF: u64 = 4096;
const SECTORS_PER_LEAF: u64 = BITS_PER_LEAF * BITMAP_SECTORS;
const WORDS: usize = (BITS_PER_LEAF / 64) as usize;

/// The set of dirty blocks of one disk of a known size.
#[derive(Debug, Clone)]
pub(super) struct DirtyMap {
    sectors: u64,
    leaves: BTreeMap<u64, Box<[u64; WORDS]>>,
    set_blocks: u64,
}

impl DirtyMap {
    /// A clean disk of that many sectors.
    pub(super) const fn new(sectors: u64) -> Self {
        Self { sectors, leaves: BTreeMap::new(), set_blocks: 0 }
    }

    /// Whether nothing is dirty.
    pub(super) const fn is_empty(&self) -> bool {
        self.set_blocks == 0
    }

    /// Dirty sectors, counted in whole blocks.
    pub(super) const fn dirty_sectors(&self) -> u64 {
        self.set_blocks * BITMAP_SECTORS
    }

    /// Marks every block that `range` touches.
    pub(super) fn set(&mut self, range: SectorRange) {
        if range.is_empty() {
            return;
        }
        let last = (range.end - 1) / BITMAP_SECTORS;
        for block in range.start / BITMAP_SECTORS..=last {
            let leaf = self.leaves.entry(block / BITS_PER_LEAF).or_insert_with(|| Box::new([0; WORDS]));
            let word = &mut leaf[(block % BITS_PER_LEAF / 64) as usize];
            let bit = 1 << (block % 64);
            self.set_blocks += u64::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// Takes the first dirty ranges out, up to `limit_sectors` in all, neighbours joined, cut at the disk's end.
    pub(super) fn take(&mut self, limit_sectors: u64) -> Vec<SectorRange> {
        let mut taken: Vec<SectorRange> = Vec::new();
        let mut left = limit_sectors.max(BITMAP_SECTORS);
        while left >= BITMAP_SECTORS {
            let Some(block) = self.take_first() else { break };
            left -= BITMAP_SECTORS;
            let start = block * BITMAP_SECTORS;
            let end = (start + BITMAP_SECTORS).min(self.sectors);
            match taken.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => taken.push(SectorRange { start, end }),
            }
        }
        taken
    }

    fn take_first(&mut self) -> Option<u64> {
        let mut entry = self.leaves.first_entry()?;
        let number = *entry.key();
        let leaf = entry.get_mut();
        // A leaf is kept only while it has a bit.
        let word = leaf.iter().position(|word| *word != 0)?;
        let bit = leaf[word].trailing_zeros();
        leaf[word] &= leaf[word] - 1;
        if leaf[word..].iter().all(|word| *word == 0) {
            entry.remove();
        }
        self.set_blocks -= 1;
        debug_assert!(number * SECTORS_PER_LEAF < self.sectors, "a dirty block lies beyond the disk");
        Some(number * BITS_PER_LEAF + word as u64 * 64 + u64::from(bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_touches_a_block_dirties_all_of_it_and_comes_out_once() {
        let mut map = DirtyMap::new(1000);
        map.set(SectorRange::new(7, 2));
        map.set(SectorRange::new(8, 8));
        assert_eq!(map.dirty_sectors(), 16);
        assert_eq!(map.take(u64::MAX), [SectorRange::new(0, 16)]);
        assert!(map.is_empty());
        assert_eq!(map.take(u64::MAX), []);
    }

    #[test]
    fn the_last_block_ends_with_the_disk() {
        let mut map = DirtyMap::new(1003);
        map.set(SectorRange::new(1002, 1));
        assert_eq!(map.take(8), [SectorRange { start: 1000, end: 1003 }]);
    }

    #[test]
    fn far_places_come_out_in_order_and_no_more_than_asked() {
        let mut map = DirtyMap::new(1 << 40);
        map.set(SectorRange::new(1 << 39, 1));
        map.set(SectorRange::new(80, 24));
        assert_eq!(map.take(16), [SectorRange::new(80, 16)]);
        assert_eq!(map.take(u64::MAX), [SectorRange::new(96, 8), SectorRange::new(1 << 39, 8)]);
    }
}
