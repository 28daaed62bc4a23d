//! What a disk held before it was written over, for somebody who still reads it as it was.
//!
//! Production goes on while a recovery point is looked at, and what grows older than the oldest point is written to the
//! replica disk underneath. Before that happens the old content is copied to a keeper, sector by sector exactly, and whoever
//! looks reads it there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{PoisonError, RwLock};

use switchback_engine::SectorRange;
use switchback_engine::content::SECTOR_BYTES;

/// Copied at once, in sectors.
const STEP_SECTORS: u64 = 2048;

/// Sectors of a disk that are kept apart from it, in a file that has no name.
#[derive(Debug)]
pub struct Keeper {
    file: File,
    kept: RwLock<Bitmap>,
}

impl Keeper {
    /// One that keeps nothing yet.
    ///
    /// # Errors
    /// There is no place for its file.
    pub fn new(directory: &std::path::Path) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(directory)?, kept: RwLock::default() })
    }

    /// Keeps what `read` gives for the sectors of a range that are not kept yet.
    ///
    /// # Errors
    /// What cannot be read, or has no room.
    pub fn keep(
        &self,
        range: SectorRange,
        read: impl Fn(u64, &mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        for (run, is_kept) in kept.runs(range) {
            if !is_kept {
                self.copy(run, &read)?;
                kept.set(run);
            }
        }
        Ok(())
    }

    fn copy(&self, run: SectorRange, read: impl Fn(u64, &mut [u8]) -> io::Result<()>) -> io::Result<()> {
        let mut at = run.start;
        while at < run.end {
            let sectors = STEP_SECTORS.min(run.end - at);
            let mut bytes = vec![0; (sectors * SECTOR_BYTES) as usize];
            read(at * SECTOR_BYTES, &mut bytes)?;
            self.file.write_all_at(&bytes, at * SECTOR_BYTES)?;
            at += sectors;
        }
        Ok(())
    }

    /// The runs of a range that are kept, in order.
    #[must_use]
    pub fn kept_in(&self, range: SectorRange) -> Vec<SectorRange> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.runs(range).into_iter().filter(|(_, is_kept)| *is_kept).map(|(run, _)| run).collect()
    }

    /// Takes what is written, in place of whatever was kept.
    ///
    /// # Errors
    /// There is no room.
    pub fn write(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        self.file.write_all_at(bytes, start * SECTOR_BYTES)?;
        kept.set(SectorRange::new(start, bytes.len() as u64 / SECTOR_BYTES));
        Ok(())
    }

    /// Fills the parts of `into` that are kept, and has `elsewhere` fill the others: it is told from which sector on.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(
        &self,
        start: u64,
        into: &mut [u8],
        mut elsewhere: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let range = SectorRange::new(start, into.len() as u64 / SECTOR_BYTES);
        // Held to the end: what is read elsewhere must not be written over, and kept here, in between.
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        for (run, is_kept) in kept.runs(range) {
            let from = ((run.start - start) * SECTOR_BYTES) as usize;
            let part = &mut into[from..from + (run.sectors() * SECTOR_BYTES) as usize];
            match is_kept {
                true => self.file.read_exact_at(part, run.start * SECTOR_BYTES)?,
                false => elsewhere(run.start, part)?,
            }
        }
        Ok(())
    }
}

/// A bit for each sector.
#[derive(Debug, Default)]
struct Bitmap {
    words: Vec<u64>,
}

impl Bitmap {
    fn is_set(&self, sector: u64) -> bool {
        self.words.get((sector / 64) as usize).is_some_and(|word| word >> (sector % 64) & 1 == 1)
    }

    fn set(&mut self, range: SectorRange) {
        let words = range.end.div_ceil(64) as usize;
        if self.words.len() < words {
            self.words.resize(words, 0);
        }
        for sector in range.start..range.end {
            self.words[(sector / 64) as usize] |= 1 << (sector % 64);
        }
    }

    /// Where a run that is set, or one that is not, ends at the latest: word by word, as most reads find nothing kept at all.
    fn end_of_run(&self, mut at: u64, is_set: bool, end: u64) -> u64 {
        while at < end {
            let word = self.words.get((at / 64) as usize).copied().unwrap_or(0);
            let others = if is_set { !word } else { word } >> (at % 64);
            if others != 0 {
                return end.min(at + u64::from(others.trailing_zeros()));
            }
            at = (at / 64 + 1) * 64;
        }
        end
    }

    /// The runs of a range that are set and those that are not, in order.
    fn runs(&self, range: SectorRange) -> Vec<(SectorRange, bool)> {
        let mut runs = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let is_set = self.is_set(at);
            let end = self.end_of_run(at, is_set, range.end);
            runs.push((SectorRange { start: at, end }, is_set));
            at = end;
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_bits_change_and_nowhere_else() {
        let mut bitmap = Bitmap::default();
        for run in [SectorRange::new(3, 1), SectorRange::new(60, 200), SectorRange::new(320, 64)] {
            bitmap.set(run);
        }
        for (start, sectors) in [(0, 500), (3, 1), (4, 56), (61, 3), (100, 300), (384, 64), (1000, 5)] {
            let range = SectorRange::new(start, sectors);
            let runs = bitmap.runs(range);
            let cut: Vec<(u64, bool)> = runs
                .iter()
                .flat_map(|(run, is_set)| (run.start..run.end).map(move |at| (at, *is_set)))
                .collect();
            let expected: Vec<(u64, bool)> =
                (range.start..range.end).map(|at| (at, bitmap.is_set(at))).collect();
            assert_eq!(cut, expected, "{range:?}");
            assert!(runs.windows(2).all(|pair| pair[0].1 != pair[1].1), "{runs:?}");
        }
    }

    #[test]
    fn what_was_kept_first_stays_and_the_rest_is_read_elsewhere() {
        let keeper = Keeper::new(&std::env::temp_dir()).unwrap();
        let holding = |byte: u8| {
            move |_: u64, into: &mut [u8]| {
                into.fill(byte);
                Ok(())
            }
        };
        keeper.keep(SectorRange::new(10, 5), holding(1)).unwrap();
        keeper.keep(SectorRange::new(8, 5), holding(2)).unwrap();
        let mut read = vec![0; 10 * 512];
        keeper.read(6, &mut read, holding(9)).unwrap();
        let sectors: Vec<u8> = read.chunks(512).map(|sector| sector[0]).collect();
        assert_eq!(sectors, [9, 9, 2, 2, 1, 1, 1, 1, 1, 9]);
    }
}
