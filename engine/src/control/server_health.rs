//! How a process server is: what it says of itself against the documented thresholds (site-recovery 4.4).
//!
//! Load is looked at over a quarter of an hour, the time to drain the cache every five minutes. Nothing is kept across a
//! restart of the vault: the next heartbeats bring it back.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use crate::health::{Level, ProcessServerStatus, ServerFigure};
use crate::time::Instant;

/// Over how long load is looked at.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Below this much of the cache free there is a warning, and below this it is critical, in percent.
const FREE: (u64, u64) = (30, 25);
/// How often the time to drain the cache is looked at.
const DRAIN_EVERY: Duration = Duration::from_secs(5 * 60);
/// A time to drain from which on there is a warning, and one that is critical.
const DRAIN: (Duration, Duration) = (Duration::from_secs(30 * 60), Duration::from_secs(45 * 60));

/// What the vault knows of a process server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// When it was heard of last.
    pub heard: Instant,
    /// What it said then.
    pub status: ProcessServerStatus,
    /// What it said in the last quarter of an hour, oldest first, and once before.
    samples: VecDeque<Sample>,
    drain_looked_at: Instant,
    levels: BTreeMap<ServerFigure, Level>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    packed_bytes: u64,
    forwarded_bytes: u64,
    under_way_bytes: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            heard: Instant::ZERO,
            status: ProcessServerStatus::default(),
            samples: VecDeque::new(),
            drain_looked_at: Instant::ZERO,
            levels: BTreeMap::new(),
        }
    }
}

impl Server {
    /// Takes what it says; the levels that can be told now.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        status: ProcessServerStatus,
    ) -> [Option<(ServerFigure, Level)>; 4] {
        // A server that has started again counts from the beginning.
        if status.packed_bytes < self.status.packed_bytes
            || status.forwarded_bytes < self.status.forwarded_bytes
        {
            self.samples.clear();
        }
        self.heard = now;
        self.samples.push_back(Sample {
            at: now,
            packed_bytes: status.packed_bytes,
            forwarded_bytes: status.forwarded_bytes,
            under_way_bytes: status.under_way_bytes,
        });
        self.status = status;
        while self.samples.get(1).is_some_and(|second| now.since(second.at) >= WINDOW) {
            self.samples.pop_front();
        }
        [
            Some((ServerFigure::CacheSpace, self.cache_space())),
            self.drain_time(now).map(|level| (ServerFigure::DrainTime, level)),
            self.processor(now).map(|level| (ServerFigure::Processor, level)),
            self.memory(now).map(|level| (ServerFigure::Memory, level)),
        ]
    }

    /// Whether a figure comes to another level with this.
    pub(super) fn comes_to(&mut self, figure: ServerFigure, level: Level) -> bool {
        self.levels.insert(figure, level).unwrap_or_default() != level
    }

    fn cache_space(&self) -> Level {
        let free = self.status.cache_bytes.saturating_sub(self.status.cached_bytes);
        let percent = percent(free, self.status.cache_bytes);
        match percent {
            _ if percent < FREE.1 => Level::Critical,
            _ if percent < FREE.0 => Level::Warning,
            _ => Level::Normal,
        }
    }

    /// At the pace of the last five minutes.
    fn drain_time(&mut self, now: Instant) -> Option<Level> {
        if now.since(self.drain_looked_at) < DRAIN_EVERY {
            return None;
        }
        let before = *self.samples.iter().rfind(|sample| now.since(sample.at) >= DRAIN_EVERY)?;
        self.drain_looked_at = now;
        let drained = u128::from(self.status.forwarded_bytes - before.forwarded_bytes);
        let needed = u128::from(self.status.cached_bytes) * now.since(before.at).as_millis();
        Some(match needed {
            0 => Level::Normal,
            _ if needed > DRAIN.1.as_millis() * drained => Level::Critical,
            _ if needed > DRAIN.0.as_millis() * drained => Level::Warning,
            _ => Level::Normal,
        })
    }

    /// What it packed against what it can.
    fn processor(&self, now: Instant) -> Option<Level> {
        let oldest = self.samples.front().filter(|oldest| now.since(oldest.at) >= WINDOW)?;
        let can = self.status.packs_bytes_per_sec?.saturating_mul(now.since(oldest.at).as_secs());
        Some(load(percent(self.status.packed_bytes - oldest.packed_bytes, can)))
    }

    /// What was under way, on average.
    fn memory(&self, now: Instant) -> Option<Level> {
        self.samples.front().filter(|oldest| now.since(oldest.at) >= WINDOW)?;
        let sum: u64 = self.samples.iter().map(|sample| sample.under_way_bytes).sum();
        Some(load(percent(sum / self.samples.len() as u64, self.status.memory_bytes?)))
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

const fn load(percent: u64) -> Level {
    match percent {
        0..=80 => Level::Normal,
        81..=95 => Level::Warning,
        _ => Level::Critical,
    }
}
