//! How a group is replicated: cadence of points, how long they are kept, when a lag is worth an alert.

use core::time::Duration;

use serde::{Deserialize, Serialize};

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
}

impl ReplicationPolicy {
    /// What users get who choose nothing: points every 5 minutes, application-consistent ones every hour, kept
    /// for 24 hours, an alert after 15 minutes of lag.
    pub const DEFAULT: Self = Self {
        crash_consistent_every: Duration::from_secs(5 * 60),
        app_consistent_every: Some(Duration::from_secs(60 * 60)),
        retain_points_for: Duration::from_secs(24 * 60 * 60),
        rpo_alert_after: Duration::from_secs(15 * 60),
    };

    /// The policy under which a group comes home. It is made with the forward policy and cannot be changed:
    /// alert after 15 minutes, points kept for 24 hours, application-consistent every 60 minutes.
    pub const FAILBACK: Self = Self {
        crash_consistent_every: Duration::from_secs(5 * 60),
        app_consistent_every: Some(Duration::from_secs(60 * 60)),
        retain_points_for: Duration::from_secs(24 * 60 * 60),
        rpo_alert_after: Duration::from_secs(15 * 60),
    };
}
