//! Which share of a campaign's seeds this process takes.
//!
//! Owns the rule (every *n*-th seed, so that slow regions spread), how a share is written, and what the engines that
//! start shards say in the environment. Refuses to read the environment itself.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The most shards of a campaign: as many as an indexed job of Kubernetes may have.
pub const SHARDS_MAX: u32 = 100_000;

/// Share *index* of *count*, written `index/count` and counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// A share that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShardError {
    /// Not of the form `i/n`.
    #[error("a shard is written i/n with whole numbers, such as 0/8; `{0}` is not")]
    NotAShard(String),
    /// No shards, or too many.
    #[error("a campaign has 1 to {SHARDS_MAX} shards, not {0}")]
    Count(u64),
    /// Not one of them.
    #[error("shards of {count} are counted from 0 to {}, so there is no shard {index}", .count - 1)]
    OutOfRange {
        /// The index that was asked for.
        index: u64,
        /// How many shards there are.
        count: u32,
    },
    /// A variable that holds something else than a number.
    #[error("{name} holds `{value}`, expected a whole number")]
    NotANumber {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// One variable without its companion.
    #[error("{present} is set but {missing} is not: the number of shards is not known")]
    Alone {
        /// The variable that is set.
        present: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// An index below the first.
    #[error("{name} is counted from 1, so it cannot be 0")]
    CountedFromOne {
        /// The variable.
        name: &'static str,
    },
    /// Two engines speak at once.
    #[error("both {0} and {1} are set: say which shard this is with --shard")]
    Ambiguous(&'static str, &'static str),
    /// An array whose tasks are not numbered evenly.
    #[error(
        "the tasks of the array ({min} to {max} in steps of {step}) are not {count}: number them in even steps, such as --array=0-63"
    )]
    UnevenArray {
        /// The smallest number.
        min: u64,
        /// The greatest.
        max: u64,
        /// From one to the next.
        step: u64,
        /// How many there are.
        count: u64,
    },
}

/// What an engine that starts shards sets for each of them.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";
const SLURM: &str = "SLURM_ARRAY_TASK_ID";
const CI: &str = "CI_NODE_INDEX";

impl Shard {
    /// The whole campaign.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Share `index` of `count`, counted from 0.
    ///
    /// # Errors
    /// [`ShardError`] when there is no such share.
    pub fn new(index: u64, count: u64) -> Result<Self, ShardError> {
        let fits = u32::try_from(count).ok().filter(|count| (1..=SHARDS_MAX).contains(count));
        let count = fits.ok_or(ShardError::Count(count))?;
        match u32::try_from(index) {
            Ok(index) if index < count => Ok(Self { index, count }),
            _ => Err(ShardError::OutOfRange { index, count }),
        }
    }

    /// Which share, counted from 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Of how many.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// How many of the seeds from `first` to before `end` it takes.
    #[must_use]
    pub const fn len(self, first: u64, end: u64) -> u64 {
        let all = end.saturating_sub(first);
        let (index, count) = (self.index as u64, self.count as u64);
        all / count + (all % count > index) as u64
    }

    /// The seed at a place in this share. The place is below [`Shard::len`].
    #[must_use]
    pub const fn seed(self, first: u64, place: u64) -> u64 {
        first + self.index as u64 + place * self.count as u64
    }

    /// Whether it takes a seed, which is not before `first`.
    #[must_use]
    pub const fn takes(self, first: u64, seed: u64) -> bool {
        (seed - first) % self.count as u64 == self.index as u64
    }

