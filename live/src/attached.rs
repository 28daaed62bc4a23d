//! A recovery point as a disk: readable at once, writable on a sheet of its own, while production goes on.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::extent::Piece;
use switchback_engine::journal::View;
use switchback_engine::{Change, SectorRange};

use crate::content::Data;
use crate::disks::{Disk, Keeper};
use crate::nbd::{AllocatedRun, Export};

mod windows;

use windows::Windows;

/// A disk at a recovery point.
pub struct AttachedDisk {
    point: Windows,
    base: Arc<Disk>,
    bytes: u64,
    /// What the base held where it was written over since.
    before: Arc<Keeper>,
    /// What was written here.
    written: Keeper,
    /// Where the last read ended, in bytes.
    read_until: AtomicU64,
}

impl AttachedDisk {
    /// What `open` gives over its base disk, of so many sectors; `None` if it gives nothing. Scratch files go to a directory.
    ///
    /// # Errors
    /// There is no place for them.
    pub fn new(
        base: Arc<Disk>,
        sectors: u64,
        scratch: &Path,
        open: impl FnOnce() -> Option<View<Data>>,
    ) -> io::Result<Option<Self>> {
        let before = Arc::new(Keeper::new(scratch)?);
        let written = Keeper::new(scratch)?;
        // First of all: from the moment at which the view is taken, nothing below it may be lost.
        base.keep_for(&before);
        let Some(view) = open() else {
            base.keep_no_longer(&before);
            return Ok(None);
        };
        Ok(Some(Self {
            point: Windows::of(view, sectors),
            base,
            bytes: sectors * SECTOR_BYTES,
            before,
            written,
            read_until: AtomicU64::new(0),
        }))
    }

    /// Has what comes next fetched for somebody who reads from front to back. The system does that for the disk below; of the
    /// journal it does not know what comes next.
    fn read_ahead(&self, offset: u64, bytes: u64) {
        /// How far ahead, in bytes.
        const AHEAD: u64 = 8 << 20;
        if self.read_until.swap(offset + bytes, Ordering::Relaxed) != offset {
            return;
        }
        let end = self.bytes / SECTOR_BYTES;
        let next = SectorRange::new((offset + bytes + AHEAD) / SECTOR_BYTES, bytes / SECTOR_BYTES);
        for piece in self.point.read(next.intersection(&SectorRange { start: 0, end })) {
            if let Piece::Run(change) = piece {
                change.content.will_need(change.sectors);
            }
        }
    }

    /// Where nothing is kept for the point, sorted.
    fn holes_of_point(&self, range: SectorRange) -> io::Result<Vec<SectorRange>> {
        let mut holes = Vec::new();
        for piece in self.point.read(range) {
            match piece {
                Piece::Run(change) if matches!(change.content, Data::Zeroes) => holes.push(change.range()),
                Piece::Run(_) => {}
                Piece::Hole(gap) => holes.extend(self.base.holes(gap)?),
            }
        }
        Ok(holes)
    }

    fn read_point(&self, start: u64, into: &mut [u8]) -> io::Result<()> {
        let range = SectorRange::new(start, into.len() as u64 / SECTOR_BYTES);
        for piece in self.point.read(range) {
            match piece {
                Piece::Run(change) => change.content.read(part_of(into, start, change.range()))?,
                Piece::Hole(gap) => {
                    let part = part_of(into, start, gap);
                    self.before.read(gap.start, part, |at, into| self.base.read(at * SECTOR_BYTES, into))?;
                }
            }
        }
        Ok(())
    }
}

fn part_of(into: &mut [u8], start: u64, range: SectorRange) -> &mut [u8] {
    let from = ((range.start - start) * SECTOR_BYTES) as usize;
    &mut into[from..from + (range.sectors() * SECTOR_BYTES) as usize]
}

impl Drop for AttachedDisk {
    fn drop(&mut self) {
        self.base.keep_no_longer(&self.before);
    }
}

impl Export for AttachedDisk {
    fn size_bytes(&self) -> u64 {
        self.bytes
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.read_ahead(offset, into.len() as u64);
        self.written.read(offset / SECTOR_BYTES, into, |start, into| self.read_point(start, into))
    }

    fn write(&self, offset: u64, data: Bytes, _durable: bool) -> io::Result<()> {
        // Nothing of it outlives the process: there is nothing to make durable.
        self.written.write(offset / SECTOR_BYTES, &data)
    }

