//! From a seed to a complete scenario: a site, loads, a journey, a schedule of faults.
//!
//! Swarm style: every run switches a random subset of features and kinds of fault on, so that what hides one thing is
//! absent from some runs. Each part draws from a generator of its own, named after it: taking something out of one part
//! reshuffles no other. What is drawn is legal by the rules of the language, and every fault on the list is one the engine
//! must survive, or the fault atlas knows what it may break.
//!
//! | file | draws |
//! |---|---|
//! | `site` | machines, disks, groups, datastores, networks, policy, loads |
//! | `storage` | kinds of datastores, and disks that are mapped to raw devices |
//! | `servers` | further process servers and master targets, and which of them a reprotect or a move names |
//! | `plans` | a recovery plan of some of the groups, which are then walked together |
//! | `journey` | a legal walk of each group through failover and failback |
//! | `faults` | what goes wrong, for how long |
//! | `when` | when it does: by the clock, around a step, at a moment of the workflow |
//! | `conditions` | what is the matter with machines, and who repairs it |
//! | `stories` | faults that belong together |
//! | `leanings` | what a run leans towards: scarcity, haste, faults that meet each other |
//! | `draw` | ways to draw: uneven ranges, round durations |

use core::time::Duration;
use std::sync::Arc;

use switchback_scenarios::Exploration;
use switchback_scenarios::Scenario;
use switchback_scenarios::SourceLine;
use switchback_scenarios::model::words::{ContentKind, HealGoal, Origin};
use switchback_scenarios::model::{Heal, Operator};
use switchback_sim::Seed;

use super::Weights;

mod conditions;
mod draw;
mod faults;
mod journey;
mod leanings;
mod plans;
pub(crate) mod servers;
mod site;
mod storage;
mod stories;
mod when;

/// Goes up when the same seed begins to give another scenario.
pub const GENERATOR_VERSION: u32 = 8;

/// One run in so many moves real bytes, through compression and checksums. They cost ten times as much.
const BYTES_ONE_IN: u64 = 256;

/// One run in so many is at batch level.
const BATCHES_ONE_IN: u64 = 64;

/// A place for things that no person wrote.
pub(crate) use journey::{Place, step};
pub(crate) use site::datastore;
pub(crate) use when::later;

use leanings::Leanings;
use when::Journey;

pub(crate) const NOWHERE: SourceLine = SourceLine { line: 1, column: 1 };

/// The scenario of a seed, within the ranges.
#[must_use]
pub fn generate(seed: u64, ranges: &Exploration, weights: &Weights) -> Scenario {
    let of = Seed(seed).child("explore");
    let mut chance = of.chance("run");
    let leanings = Leanings::draw(&mut of.chance("leanings"));
    let span = journey::lasts(&mut of.chance("lasts"), ranges, leanings);
    let mut scenario = site::draw(&of, ranges, leanings, span);
    // A journey that was asked for is one of groups.
    let of_plan = match ranges.journey {
        None => plans::add(&mut of.chance("plan"), &mut scenario),
        Some(_) => Vec::new(),
    };
    scenario.timeline = journey::draw(&mut of.chance("journey"), ranges, &scenario, span, &of_plan);
    let journey = Journey { weights, steps: scenario.timeline.len(), until: span, around: leanings.around };
    faults::draw(&of, ranges, leanings, &journey, &mut scenario);
    scenario.seed = chance.next_u64() >> 32;
    if chance.below(BYTES_ONE_IN) == 0 && !leanings.starved {
        scenario.content = ContentKind::Bytes;
    }
    let mut level = of.chance("level");
    // What does not fit into a pool waits until its batch is closed, and members of a group close theirs at times of their
    // own: a starved one would have no point.
    if level.below(BATCHES_ONE_IN) == 0 && !leanings.starved {
        scenario.batch_every = Some(Duration::from_mins(level.in_range(1..=10)));
    }
    scenario.with_named_steps()
}

/// A scenario in which nothing happens yet.
pub(crate) fn blank(ranges: &Exploration) -> Scenario {
    Scenario {
        file: "generated.yaml".to_owned(),
        text: Arc::from(""),
        version: Scenario::VERSION,
        name: "generated".to_owned(),
        seed: 1,
        summary: "Drawn by chance.".to_owned(),
        content: ContentKind::Stamps,
        batch_every: None,
        site: site::blank(),
        region: site::region(),
        wan: switchback_scenarios::model::Link::WAN,
        lan: switchback_scenarios::model::Link::LAN,
        fabric: switchback_scenarios::model::Link::LAN,
        process_server: Default::default(),
        process_servers: Vec::new(),
        master_targets: Vec::new(),
        master_target: site::master_target(),
        policy: Default::default(),
        groups: Vec::new(),
        vms: Vec::new(),
        plans: Vec::new(),
        t0: Origin::InitialReplicationComplete,
        timeline: Vec::new(),
        expect: Vec::new(),
        then_heal: Some(Heal { within: ranges.heal_within, goal: HealGoal::Converged, source: NOWHERE }),
        run_for: None,
        always: ranges.always.clone(),
        operator: Operator { attempts: 50, gives_up_after: Duration::from_hours(4), accepts_refusals: true },
    }
}
