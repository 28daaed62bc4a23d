//! What a disk has received after the newest recovery point, and the cuts in it that may become one.
//!
//! Until a point exists nobody knows where it will be: a marker may never reach another disk, a round may never
//! end elsewhere. So the tail keeps frames apart and order is dropped only when a cut is sealed.

use std::sync::Arc;

use super::layer::Layer;
use crate::batch::{Frame, RoundEnd};
use crate::point::{Marker, PointId};

/// Names a cut of a machine's write order: the session and the round in it. All disks of a machine share cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CutId {
    session: u32,
    round: u64,
}

/// The consistent end of a round on one disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) id: CutId,
    pub(super) end: RoundEnd,
    /// How many layers of the tail lie before it.
    position: usize,
}

impl Cut {
    /// The bookmark that stands at it.
    pub(super) const fn marker(&self) -> Option<&Marker> {
        self.end.marker.as_ref()
    }
}

/// What a disk has received after the newest recovery point.
#[derive(Debug, Clone)]
pub(super) struct Tail<C> {
    /// How many layers of the stream were taken off the front so far; names a prefix across changes.
    taken: u64,
    /// One layer for each frame that changed something.
    layers: Vec<Arc<Layer<C>>>,
    /// In stream order.
    cuts: Vec<Cut>,
}

/// Names a prefix of a tail for as long as it stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    taken: u64,
    layers: usize,
}

impl<C> Tail<C> {
    pub(super) const fn new() -> Self {
        Self { taken: 0, layers: Vec::new(), cuts: Vec::new() }
    }

    pub(super) fn push(&mut self, layer: Layer<C>) {
        self.layers.push(Arc::new(layer));
    }

    /// Notes that a round ended here, consistently.
    pub(super) fn push_cut(&mut self, frame: &Frame<C>, end: RoundEnd) {
        let id = CutId { session: frame.stream.session, round: end.round };
        self.cuts.push(Cut { id, end, position: self.layers.len() });
    }

    pub(super) fn layers(&self) -> &[Arc<Layer<C>>] {
        &self.layers
    }

    /// The cuts, newest first.
    pub(super) fn cuts(&self) -> impl Iterator<Item = &Cut> {
        self.cuts.iter().rev()
    }

    pub(super) fn cut(&self, id: CutId) -> Option<&Cut> {
        self.cuts.iter().rev().find(|cut| cut.id == id)
    }

    /// The cut at which the marker of a point stands.
    pub(super) fn marker(&self, point: PointId) -> Option<&Cut> {
        self.cuts.iter().rev().find(|cut| cut.marker().is_some_and(|marker| marker.point == point))
    }

    /// Whether anything was changed before a cut.
    pub(super) const fn holds_before(&self, cut: &Cut) -> bool {
        cut.position > 0
    }

    /// Takes everything up to a cut off the front, oldest first.
    pub(super) fn take_until(&mut self, cut: Cut) -> Vec<Arc<Layer<C>>> {
        self.cuts.retain(|other| other.id > cut.id);
        self.take(cut.position)
    }

    /// Forgets the cuts before `id`, which can no longer become points; what lies before them stays.
    pub(super) fn forget_cuts_before(&mut self, id: CutId) {
        self.cuts.retain(|cut| cut.id >= id);
    }

    /// The longest prefix that no cut known or to come can divide.
    pub(super) fn undivided(&self) -> Prefix {
        let layers = self.cuts.first().map_or(self.layers.len(), |cut| cut.position);
        Prefix { taken: self.taken, layers }
    }

    /// The layers of a prefix, if it is still at the front.
    pub(super) fn prefix(&self, prefix: Prefix) -> &[Arc<Layer<C>>] {
        if prefix.taken == self.taken { &self.layers[..prefix.layers] } else { &[] }
    }

    /// Takes a prefix off, if it is still at the front.
    pub(super) fn take_prefix(&mut self, prefix: Prefix) -> Vec<Arc<Layer<C>>> {
        if prefix.taken == self.taken { self.take(prefix.layers) } else { Vec::new() }
    }

    fn take(&mut self, layers: usize) -> Vec<Arc<Layer<C>>> {
        for cut in &mut self.cuts {
            cut.position -= layers;
        }
        self.taken += layers as u64;
        self.layers.drain(..layers).collect()
    }
}
