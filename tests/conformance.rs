//! One suite in two arms: a scenario in process, by the harness, and over HTTP, by the drill against the served emulator. Both
//! give the same jobs with the same tasks, and the same states, in the same order.
//!
//! The two worlds begin differently. The harness protects all machines when they have booted; `serve` boots them and protects
//! nobody, so that the drill does. From there on both count from the moment at which all of them are protected.

#[path = "../drill/tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use support::{Served, jobs_in, scenario, walked};
use switchback_drill::plan::Plan;
use switchback_drill::rehearsal::rehearse;
use switchback_drill::seen::{JobSeen, StateSeen};
use switchback_scenarios::Scenario;

/// A job without its times and its name, which each arm makes up.
#[derive(Debug, PartialEq, Eq)]
struct JobCourse {
    machine: String,
    what: (String, String),
    state: String,
    /// `name`, `friendlyName`, `state` and `stateDescription`.
    tasks: Vec<[String; 4]>,
    codes: Vec<String>,
}

/// What happened, in order.
#[derive(Debug, PartialEq, Eq)]
struct Course {
    jobs: Vec<JobCourse>,
    states: Vec<StateSeen>,
}

fn course<'a>(jobs: impl Iterator<Item = &'a JobSeen>, states: &[StateSeen]) -> Course {
    let job = |job: &JobSeen| JobCourse {
        machine: job.machine.clone(),
        what: (job.scenario_name.clone(), job.friendly_name.clone()),
        state: job.state.clone(),
        tasks: job
            .tasks
            .iter()
            .map(|task| [&task.name, &task.friendly_name, &task.state, &task.description].map(String::clone))
            .collect(),
        codes: job.errors.iter().map(|(code, _)| code.clone()).collect(),
    };
    let mut course = Course { jobs: jobs.map(job).collect(), states: states.to_vec() };
    // The harness protects all machines in one instant, the drill one after the other: the order is that of each machine.
    course.jobs.sort_by(|one, other| one.machine.cmp(&other.machine));
    course.states.sort_by(|one, other| one.machine.cmp(&other.machine));
    course
}

fn in_process(scenario: &Arc<Scenario>) -> Course {
    let rehearsal = rehearse(scenario).expect("the site can be");
    course(rehearsal.jobs.iter(), &rehearsal.states)
}

fn over_http(scenario: &Scenario) -> Result<Course, String> {
    let served = Served::new(scenario);
    let walked = walked(scenario, &served);
    if !walked.is_well() {
        return Err(format!("{}: not every step went as it should: {walked:#?}", scenario.file));
    }
    // All that the vault has: it begins some by itself. A scenario has its policies from the beginning, and files none.
    let mut jobs = jobs_in(&served, scenario);
    jobs.retain(|job| !job.scenario_name.ends_with("ProtectionProfile"));
    Ok(course(jobs.iter(), &walked.states))
}

/// Both arms, which agree; the jobs and how they ended.
fn both(stack: &str, rest: &str) -> Vec<(String, String)> {
    let course = agreed(&scenario(stack, rest));
    course.jobs.into_iter().map(|job| (job.what.0, job.state)).collect()
}

/// What both arms give.
fn agreed(scenario: &Arc<Scenario>) -> Course {
    compared(scenario).unwrap_or_else(|difference| panic!("{difference}"))
}

/// What both arms give, or how they differ.
fn compared(scenario: &Arc<Scenario>) -> Result<Course, String> {
    let (one, other) = (in_process(scenario), over_http(scenario)?);
    let told = |of: &Course| {
        let jobs = of.jobs.iter().map(|job| format!("{job:?}"));
        jobs.chain(of.states.iter().map(told)).collect::<Vec<_>>()
    };
    let (lines, others) = (told(&one), told(&other));
    if let Some(at) = (0..lines.len().max(others.len())).find(|at| lines.get(*at) != others.get(*at)) {
        let (line, other) = (lines.get(at), others.get(at));
        return Err(format!("{}: in process {line:?}, over HTTP {other:?}", scenario.file));
    }
    assert!(one.states.len() > 2 && one.jobs.iter().all(|job| !job.tasks.is_empty()));
    Ok(one)
}

fn told(seen: &StateSeen) -> String {
    format!("{} {}: {} ({})", seen.machine, seen.provider, seen.state, seen.description)
}

fn well(jobs: &[&str]) -> Vec<(String, String)> {
    jobs.iter().map(|job| ((*job).to_owned(), "Succeeded".to_owned())).collect()
}

const STACKS: [&str; 2] = ["classic", "modernised"];

