//! The state file: what was written to its end counts, and nothing else does.

use core::time::Duration;
use std::fs;
use std::io::Write as _;

use switchback_drill::journal::{Identity, Journal, JournalError, Record};
use tempfile::TempDir;

fn identity(text: &str) -> Identity {
    Identity::new("shop", text, "https://host/vaults/rsv")
}

fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    (folder, file)
}

fn records(file: &std::path::Path) -> usize {
    fs::read_to_string(file).expect("it is there").lines().count()
}

#[test]
fn a_record_that_broke_off_is_dropped_and_what_comes_after_it_is_whole() {
    let (_folder, file) = folder();
    let mut journal = Journal::open(&file, identity("a")).expect("a journal");
    journal.write(Record::Origin(Duration::from_secs(7))).expect("written");
    drop(journal);
    let mut torn = fs::OpenOptions::new().append(true).open(&file).expect("it is there");
    torn.write_all(b"{\"step-began\":{\"st").expect("written");
    drop(torn);
    let mut journal = Journal::open(&file, identity("a")).expect("a journal");
    journal.write(Record::StepEnded { step: 0, at: Duration::ZERO }).expect("written");
    drop(journal);
    Journal::open(&file, identity("a")).expect("every line is a record");
    assert_eq!(records(&file), 3);
}

/// The twin: a line that is whole and no record was written by somebody else.
#[test]
fn a_line_that_is_no_record_is_named() {
    let (_folder, file) = folder();
    drop(Journal::open(&file, identity("a")).expect("a journal"));
    fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .expect("it is there")
        .write_all(b"hello\n")
        .expect("written");
    match Journal::open(&file, identity("a")) {
        Err(JournalError::NoRecord { line: 2, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_state_of_another_scenario_or_vault_is_refused() {
    let (_folder, file) = folder();
    drop(Journal::open(&file, identity("a")).expect("a journal"));
    assert!(Journal::open(&file, identity("a")).is_ok());
    let elsewhere = Identity { vault: "https://host/vaults/other".to_owned(), ..identity("a") };
    for other in [identity("b"), elsewhere] {
        let refused = Journal::open(&file, other);
        assert!(matches!(refused, Err(JournalError::Other { .. })), "{refused:?}");
    }
}

#[test]
fn two_drills_do_not_share_a_state() {
    let (_folder, file) = folder();
    let first = Journal::open(&file, identity("a")).expect("a journal");
    let second = Journal::open(&file, identity("a"));
    assert!(matches!(second, Err(JournalError::InUse(_))), "{second:?}");
    drop(first);
    assert!(Journal::open(&file, identity("a")).is_ok());
}
