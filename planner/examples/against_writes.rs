//! Ten estates, each drawn from a seed, planned at batch level and run write by write: how far the predictions are from that.
//!
//! `cargo run --release -p switchback-planner --example against_writes`, or with `-- 3` only the first three.

use core::time::Duration;

use switchback_planner::measure::{Run, measure};
use switchback_scenarios::{Scenario, read_str};

/// Every run takes so long after the first copy.
const LASTING: Duration = Duration::from_hours(2);
/// Lines, in percent of what the estate writes on average.
const LINES: [u64; 3] = [150, 200, 400];

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(10);
    println!("| estate | machines | churn | line | RPO at batch level | RPO write by write | off by |");
    println!("|---|---|---|---|---|---|---|");
    for seed in 1..=count {
        let (scenario, churn) = estate(seed);
        for percent in LINES {
            compare(seed, &scenario, churn, percent);
        }
    }
}

fn compare(seed: u64, scenario: &Scenario, churn: u64, percent: u64) {
    let bandwidth = churn * 8 * percent / 100;
    let rpo = |batch_every| {
        let measured = measure(scenario, bandwidth, Run { lasting: LASTING, batch_every });
        let measured = measured.expect("the estate can be run");
        measured.rpo.map_or(f64::NAN, |rpo| rpo.as_secs_f64())
    };
    let (batches, writes) = (rpo(Some(Duration::from_mins(1))), rpo(None));
    println!(
        "| {seed} | {} | {} KiB/s | {:.1} Mbps | {batches:.0} s | {writes:.0} s | {:+.0} % |",
        scenario.vms.len(),
        churn >> 10,
        bandwidth as f64 / 1e6,
        (batches / writes - 1.0) * 100.0
    );
}

/// An estate of 2 to 6 machines, every second one of which writes in bursts, and what it writes on average in bytes a second.
fn estate(seed: u64) -> (Scenario, u64) {
    let machines = 2 + seed % 5;
    let mut churn = 0;
    let mut text = format!(
        "scenario: estate-{seed}\nversion: 1\nseed: {seed}\nsummary: Drawn from a seed.\n\
         site:\n  vcenter: {{ name: vc, hosts: 2 }}\n  datastores:\n    - {{ name: ds, capacity: 4TiB }}\n\
         region: {{ name: uksouth, vault: rsv, cache-account: stcache }}\nwan: {{ bandwidth: 100Mbps }}\nprotect:\n"
    );
    for machine in 0..machines {
        let rate = 32 + 16 * ((seed * 7 + machine * 5) % 8);
        let pattern = if seed % 2 == 1 && machine == 0 {
            churn += rate + rate / 2;
            format!(", pattern: {{ bursts: {{ every: 20m, for: 2m, rate: {}KiB/s }} }}", rate * 6)
        } else {
            churn += rate;
            String::new()
        };
        text += &format!(
            "  - consistency-group: g{machine}\n    vms:\n      - name: vm-{machine}\n        disks:\n\
             \x20         - {{ name: os, size: {}GiB }}\n        churn: {{ rate: {rate}KiB/s{pattern} }}\n",
            16 + 8 * (seed % 4)
        );
    }
    text += "timeline: []\n";
    let scenario = read_str("estate.yaml", &text).unwrap_or_else(|report| panic!("{}", report.render(false)));
    (scenario, churn << 10)
}
