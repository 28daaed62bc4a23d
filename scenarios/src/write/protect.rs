//! What is protected, written back: groups, machines, disks and loads.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::model::words::{FirmwareWord, MachineKind, OsKind, Repeat};
use crate::model::{Churn, DatastoreIndex, Disk, Pattern, Scenario, Trace, Vm};
use crate::units::{show_bytes, show_time};
use crate::write::yaml::{Flow, plain};

pub(super) fn protect(scenario: &Scenario, folder: &Path) -> String {
    let mut out = "protect:\n".to_owned();
    for group in &scenario.groups {
        out.push_str(&format!("  - consistency-group: {}\n    vms:\n", plain(&group.name)));
        for vm in &group.vms {
            out.push_str(&machine(scenario, scenario.vm(*vm), folder));
        }
    }
    out
}

fn machine(scenario: &Scenario, vm: &Vm, folder: &Path) -> String {
    let mut out = format!("      - name: {}\n", plain(&vm.name));
    let mut line = |key: &str, value: String| {
        // A list starts on a line of its own.
        let gap = if value.starts_with('\n') { "" } else { " " };
        out.push_str(&format!("        {key}:{gap}{value}\n"));
    };
    if vm.kind != MachineKind::Vmware {
        line("kind", vm.kind.to_string());
    }
    if vm.os != OsKind::Windows {
        line("os", vm.os.to_string());
    }
    if vm.firmware != FirmwareWord::Bios {
        line("firmware", vm.firmware.to_string());
    }
    if vm.remote_access {
        line("remote-access", vm.remote_access.to_string());
    }
    if !vm.boot.dhcp {
        line("dhcp", "false".to_owned());
    }
    if !vm.boot.missing_drivers.is_empty() {
        let missing: Vec<String> = vm.boot.missing_drivers.iter().map(ToString::to_string).collect();
        line("missing-drivers", format!("[{}]", missing.join(", ")));
    }
    if vm.boot.locked {
        line("boot-locked", "true".to_owned());
    }
    if vm.classic_model {
        line("classic-model", "true".to_owned());
    }
    if !vm.guest.is_empty() {
        let guest: Vec<String> = vm.guest.iter().map(ToString::to_string).collect();
        line("guest", format!("[{}]", guest.join(", ")));
    }
    if vm.memory != Vm::MEMORY {
        line("memory", show_bytes(vm.memory));
    }
    if vm.capture_pool != Vm::capture_pool_of(vm.memory) {
        line("capture-pool", show_bytes(vm.capture_pool));
    }
    if let Some(memory) = vm.tracking_memory {
        line("tracking-memory", show_bytes(memory));
    }
    if vm.datastore != DatastoreIndex(0) {
        line("datastore", plain(&scenario.site.datastores[vm.datastore.0].name));
    }
    match &vm.disks[..] {
        [one] => line("disks", format!("[{}]", disk(one))),
        several => line("disks", items(several.iter().map(disk))),
    }
    if let Some(churn) = &vm.churn {
        line("churn", self::churn(scenario, vm, churn).to_string());
    }
    match &vm.traces[..] {
        [] => {}
        [one] => line("trace", trace(vm, one, folder).to_string()),
        several => line("trace", items(several.iter().map(|one| trace(vm, one, folder)))),
    }
    out
}

/// A list, one item a line.
fn items(items: impl Iterator<Item = Flow>) -> String {
    items.map(|item| format!("\n          - {item}")).collect()
}

fn disk(disk: &Disk) -> Flow {
    let flow = Flow::new().with("name", plain(&disk.name)).with("size", show_bytes(disk.size)).with_if(
        disk.used != 0,
        "used",
        || show_bytes(disk.used),
    );
    match disk.rdm {
        Some(mapping) => flow.with("rdm", mapping),
        None => flow,
    }
}

fn churn(scenario: &Scenario, vm: &Vm, churn: &Churn) -> Flow {
    let (min, max) = (churn.block_min, churn.block_max);
    let mut flow = Flow::new().with("rate", format!("{}/s", show_bytes(churn.rate)));
    if let Some(pattern) = pattern(&churn.pattern) {
        flow = flow.with("pattern", pattern);
    }
    if min != max {
        flow = flow.with("block", format!("{}..{}", show_bytes(min), show_bytes(max)));
    } else if min != Churn::BLOCK {
        flow = flow.with("block", show_bytes(min));
    }
    if let Some(disk) = churn.disk {
        flow = flow.with("disk", plain(&vm.disks[disk.0].name));
    }
    match churn.after {
        Some(after) => flow.with("after", plain(&scenario.vm(after).name)),
        None => flow,
    }
}

fn pattern(pattern: &Pattern) -> Option<String> {
    Some(match pattern {
        Pattern::Uniform => return None,
        Pattern::Sequential => "sequential".to_owned(),
        Pattern::Zipf(exponent) => Flow::new().with("zipf", exponent).to_string(),
        Pattern::Bursts { every, lasts, rate } => {
            let bursts = Flow::new()
                .with("every", show_time(*every))
                .with("for", show_time(*lasts))
                .with("rate", format!("{}/s", show_bytes(*rate)));
            Flow::new().with("bursts", bursts).to_string()
        }
    })
}

/// The format is said, because the reader may have been told one that the content does not show.
fn trace(vm: &Vm, trace: &Trace, folder: &Path) -> Flow {
    let file = relative_to(folder, &trace.file);
    Flow::new()
        .with("file", plain(&file.to_string_lossy()))
        .with("format", trace.recorded.summary.format)
        .with("disk", plain(&vm.disks[trace.disk.0].name))
        .with_if(trace.starts_at != Duration::ZERO, "starts-at", || show_time(trace.starts_at))
        .with_if(trace.repeat != Repeat::Once, "repeat", || trace.repeat)
}

/// The way from a folder to a file; the file as it is where no such way can be told from the two names alone.
fn relative_to(folder: &Path, file: &Path) -> PathBuf {
    let plain_names =
        |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_) | Component::RootDir));
    if folder.is_absolute() != file.is_absolute() || !plain_names(folder) {
        return file.to_path_buf();
    }
    let shared = folder.components().zip(file.components()).take_while(|(left, right)| left == right).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(file.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_found_from_the_folder_of_the_file() {
        let way = |folder, file| relative_to(Path::new(folder), Path::new(file));
        assert_eq!(way("", "traces/a"), Path::new("traces/a"));
        assert_eq!(way("scenarios", "scenarios/traces/a"), Path::new("traces/a"));
        assert_eq!(way("bugs/one", "scenarios/traces/a"), Path::new("../../scenarios/traces/a"));
        assert_eq!(way("/srv/bugs", "/srv/traces/a"), Path::new("../traces/a"));
    }

    #[test]
    fn a_trace_that_is_not_found_from_there_keeps_its_path() {
        let way = |folder, file| relative_to(Path::new(folder), Path::new(file));
        assert_eq!(way("/srv/bugs", "traces/a"), Path::new("traces/a"));
        assert_eq!(way("../bugs", "traces/a"), Path::new("traces/a"));
        assert_eq!(way("bugs", "/srv/traces/a"), Path::new("/srv/traces/a"));
    }
}
