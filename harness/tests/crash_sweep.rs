//! Every role is crashed at every input of a journey, one position at a time, and comes up again: each time the
//! journey must go on to its end, replication must be healthy afterwards, and no judge may have found anything.
//!
//! Position `n` stands for "whoever is about to get input number `n` loses power instead". The base journey is
//! gone once, second by second; for every input of a second a copy of the world from before that second is crashed
//! there and gone to the end by the same user (see `common/walk.rs` for when that user asks again).
//!
//! The usual run sweeps a very small world whole, at two down-times, and a group of two in part: there and back, which is
//! failover and failback, a test failover with its cleanup in either stack, a planned failover home that is taken back once,
//! a move to another process server and back, and a disk that grows. Every machine has two disks.
//!
//! ```text
//! SWITCHBACK_SWEEP=full cargo test --profile sim -p switchback-harness --test crash_sweep harder -- --nocapture
//! ```
//! sweeps every position of every journey through worlds that are harder each in its own way, at four down-times:
//! `SWITCHBACK_SWEEP_ONE_IN=7` takes every seventh position, `SWITCHBACK_SWEEP_SEED=12` other chance,
//! `SWITCHBACK_SWEEP_WORLD=follower` one world, `SWITCHBACK_SWEEP_JOURNEY=test` one journey. A failure is gone through once more,
//! with all that happened, by `SWITCHBACK_SWEEP_AT="test/follower/1/156/180000ms" cargo test ... one_position -- --nocapture`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod common;

use core::time::Duration;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::walk::{
    Trouble, Walk, grow_there_and_back, move_and_move_back, test_and_clean_up, there_and_back,
    there_and_home_as_planned,
};
use common::{MINUTE, SECOND, link, machine, site};
use switchback_engine::control::Stack;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site, Stamp};
use switchback_harness::workload::WorkloadSpec;
use switchback_harness::world::Sabotage;
use switchback_harness::world::spec::DiskTiming;
use switchback_harness::{World, WorldSpec};

/// A crash that did not end well.
struct Failure {
    position: u64,
    role: Address,
    input: &'static str,
    place: String,
    trouble: Trouble,
}

/// What a sweep came to.
#[derive(Default)]
struct Sweep {
    inputs: u64,
    swept: u64,
    failures: Vec<Failure>,
}

/// Which positions are swept.
#[derive(Clone, Copy)]
struct Part {
    one_in: u64,
    rest: u64,
}

const MILLISECOND: Duration = Duration::from_millis(1);
/// A pause in which points of every kind come into being.
const PAUSE: Duration = Duration::from_secs(200);
/// So short that nobody's patience ends, and so long that most do.
const DOWN_TIMES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(180)];

/// Points often enough that a short journey has some of every kind, and loses some to retention.
fn policy() -> ReplicationPolicy {
    ReplicationPolicy {
        crash_consistent_every: MINUTE,
        app_consistent_every: Some(3 * MINUTE),
        retain_points_for: 2 * MINUTE,
        ..ReplicationPolicy::DEFAULT
    }
}

/// Machines of two tiny disks that hardly write, in one group.
fn tiny(seed: u64, machines: usize) -> WorldSpec {
    let machines = (0..machines).map(|i| machine(&format!("web-{i:02}"), &[4, 2], 1 << 10)).collect();
    let mut spec = site(seed, machines);
    spec.groups[0].policy = policy();
    spec
}

fn walk(spec: WorldSpec) -> Walk<Stamp> {
    Walk::new(World::new(spec).unwrap(), there_and_back(PAUSE))
}

fn test_walk(spec: WorldSpec) -> Walk<Stamp> {
    Walk::new(World::new(spec).unwrap(), test_and_clean_up(PAUSE))
}

/// Of the modernised stack: home as planned, once taken back so long after it was asked for.
fn planned_walk(mut spec: WorldSpec, taken_back_after: Duration) -> Walk<Stamp> {
    spec.site.stack = Stack::Modernised;
    Walk::new(World::new(spec).unwrap(), there_and_home_as_planned(PAUSE, taken_back_after))
}

/// With a second process server on premises.
fn move_walk(mut spec: WorldSpec) -> Walk<Stamp> {
    spec.further_caches = vec![spec.cache_bytes];
    Walk::new(World::new(spec).unwrap(), move_and_move_back(PAUSE))
}

