//! What runs reached, as counts by name that can be added up in any order.
//!
//! Refuses to know what the names mean.

use std::collections::BTreeMap;

use super::digest::Bytes;

/// Counts by name. Adding saturates, so that the order of adding never matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
}

impl Coverage {
    /// Nothing reached.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: BTreeMap::new() }
    }

    /// Counts something. Only a name that is new costs memory; a count of 0 is not kept.
    pub fn add(&mut self, name: &str, times: u64) {
        if times == 0 {
            return;
        }
        match self.counts.get_mut(name) {
            Some(count) => *count = count.saturating_add(times),
            None => {
                self.counts.insert(name.to_owned(), times);
            }
        }
    }

    /// Adds all counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (name, times) in &other.counts {
            self.add(name, *times);
        }
    }

    /// How often something was reached.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// How many names were reached.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether nothing was reached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Names and counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// The canonical bytes: how many there are, then each name with its length and its count, by name.
    pub(super) fn put(&self, bytes: &mut Bytes) {
        bytes.u64(self.counts.len() as u64);
        for (name, count) in &self.counts {
            bytes.str(name);
            bytes.u64(*count);
        }
    }
}

impl<'a> FromIterator<(&'a str, u64)> for Coverage {
    fn from_iter<I: IntoIterator<Item = (&'a str, u64)>>(counts: I) -> Self {
        let mut coverage = Self::new();
        for (name, times) in counts {
            coverage.add(name, times);
        }
        coverage
    }
}
