//! A disk as an array of sectors: slow, and without anything in it that could be wrong.

use switchback_engine::Content;
use switchback_engine::extent::{Change, SectorRange};

/// A disk. Sectors beyond what was ever written are zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Disk<C> {
    sectors: Vec<C>,
}

impl<C> Default for Disk<C> {
    fn default() -> Self {
        Self { sectors: Vec::new() }
    }
}

impl<C: Content> Disk<C> {
    pub(crate) fn write(&mut self, changes: &[Change<C>]) {
        for change in changes {
            let end = (change.start + u64::from(change.sectors)) as usize;
            if self.sectors.len() < end {
                self.sectors.resize(end, C::zero());
            }
            for skip in 0..change.sectors {
                let sector = change.content.part(skip, 1);
                let is_zero = sector.is_zero() || sector.digest(1) == 0;
                self.sectors[change.start as usize + skip as usize] =
                    if is_zero { C::zero() } else { sector };
            }
        }
    }

    pub(crate) fn sector(&self, at: u64) -> C {
        self.sectors.get(at as usize).cloned().unwrap_or_else(C::zero)
    }

    /// What is not zero in a range, sector by sector.
    pub(crate) fn read(&self, range: SectorRange) -> Vec<Change<C>> {
        let sectors =
            (range.start..range.end.min(self.sectors.len() as u64)).map(|start| (start, self.sector(start)));
        let written = sectors.filter(|(_, content)| !content.is_zero());
        written.map(|(start, content)| Change { start, sectors: 1, content }).collect()
    }

    /// Everything that is not zero.
    pub(crate) fn all(&self) -> Vec<Change<C>> {
        self.read(SectorRange { start: 0, end: u64::MAX })
    }

    /// A disk that holds these runs and nothing else.
    pub(crate) fn of(runs: &[Change<C>]) -> Self {
        let mut disk = Self::default();
        disk.write(runs);
        disk
    }

    /// Whether two disks hold the same, however long their arrays are.
    pub(crate) fn holds_the_same(&self, other: &Self) -> bool {
        let longest = self.sectors.len().max(other.sectors.len()) as u64;
        (0..longest).all(|at| self.sector(at) == other.sector(at))
    }
}