    fn zero(&self, offset: u64, bytes: u64, _may_punch: bool, durable: bool) -> io::Result<()> {
        const STEP_BYTES: u64 = 1 << 20;
        let zeroes = Bytes::from(vec![0; STEP_BYTES.min(bytes) as usize]);
        let mut at = offset;
        while at < offset + bytes {
            let now = zeroes.slice(..(offset + bytes - at).min(STEP_BYTES) as usize);
            at += now.len() as u64;
            self.write(at - now.len() as u64, now, durable)?;
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn runs(&self, offset: u64, bytes: u64) -> io::Result<Vec<AllocatedRun>> {
        let range = SectorRange::new(offset / SECTOR_BYTES, bytes / SECTOR_BYTES);
        let mut holes = self.holes_of_point(range)?;
        // What was kept of the base, or written here, is there.
        for kept in self.before.kept_in(range).into_iter().chain(self.written.kept_in(range)) {
            holes = holes.into_iter().flat_map(|hole| without(hole, kept)).collect();
        }
        Ok(runs_around(&holes, range))
    }
}

/// What of a range lies before and behind another.
fn without(range: SectorRange, other: SectorRange) -> impl Iterator<Item = SectorRange> {
    let before = SectorRange { start: range.start, end: range.end.min(other.start) };
    let behind = SectorRange { start: range.start.max(other.end), end: range.end };
    [before, behind].into_iter().filter(|part| !part.is_empty())
}

/// A range as runs, of which these are the holes.
fn runs_around(holes: &[SectorRange], range: SectorRange) -> Vec<AllocatedRun> {
    let mut runs: Vec<AllocatedRun> = Vec::new();
    let mut push = |sectors: u64, is_hole: bool| match runs.last_mut().filter(|last| last.is_hole == is_hole)
    {
        _ if sectors == 0 => {}
        Some(last) => last.bytes += sectors * SECTOR_BYTES,
        None => runs.push(AllocatedRun { bytes: sectors * SECTOR_BYTES, is_hole }),
    };
    let mut at = range.start;
    for hole in holes {
        push(hole.start - at, false);
        push(hole.sectors(), true);
        at = hole.end;
    }
    push(range.end - at, false);
    runs
}

/// Writes a disk at a recovery point to a file that holds nothing, without what is zeroes.
///
/// # Errors
/// Something cannot be read, or there is no room.
pub fn write_out(view: &View<Data>, base: &Disk, sectors: u64, to: &Disk) -> io::Result<()> {
    /// Read at once, in sectors: 8 MiB.
    const STEP: u64 = 16 << 10;
    let point = Windows::of(view.clone(), sectors);
    let mut at = 0;
    while at < sectors {
        let range = SectorRange { start: at, end: (at + STEP).min(sectors) };
        to.write_loosely(&runs_at(&point, base, range)?)?;
        at = range.end;
    }
    to.sync()
}

/// What a disk holds at a recovery point: the runs in a range that are not zeroes.
fn runs_at(point: &Windows, base: &Disk, range: SectorRange) -> io::Result<Vec<Change<Data>>> {
    let mut runs = Vec::new();
    for piece in point.read(range) {
        match piece {
            Piece::Run(change) => runs.push(change),
            Piece::Hole(gap) => runs.extend(base.runs(gap)?),
        }
    }
    runs.retain(|run| !matches!(run.content, Data::Zeroes));
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_and_what_is_between_them_cover_a_range() {
        let run = |sectors: u64, is_hole| AllocatedRun { bytes: sectors * SECTOR_BYTES, is_hole };
        let range = SectorRange::new(10, 20);
        let holes = [SectorRange::new(10, 5), SectorRange::new(15, 2), SectorRange::new(20, 10)];
        assert_eq!(runs_around(&holes, range), [run(7, true), run(3, false), run(10, true)]);
        assert_eq!(runs_around(&[], range), [run(20, false)]);
    }

    #[test]
    fn what_is_kept_in_a_hole_cuts_it() {
        let parts = |other| without(SectorRange::new(10, 10), other).collect::<Vec<_>>();
        assert_eq!(parts(SectorRange::new(12, 3)), [SectorRange::new(10, 2), SectorRange::new(15, 5)]);
        assert_eq!(parts(SectorRange::new(5, 50)), []);
        assert_eq!(parts(SectorRange::new(30, 5)), [SectorRange::new(10, 10)]);
    }
}
