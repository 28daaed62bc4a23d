//! GuestInfo: what VMware Tools tell of a guest. They tell whether they run, its name and its system; addresses are
//! not emulated, so none is told.

use super::super::object::NETWORK;
use super::super::value::{Data, Value};
use super::hardware::{interface_key, mac_address};
use crate::virtual_machine::{GuestOs, VirtualMachine};

/// The identifier of the system and its name in words. vCenter is told the family, so a common member stands for it.
pub(super) const fn system(vm: &VirtualMachine) -> (&'static str, &'static str) {
    match vm.guest {
        GuestOs::Windows => ("windows2019srv_64Guest", "Microsoft Windows Server 2019 (64-bit)"),
        GuestOs::Linux => ("otherLinux64Guest", "Other Linux (64-bit)"),
    }
}

/// The same, where a client has said another.
pub(crate) fn system_of(vm: &VirtualMachine) -> (&str, &str) {
    let (id, name) = system(vm);
    vm.settings.guest_id.as_deref().map_or((id, name), |id| (id, id))
}

const fn family(vm: &VirtualMachine) -> &'static str {
    match vm.guest {
        GuestOs::Windows => "windowsGuest",
        GuestOs::Linux => "linuxGuest",
    }
}

/// What the guest calls itself, while somebody in it tells: the name of the machine.
pub(crate) fn host_name(vm: &VirtualMachine) -> Option<&str> {
    vm.tools_running().then_some(vm.name.as_str())
}

struct Tools {
    status: &'static str,
    version: &'static str,
    running: &'static str,
}

const fn tools(vm: &VirtualMachine) -> Tools {
    let running = if vm.tools_running() { "guestToolsRunning" } else { "guestToolsNotRunning" };
    let (status, version) = match (vm.tools, vm.tools_running()) {
        (false, _) => ("toolsNotInstalled", "guestToolsNotInstalled"),
        (true, false) => ("toolsNotRunning", "guestToolsCurrent"),
        (true, true) => ("toolsOk", "guestToolsCurrent"),
    };
    Tools { status, version, running }
}

fn told(data: Data, vm: &VirtualMachine) -> Data {
    let Tools { status, version, running } = tools(vm);
    let (id, name) = system(vm);
    // A guest that nobody speaks for has no system that is known.
    let known = vm.tools_running();
    data.with("toolsStatus", Value::Word("VirtualMachineToolsStatus", status))
        .with("toolsVersionStatus", version)
        .with("toolsVersionStatus2", version)
        .with("toolsRunningStatus", running)
        .with_some("guestId", known.then_some(id))
        .with_some("guestFullName", known.then_some(name))
        .with_some("hostName", host_name(vm))
}

pub(super) fn info(vm: &VirtualMachine) -> Data {
    let interface = Data::new("GuestNicInfo")
        .with("network", NETWORK)
        .with("macAddress", mac_address(vm))
        .with("connected", true)
        .with("deviceConfigId", interface_key());
    let state = if vm.tools_running() { "running" } else { "notRunning" };
    told(Data::new("GuestInfo"), vm)
        .with_some("guestFamily", vm.tools_running().then_some(family(vm)))
        .with_some("net", vm.tools_running().then(|| Value::list("GuestNicInfo", [interface])))
        .with("guestState", state)
        .with("appHeartbeatStatus", "appStatusGray")
        // Nothing can be run in a guest.
        .with("guestOperationsReady", false)
        .with("interactiveGuestOperationsReady", false)
        .with("guestStateChangeSupported", vm.tools_running())
}

pub(super) fn summary(vm: &VirtualMachine) -> Data {
    told(Data::new("VirtualMachineGuestSummary"), vm)
}

/// Whether the guest gives signs of life.
pub(super) const fn heartbeat(vm: &VirtualMachine) -> Value {
    Value::Word("ManagedEntityStatus", if vm.tools_running() { "green" } else { "gray" })
}
