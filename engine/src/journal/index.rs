//! The sorted runs of a layer, packed: where each lies on the disk, and where its payload is.
//!
//! # Layout
//! One array for each thing that is known of a run, each as narrow as it can be:
//!
//! | array | bytes a run | what |
//! |---|---|---|
//! | `starts` | 4 | the lower half of the first sector |
//! | `lengths` | 2 | sectors; 0 for a run that is longer than 65,535 |
//! | `origins` | 4, seldom 8, never more than 16 | the segment above, the place in it below |
//! | `regions` | 0 | which runs lie in which 2 TiB: the upper half of their first sectors |
//! | `long` | 0 | the lengths that are 0 above |
//!
//! A journal of a day holds tens of millions of runs and nothing else of their number, so this is what it weighs in memory; and an
//! array of 4-byte starts is searched in a quarter of the cache lines.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::numbers::{self, Number, Numbers};
use crate::extent::{Run, SectorRange};

/// [`Extent::segment`] of zeroes, which have no payload and keep no segment alive.
pub(super) const ZEROES: u32 = u32::MAX;

/// A run of sectors and where its payload is: an entry of the index, unpacked to be worked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) sectors: u32,
    /// Place of the segment among those of the layer.
    pub(super) segment: u32,
    /// Place of the first sector in what the segment keeps; the next sectors follow it there.
    pub(super) place: u64,
}

impl Run for Extent {
    fn start(&self) -> u64 {
        self.start
    }

    fn sectors(&self) -> u32 {
        self.sectors
    }

    fn part(&self, skip: u32, sectors: u32) -> Self {
        let moved = if self.segment == ZEROES { 0 } else { u64::from(skip) };
        Self { start: self.start + u64::from(skip), sectors, place: self.place + moved, ..*self }
    }
}

/// Sorted runs that do not overlap.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub(super) struct Index {
    #[serde(with = "numbers::words")]
    starts: Box<[u32]>,
    #[serde(with = "numbers::halves")]
    lengths: Box<[u16]>,
    origins: Numbers,
    /// How many bits of an origin are the place.
    place_bits: u32,
    /// How many segments there are; as an origin, that number stands for zeroes.
    segments: u32,
    /// The number of the first run in a region, and the region, in order.
    regions: Box<[(u32, u32)]>,
    /// The number of a run and its sectors, in order.
    long: Box<[(u32, u32)]>,
}

impl Index {
    /// Of sorted runs that do not overlap, over so many segments.
    pub(super) fn of(extents: &[Extent], segments: u32) -> Self {
        let (mut places, mut longest) = (0, 0);
        for extent in extents {
            // All bits that a place has anywhere: as wide as the last of them, and quicker to find.
            places |= extent.place;
            longest = extent.sectors.max(longest);
        }
        let place_bits = u64::BITS - places.leading_zeros();
        let origin = |extent: &Extent| {
            let segment = if extent.segment == ZEROES { segments } else { extent.segment };
            u128::from(segment) << place_bits | u128::from(extent.place)
        };
        let origin_bits = place_bits + (u32::BITS - segments.leading_zeros());
        Self {
            starts: extents.iter().map(|extent| extent.start as u32).collect(),
            lengths: extents.iter().map(|extent| u16::try_from(extent.sectors).unwrap_or(0)).collect(),
            origins: Numbers::of(extents, origin_bits, origin),
            place_bits,
            segments,
            regions: regions_of(extents),
            long: if longest > u32::from(u16::MAX) { long_of(extents) } else { Box::default() },
        }
    }

    /// How many runs.
    pub(super) const fn len(&self) -> usize {
        self.starts.len()
    }

    /// Over how many segments it is.
    pub(super) const fn segments(&self) -> usize {
        self.segments as usize
    }

