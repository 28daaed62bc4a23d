//! The bare kernel: events a second when every handler only schedules the next event of its actor, 1 to 10 ms later.
//!
//! `cargo bench --bench kernel`; criterion prints events as elements a second.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use switchback_sim::{Kernel, Seed};

const EVENTS: u64 = 1_000_000;

fn bare_kernel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bare kernel");
    group.sample_size(10).throughput(Throughput::Elements(EVENTS));
    for actors in [2_u32, 10, 100, 1000] {
        group.bench_function(BenchmarkId::from_parameter(format!("{actors} actors")), |bencher| {
            bencher.iter(|| {
                let mut kernel = Kernel::<u32>::new();
                let mut chance = Seed(7).chance("delays");
                let mut delay = move || Duration::from_nanos(chance.in_range(1_000_000..=10_000_000));
                (0..actors).for_each(|actor| kernel.schedule_in(delay(), actor));
                for _ in 0..EVENTS {
                    let Some(actor) = kernel.next() else { break };
                    kernel.schedule_in(delay(), actor);
                }
                kernel.now()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bare_kernel);
criterion_main!(benches);
