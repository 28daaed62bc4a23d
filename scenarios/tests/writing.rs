//! What is written is read back as the same scenario, and it is short enough to read.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use switchback_scenarios::model::words::LinkName;
use switchback_scenarios::model::{Action, Step, StepIndex, Subject, VmIndex, When};
use switchback_scenarios::{Scenario, SourceLine, read_file, read_str, schema};

mod drawn;

fn read_back(text: &str) -> Scenario {
    read_str("written.yaml", text).unwrap_or_else(|report| panic!("{report}\n{text}"))
}

fn refused_by_the_schema(text: &str) -> Vec<String> {
    static VALIDATOR: std::sync::LazyLock<jsonschema::Validator> =
        std::sync::LazyLock::new(|| jsonschema::validator_for(&schema()).expect("the schema is one"));
    let options = serde_saphyr::options! { strict_booleans: true };
    let json: serde_json::Value =
        serde_saphyr::from_str_with_options(text, options).expect("what was read is YAML");
    VALIDATOR.iter_errors(&json).map(|error| format!("{error} at {}", error.instance_path())).collect()
}

fn shipped(name: &str) -> Scenario {
    read_file(Path::new(name)).unwrap_or_else(|report| panic!("{report}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_as_the_same_scenario(scenario in drawn::scenario()) {
        let text = scenario.to_yaml();
        let read = read_str("written.yaml", &text).map_err(|report| TestCaseError::fail(format!("{report}\n{text}")))?;
        let named = scenario.with_named_steps();
        prop_assert_eq!(read.without_places(), named.without_places(), "{}", text);
        prop_assert_eq!(read.to_yaml(), text.as_str());
        prop_assert_eq!(refused_by_the_schema(&text), Vec::<String>::new(), "{}", text);
        prop_assert_eq!(read.with_named_steps().without_places(), read.without_places());
    }
}

#[test]
fn every_shipped_scenario_survives_being_written() {
    let mut count = 0;
    for entry in std::fs::read_dir(".").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let name = path.file_name().unwrap().to_str().unwrap();
            let scenario = shipped(name);
            assert_eq!(read_back(&scenario.to_yaml()).without_places(), scenario.without_places());
            count += 1;
        }
    }
    assert!(count >= 9);
}

#[test]
fn a_scenario_that_says_something_else_is_not_the_same() {
    let scenario = shipped("site-lost.yaml");
    let mut other = scenario.clone();
    other.vms[0].disks[0].used += 512;
    assert_ne!(read_back(&other.to_yaml()).without_places(), scenario.without_places());
}

#[test]
fn a_written_scenario_is_short_enough_to_read() {
    insta::assert_snapshot!(shipped("wan-loss-during-failover.yaml").to_yaml());
}

#[test]
fn a_trace_is_named_from_the_folder_of_the_written_file() {
    let scenario = shipped("recorded-disk-latest.yaml");
    let text = scenario.to_yaml_at(Path::new("bugs/one/scenario.yaml"));
    assert!(text.contains("file: ../../traces/small-mixed.vscsi"), "{text}");
}

fn step(at: u64, action: Action) -> Step {
    let when = When::At(Duration::from_secs(at));
    Step {
        name: action.word().to_owned(),
        when,
        action,
        fails: None,
        source: SourceLine { line: 1, column: 1 },
    }
}

fn commit_after(step: usize) -> Step {
    let when = When::After { step: StepIndex(step), plus: Duration::ZERO };
    let action = Action::Commit(Subject::Vm(VmIndex(0)));
    Step { name: "commit".to_owned(), when, action, fails: None, source: SourceLine { line: 1, column: 1 } }
}

/// Two cuts, and a commit after one of them.
fn two_cuts() -> Scenario {
    let mut scenario = shipped("failover-and-failback.yaml");
    let cut = Action::Cut { link: LinkName::Wan, lasts: Duration::from_secs(60) };
    scenario.timeline = vec![step(600, cut.clone()), step(1200, cut), commit_after(1)];
    scenario
}

#[test]
fn a_step_is_named_when_another_comes_after_it_and_it_is_one_of_two() {
    let text = two_cuts().to_yaml();
    assert!(text.contains("  - { at: 10m, cut: { link: wan, for: 1m } }\n"), "{text}");
    assert!(text.contains("  - { name: cut-2, at: 20m, cut: { link: wan, for: 1m } }\n"), "{text}");
    assert!(text.contains("  - { after: cut-2, commit: { vm: web-01 } }\n"), "{text}");
    assert_eq!(read_back(&text).timeline[2].when, two_cuts().timeline[2].when);
}

#[test]
fn a_step_that_can_be_told_by_its_action_gets_no_name() {
    let mut scenario = two_cuts();
    scenario.timeline.remove(0);
    scenario.timeline[1] = commit_after(0);
    let text = scenario.to_yaml();
    assert!(!text.contains("\n  - { name: "), "{text}");
    assert!(text.contains("  - { after: cut, commit: { vm: web-01 } }\n"), "{text}");
}
