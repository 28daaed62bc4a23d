//! `switchback drill` as a person runs it: over TLS against a served rehearsal, with a state and a report.

mod common;
#[path = "../drill/tests/support/mod.rs"]
mod support;

use common::{Folder, exit, one_small_machine, switchback};
use serde_json::Value;
use support::Served;

const AND_BACK: &str = "  - { after: failover, commit: { vm: web-01 } }\n";

/// A server of a scenario, and the arguments of a drill of it over TLS.
fn served(folder: &Folder, text: &str) -> (Served, Vec<String>) {
    let file = folder.file("shop.yaml", text);
    let scenario = switchback_scenarios::read_file(&file).unwrap_or_else(|report| panic!("{report}"));
    let served = Served::new(&scenario);
    folder.file("ca.pem", &served.authority);
    let endpoint = format!("https://localhost:{}", served.address.port());
    let args = ["drill", "shop.yaml", "--endpoint", &endpoint, "--ca-file", "ca.pem", "--time", "instant"];
    (served, args.map(str::to_owned).to_vec())
}

fn with<'a>(args: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    args.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[test]
fn real_times_are_set_beside_rehearsed_ones() {
    let folder = Folder::new();
    let (_served, args) = served(&folder, &one_small_machine(AND_BACK));
    let args = with(&args, &["--state", "state", "--report", "report.json"]);
    let ran = folder.switchback(&args).exits(exit::HELD).says("Enable replication").says("Start failover");
    assert!(ran.stdout.contains("rehearsed"), "{}", ran.stdout);
    let report: Value = serde_json::from_str(&folder.read("report.json")).expect("JSON");
    let jobs = report["jobs"].as_array().expect("jobs");
    assert_eq!(jobs.len(), 3);
    for job in jobs {
        let (took, rehearsed) = (job["took"].as_f64(), job["rehearsed"].as_f64());
        assert!(took.is_some() && rehearsed.is_some(), "{job}");
        assert!(job["tasks"].as_array().is_some_and(|tasks| !tasks.is_empty()), "{job}");
    }
    assert_eq!(jobs[1]["line"], "shop.yaml:23");

    let again = folder.switchback(&args).exits(exit::HELD);
    assert_eq!(again.stdout, ran.stdout, "it was over, and nothing was asked");
}

#[test]
fn a_state_of_another_drill_is_not_gone_on_from() {
    let folder = Folder::new();
    let (_served, args) = served(&folder, &one_small_machine(AND_BACK));
    let args = with(&args, &["--state", "state"]);
    folder.switchback(&args).exits(exit::HELD);
    folder.file("shop.yaml", one_small_machine(""));
    folder.switchback(&args).exits(exit::UNEXPECTED).complains("expected the state of `one-small-machine`");
    folder.file("state", "{\"of\": 7}\n");
    folder.switchback(&args).exits(exit::UNEXPECTED).complains("line 1 is no record");
}

#[test]
fn what_cannot_be_walked_is_listed_with_its_line_before_anything_is_asked() {
    let folder = Folder::new();
    let faults = "  - { at: 1m, cut: { link: wan, for: 10s } }\n  - { when: { vm: web-01, task: fail-over }, cancel: { vm: web-01 } }\n";
    let (served, args) = served(&folder, &one_small_machine(&format!("{faults}{AND_BACK}")));
    folder
        .switchback(&with(&args, &[]))
        .exits(exit::INVALID_SCENARIO)
        .complains("drill::unreachable")
        .complains("shop.yaml:24")
        .complains("`cut` happens to the world")
        .complains("the moment that it waits for is not shown by the vault")
        .complains("2 problems");
    drop(served);
    let (_served, args) = self::served(&folder, &one_small_machine(&format!("{faults}{AND_BACK}")));
    let ran = folder.switchback(&with(&args, &["--skip-unreachable"])).exits(exit::HELD);
    assert!(ran.stdout.contains("left out: cut (shop.yaml:24)"), "{}", ran.stdout);
}

#[test]
fn a_dry_run_prints_the_requests_and_asks_nobody() {
    let folder = Folder::new();
    folder.file("shop.yaml", one_small_machine(AND_BACK));
    let nobody = ["drill", "shop.yaml", "--endpoint", "https://nobody.example.org", "--dry-run"];
    folder
        .switchback(&nobody)
        .exits(exit::HELD)
        .says("PUT https://nobody.example.org/subscriptions/")
        .says("/replicationProtectedItems/web-01/unplannedFailover?api-version=2025-08-01")
        .says("\"sourceSiteOperations\": \"Required\"")
        .says("# commit web-01 (shop.yaml:24)");
}

#[test]
fn a_step_that_fails_ends_the_drill_and_an_endpoint_that_is_none_is_no_drill() {
    let folder = Folder::new();
    let text = one_small_machine(AND_BACK)
        .replace("cache-account: stdrcache }", "cache-account: stdrcache, subscription: { cores: 1 } }");
    let (_served, args) = served(&folder, &text);
    let ran = folder.switchback(&with(&args, &[])).exits(exit::DID_NOT_CONVERGE);
    assert!(ran.stdout.contains("FAIL failed, 28031") && !ran.stdout.contains("Commit"), "{}", ran.stdout);
    switchback(&["drill", "scenarios/site-lost.yaml", "--endpoint", "nowhere", "--skip-unreachable"])
        .exits(exit::UNEXPECTED)
        .complains("`nowhere` is no endpoint");
}
