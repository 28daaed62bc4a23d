//! Compares a journal with the model, sector by sector.

use switchback_engine::extent::Piece;
use switchback_engine::journal::View;
use switchback_engine::{Change, Content, RecoveryPoint, SectorRange, Stamp};

use super::model::{Image, put};
use super::{Operation, SECTORS, World};

impl World {
    /// Every sector of every disk at every point, and everything that arrived.
    pub(super) fn judge(&self, after: Operation) {
        let points: Vec<RecoveryPoint> = self.model.points.iter().map(|point| point.point).collect();
        assert_eq!(self.journal.points(), points, "points after {after:?}");
        for point in &self.model.points {
            for (id, image) in &point.images {
                let view = self.journal.view(*id, point.point.id);
                let promoted = self.model.promoted.get(&id.machine);
                if promoted.is_some_and(|promoted| *promoted != point.point.id) {
                    assert!(
                        view.is_none(),
                        "a promoted machine has another point than its own after {after:?}"
                    );
                    continue;
                }
                let view = view.expect("a point has a view of every disk");
                compare(&view, &self.model.disks[id].base, image, after);
            }
        }
        for (id, disk) in &self.model.disks {
            let head = self.journal.head(*id).expect("every disk has a head");
            compare(&head, &disk.base, &disk.delivered, after);
        }
        let stats = self.journal.stats();
        assert_eq!(stats.points, points.len() as u64);
    }
}

/// A view over its base, read in steps and as a whole, is an image.
fn compare(view: &View<Stamp>, base: &Image, expected: &Image, after: Operation) {
    let what = (view.disk(), view.point());
    assert_eq!(&in_steps(view, base, 5), expected, "{what:?} after {after:?}");
    assert_eq!(&in_steps(&view.merged(), base, SECTORS), expected, "{what:?} merged after {after:?}");
    let written = (0..).zip(base).filter(|(_, content)| !content.is_zero());
    let run = |(start, content): (u64, &Stamp)| Change { start, sectors: 1, content: *content };
    let runs: Vec<Change<Stamp>> = written.map(run).collect();
    let whole = view.materialise(&runs);
    assert_eq!(view.read_over(&runs, SectorRange::new(0, SECTORS)), whole, "{what:?} after {after:?}");
    let mut image = vec![Stamp::zero(); SECTORS as usize];
    put(&mut image, &whole);
    assert_eq!(&image, expected, "{what:?} materialised after {after:?}");
}

fn in_steps(view: &View<Stamp>, base: &Image, step: u64) -> Image {
    let mut image = base.clone();
    for start in (0..SECTORS).step_by(step as usize) {
        let range = SectorRange { start, end: (start + step).min(SECTORS) };
        for piece in view.read(range) {
            if let Piece::Run(run) = piece {
                assert!(
                    run.range().intersection(&range) == run.range(),
                    "a run outside of what was asked for"
                );
                put(&mut image, &[run]);
            }
        }
    }
    image
}
