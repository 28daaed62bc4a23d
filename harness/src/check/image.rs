//! Comparing what a machine's disks show with what a prefix of its history makes of them.

use std::sync::Arc;

use switchback_disks::VirtualDisk;
use switchback_engine::{Change, Content, MachineId, SectorRange, Site, Stamp};

use crate::content::DAMAGED;
use crate::truth::{History, initial_stamp};
use crate::world::WorldSpec;
use crate::world::spec::DiskSpec;

/// The disks of a machine as a prefix of its history makes them.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    disks: Vec<VirtualDisk<Stamp>>,
    position: usize,
}

impl Replay {
    /// Before the first write.
    pub(crate) fn new(machine: MachineId, spec: &WorldSpec) -> Self {
        Self::of_disks(machine, &spec.machines[machine.0 as usize].disks)
    }

    /// The same for a machine that is part of no world.
    pub(crate) fn of_disks(machine: MachineId, disks: &[DiskSpec]) -> Self {
        let disk = |(index, disk): (usize, &DiskSpec)| {
            let content = |range: SectorRange| initial_runs(machine, index as u8, range);
            VirtualDisk::initial(disk.sectors, disk.used_sectors, content).with_write_through()
        };
        Self { disks: disks.iter().enumerate().map(disk).collect(), position: 0 }
    }

    /// Goes on to the first `position` writes of a line; backwards is from the start again.
    pub(crate) fn go_to(
        &mut self,
        position: usize,
        history: &History,
        site: Site,
        spec: &WorldSpec,
        machine: MachineId,
    ) {
        if position < self.position {
            *self = Self::new(machine, spec);
        }
        self.go_on_to(position, history, site);
    }

    /// Goes on to the first `position` writes of a line, never backwards.
    pub(crate) fn go_on_to(&mut self, position: usize, history: &History, site: Site) {
        for place in self.position..position {
            let number = history.at(site, place);
            let write = history.write(number);
            let change =
                Change { start: write.start, sectors: write.sectors, content: history.stamp(number) };
            let disk = &mut self.disks[usize::from(write.disk)];
            // What was written behind the end at which a disk was made shows that it has grown.
            let end = change.range().end.max(disk.sectors());
            let written = disk.resize(end).and_then(|()| disk.write(change));
            debug_assert!(written.is_ok(), "an acknowledged write lies on its disk");
        }
        self.position = self.position.max(position);
    }

    /// How many writes of the line it has taken.
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// What a range of a disk holds; `None` if it does not lie on a disk.
    pub(crate) fn look(&self, disk: usize, range: SectorRange) -> Option<Vec<Change<Stamp>>> {
        self.disks.get(disk)?.peek(range).ok()
    }

    /// What a disk holds.
    pub(crate) fn runs(&mut self, disk: usize) -> Arc<Vec<Change<Stamp>>> {
        self.disks[disk].runs()
    }
}

fn initial_runs(machine: MachineId, disk: u8, range: SectorRange) -> Vec<Change<Stamp>> {
    const PIECE: u64 = 1 << 31;
    let mut runs = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let sectors = (range.end - start).min(PIECE) as u32;
        runs.push(Change { start, sectors, content: initial_stamp(machine, disk, start) });
        start += u64::from(sectors);
    }
    runs
}

/// What the disks of a machine show, by index: sorted runs without zeroes.
pub(crate) type Image = Vec<Vec<Change<Stamp>>>;

/// The cut of a machine's write order that its disks show: how many writes of the line the newest one shown makes.
///
/// # Errors
/// What is shown that never was: damage, or a write that was not acknowledged on that side.
pub(crate) fn cut_of(disks: &[Vec<Change<Stamp>>], history: &History, site: Site) -> Result<usize, String> {
    let mut cut = 0;
    for (index, disk) in disks.iter().enumerate() {
        for run in disk {
            if run.content.write == DAMAGED {
                return Err(format!("disk {index} sector {} holds what nobody wrote", run.start));
            }
            match history.place_of(site, run.content) {
                Some(Some(place)) => cut = cut.max(place + 1),
                Some(None) => {}
                None => {
                    return Err(format!(
                        "disk {index} sector {} holds write {:#x}, which was never acknowledged there",
                        run.start, run.content.write
                    ));
                }
            }
        }
    }
    Ok(cut)
}

