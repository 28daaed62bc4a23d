//! Estates are run at batch level: writes come to agents in batches. What is recovered then is as consistent as where
//! every write is an event of its own, and the judges read it back all the same.

use std::sync::Arc;
use std::time::Duration;

use switchback_harness::Outcome;
use switchback_harness::outcome::Figures;
use switchback_scenarios::read_str;

/// A shop whose database writes a little and is failed over after three hours.
fn shop(batch_every: &str, churn: &str) -> Outcome {
    let text = format!(
        "
scenario: shop
version: 1
summary: A shop fails over.
{batch_every}
site:
  vcenter: {{ name: vc-lon, hosts: 2 }}
  datastores: [{{ name: ds, capacity: 1TiB }}]
region: {{ name: uksouth, vault: rsv, cache-account: cache }}
wan: {{}}
protect:
  - consistency-group: shop
    vms:
      - name: db-01
        disks: [{{ name: os, size: 4GiB, used: 64MiB }}, {{ name: data, size: 8GiB }}, {{ name: log, size: 2GiB }}]
        churn: {{ rate: 16KiB/s{churn} }}
      - name: web-01
        disks: [{{ name: os, size: 4GiB, used: 64MiB }}]
        churn: {{ rate: 4KiB/s }}
timeline:
  - {{ at: 1h, cut: {{ link: wan, for: 20m }} }}
  - {{ at: 3h, failover: {{ group: shop, to: latest }} }}
expect:
  - rpo: {{ group: shop, at-most: 40m }}
  - state: {{ group: shop, is: failed-over }}
"
    );
    let scenario = read_str("shop.yaml", &text).unwrap_or_else(|report| panic!("{report}"));
    let outcome = switchback_harness::run(&Arc::new(scenario), |_| {}).expect("the site is sound");
    let broken: Vec<_> = outcome.verdicts.iter().filter(|verdict| !verdict.held).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    outcome
}

#[test]
fn the_same_recovery_points_come_of_far_fewer_events() {
    let Figures { writes, points, events, .. } = shop("", "").figures;
    let batches = shop("batch-every: 5m", "").figures;
    assert_eq!(batches.points, points, "points follow the policy, not the writes");
    assert!(batches.writes * 20 < writes, "{} batches for {writes} writes", batches.writes);
    assert!(
        batches.events * 2 < events,
        "{} events, and {events} with every write by itself",
        batches.events
    );
}

#[test]
fn a_failover_to_the_latest_loses_no_batch_that_a_point_holds() {
    let outcome = shop("batch-every: 5m", "");
    let every = Duration::from_mins(5);
    for failover in &outcome.failovers {
        let lag = failover.rpo.expect("the machine was recovered");
        assert!(lag <= 2 * every, "a point every five minutes, of batches of five minutes: {lag:?}");
    }
}

#[test]
fn bursts_keep_their_moments_also_beside_batches() {
    let bursts = ", pattern: { bursts: { every: 10m, for: 10s, rate: 64KiB/s } }";
    let written = shop("", bursts).figures.writes;
    let beside_batches = shop("batch-every: 5m", bursts).figures.writes;
    assert!(
        beside_batches * 4 > written * 3,
        "the database writes one by one: {beside_batches} of {written}"
    );
}
