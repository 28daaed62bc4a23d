//! VirtualMachineConfigInfo and what names a machine.

use switchback_engine::recovery::Firmware;
use switchback_sim::SimTime;

use super::super::value::{Data, Value, int};
use super::super::world::World;
use super::hardware::{self, cpus};
use super::{disk_files, guest};
use crate::moid::VmMoid;
use crate::virtual_machine::VirtualMachine;

/// The version of the virtual hardware.
pub(crate) const HARDWARE_VERSION: &str = "vmx-21";

/// What identifiers that the guest sees begin with, and those that vCenter gives, which no other machine of it has.
const UUID: &str = "42000000-0000-0000-0000-";
const INSTANCE_UUID: &str = "50000000-0000-0000-0000-";

/// The identifier that the guest sees.
pub(crate) fn uuid(vm: &VirtualMachine) -> String {
    vm.settings.uuid.clone().unwrap_or_else(|| format!("{UUID}{:012x}", vm.moid.0))
}

pub(crate) fn instance_uuid(vm: &VirtualMachine) -> String {
    vm.settings.instance_uuid.clone().unwrap_or_else(|| format!("{INSTANCE_UUID}{:012x}", vm.moid.0))
}

/// Which machine has that identifier. Most are made from numbers and need no search; those that a machine brought with it
/// do.
pub(crate) fn machine_of_uuid(world: &World<'_>, wanted: &str, instance: bool) -> Option<VmMoid> {
    let own = if instance { instance_uuid } else { uuid };
    let is_own = |vm: &&VirtualMachine| own(vm).eq_ignore_ascii_case(wanted);
    if let Some(vm) = numbered(wanted, instance).and_then(|vm| world.vcenter.vm(vm)).filter(is_own) {
        return Some(vm.moid);
    }
    let brought = |vm: &&VirtualMachine| {
        let brought = if instance { &vm.settings.instance_uuid } else { &vm.settings.uuid };
        brought.as_ref().is_some_and(|brought| brought.eq_ignore_ascii_case(wanted))
    };
    world.vcenter.machines().find(brought).map(|vm| vm.moid)
}

/// The number that an identifier is made from.
fn numbered(uuid: &str, instance: bool) -> Option<VmMoid> {
    let uuid = uuid.to_ascii_lowercase();
    let number = uuid.strip_prefix(if instance { INSTANCE_UUID } else { UUID })?;
    let plain = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(number, 16).ok().filter(|_| plain).map(VmMoid)
}

/// The configuration, with the disks at a level.
pub(super) fn info(world: &World<'_>, vm: &VirtualMachine, snapshots: usize) -> Data {
    let (id, name) = guest::system_of(vm);
    let files = Data::new("VirtualMachineFileInfo")
        .with("vmPathName", disk_files::config(world, vm).written(world.vcenter))
        .with("snapshotDirectory", disk_files::directory(world, vm))
        .with("suspendDirectory", disk_files::directory(world, vm))
        .with("logDirectory", disk_files::directory(world, vm));
    let powered = Value::Text("soft".to_owned());
    let power = Data::new("VirtualMachineDefaultPowerOpInfo")
        .with_each(&["powerOffType", "resetType", "defaultPowerOffType", "defaultResetType"], &powered)
        .with_each(&["suspendType", "defaultSuspendType"], &Value::Text("hard".to_owned()))
        .with("standbyAction", "checkpoint");
    Data::new("VirtualMachineConfigInfo")
        .with("changeVersion", changes(vm, snapshots).to_string())
        .with("modified", SimTime::ZERO)
        .with("name", vm.name.as_str())
        .with("guestFullName", name)
        .with("version", HARDWARE_VERSION)
        .with("uuid", uuid(vm))
        .with("createDate", SimTime::ZERO)
        .with("instanceUuid", instance_uuid(vm))
        .with("template", vm.settings.is_template)
        .with("guestId", id)
        .with("alternateGuestName", "")
        .with("annotation", vm.settings.annotation.as_str())
        .with("files", files)
        .with("flags", Data::new("VirtualMachineFlagInfo").with("diskUuidEnabled", true))
        .with("defaultPowerOps", power)
        .with("hardware", hardware::hardware(world, vm, snapshots))
        .with("changeTrackingEnabled", vm.settings.change_tracking)
        .with("firmware", firmware(vm))
}

/// Grows with whatever a client may have to look at again.
fn changes(vm: &VirtualMachine, snapshots: usize) -> u64 {
    let sizes: u64 = vm.places().filter_map(|place| vm.sectors_at(place)).sum();
    let disks = vm.places().count() as u64;
    sizes.wrapping_add(snapshots as u64).wrapping_add(disks << 48).wrapping_add(vm.memory_mib << 32)
}

const fn firmware(vm: &VirtualMachine) -> &'static str {
    match vm.firmware {
        Firmware::Bios => "bios",
        Firmware::Uefi => "efi",
    }
}

pub(super) fn summary(world: &World<'_>, vm: &VirtualMachine) -> Data {
    let (id, name) = guest::system_of(vm);
    let memory = usize::try_from(vm.memory_mib).unwrap_or(usize::MAX);
    Data::new("VirtualMachineConfigSummary")
        .with("name", vm.name.as_str())
        .with("template", vm.settings.is_template)
        .with("vmPathName", disk_files::config(world, vm).written(world.vcenter))
        .with("memorySizeMB", int(memory))
        .with("numCpu", cpus(vm))
        .with("numEthernetCards", 1)
        .with("numVirtualDisks", int(hardware::disks(world, vm).len()))
        .with("uuid", uuid(vm))
        .with("instanceUuid", instance_uuid(vm))
        .with("guestId", id)
        .with("guestFullName", name)
        .with("annotation", vm.settings.annotation.as_str())
        .with("installBootRequired", false)
        .with("hwVersion", HARDWARE_VERSION)
}
