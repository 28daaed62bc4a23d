//! Reading and merging sorted lists of runs without overlaps.
//!
//! Every list taken or given here is sorted by start and does not overlap. Nothing here looks at what a run
//! holds, so neighbours are never joined.

use super::{Run, SectorRange};

/// Part of a range: covered by a run, or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece<R> {
    /// Covered.
    Run(R),
    /// Not covered.
    Hole(SectorRange),
}

/// The runs inside `range`, cut at its ends.
#[must_use]
pub fn clip<R: Run>(runs: &[R], range: SectorRange) -> Vec<R> {
    if range.is_empty() {
        return Vec::new();
    }
    let first = runs.partition_point(|run| run.end() <= range.start);
    let inside = runs[first..].partition_point(|run| run.start() < range.end);
    let cut = |run: &R| run.between(run.start().max(range.start), run.end().min(range.end));
    runs[first..first + inside].iter().map(cut).collect()
}

/// Lays `newer` over `older`: where both cover a sector, the newer run is kept. Stretches of `older` that nothing lies
/// over are copied as they are, so a few runs over many cost little more than the copy.
#[must_use]
pub fn overlay<R: Run>(newer: &[R], older: &[R]) -> Vec<R> {
    let mut out = Vec::with_capacity(newer.len() + older.len());
    let mut rest = older;
    // Where the newer runs put out so far end.
    let mut covered = 0;
    for over in newer {
        let before = count_while(rest, |run| run.end() <= over.start());
        push_beyond(&mut out, &rest[..before], covered);
        rest = &rest[before..];
        if let Some(run) = rest.first().filter(|run| run.start().max(covered) < over.start()) {
            out.push(run.between(run.start().max(covered), over.start()));
        }
        out.push(over.clone());
        covered = over.end();
        rest = &rest[count_while(rest, |run| run.end() <= covered)..];
    }
    push_beyond(&mut out, rest, covered);
    out
}

/// How many runs at the front are so. Quick when they are few, and logarithmic when they are many.
fn count_while<R: Run>(runs: &[R], is_so: impl Fn(&R) -> bool) -> usize {
    const NEAR: usize = 4;
    let near = runs.iter().take(NEAR).take_while(|run| is_so(run)).count();
    if near < NEAR { near } else { near + runs[near..].partition_point(is_so) }
}

/// Appends runs, of which the first may lie under what was put out up to `covered`.
fn push_beyond<R: Run>(out: &mut Vec<R>, runs: &[R], covered: u64) {
    let Some((first, others)) = runs.split_first() else { return };
    if first.start() >= covered {
        out.push(first.clone());
    } else if covered < first.end() {
        out.push(first.between(covered, first.end()));
    }
    out.extend_from_slice(others);
}

/// Lays many lists over each other, the newest first in `layers`.
///
/// Neighbouring layers are merged in pairs until one is left, so every run is touched once per doubling of the
/// number of layers and not once per layer.
#[must_use]
pub fn overlay_all<R: Run>(layers: &[&[R]]) -> Vec<R> {
    match layers {
        [] => Vec::new(),
        [only] => only.to_vec(),
        [newer, older] => overlay(newer, older),
        _ => {
            let (newer, older) = layers.split_at(layers.len() / 2);
            overlay(&overlay_all(newer), &overlay_all(older))
        }
    }
}

/// What covers `range` and what does not, in order and without gaps.
#[must_use]
pub fn pieces<R: Run>(runs: &[R], range: SectorRange) -> Vec<Piece<R>> {
    let mut out = Vec::new();
    let mut at = range.start;
    for run in clip(runs, range) {
        if at < run.start() {
            out.push(Piece::Hole(SectorRange { start: at, end: run.start() }));
        }
        at = run.end();
        out.push(Piece::Run(run));
    }
    if at < range.end {
        out.push(Piece::Hole(SectorRange { start: at, end: range.end }));
    }
    out
}
