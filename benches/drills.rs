//! Whole random drills a second on one core: three machines, two simulated hours from the first recovery point on, there
//! and home again, up to six faults, all judges on. What exploration costs.
//!
//! `cargo bench --bench drills`; criterion prints drills as elements a second.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use switchback_harness::explore::{Explorer, judge};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::JourneyWord as Step;
use switchback_scenarios::model::{DurationRange, Exploration};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many seeds are one measurement.
const DRILLS: u64 = 64;

fn drills(criterion: &mut Criterion) {
    let two_hours = Duration::from_hours(2);
    let explorer = Explorer::new(Exploration {
        vms: 3..=3,
        lasts: DurationRange { min: two_hours, max: two_hours },
        journey: Some(vec![Step::Failover, Step::Commit, Step::Reprotect, Step::Failback, Step::Commit]),
        steps: 5..=5,
        ..Exploration::any()
    });
    let plans: Vec<Arc<Scenario>> = (1..=DRILLS).map(|seed| explorer.plan(seed)).collect();
    let mut group = criterion.benchmark_group("whole drills");
    group.sample_size(10).throughput(Throughput::Elements(DRILLS));
    group.bench_function("three machines, two hours, judges on", |bencher| {
        bencher.iter(|| {
            for plan in &plans {
                black_box(judge(plan).expect("what is drawn can be built"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, drills);
criterion_main!(benches);
