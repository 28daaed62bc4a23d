//! The ranges that scenarios are drawn from.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::model::Scenario;
use crate::model::words::{FaultWord, JourneyWord, Judge};
use crate::units::{DurationRange, Ratio};

/// What an exploration draws its scenarios from. Every range has its smaller end first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exploration {
    /// The file as the caller named it; empty when there is none.
    pub file: String,
    /// The text of the file.
    pub text: Arc<str>,
    /// The version of the language, [`Scenario::VERSION`].
    pub version: u32,
    /// Its name, kebab-case.
    pub name: String,
    /// What it looks for, for people.
    pub summary: String,
    /// The number of machines, within [`Exploration::VMS`].
    pub vms: RangeInclusive<u32>,
    /// The number of disks of a machine, within [`Exploration::DISKS`].
    pub disks_per_vm: RangeInclusive<u32>,
    /// The bandwidth of the WAN in bits a second, not zero.
    pub bandwidth: RangeInclusive<u64>,
    /// The latency of the WAN, one way, at most a minute.
    pub latency: DurationRange,
    /// The share of messages the WAN loses, below one, the smaller first.
    pub loss: (Ratio, Ratio),
    /// Bytes a machine writes a second, not zero.
    pub churn: RangeInclusive<u64>,
    /// Simulated time from t0 to the last step, a minute or more.
    pub lasts: DurationRange,
    /// The number of steps of the journey, within [`Exploration::STEPS`].
    pub steps: RangeInclusive<u32>,
    /// Exactly this walk, a legal one, not empty; `None` is any legal walk. `steps` is its length then.
    pub journey: Option<Vec<JourneyWord>>,
    /// The number of faults, within [`Exploration::FAULTS`].
    pub faults: RangeInclusive<u32>,
    /// The kinds of fault, without repetition, not empty.
    pub kinds: Vec<FaultWord>,
    /// How long a run may take to come to rest after its last fault, a second or more.
    pub heal_within: Duration,
    /// The judges that watch, without repetition; all of them if the file names none.
    pub always: Vec<Judge>,
}

impl Exploration {
    /// How many machines are possible, and the default.
    pub const VMS: RangeInclusive<u32> = 1..=8;
    /// How many disks a machine can have here, and the default.
    pub const DISKS: RangeInclusive<u32> = 1..=6;
    /// How many steps of a journey are possible.
    pub const STEPS: RangeInclusive<u32> = 0..=100;
    /// How many faults are possible.
    pub const FAULTS: RangeInclusive<u32> = 0..=100;

    /// All defaults, without a file.
    pub fn any() -> Self {
        Self {
            file: String::new(),
            text: "".into(),
            version: Scenario::VERSION,
            name: "any".to_owned(),
            summary: "Any site, any journey, any faults.".to_owned(),
            vms: Self::VMS,
            disks_per_vm: Self::DISKS,
            bandwidth: 5_000_000..=1_000_000_000,
            latency: DurationRange { min: Duration::from_millis(1), max: Duration::from_millis(200) },
            loss: (Ratio::ZERO, Ratio { n: 5, d: 100 }),
            churn: 128..=64 << 10,
            lasts: DurationRange { min: Duration::from_mins(2), max: Duration::from_hours(3) },
            steps: 1..=12,
            journey: None,
            faults: 0..=6,
            kinds: FaultWord::ALL.to_vec(),
            heal_within: Duration::from_hours(4),
            always: Judge::ALL.to_vec(),
        }
    }
}
