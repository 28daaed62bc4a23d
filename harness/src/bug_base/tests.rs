//! Bugs kept, found again, damaged.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::check::Judge;
use crate::outcome::Result as Worst;

fn bug(seed: u64) -> Bug {
    let failure = Failure {
        result: Worst::SafetyFailed,
        judges: vec![Judge::Prefix, Judge::HonestRpo],
        finding: "a point of web-01 lacks write 7".to_owned(),
        digest: 0x9a3b_12cd_0000_0001,
    };
    let size = Size { machines: 2, disks: 3, steps: 4, faults: 1, writes: 900, events: 12_000 };
    let record = BugRecord {
        seed,
        version: VERSION.to_owned(),
        generator: "1".to_owned(),
        failure,
        size,
        shrunk: None,
    };
    let text = |name: &str| format!("{name}\n");
    Bug { record, plan: text("plan"), shrunk: None, trace: text("trace"), verdict: text("verdict") }
}

fn shrunk(mut bug: Bug) -> Bug {
    let size = Size { machines: 1, ..bug.record.size };
    bug.record.shrunk = Some(Shrunk { digest: 7, size });
    bug.shrunk = Some("shrunk\n".to_owned());
    bug
}

fn base() -> (TempDir, BugBase) {
    let folder = tempfile::tempdir().unwrap();
    let base = BugBase::open(folder.path().join("bugs")).unwrap();
    (folder, base)
}

#[test]
fn a_bug_is_found_again_as_it_was_kept() {
    let (_folder, base) = base();
    let path = base.add(&shrunk(bug(0x5eed_0001))).unwrap();
    assert_eq!(path.file_name().unwrap(), "prefix-5eed0001-9a3b12cd");
    assert_eq!(load(&path).unwrap(), shrunk(bug(0x5eed_0001)));
}

#[test]
fn the_same_failure_twice_is_one_folder_and_its_minimal_scenario_is_added() {
    let (_folder, base) = base();
    base.add(&bug(1)).unwrap();
    base.add(&bug(1)).unwrap();
    base.add(&bug(2)).unwrap();
    assert_eq!(base.list().unwrap().len(), 2);
    let path = base.add(&shrunk(bug(1))).unwrap();
    base.add(&bug(1)).unwrap();
    assert_eq!(load(&path).unwrap().to_replay(), (SHRUNK, "shrunk\n", 7));
    assert_eq!(base.list().unwrap().len(), 2);
    let files = fs::read_dir(base.dir()).unwrap().count();
    assert_eq!(files, 2, "nothing is left of writing");
}

#[test]
fn a_damaged_bug_says_where_and_hides_no_other() {
    let (_folder, base) = base();
    let damaged = base.add(&bug(1)).unwrap();
    let incomplete = base.add(&bug(2)).unwrap();
    base.add(&bug(3)).unwrap();
    fs::write(damaged.join(RECORD), "{\n  \"seed\": 1,\n  \"version\": ").unwrap();
    fs::remove_file(incomplete.join(PLAN)).unwrap();
    let entries = base.list().unwrap();
    let errors: Vec<String> =
        entries.iter().filter_map(|e| Some(e.bug.as_ref().err()?.to_string())).collect();
    assert_eq!(entries.len(), 3);
    assert!(errors[0].contains("bug.json:3: damaged"), "{errors:?}");
    assert!(errors[1].contains("plan.yaml: missing"), "{errors:?}");
    assert_eq!(errors.len(), 2);
    // Found again, it is made whole.
    base.add(&bug(1)).unwrap();
    assert_eq!(load(&damaged).unwrap(), bug(1));
}

#[test]
fn where_nothing_can_be_written_there_is_an_error_and_no_half_of_a_bug() {
    let (folder, base) = base();
    // A file in the way of the folder stands for every reason why a file system refuses.
    fs::write(base.dir().join(bug(1).name()), "in the way").unwrap();
    fs::create_dir(base.dir().join("keep")).unwrap();
    fs::remove_dir_all(base.dir()).unwrap();
    let error = base.add(&bug(1)).map(|_| ()).and_then(|()| base.list().map(|_| ()));
    assert!(error.is_ok(), "a base that was removed is made again");
    fs::remove_dir_all(base.dir()).unwrap();
    fs::write(base.dir(), "a file where the base was").unwrap();
    assert!(matches!(base.add(&bug(1)), Err(BugBaseError::Io { .. })));
    assert!(matches!(BugBase::open(base.dir()), Err(BugBaseError::NotAFolder { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
