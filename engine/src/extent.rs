//! Runs of sectors, and the two operations everything rests on: flattening a list of writes so that the last
//! one wins on every sector, and laying a newer sorted list over an older one.
//!
//! Lists are flat arrays. Sorting an array once is an order of magnitude faster than keeping a tree of
//! intervals, and a sorted array can be shared and cloned for nothing.

use serde::{Deserialize, Serialize};

use crate::content::Content;

mod flatten;
mod overlay;
#[cfg(test)]
mod tests;
mod zeroes;

pub use flatten::flatten;
pub use overlay::{Piece, clip, overlay, overlay_all, pieces};
pub use zeroes::{without_zeroes, write_over};

/// A half-open range of 512-byte sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SectorRange {
    /// First sector.
    pub start: u64,
    /// One past the last sector.
    pub end: u64,
}

impl SectorRange {
    /// The range of `sectors` sectors from `start`.
    #[must_use]
    pub const fn new(start: u64, sectors: u64) -> Self {
        Self { start, end: start + sectors }
    }

    /// How many sectors.
    #[must_use]
    pub const fn sectors(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether it holds no sector.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// What both ranges hold; possibly empty.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }
}

/// Something that covers a run of sectors and can be cut.
pub trait Run: Clone {
    /// First sector.
    fn start(&self) -> u64;
    /// Length in sectors, never zero.
    fn sectors(&self) -> u32;
    /// The same thing for `sectors` sectors, from sector `skip` of the run.
    #[must_use]
    fn part(&self, skip: u32, sectors: u32) -> Self;

    /// One past the last sector.
    fn end(&self) -> u64 {
        self.start() + u64::from(self.sectors())
    }

    /// The same thing from sector `from` of the disk until `until`; both lie inside the run.
    #[must_use]
    fn between(&self, from: u64, until: u64) -> Self {
        if from == self.start() && until == self.end() {
            return self.clone();
        }
        self.part((from - self.start()) as u32, (until - from) as u32)
    }
}

/// New content for a run of sectors of one disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change<C> {
    /// First sector.
    pub start: u64,
    /// Length in sectors, never zero.
    pub sectors: u32,
    /// What the sectors hold from now on.
    pub content: C,
}

impl<C: Content> Change<C> {
    /// Where it lies.
    #[must_use]
    pub const fn range(&self) -> SectorRange {
        SectorRange::new(self.start, self.sectors as u64)
    }

    /// Zeroes for `range`, in as many changes as its length needs.
    pub fn zeroes(range: SectorRange) -> impl Iterator<Item = Self> {
        let mut at = range.start;
        core::iter::from_fn(move || {
            let sectors = u32::try_from(range.end.saturating_sub(at)).unwrap_or(u32::MAX);
            let change = (sectors > 0).then(|| Self { start: at, sectors, content: C::zero() });
            at += u64::from(sectors);
            change
        })
    }
}

impl<C> Change<C> {
    /// The same change with its content told in another way.
    pub fn map<D>(&self, tell: impl FnOnce(&Self) -> D) -> Change<D> {
        Change { start: self.start, sectors: self.sectors, content: tell(self) }
    }
}

impl<C: Content> Run for Change<C> {
    fn start(&self) -> u64 {
        self.start
    }

    fn sectors(&self) -> u32 {
        self.sectors
    }

    fn part(&self, skip: u32, sectors: u32) -> Self {
        Self { start: self.start + u64::from(skip), sectors, content: self.content.part(skip, sectors) }
    }
}
