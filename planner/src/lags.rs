//! The age of the newest recovery point over time, and what is said of it.

use core::time::Duration;

use crate::share;

/// The lag of one group as it was looked at, at equal distances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lags(Vec<Duration>);

impl Lags {
    /// One more look.
    pub fn push(&mut self, lag: Duration) {
        self.0.push(lag);
    }

    /// The largest lag within so many percent of the time, the best part of it; `None` if nobody has looked.
    ///
    /// 100 is the largest of all. Percents above 100 count as 100.
    #[must_use]
    pub fn within(&self, percent: usize) -> Option<Duration> {
        share::within(&self.0, percent)
    }

    /// Whether the second half is worse than anything in the first by more than `tolerance`: what comes is more than what goes.
    #[must_use]
    pub fn is_growing(&self, tolerance: Duration) -> bool {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        let last_quarter = &second[second.len() / 2..];
        match (first.iter().max(), last_quarter.iter().min()) {
            (Some(most), Some(least)) => *least > *most + tolerance,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lags(seconds: impl IntoIterator<Item = u64>) -> Lags {
        Lags(seconds.into_iter().map(Duration::from_secs).collect())
    }

    #[test]
    fn a_spike_counts_at_all_times_and_not_at_95_percent() {
        let spike = lags((0..100).map(|at| if at == 50 { 900 } else { 300 }));
        assert_eq!(spike.within(100), Some(Duration::from_secs(900)));
        assert_eq!(spike.within(95), Some(Duration::from_secs(300)));
        assert_eq!(Lags::default().within(95), None);
    }

    #[test]
    fn a_backlog_without_end_is_told_from_a_saw_tooth() {
        assert!(lags((0..100).map(|at| at * 10)).is_growing(Duration::from_secs(60)));
        assert!(!lags((0..100).map(|at| at % 10 * 30)).is_growing(Duration::from_secs(60)));
    }
}
