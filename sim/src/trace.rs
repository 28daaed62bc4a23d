//! The trace of a run: what happened, when and to whom, folded into one digest.
//!
//! Owns the folding and the proof that two runs were the same. Refuses to know what a fact means and how it
//! is shown.
//!
//! Every fact goes into the digest; it is kept only when asked for, because a long run has more of them than
//! memory. Checkpoints of the digest tell two runs apart to within a few thousand entries without keeping
//! any.

use std::ops::Range;

use crate::{Digest, SimTime};

/// Something that happened.
pub trait Fact {
    /// A number of this kind of fact, which no other kind has.
    fn kind(&self) -> u8;

    /// Adds what distinguishes this fact from others of its kind to `digest`.
    fn feed(&self, digest: &mut Digest);
}

/// A fact that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<F> {
    /// Its place among all facts recorded, kept or not, from zero.
    pub index: u64,
    /// When it happened.
    pub at: SimTime,
    /// To whom.
    pub actor: u32,
    /// What happened.
    pub fact: F,
}

impl<F: Fact> Entry<F> {
    fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        fold(&mut digest, self.at, self.actor, &self.fact);
        digest.value()
    }
}

/// Entries between two checkpoints, unless chosen otherwise: 8 bytes of memory for so many facts.
const CHECKPOINT_ENTRIES: u64 = 4096;

/// The facts of a run and their digest.
#[derive(Clone, Debug)]
pub struct Trace<F> {
    keep: bool,
    digest: Digest,
    recorded: u64,
    checkpoint_entries: u64,
    /// The digest after each `checkpoint_entries` facts.
    checkpoints: Vec<u64>,
    entries: Vec<Entry<F>>,
}

impl<F: Fact> Trace<F> {
    /// An empty trace that keeps its facts, or only their digest, with a checkpoint every 4,096 facts.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self::with_checkpoints(keep, CHECKPOINT_ENTRIES)
    }

    /// As [`new`](Self::new), with a checkpoint every `checkpoint_entries` facts; zero counts as one.
    #[must_use]
    pub fn with_checkpoints(keep: bool, checkpoint_entries: u64) -> Self {
        Self {
            keep,
            digest: Digest::new(),
            recorded: 0,
            checkpoint_entries: checkpoint_entries.max(1),
            checkpoints: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Records that `fact` happened to `actor` at `at`.
    pub fn record(&mut self, at: SimTime, actor: u32, fact: F) {
        fold(&mut self.digest, at, actor, &fact);
        if self.keep {
            self.entries.push(Entry { index: self.recorded, at, actor, fact });
        }
        self.recorded += 1;
        if self.recorded.is_multiple_of(self.checkpoint_entries) {
            self.checkpoints.push(self.digest.value());
        }
    }

    /// From now on keeps facts, or no longer. Those already kept stay.
    pub fn set_keep(&mut self, keep: bool) {
        self.keep = keep;
    }

    /// The digest of every fact recorded so far, in order.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// How many facts were recorded, kept or not.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.recorded
    }

    /// The facts that were kept, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry<F>] {
        &self.entries
    }

    /// The digest after each so many facts, as chosen at the start.
    #[must_use]
    pub fn checkpoints(&self) -> &[u64] {
        &self.checkpoints
    }

    /// The kept entries of `range`, if all of them were kept.
    fn kept(&self, range: &Range<u64>) -> Option<&[Entry<F>]> {
        let start = self.entries.partition_point(|entry| entry.index < range.start);
        let end = self.entries.partition_point(|entry| entry.index < range.end.min(self.recorded));
        let wanted = range.end.min(self.recorded).saturating_sub(range.start);
        ((end - start) as u64 == wanted).then(|| &self.entries[start..end])
    }
}

/// Where two traces part: the first different entry is among those of this range of indexes. `None` when they
/// are the same.
///
/// The range is one interval between checkpoints, or a single entry when both traces kept that interval. To
/// find the entry of two runs that kept nothing, run them again and keep only that interval. Traces with
/// different checkpoint intervals are compared as a whole.
#[must_use]
pub fn first_difference<F: Fact>(a: &Trace<F>, b: &Trace<F>) -> Option<Range<u64>> {
    if a.recorded == b.recorded && a.digest() == b.digest() {
        return None;
    }
    let longest = a.recorded.max(b.recorded);
    let interval = if a.checkpoint_entries == b.checkpoint_entries { a.checkpoint_entries } else { longest };
    let same = if a.checkpoint_entries == b.checkpoint_entries { same_checkpoints(a, b) } else { 0 };
    let start = same * interval;
    let range = start..(start + interval).min(longest);
    Some(exact_difference(a, b, &range).unwrap_or(range))
}

