//! Figures as people read them, and lengths of time as JSON has them.

use core::time::Duration;

use serde::Serializer;

/// A bandwidth in Mbps, with one digit behind the point.
pub(crate) fn mbps(bits: u64) -> String {
    format!("{:.1} Mbps", bits as f64 / 1e6)
}

/// Bytes a second in MB/s.
pub(crate) fn mb_per_sec(bytes: u64) -> String {
    format!("{:.2} MB/s", bytes as f64 / 1e6)
}

/// Bytes in GiB.
pub(crate) fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// A length of time in hours, minutes and seconds.
pub(crate) fn time(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

/// As seconds, with fractions.
pub(crate) fn seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64())
}

/// As seconds with fractions, or null.
pub(crate) fn seconds_or_null<S: Serializer>(
    span: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => seconds(span, serializer),
        None => serializer.serialize_none(),
    }
}
