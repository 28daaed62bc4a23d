//! Virtual time: what instant it is in a simulated world, as whole nanoseconds since its start.
//!
//! Owns the instant and its arithmetic. Refuses to know the wall clock, calendars and what any host believes
//! the time to be (a host's opinion is a [`Clock`](crate::Clock)).

use std::fmt;
use std::ops::{Add, AddAssign, RangeInclusive, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) const NANOS_PER_SEC: u64 = 1_000_000_000;

/// An instant of the simulation: nanoseconds since its start, at most `u64::MAX` of them (584 years).
///
/// Arithmetic saturates: a sum beyond the end is [`SimTime::MAX`], which reads as "never".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimTime(u64);

impl SimTime {
    /// The start of the simulation.
    pub const ZERO: Self = Self(0);
    /// The last instant there is; as a deadline it means "never".
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `micros` microseconds after the start, or [`SimTime::MAX`] when that is too far away.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// The instant `millis` milliseconds after the start, or [`SimTime::MAX`] when that is too far away.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The instant `secs` seconds after the start, or [`SimTime::MAX`] when that is too far away.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC))
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the start, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / NANOS_PER_SEC
    }

    /// The time since the start, as a span.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// `self + span`, or `None` beyond [`SimTime::MAX`].
    #[must_use]
    pub fn checked_add(self, span: Duration) -> Option<Self> {
        let nanos = u64::try_from(span.as_nanos()).ok()?;
        self.0.checked_add(nanos).map(Self)
    }

    /// `self + span`, at most [`SimTime::MAX`].
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos_of(span)))
    }

    /// So many nanoseconds later, at most [`SimTime::MAX`].
    pub(crate) const fn later(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// `self - span`, or `None` before the start.
    #[must_use]
    pub fn checked_sub(self, span: Duration) -> Option<Self> {
        let nanos = u64::try_from(span.as_nanos()).ok()?;
        self.0.checked_sub(nanos).map(Self)
    }

    /// `self - span`, at least [`SimTime::ZERO`].
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos_of(span)))
    }

    /// The span from `earlier` to `self`, or `None` when `earlier` is later.
    #[must_use]
    pub fn checked_since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_nanos)
    }

    /// The span from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A range of spans in nanoseconds, counted once for all that is drawn from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    pub(crate) shortest: u64,
    pub(crate) longest: u64,
}

impl Spans {
    pub(crate) fn of(range: &RangeInclusive<Duration>) -> Self {
        Self { shortest: nanos_of(*range.start()), longest: nanos_of(*range.end()) }
    }
}

/// The nanoseconds of `span`, at most `u64::MAX`.
pub(crate) fn nanos_of(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Saturates at [`SimTime::MAX`].
impl Add<Duration> for SimTime {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        self.saturating_add(span)
    }
}

impl AddAssign<Duration> for SimTime {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

/// Saturates at zero, as [`SimTime::saturating_since`].
impl Sub for SimTime {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

/// `1h02m03.456s`: leading zero units are left out, and the fraction has as many of 3, 6 or 9 digits as it
/// takes to be exact, so that two different instants never read the same.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = (self.0 / NANOS_PER_SEC, self.0 % NANOS_PER_SEC);
        let (hours, minutes, seconds) = (secs / 3600, secs / 60 % 60, secs % 60);
        let whole = match (hours, minutes) {
            (0, 0) => format!("{seconds}"),
            (0, _) => format!("{minutes}m{seconds:02}"),
            _ => format!("{hours}h{minutes:02}m{seconds:02}"),
        };
        let fraction = if nanos.is_multiple_of(1_000_000) {
            format!("{:03}", nanos / 1_000_000)
        } else if nanos.is_multiple_of(1_000) {
            format!("{:06}", nanos / 1_000)
        } else {
            format!("{nanos:09}")
        };
        f.pad(&format!("{whole}.{fraction}s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_a_stopwatch() {
        let table = [
            (SimTime::ZERO, "0.000s"),
            (SimTime::from_millis(3_456), "3.456s"),
            (SimTime::from_secs(125), "2m05.000s"),
            (SimTime::from_millis(3_723_456), "1h02m03.456s"),
            (SimTime::from_secs(360_000), "100h00m00.000s"),
            (SimTime::from_micros(1), "0.000001s"),
            (SimTime::from_nanos(1_000_000_001), "1.000000001s"),
        ];
        for (at, text) in table {
            assert_eq!(at.to_string(), text);
        }
        assert_eq!(format!("{:>8}", SimTime::ZERO), "  0.000s");
    }

    #[test]
    fn a_sum_beyond_the_end_is_never() {
        let late = SimTime::MAX;
        assert_eq!(late + Duration::from_nanos(1), SimTime::MAX);
        assert_eq!(SimTime::ZERO + Duration::MAX, SimTime::MAX);
        assert_eq!(late.checked_add(Duration::from_nanos(1)), None);
        assert_eq!(SimTime::from_secs(u64::MAX), SimTime::MAX);
    }

    #[test]
    fn a_difference_never_goes_below_zero() {
        let (early, late) = (SimTime::from_secs(1), SimTime::from_secs(3));
        assert_eq!(late - early, Duration::from_secs(2));
        assert_eq!(early - late, Duration::ZERO);
        assert_eq!(early.checked_since(late), None);
        assert_eq!(early.saturating_sub(Duration::from_secs(5)), SimTime::ZERO);
        assert_eq!(early.checked_sub(Duration::from_secs(5)), None);
    }
}
