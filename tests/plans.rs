//! The scenarios of recovery plans hold; and one whose people do not come does not.

use std::fs;

mod common;

use common::{Folder, exit, root, switchback};

fn files() -> Vec<String> {
    let folder = fs::read_dir(root().join("scenarios/plans")).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry can be read").file_name().into_string().expect("names are text")
    };
    let mut files: Vec<String> = folder.map(name).map(|name| format!("scenarios/plans/{name}")).collect();
    files.sort();
    files
}

#[test]
fn every_scenario_of_a_plan_holds() {
    let files = files();
    let run: Vec<&str> = core::iter::once("run").chain(files.iter().map(String::as_str)).collect();
    switchback(&run).exits(exit::HELD).says("plans keep their order");
}

/// The twin: the groups after the action have not started, and the job has not ended.
#[test]
fn a_plan_whose_manual_action_nobody_completes_waits() {
    let text = fs::read_to_string(root().join("scenarios/plans/plan-failover.yaml")).expect("it is there");
    let action = "  - { at: 1h40m, complete-action: { plan: shop } }\n";
    assert!(text.contains(action));
    let spoilt = text.replace(action, "").replace("summary", "operator: { gives-up-after: 3h }\nsummary");
    let folder = Folder::new();
    folder.file("waiting.yaml", spoilt.replace("../schema", "schema"));
    let ran = folder.switchback(&["run", "waiting.yaml"]);
    assert_ne!(ran.code, Some(exit::HELD));
    ran.says("it is not through in time").says("of a plan is still Before { group: 1, action: 0 }");
}
