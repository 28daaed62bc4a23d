//! `switchback run` as a person, a pipeline and a trace viewer meet it: what it prints, what it writes, how it exits.
//!
//! The shipped scenarios of [`LONG`] take a quarter of a minute each in a build with debug assertions and are left out
//! there; `cargo test --release --test run` runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;

mod common;

use common::{Folder, Ran, exit, one_small_machine, root, switchback, verdict};

const JOURNEY: &str = "scenarios/failover-and-failback.yaml";

/// Shipped scenarios that are too long for a build with debug assertions.
const LONG: [&str; 4] = [
    "recorded-disk-custom",
    "recorded-disk-latest",
    "recorded-disk-latest-app-consistent",
    "recorded-disk-latest-processed",
];

// ---------------------------------------------------------------------------------------------------------------
// The tutorial journey, run once, with every report.

struct Journey {
    ran: Ran,
    drill: Value,
    junit: String,
    viewer: Value,
}

static THE_JOURNEY: LazyLock<Journey> = LazyLock::new(|| {
    let reports = Folder::new();
    let to = |name: &str| reports.file(name, "").display().to_string();
    let (json, junit, trace) = (to("json"), to("junit"), to("trace"));
    let ran = switchback(&["run", JOURNEY, "--json", &json, "--junit", &junit, "--trace", &trace]);
    let parsed = |name| serde_json::from_str::<Value>(&reports.read(name)).expect("the report is valid JSON");
    Journey {
        ran: ran.exits(exit::HELD),
        drill: parsed("json")[0].clone(),
        junit: reports.read("junit"),
        viewer: parsed("trace"),
    }
});

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

#[test]
fn the_journey_is_told_state_by_state() {
    let states = [
        "web-01 is enabling replication to Azure",
        "web-01 is synchronizing to Azure",
        "web-01 is replicating to Azure",
        "web-01 is failing over to Azure",
        "web-01 is failed over to Azure",
        "web-01 is committed to Azure",
        "web-01 is enabling replication home",
        "web-01 is synchronizing home",
        "web-01 is replicating home",
        "web-01 is failing over home",
        "web-01 is failed over home",
        "web-01 is committed home",
        "web-01 is enabling replication to Azure",
        "web-01 is synchronizing to Azure",
        "web-01 is replicating to Azure",
    ];
    let told = THE_JOURNEY.ran.stdout.lines().filter_map(|line| Some(line.split_once("  engine     ")?.1));
    let told: Vec<&str> = told.filter(|line| states.contains(line)).collect();
    assert_eq!(told, states);
    assert!(THE_JOURNEY.ran.stderr.is_empty(), "{}", THE_JOURNEY.ran.stderr);
}

