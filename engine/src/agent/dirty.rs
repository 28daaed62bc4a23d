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
/// What a leaf weighs in memory: its bits.
pub(super) const LEAF_BYTES: u64 = BITS_PER_LEAF / 8;

/// The set of dirty blocks of one disk of a known size.
#[derive(Debug, Clone)]
pub(super) struct DirtyMap {
    sectors: u64,
    leaves: BTreeMap<u64, Box<Leaf>>,
    set_blocks: u64,
    /// How many leaves hold what was noted.
    noted_leaves: u64,
}

/// The bits of 16 MiB.
#[derive(Debug, Clone)]
struct Leaf {
    words: [u64; WORDS],
    /// Somebody noted a change in it, rather than found a difference.
    is_noted: bool,
}

impl DirtyMap {
    /// A clean disk of that many sectors.
    pub(super) const fn new(sectors: u64) -> Self {
        Self { sectors, leaves: BTreeMap::new(), set_blocks: 0, noted_leaves: 0 }
    }

    /// Whether nothing is dirty.
    pub(super) const fn is_empty(&self) -> bool {
        self.set_blocks == 0
    }

    /// Dirty sectors, counted in whole blocks.
    pub(super) const fn dirty_sectors(&self) -> u64 {
        self.set_blocks * BITMAP_SECTORS
    }

    /// What the changes that were noted occupy, in bytes. Differences that a comparison found are not counted: who asks
    /// for them can wait.
    pub(super) const fn noted_bytes(&self) -> u64 {
        self.noted_leaves * LEAF_BYTES
    }

    /// Marks every block that a change touches, of which nothing but its place could be kept.
    pub(super) fn note(&mut self, range: SectorRange) {
        self.mark(range, true);
    }

    /// Marks every block that `range` touches.
    pub(super) fn set(&mut self, range: SectorRange) {
        self.mark(range, false);
    }

    fn mark(&mut self, range: SectorRange, is_noted: bool) {
        if range.is_empty() {
            return;
        }
        let (mut block, end) = (range.start / BITMAP_SECTORS, (range.end - 1) / BITMAP_SECTORS + 1);
        while block < end {
            let number = block / BITS_PER_LEAF;
            let blank = || Box::new(Leaf { words: [0; WORDS], is_noted: false });
            let leaf = self.leaves.entry(number).or_insert_with(blank);
            self.noted_leaves += u64::from(is_noted && !leaf.is_noted);
            leaf.is_noted |= is_noted;
            let leaf_end = end.min((number + 1) * BITS_PER_LEAF);
            while block < leaf_end {
                let (word, bits) = bits_from(block, leaf_end);
                self.set_blocks += u64::from((bits & !leaf.words[word]).count_ones());
                leaf.words[word] |= bits;
                block += u64::from(bits.count_ones());
            }
        }
    }

    /// Takes the first dirty ranges out, up to `limit_sectors` in all, neighbours joined, cut at the disk's end.
    pub(super) fn take(&mut self, limit_sectors: u64) -> Vec<SectorRange> {
        let mut taken: Vec<SectorRange> = Vec::new();
        let mut blocks_left = (limit_sectors / BITMAP_SECTORS).max(1);
        while blocks_left > 0 {
            let Some((first, blocks)) = self.take_first(blocks_left) else { break };
            blocks_left -= blocks;
            let start = first * BITMAP_SECTORS;
            let end = (start + blocks * BITMAP_SECTORS).min(self.sectors);
            match taken.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => taken.push(SectorRange { start, end }),
            }
        }
        taken
    }

    /// Takes the first dirty blocks that follow each other within a word, at most so many: the first and how many.
    fn take_first(&mut self, limit: u64) -> Option<(u64, u64)> {
        let mut entry = self.leaves.first_entry()?;
        let number = *entry.key();
        let leaf = entry.get_mut();
        // A leaf is kept only while it has a bit.
        let words = &mut leaf.words;
        let word = words.iter().position(|word| *word != 0)?;
        let bit = words[word].trailing_zeros();
        let run = u64::from((!(words[word] >> bit)).trailing_zeros()).min(u64::from(64 - bit)).min(limit);
        words[word] &= !(mask(run) << bit);
        if words[word..].iter().all(|word| *word == 0) {
            self.noted_leaves -= u64::from(entry.remove().is_noted);
        }
        self.set_blocks -= run;
        debug_assert!(number * SECTORS_PER_LEAF < self.sectors, "a dirty block lies beyond the disk");
        Some((number * BITS_PER_LEAF + word as u64 * 64 + u64::from(bit), run))
    }
}

/// The word of a leaf that a block's bit is in, and the bits from the block on, before `end` and within the word.
fn bits_from(block: u64, end: u64) -> (usize, u64) {
    let bit = block % 64;
    let count = (64 - bit).min(end - block);
    ((block % BITS_PER_LEAF / 64) as usize, mask(count) << bit)
}

/// So many low bits, at most 64.
const fn mask(bits: u64) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
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
    fn only_what_was_noted_is_on_the_account_and_goes_off_it_with_its_leaf() {
        let mut map = DirtyMap::new(1 << 20);
        map.set(SectorRange::new(0, SECTORS_PER_LEAF));
        assert_eq!(map.noted_bytes(), 0);
        map.note(SectorRange::new(8, 1));
        map.note(SectorRange::new(16, 1));
        map.note(SectorRange::new(SECTORS_PER_LEAF, 8));
        assert_eq!(map.noted_bytes(), 2 * LEAF_BYTES);
        map.take(SECTORS_PER_LEAF);
        assert_eq!(map.noted_bytes(), LEAF_BYTES);
        map.take(u64::MAX);
        assert_eq!(map.noted_bytes(), 0);
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