#[test]
fn there_and_back_in_the_classic_stack() {
    let jobs = both(
        "classic",
        "timeline:\n\
         - { at: 30m, failover: { vm: web-01, to: latest, shutdown: true } }\n\
         - { after: failover, plus: 5m, commit: { vm: web-01 } }\n\
         - { after: commit, plus: 5m, reprotect: { vm: web-01 } }\n\
         - { after: reprotect, plus: 30m, failback: { vm: web-01, to: latest } }\n\
         - { after: failback, plus: 5m, name: commit-home, commit: { vm: web-01 } }\n\
         - { after: commit-home, plus: 5m, name: reprotect-away, reprotect: { vm: web-01 } }\n\
         - { after: reprotect-away, plus: 30m, disable: { vm: web-01 } }\n",
    );
    let home = ["EnableDr", "UnplannedFailover", "CommitFailover", "SwitchReplicationGroupProtection"];
    let back = ["UnplannedFailover", "CommitFailover", "SwitchReplicationGroupProtection", "DisableDr"];
    assert_eq!(jobs, well(&[home, back].concat()));
}

#[test]
fn there_and_back_in_the_modernised_stack() {
    let jobs = both(
        "modernised",
        "timeline:\n\
         - { at: 30m, failover: { vm: web-01, to: latest, shutdown: true } }\n\
         - { after: failover, plus: 5m, commit: { vm: web-01 } }\n\
         - { after: commit, plus: 5m, reprotect: { vm: web-01 } }\n\
         - { after: reprotect, plus: 30m, planned-failover: { vm: web-01, to: latest } }\n\
         - { after: planned-failover, plus: 5m, name: commit-home, commit: { vm: web-01 } }\n\
         - { after: commit-home, plus: 5m, name: reprotect-away, reprotect: { vm: web-01 } }\n\
         - { after: reprotect-away, plus: 30m, disable: { vm: web-01 } }\n",
    );
    let home = ["EnableDr", "UnplannedFailover", "CommitFailover", "SwitchReplicationGroupProtection"];
    let back = ["PlannedFailover", "CommitFailover", "SwitchReplicationGroupProtection", "DisableDr"];
    assert_eq!(jobs, well(&[home, back].concat()));
}

#[test]
fn a_test_failover_and_its_cleanup() {
    for stack in STACKS {
        let jobs = both(
            stack,
            "timeline:\n\
             - { at: 30m, test-failover: { vm: web-01, to: latest-processed } }\n\
             - { after: test-failover, plus: 10m, clean-up-test: { vm: web-01 } }\n\
             - { after: clean-up-test, plus: 10m, name: once-more, test-failover: { vm: web-01, to: { at: 20m } } }\n\
             - { after: once-more, plus: 10m, name: clean-up-again, clean-up-test: { vm: web-01 } }\n",
        );
        let test = ["TestFailover", "TestFailoverCleanup"];
        assert_eq!(jobs, well(&[&["EnableDr"][..], &test, &test].concat()));
    }
}

#[test]
fn the_point_is_changed_before_the_commit() {
    for stack in STACKS {
        let jobs = both(
            stack,
            "timeline:\n\
             - { at: 40m, failover: { vm: web-01, to: latest-processed } }\n\
             - { after: failover, plus: 5m, change-point: { vm: web-01, to: { at: 20m } } }\n\
             - { after: change-point, plus: 5m, name: once-more, change-point: { vm: web-01, to: { at: 10m } } }\n\
             - { after: once-more, plus: 5m, commit: { vm: web-01 } }\n",
        );
        let changes = ["ApplyRecoveryPoint", "ApplyRecoveryPoint"];
        assert_eq!(
            jobs,
            well(&[&["EnableDr", "UnplannedFailover"][..], &changes, &["CommitFailover"]].concat())
        );
    }
}

#[test]
fn a_failover_is_cancelled_while_it_runs_and_the_machine_protected_anew() {
    for stack in STACKS {
        let jobs = both(
            stack,
            "timeline:\n\
             - { at: 40m, failover: { vm: web-01, to: latest-processed } }\n\
             - { when: { vm: web-01, is: failing-over }, plus: 5s, cancel: { vm: web-01 } }\n\
             - { after: cancel, plus: 5m, protect: { group: shop } }\n",
        );
        let cancelled = ("UnplannedFailover".to_owned(), "Cancelled".to_owned());
        assert!(jobs.contains(&cancelled), "{jobs:?}");
        assert_eq!(jobs.len(), 4, "{jobs:?}");
    }
}

#[test]
fn a_planned_failover_home_is_taken_back_and_asked_for_again() {
    let jobs = both(
        "modernised",
        "timeline:\n\
         - { at: 30m, failover: { vm: web-01, to: latest, shutdown: true } }\n\
         - { after: failover, plus: 5m, commit: { vm: web-01 } }\n\
         - { after: commit, plus: 5m, reprotect: { vm: web-01 } }\n\
         - { after: reprotect, plus: 30m, planned-failover: { vm: web-01, to: latest } }\n\
         - { when: { vm: web-01, is: failing-back }, plus: 2s, cancel: { vm: web-01 } }\n\
         - { after: cancel, plus: 30m, name: once-more, planned-failover: { vm: web-01, to: latest } }\n",
    );
    let planned: Vec<&str> =
        jobs.iter().filter(|(what, _)| what == "PlannedFailover").map(|(_, state)| state.as_str()).collect();
    assert_eq!(planned, ["Cancelled", "Succeeded"], "{jobs:?}");
}

