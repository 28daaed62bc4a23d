//! The same scenario and seed give the same digest: twice in one process, in two processes, and in debug and release
//! builds.
//!
//! The last is held by `tests/golden/digests.txt`, which every build compares itself with: `cargo test` and
//! `cargo test --release --test determinism` both have to agree with the same file, and so with each other.
//! `UPDATE_GOLDEN=1 cargo test --test determinism` writes it anew after a change that is meant to change what happens;
//! with it go the timelines, one line for each happening, that show where a drill went another way.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use switchback_harness::Outcome;
use switchback_scenarios::read_str;

mod common;

use common::{Folder, command, exit, root};

/// Small drills that between them use every kind of step, fault and role; see `tests/scenarios`.
const SCENARIOS: [&str; 3] = ["there-and-back", "bad-weather", "cause-and-effect"];
const CONTENTS: [&str; 2] = ["stamps", "bytes"];
const SEEDS: [u64; 3] = [1, 2, 0xfeed_face_cafe_f00d];

/// A scenario file with the content and seed of a case.
fn text(name: &str, content: &str, seed: u64) -> String {
    let text = fs::read_to_string(root().join(format!("tests/scenarios/{name}.yaml"))).unwrap();
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some(("seed", _)) => format!("seed: {seed}\ncontent: {content}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn run(name: &str, content: &str, seed: u64) -> Outcome {
    let scenario = read_str(name, &text(name, content, seed)).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(scenario.seed, seed);
    switchback_harness::run(&Arc::new(scenario), |_| {}).unwrap()
}

/// What happened, a line each, with all that is known of it.
fn timeline(outcome: &Outcome) -> String {
    outcome.happenings.iter().fold(String::new(), |mut text, (at, happening)| {
        writeln!(text, "{:>20} {happening:?}", at.as_nanos()).unwrap();
        text
    })
}

/// The first line in which two texts differ, and the one before it.
fn first_difference(left: &str, right: &str) -> String {
    let mut before = "";
    let mut others = right.lines();
    for (number, line) in left.lines().enumerate() {
        let other = others.next().unwrap_or("(the end)");
        if line != other {
            return format!("line {}\n    after {before}\n    one   {line}\n    other {other}", number + 1);
        }
        before = line;
    }
    others.next().map_or_else(
        || "no difference in what happened: look at messages and writes".to_owned(),
        |other| format!("after {before}\n    one   (the end)\n    other {other}"),
    )
}

/// A drill as a line of the golden file. Events are not in it: how the simulator divides its work into events may
/// change without anything else happening.
fn golden_line(name: &str, content: &str, seed: u64, outcome: &Outcome) -> String {
    let figures = outcome.figures;
    format!(
        "{name} {content} {seed:#x} {:016x} writes={} points={}",
        outcome.digest, figures.writes, figures.points
    )
}

/// A case and what came of it.
struct Case {
    name: &'static str,
    content: &'static str,
    seed: u64,
    outcome: Outcome,
}

/// Every case, run once in this process.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let mut cases = Vec::new();
    for (name, content) in SCENARIOS.into_iter().flat_map(|name| CONTENTS.map(|content| (name, content))) {
        // Real bytes cost ten times what stamps cost, and the seeds reach the same code.
        for seed in if content == "bytes" { &SEEDS[..1] } else { &SEEDS[..] } {
            cases.push(Case { name, content, seed: *seed, outcome: run(name, content, *seed) });
        }
    }
    cases
});

fn case(name: &str, content: &str, seed: u64) -> &'static Case {
    CASES.iter().find(|case| (case.name, case.content, case.seed) == (name, content, seed)).unwrap()
}

fn golden(file: &str) -> PathBuf {
    root().join("tests/golden").join(file)
}

// ---------------------------------------------------------------------------------------------------------------

#[test]
fn the_drills_hold_before_they_are_compared() {
    for Case { name, content, seed, outcome } in CASES.iter() {
        let broken: Vec<_> = outcome.verdicts.iter().filter(|verdict| !verdict.held).collect();
        assert!(broken.is_empty(), "{name} {content} {seed:#x}: {broken:#?}");
        assert!(outcome.figures.points > 0 && !outcome.failovers.is_empty(), "{name} does something");
    }
}

#[test]
fn twice_in_one_process_is_the_same() {
    for (name, content) in
        [("there-and-back", "stamps"), ("bad-weather", "stamps"), ("cause-and-effect", "bytes")]
    {
        let (first, again) = (&case(name, content, SEEDS[0]).outcome, run(name, content, SEEDS[0]));
        let whole = |outcome| serde_json::to_string(outcome).unwrap();
        let same = first.digest == again.digest && whole(first) == whole(&again);
        assert!(same, "{name} {content}: {}", first_difference(&timeline(first), &timeline(&again)));
    }
}

