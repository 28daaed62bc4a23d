//! Negative twins: images that a replication would leave which keeps almost everything, and not the order.
//!
//! Each is a list of writes in the order in which they were applied. Knows nothing of who looks at the result.

use std::collections::BTreeSet;

use crate::recording::Recording;

/// The kind whose images are as they should be.
pub const WHOLE: &str = "nothing broken";

/// Positions in the recording at which every kind is tried.
const POSITIONS: usize = 6;
/// How many writes later ones overtake, or one disk is behind the other.
const BEHIND: usize = 60;

/// An image that should not be.
pub struct Twin {
    /// What is broken.
    pub kind: &'static str,
    /// How many writes of the recording it pretends to hold.
    pub cut: usize,
    /// What was applied, in order.
    pub writes: Vec<usize>,
}

/// Every kind at every position.
pub fn all(recording: &Recording) -> Vec<Twin> {
    let mut twins = Vec::new();
    for position in 1..=POSITIONS {
        let cut = recording.writes.len() * position / (POSITIONS + 1);
        let disk = |write: &usize| recording.writes[*write].disk;
        let recent = cut - BEHIND;
        let mut add = |kind, writes| twins.push(Twin { kind, cut, writes });
        add(WHOLE, (0..cut).collect());
        add(
            "the data disk is behind the log disk",
            (0..cut).filter(|w| *w < recent || disk(w) == 1).collect(),
        );
        add(
            "the log disk is behind the data disk",
            (0..cut).filter(|w| *w < recent || disk(w) == 0).collect(),
        );
        add(
            "every second of the last writes is missing",
            (0..cut).filter(|w| *w < recent || w % 2 == 1).collect(),
        );
        add("one write in 50 is missing", (0..cut).filter(|w| w % 50 != 49).collect());
        add("the last writes are missing", (0..recent).collect());
        add("the last writes were applied backwards", (0..recent).chain((recent..cut).rev()).collect());
        let lost = visible(recording, recent, cut);
        add("one write is missing", (0..cut).filter(|w| Some(*w) != lost).collect());
    }
    twins
}

/// The first write after `from` of whose place nothing is written again before `cut`.
fn visible(recording: &Recording, from: usize, cut: usize) -> Option<usize> {
    let sectors = |write: usize| {
        let place = &recording.writes[write];
        (place.start..place.start + u64::from(recording.sectors(write)))
            .map(move |sector| (place.disk, sector))
    };
    (from..cut).find(|write| {
        let later: BTreeSet<_> = (write + 1..cut).flat_map(sectors).collect();
        sectors(*write).all(|sector| !later.contains(&sector))
    })
}
