//! What the vault tells about silence, load and reasons: each code comes with its cause, goes with it, and is not told
//! without it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

mod common;

use common::{Folder, exit, root, switchback};
use switchback_harness::Outcome;
use switchback_scenarios::read_file;

/// A scenario of `scenarios/errors`, with some of it said otherwise.
fn outcome(name: &str, otherwise: &[(&str, &str)]) -> Outcome {
    let path = root().join(format!("scenarios/errors/{name}.yaml"));
    let text = fs::read_to_string(path).expect("the scenario is there");
    let text = otherwise.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{name} does not say {from}");
        text.replace(from, to)
    });
    let folder = Folder::new();
    let scenario = read_file(&folder.file("scenario.yaml", text)).unwrap_or_else(|report| panic!("{report}"));
    switchback_harness::run(&Arc::new(scenario), |_| {}).expect("its world can be built")
}

/// Whether each event of a code cleared it, in order.
fn ends(outcome: &Outcome, code: &str) -> Vec<bool> {
    outcome.events.iter().filter(|event| event.code.as_str() == code).map(|event| event.cleared).collect()
}

fn told(outcome: &Outcome) -> BTreeSet<&'static str> {
    outcome.events.iter().map(|event| event.code.as_str()).collect()
}

#[test]
fn a_code_comes_with_its_cause_and_goes_with_it() {
    for (name, code) in [
        ("the-machine-is-silent", "78174"),
        ("the-process-server-is-silent", "806"),
        ("the-process-server-is-out-of-reach", "78186"),
        ("uploads-are-blocked", "78028"),
        ("the-master-target-is-silent", "78022"),
        ("the-applications-do-not-pause", "78144"),
        ("too-much-churn", "78188"),
        ("no-test-failover", "161011"),
    ] {
        assert_eq!(ends(&outcome(name, &[]), code), [false, true], "{name}");
    }
}

/// The negative twin: the same fault for a shorter time is not told.
#[test]
fn a_cause_that_is_over_soon_is_not_told() {
    for (name, code, from, to) in [
        ("the-machine-is-silent", "78174", "down-for: 40m", "down-for: 10m"),
        ("the-process-server-is-silent", "806", "down-for: 40m", "down-for: 10m"),
        ("the-process-server-is-out-of-reach", "78186", "for: 25m", "for: 10m"),
        ("uploads-are-blocked", "78028", "for: 50m", "for: 25m"),
        ("the-master-target-is-silent", "78022", "down-for: 40m", "down-for: 10m"),
        ("the-applications-do-not-pause", "78144", "for: 80m", "for: 8m"),
        ("too-much-churn", "78188", "rate: 24MiB/s", "rate: 16MiB/s"),
        ("no-test-failover", "161011", "hosts: 2 }", "hosts: 2 }\n  stack: modernised"),
    ] {
        assert!(ends(&outcome(name, &[(from, to)]), code).is_empty(), "{name}");
    }
}

/// Small writes are more work: a disk of them may change less.
#[test]
fn small_writes_are_too_much_sooner() {
    let small = [("rate: 24MiB/s", "rate: 6MiB/s"), ("block: 64KiB", "block: 8KiB")];
    assert_eq!(ends(&outcome("too-much-churn", &small), "78188"), [false, true]);
    assert!(ends(&outcome("too-much-churn", &small[..1]), "78188").is_empty());
}

/// Without a test failover the warning stays.
#[test]
fn a_machine_that_nobody_tries_stays_untested() {
    let step = "  - { at: 20m, test-failover: { vm: web-01, to: latest-processed } }";
    let after = "  - { after: test-failover, plus: 10m, clean-up-test: { vm: web-01 } }";
    let none = [(step, "  - { at: 20m, cut: { link: wan, for: 1s } }"), (after, "")];
    assert_eq!(ends(&outcome("no-test-failover", &none), "161011"), [false]);
}

/// What is expected of process servers holds, and would not without the cause.
#[test]
fn the_health_of_a_process_server_is_that_of_its_load() {
    let folder = root().join("scenarios/health");
    for (name, from, to) in [
        ("the-cache-fills-up", "bandwidth: 256kbps", "bandwidth: 10Mbps"),
        ("the-process-server-is-busy", "packs: 8KiB/s", "packs: 8MiB/s"),
        ("the-process-server-is-down", "down-for: 30m", "down-for: 10m"),
    ] {
        let path = folder.join(format!("{name}.yaml"));
        switchback(&["run", &path.display().to_string()]).exits(exit::HELD);
        let text = fs::read_to_string(&path).expect("the scenario is there");
        assert!(text.contains(from), "{name} does not say {from}");
        let twins = Folder::new();
        let twin = twins.file("twin.yaml", text.replace(from, to));
        switchback(&["run", &twin.display().to_string()])
            .exits(exit::OBJECTIVE_MISSED)
            .says("normal at the worst");
    }
}