/// A test failover in the modernised stack.
fn modernised_test_walk(mut spec: WorldSpec) -> Walk<Stamp> {
    spec.site.stack = Stack::Modernised;
    test_walk(spec)
}

/// A journey through a world.
type Journey = fn(WorldSpec) -> Walk<Stamp>;

/// Every journey that is swept, by its name.
const JOURNEYS: [(&str, Journey); 6] = [
    ("there and back", walk),
    ("test", test_walk),
    ("test, modernised", modernised_test_walk),
    ("planned, early", |spec| planned_walk(spec, 2 * SECOND)),
    ("planned, late", |spec| planned_walk(spec, 32 * SECOND)),
    ("move", move_walk),
];

/// Goes the base journey once and crashes a copy of it at every position of a part.
fn sweep(mut base: Walk<Stamp>, part: Part, down_for: Duration, stop_at_first: bool) -> Sweep {
    let mut sweep = Sweep::default();
    while !base.is_over() {
        let before = base.clone();
        base.second().unwrap();
        for position in before.world.inputs() + 1..=base.world.inputs() {
            if position % part.one_in == part.rest {
                sweep.swept += 1;
                sweep.failures.extend(crash_at(&before, position, down_for));
                if stop_at_first && !sweep.failures.is_empty() {
                    return sweep;
                }
            }
        }
    }
    sweep.inputs = base.world.inputs();
    if let Err(trouble) = base.finish() {
        let (position, role, input, place) = (0, Address::Control, "nothing", base.place());
        sweep.failures.push(Failure { position, role, input, place, trouble });
    }
    sweep
}

/// The journey with a crash at one position, from shortly before it.
fn crash_at(before: &Walk<Stamp>, position: u64, down_for: Duration) -> Option<Failure> {
    let mut walk = before.clone();
    walk.world.crash_at_input(position, down_for);
    let ended = catch_unwind(AssertUnwindSafe(|| walk.finish()));
    let trouble = match ended {
        Ok(Ok(())) => return None,
        Ok(Err(trouble)) => trouble,
        Err(panic) => panicked(panic.as_ref()),
    };
    let (role, input) = walk.world.crashed_before().unwrap_or((Address::Control, "nothing"));
    Some(Failure { position, role, input, place: before.place(), trouble })
}

fn panicked(panic: &(dyn core::any::Any + Send)) -> Trouble {
    let text = panic.downcast_ref::<String>().cloned();
    let text =
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
    Trouble { cause: format!("panic: {text}"), what: text }
}

/// All failures by their causes, the first few of each.
fn report(failures: &[Failure]) -> String {
    let mut by_cause: BTreeMap<&str, Vec<&Failure>> = BTreeMap::new();
    for failure in failures {
        by_cause.entry(&failure.trouble.cause).or_default().push(failure);
    }
    let mut text = String::new();
    for (cause, failures) in by_cause {
        text += &format!("\n{} x {cause}\n", failures.len());
        for failure in failures.iter().take(6) {
            let Failure { position, role, input, place, trouble } = failure;
            text += &format!("    input {position} ({input} of {role:?}) in {place}: {}\n", trouble.what);
        }
    }
    text
}

fn expect_all_well(what: &str, base: Walk<Stamp>, part: Part, down_for: Duration) {
    let sweep = sweep(base, part, down_for, false);
    println!("{what}: {} of {} positions swept", sweep.swept, sweep.inputs);
    assert!(sweep.swept > 0);
    assert!(
        sweep.failures.is_empty(),
        "{what}: {} of {} crashes did not end well\n{}",
        sweep.failures.len(),
        sweep.swept,
        report(&sweep.failures)
    );
}

/// Twice as much as fits between two rounds: something is always under way.
fn busy(spec: &mut WorldSpec) {
    for machine in &mut spec.machines {
        for workload in &mut machine.workloads {
            if let WorkloadSpec::Synthetic(synthetic) = workload {
                synthetic.bytes_per_sec = 16 << 10;
            }
        }
    }
}

/// Every write of the first machine causes one of the second.
fn follow(spec: &mut WorldSpec) {
    if let WorkloadSpec::Synthetic(synthetic) = &mut spec.machines[1].workloads[0] {
        synthetic.follows = Some(MachineId(0));
    }
}

