//! The modernised stack: every scenario of its folder holds, and would not hold under the other stack.

use std::collections::BTreeSet;
use std::fs;

mod common;

use common::{Folder, exit, root, switchback};

fn files() -> BTreeSet<String> {
    let folder = fs::read_dir(root().join("scenarios/modernised")).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry can be read").file_name().into_string().expect("names are text")
    };
    folder.map(name).map(|name| format!("scenarios/modernised/{name}")).collect()
}

#[test]
fn every_scenario_of_the_modernised_stack_holds() {
    let files = files();
    let run: Vec<&str> = core::iter::once("run").chain(files.iter().map(String::as_str)).collect();
    switchback(&run).exits(exit::HELD);
}

/// The twin: each has a step that the other stack refuses, or does although it was to be refused.
#[test]
fn under_the_other_stack_none_of_them_holds() {
    let folder = Folder::new();
    for file in files() {
        let text = fs::read_to_string(root().join(&file)).expect("the scenario is there");
        let other = match text.contains("  stack: modernised\n") {
            true => text.replace("  stack: modernised\n", ""),
            false => text.replace("  datastores:\n", "  stack: modernised\n  datastores:\n"),
        };
        let file = folder.file("other.yaml", other.replace("../schema", "schema"));
        switchback(&["run", &file.display().to_string()])
            .exits(exit::DID_NOT_CONVERGE)
            .says("FAIL  the timeline is carried out");
    }
}