#[test]
fn the_journey_ends_with_what_each_failover_reached_and_lost() {
    let lines: Vec<&str> = THE_JOURNEY.ran.stdout.lines().collect();
    let head = lines.iter().position(|line| line.starts_with("  failover ")).expect("there is a table");
    let cells = |line: &str| {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(cells(lines[head]), ["failover", "asked at", "recovery point", "RPO", "RTO", "lost"]);
    for (line, way) in [(lines[head + 1], "web-01 to Azure"), (lines[head + 2], "web-01 home")] {
        let row = cells(line);
        assert_eq!((row[0].as_str(), row[5].as_str()), (way, "0 writes, 0 B"), "{line}");
        assert!(row[2].contains("Crash") && row[3] == "0s" && row[4].contains('m'), "{line}");
    }
    assert_eq!(lines.last(), Some(&"PASS  failover-and-failback  20 verdicts held"));
}

#[test]
fn every_judge_says_its_verdict() {
    let verdicts = list(&THE_JOURNEY.drill["verdicts"]);
    for verdict in verdicts {
        let (name, figure) =
            (verdict["name"].as_str().unwrap_or("?"), verdict["figure"].as_str().unwrap_or("?"));
        let line = format!("  ok    {name:<40}  {figure}");
        assert!(
            THE_JOURNEY.ran.stdout.contains(line.trim_end()),
            "no `{line}` in {}",
            THE_JOURNEY.ran.stdout
        );
    }
    let judges = [
        "prefix",
        "application-point",
        "honest-rpo",
        "latest-means-latest",
        "nothing-resurrected",
        "one-writable-side",
        "no-orphan",
        "jobs-end",
        "states-are-legal",
        "promised-times",
        "convergence",
    ];
    for judge in judges {
        assert!(verdicts.iter().any(|verdict| verdict["judge"] == judge), "the judge `{judge}` is silent");
    }
}

#[test]
fn the_json_holds_verdicts_digest_failovers_and_steps() {
    let drill = &THE_JOURNEY.drill;
    let digest =
        drill["digest"].as_str().expect("the digest is text, because JSON numbers are too small for it");
    assert!(digest.len() == 16 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digest}");
    assert!(THE_JOURNEY.ran.stdout.contains(&format!("digest {digest}")));
    assert!(list(&drill["verdicts"]).iter().all(|verdict| verdict["held"] == true));
    let ways: Vec<&Value> = list(&drill["failovers"]).iter().map(|failover| &failover["direction"]).collect();
    assert_eq!(ways, ["Forward", "Reverse"]);
    assert!(list(&drill["steps"]).iter().all(|step| step["well"] == true));
    let lines = list(&drill["steps"]).iter().filter_map(|step| step["line"].as_str());
    assert!(
        lines.clone().all(|line| line.starts_with(&format!("{JOURNEY}:"))),
        "{:?}",
        lines.collect::<Vec<_>>()
    );
    assert_eq!((&drill["scenario"], &drill["file"]), (&"failover-and-failback".into(), &JOURNEY.into()));
}

#[test]
fn the_junit_report_has_a_test_case_for_each_verdict() {
    let report = Report::deserialize_from_str(&THE_JOURNEY.junit).expect("the report is well-formed JUnit");
    let [suite] = report.test_suites.as_slice() else { panic!("one suite in {report:?}") };
    assert_eq!(suite.name.as_str(), "failover-and-failback");
    let cases: Vec<&str> = suite.test_cases.iter().map(|case| case.name.as_str()).collect();
    let verdicts = list(&THE_JOURNEY.drill["verdicts"]).iter().filter_map(|verdict| verdict["name"].as_str());
    assert_eq!(cases, verdicts.collect::<Vec<_>>());
    assert_eq!((report.tests, report.failures, report.errors), (20, 0, 0));
}

#[test]
fn the_trace_can_be_opened_in_a_trace_viewer() {
    let events = list(&THE_JOURNEY.viewer["traceEvents"]);
    for event in events {
        let phase = event["ph"].as_str().unwrap_or("?");
        assert!(["M", "X", "i", "C"].contains(&phase), "{event}");
        assert!(event["name"].is_string() && event["pid"].is_u64(), "{event}");
        assert!(phase == "M" || (event["ts"].is_number() && event["tid"].is_u64()), "{event}");
        assert!(phase != "X" || event["dur"].as_f64().is_some_and(|dur| dur >= 0.0), "{event}");
    }
    let tracks = events.iter().filter(|event| event["ph"] == "M" && event["name"] == "thread_name");
    let tracks: Vec<&Value> = tracks.map(|event| &event["args"]["name"]).collect();
    assert!(tracks.contains(&&Value::from("web-01")), "{tracks:?}");
    let spans: Vec<&str> =
        events.iter().filter(|e| e["ph"] == "X").filter_map(|e| e["name"].as_str()).collect();
    for job in ["enable replication", "failover", "commit", "reprotect"] {
        assert!(spans.contains(&job), "no span for the job `{job}` in {spans:?}");
    }
    assert!(spans.contains(&"shut down the source"), "tasks are spans too: {spans:?}");
    assert!(events.iter().any(|event| event["ph"] == "C"), "the lag is a curve");
}

// ---------------------------------------------------------------------------------------------------------------
// The other shipped scenarios.

fn shipped() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("scenarios")).expect("the library is there");
    let paths = entries.map(|entry| entry.expect("the library can be listed").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

fn is_long(file: &Path) -> bool {
    file.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| LONG.contains(&stem))
}

