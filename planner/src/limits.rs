//! Which machine breaks which limit, all reasons at once, each with where it is published (site-recovery 4.1 and 4.2).

use serde::Serialize;
use switchback_scenarios::model::words::FirmwareWord;
use switchback_scenarios::model::{DiskIndex, Vm};

use crate::estate;
use crate::tiers::{churn_of_large, place};

const GB: u64 = 1 << 30;
const MB: u64 = 1_000_000;
const MATRIX: &str = "support matrix for VMware and physical servers";
const CHURN: &str = "churn limits of the support matrix";
const PLANNER: &str = "thresholds of the deployment planner";

/// A limit that a machine breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The machine's name.
    pub machine: String,
    /// What is more than allowed, with both figures.
    pub what: String,
    /// Where the limit is published.
    pub source: &'static str,
}

/// Everything that keeps a machine from being protected, or that it writes too much for; its churn is looked at for so many minutes.
#[must_use]
pub fn broken(vm: &Vm, minutes: usize) -> Vec<Broken> {
    let found = [of_its_shape(vm), of_its_churn(vm, minutes)].concat();
    found.into_iter().map(|(what, source)| Broken { machine: vm.name.clone(), what, source }).collect()
}

type Found = Vec<(String, &'static str)>;

fn of_its_shape(vm: &Vm) -> Found {
    let mut found = Found::new();
    let mut find = |is: bool, what: String| found.extend(is.then_some((what, MATRIX)));
    let system_max = if vm.firmware == FirmwareWord::Uefi { 4095 } else { 2048 };
    let system = vm.disks.first().map_or(0, |disk| disk.size);
    find(system > system_max * GB, format!("its system disk has {} GiB, at most {system_max}", system / GB));
    let data = vm.disks.len().saturating_sub(1);
    find(data > 64, format!("it has {data} data disks, at most 64"));
    find(vm.memory < GB, format!("it has {} MiB of memory, at least 1024", vm.memory >> 20));
    find(!is_name(&vm.name), "its name is not 1 to 63 letters, digits and hyphens".to_owned());
    for disk in vm.disks.iter().skip(1) {
        find(
            disk.size > 32_767 * GB,
            format!("disk {} has {} GiB, at most 32767", disk.name, disk.size / GB),
        );
        find(disk.size < GB, format!("disk {} has {} MiB, at least 1024", disk.name, disk.size >> 20));
    }
    found
}

fn is_name(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=63).contains(&name.len())
        && name.chars().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn of_its_churn(vm: &Vm, minutes: usize) -> Found {
    let mut found = Found::new();
    let churn = estate::of_vm(vm, minutes);
    let peak = churn.iter().max().copied().unwrap_or(0) / 60;
    if peak > 54 * MB {
        found.push((format!("it writes {} MB/s at its peak, at most 54", peak / MB), CHURN));
    }
    let a_day = average(&churn).saturating_mul(86_400);
    if a_day > 2_000_000 * MB {
        found.push((
            format!("it writes {} GB a day, and a process server takes 2000", a_day / 1000 / MB),
            CHURN,
        ));
    }
    (0..vm.disks.len()).for_each(|disk| found.extend(of_disk(vm, DiskIndex(disk), minutes)));
    found
}

fn of_disk(vm: &Vm, disk: DiskIndex, minutes: usize) -> Found {
    let Some(size) = estate::write_size(vm, disk) else { return Found::new() };
    let churn = average(&estate::of_disk(vm, disk, minutes));
    let name = &vm.disks[disk.0].name;
    let mut found = Found::new();
    let most = churn_of_large(size);
    if churn > most {
        let what = format!(
            "disk {name} gets {:.1} MB/s in writes of {} KiB, and no disk takes more than {}",
            churn as f64 / MB as f64,
            size >> 10,
            most / MB
        );
        found.push((what, CHURN));
    }
    let writes = churn / size.max(1);
    if writes > 840 {
        found.push((format!("disk {name} gets {writes} writes a second, at most 840"), PLANNER));
    }
    if place(vm.disks[disk.0].size, churn, size).is_none() {
        found.push((format!("disk {name} is larger than any disk in Azure"), MATRIX));
    }
    found
}

/// Bytes a second on average.
pub(crate) fn average(minutes: &[u64]) -> u64 {
    minutes.iter().sum::<u64>() / 60 / (minutes.len() as u64).max(1)
}