    /// What it weighs in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let tables = size_of_val(&*self.regions) + size_of_val(&*self.long);
        size_of_val(&*self.starts) + size_of_val(&*self.lengths) + self.origins.bytes() + tables
    }

    /// Appends all runs, in order, to others, over segments of which so many come before its own. Merging does hardly anything
    /// else, so this is a loop over arrays and not over runs.
    pub(super) fn unpack_into(&self, extents: &mut Vec<Extent>, segments_before: u32) {
        let first = extents.len();
        match &self.origins {
            Numbers::Narrow(origins) => self.unpack(origins, extents, segments_before),
            Numbers::Wide(origins) => self.unpack(origins, extents, segments_before),
            Numbers::Widest(origins) => self.unpack(origins, extents, segments_before),
        }
        for (number, sectors) in &self.long {
            extents[first + *number as usize].sectors = *sectors;
        }
    }

    fn unpack<N: Number>(&self, origins: &[N], extents: &mut Vec<Extent>, segments_before: u32) {
        let ends = self.regions.iter().skip(1).map(|(end, _)| *end as usize).chain([self.len()]);
        for ((begin, region), end) in self.regions.iter().zip(ends) {
            let begin = *begin as usize;
            let region = u64::from(*region) << 32;
            let places = self.starts[begin..end].iter().zip(&self.lengths[begin..end]);
            extents.extend(places.zip(&origins[begin..end]).map(|((start, length), origin)| {
                let (segment, place) = origin.split(self.place_bits);
                let segment = if segment == self.segments { ZEROES } else { segments_before + segment };
                Extent { start: region | u64::from(*start), sectors: u32::from(*length), segment, place }
            }));
        }
    }

    /// All runs, in order.
    pub(super) fn extents(&self) -> impl ExactSizeIterator<Item = Extent> {
        self.extents_from(0, self.len())
    }

    /// The runs inside `range`, cut at its ends.
    pub(super) fn clip(&self, range: SectorRange) -> Vec<Extent> {
        if range.is_empty() || self.starts.is_empty() {
            return Vec::new();
        }
        // A run that begins before the range may reach into it.
        let first = self.runs_before(range.start).saturating_sub(1);
        let end = self.runs_before(range.end).max(first);
        let inside = self.extents_from(first, end).filter(|extent| extent.end() > range.start);
        inside
            .map(|extent| extent.between(extent.start.max(range.start), extent.end().min(range.end)))
            .collect()
    }

    /// How many runs begin before a sector.
    fn runs_before(&self, sector: u64) -> usize {
        let (region, low) = ((sector >> 32) as u32, sector as u32);
        let at = self.regions.partition_point(|(_, other)| *other < region);
        let Some((first, found)) = self.regions.get(at) else { return self.len() };
        let first = *first as usize;
        if *found != region {
            return first;
        }
        let end = self.regions.get(at + 1).map_or(self.len(), |(next, _)| *next as usize);
        first + self.starts[first..end].partition_point(|start| *start < low)
    }

    /// The runs of these numbers, in order.
    fn extents_from(&self, first: usize, end: usize) -> impl ExactSizeIterator<Item = Extent> {
        let mut regions =
            &self.regions[self.regions.partition_point(|(number, _)| *number as usize <= first)..];
        let mut long = &self.long[self.long.partition_point(|(number, _)| (*number as usize) < first)..];
        let behind = self.regions.len() - regions.len();
        let mut region = behind.checked_sub(1).map_or(0, |own| u64::from(self.regions[own].1) << 32);
        (first..end).map(move |number| {
            if let Some(((_, own), rest)) =
                regions.split_first().filter(|((at, _), _)| *at as usize == number)
            {
                (region, regions) = (u64::from(*own) << 32, rest);
            }
            let mut sectors = u32::from(self.lengths[number]);
            if sectors == 0
                && let Some(((_, own), rest)) = long.split_first()
            {
                (sectors, long) = (*own, rest);
            }
            let (segment, place) = self.origin(number);
            Extent { start: region | u64::from(self.starts[number]), sectors, segment, place }
        })
    }

    fn origin(&self, number: usize) -> (u32, u64) {
        let (segment, place) = self.origins.split(number, self.place_bits);
        if segment == self.segments { (ZEROES, 0) } else { (segment, place) }
    }
}

