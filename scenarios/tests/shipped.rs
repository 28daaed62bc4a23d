//! Every scenario file that is shipped is valid, for the reader and for the schema; the schema that is checked
//! in is the one of the code; the two forms of the small trace hold the same requests.
//!
//! `UPDATE_FILES=1 cargo test -p switchback-scenarios --test shipped` writes the generated files anew.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use switchback_scenarios::traces::{self, TraceFormat};
use switchback_scenarios::{
    Checked, Overrides, check_file, exploration_schema, read_exploration, read_file, read_file_with, schema,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn shipped() -> Vec<PathBuf> {
    let files = yaml_files(&folder());
    assert!(files.len() >= 9, "the library is there: {files:?}");
    let more = [
        "tutorial",
        "errors",
        "health",
        "plans",
        "modernised",
        "process-servers",
        "resync",
        "vsphere",
        "azure",
    ];
    let more = more.into_iter().flat_map(|part| yaml_files(&folder().join(part)));
    files.into_iter().chain(more).collect()
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

/// Compares a checked-in file with what the code makes, or writes it when asked to.
fn same_as_checked_in(path: &Path, generated: &[u8]) {
    if std::env::var_os("UPDATE_FILES").is_some() {
        fs::write(path, generated).unwrap();
    }
    let checked_in = fs::read(path).unwrap_or_default();
    assert!(checked_in == generated, "{} is out of date: run with UPDATE_FILES=1", path.display());
}

fn as_json(path: &Path) -> serde_json::Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(&fs::read_to_string(path).unwrap(), options).unwrap()
}

#[test]
fn the_schema_that_is_checked_in_is_current() {
    for (schema, file) in [(schema(), "scenario"), (exploration_schema(), "exploration")] {
        let mut text = serde_json::to_string_pretty(&schema).unwrap();
        text.push('\n');
        same_as_checked_in(&folder().join(format!("schema/{file}-v1.schema.json")), text.as_bytes());
    }
}

fn errors_in(path: &Path, schema: &serde_json::Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    let json = as_json(path);
    let errors = validator.iter_errors(&json);
    errors.map(|error| format!("{} at {}", error, error.instance_path())).collect()
}

#[test]
fn every_shipped_scenario_is_valid_for_the_reader_and_for_the_schema() {
    for path in shipped() {
        let scenario = read_file(&path).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(
            scenario.name,
            path.file_stem().unwrap().to_str().unwrap(),
            "a file is named after its scenario"
        );
        let errors = errors_in(&path, &schema());
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        assert!(!errors_in(&path, &exploration_schema()).is_empty(), "{}", path.display());
    }
}

#[test]
fn every_shipped_exploration_is_valid_for_the_reader_and_for_its_schema() {
    let files = yaml_files(&folder().join("explorations"));
    assert!(!files.is_empty());
    for path in files {
        let exploration = read_exploration(&path).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(exploration.name, path.file_stem().unwrap().to_str().unwrap());
        assert!(matches!(check_file(&path), Ok(Checked::Exploration(_))));
        let errors = errors_in(&path, &exploration_schema());
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        assert!(!errors_in(&path, &schema()).is_empty(), "{}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses_in_one_file() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let good = as_json(&folder().join("failover-and-failback.yaml"));
    let spoil: &[(&str, serde_json::Value)] = &[
        ("/version", serde_json::json!(2)),
        ("/wan", serde_json::json!({ "bandwith": "400Mbps" })),
        ("/wan", serde_json::json!({ "bandwidth": "12MiB/s" })),
        ("/protect", serde_json::json!([])),
        ("/timeline/0", serde_json::json!({ "at": "1h" })),
        ("/timeline/0", serde_json::json!({ "at": "1h", "after": "x", "commit": { "vm": "web-01" } })),
        ("/timeline/0", serde_json::json!({ "at": "1h", "commit": { "vm": "a", "group": "b" } })),
        ("/timeline/0", serde_json::json!({ "at": "1h", "plus": "1m", "commit": { "vm": "a" } })),
        (
            "/timeline/0",
            serde_json::json!({ "when": { "vm": "a", "cuts-point": 3 }, "commit": { "vm": "a" } }),
        ),
        (
            "/timeline/0",
            serde_json::json!({ "when": { "vm": "a", "is": "failing" }, "commit": { "vm": "a" } }),
        ),
        ("/timeline/0", serde_json::json!({ "at": "1h", "skew": { "who": "control" } })),
        ("/expect/0", serde_json::json!({ "rpo": { "vm": "web-01", "at-most": 15 } })),
    ];
    for (place, value) in spoil {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value.clone();
        assert!(!validator.is_valid(&bad), "{place} = {value} is refused");
    }
}

#[test]
fn the_reference_says_every_word_of_the_language() {
    use switchback_scenarios::model::conditions::ConditionWord;
    use switchback_scenarios::model::words::*;
    let reference = fs::read_to_string(folder().join("../docs/reference/scenario-language.md")).unwrap();
    fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> impl Iterator<Item = &'static str> {
        all.iter().map(move |one| word(*one))
    }
    let all = words(Component::ALL, Component::as_str)
        .chain(words(DiskOwner::ALL, DiskOwner::as_str))
        .chain(words(OutsideCall::ALL, OutsideCall::as_str))
        .chain(words(OutsideFailure::ALL, OutsideFailure::as_str))
        .chain(words(DiskSide::ALL, DiskSide::as_str))
        .chain(words(DiskFaultKind::ALL, DiskFaultKind::as_str))
        .chain(words(SlowDeviceWord::ALL, SlowDeviceWord::as_str))
        .chain(words(PassingState::ALL, PassingState::as_str))
        .chain(words(TaskWord::ALL, TaskWord::as_str))
        .chain(words(StateWord::ALL, StateWord::as_str))
        .chain(words(StackWord::ALL, StackWord::as_str))
        .chain(words(FailureWord::ALL, FailureWord::as_str))
        .chain(words(Whereabouts::ALL, Whereabouts::as_str))
        .chain(words(PowerWord::ALL, PowerWord::as_str))
        .chain(words(TaskEnd::ALL, TaskEnd::as_str))
        .chain(words(LocationWord::ALL, LocationWord::as_str))
        .chain(words(HomeWord::ALL, HomeWord::as_str))
        .chain(words(JourneyWord::ALL, JourneyWord::as_str))
        .chain(words(FaultWord::ALL, FaultWord::as_str))
        .chain(words(ConditionWord::ALL, ConditionWord::as_str));
    let unsaid: Vec<&str> = all.filter(|word| !reference.contains(&format!("`{word}`"))).collect();
    assert!(unsaid.is_empty(), "not in the reference: {unsaid:?}");
}

#[test]
fn the_small_trace_is_the_same_in_both_forms() {
    let iolog = traces::open(&folder().join("traces/small-mixed.iolog"), None).unwrap();
    assert_eq!(iolog.summary.format, TraceFormat::FioIolog);
    same_as_checked_in(&folder().join("traces/small-mixed.vscsi"), &traces::encode_vscsi(&iolog.requests));
    let vscsi = traces::open(&folder().join("traces/small-mixed.vscsi"), None).unwrap();
    assert_eq!(vscsi.summary.format, TraceFormat::Vscsi);
    assert_eq!(vscsi.requests, iolog.requests);
    assert!(vscsi.summary.writes > 2_500, "{:?}", vscsi.summary);
    assert!(
        vscsi.summary.duration > Duration::from_secs(20) && vscsi.summary.duration < Duration::from_secs(60)
    );
    assert!(vscsi.requests.iter().any(|request| request.sector % 8 != 0), "some are not aligned to 4 KiB");
}

#[test]
fn a_trace_and_a_seed_on_the_command_line_stand_for_those_in_the_file() {
    let path = folder().join("recorded-disk-latest.yaml");
    let trace = folder().join("traces/small-mixed.iolog");
    let overrides = Overrides { trace_path: Some(trace.clone()), seed: Some(7) };
    let scenario = read_file_with(&path, &overrides).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(scenario.seed, 7);
    assert_eq!(scenario.vms[0].traces[0].file, trace);
    assert_eq!(scenario.vms[0].traces[0].recorded.summary.format, TraceFormat::FioIolog);
}

#[test]
fn lines_lead_back_to_the_file() {
    let path = folder().join("failover-and-failback.yaml");
    let scenario = read_file(&path).unwrap();
    let line = |source: switchback_scenarios::SourceLine| {
        scenario.text.lines().nth(source.line as usize - 1).unwrap().trim().to_owned()
    };
    assert_eq!(line(scenario.timeline[0].source), "failover: { vm: web-01, to: latest, shutdown: true }");
    assert_eq!(line(scenario.expect[1].source), "- rto: { vm: web-01, at-most: 30m }");
    assert_eq!(line(scenario.vms[0].source), "- name: web-01");
    assert!(scenario.asked_for_at(scenario.timeline[0].source).ends_with("failover-and-failback.yaml:37"));
}
