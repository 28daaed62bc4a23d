//! `switchback replay`: runs what failed again, and says whether it still fails, and for the same reason.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use switchback_harness::bug_base::{self, Bug, BugBase, Failure, VERSION};
use switchback_harness::{Outcome, report};
use switchback_scenarios::{Scenario, read_file};

use crate::args::ReplayArgs;
use crate::check::print_report;
use crate::exit::Exit;
use crate::run::run_with_progress;
use crate::say;

mod commands;
mod session;

/// What a path leads to.
enum Case {
    /// A failure that was kept.
    Bug(PathBuf, Box<Bug>),
    /// A scenario file.
    File(PathBuf),
}

/// Runs everything that the paths lead to again.
pub(crate) fn replay(args: &ReplayArgs) -> anyhow::Result<Exit> {
    let mut exit = Exit::Held;
    let mut cases = Vec::new();
    for path in &args.paths {
        exit = exit.worse(collect(path, &mut cases));
    }
    if args.step {
        return step(&cases, exit);
    }
    for case in &cases {
        let ended = match case {
            Case::Bug(path, bug) => replay_bug(args, path, bug)?,
            Case::File(path) => replay_file(args, path)?,
        };
        exit = exit.worse(ended);
    }
    Ok(exit)
}

/// Finds the cases at a path. What cannot be read is said and counts as invalid; the rest goes on.
fn collect(path: &Path, cases: &mut Vec<Case>) -> Exit {
    if !path.is_dir() {
        cases.push(Case::File(path.to_owned()));
        return Exit::Held;
    }
    let entries = if bug_base::is_bug(path) {
        Ok(vec![bug_base::Entry { path: path.to_owned(), bug: bug_base::load(path) }])
    } else {
        BugBase::open(path).and_then(|base| base.list())
    };
    let mut exit = Exit::Held;
    match entries {
        Err(error) => exit = complain(&error),
        Ok(entries) if entries.is_empty() => {
            exit = complain(&format!("{}: holds no bugs", path.display()));
        }
        Ok(entries) => {
            for entry in entries {
                match entry.bug {
                    Ok(bug) => cases.push(Case::Bug(entry.path, Box::new(bug))),
                    Err(error) => exit = exit.worse(complain(&error)),
                }
            }
        }
    }
    exit
}

fn complain(error: &dyn core::fmt::Display) -> Exit {
    say::talk(&format!("switchback: {error}"));
    Exit::InvalidScenario
}

/// The scenario in a file, or nothing when that has been complained about.
fn read(path: &Path) -> Option<Arc<Scenario>> {
    read_file(path).map(Arc::new).map_err(|report| print_report(&report)).ok()
}

fn run(args: &ReplayArgs, scenario: &Arc<Scenario>) -> anyhow::Result<Option<Outcome>> {
    let outcome = match run_with_progress(scenario) {
        Ok(outcome) => outcome,
        Err(error) => {
            complain(&error);
            return Ok(None);
        }
    };
    if args.verbose {
        let timeline = report::timeline(&outcome).join("\n");
        say::result(&format!("{timeline}\n\n{}", report::summary(&outcome)))?;
    }
    Ok(Some(outcome))
}

fn replay_file(args: &ReplayArgs, path: &Path) -> anyhow::Result<Exit> {
    let Some(scenario) = read(path) else { return Ok(Exit::InvalidScenario) };
    let Some(outcome) = run(args, &scenario)? else { return Ok(Exit::InvalidScenario) };
    let says = match Failure::of(&outcome) {
        Some(failure) => format!("fails  {}  {}", path.display(), failure.finding),
        None => format!("holds  {}", path.display()),
    };
    say::result(&format!("{says}\n       digest {:016x}", outcome.digest))?;
    Ok(Exit::from(outcome.result()))
}

fn replay_bug(args: &ReplayArgs, path: &Path, bug: &Bug) -> anyhow::Result<Exit> {
    let (file, _, digest) = bug.to_replay();
    let Some(scenario) = read(&path.join(file)) else { return Ok(Exit::InvalidScenario) };
    if bug.record.version != VERSION {
        let (found, path) = (&bug.record.version, path.display());
        say::talk(&format!("{path}: found by version {found}, this is {VERSION}: digests are not compared"));
    }
    let Some(outcome) = run(args, &scenario)? else { return Ok(Exit::InvalidScenario) };
    say::result(&comparison(path, bug, digest, &outcome))?;
    Ok(Exit::from(outcome.result()))
}

/// What a run of a bug's scenario says about the bug.
fn comparison(path: &Path, bug: &Bug, digest: u64, outcome: &Outcome) -> String {
    let path = path.display();
    let before = &bug.record.failure;
    let Some(now) = Failure::of(outcome) else {
        return format!(
            "holds  {path}\n       no longer fails: fixed, or the scenario does not reach it any more"
        );
    };
    let same = if now.is_same_reason(before) {
        format!("still, for the same reason ({})", now.word())
    } else {
        format!("for another reason: it was {}, now it is {}", before.word(), now.word())
    };
    let run = match (bug.record.version == VERSION, digest == outcome.digest) {
        (false, _) => format!("digest {:016x}", outcome.digest),
        (true, true) => format!("the same run, digest {digest:016x}"),
        (true, false) => format!(
            "another run, digest {:016x} and not {digest:016x}: the program has changed since",
            outcome.digest
        ),
    };
    format!("fails  {path}\n       {same}; {run}\n       {}", now.finding)
}

/// Steps through the only case.
fn step(cases: &[Case], exit: Exit) -> anyhow::Result<Exit> {
    let file = match cases {
        [Case::File(path)] => path.clone(),
        [Case::Bug(path, bug)] => path.join(bug.to_replay().0),
        _ if exit != Exit::Held => return Ok(exit),
        several => {
            let count = several.len();
            return Ok(complain(&format!("--step takes one scenario or one bug, and these are {count}")));
        }
    };
    let Some(scenario) = read(&file) else { return Ok(Exit::InvalidScenario) };
    session::step(&scenario)
}
