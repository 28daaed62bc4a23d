//! Times as the service writes them: `2026-01-05T08:00:00.1234567Z`, trailing zeros dropped.

use jiff::Timestamp;
use switchback_engine::time::Instant;
use switchback_sim::SimTime;

/// What the clocks of the service show at the first moment of a rehearsal: 2026-01-05T08:00:00Z, a Monday, in seconds since
/// 1970.
pub(super) const BEGIN: u64 = 1_767_600_000;

/// A time that was never set (recording-classic 7).
pub(super) const UNSET: &str = "0001-01-01T00:00:00";

/// When an idle item began what it does not do (recording-classic 7).
pub(super) const IDLE: &str = "1753-01-01T01:01:01Z";

/// The form with which most times are written: 100 ns, trailing zeros dropped.
pub(super) fn stamp(at: Instant) -> String {
    let text = seven_digits(at);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short}Z")
}

/// The same of the simulation's time.
pub(super) fn stamp_of(at: SimTime) -> String {
    stamp(Instant(at.as_nanos()))
}

/// The form of an end: whole seconds (recording-classic 7).
pub(super) fn whole_seconds(at: Instant) -> String {
    format!("{}Z", seven_digits(at).split('.').next().unwrap_or_default())
}

/// The end of an operation: whole seconds, with seven zeros (recording-modernized 1.4).
pub(super) fn padded_seconds(at: SimTime) -> String {
    let text = seven_digits(Instant(at.as_nanos()));
    format!("{}.0000000Z", text.split('.').next().unwrap_or_default())
}

/// Seconds since 1970.
pub(super) const fn unix_seconds(at: SimTime) -> i64 {
    (BEGIN + at.as_nanos() / 1_000_000_000) as i64
}

fn seven_digits(at: Instant) -> String {
    let seconds = (BEGIN + at.0 / 1_000_000_000) as i64;
    let whole = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let text = whole.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    format!("{text}.{:07}", at.0 % 1_000_000_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_they_were_recorded() {
        let at = |nanos| stamp(Instant(nanos));
        assert_eq!(at(0), "2026-01-05T08:00:00Z");
        assert_eq!(at(1_500_000_000), "2026-01-05T08:00:01.5Z");
        assert_eq!(at(1_123_456_789), "2026-01-05T08:00:01.1234567Z");
        assert_eq!(at(10_000_000_000), "2026-01-05T08:00:10Z");
        assert_eq!(whole_seconds(Instant(1_999_999_999)), "2026-01-05T08:00:01Z");
    }
}
