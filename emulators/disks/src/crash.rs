//! What is left of the writes that a disk had in its cache when the power went.
//!
//! A cache writes back in any order, so any subset may have arrived, and a sector is written whole or not at all, so
//! a write may have arrived up to any sector, from either end. Survived by design: a flush that was answered.

use switchback_engine::extent::Run;
use switchback_engine::{Change, Content};
use switchback_sim::{Chance, Ratio};

/// What became of the writes that were not flushed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CrashReport {
    /// Writes that had reached the disk all the same.
    pub kept: u32,
    /// Writes of which a part had.
    pub torn: u32,
    /// Writes of which nothing is left.
    pub lost: u32,
}

impl CrashReport {
    /// Decides the fate of each write. Every write draws, so the fate of one does not depend on another's length.
    pub(crate) fn settle<C: Content>(
        unflushed: Vec<Change<C>>,
        chance: &mut Chance,
        mut keep: impl FnMut(Change<C>),
    ) -> Self {
        let mut report = Self::default();
        for write in unflushed {
            let (fate, from_the_end) = (chance.below(3), chance.happens(Ratio::percent(50)));
            match fate {
                0 => {
                    report.kept += 1;
                    keep(write);
                }
                1 if write.sectors > 1 => {
                    let sectors = chance.in_range(1..=u64::from(write.sectors) - 1) as u32;
                    let skip = if from_the_end { write.sectors - sectors } else { 0 };
                    report.torn += 1;
                    keep(write.part(skip, sectors));
                }
                _ => report.lost += 1,
            }
        }
        report
    }
}
