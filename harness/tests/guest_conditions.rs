//! What is the matter with a machine beside what it writes: every condition of the language raises its code, and with the
//! condition gone the machine is protected, its applications pause, its disks are followed.

use std::sync::Arc;

use switchback_engine::control::ItemState;
use switchback_engine::message::Observation;
use switchback_engine::{Consistency, Direction};
use switchback_harness::Outcome;
use switchback_harness::outcome::Result as Verdict;
use switchback_harness::world::Happening;
use switchback_scenarios::model::conditions::ConditionWord;
use switchback_scenarios::read_str;

const MINUTE: u64 = 60_000_000_000;

/// A machine with a system, what is the matter with it from the beginning, and what happens to it.
fn story(os: &str, guest: &str, t0: &str, timeline: &[&str], run_for: &str) -> Outcome {
    let guest = if guest.is_empty() { String::new() } else { format!("\n        guest: [{guest}]") };
    let timeline: String = timeline.iter().map(|step| format!("\n  - {{ {step} }}")).collect();
    let text = format!(
        "scenario: conditions
version: 1
summary: What is the matter with a machine.
site:
  vcenter: {{ name: vc, hosts: 2 }}
  datastores: [{{ name: ds, capacity: 1TiB }}]
region: {{ name: uksouth, vault: rsv, cache-account: cache }}
wan: {{ bandwidth: 100Mbps, latency: 8ms..25ms }}
policy: {{ app-consistent-every: 15m }}
protect:
  - consistency-group: shop
    vms:
      - name: web
        os: {os}{guest}
        disks: [{{ name: os, size: 32MiB, used: 4MiB }}]
        churn: {{ rate: 8KiB/s, block: 4KiB }}
t0: {t0}
timeline:{timeline}
run-for: {run_for}
"
    );
    let scenario = read_str("conditions.yaml", &text).unwrap_or_else(|report| panic!("{report}"));
    let outcome = switchback_harness::run(&Arc::new(scenario), |_| {}).expect("its world can be built");
    let bad = outcome.verdicts.iter().filter(|verdict| verdict.result() != Verdict::Held);
    let bad: Vec<_> = bad.map(|verdict| (&verdict.name, &verdict.findings)).collect();
    assert!(bad.is_empty(), "{text}\n{bad:#?}");
    outcome
}

/// Told of every machine that nobody tests or whose applications have not paused for long: not what is asked about here.
const BESIDE: [&str; 2] = ["161011", "78144"];

fn codes(outcome: &Outcome, cleared: bool) -> Vec<&str> {
    let events = outcome.events.iter().filter(|event| event.cleared == cleared);
    events.map(|event| event.code.as_str()).filter(|code| !BESIDE.contains(code)).collect()
}

/// The codes that were raised, in order.
fn raised(outcome: &Outcome) -> Vec<&str> {
    codes(outcome, false)
}

fn cleared(outcome: &Outcome) -> Vec<&str> {
    codes(outcome, true)
}

/// When points of a consistency came into being, counted from t0.
fn points(outcome: &Outcome, of: Consistency) -> Vec<u64> {
    let t0 = outcome.t0.map_or(0, |t0| t0.as_nanos());
    let point = |happening: &Happening| match happening {
        Happening::Observed(Observation::PointCreated { point, .. }) => Some(point.consistency),
        _ => None,
    };
    let made = outcome.happenings.iter().filter(|(_, happening)| point(happening) == Some(of));
    made.map(|(at, _)| at.as_nanos().saturating_sub(t0)).collect()
}

fn between(points: &[u64], from: u64, to: u64) -> usize {
    points.iter().filter(|at| (from * MINUTE..to * MINUTE).contains(at)).count()
}

fn is_protected(outcome: &Outcome) -> bool {
    let states = outcome.happenings.iter().rev().find_map(|(_, happening)| match happening {
        Happening::Observed(Observation::Item { to, .. }) => Some(*to),
        _ => None,
    });
    states == Some(ItemState::Protected(Direction::Forward))
}

