//! The method of a spreadsheet: the churn of all machines, minute by minute, into a bucket that leaks at the rate of the line.
//!
//! The product's planner does not publish its algorithm. This is what its words leave open the least (site-recovery 7): churn with growth, a
//! backlog, and the age of what is oldest in it.

use core::time::Duration;

use crate::share;

/// The RPO of a line at all times and in 95 % of the minutes, by the age of what is oldest in the bucket.
#[must_use]
pub fn rpo(churn: &[u64], bandwidth: u64, percent: usize) -> Duration {
    Duration::from_secs(share::within(&ages(churn, bandwidth), percent).unwrap_or(0))
}

/// The thinnest line in bits a second with which the oldest byte of the backlog is never older than the objective, but for the percents of the
/// minutes above `percent`. Found to a thousandth.
#[must_use]
pub fn bandwidth(churn: &[u64], objective: Duration, percent: usize) -> u64 {
    let meets = |bandwidth| rpo(churn, bandwidth, percent) <= objective;
    // A line that takes the worst minute in a minute has no backlog.
    let mut enough = churn.iter().max().copied().unwrap_or(0).saturating_mul(8).div_ceil(60).max(1);
    let mut too_thin = 0;
    while enough - too_thin > 1 + too_thin / 1000 {
        let between = too_thin.midpoint(enough);
        if meets(between) { enough = between } else { too_thin = between }
    }
    enough
}

/// A churn that has grown by so many percent.
#[must_use]
pub fn grown(churn: &[u64], percent: u64) -> Vec<u64> {
    churn.iter().map(|bytes| bytes.saturating_add(bytes.saturating_mul(percent) / 100)).collect()
}

/// The value that is not exceeded in so many percent of the minutes, in bytes of a minute.
#[must_use]
pub fn percentile(churn: &[u64], percent: usize) -> u64 {
    share::within(churn, percent).unwrap_or(0)
}

/// How old the oldest byte of the backlog is at the end of every minute, in seconds.
fn ages(churn: &[u64], bandwidth: u64) -> Vec<u64> {
    let a_minute = u128::from(bandwidth) * 60 / 8;
    let (mut arrived, mut drained) = (0_u128, 0_u128);
    // The minute that the oldest byte came in, and what had come before it.
    let (mut oldest, mut before) = (0, 0_u128);
    let mut ages = Vec::with_capacity(churn.len());
    for (minute, bytes) in churn.iter().enumerate() {
        arrived += u128::from(*bytes);
        drained = (drained + a_minute).min(arrived);
        while oldest <= minute && before + u128::from(churn[oldest]) <= drained {
            before += u128::from(churn[oldest]);
            oldest += 1;
        }
        ages.push(age(churn, minute, oldest, drained - before));
    }
    ages
}

/// The age in seconds at the end of `minute` when of minute `oldest` this much is drained: bytes of a minute come evenly.
fn age(churn: &[u64], minute: usize, oldest: usize, drained_of_it: u128) -> u64 {
    let Some(bytes) = churn.get(oldest).filter(|_| oldest <= minute) else { return 0 };
    let into = drained_of_it * 60 / u128::from((*bytes).max(1));
    ((minute + 1 - oldest) as u64 * 60).saturating_sub(into as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An hour of 60 MB a minute, and ten minutes of ten times as much.
    fn bursty() -> Vec<u64> {
        (0..60).map(|minute| if (20..30).contains(&minute) { 600_000_000 } else { 60_000_000 }).collect()
    }

    #[test]
    fn a_constant_churn_needs_what_it_writes() {
        let churn = vec![60_000_000; 600];
        let needed = bandwidth(&churn, Duration::from_mins(15), 100);
        assert!((7_700_000..=8_000_000).contains(&needed), "{needed}");
        assert_eq!(rpo(&churn, 8_000_000, 100), Duration::ZERO);
    }

    #[test]
    fn a_burst_may_be_late_by_the_objective_and_no_more() {
        let needed = bandwidth(&bursty(), Duration::from_mins(15), 100);
        assert!(rpo(&bursty(), needed, 100) <= Duration::from_mins(15));
        assert!(rpo(&bursty(), needed * 99 / 100, 100) > Duration::from_mins(15));
        assert!(needed < bandwidth(&bursty(), Duration::from_mins(5), 100));
    }

    #[test]
    fn growth_and_percentile_are_what_they_say() {
        assert_eq!(grown(&[100, 0], 30), [130, 0]);
        assert_eq!(percentile(&bursty(), 95), 600_000_000);
        assert_eq!(percentile(&bursty(), 50), 60_000_000);
        assert_eq!(percentile(&[], 95), 0);
    }
}
