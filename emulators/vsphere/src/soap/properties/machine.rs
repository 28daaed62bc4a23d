//! VirtualMachine.

use super::super::object::{Known, Object};
use super::super::value::{Data, Value};
use super::super::world::World;
use super::{disk_files, entity, guest, layout, machine_config, snapshot};
use crate::virtual_machine::VirtualMachine;

pub(super) fn property(world: &World<'_>, vm: &VirtualMachine, name: &str) -> Known {
    match name {
        "name" => vm.name.as_str().into(),
        "capability" => capability().into(),
        "config" => machine_config::info(world, vm, disk_files::live(vm)).into(),
        "layout" => layout::old_layout(world, vm).into(),
        "layoutEx" => layout::layout(world, vm).into(),
        "storage" => layout::storage(vm).into(),
        "environmentBrowser" => world.reference(&Object::Environment(Box::new(Object::Machine(vm)))).into(),
        "resourcePool" => {
            let host = world.vcenter.host(vm.host);
            Known::some(host.map(|host| world.reference(&Object::Pool(world.compute_of(host)))))
        }
        "parentVApp" => Known::Unset,
        "runtime" => runtime(world, vm).into(),
        "guest" => guest::info(vm).into(),
        "summary" => summary(world, vm).into(),
        "datastore" => Value::refs(layout::datastores(world, vm)).into(),
        "network" => Value::refs([world.reference(&Object::Network)]).into(),
        "snapshot" => Known::some(snapshot::info(world, vm)),
        "rootSnapshot" => snapshot::roots(vm).into(),
        "guestHeartbeatStatus" => guest::heartbeat(vm).into(),
        _ => Known::NotEmulated,
    }
}

fn runtime(world: &World<'_>, vm: &VirtualMachine) -> Data {
    let host = world.vcenter.host(vm.host);
    let answers = host.is_some_and(|host| host.is_connected() && !world.vcenter.is_disconnected(host.moid));
    let reachable = world.vcenter.datastore(vm.datastore).is_some_and(|store| store.accessible);
    let connection = match (answers, reachable) {
        (false, _) => "disconnected",
        (true, false) => "inaccessible",
        (true, true) => "connected",
    };
    let power = if vm.is_on() { "poweredOn" } else { "poweredOff" };
    Data::new("VirtualMachineRuntimeInfo")
        .with_some("host", host.map(|host| world.reference(&Object::Host(host))))
        .with("connectionState", Value::Word("VirtualMachineConnectionState", connection))
        .with("powerState", Value::Word("VirtualMachinePowerState", power))
        .with("vmFailoverInProgress", false)
        .with("faultToleranceState", Value::Word("VirtualMachineFaultToleranceState", "notConfigured"))
        .with("toolsInstallerMounted", false)
        .with("numMksConnections", 0)
        .with("recordReplayState", Value::Word("VirtualMachineRecordReplayState", "inactive"))
        .with("onlineStandby", false)
        .with("consolidationNeeded", false)
}

fn summary(world: &World<'_>, vm: &VirtualMachine) -> Data {
    // Nothing here computes, so there is no load to tell of.
    let quick = Data::new("VirtualMachineQuickStats").with("guestHeartbeatStatus", guest::heartbeat(vm));
    Data::new("VirtualMachineSummary")
        .with("vm", world.reference(&Object::Machine(vm)))
        .with("runtime", runtime(world, vm))
        .with("guest", guest::summary(vm))
        .with("config", machine_config::summary(world, vm))
        .with("storage", layout::storage_summary(vm))
        .with("quickStats", quick)
        .with("overallStatus", entity::green())
}

/// What can be done with a machine here.
fn capability() -> Data {
    const CAN: [&str; 7] = [
        "revertToSnapshotSupported",
        "changeTrackingSupported",
        "snapshotConfigSupported",
        "snapshotOperationsSupported",
        "multipleSnapshotsSupported",
        "poweredOffSnapshotsSupported",
        "diskSharesSupported",
    ];
    const CANNOT: [&str; 30] = [
        "memorySnapshotsSupported",
        "quiescedSnapshotsSupported",
        "disableSnapshotsSupported",
        "lockSnapshotsSupported",
        "consolePreferencesSupported",
        "cpuFeatureMaskSupported",
        "s1AcpiManagementSupported",
        "settingScreenResolutionSupported",
        "toolsAutoUpdateSupported",
        "vmNpivWwnSupported",
        "npivWwnOnNonRdmVmSupported",
        "vmNpivWwnDisableSupported",
        "vmNpivWwnUpdateSupported",
        "swapPlacementSupported",
        "toolsSyncTimeSupported",
        "virtualMmuUsageSupported",
        "bootOptionsSupported",
        "bootRetryOptionsSupported",
        "settingVideoRamSizeSupported",
        "settingDisplayTopologySupported",
        "recordReplaySupported",
        "multipleCoresPerSocketSupported",
        "hostBasedReplicationSupported",
        "guestAutoLockSupported",
        "memoryReservationLockSupported",
        "featureRequirementSupported",
        "poweredOnMonitorTypeChangeSupported",
        "seSparseDiskSupported",
        "nestedHVSupported",
        "vPMCSupported",
    ];
    Data::new("VirtualMachineCapability").with_each(&CAN, &true.into()).with_each(&CANNOT, &false.into())
}
