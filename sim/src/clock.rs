//! What a host believes the time to be.
//!
//! Owns offset, drift and jumps of one host's clock. Refuses to move the simulation: true time is
//! [`SimTime`], and a clock only misreads it.

use crate::SimTime;

const MILLION: i128 = 1_000_000;
/// A clock runs at least at a millionth of true speed and below double speed, so it never stands still.
const DRIFT_LIMIT_PPM: i64 = 999_999;

/// A host's clock: off by an offset, and running too fast or too slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Host time minus true time, in nanoseconds, at `since`. Wide enough for any number of jumps.
    offset_ns: i128,
    drift_ppm: i64,
    since: SimTime,
}

impl Clock {
    /// A clock that is off by `offset_ns` nanoseconds at time zero and gains `drift_ppm` microseconds a
    /// second (loses, when negative). Drift is limited to 999,999 parts per million either way.
    #[must_use]
    pub fn new(offset_ns: i64, drift_ppm: i64) -> Self {
        Self { offset_ns: i128::from(offset_ns), drift_ppm: limited(drift_ppm), since: SimTime::ZERO }
    }

    /// A clock that is always right.
    #[must_use]
    pub fn exact() -> Self {
        Self::default()
    }

    /// What the clock shows at `now`, as nanoseconds since the true start of the simulation. A clock that is
    /// behind shows zero until it gets there.
    #[must_use]
    pub fn read(&self, now: SimTime) -> SimTime {
        let shown = i128::from(now.as_nanos()) + self.offset_at(now);
        SimTime::from_nanos(u64::try_from(shown.max(0)).unwrap_or(u64::MAX))
    }

    /// The first true time, not before `now`, at which the clock shows `host_time` or later: when an alarm
    /// set on the host rings. Holds as long as the clock is left alone.
    #[must_use]
    pub fn when(&self, now: SimTime, host_time: SimTime) -> SimTime {
        // The clock shows since + offset + floor(passed * speed / million), so this is exact.
        let to_show = i128::from(host_time.as_nanos()) - self.offset_ns - i128::from(self.since.as_nanos());
        let speed = MILLION + i128::from(self.drift_ppm);
        let passed = -(-to_show * MILLION).div_euclid(speed);
        let at = i128::from(self.since.as_nanos()) + passed;
        if host_time == SimTime::ZERO || at <= i128::from(now.as_nanos()) {
            return now;
        }
        SimTime::from_nanos(u64::try_from(at).unwrap_or(u64::MAX))
    }

    /// Sets the clock forward by `by_ns` nanoseconds, or back when negative.
    pub fn jump(&mut self, by_ns: i64) {
        self.offset_ns += i128::from(by_ns);
    }

    /// Changes the drift from `now` on; what the clock shows now stays.
    pub fn set_drift(&mut self, now: SimTime, drift_ppm: i64) {
        self.offset_ns = self.offset_at(now);
        self.since = now;
        self.drift_ppm = limited(drift_ppm);
    }

    /// How far the clock is off at `now`: nanoseconds ahead of true time, negative when it is behind.
    /// Saturating.
    #[must_use]
    pub fn skew_ns(&self, now: SimTime) -> i64 {
        let skew = self.offset_at(now);
        i64::try_from(skew).unwrap_or(if skew < 0 { i64::MIN } else { i64::MAX })
    }

    fn offset_at(&self, now: SimTime) -> i128 {
        let passed = i128::from(now.as_nanos()) - i128::from(self.since.as_nanos());
        self.offset_ns + (passed * i128::from(self.drift_ppm)).div_euclid(MILLION)
    }
}

fn limited(drift_ppm: i64) -> i64 {
    drift_ppm.clamp(-DRIFT_LIMIT_PPM, DRIFT_LIMIT_PPM)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_exact_clock_shows_true_time() {
        let now = SimTime::from_secs(77);
        assert_eq!(Clock::exact().read(now), now);
    }

    #[test]
    fn a_fast_clock_gains() {
        let clock = Clock::new(0, 100);
        assert_eq!(clock.read(SimTime::from_secs(10_000)), SimTime::from_secs(10_001));
        assert_eq!(clock.skew_ns(SimTime::from_secs(10_000)), 1_000_000_000);
    }

    #[test]
    fn a_clock_behind_shows_zero_until_it_gets_there() {
        let clock = Clock::new(-5_000_000_000, 0);
        assert_eq!(clock.read(SimTime::from_secs(3)), SimTime::ZERO);
        assert_eq!(clock.read(SimTime::from_secs(8)), SimTime::from_secs(3));
    }

    #[test]
    fn a_clock_can_be_set_back() {
        let mut clock = Clock::exact();
        let now = SimTime::from_secs(60);
        clock.jump(-10_000_000_000);
        assert_eq!(clock.read(now), SimTime::from_secs(50));
        clock.jump(i64::MIN);
        assert_eq!(clock.read(now), SimTime::ZERO);
        assert_eq!(clock.skew_ns(now), i64::MIN);
    }

    #[test]
    fn a_change_of_drift_does_not_jump() {
        let mut clock = Clock::new(0, 100);
        let now = SimTime::from_secs(10_000);
        clock.set_drift(now, -100);
        assert_eq!(clock.read(now), SimTime::from_secs(10_001));
        assert_eq!(clock.read(SimTime::from_secs(20_000)), SimTime::from_secs(20_000));
    }

    proptest! {
        #[test]
        fn an_alarm_rings_at_the_first_instant_it_may(
            offset in -1_000_000_000i64..1_000_000_000,
            drift in -999_999i64..=999_999,
            now in 0u64..1_000_000_000_000,
            ahead in 0u64..1_000_000_000_000,
        ) {
            let mut clock = Clock::new(offset, 0);
            clock.set_drift(SimTime::from_nanos(now / 2), drift);
            let now = SimTime::from_nanos(now);
            let alarm = SimTime::from_nanos(clock.read(now).as_nanos() + ahead);
            let rings = clock.when(now, alarm);
            prop_assert!(clock.read(rings) >= alarm);
            prop_assert!(rings == now || clock.read(SimTime::from_nanos(rings.as_nanos() - 1)) < alarm);
        }
    }
}
