//! Times of a report: whole milliseconds, in words where people read them.

use core::time::Duration;

use switchback_harness::SimTime;
use switchback_harness::outcome::words;

/// Milliseconds since the start of the simulation, rounded down.
#[must_use]
pub fn millis(at: SimTime) -> u64 {
    whole(at.since_start())
}

/// A span in milliseconds, rounded down; more than 584 million years count as that many.
#[must_use]
pub fn whole(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A span in words.
#[must_use]
pub fn span(millis: u64) -> String {
    words::span(Duration::from_millis(millis))
}

/// A span in words, or a dash.
#[must_use]
pub fn span_or_dash(millis: Option<u64>) -> String {
    millis.map_or_else(|| "-".to_owned(), span)
}

/// A moment in words, counted from t0 once there is one.
#[must_use]
pub fn moment(millis: u64, t0: Option<u64>) -> String {
    words::since(SimTime::from_millis(millis), t0.map(SimTime::from_millis))
}
