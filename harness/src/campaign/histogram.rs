//! Durations in fixed buckets, so that histograms of any parts of a campaign add up to that of the whole.

use core::time::Duration;

/// The upper bounds of the buckets, in seconds, inclusive. One more bucket takes what is above the last.
const BOUNDS_SECS: [u64; 16] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 86_400];

/// How many durations are in which bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; BOUNDS_SECS.len() + 1],
}

impl Histogram {
    /// Counts a duration, given in nanoseconds.
    pub fn add(&mut self, nanos: u64) {
        let duration = Duration::from_nanos(nanos);
        let bucket = BOUNDS_SECS.partition_point(|bound| Duration::from_secs(*bound) < duration);
        self.counts[bucket] += 1;
    }

    /// How many durations were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The buckets from the shortest to the longest: the upper bound, `None` for the last, and the count.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = BOUNDS_SECS.iter().map(|bound| Some(Duration::from_secs(*bound))).chain([None]);
        bounds.zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        let mut histogram = Histogram::default();
        for nanos in [0, 1_000_000_000, 1_000_000_001, u64::MAX] {
            histogram.add(nanos);
        }
        let counts: Vec<u64> = histogram.buckets().map(|(_, count)| count).collect();
        assert_eq!((counts[0], counts[1], counts[16]), (2, 1, 1));
        assert_eq!(histogram.total(), 4);
    }
}