#[track_caller]
fn all_pass(files: &[PathBuf]) {
    let ran = Ran::of(common::command().args(["run", "-q"]).args(files)).exits(exit::HELD);
    assert_eq!(
        ran.stdout.lines().filter(|line| line.starts_with("PASS  ")).count(),
        files.len(),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_short_scenarios_that_are_shipped_pass() {
    let (long, short): (Vec<_>, Vec<_>) = shipped().into_iter().partition(|file| is_long(file));
    assert_eq!(long.len(), LONG.len(), "each name in LONG is a shipped scenario: {long:?}");
    // The journey has tests of its own.
    let short: Vec<_> = short.into_iter().filter(|file| !file.ends_with(JOURNEY)).collect();
    assert!(!short.is_empty(), "something is left");
    all_pass(&short);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes a minute in a debug build: cargo test --release --test run")]
fn the_long_scenarios_that_are_shipped_pass() {
    all_pass(&shipped().into_iter().filter(|file| is_long(file)).collect::<Vec<_>>());
}

// ---------------------------------------------------------------------------------------------------------------
// What did not hold, and how the command exits.

#[test]
fn an_objective_that_is_missed_names_the_line_that_asked_for_it() {
    let folder = Folder::new();
    let text = one_small_machine(
        "expect:\n  - rpo: { vm: web-01, at-most: 1m }\n  - rto: { vm: web-01, at-most: 1s }\n",
    );
    let line = 1 + text.lines().position(|line| line.contains("rto:")).expect("it is in there");
    folder.file("too-slow.yaml", text);
    let ran =
        folder.switchback(&["run", "too-slow.yaml", "--junit", "report.xml"]).exits(exit::OBJECTIVE_MISSED);
    let ran = ran.says("FAIL  RTO of web-01").says(", at most 1.0s").says("ok    RPO of web-01");
    ran.says(&format!("asked for at too-slow.yaml:{line}"))
        .says("an objective was missed: 1 of 14 verdicts did not hold");

    let report =
        Report::deserialize_from_str(&folder.read("report.xml")).expect("the report is well-formed JUnit");
    assert_eq!((report.tests, report.failures), (14, 1));
    let failed = |status: &TestCaseStatus| {
        matches!(status, TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. })
    };
    let failures: Vec<_> =
        report.test_suites[0].test_cases.iter().filter(|case| failed(&case.status)).collect();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].name.as_str(), "RTO of web-01");
    assert_eq!(
        failures[0].classname.as_ref().map(|name| name.as_str()),
        Some(&*format!("too-slow.yaml:{line}"))
    );
}

#[test]
fn a_step_that_cannot_be_carried_out_does_not_converge() {
    let folder = Folder::new();
    let text = one_small_machine("  - after: failover\n    reprotect: { vm: web-01 }\n");
    let line = 1 + text.lines().position(|line| line.contains("reprotect:")).expect("it is in there");
    folder.file("uncommitted.yaml", text);
    let ran = folder.switchback(&["run", "uncommitted.yaml"]).exits(exit::DID_NOT_CONVERGE);
    let ran = ran.says("FAIL  the timeline is carried out").says("1 of 2 steps").says("vault      refused: ");
    ran.says(&format!("step `reprotect` (uncommitted.yaml:{line}): ")).says("it did not converge");
}