fn os_of(word: ConditionWord) -> String {
    word.only_of().map_or_else(|| "windows".to_owned(), |os| os.to_string())
}

/// Every condition that keeps an agent out, with its code.
const REFUSALS: [(ConditionWord, &str); 27] = [
    (ConditionWord::ServerFoldersClosed, "95001"),
    (ConditionWord::PolicyNotAssociated, "78253"),
    (ConditionWord::Unreachable, "97118"),
    (ConditionWord::NetworkGone, "95523"),
    (ConditionWord::WmiBlocked, "95103"),
    (ConditionWord::SharingOff, "95105"),
    (ConditionWord::SharingBlocked, "95106"),
    (ConditionWord::NotAdministrator, "95107"),
    (ConditionWord::NotRoot, "95108"),
    (ConditionWord::DomainNotTrusted, "95518"),
    (ConditionWord::AccountDisabled, "95519"),
    (ConditionWord::AccountLocked, "95520"),
    (ConditionWord::NoLogonServer, "95521"),
    (ConditionWord::LogonServiceDown, "95522"),
    (ConditionWord::CopyDenied, "95517"),
    (ConditionWord::NoSpace, "95524"),
    (ConditionWord::SplitBoot, "95309"),
    (ConditionWord::NoBootDisk, "95310"),
    (ConditionWord::SeveralBootDisks, "95311"),
    (ConditionWord::RootSpansDisks, "95313"),
    (ConditionWord::BootLoaderNamesDevices, "95320"),
    (ConditionWord::BootDriversMissing, "ASRMobilityServiceBootDriversMissing"),
    (ConditionWord::RegistrationBlocked, "VSS-511"),
    (ConditionWord::ServicesLocked, "VSS-512"),
    (ConditionWord::ProviderStale, "VSS-517"),
    (ConditionWord::ComponentsBroken, "VSS-802"),
    (ConditionWord::ScriptsDenied, "VSS-806"),
];

#[test]
fn a_machine_that_takes_no_agent_is_refused_with_its_code_and_protected_once_that_is_repaired() {
    let of_language = ConditionWord::ALL.iter().filter(|word| word.refuses_agent()).count();
    assert_eq!(REFUSALS.len(), of_language, "every one of them is here");
    for (word, code) in REFUSALS {
        let whose = if word.is_of_servers() { String::new() } else { "vm: web, ".to_owned() };
        let breaks = format!("at: 1s, break: {{ {whose}what: {word} }}");
        let again = "at: 5m, protect: { group: shop }, fails: not-installable";
        let repairs = format!("at: 10m, repair: {{ {whose}what: {word} }}");
        let works = "at: 11m, protect: { group: shop }";
        let outcome = story(&os_of(word), "", "start", &[&breaks, again, &repairs, works], "25m");
        assert_eq!(raised(&outcome), [code, code], "{word}: at first, and when it is asked for again");
        assert!(is_protected(&outcome), "{word}");
    }
}

#[test]
fn the_checks_of_a_machine_tell_everything_they_find() {
    let fails = "at: 5m, protect: { group: shop }, fails: not-installable";
    let outcome =
        story("windows", "split-boot, several-boot-disks, provider-stale", "start", &[fails], "15m");
    assert_eq!(raised(&outcome), ["95309", "95311", "95309", "95311"]);
    let outcome = story("windows", "wmi-blocked, account-locked", "start", &[fails], "15m");
    assert_eq!(raised(&outcome), ["95103", "95103"], "who does not get in finds nothing else");
}

#[test]
fn a_machine_that_the_process_server_does_not_reach_is_protected_once_it_does() {
    let cut = "at: 1s, cut: { link: lan, for: 10m }";
    let fails = "at: 5m, protect: { group: shop }, fails: not-installable";
    let works = "at: 12m, protect: { group: shop }";
    let outcome = story("windows", "", "start", &[cut, fails, works], "25m");
    assert_eq!(raised(&outcome), ["97118", "97118"]);
    assert!(is_protected(&outcome));
}

