//! What must be told of a process server: what it says of itself against the thresholds of the documents (site-recovery
//! 4.4), and whether it says anything.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use switchback_engine::MachineId;
use switchback_engine::health::{Level, ProcessServerStatus, ServerFigure};
use switchback_sim::SimTime;

use super::symptoms::SILENT_AFTER;
use super::{GRACE, NEAR};
use crate::check::Judge;
use crate::content::Simulated;
use crate::outcome::words;
use crate::world::World;

/// Over how long load is looked at.
const WINDOW: Duration = Duration::from_mins(15);
/// Over how long the pace of draining is looked at, and how often.
const DRAIN: Duration = Duration::from_mins(5);
/// Within this time it was looked at twice.
const DRAINED: Duration = Duration::from_mins(12);
/// A time to drain of more than this is a warning, and of more than that it is critical.
const DRAIN_LEVELS: (Duration, Duration) = (Duration::from_mins(30), Duration::from_mins(45));
/// Less of the cache free than this is a warning, and less than that is critical, in percent.
const FREE_LEVELS: (u64, u64) = (30, 25);
/// More load than this is a warning, and more than that is critical, in percent.
const LOAD_LEVELS: (u64, u64) = (80, 95);
/// So many percent near a level nobody can say on which side of it a load is.
const LOAD_NEAR: u64 = 3;

const FIGURES: [ServerFigure; 5] = [
    ServerFigure::Heartbeat,
    ServerFigure::CacheSpace,
    ServerFigure::DrainTime,
    ServerFigure::Processor,
    ServerFigure::Memory,
];

/// What a process server said at some moment, as far as load and draining are reckoned from it.
#[derive(Debug, Clone, Copy)]
struct Said {
    at: SimTime,
    forwarded_bytes: u64,
    packed_bytes: u64,
    under_way_bytes: u64,
    /// The level of its time to drain at that moment, reckoned once: looks come far more often.
    drain: Option<Level>,
}

/// What is known of a process server.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    /// When it was last heard of in this life of the vault.
    pub(super) heard: Option<SimTime>,
    /// What it said then.
    pub(super) status: ProcessServerStatus,
    /// What is told of it.
    pub(super) shown: BTreeMap<ServerFigure, Level>,
    /// What it has said lately, oldest first.
    said: VecDeque<Said>,
    /// What must surely be told, since when.
    sure: BTreeMap<ServerFigure, (Level, SimTime)>,
}

impl Server {
    pub(super) fn spoke(&mut self, now: SimTime, status: &ProcessServerStatus) {
        let counts_anew = status.packed_bytes < self.status.packed_bytes
            || status.forwarded_bytes < self.status.forwarded_bytes;
        if counts_anew {
            self.said.clear();
        }
        self.heard = Some(now);
        self.status = status.clone();
        self.said.push_back(Said {
            at: now,
            forwarded_bytes: status.forwarded_bytes,
            packed_bytes: status.packed_bytes,
            under_way_bytes: status.under_way_bytes,
            drain: self.drain_time_at(now, status),
        });
        while self.said.get(1).is_some_and(|said| now.saturating_since(said.at) >= WINDOW + DRAINED) {
            self.said.pop_front();
        }
    }

    /// The vault has started again and knows nothing of it.
    pub(super) fn is_forgotten(&mut self) {
        self.heard = None;
        self.said.clear();
        self.shown.clear();
        self.sure.clear();
    }

    fn cache_space(&self) -> Level {
        let free = self.status.cache_bytes.saturating_sub(self.status.cached_bytes);
        let is_below =
            |percent: u64| u128::from(free) * 100 < u128::from(self.status.cache_bytes) * u128::from(percent);
        match () {
            () if is_below(FREE_LEVELS.1) => Level::Critical,
            () if is_below(FREE_LEVELS.0) => Level::Warning,
            () => Level::Normal,
        }
    }

    /// The level that the time to drain had at every look that there may have been lately.
    fn drain_time(&self, now: SimTime) -> Option<Level> {
        let lately = || self.said.iter().filter(|said| now.saturating_since(said.at) <= DRAINED);
        let first = lately().next()?.drain;
        // One that was silent was not looked at twice.
        let is_heard = lately().count() as u64 >= DRAINED.as_secs() / 60 - 2;
        first.filter(|_| is_heard && lately().all(|said| said.drain == first))
    }

