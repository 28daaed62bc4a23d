//! Memory of a simulated machine beside its journal's index: the growth of the process from a world of few machines
//! to one of many, all protected and idle.
//!
//! `cargo bench --bench memory`. Reads `/proc/self/statm`; elsewhere it says that it cannot measure.

mod common;

/// Machines in the large world.
const MACHINES: usize = 200;
/// The small world is made first, so that what every world needs is not counted.
const BASELINE: usize = 10;

fn main() {
    let small = common::protected(common::spec(BASELINE, 0));
    let Some(before) = resident_bytes() else {
        println!("memory: this system does not tell how much a process holds");
        return;
    };
    let large = common::protected(common::spec(MACHINES, 0));
    let after = resident_bytes().unwrap_or(before);
    let each = after.saturating_sub(before) / MACHINES as u64;
    println!(
        "memory: {each} bytes for each of {MACHINES} protected idle machines of two disks ({} KiB); {} and {} events",
        each >> 10,
        small.events(),
        large.events()
    );
}

/// What the process holds in memory, in bytes.
fn resident_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}