#[test]
fn two_processes_say_the_same_and_the_same_as_this_one() {
    let folder = Folder::new();
    for (name, content) in
        [("there-and-back", "stamps"), ("bad-weather", "stamps"), ("cause-and-effect", "bytes")]
    {
        let file = folder.file(&format!("{name}.yaml"), text(name, content, SEEDS[0]));
        let ran = || common::Ran::of(command().arg("run").arg(&file).args(["--json", "-"])).exits(exit::HELD);
        let (one, other) = (ran(), ran());
        assert!(one.stdout == other.stdout, "{name}: {}", first_difference(&one.stdout, &other.stdout));
        let here = format!("{:016x}", case(name, content, SEEDS[0]).outcome.digest);
        assert_eq!(one.drill()["digest"], here, "{name} {content}, in a process of its own and in this one");
    }
}

#[test]
fn where_and_under_which_name_a_scenario_lies_does_not_matter() {
    let folder = Folder::new();
    folder.file("another name.yaml", text("there-and-back", "stamps", SEEDS[0]));
    let mut elsewhere = folder.command(&["run", "another name.yaml", "--json", "-"]);
    elsewhere.envs([("TZ", "Pacific/Chatham"), ("LANG", "tr_TR.UTF-8"), ("HOME", "/nowhere")]);
    let digest = common::Ran::of(&mut elsewhere).exits(exit::HELD).drill()["digest"].clone();
    assert_eq!(digest, format!("{:016x}", case("there-and-back", "stamps", SEEDS[0]).outcome.digest));
}

/// Held in every build: see the head of this file.
#[test]
fn every_build_agrees_with_the_digests_that_are_checked_in() {
    const HEAD: &str =
        "# scenario content seed digest figures; UPDATE_GOLDEN=1 cargo test --test determinism writes it\n";
    let lines =
        CASES.iter().map(|case| golden_line(case.name, case.content, case.seed, &case.outcome) + "\n");
    let found = HEAD.to_owned() + &lines.collect::<String>();
    let with_timeline = || CASES.iter().filter(|case| case.seed == SEEDS[0] && case.content == "stamps");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(golden("digests.txt"), &found).unwrap();
        for case in with_timeline() {
            fs::write(golden(&format!("{}.timeline", case.name)), timeline(&case.outcome)).unwrap();
        }
    }
    let expected = fs::read_to_string(golden("digests.txt")).unwrap_or_default();
    if found == expected {
        return;
    }
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let mut report = format!("this {build} build does not agree with tests/golden/digests.txt\n");
    for (line, golden) in found.lines().zip(expected.lines().chain(std::iter::repeat("(nothing)"))) {
        if line != golden {
            writeln!(report, "  golden {golden}\n  found  {line}").unwrap();
        }
    }
    for case in with_timeline() {
        let expected = fs::read_to_string(golden(&format!("{}.timeline", case.name))).unwrap_or_default();
        let difference = first_difference(&expected, &timeline(&case.outcome));
        writeln!(report, "  {}, golden and found: {difference}", case.name).unwrap();
    }
    panic!("{report}  when that is meant: UPDATE_GOLDEN=1 cargo test --test determinism");
}

// ---------------------------------------------------------------------------------------------------------------
// The negative twins.

#[test]
fn another_seed_is_another_drill() {
    for name in SCENARIOS {
        let mut digests: Vec<u64> =
            SEEDS.iter().map(|seed| case(name, "stamps", *seed).outcome.digest).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), SEEDS.len(), "{name}: seeds that lead to the same drill");
    }
}

#[test]
fn another_content_or_one_more_write_is_another_digest() {
    let stamps = case("there-and-back", "stamps", SEEDS[0]).outcome.digest;
    assert_ne!(stamps, case("there-and-back", "bytes", SEEDS[0]).outcome.digest);
    let slightly = text("there-and-back", "stamps", SEEDS[0]).replace("rate: 32KiB/s", "rate: 33KiB/s");
    let scenario = read_str("slightly", &slightly).unwrap_or_else(|report| panic!("{report}"));
    assert_ne!(stamps, switchback_harness::run(&Arc::new(scenario), |_| {}).unwrap().digest);
}

#[test]
fn a_difference_is_shown_where_it_begins() {
    let (one, other) =
        (&case("there-and-back", "stamps", 1).outcome, &case("there-and-back", "stamps", 2).outcome);
    let shown = first_difference(&timeline(one), &timeline(other));
    assert!(shown.starts_with("line ") && shown.contains("one   ") && shown.contains("other "), "{shown}");
    assert!(first_difference(&timeline(one), &timeline(one)).starts_with("no difference"));
    assert!(
        first_difference("a\n", "a\nb\n").contains("(the end)")
            && first_difference("a\nb\n", "a\n").contains("(the end)")
    );
}
