//! What a disk has received after the newest recovery point, and the cuts in it that may become one.
//!
//! Until a point exists nobody knows where it will be: a marker may never reach another disk, a round may never
//! end elsewhere. So the tail drops no order across a cut that may still become a point. Where there is none, as
//! during a long resync, frames are joined as they pile up, so that reading stays cheap.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::layer::{Layer, SegmentId};
use crate::batch::{Frame, RoundEnd};
use crate::content::Content;
use crate::point::{Marker, PointId};

/// How many parts of about the same size are joined into one: every change is merged once for each time the tail
/// grows by this factor, and a read looks at fewer than this many parts of each size. Small in tests, so that
/// short histories meet it.
const JOINED_AT_ONCE: usize = if cfg!(test) { 3 } else { 32 };

/// Names a cut of a machine's write order: the session and the round in it. All disks of a machine share cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct CutId {
    session: u32,
    round: u64,
}

impl CutId {
    /// After every cut.
    pub(super) const MAX: Self = Self { session: u32::MAX, round: u64::MAX };
}

/// The consistent end of a round on one disk.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Cut {
    pub(super) id: CutId,
    pub(super) end: RoundEnd,
    /// How many parts of the tail lie before it.
    position: usize,
}

impl Cut {
    /// The bookmark that stands at it.
    pub(super) const fn marker(&self) -> Option<&Marker> {
        self.end.marker.as_ref()
    }
}

/// A stretch of the tail that no cut divides.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"))]
struct Part<C: Content> {
    layer: Arc<Layer<C>>,
    /// How many frames are in it.
    frames: u64,
}

impl<C: Content> Part<C> {
    const fn size_class(&self) -> u32 {
        self.frames.ilog(JOINED_AT_ONCE as u64)
    }
}

/// What a disk has received after the newest recovery point.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"))]
pub(super) struct Tail<C: Content> {
    /// How many frames were taken off the front so far.
    taken: u64,
    /// Oldest first. Frames that changed nothing are not in it.
    parts: Vec<Part<C>>,
    /// In stream order.
    cuts: Vec<Cut>,
}

/// Names the frames of a disk up to one of them, counted from the first the journal ever got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prefix {
    end: u64,
}

impl<C: Content> Tail<C> {
    /// The same tail with what it keeps of frames told in another way.
    pub(super) fn map<D: Content>(&self, tell: &mut impl FnMut(&C::Kept) -> D::Kept) -> Tail<D> {
        let mut part =
            |part: &Part<C>| Part { layer: Arc::new(part.layer.map(&mut *tell)), frames: part.frames };
        Tail { taken: self.taken, parts: self.parts.iter().map(&mut part).collect(), cuts: self.cuts.clone() }
    }

    pub(super) const fn new() -> Self {
        Self { taken: 0, parts: Vec::new(), cuts: Vec::new() }
    }

    /// Takes what a frame changed.
    pub(super) fn push(&mut self, layer: Layer<C>, deleted: &mut Vec<SegmentId>) {
        self.parts.push(Part { layer: Arc::new(layer), frames: 1 });
        let undivided = self.cuts.last().map_or(0, |cut| cut.position);
        while let Some(first) =
            self.parts.len().checked_sub(JOINED_AT_ONCE).filter(|first| *first >= undivided)
            && self.parts[first].size_class() == self.parts[self.parts.len() - 1].size_class()
        {
            let frames = self.parts[first..].iter().map(|part| part.frames).sum();
            let layers: Vec<_> = self.parts.drain(first..).map(|part| part.layer).collect();
            self.parts.push(Part { layer: Arc::new(Layer::merge(&layers, deleted)), frames });
        }
    }

    /// Notes that a round ended here, consistently.
    pub(super) fn push_cut(&mut self, frame: &Frame<C>, end: RoundEnd) {
        let id = CutId { session: frame.stream.session, round: end.round };
        self.cuts.push(Cut { id, end, position: self.parts.len() });
    }

    /// Oldest first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Arc<Layer<C>>> {
        self.parts.iter().map(|part| &part.layer)
    }

    /// How many frames are in it, without those that changed nothing.
    pub(super) fn frames(&self) -> u64 {
        self.parts.iter().map(|part| part.frames).sum()
    }

    /// Whether no change lies behind a cut, or behind the newest point where there is none.
    pub(super) fn ends_at(&self, cut: Option<Cut>) -> bool {
        let own = cut.and_then(|cut| self.cut(cut.id));
        self.parts.len() == own.map_or(0, |cut| cut.position)
    }

    /// How many cuts in it may still become a point.
    pub(super) const fn cuts(&self) -> usize {
        self.cuts.len()
    }

    /// The newest cut that is not after `bound`. Rounds of a stream grow, so cuts are sorted.
    pub(super) fn cut_until(&self, bound: CutId) -> Option<&Cut> {
        let count = self.cuts.partition_point(|cut| cut.id <= bound);
        self.cuts[..count].last()
    }

    pub(super) fn cut(&self, id: CutId) -> Option<&Cut> {
        self.cut_until(id).filter(|cut| cut.id == id)
    }

    /// The cut at which the marker of a point stands. The last marker of an orderly stop counts only while nothing has
    /// come after it: once its machine has gone on, the last marker of another machine must not meet it, although the
    /// two have the same number if no common one came between.
    pub(super) fn marker(&self, point: PointId) -> Option<&Cut> {
        let cut =
            self.cuts.iter().rev().find(|cut| cut.marker().is_some_and(|marker| marker.point == point))?;
        let is_over = cut.marker().is_some_and(|marker| marker.last) && !self.ends_with(cut);
        (!is_over).then_some(cut)
    }

    fn ends_with(&self, cut: &Cut) -> bool {
        cut.position == self.parts.len() && self.cuts.last().is_some_and(|last| last.id == cut.id)
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
        let parts = self.cuts.first().map_or(self.parts.len(), |cut| cut.position);
        Prefix { end: self.taken + self.parts[..parts].iter().map(|part| part.frames).sum::<u64>() }
    }

    /// The layers of a prefix, as far as they are still here.
    pub(super) fn prefix(&self, prefix: Prefix) -> Vec<Arc<Layer<C>>> {
        self.layers().take(self.parts_of(prefix)).map(Arc::clone).collect()
    }

    /// Takes a prefix off, as far as it is still here.
    pub(super) fn take_prefix(&mut self, prefix: Prefix) -> Vec<Arc<Layer<C>>> {
        self.take(self.parts_of(prefix))
    }

    /// How many parts lie wholly in a prefix. A part that was joined with later frames meanwhile does not.
    fn parts_of(&self, prefix: Prefix) -> usize {
        let mut end = self.taken;
        let ends = self.parts.iter().map(|part| {
            end += part.frames;
            end
        });
        ends.take_while(|end| *end <= prefix.end).count()
    }

    fn take(&mut self, parts: usize) -> Vec<Arc<Layer<C>>> {
        for cut in &mut self.cuts {
            cut.position -= parts;
        }
        let taken: Vec<Part<C>> = self.parts.drain(..parts).collect();
        self.taken += taken.iter().map(|part| part.frames).sum::<u64>();
        taken.into_iter().map(|part| part.layer).collect()
    }
}
