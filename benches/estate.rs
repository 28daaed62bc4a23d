//! An estate: 1,000 machines of three disks for 72 simulated hours at batch level, in the real replication code. Writes
//! come to the agents as one batch of each disk every five minutes; everything behind that is as it always is.
//!
//! `cargo bench --bench estate`, or with other numbers `cargo bench --bench estate -- MACHINES HOURS`. One core is used.

use std::time::{Duration, Instant};

use switchback_engine::MachineId;
use switchback_harness::check::Judge;

mod common;

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let machines = numbers.first().copied().unwrap_or(1000) as usize;
    let hours = numbers.get(1).copied().unwrap_or(72);
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures the time on the wall")]
    let begin = Instant::now();
    let mut world = common::protected(common::estate(machines));
    let copied = begin.elapsed();
    let until = world.now() + Duration::from_hours(hours);
    world.set_judging(std::env::var_os("JUDGED").is_some());
    world.run_until(until);
    let took = begin.elapsed();
    assert!(world.judges().findings().is_empty(), "a benchmark of wrong results is worthless");
    let writes: usize = (0..machines).map(|machine| world.history(MachineId(machine as u32)).issued()).sum();
    println!(
        "estate: {machines} machines, {hours} hours in {took:.1?}, {copied:.1?} of it first copies: {writes} batches, {} recovery points ({} judged), {} events",
        world.judges().points().len(),
        world.judges().looks(Judge::Prefix),
        world.events(),
    );
}
