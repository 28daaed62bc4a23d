//! What an estate needs, as people ask for it.

mod common;

use common::{Folder, exit, one_small_machine, switchback};
use serde_json::Value;

const ESTATE: &str = "scenarios/plans/plan-failover.yaml";

#[test]
fn a_plan_is_told_and_written_for_people_programs_and_spreadsheets() {
    let folder = Folder::new();
    let estate = common::root().join(ESTATE);
    let estate = estate.to_str().expect("paths are text");
    let args =
        ["plan", estate, "--runs", "2", "--json", "plan.json", "--html", "plan.html", "--xlsx", "plan.xlsx"];
    folder.switchback(&args).exits(exit::HELD).says("shop").says("P10");
    let plan: Value = serde_json::from_str(&folder.read("plan.json")).expect("it is JSON");
    assert_eq!(plan["scenario"], "plan-failover");
    let page = folder.read("plan.html");
    assert!(page.contains("Content-Security-Policy") && !page.contains("<script src"), "{page}");
}

#[test]
fn a_machine_is_planned_write_by_write_where_that_is_asked_for() {
    let folder = Folder::new();
    folder.file("one.yaml", one_small_machine(""));
    let args = ["plan", "one.yaml", "--each-write", "--runs", "1", "--for", "1h"];
    folder.switchback(&args).exits(exit::HELD).says("web-01");
    folder.switchback(&[&args[..], &["--batch-every", "5m"]].concat()).exits(exit::USAGE);
}

#[test]
fn runs_that_would_not_fit_are_refused_and_the_rest_can_still_be_had() {
    let refused = switchback(&["plan", ESTATE, "--memory", "1", "--for", "744h"]);
    refused.exits(exit::INVALID_SCENARIO).complains("memory");
    switchback(&["plan", ESTATE, "--memory", "1", "--for", "744h", "--without-runs"])
        .exits(exit::HELD)
        .says("P10");
}

#[test]
fn a_file_with_a_mistake_is_not_planned() {
    let folder = Folder::new();
    folder.file("bad.yaml", "scenario: bad\n");
    folder.switchback(&["plan", "bad.yaml"]).exits(exit::INVALID_SCENARIO).complains("bad.yaml");
}
