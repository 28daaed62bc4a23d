//! One shard of a campaign.

use std::path::PathBuf;

use switchback_harness::campaign::{Campaign, RunError, RunOptions, Shard, result, run_shard};
use switchback_harness::explore::{Explorer, GENERATOR_VERSION, Weights};
use switchback_scenarios::{Exploration, Report, read_exploration_str};

use super::args::ExploreArgs;
use super::hunt::exit_of;
use super::watch::Watch;
use crate::check::print_report;
use crate::exit::Exit;
use crate::say;

/// A shard that is killed loses no more than so many runs.
const CHECKPOINT_EVERY: u64 = 2000;

pub(super) fn share(args: &ExploreArgs) -> anyhow::Result<Exit> {
    let (campaign, shard) = match prepare(args) {
        Ok(prepared) => prepared,
        Err(error) => {
            say::talk(&format!("switchback: {error:#}"));
            return Ok(Exit::InvalidScenario);
        }
    };
    let explorer = match explorer_of(&campaign) {
        Ok(explorer) => explorer,
        Err(report) => {
            print_report(&report);
            return Ok(Exit::InvalidScenario);
        }
    };
    if !args.only.is_empty() {
        return super::only::only(args, &explorer);
    }
    let mut watch = Watch::new(args.time, false, args.quiet);
    let stop = core::sync::atomic::AtomicBool::new(false);
    let options = RunOptions {
        jobs: args.jobs(),
        max_runs: None,
        checkpoint_every: CHECKPOINT_EVERY,
        host: host(),
        stop: &stop,
    };
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("rows"));
    let summary = run_shard(&campaign, shard, &explorer, &folder, &options, &mut |progress| {
        watch.tell(progress);
        stop.fetch_or(watch.is_stopped(), core::sync::atomic::Ordering::Relaxed);
    });
    watch.finish();
    let summary = match summary {
        Ok(summary) => summary,
        Err(error) => {
            let exit = if matches!(error, RunError::Stranger { .. }) {
                Exit::InvalidScenario
            } else {
                Exit::Unexpected
            };
            say::talk(&format!("switchback: {:#}", anyhow::Error::from(error)));
            return Ok(exit);
        }
    };
    for lost in &summary.lost {
        say::talk(&format!("switchback: no result: seed {:#x}: {}", lost.seed, lost.reason));
    }
    let rows = &summary.shard.rows;
    let failed = rows.iter().filter(|row| row.result != result::HELD).count();
    let seconds = watch.elapsed().as_secs_f64().max(0.001);
    say::result(&format!(
        "shard {shard}: {} runs now ({:.0} a second), {} in all, {failed} failed, {} missing; {}",
        summary.ran,
        summary.ran as f64 / seconds,
        rows.len(),
        summary.missing(),
        summary.file.display()
    ))?;
    if summary.missing() > 0 {
        return Ok(Exit::Incomplete);
    }
    Ok(rows.iter().fold(Exit::Held, |exit, row| exit.worse(exit_of(row.result))))
}

/// The campaign, if it is one of this program's, and the shard.
fn prepare(args: &ExploreArgs) -> anyhow::Result<(Campaign, Shard)> {
    let file = args.campaign.clone().unwrap_or_default();
    let campaign = Campaign::read(&file)?;
    let spec = campaign.spec();
    let (made, ours) = (&spec.generator_version, GENERATOR_VERSION.to_string());
    anyhow::ensure!(
        *made == ours && spec.tool_version == env!("CARGO_PKG_VERSION"),
        "{}: made for version {} with generator {made}, this is version {} with generator {ours}: its seeds mean other runs here",
        file.display(),
        spec.tool_version,
        env!("CARGO_PKG_VERSION")
    );
    let said = Shard::from_environment(&|name| std::env::var(name).ok())?;
    Ok((campaign, args.shard.or(said).unwrap_or(Shard::WHOLE)))
}

fn explorer_of(campaign: &Campaign) -> Result<Explorer, Report> {
    let spec = campaign.spec();
    let ranges = match &*spec.exploration {
        "" => Exploration::any(),
        text => read_exploration_str(&spec.name, text)?,
    };
    Ok(Explorer { ranges, weights: Weights::from(spec.weights.clone()) })
}

/// What is worth noting about this machine.
fn host() -> std::collections::BTreeMap<String, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    [("cores".to_owned(), cores.to_string()), ("os".to_owned(), std::env::consts::OS.to_owned())].into()
}
