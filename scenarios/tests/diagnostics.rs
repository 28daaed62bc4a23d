//! Every kind of mistake has a diagnostic with file, line, label and help; several come at once; the pictures of
//! them are kept as snapshots. The bad files are in `tests/bad`.

use std::path::Path;

use switchback_scenarios::{
    FILE_BYTES_MAX, Overrides, Report, check_file, read_exploration, read_file, read_file_with, read_str,
};

/// The tests run in the folder of the crate, so that the paths in the snapshots are the same everywhere.
fn report_of(name: &str) -> Report {
    read_file(&Path::new("tests/bad").join(name)).expect_err("a bad file is refused")
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.diagnostics().iter().map(|diagnostic| diagnostic.code).collect()
}

/// One snapshot for each file.
macro_rules! snapshots {
    ($($test:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $test() {
                insta::assert_snapshot!(report_of($file).render(false));
            }
        )*
    };
}

snapshots! {
    unknown_keys: "unknown-keys.yaml",
    dangling_names: "dangling-names.yaml",
    wrong_units: "wrong-units.yaml",
    impossible_numbers: "impossible-numbers.yaml",
    duplicates: "duplicates.yaml",
    missing: "missing.yaml",
    wrong_words: "wrong-words.yaml",
    steps: "steps.yaml",
    faults: "faults.yaml",
    moments: "moments.yaml",
    plans: "plans.yaml",
    homes: "homes.yaml",
    servers: "servers.yaml",
    conditions: "conditions.yaml",
    resync: "resync.yaml",
    ranges_are_not_one_scenario: "ranges.yaml",
    several_kinds: "several-kinds.yaml",
    traces: "traces.yaml",
    not_yaml: "not-yaml.yaml",
    two_documents: "two-documents.yaml",
    merge_key: "merge-key.yaml",
    empty: "empty.yaml",
    list: "list.yaml",
    newer_version: "newer-version.yaml",
    tab: "tab.yaml",
    escape: "escape.yaml",
    image: "image.yaml",
    binary: "binary.yaml",
    latin_1: "latin-1.yaml",
    directory: "traces",
    no_such_file: "no-such-file.yaml",
}

/// One snapshot for each file of ranges; checking it finds the same as exploring it.
macro_rules! snapshots_of_ranges {
    ($($test:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $test() {
                let path = Path::new($file);
                let report = read_exploration(path).expect_err("bad ranges are refused").render(false);
                assert_eq!(check_file(path).expect_err("and checked as ranges").render(false), report);
                insta::assert_snapshot!(report);
            }
        )*
    };
}

snapshots_of_ranges! {
    ranges: "tests/bad/ranges.yaml",
    journey: "tests/bad/journey.yaml",
    empty_ranges: "tests/bad/empty-ranges.yaml",
}

#[test]
fn one_scenario_has_no_ranges_to_draw_from() {
    let report = read_exploration(Path::new("failover-and-failback.yaml")).unwrap_err();
    insta::assert_snapshot!(report.render(false));
}

#[test]
fn an_unknown_key_a_wrong_unit_and_a_dangling_name_come_at_once() {
    let report = report_of("several-kinds.yaml");
    let codes = codes(&report);
    for code in ["scenario::unknown_key", "scenario::wrong_unit", "scenario::unknown_vm"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
}

#[test]
fn a_trace_that_is_wrong_does_not_hide_the_others() {
    let report = report_of("traces.yaml");
    assert!(report.diagnostics().len() >= 24, "{:?}", codes(&report));
    let with_help = report.diagnostics().iter().filter(|diagnostic| diagnostic.help.is_some());
    assert_eq!(with_help.count(), report.diagnostics().len());
}

#[test]
fn every_diagnostic_of_every_bad_file_has_a_help_and_a_place() {
    for entry in std::fs::read_dir("tests/bad").unwrap() {
        let path = entry.unwrap().path();
        let Err(report) = read_file(&path) else { panic!("{} is refused", path.display()) };
        for diagnostic in report.diagnostics() {
            assert!(diagnostic.help.is_some(), "{}: {diagnostic:?}", path.display());
        }
    }
}

#[test]
fn the_report_as_json_has_lines_and_columns() {
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&report_of("newer-version.yaml").to_json()).unwrap()
    );
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let report = report_of("newer-version.yaml");
    assert!(!report.render(false).contains('\u{1b}'));
    assert!(report.render(true).contains('\u{1b}'));
}

#[test]
fn a_huge_file_is_refused_without_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.yaml");
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let report = read_file(&path).unwrap_err();
    // A hole reads as zero bytes: both are true of it, and one is said.
    assert_eq!(codes(&report), ["scenario::file_too_large"]);
    let text = "#".repeat(usize::try_from(FILE_BYTES_MAX).unwrap() + 1);
    assert_eq!(codes(&read_str("huge.yaml", &text).unwrap_err()), ["scenario::file_too_large"]);
}

#[test]
fn a_trace_on_the_command_line_needs_one_to_stand_for() {
    let overrides = Overrides { trace_path: Some("other.vscsi".into()), seed: None };
    let none = read_file_with(Path::new("failover-and-failback.yaml"), &overrides).unwrap_err();
    assert_eq!(codes(&none), ["scenario::no_trace_to_replace"]);
    let several = read_file_with(Path::new("tests/bad/traces.yaml"), &overrides).unwrap_err();
    assert!(codes(&several).contains(&"scenario::several_traces_to_replace"));
    let unreadable = read_file_with(Path::new("recorded-disk-latest.yaml"), &overrides).unwrap_err();
    insta::assert_snapshot!(unreadable.render(false));
}
