//! What one stretch of a disk's stream wrote: a sorted index over the payload it arrived with.
//!
//! A layer is immutable and carries everything it needs, so whoever holds it can read it whatever becomes of the
//! journal. It knows nothing of points, cuts or the base below it.
//!
//! # Segments
//! A segment is the payload of one frame, as it was received: frames hold a few MiB already, and what a frame was
//! unpacked into is one allocation that can only be given back as a whole. Each segment belongs to exactly one
//! layer at any time, so a merge sees all that is left of it and knows when nothing is. Content knows how it keeps a frame
//! ([`Content::keep`]); the index has the place of each run in it and nothing else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::index::{Extent, Index, ZEROES};
use crate::content::{Content, SECTOR_BYTES};
use crate::extent::{Change, SectorRange, flatten};

/// Names a segment of a journal. Numbers are given in order of arrival and never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SegmentId(pub u64);

/// The payload of one frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"))]
struct Segment<C: Content> {
    id: SegmentId,
    kept: C::Kept,
    /// Sectors of payload it came with.
    held: u64,
    /// Sectors of it that extents still point at.
    live: u64,
}

/// What one stretch of a stream wrote, the last write of every sector.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"),
    try_from = "Unchecked<C>"
)]
pub(super) struct Layer<C: Content> {
    index: Index,
    segments: Box<[Segment<C>]>,
}

/// What layers weigh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) extents: u64,
    pub(super) segments: u64,
    pub(super) index_bytes: u64,
    pub(super) live_bytes: u64,
    pub(super) dead_bytes: u64,
}

/// Layers on the way to be one: what they hold in write order, over the segments of all of them.
struct Joining<C: Content> {
    extents: Vec<Extent>,
    segments: Vec<Segment<C>>,
}

impl<C: Content> Joining<C> {
    fn of(layers: &[Arc<Layer<C>>]) -> Self {
        let segments = layers.iter().map(|layer| layer.segments.len()).sum();
        Self { extents: Vec::new(), segments: Vec::with_capacity(segments) }
    }

    /// Adds a part of what the next newer layer holds.
    fn add(&mut self, layer: &Layer<C>, extents: Vec<Extent>) {
        if extents.is_empty() {
            return;
        }
        let before = self.segments.len() as u32;
        self.extents.extend(extents.into_iter().map(|extent| match extent.segment {
            ZEROES => extent,
            segment => Extent { segment: before + segment, ..extent },
        }));
        self.segments.extend_from_slice(&layer.segments);
    }

    fn settle(mut self, deleted: &mut Vec<SegmentId>) -> Layer<C> {
        flatten(&mut self.extents);
        Layer::settle(self.extents, self.segments, deleted)
    }
}

impl<C: Content> Layer<C> {
    /// The same layer with what it keeps of frames told in another way.
    pub(super) fn map<D: Content>(&self, tell: &mut impl FnMut(&C::Kept) -> D::Kept) -> Layer<D> {
        let mut segment = |segment: &Segment<C>| Segment {
            id: segment.id,
            kept: tell(&segment.kept),
            held: segment.held,
            live: segment.live,
        };
        Layer { index: self.index.clone(), segments: self.segments.iter().map(&mut segment).collect() }
    }

    /// The changes of one frame. They are sorted and do not overlap if a process server coalesced them; if not,
    /// the last write of every sector is kept.
    pub(super) fn of_frame(id: SegmentId, changes: &Arc<[Change<C>]>) -> Self {
        let kept = C::keep(changes);
        let extent = |(number, change): (u32, &Change<C>)| {
            let (segment, place) =
                if change.content.is_zero() { (ZEROES, 0) } else { (0, C::place(&kept, number, change)) };
            Extent { start: change.start, sectors: change.sectors, segment, place }
        };
        let mut extents: Vec<Extent> = (0..).zip(changes.iter()).map(extent).collect();
        let held = payload_sectors(&extents);
        flatten(&mut extents);
        Self::settle(extents, vec![Segment { id, kept, held, live: 0 }], &mut Vec::new())
    }

    /// Layers as one, given oldest first. One alone is that one, untouched.
    pub(super) fn of_all(layers: &[Arc<Self>], deleted: &mut Vec<SegmentId>) -> Arc<Self> {
        match layers {
            [only] => Arc::clone(only),
            _ => Arc::new(Self::merge(layers, deleted)),
        }
    }

