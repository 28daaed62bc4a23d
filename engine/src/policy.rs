//! How a group is replicated: cadence of points, how long they are kept, when a lag is worth an alert.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Instant;

/// A replication policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationPolicy {
    /// How often a crash-consistent point is cut.
    pub crash_consistent_every: Duration,
    /// How often an application-consistent point is cut; `None` for never.
    pub app_consistent_every: Option<Duration>,
    /// How long points are kept; see [`crate::journal::retention`].
    pub retain_points_for: Duration,
    /// The recovery-point lag from which an event is raised. It never changes replication itself.
    pub rpo_alert_after: Duration,
    /// When a comparison may begin that nobody has asked for; `None` for at any time. The product waits until office hours
    /// are over (site-recovery 1.6).
    pub automatic_resync: Option<DailyWindow>,
}

/// Hours of every day, the first of which begins with time itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyWindow {
    /// When they begin, less than a day after the day does.
    pub begins: Duration,
    /// How long they last, at most a day.
    pub lasts: Duration,
}

impl DailyWindow {
    const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

    /// The first moment within them that is not before `now`.
    #[must_use]
    pub fn next(self, now: Instant) -> Instant {
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let since = (now.0 + Self::DAY - nanos(self.begins) % Self::DAY) % Self::DAY;
        if since < nanos(self.lasts) { now } else { now + Duration::from_nanos(Self::DAY - since) }
    }
}

impl ReplicationPolicy {
    /// What users get who choose nothing: points every 5 minutes, application-consistent ones every hour, kept
    /// for 24 hours, an alert after 15 minutes of lag.
    pub const DEFAULT: Self = Self {
        crash_consistent_every: Duration::from_secs(5 * 60),
        app_consistent_every: Some(Duration::from_secs(60 * 60)),
        retain_points_for: Duration::from_secs(24 * 60 * 60),
        rpo_alert_after: Duration::from_secs(15 * 60),
        automatic_resync: None,
    };

    /// The policy under which a group comes home. It is made with the forward policy and cannot be changed:
    /// alert after 15 minutes, points kept for 24 hours, application-consistent every 60 minutes.
    pub const FAILBACK: Self = Self {
        crash_consistent_every: Duration::from_secs(5 * 60),
        app_consistent_every: Some(Duration::from_secs(60 * 60)),
        retain_points_for: Duration::from_secs(24 * 60 * 60),
        rpo_alert_after: Duration::from_secs(15 * 60),
        automatic_resync: None,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn at(hours: u32) -> Instant {
        Instant::ZERO + HOUR * hours
    }

    #[test]
    fn hours_that_go_over_midnight_are_those_of_two_days() {
        let night = DailyWindow { begins: HOUR * 18, lasts: HOUR * 13 };
        assert_eq!(night.next(at(3)), at(3));
        assert_eq!(night.next(at(7)), at(18));
        assert_eq!(night.next(at(18)), at(18));
        assert_eq!(night.next(at(24 + 6)), at(24 + 6));
        assert_eq!(night.next(at(24 + 8)), at(24 + 18));
    }

    #[test]
    fn a_whole_day_is_any_time() {
        let always = DailyWindow { begins: HOUR * 5, lasts: HOUR * 24 };
        assert_eq!(always.next(at(4)), at(4));
    }
}
