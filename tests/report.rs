//! The evidence of a drill, as those who were not there meet it: written, opened in a browser, changed, compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod common;
#[path = "common/debian.rs"]
mod debian;

use common::{Folder, exit, one_small_machine, root, switchback};

/// A folder with the report of one small drill in `out`, made with this seed.
fn reported(folder: &Folder, out: &str, seed: &str) -> PathBuf {
    let scenario = one_small_machine(
        "expect:\n  - rpo: { vm: web-01, at-most: 5m }\n  - rto: { vm: web-01, at-most: 30m }\n",
    );
    let file = folder.file("small.yaml", scenario).display().to_string();
    let ran = folder.switchback(&["run", "-q", &file, "--seed", seed, "--report", out]).exits(exit::HELD);
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert_eq!(last, format!("report: {}", Path::new(out).join("report.html").display()));
    folder.file("small.yaml", "").with_file_name(out)
}

fn verified(report: &Path) -> common::Ran {
    switchback(&["report", "verify", &report.display().to_string()])
}

#[test]
fn a_report_is_whole_until_a_file_is_changed_taken_out_or_put_in() {
    let folder = Folder::new();
    let report = reported(&folder, "out", "1");
    verified(&report).exits(exit::HELD).says("whole");

    let log = fs::read_to_string(report.join("events.jsonl")).expect("there is a log");
    let lines: Vec<&str> = log.lines().collect();
    let without_third = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    fs::write(report.join("events.jsonl"), without_third).expect("it can be written");
    verified(&report).exits(exit::UNEXPECTED).says("events.jsonl: line 3 is missing");
    fs::write(report.join("events.jsonl"), log.replacen("operator", "somebody", 1))
        .expect("it can be written");
    verified(&report).exits(exit::UNEXPECTED).says("was changed");
    fs::write(report.join("events.jsonl"), &log).expect("it can be written");
    verified(&report).exits(exit::HELD);

    fs::write(report.join("notes.txt"), "").expect("it can be written");
    verified(&report).exits(exit::UNEXPECTED).says("notes.txt was added");
    fs::remove_file(report.join("notes.txt")).expect("it is there");
    fs::remove_file(report.join("junit.xml")).expect("it is there");
    verified(&report).exits(exit::UNEXPECTED).says("junit.xml is missing");
}

#[test]
fn a_manifest_leads_nowhere_outside_the_report() {
    let folder = Folder::new();
    let report = reported(&folder, "out", "1");
    let path = report.join("manifest.json");
    let manifest = fs::read_to_string(&path).expect("there is a manifest");
    fs::write(&path, manifest.replace("\"junit.xml\"", "\"../small.yaml\"")).expect("it can be written");
    verified(&report).exits(exit::UNEXPECTED).says("../small.yaml is listed, and is no file of a report");
    fs::write(&path, "[".repeat(100_000)).expect("it can be written");
    verified(&report).exits(exit::UNEXPECTED).complains("expected the manifest of a report");
    fs::write(&path, " ".repeat((1 << 20) + 1)).expect("it can be written");
    verified(&report).exits(exit::UNEXPECTED).complains("at most 1048576 are read");
}

#[test]
fn a_report_replaces_a_report_and_nothing_else() {
    let folder = Folder::new();
    let report = reported(&folder, "out", "1");
    reported(&folder, "out", "2");
    let record = fs::read_to_string(report.join("report.json")).expect("there is a record");
    assert!(record.contains("\"seed\": \"0x2\""), "the newer one is there");
    fs::write(report.join("thesis.txt"), "years of work").expect("it can be written");
    let args = ["run", "-q", "small.yaml", "--report", "out"];
    folder
        .switchback(&args)
        .exits(exit::UNEXPECTED)
        .complains("out holds thesis.txt, which is no part of a report");
    assert!(report.join("thesis.txt").exists());
}

#[test]
fn the_same_drill_gives_the_same_bytes_and_another_differs() {
    let folder = Folder::new();
    let (one, same) = (reported(&folder, "one", "1"), reported(&folder, "same", "1"));
    let other = reported(&folder, "other", "2");
    let bytes = |report: &Path| fs::read(report.join("manifest.json")).expect("there is a manifest");
    assert_eq!(bytes(&one), bytes(&same));
    assert_ne!(bytes(&one), bytes(&other));
    folder.switchback(&["report", "diff", "one", "same"]).exits(exit::HELD).says("no difference");
    folder.switchback(&["report", "diff", "one", "other"]).exits(exit::HELD).says("seed: 0x1 -> 0x2");
    let trend = folder.switchback(&["report", "trend", "one", "other"]).exits(exit::HELD);
    assert_eq!(trend.stdout.matches("one-small-machine").count(), 2);
}

#[test]
fn several_drills_have_a_folder_each() {
    let folder = Folder::new();
    folder.file("one.yaml", one_small_machine(""));
    folder.file("two.yaml", one_small_machine("").replace("scenario: one-small", "scenario: another-small"));
    folder.switchback(&["run", "-q", "one.yaml", "two.yaml", "--report", "out"]).exits(exit::HELD);
    let verified = folder.switchback(&["report", "verify", "out"]).exits(exit::HELD);
    assert!(
        verified.stdout.contains("out/one-small-machine")
            && verified.stdout.contains("out/another-small-machine")
    );
}

#[test]
fn a_browser_opens_zooms_and_prints_the_report() {
    let Some(chromium) = chromium() else { return };
    let folder = Folder::new();
    let report = folder.file("out", "").with_file_name("journey").display().to_string();
    switchback(&["run", "-q", "scenarios/failover-and-failback.yaml", "--report", &report]).exits(exit::HELD);
    let script = root().join("tests/browser/report.mjs").display().to_string();
    let pictures = folder.file("picture", "").parent().expect("a file has a folder").to_owned();
    let page = format!("{report}/report.html");
    let said = debian::run("node", &[&script, &chromium, &page, &pictures.display().to_string()], root());
    let seen: Value =
        serde_json::from_str(&said.expect("the browser opens it")).expect("it says what it saw");
    assert_eq!(seen["errors"], serde_json::json!([]));
    assert_eq!((&seen["charts"], &seen["pdf"]), (&1.into(), &"%PDF-".into()));
    let width = |of: &str| seen[of]["max"].as_f64().zip(seen[of]["min"].as_f64()).map(|(max, min)| max - min);
    assert!(width("zoomed") < width("whole").map(|width| width / 2.0), "dragging zooms: {seen}");
    assert_eq!(seen["again"], seen["whole"], "the button shows all of it again");
    let text = seen["text"].as_str().expect("it has text");
    for words in ["This is not the yearly test itself", "RPO of web-01", "commit-in-azure", "Sign-off"] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
}

/// The browser, installed if need be; without one the test says that it was left out.
fn chromium() -> Option<String> {
    let is_there =
        || Command::new("chromium").arg("--version").output().is_ok_and(|ran| ran.status.success());
    if is_there() {
        return Some("chromium".to_owned());
    }
    match debian::install(&["chromium"]) {
        Ok(()) => Some("chromium".to_owned()),
        Err(why) => {
            eprintln!("NOT RUN: the report was opened in no browser: {why}");
            None
        }
    }
}
