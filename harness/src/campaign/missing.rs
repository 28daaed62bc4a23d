//! Which seeds of a campaign have no row, as few ranges as the shards allow.
//!
//! A shard takes every *n*-th seed, so one that is missing is no range of seeds but a range of its places.

use std::fmt;

use super::row::Row;
use super::shard::Shard;

/// Seeds of a shard that have no row, and between which there is none that has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Of which shard; the whole campaign when its files do not agree about the number of shards.
    pub shard: Shard,
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// How many.
    pub count: u64,
}

/// What is missing of the seeds from `first` to before `end`, by shard and seed. The rows are sorted by seed.
pub(super) fn missing(rows: &[Row], first: u64, end: u64, shards: u32) -> Vec<Missing> {
    let step = u64::from(shards);
    let mut places: Vec<Vec<u64>> = vec![Vec::new(); shards as usize];
    for row in rows {
        let offset = row.seed - first;
        places[(offset % step) as usize].push(offset / step);
    }
    let mut all = Vec::new();
    for (index, places) in (0..).zip(places) {
        let Ok(shard) = Shard::new(index, step) else { continue };
        let mut next = 0;
        for place in places.into_iter().chain([shard.len(first, end)]) {
            if place > next {
                let (first, last) = (shard.seed(first, next), shard.seed(first, place - 1));
                all.push(Missing { shard, first, last, count: place - next });
            }
            next = place + 1;
        }
    }
    all
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard, first, last, count } = self;
        match (shard.count(), count) {
            (1, 1) => write!(f, "seed {first}"),
            (1, _) => write!(f, "seeds {first} to {last} ({count})"),
            (_, 1) => write!(f, "shard {shard}: seed {first}"),
            (step, _) => write!(f, "shard {shard}: seeds {first} to {last} in steps of {step} ({count})"),
        }
    }
}
