//! The command line.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use switchback_serve::Pace;

use crate::explore::span;

/// Rehearse disaster recovery: VMware to Azure and home again.
///
/// Exit codes: 0 all expectations held; 1 unexpected; 2 usage; 10 scenario invalid; 20 a safety property failed;
/// 21 it did not converge; 22 an objective (RPO, RTO, loss) was missed; 23 a campaign is incomplete; 30 not
/// deterministic.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run drills and judge them.
    Run(RunArgs),
    /// Draw scenarios by chance, or enumerate them, and shrink what fails.
    Explore(Box<crate::explore::ExploreArgs>),
    /// Run failures that were kept, or scenarios, again; or step through one.
    Replay(ReplayArgs),
    /// Verify and compare the reports that `run --report` wrote.
    Report(Box<crate::report::Args>),
    /// Put the emulators of a scenario behind HTTP and HTTPS on loopback, for real clients.
    Serve(ServeArgs),
    /// Walk a scenario's steps in a vault: the served one, or a real one.
    Drill(Box<crate::drill::DrillArgs>),
    /// Say what an estate needs for its objectives: bandwidth, process servers, disks, time.
    Plan(Box<crate::plan::PlanArgs>),
    /// Check scenario files without running them.
    Check(CheckArgs),
    /// Print the JSON schema of scenario files.
    Schema,
    /// Write a commented scenario to begin with.
    New(crate::new::NewArgs),
    /// Say what an error code, a judge or an exit code means.
    Explain(crate::explain::ExplainArgs),
    /// Print what completes the command in a shell.
    Completions(crate::complete::CompletionsArgs),
    /// Print or write manual pages.
    Man(crate::complete::ManArgs),
    #[command(flatten)]
    Live(crate::live::LiveCommand),
}

/// Which drills to run, and where to report.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Scenario files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Play this recorded block trace in place of the one that the scenario names.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace_file: Option<PathBuf>,
    /// Use this seed in place of the scenario's.
    #[arg(long, value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Run each drill twice and demand the same digest.
    #[arg(long)]
    pub(crate) twice: bool,
    /// Really run the scripts of recovery plans: programs, beginning at the folder of the scenario file, and web hooks. In
    /// the drill each takes the time that the scenario says, and ends as it really ended.
    #[arg(long, conflicts_with = "twice")]
    pub(crate) run_scripts: bool,
    /// Give a script up that has not ended after this real time; Azure Automation does so after three hours.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "3h", requires = "run_scripts")]
    pub(crate) script_timeout: Duration,
    /// Print one line for each drill.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Write everything that came out as JSON; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the verdicts as JUnit XML; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the last drill as trace events, for Perfetto or another trace viewer; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Write a folder with everything that shows what was rehearsed: a page to read and print, the data behind it, and hashes of
    /// all of it. With several scenarios there is a folder for each in it. An older report there is replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
}

/// The name of a report that goes to standard output.
pub(crate) const STDOUT: &str = "-";

impl Args {
    /// What was asked for. Ends the process, as clap does, when it cannot be understood.
    pub(crate) fn parse_or_exit() -> Self {
        let args = Self::parse();
        if let Command::Run(run) = &args.command
            && run.reports_on_stdout() > 1
        {
            let message = "only one of --json, --junit and --trace can go to standard output";
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        args
    }
}

impl RunArgs {
    /// How many reports go to standard output.
    pub(crate) fn reports_on_stdout(&self) -> usize {
        let reports = [&self.json, &self.junit, &self.trace];
        reports.into_iter().flatten().filter(|path| *path == Path::new(STDOUT)).count()
    }
}

/// What to run again, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Folders of bugs, bug bases, or scenario files.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Print the timeline and the verdicts too.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Step through one bug or scenario, with commands from standard input; `?` lists them.
    #[arg(long)]
    pub(crate) step: bool,
}

/// What to serve, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// A scenario file: its site and its region are served; nobody walks its timeline.
    pub(crate) file: PathBuf,
    /// The address to listen at. Whoever reaches it can do everything: there are no passwords.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) listen: IpAddr,
    /// The port; 0 for any that is free.
    #[arg(long, default_value_t = 8443)]
    pub(crate) port: u16,
    /// How time passes: `instant` (it jumps to what happens next whenever a client waits), `real`, or so many times as fast, such
    /// as `60x`.
    #[arg(long, value_name = "PACE", value_parser = pace, default_value = "instant")]
    pub(crate) time: Pace,
    /// Have this ESXi host answer vSphere's requests for itself, in place of the vCenter.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// Write the certificate of the authority that clients are to trust here.
    #[arg(long, value_name = "FILE", default_value = "switchback-ca.pem")]
    pub(crate) ca_file: PathBuf,
    /// Write the address here as soon as requests are answered.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

fn pace(text: &str) -> Result<Pace, String> {
    let wanted = || "expected `instant`, `real`, or a whole number and an x, such as 60x".to_owned();
    match text {
        "instant" => Ok(Pace::Instant),
        "real" => Ok(Pace::Times(1)),
        _ => {
            let factor = text.strip_suffix('x').and_then(|number| number.parse().ok());
            factor.filter(|factor| *factor > 0).map(Pace::Times).ok_or_else(wanted)
        }
    }
}

/// Which files to check.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Scenario files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// How to print what is wrong.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs, with spans.
    Json,
}

pub(crate) fn seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "expected a whole number, such as 42 or 0x5eed".to_owned())
}
