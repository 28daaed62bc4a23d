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

/// Lays `newer` over `older`: where both cover a sector, the newer run is kept. One pass over both.
#[must_use]
pub fn overlay<R: Run>(newer: &[R], older: &[R]) -> Vec<R> {
    let mut out = Vec::with_capacity(newer.len() + older.len());
    let mut newer = newer.iter().peekable();
    // Where the newer runs put out so far end.
    let mut covered = 0;
    for run in older {
        let mut from = run.start().max(covered);
        while let Some(over) = newer.next_if(|over| over.start() < run.end()) {
            if from < over.start() {
                out.push(run.between(from, over.start()));
            }
            covered = over.end();
            from = from.max(covered);
            out.push(over.clone());
        }
        if from < run.end() {
            out.push(run.between(from, run.end()));
        }
    }
    out.extend(newer.cloned());
    out
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
