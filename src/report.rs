//! `switchback report`: verifies and compares what `switchback run --report` wrote.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use switchback_evidence::verify::{reports_in, verify};
use switchback_evidence::{compare, folder, read};
use switchback_harness::Outcome;
use switchback_harness::report::plain;
use switchback_scenarios::Scenario;

use crate::exit::Exit;
use crate::say;

/// What to do with reports.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say what was changed in a report since it was written. Exit code 1 if anything was.
    Verify {
        /// The folder of a report, or of several.
        folder: PathBuf,
    },
    /// Say in which verdicts, RPO, RTO and steps two reports differ.
    Diff {
        /// The folder of the first report.
        one: PathBuf,
        /// The folder of the second.
        other: PathBuf,
    },
    /// Print one line for each report, in the order given.
    Trend {
        /// Folders of reports.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
}

/// Carries it out.
pub(crate) fn report(args: &Args) -> anyhow::Result<Exit> {
    match &args.command {
        Command::Verify { folder } => verify_all(folder),
        Command::Diff { one, other } => {
            let lines = compare::differences(&read::record(one)?, &read::record(other)?);
            if lines.is_empty() {
                say::result("no difference")?;
            }
            lines.iter().try_for_each(|line| say::result(line))?;
            Ok(Exit::Held)
        }
        Command::Trend { folders } => {
            let mut reports = Vec::new();
            for folder in folders {
                for report in reports_in(folder)? {
                    reports.push((report.display().to_string(), read::record(&report)?));
                }
            }
            say::result(compare::trend(&reports).trim_end())?;
            Ok(Exit::Held)
        }
    }
}

fn verify_all(folder: &Path) -> anyhow::Result<Exit> {
    let mut exit = Exit::Held;
    for report in reports_in(folder)? {
        let verified = verify(&report)?;
        let name = plain::line(&report.display().to_string());
        if verified.changes.is_empty() {
            say::result(&format!("whole    {name}  manifest {}", verified.manifest_sha256))?;
            continue;
        }
        exit = Exit::Unexpected;
        say::result(&format!("CHANGED  {name}"))?;
        verified.changes.iter().try_for_each(|change| say::result(&format!("  {}", plain::line(change))))?;
    }
    Ok(exit)
}

/// Writes the reports of drills, and says where.
pub(crate) fn write(folder: &Path, scenarios: &[Arc<Scenario>], outcomes: &[Outcome]) -> anyhow::Result<()> {
    let drills: Vec<(&Scenario, &Outcome)> = scenarios.iter().map(AsRef::as_ref).zip(outcomes).collect();
    if drills.is_empty() {
        return Ok(());
    }
    folder::write(folder, &drills)?;
    let page = if drills.len() == 1 { folder.join("report.html") } else { folder.to_owned() };
    say::talk(&format!("report: {}", page.display()));
    Ok(())
}
