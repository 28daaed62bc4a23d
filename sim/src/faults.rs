//! Proof that faults fired: how often which fault happened while what was in flight.
//!
//! Owns the counts. Refuses to cause a fault or to know what one means; whoever injects it notes it here. A
//! fault that was scheduled and never met anything has tested nothing, so a run asks for
//! [`missing`](Counters::missing).

use std::collections::BTreeMap;

/// Counts of "this fault happened while that was in flight", in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters<K: Ord> {
    counts: BTreeMap<K, BTreeMap<&'static str, u64>>,
}

impl<K: Ord> Counters<K> {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self { counts: BTreeMap::new() }
    }

    /// Notes that `fault` happened once, while `during` was in flight.
    pub fn note(&mut self, fault: K, during: &'static str) {
        *self.counts.entry(fault).or_default().entry(during).or_default() += 1;
    }

    /// How often `fault` happened, whatever was in flight.
    #[must_use]
    pub fn fired(&self, fault: &K) -> u64 {
        self.counts.get(fault).map_or(0, |during| during.values().sum())
    }

    /// How often `fault` happened while `during` was in flight.
    #[must_use]
    pub fn fired_during(&self, fault: &K, during: &str) -> u64 {
        self.counts.get(fault).and_then(|counts| counts.get(during)).copied().unwrap_or(0)
    }

    /// Those of the `expected` faults that never happened, in the order given.
    pub fn missing<'a>(&self, expected: impl IntoIterator<Item = &'a K>) -> Vec<&'a K>
    where
        K: 'a,
    {
        expected.into_iter().filter(|&fault| self.fired(fault) == 0).collect()
    }

    /// Every count, in the order of fault and then of what was in flight.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &'static str, u64)> {
        self.counts
            .iter()
            .flat_map(|(fault, counts)| counts.iter().map(move |(&during, &count)| (fault, during, count)))
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: Self) {
        for (fault, counts) in other.counts {
            let ours = self.counts.entry(fault).or_default();
            for (during, count) in counts {
                *ours.entry(during).or_default() += count;
            }
        }
    }

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

impl<K: Ord> Default for Counters<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Fault {
        Cut,
        Crash,
    }

    #[test]
    fn a_fault_is_counted_by_what_it_met() {
        let mut counters = Counters::new();
        counters.note(Fault::Crash, "sync");
        counters.note(Fault::Cut, "transfer");
        counters.note(Fault::Cut, "idle");
        counters.note(Fault::Cut, "transfer");
        assert_eq!(counters.fired(&Fault::Cut), 3);
        assert_eq!(counters.fired_during(&Fault::Cut, "transfer"), 2);
        let all: Vec<_> = counters.iter().collect();
        assert_eq!(all, [(&Fault::Cut, "idle", 1), (&Fault::Cut, "transfer", 2), (&Fault::Crash, "sync", 1)]);
    }

    #[test]
    fn a_fault_that_never_fired_is_named() {
        let mut counters = Counters::new();
        let expected = [Fault::Cut, Fault::Crash];
        assert!(counters.is_empty());
        counters.note(Fault::Cut, "transfer");
        assert_eq!(counters.missing(&expected), [&Fault::Crash]);
        counters.note(Fault::Crash, "transfer");
        assert!(counters.missing(&expected).is_empty());
    }

    #[test]
    fn runs_add_up() {
        let mut one = Counters::new();
        one.note(Fault::Cut, "idle");
        let mut total = one.clone();
        total.merge(one);
        assert_eq!(total.fired(&Fault::Cut), 2);
    }
}