/// Syncs and writes that take so long that much is under way at any time.
fn slow_disks(spec: &mut WorldSpec) {
    busy(spec);
    spec.backend_disk = DiskTiming {
        latency: 20 * MILLISECOND..=80 * MILLISECOND,
        flush: 50 * MILLISECOND..=200 * MILLISECOND,
        bytes_per_sec: 4 << 20,
        parallelism: 2,
    };
}

/// A pool that holds three writes: order is lost and found again all the time.
fn small_pool(spec: &mut WorldSpec) {
    busy(spec);
    spec.machines[0].pool_bytes = 24 << 10;
}

fn slow_line(spec: &mut WorldSpec) {
    busy(spec);
    spec.wan = link(300 * MILLISECOND, 64 << 10);
}

/// A cache that holds one full batch of each disk and no more, in front of a slow line. A cache that is smaller than a
/// batch would never take it.
fn small_cache(spec: &mut WorldSpec) {
    slow_line(spec);
    spec.cache_bytes = 5 << 20;
}

/// Worlds that are harder, each in its own way.
fn hard_worlds(seed: u64) -> Vec<(&'static str, WorldSpec)> {
    let with = |machines, change: fn(&mut WorldSpec)| {
        let mut spec = tiny(seed, machines);
        change(&mut spec);
        spec
    };
    vec![
        ("one machine", with(1, |_| {})),
        ("two machines", with(2, |_| {})),
        ("follower", with(2, follow)),
        ("busy", with(1, busy)),
        ("small pool", with(1, small_pool)),
        ("small cache", with(1, small_cache)),
        ("slow line", with(1, slow_line)),
        ("slow disks", with(2, slow_disks)),
    ]
}

fn hard_world(wanted: &str, seed: u64) -> WorldSpec {
    hard_worlds(seed).into_iter().find(|(what, _)| *what == wanted).unwrap().1
}

#[test]
fn even_positions() {
    for down_for in DOWN_TIMES {
        expect_all_well("even positions", walk(tiny(3, 1)), Part { one_in: 2, rest: 0 }, down_for);
    }
}

#[test]
fn odd_positions() {
    for down_for in DOWN_TIMES {
        expect_all_well("odd positions", walk(tiny(3, 1)), Part { one_in: 2, rest: 1 }, down_for);
    }
}

#[test]
fn a_test_failover_and_its_cleanup() {
    for down_for in DOWN_TIMES {
        expect_all_well("a test failover", test_walk(tiny(3, 1)), Part { one_in: 1, rest: 0 }, down_for);
    }
}

#[test]
fn a_planned_failover_that_is_taken_back_while_it_drains() {
    for down_for in DOWN_TIMES {
        let walk = planned_walk(tiny(3, 1), 2 * SECOND);
        expect_all_well("a planned failover", walk, Part { one_in: 2, rest: 0 }, down_for);
    }
}

#[test]
fn a_planned_failover_that_is_taken_back_while_the_machine_is_powered_on() {
    for down_for in DOWN_TIMES {
        let walk = planned_walk(tiny(3, 1), 32 * SECOND);
        expect_all_well("a planned failover, late", walk, Part { one_in: 2, rest: 1 }, down_for);
    }
}

#[test]
fn a_move_to_another_process_server_and_back() {
    for down_for in DOWN_TIMES {
        expect_all_well("a move", move_walk(tiny(3, 1)), Part { one_in: 1, rest: 0 }, down_for);
    }
}

#[test]
fn a_move_of_a_group_of_two() {
    let spec = hard_world("follower", 1);
    expect_all_well("a move of two", move_walk(spec), Part { one_in: 4, rest: 1 }, 5 * SECOND);
}

#[test]
fn a_disk_that_grows() {
    let base = Walk::new(World::new(tiny(4, 1)).unwrap(), grow_there_and_back(PAUSE));
    expect_all_well("a disk that grows", base, Part { one_in: 2, rest: 1 }, 5 * SECOND);
}

#[test]
fn a_test_failover_of_a_group_of_two() {
    let spec = hard_world("follower", 1);
    expect_all_well("a test failover of two", test_walk(spec), Part { one_in: 4, rest: 3 }, 5 * SECOND);
}

