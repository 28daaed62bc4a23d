#![allow(missing_docs, clippy::disallowed_methods, clippy::disallowed_types)]
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use switchback_harness::explore::{Explorer, judge};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let from: u64 = args[1].parse().unwrap();
    let count: u64 = args[2].parse().unwrap();
    let ranges = switchback_scenarios::Exploration::any();
    let explorer = Explorer::new(ranges);
    let t = Instant::now();
    let mut by: BTreeMap<String, (u64, u64, String)> = BTreeMap::new();
    let (mut writes, mut events, mut simulated, mut fo, mut points) = (0, 0, 0.0, 0, 0);
    let mut slow = (0.0, 0);
    for seed in from..from + count {
        let one = Instant::now();
        let scenario = explorer.plan(seed);
        let judged = judge(&scenario).unwrap();
        let took = one.elapsed().as_secs_f64();
        if took > slow.0 {
            slow = (took, seed);
        }
        writes += judged.figures.writes;
        events += judged.figures.events;
        points += judged.figures.points;
        simulated += judged.figures.simulated.as_secs_f64();
        fo += u64::from(judged.failovers);
        if let Some(reason) = judged.reason() {
            let general: String = judged
                .failed
                .iter()
                .filter_map(|v| v.findings.first())
                .take(2)
                .map(|f| f.chars().filter(|c| !c.is_ascii_digit()).take(110).collect::<String>())
                .collect::<Vec<_>>()
                .join(" | ");
            let e = by.entry(format!("{reason}: {general}")).or_insert((
                0,
                seed,
                judged.first_finding().unwrap_or("").to_owned(),
            ));
            e.0 += 1;
        }
        if args.len() > 3 {
            for v in &judged.failed {
                println!("{}: {:?}\n{}", v.name, v.figure, v.findings.join("\n"));
            }
            let _ = Arc::clone(&scenario);
            let outcome = switchback_harness::run(&scenario, |_| {}).unwrap();
            for line in switchback_harness::report::timeline(&outcome) {
                println!("{line}");
            }
        }
    }
    let s = t.elapsed().as_secs_f64();
    println!(
        "{:.1} runs/s, per run: {} writes {} events {} points {:.0} s simulated {:.2} failovers; slowest {:.2}s seed {}",
        count as f64 / s,
        writes / count,
        events / count,
        points / count,
        simulated / count as f64,
        fo as f64 / count as f64,
        slow.0,
        slow.1
    );
    for (r, (n, seed, f)) in by {
        println!("{n:>6}  {r}  e.g. {seed}: {}", f.chars().take(300).collect::<String>());
    }
}
