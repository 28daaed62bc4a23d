//! What a run leans towards. Trouble lives in a few seconds around activity and where something is scarce; a run that is
//! spread evenly over time and has plenty of everything hardly ever gets there. Each leaning is on in some of the runs
//! only, so that none hides what needs its absence.

use switchback_sim::Chance;

use super::draw::one_in;

/// The leanings of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leanings {
    /// Machines write bursts that are larger than their capture pools, and the pools are small.
    pub(super) starved: bool,
    /// The process server's cache is small enough to be filled.
    pub(super) small_cache: bool,
    /// Points are made often and kept for minutes, so that they are given up and folded while the run lasts.
    pub(super) brief: bool,
    /// Disks are tiny and writes of all sizes, so that much is overwritten, in parts and often.
    pub(super) crowded: bool,
    /// Times count from when the machines are switched on, so that faults meet the first copy.
    pub(super) from_start: bool,
    /// Faults come in twos and threes that belong together: one makes something pending, the next hits it.
    pub(super) stories: bool,
    /// Faults fall around the steps of the journey.
    pub(super) around: bool,
}

impl Leanings {
    pub(super) fn draw(chance: &mut Chance) -> Self {
        Self {
            starved: one_in(chance, 6),
            small_cache: one_in(chance, 8),
            brief: one_in(chance, 3),
            crowded: one_in(chance, 3),
            from_start: one_in(chance, 10),
            stories: one_in(chance, 2),
            around: !one_in(chance, 3),
        }
    }
}
