//! Which recovery points are kept: a window, thinned with age.
//!
//! | window | kept |
//! |---|---|
//! | 0 | the newest only |
//! | up to 1 day | all of the last 2 hours, then one an hour |
//! | up to 7 days | all of the last 2 hours, then one every 2 hours |
//! | longer | all of the last 2 hours, one every 2 hours up to 7 days, then one every 4 hours |
//!
//! The newest point is always kept. Nothing expires by itself: points are looked at when a new one arrives, so a
//! replication that stalls keeps what it has.

use core::time::Duration;

use crate::point::{PointId, RecoveryPoint};
use crate::time::Instant;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Points up to this age are not thinned.
const UNTHINNED: Duration = Duration::from_secs(2 * 60 * 60);
/// Up to this age a window of more than a day keeps one point every 2 hours, beyond it one every 4.
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The points, given oldest first, that a window gives up at `now`.
///
/// Thinning divides time into slots at fixed instants and keeps one point of each: an application-consistent one
/// if there is any, else the oldest. Fixed slots make the choice stable: a point that was kept once is given up
/// only for an application-consistent one, for a wider slot, or with the window.
#[must_use]
pub fn expired(points: &[RecoveryPoint], now: Instant, window: Duration) -> Vec<PointId> {
    let Some((_newest, older)) = points.split_last() else {
        return Vec::new();
    };
    // A point's slot is nearly always that of the point before it, or a new one.
    let mut slots: Vec<((Duration, u64), &RecoveryPoint)> = Vec::new();
    let mut expired = Vec::new();
    for point in older {
        let age = now.since(point.at);
        if window.is_zero() || age > window {
            expired.push(point.id);
        } else if let Some(spacing) = spacing(age, window) {
            let slot = (spacing, point.at.0 / nanos(spacing));
            let Some((_, kept)) = slots.iter_mut().rfind(|(taken, _)| *taken == slot) else {
                slots.push((slot, point));
                continue;
            };
            let loser =
                if point.consistency > kept.consistency { core::mem::replace(kept, point) } else { point };
            expired.push(loser.id);
        }
    }
    expired.sort_unstable();
    expired
}

/// A spacing in nanoseconds: some hours, which fit.
const fn nanos(spacing: Duration) -> u64 {
    spacing.as_secs() * 1_000_000_000
}

/// How far apart points of an age are kept; `None` where all are.
fn spacing(age: Duration, window: Duration) -> Option<Duration> {
    match age {
        _ if age <= UNTHINNED => None,
        _ if window <= DAY => Some(HOUR),
        _ if age <= WEEK => Some(2 * HOUR),
        _ => Some(4 * HOUR),
    }
}
