//! The journal of one disk: sealed epochs over the base, and the tail after them.
//!
//! It is told where points are; it decides nothing about them.

use core::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::layer::{Layer, SegmentId, Weight};
use super::look::{DiskLook, EpochLook};
use super::tail::{Cut, Prefix, Tail};
use crate::content::Content;
use crate::point::PointId;

/// Everything written between two points, the last write of every sector.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"))]
struct Epoch<C: Content> {
    /// The point at its end.
    end: PointId,
    layer: Arc<Layer<C>>,
}

/// The journal of one disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"))]
pub(super) struct DiskLog<C: Content> {
    /// Oldest first. A point before which nothing was written has none.
    epochs: Vec<Epoch<C>>,
    pub(super) tail: Tail<C>,
}

impl<C: Content> DiskLog<C> {
    /// The same journal with what it keeps of frames told in another way.
    pub(super) fn map<D: Content>(&self, tell: &mut impl FnMut(&C::Kept) -> D::Kept) -> DiskLog<D> {
        let mut epoch =
            |epoch: &Epoch<C>| Epoch { end: epoch.end, layer: Arc::new(epoch.layer.map(&mut *tell)) };
        DiskLog { epochs: self.epochs.iter().map(&mut epoch).collect(), tail: self.tail.map(tell) }
    }

    pub(super) const fn new() -> Self {
        Self { epochs: Vec::new(), tail: Tail::new() }
    }

    /// Seals the tail up to a cut as the epoch that ends at `point`.
    pub(super) fn seal(&mut self, cut: Cut, point: PointId, deleted: &mut Vec<SegmentId>) {
        let layers = self.tail.take_until(cut);
        if !layers.is_empty() {
            self.epochs.push(Epoch { end: point, layer: Layer::of_all(&layers, deleted) });
        }
    }

    /// The layers up to a point, oldest first.
    pub(super) fn layers_until(&self, point: PointId) -> Vec<Arc<Layer<C>>> {
        self.epochs[..self.epochs_until(point)].iter().map(|epoch| Arc::clone(&epoch.layer)).collect()
    }

    /// All layers, oldest first.
    pub(super) fn layers(&self) -> Vec<Arc<Layer<C>>> {
        let sealed = self.epochs.iter().map(|epoch| &epoch.layer);
        sealed.chain(self.tail.layers()).map(Arc::clone).collect()
    }

    /// Merges every epoch that does not end at one of the `kept` points, sorted, into the next that does. This
    /// is the one place where order between points is dropped, and it never drops it across a kept one. The points that
    /// were given up lie within `gone`: outside of it every epoch stays what and where it is.
    pub(super) fn keep_points(
        &mut self,
        kept: &[PointId],
        gone: &RangeInclusive<PointId>,
        deleted: &mut Vec<SegmentId>,
    ) {
        let mut at = self.epochs.partition_point(|epoch| epoch.end < *gone.start());
        while let Some(epoch) = self.epochs.get(at).filter(|epoch| epoch.end <= *gone.end()) {
            let Some(&end) = kept.get(kept.partition_point(|point| *point < epoch.end)) else { return };
            if end != epoch.end {
                let after = at + self.epochs[at..].partition_point(|epoch| epoch.end <= end);
                let layers: Vec<_> =
                    self.epochs[at..after].iter().map(|epoch| Arc::clone(&epoch.layer)).collect();
                let merged = Epoch { end, layer: Layer::of_all(&layers, deleted) };
                self.epochs.splice(at..after, [merged]);
            }
            at += 1;
        }
    }

    /// Forgets the epochs up to a point: the base holds them.
    pub(super) fn forget_until(&mut self, point: PointId, deleted: &mut Vec<SegmentId>) {
        let upto = self.epochs_until(point);
        deleted
            .extend(self.epochs.drain(..upto).flat_map(|epoch| epoch.layer.segments().collect::<Vec<_>>()));
    }

    /// Forgets the front of the tail: the base holds it.
    pub(super) fn forget_prefix(&mut self, prefix: Prefix, deleted: &mut Vec<SegmentId>) {
        let layers = self.tail.take_prefix(prefix);
        deleted.extend(layers.iter().flat_map(|layer| layer.segments()));
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self, deleted: &mut Vec<SegmentId>) {
        deleted.extend(self.layers().iter().flat_map(|layer| layer.segments()));
        *self = Self::new();
    }

    /// How many epochs it has.
    pub(super) const fn epochs(&self) -> usize {
        self.epochs.len()
    }

    /// Adds what it weighs to `weight`.
    pub(super) fn weigh(&self, weight: &mut Weight) {
        for layer in self.layers() {
            layer.weigh(weight);
        }
    }

    /// What it holds, for people who look inside.
    pub(super) fn look(&self) -> DiskLook {
        let weight_of = |layer: &Layer<C>| {
            let mut weight = Weight::default();
            layer.weigh(&mut weight);
            weight
        };
        let epoch = |epoch: &Epoch<C>| {
            let weight = weight_of(&epoch.layer);
            EpochLook { end: epoch.end, runs: weight.extents, bytes: weight.live_bytes }
        };
        let mut tail = Weight::default();
        self.tail.layers().for_each(|layer| layer.weigh(&mut tail));
        DiskLook {
            epochs: self.epochs.iter().map(epoch).collect(),
            tail_parts: self.tail.layers().count(),
            tail_frames: self.tail.frames(),
            tail_runs: tail.extents,
            tail_bytes: tail.live_bytes,
            cuts: self.tail.cuts(),
            promoted: None,
        }
    }

    fn epochs_until(&self, point: PointId) -> usize {
        self.epochs.partition_point(|epoch| epoch.end <= point)
    }
}