/// How many checkpoints agree. A digest covers everything before it, so once two differ they never agree
/// again.
fn same_checkpoints<F>(a: &Trace<F>, b: &Trace<F>) -> u64 {
    let pairs: Vec<_> = a.checkpoints.iter().zip(&b.checkpoints).collect();
    pairs.partition_point(|(a, b)| a == b) as u64
}

fn exact_difference<F: Fact>(a: &Trace<F>, b: &Trace<F>, range: &Range<u64>) -> Option<Range<u64>> {
    let (ours, theirs) = (a.kept(range)?, b.kept(range)?);
    let same = ours.iter().zip(theirs).take_while(|(a, b)| a.digest() == b.digest()).count() as u64;
    let index = range.start + same;
    Some(index..index + 1)
}

fn fold<F: Fact>(digest: &mut Digest, at: SimTime, actor: u32, fact: &F) {
    digest.u64(at.as_nanos());
    digest.u64(u64::from(actor) << u8::BITS | u64::from(fact.kind()));
    fact.feed(digest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Step(u64);

    impl Fact for Step {
        fn kind(&self) -> u8 {
            0
        }

        fn feed(&self, digest: &mut Digest) {
            digest.u64(self.0);
        }
    }

    fn trace(keep: bool, steps: impl IntoIterator<Item = u64>) -> Trace<Step> {
        let mut trace = Trace::with_checkpoints(keep, 10);
        for (second, step) in (0..).zip(steps) {
            trace.record(SimTime::from_secs(second), 1, Step(step));
        }
        trace
    }

    #[test]
    fn keeping_facts_does_not_change_the_digest() {
        let (kept, folded) = (trace(true, 0..25), trace(false, 0..25));
        assert_eq!(kept.digest(), folded.digest());
        assert_eq!(kept.checkpoints(), folded.checkpoints());
        assert_eq!((kept.entries().len(), folded.entries().len()), (25, 0));
        assert_eq!(kept.entries()[3], Entry { index: 3, at: SimTime::from_secs(3), actor: 1, fact: Step(3) });
        assert_eq!(first_difference(&kept, &folded), None);
    }

    #[test]
    fn time_actor_and_payload_all_count() {
        let record = |at, actor, step| {
            let mut trace = Trace::new(false);
            trace.record(at, actor, Step(step));
            trace.digest()
        };
        let plain = record(SimTime::ZERO, 1, 1);
        assert_ne!(plain, record(SimTime::from_nanos(1), 1, 1));
        assert_ne!(plain, record(SimTime::ZERO, 2, 1));
        assert_ne!(plain, record(SimTime::ZERO, 1, 2));
    }

    #[test]
    fn a_difference_is_found_to_the_interval_and_to_the_entry_when_kept() {
        let changed = || (0..100).map(|step| if step == 47 { 999 } else { step });
        assert_eq!(first_difference(&trace(false, 0..100), &trace(false, changed())), Some(40..50));
        assert_eq!(first_difference(&trace(true, 0..100), &trace(true, changed())), Some(47..48));
        assert_eq!(first_difference(&trace(true, 0..100), &trace(false, changed())), Some(40..50));
    }

    #[test]
    fn a_run_that_stops_early_differs_where_it_stops() {
        assert_eq!(first_difference(&trace(true, 0..23), &trace(true, 0..40)), Some(23..24));
        assert_eq!(first_difference(&trace(false, 0..20), &trace(false, 0..40)), Some(20..30));
    }

    #[test]
    fn an_interval_kept_in_a_second_run_is_enough() {
        let rerun = |changed: u64| {
            let mut trace = Trace::with_checkpoints(false, 10);
            for step in 0..60 {
                trace.set_keep((40..50).contains(&step));
                trace.record(SimTime::ZERO, 0, Step(if step == changed { 999 } else { step }));
            }
            trace
        };
        assert_eq!(first_difference(&rerun(1_000), &rerun(44)), Some(44..45));
    }

    proptest! {
        #[test]
        fn the_first_difference_is_the_first(length in 1u64..80, at in 0u64..80, kept: bool) {
            let at = at % length;
            let plain = trace(kept, 0..length);
            let changed = trace(kept, (0..length).map(|step| if step >= at { step + 1_000 } else { step }));
            let range = first_difference(&plain, &changed).unwrap();
            prop_assert!(range.contains(&at));
            prop_assert!(!kept || range == (at..at + 1));
        }
    }
}