#[test]
fn two_running_copies_are_a_safety_failure() {
    let folder = Folder::new();
    folder.file(
        "split.yaml",
        one_small_machine("  - after: failover\n    plus: 1m\n    start: { vm: web-01 }\n"),
    );
    let ran = folder.switchback(&["run", "split.yaml", "--json", "-"]).exits(exit::SAFETY_FAILED);
    let ran = ran.complains("JUDGE      one writable side: web-01 runs on both sides");
    let drill = ran.complains("a safety property failed").drill();
    let verdict = verdict(&drill, "one writable side");
    assert_eq!(verdict["held"], false);
    assert!(
        list(&verdict["findings"])[0].as_str().is_some_and(|finding| finding.contains("runs on both sides"))
    );
}

#[test]
fn the_exit_code_of_several_drills_is_that_of_the_worst() {
    let folder = Folder::new();
    folder.file("good.yaml", one_small_machine(""));
    folder.file("split.yaml", one_small_machine("  - after: failover\n    start: { vm: web-01 }\n"));
    folder.file("slow.yaml", one_small_machine("expect:\n  - rto: { vm: web-01, at-most: 1s }\n"));
    let ran =
        folder.switchback(&["run", "-q", "slow.yaml", "split.yaml", "good.yaml"]).exits(exit::SAFETY_FAILED);
    let words: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split("  ").next()).collect();
    assert_eq!(words, ["FAIL", "FAIL", "PASS"], "each drill has one line");
    let ran = folder.switchback(&["run", "-q", "nowhere.yaml", "good.yaml"]).exits(exit::INVALID_SCENARIO);
    ran.says("PASS  one-small-machine").complains("nowhere.yaml: 1 problem");
}

// ---------------------------------------------------------------------------------------------------------------
// Options.

#[test]
fn json_on_standard_output_is_alone_there() {
    let folder = Folder::new();
    folder.file("a.yaml", one_small_machine(""));
    let ran = folder.switchback(&["run", "a.yaml", "a.yaml", "--json", "-"]).exits(exit::HELD);
    let drills = ran.json();
    assert_eq!(list(&drills).len(), 2);
    assert_eq!(drills[0]["digest"], drills[1]["digest"]);
    ran.complains("PASS  one-small-machine").complains("web-01 to Azure");
}

#[test]
fn the_other_reports_are_alone_on_standard_output_too() {
    let folder = Folder::new();
    folder.file("a.yaml", one_small_machine(""));
    let junit = folder.switchback(&["run", "a.yaml", "--junit", "-"]).exits(exit::HELD);
    Report::deserialize_from_str(&junit.stdout).expect("the report is well-formed JUnit");
    let viewer = folder.switchback(&["run", "a.yaml", "--trace", "-"]).exits(exit::HELD);
    assert!(viewer.json()["traceEvents"].is_array());
    let both = folder.switchback(&["run", "a.yaml", "--trace", "-", "--json", "-"]).exits(exit::USAGE);
    both.complains("only one of --json, --junit and --trace can go to standard output");
}

#[test]
fn a_report_that_cannot_be_written_is_not_a_verdict() {
    let folder = Folder::new();
    folder.file("a.yaml", one_small_machine(""));
    let ran =
        folder.switchback(&["run", "-q", "a.yaml", "--json", "no/such/folder.json"]).exits(exit::UNEXPECTED);
    ran.says("PASS").complains("switchback: cannot write no/such/folder.json: ");
}

#[test]
fn a_seed_on_the_command_line_stands_for_the_one_in_the_file() {
    let folder = Folder::new();
    folder.file("a.yaml", one_small_machine(""));
    let digest = |seed: &[&str]| {
        let ran = folder.switchback(&[&["run", "a.yaml", "--json", "-"], seed].concat()).exits(exit::HELD);
        ran.drill()["digest"].as_str().map(str::to_owned)
    };
    let of_the_file = digest(&[]);
    assert_eq!(of_the_file, digest(&["--seed", "1"]), "the same seed");
    assert_ne!(of_the_file, digest(&["--seed", "16"]), "another seed");
    assert_eq!(digest(&["--seed", "16"]), digest(&["--seed", "0x10"]), "the same seed in hexadecimal");
}

