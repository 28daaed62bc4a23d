//! Simulated replicated writes a second, from capture to recovery point: every write is an event of its own, reaches a
//! simulated disk, is captured, batched, cached, coalesced, journaled and sealed into recovery points every five
//! minutes. With judges on, every point is read back in full and compared with the write history.
//!
//! `cargo bench --bench replication`; criterion prints writes as elements a second. One core is used.

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use switchback_engine::{MachineId, Stamp};
use switchback_harness::World;

mod common;

/// Simulated time of one measurement: two recovery points.
const SPAN: Duration = Duration::from_secs(600);
/// 12 MiB/s in blocks of 8 KiB: 1,536 writes a second, some 920,000 in a measurement.
const CHURN_BYTES_PER_SEC: u64 = 12 << 20;

fn replicated_writes(criterion: &mut Criterion) {
    let world = common::protected(common::spec(1, CHURN_BYTES_PER_SEC));
    let mut group = criterion.benchmark_group("replicated writes");
    group.sample_size(10).throughput(Throughput::Elements(writes_in(&world)));
    for (name, judged) in [("judges on", true), ("judges off", false)] {
        group.bench_function(name, |bencher| {
            let prepare = || {
                let mut world = world.clone();
                world.set_judging(judged);
                world
            };
            let run = |mut world: World<Stamp>| {
                let until = world.now() + SPAN;
                world.run_until(until);
                assert!(world.judges().findings().is_empty(), "a benchmark of wrong results is worthless");
                world
            };
            bencher.iter_batched(prepare, run, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// How many writes a measurement replicates.
fn writes_in(world: &World<Stamp>) -> u64 {
    let mut world = world.clone();
    let before = world.history(MachineId(0)).issued();
    let until = world.now() + SPAN;
    world.run_until(until);
    (world.history(MachineId(0)).issued() - before) as u64
}

criterion_group!(benches, replicated_writes);
criterion_main!(benches);
