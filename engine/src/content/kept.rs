//! A frame kept as the changes it was unpacked to.

use std::sync::Arc;

use super::Content;
use crate::extent::Change;

/// The changes of a frame, as they are. A place in them is the number of a change above and a sector of it below.
#[derive(Debug, Clone)]
pub struct KeptChanges<C> {
    changes: Arc<[Change<C>]>,
    /// How many bits of a place are the sector: as many as the longest change needs.
    sector_bits: u32,
}

impl<C: Content> KeptChanges<C> {
    /// Keeps changes.
    #[must_use]
    pub fn of(changes: &Arc<[Change<C>]>) -> Self {
        // All bits of all lengths together are as wide as the longest.
        let lengths = changes.iter().fold(0, |bits, change| bits | change.sectors);
        Self { changes: Arc::clone(changes), sector_bits: u32::BITS - lengths.leading_zeros() }
    }

    /// The place of the first sector of a change that is not zeroes, given by its number.
    #[must_use]
    pub fn place(&self, number: u32) -> u64 {
        u64::from(number) << self.sector_bits
    }

    /// The content of `sectors` sectors from a place on.
    ///
    /// # Panics
    /// If there is no such place in them.
    #[must_use]
    pub fn at(&self, place: u64, sectors: u32) -> C {
        let change = &self.changes[(place >> self.sector_bits) as usize];
        if sectors == change.sectors {
            return change.content.clone();
        }
        change.content.part((place & !(u64::MAX << self.sector_bits)) as u32, sectors)
    }
}
