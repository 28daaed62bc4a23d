//! The tutorial that this project is built from: each of its statements has a row in the table, each row a scenario
//! that shows it, and all of these scenarios hold.

use std::collections::BTreeSet;
use std::fs;

mod common;

use common::{Folder, exit, root, switchback, verdict};

/// How many statements the tutorial makes.
const STATEMENTS: usize = 61;

/// A row of the table: its number as written, and the scenarios that it names.
struct Row {
    number: String,
    scenarios: Vec<String>,
}

fn rows() -> Vec<Row> {
    let table = fs::read_to_string(root().join("docs/reference/tutorial.md")).expect("the table is there");
    let cells = table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| T")?.split(" | ");
        Some((cells.next()?.to_owned(), cells.last()?.to_owned()))
    });
    let link = |part: &str| Some(part.split_once("](../../")?.1.split_once(')')?.0.to_owned());
    let row = |(number, shown_by): (String, String)| Row {
        number,
        scenarios: shown_by.split(", ").filter_map(link).collect(),
    };
    cells.map(row).collect()
}

fn files() -> BTreeSet<String> {
    let folder = fs::read_dir(root().join("scenarios/tutorial")).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry can be read").file_name().into_string().expect("names are text")
    };
    folder.map(name).map(|name| format!("scenarios/tutorial/{name}")).collect()
}

#[test]
fn every_statement_has_a_row_that_names_its_scenario() {
    let rows = rows();
    let numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    let wanted: Vec<String> = (1..=STATEMENTS).map(|number| number.to_string()).collect();
    assert_eq!(numbers, wanted);
    let bare: Vec<&str> =
        rows.iter().filter(|row| row.scenarios.is_empty()).map(|row| row.number.as_str()).collect();
    assert!(bare.is_empty(), "statements that nothing shows: {bare:?}");
}

#[test]
fn the_table_names_the_scenarios_that_there_are_and_no_others() {
    let named: BTreeSet<String> = rows().into_iter().flat_map(|row| row.scenarios).collect();
    assert_eq!(named, files());
}

#[test]
fn every_scenario_of_the_tutorial_holds() {
    let files = files();
    let run: Vec<&str> = core::iter::once("run").chain(files.iter().map(String::as_str)).collect();
    switchback(&run).exits(exit::HELD);
}

/// The negative twin: a step that is to fail and is done, one that fails for another reason, and one that is done although
/// its end says otherwise are all told.
#[test]
fn what_is_to_fail_and_does_not_is_no_success() {
    let folder = Folder::new();
    let text = fs::read_to_string(root().join("scenarios/tutorial/commit-deletes-the-points.yaml"))
        .expect("the scenario is there");
    let spoilt = [
        (
            "fails: no-such-point",
            "fails: not-allowed",
            exit::DID_NOT_CONVERGE,
            "it was to fail, not-allowed; ",
        ),
        (
            "commit: { vm: web-01 } }",
            "commit: { vm: web-01 }, fails: not-allowed }",
            exit::DID_NOT_CONVERGE,
            "it was to fail, not-allowed; it was done",
        ),
        ("is: succeeded", "is: skipped", exit::OBJECTIVE_MISSED, "task drop-points of step `commit`"),
        (
            "points-kept: { vm: web-01, count: 0 }",
            "points-kept: { vm: web-01, count: 1 }",
            exit::OBJECTIVE_MISSED,
            "[0], wanted 1",
        ),
    ];
    for (right, wrong, code, told) in spoilt {
        assert!(text.contains(right), "{right}");
        let file = folder.file("spoilt.yaml", text.replace(right, wrong).replace("../schema", "schema"));
        switchback(&["run", &file.display().to_string()]).exits(code).says(told);
    }
}

/// And where a machine is, is looked at.
#[test]
fn a_machine_that_is_elsewhere_than_expected_is_told() {
    let folder = Folder::new();
    let text = fs::read_to_string(root().join("scenarios/tutorial/commit-at-home.yaml"))
        .expect("the scenario is there");
    let spoilt = text.replace("at: azure, is: absent", "at: azure, is: off");
    let file = folder.file("spoilt.yaml", spoilt);
    let ran = switchback(&["run", &file.display().to_string(), "--json", "-"]).exits(exit::OBJECTIVE_MISSED);
    assert_eq!(verdict(&ran.drill(), "web-01 at azure")["figure"], "absent, wanted off");
}
