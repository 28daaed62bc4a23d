//! `switchback explore merge`: puts the shards of a campaign together and says what came out.
//!
//! Only calls, prints and chooses the exit code; what belongs together is decided by the harness.

use std::path::PathBuf;

use switchback_harness::campaign::{
    Campaign, MergeError, Merged, Refusal, merge as merge_shards, result, write_csv,
};
use switchback_harness::check::Judge;

use crate::exit::Exit;
use crate::say;

/// Which shards to put together, and where to report.
#[derive(Debug, clap::Args)]
pub(crate) struct MergeArgs {
    /// Folders that are searched for files of rows, or the files themselves.
    #[arg(required = true, value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// The campaign they must belong to; without it, the first file says which one it is.
    #[arg(long, value_name = "FILE")]
    campaign: Option<PathBuf>,
    /// How many failing seeds to list for each judge.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    most: usize,
    /// Write the rows as comma-separated values.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the rows as Parquet.
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "FILE")]
    parquet: Option<PathBuf>,
}

/// Puts shards together and prints the table.
pub(crate) fn merge(args: &MergeArgs) -> anyhow::Result<Exit> {
    let campaign = match args.campaign.as_deref().map(Campaign::read).transpose() {
        Ok(campaign) => campaign,
        Err(error) => {
            say::talk(&format!("switchback: {:#}", anyhow::Error::from(error)));
            return Ok(Exit::InvalidScenario);
        }
    };
    let merged = match merge_shards(&args.paths, campaign.as_ref()) {
        Ok(merged) => merged,
        Err(error) => {
            let exit = refused(&error);
            say::talk(&format!("switchback: {:#}", anyhow::Error::from(error)));
            return Ok(exit);
        }
    };
    let judges = Judge::ALL.map(Judge::title);
    say::raw(merged.table(&judges, args.most).as_bytes())?;
    write_tables(args, &merged)?;
    Ok(verdict(&merged))
}

fn write_tables(args: &MergeArgs, merged: &Merged) -> anyhow::Result<()> {
    if let Some(file) = &args.csv {
        write_csv(&merged.rows, file)?;
    }
    #[cfg(feature = "parquet")]
    if let Some(file) = &args.parquet {
        switchback_harness::campaign::write_parquet(&merged.rows, file)?;
    }
    Ok(())
}

/// What cannot be put together: two results for a seed, files that do not belong, or files that are not there.
fn refused(error: &MergeError) -> Exit {
    match error {
        MergeError::NotDeterministic(_) => Exit::NotDeterministic,
        MergeError::Refused(files) if files.iter().any(|file| matches!(file, Refusal::Damaged(_))) => {
            Exit::Unexpected
        }
        MergeError::Refused(_) => Exit::InvalidScenario,
        MergeError::Read { .. } | MergeError::Nothing { .. } | MergeError::NoPath => Exit::Unexpected,
    }
}

/// The worst result of a run. Nothing is said about a campaign of which a part is missing, or is not exactly known.
fn verdict(merged: &Merged) -> Exit {
    if !merged.is_complete() || merged.digest().is_none() {
        return Exit::Incomplete;
    }
    let worst = result::ALL.into_iter().rev().find(|(code, _)| merged.count(*code) > 0);
    match worst.map(|(code, _)| code) {
        Some(result::SAFETY_FAILED) => Exit::SafetyFailed,
        Some(result::DID_NOT_CONVERGE) => Exit::DidNotConverge,
        Some(result::OBJECTIVE_MISSED) => Exit::ObjectiveMissed,
        _ => Exit::Held,
    }
}
