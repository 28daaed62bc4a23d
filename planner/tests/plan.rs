//! What a plan says of small estates, and what it refuses.

use core::time::Duration;

use switchback_planner::tables::tables;
use switchback_planner::{Options, Plan, PlanError, html, plan, text, xlsx};
use switchback_scenarios::{Scenario, read_str};

/// An estate of two machines, each of which writes at `rate`, on a line of `bandwidth`.
fn estate(rate: &str, bandwidth: &str) -> Scenario {
    let file = format!(
        "scenario: small\nversion: 1\nseed: 7\nsummary: Two machines.\n\
         site:\n  vcenter: {{ name: vc, hosts: 2 }}\n  datastores:\n    - {{ name: ds, capacity: 4TiB }}\n\
         region: {{ name: uksouth, vault: rsv, cache-account: stcache }}\n\
         wan: {{ bandwidth: {bandwidth} }}\n\
         protect:\n  - consistency-group: one\n    vms:\n      - name: web-01\n        disks:\n          - {{ name: os, size: 32GiB, used: 64MiB }}\n        churn: {{ rate: {rate} }}\n\
         \x20 - consistency-group: two\n    vms:\n      - name: db-01\n        disks:\n          - {{ name: os, size: 32GiB, used: 64MiB }}\n          - {{ name: data, size: 600GiB, used: 64MiB }}\n        churn: {{ rate: {rate} }}\n\
         timeline: []\n"
    );
    read_str("small.yaml", &file).unwrap_or_else(|report| panic!("{}", report.render(false)))
}

fn planned(scenario: &Scenario, options: &Options) -> Plan {
    plan(scenario, options, |_| {}).expect("the estate can be planned")
}

/// One objective and few runs.
fn quick() -> Options {
    Options {
        objectives: vec![Duration::from_mins(15)],
        lasting: Some(Duration::from_hours(2)),
        runs_max: 12,
        ..Options::default()
    }
}

#[test]
fn a_wide_line_reaches_the_cadence_of_points_and_a_thin_one_falls_behind() {
    let wide = planned(&estate("256KiB/s", "100Mbps"), &quick());
    let reached = wide.reached.expect("a run");
    assert!(!reached.grows);
    assert!(reached.rpo.is_some_and(|rpo| rpo < Duration::from_mins(8)), "{reached:?}");

    let thin = planned(&estate("256KiB/s", "2Mbps"), &quick());
    let reached = thin.reached.expect("a run");
    assert!(reached.grows, "4.2 Mbps do not pass through 2: {reached:?}");
    assert!(thin.sheet_reached > Duration::from_mins(30), "the sheet sees it too");
}

#[test]
fn the_bandwidth_that_is_found_is_enough_and_little_less_is_not() {
    let plan = planned(&estate("256KiB/s", "100Mbps"), &quick());
    let objective = plan.objectives[0];
    let found = objective.bandwidth.expect("some line is enough");
    // Two machines write 4.2 Mbps in lumps of a minute. A line that is busy with one for too long is given it again.
    assert!((4_000_000..8_400_000).contains(&found), "{found}");
    let thinner = plan.what_if.iter().filter(|run| run.measured.bandwidth < found * 97 / 100);
    for run in thinner {
        let misses = run.measured.grows || run.measured.rpo.is_none_or(|rpo| rpo > objective.rpo);
        assert!(misses, "{run:?} would have been enough");
    }
    assert!(plan.what_if.len() <= 12);
}

#[test]
fn all_reasons_are_named_at_once_and_a_machine_without_any_is_not_named() {
    let options = Options { runs: false, ..quick() };
    let calm = planned(&estate("256KiB/s", "100Mbps"), &options);
    assert_eq!(calm.broken, []);
    let busy = planned(&estate("60MiB/s", "100Mbps"), &options);
    let of_db: Vec<_> = busy.broken.iter().filter(|broken| broken.machine == "db-01").collect();
    assert!(of_db.len() >= 4, "peak, day, disks and writes a second: {of_db:?}");
    assert!(of_db.iter().all(|broken| !broken.source.is_empty()));
}

#[test]
fn fifty_thousand_machines_are_refused_before_they_run_and_planned_on_paper() {
    let mut scenario = estate("4KiB/s", "1Gbps");
    let vm = scenario.vms[0].clone();
    scenario.vms = (0..50_000).map(|_| vm.clone()).collect();
    let refused = plan(&scenario, &quick(), |_| {}).expect_err("too much for 2 GiB");
    assert!(matches!(refused, PlanError::Memory { machines: 50_000, .. }), "{refused}");
    let paper = planned(&scenario, &Options { runs: false, ..quick() });
    assert_eq!((paper.machines, paper.servers.count, paper.tiers.len()), (50_000, 223, 50_000));
}

#[test]
fn names_that_are_traps_are_shown_and_do_nothing() {
    let mut scenario = estate("256KiB/s", "100Mbps");
    scenario.vms[0].name = "<script>=cmd()\u{1b}[2J\u{202e}".to_owned();
    let plan = planned(&scenario, &Options { runs: false, ..quick() });
    let tables = tables(&plan);
    let page = html::page(&plan.scenario, &tables);
    assert!(page.contains("&lt;script&gt;=cmd()") && !page.contains("<script"), "{page}");
    assert!(page.contains("default-src 'none'"));
    let words = text::text(&tables);
    assert!(!words.contains('\u{1b}') && !words.contains('\u{202e}') && words.contains("\\u{1b}"));
    let workbook = xlsx::xlsx(&tables).expect("a workbook");
    assert!(workbook.starts_with(b"PK"));
}

#[test]
fn the_same_question_has_the_same_answer() {
    let ask = || serde_json::to_string(&planned(&estate("256KiB/s", "10Mbps"), &quick())).expect("JSON");
    assert_eq!(ask(), ask());
}
