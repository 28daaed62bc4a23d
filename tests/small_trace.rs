//! The small recorded trace that is checked in goes where the large one goes: real bytes, the four choices of a
//! recovery point, every point compared with the write history, and home again.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

mod common;

use common::{Folder, exit, root, verdict};

/// A recorded disk whose trace is looped from two minutes before the application-consistent point to the end.
const RECORDED: &str = "\
scenario: small-trace-CHOICE
version: 1
seed: 0x7e570010
summary: The small trace, failed over to one of the four choices and brought home.
content: bytes
site:
  vcenter: { name: vc-lon, hosts: 2 }
  datastores:
    - { name: ds-ssd, capacity: 16GiB }
region: { name: uksouth, vault: rsv-dr, cache-account: stdrcache }
wan: { bandwidth: 100Mbps, latency: 8ms..25ms, loss: 1/1000 }
policy: { crash-consistent-every: 1m, app-consistent-every: 15m }
protect:
  - consistency-group: recorded
    vms:
      - name: recorded-01
        os: linux
        memory: 1GiB
        disks:
          - { name: disk, size: 2GiB }
        trace: { file: 'FOLDER/small-mixed.vscsi', disk: disk, starts-at: 13m, repeat: loop }
timeline:
  - at: 17m30s
    failover: { vm: recorded-01, to: POINT, shutdown: false }
  - name: commit-in-azure
    after: failover
    plus: 30s
    commit: { vm: recorded-01 }
  - name: protect-azure
    after: commit-in-azure
    reprotect: { vm: recorded-01 }
  - after: protect-azure
    plus: 2m
    failback: { vm: recorded-01, to: latest }
  - name: commit-at-home
    after: failback
    commit: { vm: recorded-01 }
  - name: protect-home
    after: commit-at-home
    reprotect: { vm: recorded-01 }
expect:
  - rto: { vm: recorded-01, at-most: 20m }
  - nothing-lost-before: chosen-recovery-point
  - state: { vm: recorded-01, is: protected }
then-heal: { within: 1h, expect: converged }
";

/// The four choices, from the one that loses least to the one that loses most here.
const CHOICES: [(&str, &str); 4] = [
    ("latest", "latest"),
    ("latest-processed", "latest-processed"),
    ("latest-app-consistent", "latest-app-consistent"),
    ("custom", "{ at: 14m30s }"),
];

/// The drill of each choice, run once.
static DRILLS: LazyLock<BTreeMap<&str, Value>> = LazyLock::new(|| {
    let folder = Folder::new();
    let traces = root().join("scenarios/traces").display().to_string();
    let text =
        |name, point| RECORDED.replace("FOLDER", &traces).replace("CHOICE", name).replace("POINT", point);
    let file = |(name, point)| folder.file(&format!("{name}.yaml"), text(name, point)).display().to_string();
    let files = CHOICES.map(file);
    let files = files.each_ref().map(String::as_str);
    let drills = folder.switchback(&[&["run", "--json", "-"], &files[..]].concat()).exits(exit::HELD).json();
    CHOICES
        .iter()
        .zip(drills.as_array().expect("drills"))
        .map(|((name, _), drill)| (*name, drill.clone()))
        .collect()
});

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a whole number, not {value}"))
}

/// The failover of a drill to Azure.
fn away(choice: &str) -> &'static Value {
    let away = &DRILLS[choice]["failovers"][0];
    assert_eq!(away["direction"], "Forward");
    away
}

#[test]
fn each_choice_goes_to_azure_and_comes_home_under_all_judges() {
    for (choice, drill) in DRILLS.iter() {
        let verdicts = drill["verdicts"].as_array().expect("verdicts");
        assert!(verdicts.iter().all(|verdict| verdict["held"] == true), "{choice}: {verdicts:#?}");
        for judge in ["prefix", "application-point", "nothing-resurrected", "latest-means-latest"] {
            assert!(
                verdicts.iter().any(|verdict| verdict["judge"] == judge),
                "{choice}: `{judge}` is silent"
            );
        }
        assert_eq!(drill["failovers"].as_array().map(Vec::len), Some(2), "{choice}");
        let home = &drill["failovers"][1];
        assert_eq!((&home["direction"], &home["loss"]["writes"]), (&"Reverse".into(), &0.into()), "{choice}");
        assert_eq!(
            verdict(drill, "state of recorded-01 at the end")["figure"],
            "protected, wanted protected"
        );
    }
}

#[test]
fn every_recovery_point_is_compared_with_the_write_history() {
    for (choice, drill) in DRILLS.iter() {
        let figures = &drill["figures"];
        // One a minute until the failover, and those on the way home; each is looked at.
        assert!(number(&figures["points"]) >= 17, "{choice}: {figures}");
        assert!(number(&figures["writes"]) > 10_000, "{choice}: the trace is played: {figures}");
        let looked =
            verdict(drill, "points are prefixes of the write order")["figure"].as_str().unwrap_or_default();
        let looks: u64 = looked.split(' ').nth(1).and_then(|count| count.parse().ok()).unwrap_or(0);
        assert!(looks >= number(&figures["points"]), "{choice}: {looked}, of {figures}");
    }
}

#[test]
fn an_older_choice_loses_more() {
    let loss = |choice| number(&away(choice)["loss"]["writes"]);
    let losses = CHOICES.map(|(choice, _)| loss(choice));
    assert!(losses.is_sorted(), "latest, latest-processed, latest-app-consistent, custom: {losses:?}");
    assert!(losses[0] < losses[1], "latest has what came after the newest point: {losses:?}");
    assert!(losses[1] < losses[2] && losses[2] < losses[3], "the points are different ones here: {losses:?}");
    let bytes = CHOICES.map(|(choice, _)| number(&away(choice)["loss"]["bytes"]));
    assert!(bytes.is_sorted(), "{bytes:?}");
}

#[test]
fn each_choice_recovers_the_point_that_it_names() {
    let point_at = |choice| number(&away(choice)["point"]["at"]);
    let since_t0 = |choice| point_at(choice).saturating_sub(number(&DRILLS[choice]["t0"])) / 1_000_000_000;
    let asked = |choice| number(&away(choice)["asked_at"]);
    assert!(point_at("latest-processed") < asked("latest-processed"), "it was there when it was asked for");
    assert!(
        (16 * 60..17 * 60 + 30).contains(&since_t0("latest-processed")),
        "{}",
        since_t0("latest-processed")
    );
    assert!(since_t0("latest") >= since_t0("latest-processed"));
    assert_eq!(away("latest-app-consistent")["point"]["consistency"], "Application");
    assert!(
        (14 * 60..16 * 60).contains(&since_t0("latest-app-consistent")),
        "{}",
        since_t0("latest-app-consistent")
    );
    assert!((13 * 60 + 30..=14 * 60 + 30).contains(&since_t0("custom")), "{}", since_t0("custom"));
}

#[test]
fn the_choice_is_the_only_difference() {
    // Until the failover the four drills are one and the same.
    let until = |choice: &str| {
        let happenings = DRILLS[choice]["happenings"].as_array().expect("happenings");
        let before =
            happenings.iter().filter(|happening| number(&happening[0]) < number(&away(choice)["asked_at"]));
        before.cloned().collect::<Vec<_>>()
    };
    let first = until("latest");
    assert!(first.len() > 10, "something happens before: {}", first.len());
    for (choice, _) in CHOICES {
        assert!(until(choice) == first, "{choice} goes another way before it is chosen");
    }
}
