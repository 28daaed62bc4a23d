//! Every role is crashed at every input of a journey, one position at a time, and comes up again: each time the
//! journey must go on to its end, replication must be healthy afterwards, and no judge may have found anything.
//!
//! Position `n` stands for "whoever is about to get input number `n` loses power instead". The base journey is
//! gone once, second by second; for every input of a second a copy of the world from before that second is crashed
//! there and gone to the end by the same user (see `common/walk.rs` for when that user asks again).
//!
//! The usual run sweeps a very small world. `SWITCHBACK_SWEEP=full cargo test --release -p switchback-harness --test
//! crash_sweep` sweeps larger ones as well: other seeds, longer down-times, two machines that share their points.

mod common;

use core::time::Duration;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::walk::{Step, Trouble, Walk, there_and_back};
use common::{MINUTE, SECOND, link, machine, site};
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

const ALL: Part = Part { one_in: 1, rest: 0 };

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

fn journey() -> Vec<Step> {
    there_and_back(3 * MINUTE + 20 * SECOND)
}

fn walk(spec: WorldSpec) -> Walk<Stamp> {
    Walk::new(World::new(spec).unwrap(), journey())
}

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
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
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

/// One seed's worth of hard worlds; each is swept whole.
fn hard_worlds(seed: u64) -> Vec<(&'static str, WorldSpec)> {
    let with = |change: &dyn Fn(&mut WorldSpec), machines| {
        let mut spec = tiny(seed, machines);
        change(&mut spec);
        spec
    };
    let busy = |spec: &mut WorldSpec| {
        for machine in &mut spec.machines {
            for workload in &mut machine.workloads {
                if let WorkloadSpec::Synthetic(synthetic) = workload {
                    synthetic.bytes_per_sec = 16 << 10;
                }
            }
        }
    };
    vec![
        ("one machine", with(&|_| {}, 1)),
        ("two machines", with(&|_| {}, 2)),
        ("follower", with(&|spec| follow(spec), 2)),
        ("busy", with(&busy, 1)),
        ("small pool", with(&|spec| { busy(spec); spec.machines[0].pool_bytes = 24 << 10; }, 1)),
        ("small cache", with(&|spec| { busy(spec); spec.cache_bytes = 32 << 10; }, 1)),
        ("slow line", with(&|spec| { busy(spec); spec.wan = link(300 * MILLISECOND, 64 << 10); }, 1)),
        ("slow disks", with(&|spec| { busy(spec); spec.backend_disk = slow(); }, 2)),
    ]
}

const MILLISECOND: Duration = Duration::from_millis(1);

/// Syncs and writes that take so long that much is under way at any time.
fn slow() -> DiskTiming {
    DiskTiming {
        latency: 20 * MILLISECOND..=80 * MILLISECOND,
        flush: 50 * MILLISECOND..=200 * MILLISECOND,
        bytes_per_sec: 4 << 20,
        parallelism: 2,
    }
}

/// Every write of the first machine causes one of the second.
fn follow(spec: &mut WorldSpec) {
    if let WorkloadSpec::Synthetic(synthetic) = &mut spec.machines[1].workloads[0] {
        synthetic.follows = Some(MachineId(0));
    }
}

#[test]
fn explore() {
    let n = |name: &str, otherwise| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(otherwise);
    let part = Part { one_in: n("ONE_IN", 1), rest: n("REST", 0) };
    for seed in n("SEED", 1)..n("SEED", 1) + n("SEEDS", 1) {
        for (what, spec) in hard_worlds(seed) {
            if std::env::var("WORLD").is_ok_and(|world| world != what) {
                continue;
            }
            for down_for in [0, 50, 5_000, 180_000] {
                if n("DOWN", down_for) != down_for { continue; }
                let down_for = Duration::from_millis(down_for);
                let sweep = sweep(walk(spec.clone()), part, down_for, false);
                println!("{what} {seed} {down_for:?}: {} of {} swept, {} failures", sweep.swept, sweep.inputs, sweep.failures.len());
                println!("{}", report(&sweep.failures));
            }
        }
    }
}

#[test]
fn even_positions() {
    expect_all_well("even positions, 5 s", walk(tiny(3, 1)), Part { one_in: 2, rest: 0 }, 5 * SECOND);
}

#[test]
fn odd_positions() {
    expect_all_well("odd positions, 5 s", walk(tiny(3, 1)), Part { one_in: 2, rest: 1 }, 5 * SECOND);
}

#[test]
fn one_position() {
    let n = |name: &str, otherwise| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(otherwise);
    let Some(position) = std::env::var("AT").ok().and_then(|v| v.parse().ok()) else { return };
    let (_, spec) = hard_worlds(n("SEED", 1)).into_iter().find(|(w, _)| std::env::var("WORLD").is_ok_and(|x| x == *w)).unwrap();
    let mut walk = walk(spec);
    walk.world.crash_at_input(position, Duration::from_millis(n("DOWN", 5000)));
    let trouble = catch_unwind(AssertUnwindSafe(|| walk.finish()));
    for (at, what) in walk.world.happenings() {
        println!("{:.6} {what:?}", at.as_nanos() as f64 / 1e9);
    }
    println!("{trouble:?}");
}

/// The twin: where a store says "durable" and keeps nothing, the sweep must notice.
#[test]
fn a_store_that_lies_is_caught() {
    for liar in [Address::Control, Address::ProcessServer(0), Address::Target(Site::Recovery)] {
        let mut base = walk(tiny(5, 1));
        base.world.sabotage(Sabotage::LyingSync(liar));
        let sweep = sweep(base, Part { one_in: 7, rest: 0 }, 5 * SECOND, true);
        assert!(!sweep.failures.is_empty(), "nobody noticed that the store of {liar:?} keeps nothing");
    }
}