/// Who is silent is told apart: by who was heard of.
#[test]
fn the_silence_of_one_is_not_told_of_another() {
    let machine = told(&outcome("the-machine-is-silent", &[]));
    assert!(["806", "78022", "78186", "78028"].iter().all(|code| !machine.contains(code)), "{machine:?}");
    let server = told(&outcome("the-process-server-is-silent", &[]));
    assert!(["78174", "78022", "78028"].iter().all(|code| !server.contains(code)), "{server:?}");
    let network = told(&outcome("uploads-are-blocked", &[]));
    assert!(["78174", "806", "78022"].iter().all(|code| !network.contains(code)), "{network:?}");
    let target = told(&outcome("the-master-target-is-silent", &[]));
    assert!(["78174", "806", "78186", "78028"].iter().all(|code| !target.contains(code)), "{target:?}");
}

/// The vault as a whole: what it counts, and that it writes to whom it was told to, once for each time.
#[test]
fn the_vault_says_how_all_of_it_is_and_writes_about_what_is_critical() {
    let path = root().join("scenarios/health/the-vault-in-one-answer.yaml");
    switchback(&["run", &path.display().to_string()])
        .exits(exit::HELD)
        .says("vault: machines 1 normal, 1 warning, 1 critical")
        .says("to owners, dr-team: 78174 of sql-01");
    let text = fs::read_to_string(&path).expect("the scenario is there");
    let folder = Folder::new();
    for (from, to, missed) in [
        (", alerts-to: [owners, dr-team]", "", "FAIL  mail about 78174 for sql-01"),
        ("stop: { vm: sql-01 }", "snapshot: { vm: sql-01 }", "FAIL  health of the vault"),
    ] {
        assert!(text.contains(from), "{from}");
        let twin = folder.file("twin.yaml", text.replace("../schema", "schema").replace(from, to));
        switchback(&["run", &twin.display().to_string()]).exits(exit::OBJECTIVE_MISSED).says(missed);
    }
}

/// What nobody has asked for waits for its hours; what a user asks for does not.
#[test]
fn a_comparison_waits_for_its_hours_unless_somebody_asks() {
    let folder = root().join("scenarios/resync");
    for name in ["an-automatic-resync-waits-for-its-hours", "a-manual-resync-does-not-wait"] {
        switchback(&["run", &folder.join(format!("{name}.yaml")).display().to_string()]).exits(exit::HELD);
    }
    let text = fs::read_to_string(folder.join("an-automatic-resync-waits-for-its-hours.yaml"));
    let text = text.expect("the scenario is there").replace("../schema", "schema");
    let twins = Folder::new();
    let twin = twins.file("twin.yaml", text.replace("begins: 3h, lasts: 2h", "begins: 0s, lasts: 2h"));
    switchback(&["run", &twin.display().to_string()])
        .exits(exit::OBJECTIVE_MISSED)
        .says("FAIL  lag of web-01");
}

/// A resync that is required and waits is critical, also where the lag is not; one that may begin at once is over soon.
#[test]
fn a_resync_that_waits_is_critical() {
    let path = root().join("scenarios/resync/a-resync-that-waits-is-critical.yaml");
    switchback(&["run", &path.display().to_string()]).exits(exit::HELD);
    let text = fs::read_to_string(path).expect("the scenario is there").replace("../schema", "schema");
    let twins = Folder::new();
    let twin = twins.file("twin.yaml", text.replace("begins: 6h, lasts: 12h", "begins: 0s, lasts: 12h"));
    switchback(&["run", &twin.display().to_string()])
        .exits(exit::OBJECTIVE_MISSED)
        .says("FAIL  code 78222 for web-01");
}

/// A disk grows, and what is written to the new room is protected like the rest. With a snapshot vCenter refuses it.
#[test]
fn a_disk_grows_while_its_machine_is_replicated() {
    let path = root().join("scenarios/resync/a-disk-grows.yaml");
    switchback(&["run", &path.display().to_string()])
        .exits(exit::HELD)
        .says("sql-01 compares its disks: DiskGrew");
    let text = fs::read_to_string(&path).expect("the scenario is there").replace("../schema", "schema");
    let growth = "  - { at: 30m, resize-disk:";
    assert!(text.contains(growth));
    let twins = Folder::new();
    let with_snapshot =
        text.replace(growth, &format!("  - {{ at: 20m, snapshot: {{ vm: sql-01 }} }}\n{growth}"));
    let twin = twins.file("twin.yaml", with_snapshot);
    switchback(&["run", &twin.display().to_string()])
        .exits(exit::OBJECTIVE_MISSED)
        .says("refuses what is asked of sql-01: the machine has 1 snapshots")
        .says("FAIL  code SourceAgentDiskResize");
}
