//! `switchback replay` as a person meets it: a failure that is kept is run again, and a drill is stepped through to see a
//! recovery point being cut.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use switchback_harness::bug_base::{Bug, BugBase, Size};

mod common;

use common::{Folder, exit, one_small_machine};

/// A line that is cut over the failover, and a loss that nobody can avoid then.
fn missed() -> String {
    let more =
        "  - at: 3m30s\n    cut: { link: wan, for: 30m }\nexpect:\n  - loss: { vm: web-01, at-most: 0 }\n";
    one_small_machine(more)
}

/// Keeps the failure of a scenario in `bugs` of a folder, and says its folder's name.
fn keep(folder: &Folder, text: &str) -> String {
    let file = folder.file("plan.yaml", text);
    let scenario = Arc::new(switchback_scenarios::read_file(&file).expect("the scenario is valid"));
    let outcome = switchback_harness::run(&scenario, |_| {}).expect("its world can be built");
    let size = Size::of(&scenario, &outcome.figures);
    let bug = Bug::of(&outcome, text, size, "1").expect("it fails");
    let base = BugBase::open(file.with_file_name("bugs")).expect("a bug base can be made");
    base.add(&bug).expect("the bug can be kept");
    format!("bugs/{}", bug.name())
}

#[test]
fn a_kept_failure_fails_again_for_the_same_reason_until_it_is_fixed() {
    let folder = Folder::new();
    let bug = keep(&folder, &missed());
    let again = folder.switchback(&["replay", &bug]).exits(exit::OBJECTIVE_MISSED);
    again.says("still, for the same reason (promised-times)").says("the same run, digest");
    folder.switchback(&["replay", "bugs"]).exits(exit::OBJECTIVE_MISSED).says("fails");

    let plan = folder.file(&format!("{bug}/plan.yaml"), one_small_machine(""));
    folder.switchback(&["replay", &bug]).exits(exit::HELD).says("no longer fails");
    fs::remove_file(plan).expect("the plan can be removed");
    folder.switchback(&["replay", &bug]).exits(exit::INVALID_SCENARIO).complains("plan.yaml: missing");
}

#[test]
fn a_bug_of_another_version_is_run_and_its_digest_is_not_compared() {
    let folder = Folder::new();
    let bug = keep(&folder, &missed());
    let record = format!("{bug}/bug.json");
    let older = folder.read(&record).replace(&format!("\"{}\"", env!("CARGO_PKG_VERSION")), "\"0.0.1\"");
    folder.file(&record, older);
    let again = folder.switchback(&["replay", &bug]).exits(exit::OBJECTIVE_MISSED);
    again.complains("found by version 0.0.1").says("for the same reason");

    folder.file(&record, "{");
    folder.switchback(&["replay", &bug]).exits(exit::INVALID_SCENARIO).complains("bug.json:1: damaged");
}

/// Pipes commands into a stepping session and gives what it says.
fn step(folder: &Folder, commands: &str) -> String {
    let mut command = folder.command(&["replay", "--step", "small.yaml"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command can be started");
    child.stdin.take().expect("a pipe").write_all(commands.as_bytes()).expect("it reads commands");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(exit::HELD));
    String::from_utf8(output.stdout).expect("it writes UTF-8")
}

#[test]
fn stepping_shows_how_a_recovery_point_is_cut_and_goes_back_to_before_it() {
    let folder = Folder::new();
    folder.file("small.yaml", one_small_machine(""));
    // The first point is cut a moment before t0, the next one a minute after that.
    let said = step(&folder, "u 58s\nw\ns 200\nb 200\nw\nl agent web-01\nd web-01 os\ni 3\np\nq\n");
    let wheres: Vec<&str> = said.lines().filter(|line| line.starts_with("event ")).collect();
    assert_eq!(wheres.first(), wheres.last(), "there and back is the same place: {said}");
    let order = ["writes are held", "marker of point", "is created"];
    let places: Vec<_> = order.iter().map(|words| said.find(words)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in {said}");
    for words in ["replicates under generation 1", "journal in Azure", "next of", "point "] {
        assert!(said.contains(words), "no `{words}` in {said}");
    }
}

#[test]
fn what_cannot_be_stepped_or_understood_is_said() {
    let folder = Folder::new();
    folder.file("small.yaml", one_small_machine(""));
    let said = step(&folder, "jump\nl agent nobody\nd web-01 nothing\nu soon\n");
    for words in ["no command `jump`", "no role `agent nobody`", "no disk `nothing`", "expected a time"] {
        assert!(said.contains(words), "no `{words}` in {said}");
    }
    folder.switchback(&["replay", "--step", "small.yaml", "small.yaml"]).exits(exit::INVALID_SCENARIO);
    folder.switchback(&["replay", "absent.yaml"]).exits(exit::INVALID_SCENARIO).complains("absent.yaml");
}