#[test]
fn a_trace_on_the_command_line_stands_for_the_one_in_the_file() {
    let folder = Folder::new();
    let trace =
        "fio version 3 iolog\n0 d write 0 4096\n1000000 d write 512 512\n2000000 d write 65536 8192\n";
    let trace = folder.file("three-writes.iolog", trace).display().to_string();
    let ran = switchback(&["run", "scenarios/small-trace.yaml", "--trace-file", &trace, "--json", "-"]);
    assert_eq!(ran.exits(exit::HELD).drill()["figures"]["writes"], 3);
}

#[test]
fn running_twice_demands_the_same_digest() {
    let folder = Folder::new();
    folder.file("a.yaml", one_small_machine(""));
    folder.switchback(&["run", "-q", "--twice", "a.yaml"]).exits(exit::HELD).says("PASS");
}

// ---------------------------------------------------------------------------------------------------------------
// Terminals and pipes.

#[test]
fn nothing_but_results_is_written_when_nobody_watches() {
    let folder = Folder::new();
    folder.file("a.yaml", one_small_machine(""));
    let ran = folder.switchback(&["run", "a.yaml"]).exits(exit::HELD);
    assert_eq!(ran.stderr, "");
    assert!(!ran.stdout.contains(['\u{1b}', '\r']), "{}", ran.stdout);
}

/// Runs the command with a terminal for standard error; `script` of util-linux makes one. `None` where there is no
/// such program, which on Linux is nowhere that this repository is built.
#[cfg(target_os = "linux")]
fn on_a_terminal(folder: &Folder, args: &str, no_color: Option<&str>) -> Option<String> {
    let line = format!("{} {args} >/dev/null", env!("CARGO_BIN_EXE_switchback"));
    let like = folder.command(&[]);
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).env("TERM", "xterm-256color");
    script.current_dir(like.get_current_dir()?).env_remove("NO_COLOR").env_remove("CLICOLOR");
    script.envs(no_color.map(|value| ("NO_COLOR", value)));
    let output = script.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_shows_how_far_the_drill_is() {
    let folder = Folder::new();
    folder.file("a.yaml", one_small_machine(""));
    let Some(screen) = on_a_terminal(&folder, "run a.yaml", None) else { return };
    assert!(screen.contains("one-small-machine: ") && screen.contains("of simulated time"), "{screen:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn diagnostics_are_coloured_on_a_terminal_unless_no_color_is_set() {
    let folder = Folder::new();
    folder.file("a.yaml", one_small_machine("expect:\n  - rto: { vm: web-1, at-most: 1s }\n"));
    let Some(colored) = on_a_terminal(&folder, "check a.yaml", None) else { return };
    assert!(colored.contains("\u{1b}[") && colored.contains("web-1"), "{colored:?}");
    let plain = on_a_terminal(&folder, "check a.yaml", Some("1"));
    assert!(
        plain.as_ref().is_some_and(|text| text.contains("web-1") && !text.contains('\u{1b}')),
        "{plain:?}"
    );
    let empty = on_a_terminal(&folder, "check a.yaml", Some(""));
    assert!(
        empty.as_ref().is_some_and(|text| text.contains("\u{1b}[")),
        "an empty NO_COLOR says nothing: {empty:?}"
    );
}

#[test]
fn a_reader_that_goes_away_does_not_change_the_verdict() {
    let folder = Folder::new();
    folder.file("split.yaml", one_small_machine("  - after: failover\n    start: { vm: web-01 }\n"));
    for args in [&["run", "split.yaml"][..], &["run", "split.yaml", "--json", "-"]] {
        let mut child =
            folder.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(
            ended.status.code(),
            Some(exit::SAFETY_FAILED),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        assert!(!String::from_utf8_lossy(&ended.stderr).contains("panicked"));
    }
}
