//! The clock on the wall, where the time of a rehearsal follows it.

use core::fmt::Debug;
use core::time::Duration;
use std::time::Instant;

/// A clock that only goes forward. Tests move one by hand.
pub trait Wall: Debug + Send + Sync {
    /// How much time has passed since some moment, always the same one.
    fn elapsed(&self) -> Duration;
}

/// The clock of the machine that serves.
#[derive(Debug)]
pub(crate) struct OwnWall(Instant);

impl OwnWall {
    #[expect(clippy::disallowed_methods, reason = "the pace of a rehearsal may be that of the wall")]
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Wall for OwnWall {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
