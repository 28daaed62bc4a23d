//! What one stretch of a disk's stream wrote: a sorted index over the payload it arrived with.
//!
//! A layer is immutable and carries everything it needs, so whoever holds it can read it whatever becomes of the
//! journal. It knows nothing of points, cuts or the base below it.
//!
//! # Segments
//! A segment is the payload of one frame, as it was received: frames hold a few MiB already, and what a frame was
//! unpacked into is one allocation that can only be given back as a whole. Each segment belongs to exactly one
//! layer at any time, so a merge sees all that is left of it and knows when nothing is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::content::{Content, SECTOR_BYTES};
use crate::extent::{Change, Run, SectorRange, clip, flatten};

/// [`Extent::segment`] of zeroes, which have no payload and keep no segment alive.
const ZEROES: u32 = u32::MAX;

/// A run of sectors and where its payload is.
///
/// A place instead of the payload keeps an entry at 24 bytes whatever a disk holds; merging moves nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Extent {
    start: u64,
    sectors: u32,
    /// Place of the segment among those of the layer.
    segment: u32,
    /// Place of the change in the segment.
    entry: u32,
    /// First sector of the change that is meant.
    skip: u32,
}

impl Run for Extent {
    fn start(&self) -> u64 {
        self.start
    }

    fn sectors(&self) -> u32 {
        self.sectors
    }

    fn part(&self, skip: u32, sectors: u32) -> Self {
        Self { start: self.start + u64::from(skip), sectors, skip: self.skip + skip, ..*self }
    }
}

/// Names a segment of a journal. Numbers are given in order of arrival and never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SegmentId(pub u64);

/// The payload of one frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Segment<C> {
    id: SegmentId,
    changes: Arc<[Change<C>]>,
    /// Sectors of payload it came with.
    held: u64,
    /// Sectors of it that extents still point at.
    live: u64,
}

/// What one stretch of a stream wrote, the last write of every sector.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Layer<C> {
    extents: Box<[Extent]>,
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

impl<C> Layer<C> {
    /// The same layer with its content told in another way.
    pub(super) fn map<D>(&self, tell: &mut impl FnMut(&Change<C>) -> D) -> Layer<D> {
        let mut segment = |segment: &Segment<C>| Segment {
            id: segment.id,
            changes: segment.changes.iter().map(|change| change.map(&mut *tell)).collect(),
            held: segment.held,
            live: segment.live,
        };
        Layer { extents: self.extents.clone(), segments: self.segments.iter().map(&mut segment).collect() }
    }
}

impl<C: Content> Layer<C> {
    /// The changes of one frame. They are sorted and do not overlap if a process server coalesced them; if not,
    /// the last write of every sector is kept.
    pub(super) fn of_frame(id: SegmentId, changes: &Arc<[Change<C>]>) -> Self {
        let extent = |(entry, change): (u32, &Change<C>)| Extent {
            start: change.start,
            sectors: change.sectors,
            segment: if change.content.is_zero() { ZEROES } else { 0 },
            entry,
            skip: 0,
        };
        let mut extents: Vec<Extent> = (0..).zip(changes.iter()).map(extent).collect();
        let held = payload_sectors(&extents);
        flatten(&mut extents);
        let segment = Segment { id, changes: Arc::clone(changes), held, live: 0 };
        Self::settle(extents, vec![segment], &mut Vec::new())
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
        let mut extents = Vec::with_capacity(layers.iter().map(|layer| layer.extents.len()).sum());
        let mut segments = Vec::with_capacity(layers.iter().map(|layer| layer.segments.len()).sum());
        for layer in layers {
            let before = segments.len() as u32;
            extents.extend(layer.extents.iter().map(|extent| match extent.segment {
                ZEROES => *extent,
                segment => Extent { segment: before + segment, ..*extent },
            }));
            segments.extend_from_slice(&layer.segments);
        }
        flatten(&mut extents);
        Self::settle(extents, segments, deleted)
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
        Self { extents: extents.into(), segments: segments.into() }
    }

    /// Whether it covers no sector.
    pub(super) fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    /// What it holds inside `range`.
    pub(super) fn read(&self, range: SectorRange) -> Vec<Change<C>> {
        clip(&self.extents, range).iter().map(|extent| self.resolve(extent)).collect()
    }

    /// All it holds, sorted by place.
    pub(super) fn changes(&self) -> Arc<[Change<C>]> {
        self.extents.iter().map(|extent| self.resolve(extent)).collect()
    }

    fn resolve(&self, extent: &Extent) -> Change<C> {
        let content = match extent.segment {
            ZEROES => C::zero(),
            segment => {
                let change = &self.segments[segment as usize].changes[extent.entry as usize];
                let whole = extent.sectors == change.sectors;
                if whole { change.content.clone() } else { change.content.part(extent.skip, extent.sectors) }
            }
        };
        Change { start: extent.start, sectors: extent.sectors, content }
    }

    /// The segments it keeps alive.
    pub(super) fn segments(&self) -> impl Iterator<Item = SegmentId> {
        self.segments.iter().map(|segment| segment.id)
    }

    /// Adds what it weighs to `weight`.
    pub(super) fn weigh(&self, weight: &mut Weight) {
        weight.extents += self.extents.len() as u64;
        weight.segments += self.segments.len() as u64;
        weight.index_bytes += (size_of_val(&*self.extents) + size_of_val(&*self.segments)) as u64;
        for segment in &self.segments {
            weight.live_bytes += segment.live * SECTOR_BYTES;
            weight.dead_bytes += (segment.held - segment.live) * SECTOR_BYTES;
        }
    }
}

/// The place of each segment once those without live sectors are gone. Those of the dead mean nothing.
fn places_of_live<C>(segments: &[Segment<C>]) -> Vec<u32> {
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
