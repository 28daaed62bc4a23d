//! Exploring here and now: first what is in the bug base, then every short case, then chance.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use switchback_harness::bug_base::BugBase;
use switchback_harness::campaign::{
    Campaign, CampaignSpec, Coverage, Row, RunOptions, SeedRunner, Shard, ShardSummary, result, run_shard,
};
use switchback_harness::explore::coverage::names;
use switchback_harness::explore::enumerate::{Bound, Enumeration};
use switchback_harness::explore::{Explorer, GENERATOR_VERSION, Weights, judge};
use switchback_scenarios::{Exploration, Scenario, read_str};

use super::args::{ExploreArgs, ranges};
use super::found::{Finder, Found, open_base};
use super::watch::Watch;
use crate::check::print_report;
use crate::exit::Exit;
use crate::say;

/// One run in so many goes to cases that are enumerated.
const ENUMERATED_ONE_IN: u64 = 3;
/// One run in so many of those left to chance tells what the others lean towards, and no more than that many.
const TRIAL_ONE_IN: u64 = 4;
const TRIAL_MAX: u64 = 2000;

/// What a part of the hunt came to.
struct Part {
    name: &'static str,
    rows: Vec<Row>,
    coverage: Coverage,
    /// Seeds that gave no row, and why.
    lost: Vec<String>,
}

pub(super) fn hunt(args: &ExploreArgs) -> anyhow::Result<Exit> {
    let ranges = match ranges(args.ranges.as_ref()) {
        Ok(ranges) => ranges,
        Err(report) => {
            print_report(&report);
            return Ok(Exit::InvalidScenario);
        }
    };
    let Some(base) = open_base(args) else { return Ok(Exit::Unexpected) };
    let mut exit = base.as_ref().map_or(Ok(Exit::Held), replay_base)?;
    let mut hunt = Hunt {
        args,
        ranges,
        watch: Watch::new(args.time, args.until_failure, args.quiet),
        parts: Vec::new(),
    };
    let failures = hunt.run()?;
    hunt.watch.finish();
    let finder =
        Finder { most: args.shrink, time: args.shrink_time, verbose: args.verbose, base: base.as_ref() };
    let found = finder.find(failures.into_iter())?;
    exit = exit.worse(hunt.exit());
    hunt.tell(&found)?;
    Ok(exit)
}

/// Runs what is in the bug base: whether it still fails.
fn replay_base(base: &BugBase) -> anyhow::Result<Exit> {
    let mut exit = Exit::Held;
    for entry in base.list()? {
        let name =
            entry.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let bug = match entry.bug {
            Ok(bug) => bug,
            Err(error) => {
                say::talk(&format!("switchback: {name} is passed over: {:#}", anyhow::Error::from(error)));
                continue;
            }
        };
        let (file, text, _) = bug.to_replay();
        let Ok(scenario) = read_str(&entry.path.join(file).display().to_string(), text) else {
            say::talk(&format!(
                "switchback: {name} is passed over: its {file} is no scenario of this version"
            ));
            continue;
        };
        let judged = judge(&Arc::new(scenario))?;
        exit = exit.worse(Exit::from(judged.result));
        match judged.reason() {
            Some(reason) => say::talk(&format!("{name} still fails: {reason}")),
            None => say::talk(&format!("{name} no longer fails")),
        }
    }
    Ok(exit)
}

struct Hunt<'a> {
    args: &'a ExploreArgs,
    ranges: Exploration,
    watch: Watch,
    parts: Vec<Part>,
}

