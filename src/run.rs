//! `switchback run`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use switchback_harness::{Outcome, ScriptRunner, report};
use switchback_scenarios::{Overrides, Scenario, read_file_with};

use crate::args::{RunArgs, STDOUT};
use crate::check::print_report;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::say;
use crate::scripts::Scripts;

/// Drills that came to an end, and the scenario of each.
#[derive(Default)]
struct Ran {
    scenarios: Vec<Arc<Scenario>>,
    outcomes: Vec<Outcome>,
}

/// Runs the drills, one after the other, and reports on all of them.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let overrides = Overrides { trace_path: args.trace_file.clone(), seed: args.seed };
    if let Some(folder) = &args.report {
        // Before the drills, not after them.
        switchback_evidence::folder::check_free(folder)?;
    }
    let mut exit = Exit::Held;
    let mut ran = Ran::default();
    for file in &args.files {
        let ended = match read_file_with(file, &overrides) {
            Ok(scenario) => {
                let scripts = args.run_scripts.then(|| Scripts::of(file, args.script_timeout)).transpose()?;
                let scripts = scripts.map(|scripts| Arc::new(scripts) as Arc<dyn ScriptRunner>);
                run_one(args, &Arc::new(scenario), scripts.as_ref(), &mut ran)?
            }
            Err(report) => {
                print_report(&report);
                Exit::InvalidScenario
            }
        };
        exit = exit.worse(ended);
    }
    write_reports(args, &ran)?;
    Ok(exit)
}

fn run_one(
    args: &RunArgs,
    scenario: &Arc<Scenario>,
    scripts: Option<&Arc<dyn ScriptRunner>>,
    ran: &mut Ran,
) -> anyhow::Result<Exit> {
    let outcome = match run_with_scripts(scenario, scripts) {
        Ok(outcome) => outcome,
        Err(error) => {
            say::talk(&format!("switchback: {error}"));
            return Ok(Exit::InvalidScenario);
        }
    };
    let mut exit = Exit::from(outcome.result());
    let mut text = String::new();
    if !args.quiet {
        text = format!("{}  {}\n\n", outcome.scenario, outcome.summary.trim());
        text.extend(report::timeline(&outcome).into_iter().map(|line| line + "\n"));
        text += &format!("\n{}\n", report::summary(&outcome));
    }
    text += &report::result_line(&outcome);
    // With a report for programs on standard output, people's lines go where talk goes.
    if args.reports_on_stdout() == 0 {
        say::result(&text)?;
    } else {
        say::talk(&text);
    }
    if args.twice {
        exit = exit.worse(run_again(scenario, &outcome));
    }
    ran.scenarios.push(Arc::clone(scenario));
    ran.outcomes.push(outcome);
    Ok(exit)
}

pub(crate) fn run_with_progress(scenario: &Arc<Scenario>) -> Result<Outcome, switchback_harness::DrillError> {
    run_with_scripts(scenario, None)
}

fn run_with_scripts(
    scenario: &Arc<Scenario>,
    scripts: Option<&Arc<dyn ScriptRunner>>,
) -> Result<Outcome, switchback_harness::DrillError> {
    let progress = Progress::new(&scenario.name);
    let outcome = switchback_harness::run_with(scenario, scripts, |at| progress.tell(at));
    progress.finish();
    outcome
}

fn run_again(scenario: &Arc<Scenario>, first: &Outcome) -> Exit {
    let again = run_with_progress(scenario).map(|outcome| outcome.digest);
    if again.as_ref().is_ok_and(|digest| *digest == first.digest) {
        return Exit::Held;
    }
    let (scenario, digest) = (&first.scenario, first.digest);
    say::talk(&format!("switchback: {scenario} is not deterministic: {digest:016x}, then {again:x?}"));
    Exit::NotDeterministic
}

fn write_reports(args: &RunArgs, ran: &Ran) -> anyhow::Result<()> {
    let outcomes = &ran.outcomes;
    if let Some(path) = &args.json {
        write(path, |out| Ok(serde_json::to_writer_pretty(out, outcomes)?))?;
    }
    if let Some(path) = &args.junit {
        let junit = report::junit(outcomes)?;
        write(path, |out| Ok(out.write_all(junit.as_bytes())?))?;
    }
    if let (Some(path), Some(outcome)) = (&args.trace, outcomes.last()) {
        write(path, |out| Ok(report::viewer_trace(outcome).write_to(out)?))?;
    }
    if let Some(folder) = &args.report {
        crate::report::write(folder, &ran.scenarios, outcomes)?;
    }
    Ok(())
}

/// Writes a file, or standard output for `-`.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if path == Path::new(STDOUT) {
        let mut bytes = Vec::new();
        content(&mut bytes)?;
        return say::raw(&bytes).context("cannot write to standard output");
    }
    let to_file = || -> anyhow::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        content(&mut out)?;
        Ok(out.flush()?)
    };
    to_file().with_context(|| format!("cannot write {}", path.display()))
}