/// The first place where two sorted lists of runs without zeroes say different things.
pub(crate) fn first_difference(shown: &[Change<Stamp>], expected: &[Change<Stamp>]) -> Option<Difference> {
    let (mut a, mut b) = (Cursor::new(shown), Cursor::new(expected));
    loop {
        match (a.head(), b.head()) {
            (None, None) => return None,
            (Some((start, _, stamp)), None) => {
                return Some(Difference { sector: start, shown: stamp, expected: Stamp::zero() });
            }
            (None, Some((start, _, stamp))) => {
                return Some(Difference { sector: start, shown: Stamp::zero(), expected: stamp });
            }
            (Some((at, length, shown)), Some((wanted_at, wanted, expected))) => {
                if at != wanted_at || shown != expected {
                    let sector = at.min(wanted_at);
                    let shown = if at == sector { shown } else { Stamp::zero() };
                    let expected = if wanted_at == sector { expected } else { Stamp::zero() };
                    return Some(Difference { sector, shown, expected });
                }
                let same = length.min(wanted);
                a.advance(same);
                b.advance(same);
            }
        }
    }
}

/// A sector that shows something else than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) sector: u64,
    pub(crate) shown: Stamp,
    pub(crate) expected: Stamp,
}

impl Difference {
    /// In words, with the writes by number.
    pub(crate) fn describe(&self, disk: usize) -> String {
        let name = |stamp: Stamp| match stamp {
            Stamp { write: 0, .. } => "zeroes".to_owned(),
            Stamp { write: DAMAGED, .. } => "damage".to_owned(),
            Stamp { write, skip } => format!("write {} (its sector {skip})", write & 0xff_ffff_ffff),
        };
        format!("disk {disk} sector {}: {}, expected {}", self.sector, name(self.shown), name(self.expected))
    }
}

/// A place in a list of runs that may lie inside a run.
struct Cursor<'a> {
    runs: &'a [Change<Stamp>],
    skip: u32,
}

impl<'a> Cursor<'a> {
    const fn new(runs: &'a [Change<Stamp>]) -> Self {
        Self { runs, skip: 0 }
    }

    fn head(&self) -> Option<(u64, u32, Stamp)> {
        let run = self.runs.first()?;
        let stamp = Stamp { write: run.content.write, skip: run.content.skip.wrapping_add(self.skip) };
        Some((run.start + u64::from(self.skip), run.sectors - self.skip, stamp))
    }

    fn advance(&mut self, sectors: u32) {
        self.skip += sectors;
        if self.runs.first().is_some_and(|run| run.sectors == self.skip) {
            self.runs = &self.runs[1..];
            self.skip = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: u64, sectors: u32, write: u64, skip: u32) -> Change<Stamp> {
        Change { start, sectors, content: Stamp { write, skip } }
    }

    #[test]
    fn content_cut_differently_is_the_same_content() {
        let whole = [run(10, 8, 1, 0), run(30, 4, 2, 5)];
        let cut = [run(10, 3, 1, 0), run(13, 5, 1, 3), run(30, 4, 2, 5)];
        assert_eq!(first_difference(&whole, &cut), None);
    }

    #[test]
    fn a_missing_an_extra_and_a_shifted_sector_are_seen() {
        let expected = [run(10, 8, 1, 0)];
        let sector = |shown: &[Change<Stamp>]| first_difference(shown, &expected).map(|d| d.sector);
        assert_eq!(sector(&[run(10, 7, 1, 0)]), Some(17));
        assert_eq!(sector(&[run(10, 8, 1, 0), run(18, 1, 1, 8)]), Some(18));
        assert_eq!(sector(&[run(10, 8, 1, 1)]), Some(10));
        assert_eq!(sector(&[]), Some(10));
    }
}