impl Hunt<'_> {
    /// Runs all parts; the failures, in the order in which they would be found one after the other.
    fn run(&mut self) -> anyhow::Result<Vec<(u64, Arc<Scenario>)>> {
        if let Some(bound) = self.args.enumerate {
            let cases = Enumeration::new(bound);
            let count = cases.count();
            return self.part("enumerated", &cases, 0..count, |seed| cases.case(seed));
        }
        let mut failures = Vec::new();
        let mut left = self.args.runs;
        if self.args.ranges.is_none()
            && let Some(cases) = cases_within(left / ENUMERATED_ONE_IN)
        {
            let count = cases.count();
            left -= count;
            failures.extend(self.part("enumerated", &cases, 0..count, |seed| cases.case(seed))?);
        }
        let trial = (left / TRIAL_ONE_IN).min(TRIAL_MAX);
        let first = self.args.seed;
        let explorer = Explorer::new(self.ranges.clone());
        failures.extend(self.part("by chance", &explorer, first..first + trial, |seed| explorer.plan(seed))?);
        let weights = self.leaning(trial);
        let explorer = Explorer { ranges: self.ranges.clone(), weights };
        let seeds = first + trial..first + left;
        failures.extend(self.part("leaning", &explorer, seeds, |seed| explorer.plan(seed))?);
        Ok(failures)
    }

    fn leaning(&self, runs: u64) -> Weights {
        let Some(part) = self.parts.last() else { return Weights::default() };
        let counts: Vec<u64> = names().iter().map(|name| part.coverage.count(name)).collect();
        Weights::leaning(&counts, runs)
    }

    /// Runs seeds on all cores, in a folder that is thrown away.
    fn part(
        &mut self,
        name: &'static str,
        runner: &dyn SeedRunner,
        seeds: core::ops::Range<u64>,
        plan: impl Fn(u64) -> Arc<Scenario>,
    ) -> anyhow::Result<Vec<(u64, Arc<Scenario>)>> {
        if self.watch.is_stopped() || seeds.is_empty() {
            return Ok(Vec::new());
        }
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let campaign = Campaign::new(CampaignSpec {
            name: name.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            generator_version: GENERATOR_VERSION.to_string(),
            exploration: self.ranges.text.to_string(),
            weights: Default::default(),
            first: seeds.start,
            end: seeds.end,
        })?;
        let summary = self.run_here(&campaign, runner, folder.path())?;
        let rows = summary.shard.rows;
        let failures = rows.iter().filter(|row| row.result != result::HELD);
        let failures = failures.map(|row| (row.seed, plan(row.seed))).collect();
        let lost =
            summary.lost.iter().map(|lost| format!("seed {:#x}: {}", lost.seed, lost.reason)).collect();
        self.parts.push(Part { name, rows, coverage: summary.shard.coverage, lost });
        Ok(failures)
    }

    fn run_here(
        &mut self,
        campaign: &Campaign,
        runner: &dyn SeedRunner,
        folder: &Path,
    ) -> anyhow::Result<ShardSummary> {
        let stop = core::sync::atomic::AtomicBool::new(false);
        let options = RunOptions {
            jobs: self.args.jobs(),
            max_runs: None,
            checkpoint_every: u64::MAX,
            host: Default::default(),
            stop: &stop,
        };
        let watch = &mut self.watch;
        Ok(run_shard(campaign, Shard::WHOLE, runner, folder, &options, &mut |progress| {
            watch.tell(progress);
            stop.fetch_or(watch.is_stopped(), core::sync::atomic::Ordering::Relaxed);
        })?)
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.parts.iter().flat_map(|part| &part.rows)
    }

    fn exit(&self) -> Exit {
        let exit = self.rows().fold(Exit::Held, |exit, row| exit.worse(exit_of(row.result)));
        if self.parts.iter().any(|part| !part.lost.is_empty()) { exit.worse(Exit::Unexpected) } else { exit }
    }

    /// Runs until the first failure, that one included, were they made one after the other.
    fn runs_to_failure(&self) -> Option<u64> {
        let mut before = 0;
        for part in &self.parts {
            if let Some(at) = part.rows.iter().position(|row| row.result != result::HELD) {
                return Some(before + at as u64 + 1);
            }
            before += part.rows.len() as u64;
        }
        None
    }

    fn tell(&self, found: &[Found]) -> anyhow::Result<()> {
        let runs = self.rows().count();
        let failed = self.rows().filter(|row| row.result != result::HELD).count();
        let seconds = self.watch.elapsed().as_secs_f64().max(0.001);
        if !self.args.quiet {
            say::result(&self.table(runs, seconds))?;
            found.iter().try_for_each(tell_found)?;
            self.tell_coverage()?;
        }
        for lost in self.parts.iter().flat_map(|part| &part.lost) {
            say::talk(&format!("switchback: no result: {lost}"));
        }
        self.write_json(runs, found)?;
        let verdict = if failed == 0 { "HELD" } else { "FAIL" };
        if self.args.json.as_deref() != Some(Path::new(crate::args::STDOUT)) {
            say::result(&format!("{verdict}  {runs} runs in {seconds:.0} s, {failed} failed"))?;
        }
        Ok(())
    }

    fn table(&self, runs: usize, seconds: f64) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let failed = part.rows.iter().filter(|row| row.result != result::HELD).count();
            text += &format!("  {:<12} {:>9} runs, {failed} failed\n", part.name, part.rows.len());
        }
        let sum = |of: fn(&Row) -> u64| self.rows().map(of).sum::<u64>();
        text += &format!(
            "  {:.0} runs a second; {} writes, {} recovery points, {} failovers judged\n",
            runs as f64 / seconds,
            sum(|row| row.writes),
            sum(|row| u64::from(row.points)),
            sum(|row| u64::from(row.failovers))
        );
        text + &reach(runs as f64 / seconds)
    }

    fn tell_coverage(&self) -> anyhow::Result<()> {
        let is_reached = |name: &&String| self.parts.iter().any(|part| part.coverage.count(name) > 0);
        let (reached, missed): (Vec<&String>, Vec<&String>) = names().iter().partition(is_reached);
        say::result(&format!("  reached {} of {} that there are", reached.len(), names().len()))?;
        if self.args.verbose {
            missed.iter().try_for_each(|name| say::result(&format!("    never: {name}")))?;
        }
        Ok(())
    }

    fn write_json(&self, runs: usize, found: &[Found]) -> anyhow::Result<()> {
        let Some(path) = &self.args.json else { return Ok(()) };
        let worst = self.rows().map(|row| exit_of(row.result)).fold(Exit::Held, Exit::worse);
        let first = found.first();
        let line = json!({
            "runs": self.runs_to_failure().unwrap_or(runs as u64),
            "result": worst.word(),
            "judge": first.map(|found| found.reason.to_string()),
            "seed": first.map(|found| format!("{:#x}", found.seed)),
            "shrunk": first.map(|found| {
                let (steps, faults) = found.shrunk.scenario.count_steps();
                json!({
                    "steps": steps,
                    "faults": faults,
                    "machines": found.shrunk.scenario.vms.len(),
                    "runs": found.shrunk.runs,
                    "seconds": found.took.as_secs_f64(),
                })
            }),
        });
        crate::run::write(path, |out| Ok(writeln!(out, "{line}")?))
    }
}