/// Which of sorted runs begin a region, and which. Most disks have one region, which the first and the last tell.
fn regions_of(extents: &[Extent]) -> Box<[(u32, u32)]> {
    let region = |extent: &Extent| (extent.start >> 32) as u32;
    let (Some(first), Some(last)) = (extents.first().map(region), extents.last().map(region)) else {
        return Box::default();
    };
    let begins = |(number, pair): (u32, &[Extent])| {
        let (before, own) = (region(&pair[0]), region(&pair[1]));
        (before != own).then_some((number, own))
    };
    let others = (1..).zip(extents.windows(2)).filter_map(begins);
    if first == last { [(0, first)].into() } else { [(0, first)].into_iter().chain(others).collect() }
}

/// Which runs are longer than a length says, and how long.
fn long_of(extents: &[Extent]) -> Box<[(u32, u32)]> {
    let numbered = (0..).zip(extents).map(|(number, extent)| (number, extent.sectors));
    numbered.filter(|(_, sectors)| *sectors > u32::from(u16::MAX)).collect()
}

/// Why an index that was kept is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Unsound {
    /// Its arrays are of different lengths.
    #[error("an index of {starts} runs has {lengths} lengths and {origins} origins")]
    Lengths { starts: usize, lengths: usize, origins: usize },
    /// A run is empty, lies before the one in front of it, or in a segment that is not there.
    #[error("run {number} of an index is out of order, empty, or in no segment")]
    Run { number: usize },
    /// The tables beside the arrays are not those of the runs.
    #[error("the tables of an index are not those of its runs")]
    Tables,
}

/// An index as it was kept.
#[derive(Deserialize)]
struct Unchecked {
    #[serde(with = "numbers::words")]
    starts: Box<[u32]>,
    #[serde(with = "numbers::halves")]
    lengths: Box<[u16]>,
    origins: Numbers,
    place_bits: u32,
    segments: u32,
    regions: Box<[(u32, u32)]>,
    long: Box<[(u32, u32)]>,
}

impl TryFrom<Unchecked> for Index {
    type Error = Unsound;

