//! A disk at a recovery point, as long as someone looks at it.
//!
//! Opening a view copies no index and no payload, and nothing the journal does later can be seen through it. It
//! holds what the journal knows; the disk below it is read by whoever looks, where [`View::read`] leaves holes.
//! That disk must not be written past the view's point meanwhile: a view that outlives its point, or is used
//! during a fold, relies on the point being pinned.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::layer::Layer;
use crate::content::Content;
use crate::extent::{Change, Piece, Run, SectorRange, clip, overlay, overlay_all, pieces, write_over};
use crate::id::DiskId;
use crate::point::PointId;

/// A disk at a recovery point.
///
/// Serialised it is only a name: which disk at which point. Whoever has the journal opens it anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct View<C: Content> {
    disk: DiskId,
    point: Option<PointId>,
    /// Oldest first.
    #[serde(skip)]
    layers: Arc<[Arc<Layer<C>>]>,
}

impl<C: Content> View<C> {
    pub(super) fn new(disk: DiskId, point: Option<PointId>, layers: Vec<Arc<Layer<C>>>) -> Self {
        Self { disk, point, layers: layers.into() }
    }

    /// Which disk.
    #[must_use]
    pub const fn disk(&self) -> DiskId {
        self.disk
    }

    /// At which point; `None` for everything received.
    #[must_use]
    pub const fn point(&self) -> Option<PointId> {
        self.point
    }

    /// The same view with its layers merged into one: worth its price (about 20 million entries a second) to who
    /// reads much at random, because every layer costs every read a search.
    #[must_use]
    pub fn merged(&self) -> Self {
        let layer = Layer::merge(&self.layers, &mut Vec::new());
        Self { layers: [Arc::new(layer)].into(), ..*self }
    }

    /// The same view with all that lies inside `range` merged into one layer, and nothing of what lies outside: for who reads at
    /// random in a stretch of the disk. What it costs depends on how much the journal holds there, so a view can be read at
    /// once, however much it holds, and merged where it is read.
    #[must_use]
    pub fn window(&self, range: SectorRange) -> Self {
        Self { layers: [Arc::new(Layer::merge_inside(&self.layers, range))].into(), ..*self }
    }

    /// What the journal holds in `range`, and where the disk below must be read. Zeroes hide what is below like
    /// anything else.
    #[must_use]
    pub fn read(&self, range: SectorRange) -> Vec<Piece<Change<C>>> {
        pieces(&self.found(range), range)
    }

    /// What the journal holds in `range`. Old layers are not looked at once newer ones cover it.
    fn found(&self, range: SectorRange) -> Vec<Change<C>> {
        let mut found: Vec<Change<C>> = Vec::new();
        for layer in self.layers.iter().rev() {
            let older = layer.read(range);
            if !older.is_empty() {
                found = overlay(&found, &older);
            }
            if covers(&found, range) {
                break;
            }
        }
        found
    }

    /// What the disk holds in `range` over `base`, given as the runs of it that are not zero, sorted; the same for
    /// what is given back.
    #[must_use]
    pub fn read_over(&self, base: &[Change<C>], range: SectorRange) -> Vec<Change<C>> {
        write_over(&self.found(range), &clip(base, range))
    }

    /// Everything the journal holds over the disk below, sorted by place, zeroes included.
    #[must_use]
    pub fn changes(&self) -> Arc<[Change<C>]> {
        if let [only] = &*self.layers {
            return only.changes();
        }
        let layers: Vec<_> = self.layers.iter().rev().map(|layer| layer.changes()).collect();
        let newest_first: Vec<&[Change<C>]> = layers.iter().map(|changes| &**changes).collect();
        overlay_all(&newest_first).into()
    }

    /// The whole disk: the runs that are not zero, sorted by place, over `base`, given the same way.
    #[must_use]
    pub fn materialise(&self, base: &[Change<C>]) -> Vec<Change<C>> {
        write_over(&self.changes(), base)
    }
}

/// Whether runs inside a range leave no hole in it.
fn covers<R: Run>(runs: &[R], range: SectorRange) -> bool {
    runs.iter().map(|run| u64::from(run.sectors())).sum::<u64>() == range.sectors()
}
