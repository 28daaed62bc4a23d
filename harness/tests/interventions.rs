//! Somebody breaks things in a world in which nobody walks a timeline.

use std::time::Duration;

use switchback_engine::Stamp;
use switchback_harness::interventions::{Interventions, NoIntervention, Stage};
use switchback_harness::scene::world_spec;
use switchback_harness::{SimTime, World};
use switchback_scenarios::{Scenario, read_steps, read_str};

const SCENARIO: &str = "
scenario: broken
version: 1
summary: A small site.
site:
  vcenter: { name: vc-lon, hosts: 1 }
  datastores: [{ name: ds-1, capacity: 1TiB }]
region: { name: uksouth, vault: rsv-dr, cache-account: stdrcache }
wan: {}
protect:
  - consistency-group: shop
    vms: [{ name: web-01, disks: [{ name: os, size: 4MiB }] }]
timeline: []
";

struct Site {
    scenario: Scenario,
    world: World<Stamp>,
    interventions: Interventions,
}

impl Site {
    fn new() -> Self {
        let scenario = read_str("broken.yaml", SCENARIO).unwrap_or_else(|report| panic!("{report}"));
        let world = World::new(world_spec(&scenario)).expect("the site can be");
        Self { scenario, world, interventions: Interventions::default() }
    }

    fn asked(&mut self, steps: &str) -> Result<Vec<u64>, NoIntervention> {
        let steps = read_steps(&self.scenario, "steps", steps).unwrap_or_else(|report| panic!("{report}"));
        self.interventions.add(&mut self.world, &self.scenario, steps)
    }

    fn run(&mut self, seconds: u64) {
        let until = self.world.now() + Duration::from_secs(seconds);
        assert!(!self.interventions.run(&mut self.world, &self.scenario, until, false));
        assert_eq!(self.world.now(), until);
    }

    fn stages(&self) -> Vec<Stage> {
        self.interventions.all().iter().map(|it| it.stage).collect()
    }
}

fn done(from: u64, until: u64) -> Stage {
    let at = |seconds: u64| SimTime::ZERO + Duration::from_secs(seconds);
    Stage::Done { at: at(from), until: at(until) }
}

#[test]
fn steps_are_done_at_their_times_and_after_each_other_counted_from_when_they_were_asked_for() {
    let mut site = Site::new();
    site.run(100);
    let steps = r#"[
        { "name": "line", "at": "50s", "cut": { "link": "wan", "for": "30s" } },
        { "after": "line", "plus": "5s", "slow-disk": { "who": "replica", "latency": "1ms", "for": "10s" } }
    ]"#;
    assert_eq!(site.asked(steps), Ok(vec![1, 2]));
    assert_eq!(site.stages(), [Stage::Waiting, Stage::Waiting]);
    site.run(60);
    assert_eq!(site.stages(), [done(150, 180), Stage::Waiting]);
    site.run(60);
    assert_eq!(site.stages(), [done(150, 180), done(185, 195)]);
    assert_eq!(
        site.asked(r#"[{ "at": "0s", "stop": { "vm": "web-01" } }]"#),
        Ok(vec![3]),
        "what is due is done at once"
    );
    assert_eq!(site.stages()[2], done(220, 220));
}

#[test]
fn what_comes_after_something_that_was_taken_back_never_comes() {
    let mut site = Site::new();
    let steps = r#"[
        { "name": "line", "at": "50s", "cut": { "link": "wan", "for": "30s" } },
        { "after": "line", "destroy": { "site": "vc-lon" } }
    ]"#;
    site.asked(steps).expect("interventions");
    assert!(site.interventions.clear(&mut site.world, 1));
    assert!(!site.interventions.clear(&mut site.world, 1), "it was taken back already");
    assert!(!site.interventions.clear(&mut site.world, 7), "there is no such one");
    site.run(1_000);
    assert_eq!(site.stages(), [Stage::Cleared, Stage::Waiting]);
    assert!(!site.world.site_is_lost());
}

#[test]
fn a_moment_that_does_not_come_does_nothing() {
    let mut site = Site::new();
    site.asked(r#"[{ "when": { "vm": "web-01", "is": "failed-over" }, "destroy": { "site": "vc-lon" } }]"#)
        .expect("an intervention");
    site.run(10_000);
    assert_eq!(site.stages(), [Stage::Waiting]);
    assert!(!site.world.site_is_lost());
}

#[test]
fn nothing_is_taken_where_one_step_is_for_the_vault() {
    let mut site = Site::new();
    let steps = r#"[
        { "at": "0s", "cut": { "link": "wan", "for": "30s" } },
        { "at": "0s", "resync": { "vm": "web-01" } }
    ]"#;
    assert_eq!(site.asked(steps), Err(NoIntervention::AsksTheVault("resync")));
    assert!(site.interventions.all().is_empty());
}