    fn try_from(kept: Unchecked) -> Result<Self, Unsound> {
        let (starts, lengths, origins) = (kept.starts.len(), kept.lengths.len(), kept.origins.len());
        if lengths != starts || origins != starts {
            return Err(Unsound::Lengths { starts, lengths, origins });
        }
        let Unchecked { starts, lengths, origins, place_bits, segments, regions, long } = kept;
        let index = Self { starts, lengths, origins, place_bits, segments, regions, long };
        let long = index.lengths.iter().filter(|length| **length == 0).count();
        let is_sorted = |table: &[(u32, u32)]| table.is_sorted_by(|left, right| left.0 < right.0);
        let is_first = index.regions.first().map_or(index.starts.is_empty(), |(first, _)| *first == 0);
        let tables_fit = is_first && is_sorted(&index.regions) && is_sorted(&index.long);
        if !tables_fit || long != index.long.len() || place_bits > u64::BITS.min(index.origins.width() - 1) {
            return Err(Unsound::Tables);
        }
        let mut end = 0;
        for (number, extent) in index.extents().enumerate() {
            let is_known = extent.segment == ZEROES || extent.segment < segments;
            let next = extent.start.checked_add(u64::from(extent.sectors));
            match next.filter(|_| extent.sectors > 0 && extent.start >= end && is_known) {
                Some(next) => end = next,
                None => return Err(Unsound::Run { number }),
            }
        }
        Ok(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(start: u64, sectors: u32, segment: u32, place: u64) -> Extent {
        Extent { start, sectors, segment, place }
    }

    /// Runs in three regions, short and long, zeroes and payload.
    fn varied() -> Vec<Extent> {
        let far = 5 << 32;
        vec![
            extent(63, 8, 0, 0),
            extent(71, 1, 2, 17),
            extent(100, 200_000, ZEROES, 0),
            extent((1 << 32) - 4, 9, 1, 3),
            extent((1 << 32) + 5, 65_535, 1, 12),
            extent(far, 65_536, 0, 8),
            extent(u64::MAX - 9, 9, 2, 18),
        ]
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let index = Index::of(&varied(), 3);
        assert_eq!(index.extents().collect::<Vec<_>>(), varied());
        let mut behind = vec![extent(1, 2, 3, 4)];
        index.unpack_into(&mut behind, 7);
        let moved = |run: &Extent| if run.segment == ZEROES { ZEROES } else { run.segment + 7 };
        let expected = varied().into_iter().map(|run| Extent { segment: moved(&run), ..run });
        assert_eq!(behind[1..], expected.collect::<Vec<_>>());
        let wide: Vec<Extent> =
            varied().into_iter().map(|run| Extent { place: run.place << 33, ..run }).collect();
        let widest: Vec<Extent> =
            varied().into_iter().map(|run| Extent { place: run.place << 58, ..run }).collect();
        for extents in [wide, widest] {
            assert_eq!(Index::of(&extents, 3).extents().collect::<Vec<_>>(), extents);
        }
    }

    #[test]
    fn a_range_cuts_what_reaches_into_it_and_nothing_else() {
        let index = Index::of(&varied(), 3);
        for start in [
            0,
            60,
            63,
            64,
            71,
            72,
            100,
            1000,
            (1 << 32) - 1,
            1 << 32,
            (1 << 32) + 6,
            3 << 32,
            5 << 32,
            6 << 32,
        ] {
            for sectors in [0, 1, 8, 100, 1 << 20, 6 << 32] {
                let range = SectorRange::new(start, sectors);
                assert_eq!(index.clip(range), crate::extent::clip(&varied(), range), "{range:?}");
            }
        }
        assert!(Index::of(&[], 0).clip(SectorRange::new(0, 100)).is_empty());
    }

    #[test]
    fn a_run_weighs_ten_bytes() {
        let extents: Vec<Extent> =
            (0..10_000u32).map(|n| extent(u64::from(n) * 9, 8, n / 256, u64::from(n % 256) * 8)).collect();
        let index = Index::of(&extents, 40);
        assert_eq!(index.bytes(), 10 * extents.len() + size_of::<(u32, u32)>());
    }

    #[test]
    fn an_index_that_contradicts_itself_is_not_taken() {
        let sound = || {
            let Index { starts, lengths, origins, place_bits, segments, regions, long } =
                Index::of(&varied(), 3);
            Unchecked { starts, lengths, origins, place_bits, segments, regions, long }
        };
        let refused = |spoil: &dyn Fn(&mut Unchecked)| {
            let mut kept = sound();
            spoil(&mut kept);
            Index::try_from(kept).err()
        };
        assert_eq!(refused(&|_| ()), None);
        assert_eq!(refused(&|kept| kept.starts[1] = 64), Some(Unsound::Run { number: 1 }));
        assert_eq!(refused(&|kept| kept.segments = 1), Some(Unsound::Run { number: 1 }));
        assert_eq!(refused(&|kept| kept.lengths[0] = 0), Some(Unsound::Tables));
        assert_eq!(refused(&|kept| kept.regions[0].0 = 1), Some(Unsound::Tables));
        assert_eq!(refused(&|kept| kept.long[0].1 = 0), Some(Unsound::Run { number: 2 }));
        let short = Unsound::Lengths { starts: 6, lengths: 7, origins: 7 };
        assert_eq!(refused(&|kept| kept.starts = kept.starts[..6].into()), Some(short));
    }
}
