//! Stepping: there and back is the same world, the end is that of a run, and copies stay few.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use core::time::Duration;
use std::sync::Arc;

use switchback_engine::Stamp;
use switchback_harness::stepper::{Moment, SNAPSHOTS_MAX, Stepper};
use switchback_harness::{Drill, world::Sabotage};
use switchback_scenarios::Scenario;

const SMALL: &str = "\
scenario: one-small-machine
version: 1
seed: 1
summary: One small machine fails over.
site:
  vcenter: { name: vc-lon, hosts: 1 }
  datastores:
    - { name: ds-ssd, capacity: 64GiB }
region: { name: uksouth, vault: rsv-dr, cache-account: stdrcache }
wan: { bandwidth: 100Mbps, latency: 10ms }
policy: { crash-consistent-every: 1m, app-consistent-every: off }
protect:
  - consistency-group: shop
    vms:
      - name: web-01
        memory: 1GiB
        disks:
          - { name: os, size: 64MiB, used: 4MiB }
          - { name: data, size: 64MiB, used: 4MiB }
        churn: { rate: 16KiB/s, block: 4KiB }
timeline:
  - at: 4m
    failover: { vm: web-01, to: latest, shutdown: true }
";

fn scenario() -> Arc<Scenario> {
    Arc::new(switchback_scenarios::read_str("small.yaml", SMALL).unwrap())
}

fn stepper() -> Stepper<Stamp> {
    Stepper::new(scenario()).unwrap()
}

fn digest(stepper: &Stepper<Stamp>) -> u64 {
    stepper.world().digest()
}

#[test]
fn there_and_back_is_the_same_world_whichever_way() {
    let mut stepper = stepper();
    assert!(stepper.until(Moment::AfterT0(Duration::from_secs(60))));
    let here = stepper.events();
    let mut digests = vec![digest(&stepper)];
    for _ in 0..40 {
        stepper.forward().unwrap();
        digests.push(digest(&stepper));
    }
    for steps in (0..=40).rev() {
        stepper.seek(here + steps);
        assert_eq!(digest(&stepper), digests[steps as usize], "event {}", here + steps);
    }
    stepper.back(here);
    assert_eq!(stepper.events(), 0);
    stepper.ahead(here + 40);
    assert_eq!(digest(&stepper), digests[40]);
}

#[test]
fn stepped_to_the_end_a_drill_comes_out_as_when_it_is_run() {
    let run = switchback_harness::run(&scenario(), |_| {}).unwrap();
    let mut stepper = stepper();
    assert!(!stepper.next_finding(), "nothing is found in a world that is whole");
    assert!(stepper.is_over());
    assert_eq!(stepper.forward(), None);
    let outcome = stepper.outcome();
    assert_eq!((outcome.digest, outcome.figures), (run.digest, run.figures));
    assert!(stepper.snapshots() <= SNAPSHOTS_MAX);
    // From the end one can go back, and come to it again.
    stepper.back(10);
    assert!(!stepper.is_over());
    while stepper.forward().is_some() {}
    assert_eq!(stepper.outcome().digest, run.digest);
}

#[test]
fn a_finding_is_found_at_the_event_that_brings_it() {
    let mut drill = Drill::<Stamp>::new(scenario()).unwrap();
    drill.world_mut().sabotage(Sabotage::LoseReplicaWrite);
    let mut stepper = Stepper::of(drill);
    assert!(stepper.next_finding(), "a lost write of the replica is seen");
    let found = stepper.world().judges().findings().len();
    stepper.back(1);
    assert!(stepper.world().judges().findings().len() < found);
    stepper.forward().unwrap();
    assert_eq!(stepper.world().judges().findings().len(), found);
}
