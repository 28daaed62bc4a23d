//! VirtualMachineConfigInfo and what names a machine.

use switchback_engine::recovery::Firmware;
use switchback_sim::SimTime;

use super::super::value::{Data, Value, int};
use super::super::world::World;
use super::hardware::{self, CPUS};
use super::{disk_files, guest};
use crate::moid::VmMoid;
use crate::virtual_machine::VirtualMachine;

/// The version of the virtual hardware.
const HARDWARE_VERSION: &str = "vmx-21";

/// What identifiers that the guest sees begin with, and those that vCenter gives, which no other machine of it has.
const UUID: &str = "42000000-0000-0000-0000-";
const INSTANCE_UUID: &str = "50000000-0000-0000-0000-";

/// The identifier that the guest sees.
fn uuid(vm: &VirtualMachine) -> String {
    format!("{UUID}{:012x}", vm.moid.0)
}

fn instance_uuid(vm: &VirtualMachine) -> String {
    format!("{INSTANCE_UUID}{:012x}", vm.moid.0)
}

/// Which machine would have that identifier.
pub(crate) fn machine_of_uuid(uuid: &str, instance: bool) -> Option<VmMoid> {
    let uuid = uuid.to_ascii_lowercase();
    let number = uuid.strip_prefix(if instance { INSTANCE_UUID } else { UUID })?;
    let plain = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(number, 16).ok().filter(|_| plain).map(VmMoid)
}

/// The configuration, with the disks as they were behind so many snapshots.
pub(super) fn info(world: &World<'_>, vm: &VirtualMachine, snapshots: usize) -> Data {
    let (id, name) = guest::system(vm);
    let files = Data::new("VirtualMachineFileInfo")
        .with("vmPathName", disk_files::file(world, vm, "vmx"))
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
        .with("template", false)
        .with("guestId", id)
        .with("alternateGuestName", "")
        .with("annotation", "")
        .with("files", files)
        .with("flags", Data::new("VirtualMachineFlagInfo").with("diskUuidEnabled", true))
        .with("defaultPowerOps", power)
        .with("hardware", hardware::hardware(world, vm, snapshots))
        // Blocks that change are tracked by whoever replicates, not by the host.
        .with("changeTrackingEnabled", false)
        .with("firmware", firmware(vm))
}

/// Grows with whatever a client may have to look at again.
fn changes(vm: &VirtualMachine, snapshots: usize) -> u64 {
    let sizes: u64 = vm.disks.iter().map(|disk| disk.sectors).sum();
    sizes.wrapping_add(snapshots as u64)
}

const fn firmware(vm: &VirtualMachine) -> &'static str {
    match vm.firmware {
        Firmware::Bios => "bios",
        Firmware::Uefi => "efi",
    }
}

pub(super) fn summary(world: &World<'_>, vm: &VirtualMachine) -> Data {
    let (id, name) = guest::system(vm);
    let memory = usize::try_from(vm.memory_mib).unwrap_or(usize::MAX);
    Data::new("VirtualMachineConfigSummary")
        .with("name", vm.name.as_str())
        .with("template", false)
        .with("vmPathName", disk_files::file(world, vm, "vmx"))
        .with("memorySizeMB", int(memory))
        .with("numCpu", CPUS)
        .with("numEthernetCards", 1)
        .with("numVirtualDisks", int(hardware::disks(world, vm).len()))
        .with("uuid", uuid(vm))
        .with("instanceUuid", instance_uuid(vm))
        .with("guestId", id)
        .with("guestFullName", name)
        .with("annotation", "")
        .with("installBootRequired", false)
        .with("hwVersion", HARDWARE_VERSION)
}
