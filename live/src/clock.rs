//! The time that roles are told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use switchback_engine::Instant;

/// A clock that begins with the system's and never goes back: nanoseconds since 1970.
///
/// What roles remember across a restart has instants in it, so time goes on where the system's clock says.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: std::time::Instant,
    began_at: Instant,
}

impl Clock {
    /// A clock that goes from now on.
    #[must_use]
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { began: std::time::Instant::now(), began_at: Instant::ZERO + since }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.began_at + self.began.elapsed()
    }

    /// How long it is until then.
    #[must_use]
    pub fn until(&self, at: Instant) -> Duration {
        at.since(self.now())
    }
}
