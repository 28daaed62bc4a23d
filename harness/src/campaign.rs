//! Campaigns: very many independent runs, spread over cores and machines that need not talk, and put together again.
//!
//! A campaign is a file that says which seeds there are and what every run depends on ([`Campaign`]). A shard
//! ([`Shard`]) takes its share of the seeds and writes one [`Row`] for each ([`run_shard`]). Merging ([`merge()`]) puts any
//! set of shards together, refuses what does not belong and says what is missing. Whatever the number of shards,
//! their order, kills and repeats, a finished campaign has one [`CampaignDigest`].
//!
//! Refuses to know what a run is: whoever runs one implements [`SeedRunner`]. Reads no clock; what limits a run in
//! time is the caller's stop flag.

mod coverage;
mod digest;
mod file;
mod histogram;
mod merge;
mod missing;
mod pool;
mod report;
mod row;
mod shard;
mod shard_file;
mod store;
mod tables;

pub use coverage::Coverage;
pub use digest::CampaignDigest;
pub use file::{Campaign, CampaignError, CampaignId, CampaignSpec};
pub use histogram::Histogram;
pub use merge::{Disagreement, MergeError, Merged, Refusal, merge};
pub use missing::Missing;
pub use pool::{Lost, Progress, RunError, RunOptions, ShardSummary, run_shard};
pub use report::Failing;
pub use row::{ROW_BYTES, Row, RowError, result};
pub use shard::{SHARDS_MAX, Shard, ShardError};
pub use shard_file::{ShardFile, ShardFileError, ShardProblem};
pub use store::WriteError;
#[cfg(feature = "parquet")]
pub use tables::write_parquet;
pub use tables::{TableError, write_csv};

/// Runs one seed.
///
/// The result depends on the seed and the campaign only: not on the shard, the thread, the time of day or what ran
/// before. [`merge()`] fails a campaign that shows otherwise.
pub trait SeedRunner: Sync {
    /// Runs a seed. Called from several threads at once. A panic loses this seed's row and nothing else.
    fn run(&self, seed: u64) -> SeedResult;
}

/// What came out of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedResult {
    /// Its figures. [`Row::seed`] is the seed that was asked for.
    pub row: Row,
    /// What the run reached.
    pub coverage: Coverage,
}
