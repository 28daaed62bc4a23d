//! `switchback plan`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use switchback_planner::measure::Measured;
use switchback_planner::tables::tables;
use switchback_planner::{Options, Plan, PlanError, html, plan as make, text, xlsx};
use switchback_scenarios::read_file;

use crate::args::STDOUT;
use crate::check::print_report;
use crate::exit::Exit;
use crate::explore::span;
use crate::run::write;
use crate::say;

/// Which estate to plan, and what is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// A scenario file: its machines and what they write. Its timeline and its faults do not count.
    pub(crate) file: PathBuf,
    /// An objective beside 30 and 60 minutes.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "15m")]
    pub(crate) rpo: Duration,
    /// The line to Azure, such as 400Mbps; that of the scenario where it is not said.
    #[arg(long, value_name = "BANDWIDTH", value_parser = bandwidth)]
    pub(crate) bandwidth: Option<u64>,
    /// Simulated time of each run after the first copy, an hour to 31 days. Without it: twice the longest cycle of bursts and traces, 4 to 48 hours.
    #[arg(long = "for", value_name = "TIME", value_parser = lasting)]
    pub(crate) lasting: Option<Duration>,
    /// What the machines write in so much time comes as one write, 1 minute to 1 hour.
    #[arg(long, value_name = "TIME", value_parser = batch, default_value = "1m")]
    pub(crate) batch_every: Duration,
    /// Run every write by itself: near the truth also where a line is nearly full, and many times slower.
    #[arg(long, conflicts_with = "batch_every")]
    pub(crate) each_write: bool,
    /// The most runs that look for bandwidths.
    #[arg(long, value_name = "COUNT", default_value_t = 24)]
    pub(crate) runs: usize,
    /// What the spreadsheet adds to the churn, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=1000))]
    pub(crate) growth: u64,
    /// The memory that runs may take, in MiB. What would take more is refused before it begins.
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(crate) memory: u64,
    /// Run nothing: limits, tiers, process servers and the spreadsheet only.
    #[arg(long)]
    pub(crate) without_runs: bool,
    /// Write the plan as JSON; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the plan as a page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the plan as a workbook.
    #[arg(long, value_name = "FILE")]
    pub(crate) xlsx: Option<PathBuf>,
}

/// Plans an estate.
pub(crate) fn plan(args: &PlanArgs) -> anyhow::Result<Exit> {
    let scenario = match read_file(&args.file) {
        Ok(scenario) => scenario,
        Err(report) => {
            print_report(&report);
            return Ok(Exit::InvalidScenario);
        }
    };
    let tell = |run: &Measured| {
        let rpo = run.rpo.map_or_else(|| "not protected".to_owned(), |rpo| format!("{} s", rpo.as_secs()));
        say::talk(&format!("run with {:.1} Mbps: {rpo}", run.bandwidth as f64 / 1e6));
    };
    match make(&scenario, &options(args), tell) {
        Ok(plan) => write_all(args, &plan),
        Err(error @ (PlanError::Memory { .. } | PlanError::Drill(_))) => {
            say::talk(&format!("switchback: {}: {error}", args.file.display()));
            Ok(Exit::InvalidScenario)
        }
        Err(error) => Err(error.into()),
    }
}

fn options(args: &PlanArgs) -> Options {
    let mut objectives = vec![args.rpo, Duration::from_mins(30), Duration::from_mins(60)];
    objectives.sort_unstable();
    objectives.dedup();
    Options {
        bandwidth: args.bandwidth,
        objectives,
        lasting: args.lasting,
        batch_every: (!args.each_write).then_some(args.batch_every),
        runs_max: args.runs,
        growth_percent: args.growth,
        memory_max: args.memory << 20,
        runs: !args.without_runs,
    }
}

fn write_all(args: &PlanArgs, plan: &Plan) -> anyhow::Result<Exit> {
    let tables = tables(plan);
    let words = text::text(&tables);
    let is_on_stdout =
        [&args.json, &args.html, &args.xlsx].into_iter().flatten().any(|file| file == Path::new(STDOUT));
    if is_on_stdout {
        say::talk(words.trim_end())
    } else {
        say::result(words.trim_end())?
    }
    if let Some(file) = &args.json {
        write(file, |out| Ok(serde_json::to_writer_pretty(out, plan)?))?;
    }
    if let Some(file) = &args.html {
        let page = html::page(&format!("Plan of {}", plan.scenario), &tables);
        write(file, |out| Ok(out.write_all(page.as_bytes())?))?;
    }
    if let Some(file) = &args.xlsx {
        let workbook = xlsx::xlsx(&tables)?;
        write(file, |out| Ok(out.write_all(&workbook)?))?;
    }
    Ok(Exit::Held)
}

fn bandwidth(text: &str) -> Result<u64, String> {
    let units = [("Gbps", 1_000_000_000), ("Mbps", 1_000_000), ("kbps", 1000), ("Kbps", 1000), ("bps", 1)];
    let found = units.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
    let bits = found.and_then(|(number, bits)| number.parse::<u64>().ok()?.checked_mul(bits));
    bits.filter(|bits| *bits > 0)
        .ok_or_else(|| "expected a whole number of bps, kbps, Mbps or Gbps, such as 400Mbps".to_owned())
}

fn lasting(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_hours(1), Duration::from_hours(31 * 24), "an hour to 31 days")
}

fn batch(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_mins(1), Duration::from_hours(1), "a minute to an hour")
}

fn within(text: &str, least: Duration, most: Duration, expected: &str) -> Result<Duration, String> {
    let span = span(text)?;
    (least..=most).contains(&span).then_some(span).ok_or_else(|| format!("expected {expected}"))
}