/// The deepest enumeration with one fault that has no more cases than that.
fn cases_within(most: u64) -> Option<Enumeration> {
    let all = (1..=8).map(|steps| Enumeration::new(Bound { steps, faults: 1 }));
    all.take_while(|cases| cases.count() <= most).last()
}

/// How deep an enumeration gets in a minute, an hour and a night at a rate.
fn reach(per_second: f64) -> String {
    let deepest = |seconds: f64, faults| {
        let within = (1..=8).take_while(|steps| {
            Enumeration::new(Bound { steps: *steps, faults }).count() as f64 <= per_second * seconds
        });
        within.last().unwrap_or(0)
    };
    let line = |name: &str, seconds: f64| {
        format!(
            "  {name} enumerates every journey of {} steps with one fault, of {} with two\n",
            deepest(seconds, 1),
            deepest(seconds, 2)
        )
    };
    line("a minute", 60.0) + &line("an hour", 3600.0) + &line("a night", 8.0 * 3600.0)
}

pub(super) fn tell_found(found: &Found) -> anyhow::Result<()> {
    let (steps, faults) = found.shrunk.scenario.count_steps();
    let end = if found.shrunk.is_finished { "" } else { ", stopped by its time limit" };
    say::result(&format!(
        "\n  seed {:#x}: {}\n  {}\n  shrunk to {} machines, {steps} steps, {faults} faults in {} runs and {:.1} s{end}\n",
        found.seed,
        found.reason,
        found.shrunk.judged.first_finding().unwrap_or_default(),
        found.shrunk.scenario.vms.len(),
        found.shrunk.runs,
        found.took.as_secs_f64()
    ))?;
    match &found.kept_at {
        Some(path) => say::result(&format!("  replay: switchback replay {}", path.display()))?,
        None => say::result(&found.shrunk.scenario.to_yaml())?,
    }
    Ok(())
}

/// The exit code of a row's result.
pub(super) const fn exit_of(code: u8) -> Exit {
    match code {
        result::SAFETY_FAILED => Exit::SafetyFailed,
        result::DID_NOT_CONVERGE => Exit::DidNotConverge,
        result::OBJECTIVE_MISSED => Exit::ObjectiveMissed,
        _ => Exit::Held,
    }
}
