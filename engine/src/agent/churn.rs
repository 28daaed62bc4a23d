//! How much a machine changes: its rate of change against what can be sent (site-recovery 4.2).

use core::time::Duration;

use super::Replicating;
use super::config::HEARTBEAT_EVERY;
use crate::content::Content;
use crate::time::Instant;

/// What all disks of a machine may change together, in bytes a second.
const MACHINE_MAX: u64 = 54 << 20;
/// What a disk may change whose writes are large. The disk in Azure is taken to be one of the larger premium ones: there
/// is no other kind here.
const DISK_MAX: u64 = 20 << 20;
/// The same of a disk whose writes are small.
const DISK_OF_SMALL_WRITES_MAX: u64 = 5 << 20;
/// A write is large from this size on, in bytes.
const LARGE_BYTES: u64 = 16 << 10;

/// What a disk has changed in the minute that is being counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Churn {
    pub(super) bytes: u64,
    pub(super) writes: u64,
}

impl Churn {
    const fn most(self) -> u64 {
        if self.writes > 0 && self.bytes / self.writes < LARGE_BYTES {
            DISK_OF_SMALL_WRITES_MAX
        } else {
            DISK_MAX
        }
    }
}

/// The minute that is being counted, and what the one before came to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChurnWatch {
    since: Instant,
    pub(super) is_over: bool,
}

impl<C: Content> Replicating<C> {
    /// Ends the minute when it is over.
    pub(super) fn watch_churn(&mut self, now: Instant) {
        let span = now.since(self.churn.since);
        if span < HEARTBEAT_EVERY {
            return;
        }
        let disks = self.disks.iter_mut().map(|disk| core::mem::take(&mut disk.churn));
        let (mut all, mut is_over) = (0, false);
        for churn in disks {
            all += churn.bytes;
            is_over |= is_more(churn.bytes, churn.most(), span);
        }
        self.churn = ChurnWatch { since: now, is_over: is_over || is_more(all, MACHINE_MAX, span) };
    }
}

fn is_more(bytes: u64, bytes_per_sec: u64, span: Duration) -> bool {
    u128::from(bytes) * 1000 > u128::from(bytes_per_sec) * span.as_millis()
}
