//! `switchback explore` from the outside: what it finds, says and refuses.

use std::fs;
use std::path::PathBuf;

mod common;

use common::{Folder, Ran, exit, root, switchback};

#[test]
fn a_few_runs_find_nothing_and_say_how_far_they_got() {
    let ran = switchback(&["explore", "--runs", "60", "--jobs", "1"]).exits(exit::HELD);
    ran.says("HELD  60 runs").says("an hour enumerates every journey of");
}

#[test]
fn every_regression_still_holds() {
    let folder = root().join("scenarios/regressions");
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        switchback(&["run", "-q", &file.display().to_string()]).exits(exit::HELD);
    }
}

#[test]
fn a_scenario_without_ranges_is_refused_with_its_place() {
    let ran = switchback(&["explore", "scenarios/failover-and-failback.yaml"]).exits(exit::INVALID_SCENARIO);
    ran.complains("scenario::no_ranges").complains("switchback run");
}

#[test]
fn a_shard_out_of_range_is_refused_before_anything_is_read() {
    switchback(&["explore", "--campaign", "none.json", "--shard", "7/7"]).exits(exit::USAGE).complains("7/7");
}

/// Runs a shard of the campaign in a folder.
fn share(folder: &Folder, shard: &str, out: &str) -> Ran {
    folder.switchback(&["explore", "--campaign", "c.json", "--shard", shard, "--out", out, "-q"])
}

/// What merging the shards of a folder says of the whole.
fn digest(folder: &Folder, out: &str) -> String {
    let ran = folder.switchback(&["explore", "merge", out, "--campaign", "c.json"]).exits(exit::HELD);
    let line = ran.stdout.lines().find(|line| line.contains("digest")).map(str::to_owned);
    line.expect("a campaign has a digest")
}

#[test]
fn shards_come_to_the_digest_of_the_whole_and_a_damaged_one_is_named() {
    let folder = Folder::new();
    folder.switchback(&["explore", "plan", "c.json", "--runs", "24", "--trial", "8"]).exits(exit::HELD);
    share(&folder, "0/1", "whole").exits(exit::HELD);
    for shard in ["2/3", "0/3", "1/3"] {
        share(&folder, shard, "thirds").exits(exit::HELD);
    }
    assert_eq!(digest(&folder, "whole"), digest(&folder, "thirds"));

    let rows = folder.file("thirds/keep", "").with_file_name("shard-00001-of-00003.rows");
    let mut bytes = fs::read(&rows).expect("the shard is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&rows, bytes).expect("there is room");
    let ran = folder.switchback(&["explore", "merge", "thirds"]).exits(exit::UNEXPECTED);
    ran.complains("shard-00001-of-00003.rows");
}

#[test]
fn a_bug_base_that_cannot_be_one_is_said_before_anything_runs() {
    let folder = Folder::new();
    folder.file("bugs", "not a folder");
    let ran = folder.switchback(&["explore", "--runs", "10", "--bug-base", "bugs"]).exits(exit::UNEXPECTED);
    ran.complains("bugs");
}
