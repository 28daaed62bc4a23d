//! Sorted runs of sectors against the simplest model there is: a disk as a list of sectors.

use arbitrary::Arbitrary;
use switchback_engine::extent::{Piece, Run, clip, flatten, overlay_all, pieces};
use switchback_engine::{Change, Content, SectorRange, Stamp};

/// Sectors of the model disk: few, so that runs meet.
const SECTORS: u64 = 96;

/// One write as the fuzzer draws it.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Write {
    start: u8,
    sectors: u8,
}

/// Layers of writes, oldest first, and a range to look at.
#[derive(Debug, Arbitrary)]
pub struct Input {
    layers: Vec<Vec<Write>>,
    range: (u8, u8),
    /// Puts the disk at the end of all sector numbers.
    far: bool,
}

type Model = Vec<Option<Stamp>>;

/// Flattens every layer, lays them over each other and reads a range of the result.
///
/// # Panics
/// If a list is not sorted, overlaps, or holds anything but the last write of every sector.
pub fn compare(input: &Input) {
    let origin = if input.far { u64::MAX - SECTORS } else { 0 };
    let layers = writes(input, origin);
    let mut model = vec![None; SECTORS as usize];
    let mut flat = Vec::new();
    for layer in &layers {
        put(&mut model, layer, origin);
        let mut runs = layer.clone();
        flatten(&mut runs);
        let mut alone = vec![None; SECTORS as usize];
        put(&mut alone, layer, origin);
        assert_eq!(seen(&runs, origin), alone, "flattened: {layer:?}");
        flat.push(runs);
    }
    let newest_first: Vec<&[Change<Stamp>]> = flat.iter().rev().map(Vec::as_slice).collect();
    let laid = overlay_all(&newest_first);
    assert_eq!(seen(&laid, origin), model, "laid over each other: {layers:?}");
    let edge = |at: u8| origin + u64::from(at) % (SECTORS + 1);
    let range = SectorRange { start: edge(input.range.0), end: edge(input.range.1) };
    read(&laid, range, &model, origin);
    digest(&laid, range);
}

/// The layers as changes; every write has its own number.
fn writes(input: &Input, origin: u64) -> Vec<Vec<Change<Stamp>>> {
    let mut number = 0;
    let mut change = |write: &Write| {
        number += 1;
        let start = u64::from(write.start) % SECTORS;
        let sectors = (1 + u64::from(write.sectors) % 32).min(SECTORS - start) as u32;
        Change { start: origin + start, sectors, content: Stamp { write: number, skip: 0 } }
    };
    input.layers.iter().map(|layer| layer.iter().map(&mut change).collect()).collect()
}

fn put(model: &mut Model, runs: &[Change<Stamp>], origin: u64) {
    for run in runs {
        for skip in 0..run.sectors {
            model[(run.start - origin) as usize + skip as usize] = Some(run.content.part(skip, 1));
        }
    }
}

/// What a list shows, after checking that it is one.
fn seen(runs: &[Change<Stamp>], origin: u64) -> Model {
    assert!(runs.iter().all(|run| run.sectors > 0), "an empty run: {runs:?}");
    assert!(runs.is_sorted_by(|left, right| left.end() <= right.start()), "not sorted: {runs:?}");
    let mut model = vec![None; SECTORS as usize];
    put(&mut model, runs, origin);
    model
}

/// Pieces cover a range exactly, and hold what the model holds.
fn read(runs: &[Change<Stamp>], range: SectorRange, model: &Model, origin: u64) {
    let mut at = range.start;
    let mut found = Vec::new();
    for piece in pieces(runs, range) {
        let (start, end) = match &piece {
            Piece::Run(run) => (run.start(), run.end()),
            Piece::Hole(hole) => (hole.start, hole.end),
        };
        assert!(start == at && end > start, "pieces leave a gap or are empty: {piece:?} at {at}");
        at = end;
        if let Piece::Run(run) = piece {
            found.push(run);
        }
    }
    assert_eq!(at, range.end.max(range.start));
    let inside = |sector: u64| (range.start..range.end).contains(&(origin + sector));
    let expected: Model = (0..).zip(model).map(|(sector, held)| held.filter(|_| inside(sector))).collect();
    assert_eq!(seen(&found, origin), expected);
    assert_eq!(clip(runs, range), found);
}

/// A digest does not depend on how the content is cut.
fn digest(runs: &[Change<Stamp>], range: SectorRange) {
    if range.is_empty() {
        return;
    }
    let whole = clip(runs, range);
    let single = |run: &Change<Stamp>| {
        let run = run.clone();
        (0..run.sectors).map(move |skip| run.part(skip, 1))
    };
    let cut: Vec<Change<Stamp>> = whole.iter().flat_map(single).collect();
    assert_eq!(Stamp::digest_range(&whole, range), Stamp::digest_range(&cut, range));
    assert_eq!(Stamp::digest_range(&whole, range) == 0, whole.is_empty());
}