    /// Several layers as one, given oldest first. Segments that nothing points at any more are named in `deleted`.
    pub(super) fn merge(layers: &[Arc<Self>], deleted: &mut Vec<SegmentId>) -> Self {
        let mut joining = Joining::of(layers);
        joining.extents.reserve(layers.iter().map(|layer| layer.index.len()).sum());
        for layer in layers {
            layer.index.unpack_into(&mut joining.extents, joining.segments.len() as u32);
            joining.segments.extend_from_slice(&layer.segments);
        }
        joining.settle(deleted)
    }

    /// What several layers, given oldest first, hold inside `range`, as one.
    pub(super) fn merge_inside(layers: &[Arc<Self>], range: SectorRange) -> Self {
        let mut joining = Joining::of(layers);
        layers.iter().for_each(|layer| joining.add(layer, layer.index.clip(range)));
        joining.settle(&mut Vec::new())
    }

    /// Counts what is live and drops the segments in which nothing is.
    fn settle(mut extents: Vec<Extent>, mut segments: Vec<Segment<C>>, deleted: &mut Vec<SegmentId>) -> Self {
        for segment in &mut segments {
            segment.live = 0;
        }
        for extent in extents.iter().filter(|extent| extent.segment != ZEROES) {
            segments[extent.segment as usize].live += u64::from(extent.sectors);
        }
        if segments.iter().any(|segment| segment.live == 0) {
            let places = places_of_live(&segments);
            for extent in extents.iter_mut().filter(|extent| extent.segment != ZEROES) {
                extent.segment = places[extent.segment as usize];
            }
            deleted.extend(segments.extract_if(.., |segment| segment.live == 0).map(|segment| segment.id));
        }
        Self { index: Index::of(&extents, segments.len() as u32), segments: segments.into() }
    }

    /// Whether it covers no sector.
    pub(super) const fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// What it holds inside `range`.
    pub(super) fn read(&self, range: SectorRange) -> Vec<Change<C>> {
        self.index.clip(range).iter().map(|extent| self.resolve(extent)).collect()
    }

    /// All it holds, sorted by place.
    pub(super) fn changes(&self) -> Arc<[Change<C>]> {
        let mut extents = Vec::with_capacity(self.index.len());
        self.index.unpack_into(&mut extents, 0);
        extents.iter().map(|extent| self.resolve(extent)).collect()
    }

    fn resolve(&self, extent: &Extent) -> Change<C> {
        let content = match extent.segment {
            ZEROES => C::zero(),
            segment => C::at(&self.segments[segment as usize].kept, extent.place, extent.sectors),
        };
        Change { start: extent.start, sectors: extent.sectors, content }
    }

    /// The segments it keeps alive.
    pub(super) fn segments(&self) -> impl Iterator<Item = SegmentId> {
        self.segments.iter().map(|segment| segment.id)
    }

    /// Adds what it weighs to `weight`.
    pub(super) fn weigh(&self, weight: &mut Weight) {
        weight.extents += self.index.len() as u64;
        weight.segments += self.segments.len() as u64;
        weight.index_bytes += (self.index.bytes() + size_of_val(&*self.segments)) as u64;
        for segment in &self.segments {
            weight.live_bytes += segment.live * SECTOR_BYTES;
            weight.dead_bytes += (segment.held - segment.live) * SECTOR_BYTES;
        }
    }
}

/// A layer as it was kept.
#[derive(Deserialize)]
#[serde(bound = "C::Kept: Deserialize<'de>")]
struct Unchecked<C: Content> {
    index: Index,
    segments: Box<[Segment<C>]>,
}

/// A layer was kept with an index over other segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an index over {expected} segments came with {found}")]
struct OtherSegments {
    expected: usize,
    found: usize,
}

impl<C: Content> TryFrom<Unchecked<C>> for Layer<C> {
    type Error = OtherSegments;

    fn try_from(Unchecked { index, segments }: Unchecked<C>) -> Result<Self, OtherSegments> {
        let (expected, found) = (index.segments(), segments.len());
        if expected == found { Ok(Self { index, segments }) } else { Err(OtherSegments { expected, found }) }
    }
}

/// The place of each segment once those without live sectors are gone. Those of the dead mean nothing.
fn places_of_live<C: Content>(segments: &[Segment<C>]) -> Vec<u32> {
    let mut live = 0;
    let place = |segment: &Segment<C>| {
        let place = live;
        live += u32::from(segment.live > 0);
        place
    };
    segments.iter().map(place).collect()
}

fn payload_sectors(extents: &[Extent]) -> u64 {
    extents.iter().filter(|extent| extent.segment != ZEROES).map(|extent| u64::from(extent.sectors)).sum()
}
