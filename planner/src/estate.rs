//! What machines write, minute by minute.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::Repeat;
use switchback_scenarios::model::{Churn, DiskIndex, Pattern, Trace, Vm};
use switchback_scenarios::traces::IoKind;

const MINUTE: u64 = 60_000_000_000;
/// No series is longer than a month, and none is empty.
const MINUTES_MAX: usize = 31 * 24 * 60;

/// Bytes written in each minute.
pub type Minutes = Vec<u64>;

/// How many minutes a time has: 1 to a month of them.
#[must_use]
pub fn minutes_of(span: Duration) -> usize {
    usize::try_from(span.as_secs() / 60).unwrap_or(MINUTES_MAX).clamp(1, MINUTES_MAX)
}

/// What all machines write in each of so many minutes.
#[must_use]
pub fn total(scenario: &Scenario, minutes: usize) -> Minutes {
    let mut sum = vec![0; minutes];
    scenario.vms.iter().for_each(|vm| add_vm(&mut sum, vm, None));
    sum
}

/// What one machine writes, over all its disks.
#[must_use]
pub fn of_vm(vm: &Vm, minutes: usize) -> Minutes {
    let mut sum = vec![0; minutes];
    add_vm(&mut sum, vm, None);
    sum
}

/// What one machine writes to one of its disks.
#[must_use]
pub fn of_disk(vm: &Vm, disk: DiskIndex, minutes: usize) -> Minutes {
    let mut sum = vec![0; minutes];
    add_vm(&mut sum, vm, Some(disk));
    sum
}

/// The average size of a write to a disk in bytes; `None` where nothing is written.
#[must_use]
pub fn write_size(vm: &Vm, disk: DiskIndex) -> Option<u64> {
    let traced = vm.traces.iter().find(|trace| trace.disk == disk).map(|trace| &trace.recorded.summary);
    if let Some(summary) = traced.filter(|summary| summary.writes > 0) {
        return Some(summary.bytes_written / summary.writes);
    }
    let churn = vm.churn.as_ref().filter(|churn| churn.disk.is_none_or(|only| only == disk))?;
    Some(churn.block_min.midpoint(churn.block_max))
}

/// The longest cycle of any load: how long one must look to see all of it. Zero where loads are constant.
#[must_use]
pub fn longest_cycle(scenario: &Scenario) -> Duration {
    let bursts = scenario.vms.iter().filter_map(|vm| match vm.churn.as_ref()?.pattern {
        Pattern::Bursts { every, .. } => Some(every),
        _ => None,
    });
    let traces = scenario.vms.iter().flat_map(|vm| &vm.traces);
    let traces = traces.map(|trace| trace.starts_at + trace.recorded.summary.duration);
    bursts.chain(traces).max().unwrap_or_default()
}

fn add_vm(sum: &mut [u64], vm: &Vm, disk: Option<DiskIndex>) {
    if let Some(churn) = &vm.churn {
        let share = share_of(churn, disk, vm.disks.len() as u64);
        for (minute, sum) in sum.iter_mut().enumerate() {
            *sum += in_minute(churn, minute as u64) / share.max(1) * u64::from(share > 0);
        }
    }
    let on_it = |trace: &&Trace| disk.is_none_or(|disk| trace.disk == disk);
    vm.traces.iter().filter(on_it).for_each(|trace| add_trace(sum, trace));
}

/// What a churn is divided by for a disk; 0 where it does not go there.
fn share_of(churn: &Churn, disk: Option<DiskIndex>, disks: u64) -> u64 {
    match (disk, churn.disk) {
        (None, _) => 1,
        (Some(_), None) => disks,
        (Some(disk), Some(only)) => u64::from(disk == only),
    }
}

fn in_minute(churn: &Churn, minute: u64) -> u64 {
    let Pattern::Bursts { every, lasts, rate } = churn.pattern else { return churn.rate * 60 };
    let (every, lasts) = (nanos(every).max(1), nanos(lasts));
    let until = |at: u64| at / every * lasts + (at % every).min(lasts);
    let burst = until((minute + 1) * MINUTE) - until(minute * MINUTE);
    written(rate, burst) + written(churn.rate, MINUTE - burst)
}

fn written(rate: u64, nanos: u64) -> u64 {
    u64::try_from(u128::from(rate) * u128::from(nanos) / 1_000_000_000).unwrap_or(u64::MAX)
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn add_trace(sum: &mut [u64], trace: &Trace) {
    let period = trace.recorded.period();
    let rounds = match (trace.repeat, period.is_zero()) {
        (Repeat::Loop, false) => u32::MAX,
        _ => 1,
    };
    for round in 0..rounds {
        let begins = trace.starts_at + period * round;
        if minute_of(begins) >= sum.len() {
            return;
        }
        for io in trace.recorded.requests.iter().filter(|io| io.kind == IoKind::Write) {
            if let Some(sum) = sum.get_mut(minute_of(begins + io.at)) {
                *sum += io.bytes();
            }
        }
    }
}

fn minute_of(at: Duration) -> usize {
    usize::try_from(at.as_secs() / 60).unwrap_or(usize::MAX)
}
