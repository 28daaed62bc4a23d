//! Compares the journal with the model, sector by sector.

use super::*;
use crate::extent::{Piece, Run, SectorRange};

impl<C: Sample> World<C> {
    /// Compares every sector of every disk at every point, and everything received, with the full copies.
    pub(in super::super) fn check(&mut self) -> Result<(), String> {
        let points: Vec<RecoveryPoint> = self.points.iter().map(|(point, _)| *point).collect();
        if self.journal.points() != points {
            return Err(format!("points {:?}, expected {points:?}", self.journal.points()));
        }
        for (point, copies) in &self.points {
            for (id, copy) in copies {
                let view = self.journal.view(*id, point.id).ok_or("a point has no view")?;
                self.compare(&view, copy).map_err(|sector| format!("{:?}, {id:?}: {sector}", point.id))?;
            }
        }
        for (id, disk) in &self.disks {
            let view = self.journal.head(*id).ok_or("a disk has no head")?;
            self.compare(&view, &disk.delivered).map_err(|sector| format!("head, {id:?}: {sector}"))?;
        }
        self.account();
        Ok(())
    }

    fn compare(&self, view: &View<C>, expected: &[C]) -> Result<(), String> {
        let base = &self.disks[&view.disk()].base;
        let read = [self.read_in_steps(view, base, 7), self.read_in_steps(&view.merged(), base, 16)];
        for whole in read.into_iter().chain([self.materialised(view, base)]) {
            for (sector, (found, expected)) in whole.iter().zip(expected).enumerate() {
                if found != expected {
                    return Err(format!("sector {sector} holds {found:?}, expected {expected:?}"));
                }
            }
        }
        Ok(())
    }

    fn materialised(&self, view: &View<C>, base: &[C]) -> Copied<C> {
        let written = (0..).zip(base).filter(|(_, content)| !content.is_zero());
        let run = |(start, content): (u64, &C)| Change { start, sectors: 1, content: content.clone() };
        let runs: Vec<Change<C>> = written.map(run).collect();
        let disk = view.materialise(&runs);
        assert!(disk.is_sorted_by(|left, right| left.end() <= right.start()));
        assert!(disk.iter().all(|change| !change.content.is_zero()));
        assert_eq!(view.read_over(&runs, SectorRange::new(0, SECTORS)), disk);
        let mut whole = vec![C::zero(); SECTORS as usize];
        put(&mut whole, &disk);
        whole
    }

    fn read_in_steps(&self, view: &View<C>, base: &[C], step: u64) -> Copied<C> {
        let mut whole = base.to_vec();
        for start in (0..SECTORS).step_by(step as usize) {
            let range = SectorRange { start, end: (start + step).min(SECTORS) };
            let mut at = start;
            for piece in view.read(range) {
                at = match piece {
                    Piece::Run(run) => {
                        assert_eq!(run.start, at);
                        put(&mut whole, core::slice::from_ref(&run));
                        run.end()
                    }
                    Piece::Hole(hole) => {
                        assert_eq!(hole.start, at);
                        hole.end
                    }
                };
            }
            assert_eq!(at, range.end);
        }
        whole
    }

    /// Segments are given back once, and what is left adds up.
    pub(super) fn account(&mut self) {
        for segment in self.journal.take_deleted_segments() {
            assert!(self.segments.remove(&segment).is_some(), "{segment:?} was given back twice");
        }
        assert_eq!(self.journal.stats().segments, self.segments.len() as u64);
        if self.segments.values().all(|bytes| *bytes > 0) {
            let stats = self.journal.stats();
            assert_eq!(stats.live_bytes + stats.dead_bytes, self.segments.values().sum::<u64>());
        }
    }
}