#[test]
fn a_test_failover_of_a_group_of_two_in_the_modernised_stack() {
    let walk = modernised_test_walk(hard_world("follower", 1));
    expect_all_well("a modernised test of two", walk, Part { one_in: 8, rest: 1 }, 180 * SECOND);
}

#[test]
fn a_planned_failover_of_a_group_of_two() {
    for (rest, taken_back_after) in [(3, 2 * SECOND), (11, 32 * SECOND)] {
        let walk = planned_walk(hard_world("follower", 1), taken_back_after);
        expect_all_well("a planned failover of two", walk, Part { one_in: 16, rest }, 5 * SECOND);
    }
}

#[test]
fn a_group_of_two() {
    let spec = hard_world("follower", 1);
    expect_all_well("a group of two", walk(spec), Part { one_in: 4, rest: 3 }, 5 * SECOND);
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// What the environment wants of a choice; all of it unless it says so.
fn is_wanted(name: &str, what: &str) -> bool {
    std::env::var(name).map_or(true, |only| only == what)
}

#[test]
fn harder_worlds() {
    if std::env::var("SWITCHBACK_SWEEP").as_deref() != Ok("full") {
        return;
    }
    let seed = number("SWITCHBACK_SWEEP_SEED", 1);
    let mut text = String::new();
    for (journey, begin) in
        JOURNEYS.into_iter().filter(|(what, _)| is_wanted("SWITCHBACK_SWEEP_JOURNEY", what))
    {
        for (world, spec) in
            hard_worlds(seed).into_iter().filter(|(what, _)| is_wanted("SWITCHBACK_SWEEP_WORLD", what))
        {
            text += &sweep_hard_world(&format!("{journey}/{world}/{seed}"), &begin(spec));
        }
    }
    assert!(text.is_empty(), "{text}");
}

/// One journey through one world at every down-time; the failures in words.
fn sweep_hard_world(what: &str, base: &Walk<Stamp>) -> String {
    let part = Part { one_in: number("SWITCHBACK_SWEEP_ONE_IN", 1), rest: 0 };
    let mut text = String::new();
    for down_for in [0, 50, 5_000, 180_000].map(Duration::from_millis) {
        let Sweep { inputs, swept, failures } = sweep(base.clone(), part, down_for, false);
        println!("{what}/*/{down_for:?}: {swept} of {inputs}, {}", failures.len());
        if !failures.is_empty() {
            text += &format!("{what}/*/{down_for:?}:\n{}", report(&failures));
        }
    }
    text
}

/// One position once more, with all that happens: journey/world/seed/position/milliseconds.
#[test]
fn one_position() {
    let Ok(place) = std::env::var("SWITCHBACK_SWEEP_AT") else { return };
    let parts: Vec<&str> = place.split('/').collect();
    let [journey, world, seed, position, down] = parts[..] else {
        panic!("journey/world/seed/position/milliseconds")
    };
    let (_, begin) = JOURNEYS.into_iter().find(|(what, _)| *what == journey).unwrap();
    let mut walk = begin(hard_world(world, seed.parse().unwrap()));
    let down_for = Duration::from_millis(down.trim_end_matches("ms").parse().unwrap());
    walk.world.crash_at_input(position.parse().unwrap(), down_for);
    let ended = catch_unwind(AssertUnwindSafe(|| walk.finish()));
    walk.world.happenings().iter().for_each(|(at, what)| println!("{at} {what:?}"));
    println!("{:?}: {ended:?}", walk.world.crashed_before());
}

/// The twin: where a store says "durable" and keeps nothing, the sweep must notice.
#[test]
fn a_store_that_lies_is_caught() {
    for liar in [Address::Control, Address::ProcessServer(0), Address::Target(Site::Recovery)] {
        let mut base = walk(tiny(5, 1));
        base.world.sabotage(Sabotage::LyingSync(liar));
        let sweep = sweep(base, Part { one_in: 7, rest: 0 }, 5 * SECOND, true);
        assert!(!sweep.failures.is_empty(), "nobody noticed that the store of {liar:?} keeps nothing");
        println!("a lie of {liar:?} is noticed after {} positions:{}", sweep.swept, report(&sweep.failures));
    }
}
