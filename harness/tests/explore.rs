//! Exploration as somebody uses it who builds replication: what is drawn is a legal scenario file, the same seed is the
//! same run, and what fails becomes a file that is short enough to read and still fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use switchback_harness::check::Judge;
use switchback_harness::explore::coverage::names;
use switchback_harness::explore::enumerate::{Bound, Enumeration};
use switchback_harness::explore::shrink::{Kept, ToTheEnd, Watch, shrink};
use switchback_harness::explore::{Explorer, Weights, judge};
use switchback_harness::outcome::Result as Worst;
use switchback_scenarios::{Exploration, Scenario, read_str};

fn explorer() -> Explorer {
    Explorer::new(Exploration::any())
}

#[test]
fn what_is_drawn_reads_back_from_its_own_file() {
    for seed in 0..400 {
        let plan = explorer().plan(seed);
        let text = plan.to_yaml();
        let read = read_str("plan.yaml", &text).unwrap_or_else(|report| panic!("{seed}: {report:?}\n{text}"));
        assert_eq!(read.without_places(), plan.without_places(), "seed {seed}\n{text}");
    }
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    let digest = |seed| judge(&explorer().plan(seed)).expect("it can be built").digest;
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
}

#[test]
fn weights_change_what_is_drawn_only_where_they_lean() {
    let weights = Weights::from(BTreeMap::from([("fault crash".to_owned(), 1000)]));
    let leaning = Explorer { ranges: Exploration::any(), weights };
    let crashes = |explorer: &Explorer| {
        let is_crash =
            |plan: &Arc<Scenario>| plan.timeline.iter().filter(|s| s.action.word() == "crash").count();
        (0..200).map(|seed| is_crash(&explorer.plan(seed))).sum::<usize>()
    };
    assert!(crashes(&leaning) > 2 * crashes(&explorer()));
    assert_eq!(leaning.plan(3).vms, explorer().plan(3).vms);
}

/// Nothing is wrong with the engine, so nothing may be found: neither by chance nor in the shortest cases.
#[test]
fn an_engine_that_is_right_passes() {
    for seed in 1..40 {
        let judged = judge(&explorer().plan(seed)).expect("it can be built");
        assert_eq!(judged.reason(), None, "seed {seed}: {:?}", judged.first_finding());
    }
    let cases = Enumeration::new(Bound { steps: 1, faults: 1 });
    for number in (0..cases.count()).step_by(29) {
        let judged = judge(&cases.case(number)).expect("it can be built");
        assert_eq!(judged.reason(), None, "case {number}: {:?}", judged.first_finding());
    }
}

#[test]
fn what_can_be_reached_has_names_of_its_own() {
    let all: BTreeSet<&String> = names().iter().collect();
    assert_eq!(all.len(), names().len());
    let reached = judge(&explorer().plan(1)).expect("it can be built").reached;
    assert!(reached.numbers().any(|number| names()[number] == "state replicating to Azure"));
    assert!(reached.numbers().all(|number| number < names().len()));
}

/// A failover that loses writes because the line was cut, among much that has nothing to do with it.
const LOSES_WRITES: &str = "
scenario: loses-writes
version: 1
summary: The line is cut, and the failover expects to lose nothing.
site:
  vcenter: { name: vc-lon, hosts: 2 }
  datastores:
    - { name: ds-1, capacity: 1TiB }
    - { name: ds-2, capacity: 1TiB }
region: { name: uksouth, vault: rsv-dr, cache-account: stdrcache }
wan: { loss: 1/1000 }
protect:
  - consistency-group: shop
    vms:
      - name: db-01
        disks:
          - { name: os, size: 8MiB }
          - { name: data, size: 16MiB, used: 4MiB }
        churn: { rate: 8KiB/s, block: 4KiB..16KiB }
  - consistency-group: other
    vms:
      - { name: web-01, disks: [{ name: os, size: 4MiB }] }
      - { name: web-02, disks: [{ name: os, size: 4MiB }], churn: { rate: 1KiB/s } }
timeline:
  - { at: 1m, crash: { who: process-server } }
  - { at: 5m, cut: { link: wan, for: 4m } }
  - { at: 6m, slow-disk: { who: replica, latency: 5ms, for: 1m } }
  - { name: fall, at: 7m30s, failover: { group: shop, to: latest } }
  - { after: fall, plus: 2m, commit: { group: shop } }
expect:
  - loss: { group: shop, at-most: 50 }
then-heal: { within: 2h, expect: converged }
";

#[test]
fn a_failure_shrinks_to_what_it_needs_and_still_fails() {
    let scenario = Arc::new(read_str("loses-writes.yaml", LOSES_WRITES).expect("it is a scenario"));
    let reason = judge(&scenario).expect("it can be built").reason().expect("it fails");
    assert_eq!(reason.judge, Judge::PromisedTimes);
    let shrunk = shrink(&scenario, &reason, &mut ToTheEnd).expect("it fails for that reason");
    assert!(shrunk.is_finished);
    let (steps, faults) = shrunk.scenario.count_steps();
    assert_eq!((shrunk.scenario.vms.len(), steps), (1, 1), "{}", shrunk.scenario.to_yaml());
    assert_eq!(faults, 1, "{}", shrunk.scenario.to_yaml());
    let read = Arc::new(read_str("shrunk.yaml", &shrunk.scenario.to_yaml()).expect("it is a scenario"));
    assert_eq!(judge(&read).expect("it can be built").reason(), Some(reason.clone()));
    let again = shrink(&scenario, &reason, &mut ToTheEnd).expect("it fails for that reason");
    assert_eq!(again.scenario, shrunk.scenario, "shrinking draws nothing");
}

#[test]
fn nothing_is_shrunk_that_does_not_fail() {
    let holds = LOSES_WRITES.replace("at-most: 50", "at-most: 1000000");
    let scenario = Arc::new(read_str("holds.yaml", &holds).expect("it is a scenario"));
    let judged = judge(&scenario).expect("it can be built");
    assert_eq!(judged.result, Worst::Held);
    let failing = Arc::new(read_str("loses-writes.yaml", LOSES_WRITES).expect("it is a scenario"));
    let reason = judge(&failing).expect("it can be built").reason().expect("it fails");
    assert!(shrink(&scenario, &reason, &mut ToTheEnd).is_none());
}

/// Somebody whose time is up after a few candidates.
struct Impatient(u32);

impl Watch for Impatient {
    fn goes_on(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }

    fn kept(&mut self, _: &Kept) {}
}

#[test]
fn shrinking_that_is_stopped_gives_what_it_has() {
    let scenario = Arc::new(read_str("loses-writes.yaml", LOSES_WRITES).expect("it is a scenario"));
    let reason = judge(&scenario).expect("it can be built").reason().expect("it fails");
    let shrunk = shrink(&scenario, &reason, &mut Impatient(4)).expect("it fails for that reason");
    assert!(!shrunk.is_finished);
    assert_eq!(shrunk.judged.reason(), Some(reason));
}
