//! The command line of `switchback explore`.

use core::num::NonZeroUsize;
use core::time::Duration;
use std::path::PathBuf;

use anyhow::Context as _;
use switchback_harness::campaign::Shard;
use switchback_harness::explore::enumerate::Bound;
use switchback_scenarios::{Exploration, Report, read_exploration};

use super::merge::MergeArgs;
use crate::args::seed;

/// Draw scenarios, run them under all judges, shrink what fails.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ExploreArgs {
    /// What to do instead.
    #[command(subcommand)]
    pub(crate) command: Option<ExploreCommand>,
    /// A scenario file with ranges; without one, anything is drawn.
    pub(crate) ranges: Option<PathBuf>,
    /// How many runs.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) runs: u64,
    /// The first seed.
    #[arg(long, value_parser = seed, default_value = "1")]
    pub(crate) seed: u64,
    /// Only enumerate: every journey of up to STEPS steps with FAULTS faults (0, 1 or 2), and nothing by chance.
    #[arg(long, value_name = "STEPS,FAULTS", value_parser = bound)]
    pub(crate) enumerate: Option<Bound>,
    /// Stop at the first failure.
    #[arg(long)]
    pub(crate) until_failure: bool,
    /// Stop after this time, such as `10m`.
    #[arg(long, value_parser = span)]
    pub(crate) time: Option<Duration>,
    /// How many threads; all cores if not given.
    #[arg(long)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Keep failures here, and first run again what is here already.
    #[arg(long, value_name = "DIR")]
    pub(crate) bug_base: Option<PathBuf>,
    /// Shrink at most so many failures, each with another reason.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub(crate) shrink: usize,
    /// Stop shrinking a failure after this time.
    #[arg(long, value_parser = span, default_value = "60s")]
    pub(crate) shrink_time: Duration,
    /// Write what came out as one line of JSON; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// A campaign file; runs one shard of it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ranges", "enumerate", "until_failure"])]
    pub(crate) campaign: Option<PathBuf>,
    /// Which shard, as INDEX/COUNT with the index from 0. Default: what Kubernetes, Slurm or CI say, else all.
    #[arg(long, requires = "campaign")]
    pub(crate) shard: Option<Shard>,
    /// Run these seeds of the campaign only, keep no rows, and shrink what fails.
    #[arg(long, value_name = "SEEDS", value_parser = seed, value_delimiter = ',', requires = "campaign", conflicts_with_all = ["shard", "out"])]
    pub(crate) only: Vec<u64>,
    /// Where the rows of a shard go.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Say every step of shrinking, and list what was never reached.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Print the last line only.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What else there is to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ExploreCommand {
    /// Make a campaign file, leaning towards what a trial does not reach.
    Plan(PlanArgs),
    /// Put the shards of a campaign together.
    Merge(MergeArgs),
}

/// What a campaign is made of.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// The campaign file to write.
    pub(crate) out: PathBuf,
    /// A scenario file with ranges; without one, anything is drawn.
    #[arg(long, value_name = "FILE")]
    pub(crate) ranges: Option<PathBuf>,
    /// What people call it.
    #[arg(long, default_value = "campaign")]
    pub(crate) name: String,
    /// How many runs.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) runs: u64,
    /// The first seed.
    #[arg(long, value_parser = seed, default_value = "1")]
    pub(crate) seed: u64,
    /// How many runs tell what to lean towards; 0 leans nowhere.
    #[arg(long, default_value_t = 1000)]
    pub(crate) trial: u64,
    /// How many threads; all cores if not given.
    #[arg(long)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

impl ExploreArgs {
    /// The threads that were asked for, or one for each core.
    pub(crate) fn jobs(&self) -> NonZeroUsize {
        jobs(self.jobs)
    }
}

/// The threads that were asked for, or one for each core.
pub(super) fn jobs(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    asked.unwrap_or_else(cores)
}

/// The ranges of a file, or any.
pub(super) fn ranges(file: Option<&PathBuf>) -> Result<Exploration, Report> {
    file.map_or_else(|| Ok(Exploration::any()), |file| read_exploration(file))
}

pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let parse = || -> anyhow::Result<Duration> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().context("a whole number is wanted")?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => anyhow::bail!("the unit is one of s, m, h"),
        };
        Ok(Duration::from_secs(number.saturating_mul(seconds)))
    };
    parse().map_err(|error| format!("{error}, such as 90s or 10m"))
}

fn bound(text: &str) -> Result<Bound, String> {
    let parsed = text
        .split_once(',')
        .and_then(|(steps, faults)| Some(Bound { steps: steps.parse().ok()?, faults: faults.parse().ok()? }));
    let in_range = parsed.filter(|bound| (1..=8).contains(&bound.steps) && bound.faults <= 2);
    in_range
        .ok_or_else(|| "expected STEPS,FAULTS with 1 to 8 steps and 0 to 2 faults, such as 4,1".to_owned())
}
