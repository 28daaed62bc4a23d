//! What is asked of a plan.

use core::time::Duration;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The line in bits a second; that of the scenario if it is not said.
    pub bandwidth: Option<u64>,
    /// The objectives, each not zero.
    pub objectives: Vec<Duration>,
    /// Simulated time of every run after the first copy, at least an hour.
    pub lasting: Option<Duration>,
    /// From batch to batch, 1 minute to 1 hour; `None` runs every write by itself.
    pub batch_every: Option<Duration>,
    /// The most runs that look for bandwidths.
    pub runs_max: usize,
    /// What the method of a spreadsheet adds to the churn, in percent.
    pub growth_percent: u64,
    /// How many bytes of memory runs may take.
    pub memory_max: u64,
    /// Whether the engine is run at all.
    pub runs: bool,
}

impl Default for Options {
    /// 15, 30 and 60 minutes, batches of a minute, 24 runs, 30 % of growth, 2 GiB.
    fn default() -> Self {
        Self {
            bandwidth: None,
            objectives: [15, 30, 60].map(Duration::from_mins).to_vec(),
            lasting: None,
            batch_every: Some(Duration::from_mins(1)),
            runs_max: 24,
            growth_percent: 30,
            memory_max: 2 << 30,
            runs: true,
        }
    }
}
