//! Seeds as a campaign runs them: one row and what was reached for each.

use std::sync::Arc;

use switchback_scenarios::Scenario;

use super::coverage::names;
use super::enumerate::Enumeration;
use super::{Explorer, Judged, judge};
use crate::campaign::{Coverage, Row, SeedResult, SeedRunner, result};
use crate::check::Judge;
use crate::outcome::{Result as Worst, Verdict};

/// The result of a run in the numbers of a row.
#[must_use]
pub const fn code(worst: Worst) -> u8 {
    match worst {
        Worst::Held => result::HELD,
        Worst::ObjectiveMissed => result::OBJECTIVE_MISSED,
        Worst::DidNotConverge => result::DID_NOT_CONVERGE,
        Worst::SafetyFailed => result::SAFETY_FAILED,
    }
}

impl SeedRunner for Explorer {
    fn run(&self, seed: u64) -> SeedResult {
        result_of(seed, &self.plan(seed))
    }
}

impl SeedRunner for Enumeration {
    fn run(&self, seed: u64) -> SeedResult {
        result_of(seed, &self.case(seed))
    }
}

/// Runs a scenario for a campaign. A world that cannot be built is a fault of whoever drew it, and is told as one.
fn result_of(seed: u64, scenario: &Arc<Scenario>) -> SeedResult {
    let judged = judge(scenario).unwrap_or_else(|error| Judged::not_run(&Verdict::not_built(&error)));
    let mut coverage = Coverage::new();
    let names = names();
    for number in judged.reached.numbers() {
        coverage.add(&names[number], 1);
    }
    SeedResult { row: row_of(seed, scenario, &judged), coverage }
}

fn row_of(seed: u64, scenario: &Scenario, judged: &Judged) -> Row {
    let (steps, faults) = scenario.count_steps();
    let bit = |judge: Judge| Judge::ALL.iter().position(|of| *of == judge).map_or(0, |at| 1 << at);
    let nanos = |span: core::time::Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let byte = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
    Row {
        seed,
        result: code(judged.result),
        judges: judged.judges().fold(0, |bits, judge| bits | bit(judge)),
        machines: byte(scenario.vms.len()),
        disks: byte(scenario.vms.iter().map(|vm| vm.disks.len()).sum()),
        steps: byte(steps),
        faults: byte(faults),
        simulated_nanos: nanos(judged.figures.simulated),
        events: judged.figures.events,
        writes: judged.figures.writes,
        points: u32::try_from(judged.figures.points).unwrap_or(u32::MAX),
        failovers: judged.failovers,
        lost_writes: judged.lost_writes,
        rpo_nanos: nanos(judged.rpo),
        rto_nanos: nanos(judged.rto),
        digest: judged.digest,
    }
}