    fn drain_time_at(&self, at: SimTime, status: &ProcessServerStatus) -> Option<Level> {
        let before = self.said.iter().rfind(|said| at.saturating_since(said.at) >= DRAIN)?;
        let drained = u128::from(status.forwarded_bytes.saturating_sub(before.forwarded_bytes));
        let needed = u128::from(status.cached_bytes) * at.saturating_since(before.at).as_millis();
        let surely = |level: Duration| needed * 95 > level.as_millis() * drained * 100;
        let perhaps = |level: Duration| needed * 105 > level.as_millis() * drained * 100;
        match () {
            () if needed == 0 => Some(Level::Normal),
            () if surely(DRAIN_LEVELS.1) => Some(Level::Critical),
            () if perhaps(DRAIN_LEVELS.1) => None,
            () if surely(DRAIN_LEVELS.0) => Some(Level::Warning),
            () if perhaps(DRAIN_LEVELS.0) => None,
            () => Some(Level::Normal),
        }
    }

    /// What was said in the last quarter of an hour before it was heard of last, and once before.
    fn window(&self) -> Option<impl Iterator<Item = &Said>> {
        let heard = self.heard?;
        let first = self.said.iter().rposition(|said| heard.saturating_since(said.at) >= WINDOW)?;
        Some(self.said.iter().skip(first))
    }

    /// What it packed against what it can.
    fn processor(&self) -> Option<Level> {
        let first = self.window()?.next()?;
        let secs = self.heard?.saturating_since(first.at).as_secs();
        let can = self.status.packs_bytes_per_sec?.saturating_mul(secs);
        level_of_load(self.status.packed_bytes.saturating_sub(first.packed_bytes), can)
    }

    /// What was under way, on average, against what it has.
    fn memory(&self) -> Option<Level> {
        let has = self.status.memory_bytes?;
        let under_way = self.window()?.map(|said| said.under_way_bytes);
        let (count, sum) = under_way.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
        level_of_load(sum / u64::max(count, 1), has)
    }
}

/// The level of a part of a whole, unless it is near another one.
fn level_of_load(part: u64, whole: u64) -> Option<Level> {
    let percent = u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX);
    let level = |percent: u64| match percent {
        _ if percent > LOAD_LEVELS.1 => Level::Critical,
        _ if percent > LOAD_LEVELS.0 => Level::Warning,
        _ => Level::Normal,
    };
    let (least, most) = (percent.saturating_sub(LOAD_NEAR), percent.saturating_add(LOAD_NEAR));
    (level(least) == level(most)).then(|| level(percent))
}

impl<C: Simulated> World<C> {
    pub(super) fn judge_told_of_servers(&mut self) {
        let now = self.now();
        let tolerance = GRACE + self.clock_spread();
        let is_looked_at = self.spec().machines.len() as u32;
        let is_looked_at = (0..is_looked_at).any(|machine| self.direction(MachineId(machine)).is_some());
        let near = NEAR + self.clock_spread();
        // By a clock that jumps nobody knows when the vault looked.
        let has_jumped = !self.clock_spread().is_zero();
        let mut found = Vec::new();
        for (number, server) in &mut self.judges.told.servers {
            for figure in FIGURES {
                let level = match figure {
                    ServerFigure::Heartbeat => heartbeat(server.heard, now, near).filter(|_| is_looked_at),
                    ServerFigure::CacheSpace => server.heard.map(|_| server.cache_space()),
                    ServerFigure::DrainTime => server.drain_time(now).filter(|_| !has_jumped),
                    ServerFigure::Processor => server.processor().filter(|_| !has_jumped),
                    ServerFigure::Memory => server.memory().filter(|_| !has_jumped),
                };
                let Some(level) = level else {
                    server.sure.remove(&figure);
                    continue;
                };
                let sure = server.sure.entry(figure).or_insert((level, now));
                let since = if sure.0 == level { sure.1 } else { now };
                *sure = (level, since);
                let shown = server.shown.get(&figure).copied().unwrap_or_default();
                if shown != level && now.saturating_since(since) >= tolerance {
                    server.sure.remove(&figure);
                    found.push((*number, figure, shown, level));
                }
            }
        }
        self.judges.looked(Judge::HonestHealth);
        for (number, figure, shown, level) in found {
            let (figure, shown, level) =
                (words::server_figure(figure), words::level(shown), words::level(level));
            let what = format!("of process server {number} it is told: {figure} {shown}, and it is {level}");
            self.found(Judge::HonestHealth, what);
        }
    }
}

/// Who was never heard of is not missed.
fn heartbeat(heard: Option<SimTime>, now: SimTime, near: Duration) -> Option<Level> {
    let silence = now.saturating_since(heard?);
    match () {
        () if silence >= SILENT_AFTER + near => Some(Level::Critical),
        () if silence + near < SILENT_AFTER => Some(Level::Normal),
        () => None,
    }
}