/// The subscription has one core, and the machine takes more.
#[test]
fn a_failover_fails_in_both_arms_with_the_same_codes() {
    for stack in STACKS {
        let rest = "timeline:\n\
             - { at: 30m, failover: { vm: web-01, to: latest-processed }, fails: out-of-capacity }\n\
             - { after: failover, plus: 5m, name: once-more, failover: { vm: web-01, to: latest-processed }, fails: out-of-capacity }\n";
        let one = agreed(&support::with_one_core(stack, rest));
        let failed: Vec<&JobCourse> = one.jobs.iter().filter(|job| job.state == "Failed").collect();
        assert_eq!(failed.len(), 2, "{one:#?}");
        assert!(failed.iter().all(|job| job.codes.iter().any(|code| code == "28031")), "{failed:#?}");
    }
}

#[test]
fn what_is_refused_is_refused_in_both_arms_and_leaves_no_job() {
    for (stack, step) in [
        ("classic", "planned-failover: { vm: web-01, to: latest }"),
        ("modernised", "failback: { vm: web-01, to: latest }"),
    ] {
        let rest = format!(
            "timeline:\n\
             - {{ at: 30m, commit: {{ vm: web-01 }}, fails: not-allowed }}\n\
             - {{ after: commit, failover: {{ vm: web-01, to: latest, shutdown: true }} }}\n\
             - {{ after: failover, name: accept, commit: {{ vm: web-01 }} }}\n\
             - {{ after: accept, reprotect: {{ vm: web-01 }} }}\n\
             - {{ after: reprotect, plus: 30m, {step}, fails: not-in-stack }}\n"
        );
        let jobs = both(stack, &rest);
        let expected =
            ["EnableDr", "UnplannedFailover", "CommitFailover", "SwitchReplicationGroupProtection"];
        assert_eq!(jobs, well(&expected));
    }
}

/// Shipped scenarios that go another way over HTTP, and why.
const DIFFERENT: [(&str, &str); 3] = [
    (
        "errors/configured-before-it-is-protected.yaml",
        "it counts from the start, and a server starts when its machines have booted",
    ),
    ("tutorial/requirements-before-protection.yaml", "a drill is over when a machine cannot be protected"),
    (
        "vsphere/no-snapshot-of-a-raw-disk.yaml",
        "the vault goes on by itself after the last step, and the drill does not look any more",
    ),
];

/// Whatever of these folders can be walked from its first step to its last.
#[test]
fn shipped_scenarios_are_walked_alike() {
    let (mut walked, mut differences) = (0, Vec::new());
    for folder in ["azure", "errors", "modernised", "tutorial", "vsphere"] {
        for file in files_of(folder) {
            let scenario = switchback_scenarios::read_file(&root().join("scenarios").join(&file));
            let Ok(scenario) = scenario else { continue };
            let is_alone = scenario.groups.iter().all(|group| group.vms.len() == 1);
            let is_walked = Plan::of(&scenario).unreachable.is_empty();
            let is_different = DIFFERENT.iter().any(|(name, _)| *name == file);
            if !is_alone || !is_walked {
                continue;
            }
            let difference = compared(&Arc::new(scenario)).err();
            if is_different {
                assert!(difference.is_some(), "{file} is listed, and does not differ");
            } else {
                differences.extend(difference);
                walked += 1;
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(walked > 30, "{walked}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The scenario files of a folder, in order.
fn files_of(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join("scenarios").join(folder)).expect("a folder is readable");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry is readable").file_name();
    let mut files: Vec<String> =
        entries.map(|entry| format!("{folder}/{}", name(entry).to_string_lossy())).collect();
    files.sort();
    files
}

/// The twin: a suite that compares nothing would hold here too.
#[test]
fn arms_of_different_scenarios_differ() {
    let with = |shutdown: &str| {
        let rest = format!(
            "timeline:\n- {{ at: 30m, failover: {{ vm: web-01, to: latest, shutdown: {shutdown} }} }}\n"
        );
        scenario("classic", &rest)
    };
    let (shut, left_on) = (in_process(&with("true")), over_http(&with("false")).expect("it is well"));
    assert_eq!(shut.states, left_on.states, "the machine comes into the same states");
    assert_ne!(shut.jobs, left_on.jobs, "and two tasks are skipped");
}
