//! How one begins: a scenario from few answers, what codes and judges mean, what shells and manuals know of the command.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

mod common;

use common::{Folder, Ran, exit, switchback};
use switchback_azure::errors::table;
use switchback_harness::check::Judge;

#[test]
fn a_new_scenario_of_each_journey_passes_its_check_and_holds() {
    let folder = Folder::new();
    for journey in ["failover", "there-and-back", "test"] {
        let file = format!("{journey}.yaml");
        let new = folder.switchback(&["new", &file, "--yes", "--journey", journey]);
        new.exits(exit::HELD).says("switchback run");
        folder.switchback(&["check", &file]).exits(exit::HELD);
        folder.switchback(&["run", "-q", &file]).exits(exit::HELD).says("PASS");
    }
}

#[test]
fn an_objective_that_cannot_be_kept_is_missed() {
    let folder = Folder::new();
    let new = folder.switchback(&["new", "strict.yaml", "--yes", "--journey", "failover", "--rto", "1s"]);
    new.exits(exit::HELD);
    folder.switchback(&["run", "-q", "strict.yaml"]).exits(exit::OBJECTIVE_MISSED).says("FAIL");
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let folder = Folder::new();
    Ran::of(folder.command(&["new", "quiet.yaml"]).stdin(Stdio::null()))
        .exits(exit::HELD)
        .complains("no terminal");
    folder.switchback(&["check", "quiet.yaml"]).exits(exit::HELD);
}

#[test]
fn a_size_that_is_none_is_pointed_at_and_nothing_is_written() {
    let folder = Folder::new();
    let ran = folder.switchback(&["new", "bad.yaml", "--yes", "--disk", "20 apples"]);
    ran.exits(exit::INVALID_SCENARIO).complains("20 apples").complains("nothing was written");
    folder.switchback(&["new", "bad.yaml", "--yes"]).exits(exit::HELD);
}

#[test]
fn a_file_that_is_there_is_written_over_only_when_that_is_said() {
    let folder = Folder::new();
    folder.file("mine.yaml", "mine");
    folder.switchback(&["new", "mine.yaml", "--yes"]).exits(exit::UNEXPECTED).complains("is there already");
    assert_eq!(folder.read("mine.yaml"), "mine");
    folder.switchback(&["new", "mine.yaml", "--yes", "--force"]).exits(exit::HELD);
    folder.switchback(&["check", "mine.yaml"]).exits(exit::HELD);
}

#[test]
fn every_error_code_judge_and_exit_code_is_explained() {
    let ran = switchback(&["explain", "--list"]).exits(exit::HELD);
    let listed: BTreeSet<&str> =
        ran.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for row in table().expect("the data file is well formed") {
        assert!(listed.contains(row.code), "{} is not explained", row.code);
    }
    for judge in Judge::ALL {
        let name = serde_json::to_value(judge).expect("judges have names");
        let name = name.as_str().expect("names are text");
        assert!(listed.contains(name), "{name} is not explained");
    }
    for code in ["0", "1", "2", "10", "20", "21", "22", "23", "30"] {
        assert!(listed.contains(code), "{code} is not explained");
    }
}

#[test]
fn an_explanation_says_what_is_wrong_and_what_to_do() {
    switchback(&["explain", "95524"])
        .exits(exit::HELD)
        .says("less than 100 MB free on the source")
        .says("what to do")
        .says("harness/tests/guest_conditions.rs");
    switchback(&["explain", "Honest-RPO"]).exits(exit::HELD).says("what must hold");
    switchback(&["explain", "22"]).exits(exit::HELD).says("An objective of the scenario was missed");
}

#[test]
fn what_is_not_known_is_answered_with_what_is_near() {
    switchback(&["explain", "prefx"]).exits(exit::USAGE).complains("prefix").complains("--list");
    switchback(&["explain"]).exits(exit::USAGE);
}

#[test]
fn bash_understands_what_completes_the_command() {
    let script = switchback(&["completions", "bash"]).exits(exit::HELD).stdout;
    assert!(script.contains("explain"), "{script}");
    let folder = Folder::new();
    let file = folder.file("switchback.bash", script);
    if let Ok(status) = Command::new("bash").arg("-n").arg(&file).status() {
        assert!(status.success());
    }
    switchback(&["completions", "abacus"]).exits(exit::USAGE);
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = Folder::new();
    folder.switchback(&["man", "man"]).exits(exit::HELD);
    for page in ["switchback", "switchback-run", "switchback-new", "switchback-explain", "switchback-serve"] {
        let page = folder.read(&format!("man/{page}.1"));
        assert!(page.contains(".TH ") && page.contains(".SH NAME"), "{page}");
    }
    folder.file("taken", "no folder");
    folder.switchback(&["man", "taken"]).exits(exit::UNEXPECTED).complains("cannot write the manual pages");
}
