//! The table of errors: each row is raised by its condition, in the scenario or test that it names, or says why nothing
//! raises it; and the page of the reference is made from it.
//!
//! `UPDATE_FILES=1 cargo test --test errors` writes the page anew.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

mod common;

use common::{Folder, exit, is_current, root, switchback};
use switchback_azure::errors::{ErrorRow, Raised, as_markdown, table};
use switchback_harness::Outcome;
use switchback_scenarios::read_file;

fn rows() -> Vec<ErrorRow> {
    table().expect("the data file is well formed")
}

fn outcome(path: &str) -> Outcome {
    let scenario = read_file(&root().join(path)).unwrap_or_else(|report| panic!("{report}"));
    switchback_harness::run(&Arc::new(scenario), |_| {}).expect("its world can be built")
}

#[test]
fn every_row_is_raised_where_it_says_or_says_why_it_is_not() {
    for row in rows() {
        match row.raised {
            Raised::By(path) if path.ends_with(".yaml") => {
                let outcome = outcome(path);
                let shown: BTreeSet<&str> = outcome.events.iter().map(|event| event.code.as_str()).collect();
                assert!(shown.contains(row.code), "{path} is to raise {}, and raises {shown:?}", row.code);
            }
            Raised::By(path) => {
                let test = fs::read_to_string(root().join(path)).expect("the test is there");
                assert!(test.contains(&format!("\"{}\"", row.code)), "{path} does not speak of {}", row.code);
            }
            Raised::NotEmulated(why) => assert!(!why.is_empty(), "{}", row.code),
        }
    }
}

#[test]
fn every_scenario_about_errors_is_named_by_a_row_and_holds() {
    let folder = fs::read_dir(root().join("scenarios/errors")).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry can be read").file_name().into_string().expect("names are text")
    };
    let files: BTreeSet<String> = folder.map(|entry| format!("scenarios/errors/{}", name(entry))).collect();
    let raised = rows().into_iter().filter_map(|row| match row.raised {
        Raised::By(path) if path.starts_with("scenarios/errors/") => Some(path.to_owned()),
        _ => None,
    });
    assert_eq!(raised.collect::<BTreeSet<_>>(), files);
    let run: Vec<&str> = core::iter::once("run").chain(files.iter().map(String::as_str)).collect();
    switchback(&run).exits(exit::HELD);
}

/// What is raised by a condition goes with it.
#[test]
fn a_code_is_cleared_when_its_condition_is_gone() {
    for (path, code) in [
        ("scenarios/errors/the-line-is-cut.yaml", "78169"),
        ("scenarios/errors/the-agent-crashes.yaml", "SourceAgentUncleanSystemShutdownError"),
        ("scenarios/errors/the-driver-stops.yaml", "SourceAgentInternalError"),
        ("scenarios/errors/the-cache-account-is-blocked.yaml", "ECH00026"),
        ("scenarios/errors/a-replica-disk-refuses-a-write.yaml", "TargetAgentInternalError"),
    ] {
        let events = outcome(path).events;
        let of_code: Vec<bool> =
            events.iter().filter(|event| event.code.as_str() == code).map(|event| event.cleared).collect();
        assert_eq!(of_code, [false, true], "{path}");
    }
}

/// What stands in a scenario, and what stands there in its twin.
type Changes = &'static [(&'static str, &'static str)];

/// Scenarios without their condition: what stands there for it and what then does, and the code that is missed.
const TWINS: [(&str, Changes, &str); 14] = [
    ("the-line-is-cut", &[("for: 40m", "for: 2m")], "78169"),
    (
        "the-machine-in-azure-is-stopped",
        &[("stop-in-azure", "start-in-azure"), (", fails: machine-not-running", "")],
        "78093",
    ),
    (
        "the-host-has-too-little-memory",
        &[("host-memory: 6GiB", "host-memory: 8GiB"), (", fails: out-of-capacity", "")],
        "8038",
    ),
    (
        "reprotect-before-the-agent-has-registered",
        &[("agent-registration: 12m", "agent-registration: 30s"), (", fails: agent-not-registered", "")],
        "agent-not-installed",
    ),
    (
        "a-test-machine-has-the-address",
        &[("at: 20m, test-failover", "at: 5m, test-failover"), (", fails: address-of-test", "")],
        "replica-ip-address-invalid",
    ),
    ("started-from-a-running-machine", &[("to: latest }", "to: latest, shutdown: true }")], "6008"),
    ("the-cache-account-is-blocked", &[("at: 35m, repair", "at: 12m, repair")], "ECH00026"),
    (
        "the-agent-runs-out-of-memory",
        &[("tracking-memory: 4KiB", "tracking-memory: 1MiB")],
        "SourceAgentLowMemoryError",
    ),
    (
        "a-replica-disk-refuses-a-write",
        &[(
            "disk-fault: { vm: web-01, disk: os, side: replica, kind: refused }",
            "cut: { link: lan, for: 1s }",
        )],
        "TargetAgentInternalError",
    ),
    (
        "a-master-target-in-the-modernised-stack",
        &[
            (", master-target: configuration-server, retention-drive: R }", " }"),
            ("\n    fails: invalid-input", ""),
        ],
        "506",
    ),
    (
        "a-master-target-behind-a-proxy",
        &[
            ("os: linux, authenticating-proxy: true", "os: linux"),
            ("\n    fails: master-target-not-registered", ""),
        ],
        "35",
    ),
    (
        "the-network-of-a-classic-machine-is-missing",
        &[("classic-model: true", "classic-model: false"), ("fails: network-missing", "fails: wrong-state")],
        "70038",
    ),
    (
        "a-browser-at-the-data-port",
        &[("timeline:", "timeline:\n  - { at: 9m, crash: { who: process-server, down-for: 5m } }")],
        "400-on-9443",
    ),
    (
        "configured-before-it-is-protected",
        &[("at: 62s", "at: 20m"), (", fails: not-allowed", "")],
        "cannot-be-configured",
    ),
];

/// The negative twins: without the condition there is no code, and an expectation of it is missed.
#[test]
fn a_code_that_is_not_raised_is_told() {
    let folder = Folder::new();
    for (name, changes, code) in TWINS {
        let file = root().join(format!("scenarios/errors/{name}.yaml"));
        let text = fs::read_to_string(file).expect("the scenario is there");
        let spoilt = changes.iter().fold(text.replace("../schema", "schema"), |text, (from, to)| {
            assert!(text.contains(from), "{name} has no `{from}`");
            text.replace(from, to)
        });
        let file = folder.file(&format!("{name}.yaml"), spoilt);
        // What goes well in a twin is not there to be made up for, so a later step may be one too many.
        let ran = switchback(&["run", &file.display().to_string()]);
        assert_ne!(ran.code, Some(exit::HELD), "{name}");
        ran.says(&format!("FAIL  code {code}"));
    }
}

#[test]
fn the_page_of_the_reference_is_made_from_the_table() {
    is_current("docs/reference/errors.md", &as_markdown(&rows()), "errors");
}
