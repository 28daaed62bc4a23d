//! `switchback run`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use switchback_harness::{Outcome, report};
use switchback_scenarios::{Overrides, Scenario, read_file_with};

use crate::args::RunArgs;
use crate::check::print_report;
use crate::exit::Exit;
use crate::progress::Progress;

/// Runs the drills, one after the other, and reports on all of them.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let overrides = Overrides { trace_path: args.trace_file.clone(), seed: args.seed };
    let mut exit = Exit::Held;
    let mut outcomes = Vec::new();
    for file in &args.files {
        let ended = match read_file_with(file, &overrides) {
            Ok(scenario) => run_one(args, &Arc::new(scenario), &mut outcomes),
            Err(report) => {
                print_report(&report);
                Exit::InvalidScenario
            }
        };
        exit = exit.worse(ended);
    }
    write_reports(args, &outcomes)?;
    Ok(exit)
}

fn run_one(args: &RunArgs, scenario: &Arc<Scenario>, outcomes: &mut Vec<Outcome>) -> Exit {
    let outcome = match run_with_progress(scenario) {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("switchback: {error}");
            return Exit::InvalidScenario;
        }
    };
    let mut exit = Exit::from(outcome.result());
    // With JSON on standard output, people's lines go where talk goes.
    let to_stdout = args.json.as_deref() != Some(Path::new("-"));
    let say = |line: &str| if to_stdout { println!("{line}") } else { eprintln!("{line}") };
    if !args.quiet {
        say(&format!("{}  {}\n", outcome.scenario, outcome.summary.trim()));
        report::timeline(&outcome).iter().for_each(|line| say(line));
        say(&format!("\n{}", report::summary(&outcome)));
    }
    if args.twice {
        exit = exit.worse(run_again(scenario, &outcome));
    }
    say(&report::result_line(&outcome));
    outcomes.push(outcome);
    exit
}

fn run_with_progress(scenario: &Arc<Scenario>) -> Result<Outcome, switchback_harness::DrillError> {
    let progress = Progress::new(&scenario.name);
    let outcome = switchback_harness::run(scenario, |at| progress.tell(at));
    progress.finish();
    outcome
}

fn run_again(scenario: &Arc<Scenario>, first: &Outcome) -> Exit {
    let again = run_with_progress(scenario).map(|outcome| outcome.digest);
    if again.as_ref().is_ok_and(|digest| *digest == first.digest) {
        return Exit::Held;
    }
    eprintln!("switchback: {} is not deterministic: {:016x}, then {again:x?}", first.scenario, first.digest);
    Exit::NotDeterministic
}

fn write_reports(args: &RunArgs, outcomes: &[Outcome]) -> anyhow::Result<()> {
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
    Ok(())
}

/// Writes a file, or standard output for `-`.
fn write(path: &Path, content: impl FnOnce(&mut dyn std::io::Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut out: Box<dyn std::io::Write> = if path == Path::new("-") {
        Box::new(std::io::stdout().lock())
    } else {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Box::new(BufWriter::new(file))
    };
    content(&mut out).and_then(|()| Ok(out.flush()?)).with_context(|| format!("cannot write {}", path.display()))
}
