//! What disks lie on at home: kinds of datastores, and mappings to raw devices. Mostly VMFS and nothing mapped, for what
//! is anything else has fewer ways home.

use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{MachineKind, RawMapping, StackWord, StorageKind};
use switchback_sim::Chance;

use super::draw::{one_in, pick};

/// One site in so many has datastores of several kinds.
const MIXED_ONE_IN: u64 = 5;
/// One machine in so many has a disk that is mapped to a raw device.
const RAW_ONE_IN: u64 = 16;

/// On mixed sites every datastore is of any kind; the one of the master target is VMFS two times in three.
pub(super) fn kinds(chance: &mut Chance, scenario: &mut Scenario) {
    if !one_in(chance, MIXED_ONE_IN) {
        return;
    }
    let master_target = scenario.master_target.datastore.0;
    for (number, store) in scenario.site.datastores.iter_mut().enumerate() {
        let is_vmfs = number == master_target && !one_in(chance, 3);
        store.kind = if is_vmfs { StorageKind::Vmfs } else { pick(chance, StorageKind::ALL) };
    }
}

/// Of a disk in physical compatibility no snapshot can be taken, and a planned failover needs one: the modernised stack
/// has none of them.
pub(super) fn map_raw(chance: &mut Chance, scenario: &mut Scenario) {
    let is_classic = scenario.site.stack == StackWord::Classic;
    for vm in scenario.vms.iter_mut().filter(|vm| vm.kind == MachineKind::Vmware) {
        if !one_in(chance, RAW_ONE_IN) {
            continue;
        }
        let mapping =
            if is_classic && one_in(chance, 2) { RawMapping::Physical } else { RawMapping::Virtual };
        if let Some(disk) = vm.disks.last_mut() {
            disk.rdm = Some(mapping);
        }
    }
}
