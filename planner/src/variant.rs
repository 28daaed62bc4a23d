//! The scenario as it is run to measure something: the estate and its churn, without faults, steps and judges.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::Origin;
use switchback_scenarios::model::{Churn, Pattern, Vm};

/// How long a first copy is waited for. It is nearly empty, and longer than this takes it only on a line that is too thin for
/// the churn.
const FIRST_COPY_AT_MOST: Duration = Duration::from_hours(12);
/// What of a disk is copied at first where only the churn is of interest, in bytes.
const NEARLY_EMPTY: u64 = 1 << 20;
/// The writes of a churn whose moments matter, in bytes: at batch level only what they sum up to counts.
const LARGE_WRITE: u64 = 256 << 10;

/// The estate with another line, and nothing but its churn.
pub(crate) fn churn_only(scenario: &Scenario, bandwidth: u64, batch_every: Option<Duration>) -> Scenario {
    let mut variant = undisturbed(scenario, bandwidth, batch_every);
    for disk in variant.vms.iter_mut().flat_map(|vm| &mut vm.disks) {
        disk.used = disk.used.min(NEARLY_EMPTY);
    }
    variant
}

/// The estate with another line: nothing goes wrong, and nobody does anything.
pub(crate) fn undisturbed(scenario: &Scenario, bandwidth: u64, batch_every: Option<Duration>) -> Scenario {
    let mut variant = scenario.clone();
    variant.wan.bandwidth = bandwidth.max(1);
    variant.batch_every = batch_every;
    variant.t0 = Origin::InitialReplicationComplete;
    variant.timeline.clear();
    variant.expect.clear();
    variant.then_heal = None;
    variant.run_for = None;
    variant.always.clear();
    variant.operator.gives_up_after = FIRST_COPY_AT_MOST;
    if batch_every.is_some() {
        variant.vms.iter_mut().for_each(write_large);
    }
    variant
}

fn write_large(vm: &mut Vm) {
    let smallest = vm.disks.iter().map(|disk| disk.size).min().unwrap_or(0);
    if let Some(churn) = vm.churn.as_mut().filter(|churn| comes_write_by_write(churn))
        && smallest >= 64 * LARGE_WRITE
    {
        churn.block_max = churn.block_max.max(LARGE_WRITE);
        churn.block_min = churn.block_max;
    }
}

const fn comes_write_by_write(churn: &Churn) -> bool {
    churn.after.is_some() || matches!(churn.pattern, Pattern::Bursts { .. })
}