    /// The share that the surroundings ask for; `None` when they say nothing.
    ///
    /// - Kubernetes Indexed Job: `JOB_COMPLETION_INDEX`, with `JOB_COMPLETIONS` or `SWITCHBACK_SHARDS`, which the
    ///   manifest has to set.
    /// - Slurm array: `SLURM_ARRAY_TASK_ID` with `SLURM_ARRAY_TASK_COUNT`, and `_MIN`, `_MAX`, `_STEP` where set.
    /// - CI: `CI_NODE_INDEX`, counted from 1 as GitLab does, with `CI_NODE_TOTAL`.
    ///
    /// `get` gives the value of a variable.
    ///
    /// # Errors
    /// [`ShardError`] when a variable holds nonsense, lacks its companion, or two engines speak at once.
    pub fn from_environment(get: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, ShardError> {
        let set: Vec<&'static str> =
            [KUBERNETES, SLURM, CI].into_iter().filter(|name| get(name).is_some()).collect();
        match set[..] {
            [] => Ok(None),
            [KUBERNETES] => kubernetes(get).map(Some),
            [SLURM] => slurm(get).map(Some),
            [_] => ci(get).map(Some),
            [one, other, ..] => Err(ShardError::Ambiguous(one, other)),
        }
    }
}

type Get<'a> = &'a dyn Fn(&str) -> Option<String>;

fn kubernetes(get: Get<'_>) -> Result<Shard, ShardError> {
    let index = needed(get, KUBERNETES, KUBERNETES)?;
    let count = match number(get, "JOB_COMPLETIONS")? {
        Some(count) => count,
        None => needed(get, "SWITCHBACK_SHARDS", KUBERNETES)?,
    };
    Shard::new(index, count)
}

fn slurm(get: Get<'_>) -> Result<Shard, ShardError> {
    let id = needed(get, SLURM, SLURM)?;
    let count = needed(get, "SLURM_ARRAY_TASK_COUNT", SLURM)?;
    let min = number(get, "SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
    let step = number(get, "SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
    let max = number(get, "SLURM_ARRAY_TASK_MAX")?;
    let uneven = |max| ShardError::UnevenArray { min, max, step, count };
    if let Some(max) = max
        && max.checked_sub(min).is_none_or(|span| span % step != 0 || span / step + 1 != count)
    {
        return Err(uneven(max));
    }
    let offset = id.checked_sub(min).filter(|offset| offset % step == 0);
    Shard::new(offset.ok_or_else(|| uneven(max.unwrap_or(id)))? / step, count)
}

fn ci(get: Get<'_>) -> Result<Shard, ShardError> {
    let index = needed(get, CI, CI)?;
    let count = needed(get, "CI_NODE_TOTAL", CI)?;
    match index.checked_sub(1) {
        Some(index) => Shard::new(index, count),
        None => Err(ShardError::CountedFromOne { name: CI }),
    }
}

/// A variable that must be there because another one is.
fn needed(get: Get<'_>, name: &'static str, present: &'static str) -> Result<u64, ShardError> {
    number(get, name)?.ok_or(ShardError::Alone { present, missing: name })
}

fn number(get: Get<'_>, name: &'static str) -> Result<Option<u64>, ShardError> {
    let Some(value) = get(name) else { return Ok(None) };
    match value.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(ShardError::NotANumber { name, value }),
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let not = || ShardError::NotAShard(text.to_owned());
        let whole = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            if digits { part.parse::<u64>().map_err(|_| not()) } else { Err(not()) }
        };
        let (index, count) = text.split_once('/').ok_or_else(not)?;
        Self::new(whole(index)?, whole(count)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Option<Shard>, ShardError> {
        let get = |name: &str| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        Shard::from_environment(&get)
    }

    fn shard(index: u32, count: u32) -> Shard {
        Shard { index, count }
    }

    #[test]
    fn shards_share_every_seed_once() {
        for count in [1, 3, 7, 64] {
            let mut seeds: Vec<u64> = (0..count)
                .map(|index| Shard::new(index, count).unwrap())
                .flat_map(|shard| (0..shard.len(5, 105)).map(move |place| shard.seed(5, place)))
                .collect();
            seeds.sort_unstable();
            assert_eq!(seeds, (5..105).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        assert_eq!("3/64".parse(), Ok(shard(3, 64)));
        assert_eq!(shard(3, 64).to_string(), "3/64");
    }

    #[test]
    fn a_shard_that_cannot_be_is_told() {
        let told = |text: &str| text.parse::<Shard>().unwrap_err().to_string();
        assert_eq!(told("8/8"), "shards of 8 are counted from 0 to 7, so there is no shard 8");
        assert_eq!(told("0/0"), "a campaign has 1 to 100000 shards, not 0");
        assert_eq!(told("0/100001"), "a campaign has 1 to 100000 shards, not 100001");
        for garbage in
            ["", "3", "3/", "/8", "-1/8", "+1/8", "1/8/9", "a/b", "1 / 8", "99999999999999999999/8"]
        {
            assert_eq!(garbage.parse::<Shard>(), Err(ShardError::NotAShard(garbage.to_owned())));
        }
    }

    #[test]
    fn each_engine_is_understood() {
        assert_eq!(from(&[]), Ok(None));
        assert_eq!(from(&[("CI_NODE_TOTAL", "1"), ("SWITCHBACK_SHARDS", "8")]), Ok(None));
        let kubernetes = [("JOB_COMPLETION_INDEX", "0"), ("SWITCHBACK_SHARDS", "64")];
        assert_eq!(from(&kubernetes), Ok(Some(shard(0, 64))));
        let kubernetes = [("JOB_COMPLETION_INDEX", "63"), ("JOB_COMPLETIONS", "64")];
        assert_eq!(from(&kubernetes), Ok(Some(shard(63, 64))));
        let slurm = [("SLURM_ARRAY_TASK_ID", "10"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        let uneven =
            [("SLURM_ARRAY_TASK_MIN", "4"), ("SLURM_ARRAY_TASK_MAX", "10"), ("SLURM_ARRAY_TASK_STEP", "2")];
        assert_eq!(from(&[&slurm[..], &uneven[..]].concat()), Ok(Some(shard(3, 4))));
        assert_eq!(from(&[("CI_NODE_INDEX", "8"), ("CI_NODE_TOTAL", "8")]), Ok(Some(shard(7, 8))));
    }

    #[test]
    fn an_engine_that_says_too_little_or_nonsense_is_told() {
        let alone = |present, missing| Err(ShardError::Alone { present, missing });
        assert_eq!(from(&[("JOB_COMPLETION_INDEX", "1")]), alone(KUBERNETES, "SWITCHBACK_SHARDS"));
        assert_eq!(from(&[("SLURM_ARRAY_TASK_ID", "1")]), alone(SLURM, "SLURM_ARRAY_TASK_COUNT"));
        assert_eq!(from(&[("CI_NODE_INDEX", "1")]), alone(CI, "CI_NODE_TOTAL"));
        let zero = from(&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")]);
        assert_eq!(zero, Err(ShardError::CountedFromOne { name: CI }));
        let beyond = from(&[("JOB_COMPLETION_INDEX", "8"), ("SWITCHBACK_SHARDS", "8")]);
        assert_eq!(beyond, Err(ShardError::OutOfRange { index: 8, count: 8 }));
        let value = "many".to_owned();
        let nonsense = from(&[("JOB_COMPLETION_INDEX", "8"), ("SWITCHBACK_SHARDS", "many")]);
        assert_eq!(nonsense, Err(ShardError::NotANumber { name: "SWITCHBACK_SHARDS", value }));
        let two = from(&[("JOB_COMPLETION_INDEX", "8"), ("CI_NODE_INDEX", "8")]);
        assert_eq!(two, Err(ShardError::Ambiguous(KUBERNETES, CI)));
    }

    /// With --array=1,3,7 the second task would take another share than its place among the three.
    #[test]
    fn an_array_with_holes_is_told() {
        let array = [
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_MAX", "7"),
        ];
        let uneven = ShardError::UnevenArray { min: 1, max: 7, step: 1, count: 3 };
        assert_eq!(from(&array), Err(uneven));
    }
}