#[test]
fn a_new_driver_that_waits_for_a_restart_is_told_until_the_machine_restarts() {
    let stop = "at: 20m, stop: { vm: web }";
    let start = "at: 25m, start: { vm: web }";
    let disable = "at: 40m, disable: { vm: web }";
    let breaks = "at: 45m, break: { vm: web, what: driver-in-use }";
    let protect = "at: 46m, protect: { group: shop }";
    let steps = [stop, start, disable, breaks, protect];
    let outcome = story("windows", "driver-in-use", "initial-replication-complete", &steps, "70m");
    assert_eq!(raised(&outcome), ["95265", "95266"], "installed, and later brought up to date");
    assert_eq!(cleared(&outcome), ["95265"]);
    assert!(is_protected(&outcome), "it is a warning");
    let nothing = story("windows", "", "initial-replication-complete", &[disable, protect], "70m");
    assert_eq!(raised(&nothing), [""; 0]);
}

/// Every condition that keeps applications from pausing, with its codes.
const PAUSES: [(ConditionWord, &[&str]); 4] = [
    (ConditionWord::WriterFailed, &["2147754994", "ECH00031"]),
    (ConditionWord::ProviderMissing, &["2147221164", "ECH00030"]),
    (ConditionWord::ProviderDisabled, &["2147943458"]),
    (ConditionWord::ProviderUnregistered, &["2147754756"]),
];

#[test]
fn applications_that_cannot_pause_cost_the_application_consistent_points_and_no_others() {
    for (word, codes) in PAUSES {
        let breaks = format!("at: 20m, break: {{ vm: web, what: {word} }}");
        let repairs = format!("at: 80m, repair: {{ vm: web, what: {word} }}");
        let t0 = "initial-replication-complete";
        let outcome = story("windows", "", t0, &[&breaks, &repairs], "120m");
        let mut shown = raised(&outcome);
        shown.dedup_by(|one, other| one == other);
        assert!(
            codes.iter().all(|code| shown.contains(code)) && shown.iter().all(|code| codes.contains(code))
        );
        assert_eq!(cleared(&outcome), codes, "{word}: gone once, when they pause again");
        let application = points(&outcome, Consistency::Application);
        assert_eq!(between(&application, 20, 80), 0, "{word}");
        assert!(between(&application, 0, 20) > 0 && between(&application, 80, 120) > 0, "{word}");
        assert!(between(&points(&outcome, Consistency::Crash), 20, 80) >= 11, "{word}");
    }
}

#[test]
fn disks_that_are_not_followed_make_no_point_until_the_machine_restarts() {
    for (word, code) in
        [(ConditionWord::FilteringStopped, "220"), (ConditionWord::DriverNotLoaded, "ECH00024")]
    {
        let breaks = format!("at: 20m, break: {{ vm: web, what: {word} }}");
        let resync = "at: 25m, resync: { vm: web }";
        let (stop, start) = ("at: 40m, stop: { vm: web }", "at: 45m, start: { vm: web }");
        let t0 = "initial-replication-complete";
        let outcome = story("windows", "", t0, &[&breaks, resync, stop, start], "80m");
        assert!(raised(&outcome).contains(&code), "{word}");
        assert_eq!(cleared(&outcome).iter().filter(|gone| **gone == code).count(), 1, "{word}");
        let made = points(&outcome, Consistency::Crash);
        assert_eq!(between(&made, 21, 45), 0, "{word}: a comparison does not help");
        assert!(between(&made, 45, 80) > 3, "{word}");
        let compares = Observation::ResyncStarted {
            machine: switchback_engine::MachineId(0),
            reason: switchback_engine::message::ResyncReason::NotFollowed,
        };
        assert!(
            outcome
                .happenings
                .iter()
                .any(|(_, happening)| *happening == Happening::Observed(compares.clone()))
        );
        let left = story("windows", "", t0, &[&breaks], "80m");
        assert_eq!(between(&points(&left, Consistency::Crash), 21, 80), 0, "{word}: nobody restarts it");
        assert!(!cleared(&left).contains(&code));
    }
}
