//! The clock on the wall, for a drill in a real vault.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use switchback_drill::clock::{Clock, ClockError};

/// It is asked what time it is, and whoever waits by it sleeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "a drill in a real vault goes by the clock on the wall")]
    fn now(&mut self) -> Result<Duration, ClockError> {
        SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| ClockError {
            expected: "a time after 1970",
            from: "the clock of this machine".to_owned(),
            came: error.to_string(),
        })
    }

    #[expect(clippy::disallowed_methods, reason = "a drill in a real vault waits by the clock on the wall")]
    fn sleep(&mut self, span: Duration) -> Result<(), ClockError> {
        std::thread::sleep(span);
        Ok(())
    }
}
