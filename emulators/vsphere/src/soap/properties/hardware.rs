//! VirtualHardware: controllers, disks with what is behind them, and the one network interface.

use switchback_engine::content::SECTOR_BYTES;

use super::super::object::{NETWORK, Object};
use super::super::value::{Data, Value, int, long};
use super::super::world::World;
use super::disk_files;
use crate::virtual_machine::{RawMapping, VirtualDiskDevice, VirtualMachine};

/// Processors of a machine. Nothing here computes, so all machines have as many.
pub(super) const CPUS: i32 = 2;

const PCI_KEY: i32 = 100;
const SCSI_KEY: i32 = 1_000;
const DISK_KEY: i32 = 2_000;
const NIC_KEY: i32 = 4_000;
/// Places for disks on one controller: 16, and the seventh is the controller's own.
const DISKS_PER_CONTROLLER: usize = 15;
const CONTROLLER_UNIT: usize = 7;

/// A disk that a machine has: whose it is, and its place there.
#[derive(Clone, Copy)]
pub(super) struct Attached<'a> {
    pub(super) owner: &'a VirtualMachine,
    pub(super) index: usize,
    pub(super) disk: &'a VirtualDiskDevice,
}

/// The disks in a machine's configuration: its own, which it names while they are lent too, and those of others that
/// are attached to it and can be reached.
pub(super) fn disks<'a>(world: &World<'a>, vm: &'a VirtualMachine) -> Vec<Attached<'a>> {
    let attached = |owner: &'a VirtualMachine| {
        let disks = owner.disks.iter().enumerate();
        disks.map(move |(index, disk)| Attached { owner, index, disk })
    };
    let mut disks: Vec<_> = attached(vm).collect();
    // Only machines without a number of the engine's take disks of others: that saves a look at all for each.
    if vm.machine.is_none() {
        let others = world.vcenter.machines().filter(|other| other.moid != vm.moid);
        let lent = others.flat_map(attached).filter(|found| found.disk.attached_to == vm.moid);
        disks.extend(lent.filter(|found| found.disk.available));
    }
    disks
}

/// The hardware, with the disks as they were behind so many snapshots.
pub(super) fn hardware(world: &World<'_>, vm: &VirtualMachine, snapshots: usize) -> Data {
    let disks = disks(world, vm);
    let controllers = disks.len().div_ceil(DISKS_PER_CONTROLLER).max(1);
    let mut devices = vec![pci(controllers)];
    devices.extend((0..controllers).map(|bus| scsi(bus, disks.len())));
    devices.extend((0..).zip(&disks).map(|(place, attached)| {
        let behind = if attached.owner.moid == vm.moid { snapshots } else { attached.owner.snapshots.len() };
        disk(world, place, *attached, behind)
    }));
    devices.push(interface(world, vm));
    Data::new("VirtualHardware")
        .with("numCPU", CPUS)
        .with("numCoresPerSocket", 1)
        .with("memoryMB", int(usize::try_from(vm.memory_mib).unwrap_or(usize::MAX)))
        .with("device", Value::list("VirtualDevice", devices))
}

fn described(label: String, summary: &str) -> Data {
    Data::new("Description").with("label", label).with("summary", summary)
}

fn pci(controllers: usize) -> Data {
    let on_it = (0..controllers).map(|bus| SCSI_KEY + small(bus)).chain([NIC_KEY]);
    Data::new("VirtualPCIController")
        .with("key", PCI_KEY)
        .with("deviceInfo", described("PCI controller 0".to_owned(), "PCI controller 0"))
        .with("busNumber", 0)
        .with("device", Value::ints(on_it))
}

fn scsi(bus: usize, disks: usize) -> Data {
    let first = bus * DISKS_PER_CONTROLLER;
    let on_it = (first..disks.min(first + DISKS_PER_CONTROLLER)).map(|place| DISK_KEY + small(slot(place)));
    Data::new("ParaVirtualSCSIController")
        .with("key", SCSI_KEY + small(bus))
        .with("deviceInfo", described(format!("SCSI controller {bus}"), "VMware paravirtual SCSI"))
        .with("controllerKey", PCI_KEY)
        .with("unitNumber", 3 + small(bus))
        .with("busNumber", small(bus))
        .with("device", Value::ints(on_it))
        .with("hotAddRemove", true)
        .with("sharedBus", Value::Word("VirtualSCSISharing", "noSharing"))
        .with("scsiCtlrUnitNumber", small(CONTROLLER_UNIT))
}

/// The place among all units of all controllers.
const fn slot(place: usize) -> usize {
    let (bus, unit) = (place / DISKS_PER_CONTROLLER, place % DISKS_PER_CONTROLLER);
    bus * (DISKS_PER_CONTROLLER + 1) + if unit < CONTROLLER_UNIT { unit } else { unit + 1 }
}

/// Keys and places are small; a machine has at most some hundred devices.
fn small(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn disk(world: &World<'_>, place: usize, attached: Attached<'_>, snapshots: usize) -> Data {
    let bytes = attached.disk.sectors * SECTOR_BYTES;
    let (slot, units) = (slot(place), DISKS_PER_CONTROLLER + 1);
    let summary = format!("{} KB", bytes / 1_024);
    Data::new("VirtualDisk")
        .with("key", disk_key(place))
        .with("deviceInfo", described(format!("Hard disk {}", place + 1), &summary))
        .with("backing", backing(world, attached, snapshots))
        .with("controllerKey", SCSI_KEY + small(slot / units))
        .with("unitNumber", small(slot % units))
        .with("capacityInKB", long(bytes / 1_024))
        .with("capacityInBytes", long(bytes))
        .with("diskObjectId", format!("{}-{}", attached.owner.moid.0, DISK_KEY + small(attached.index)))
}

/// The key of the disk at a place of a machine.
pub(super) fn disk_key(place: usize) -> i32 {
    DISK_KEY + small(slot(place))
}

fn backing(world: &World<'_>, attached: Attached<'_>, snapshots: usize) -> Data {
    let Attached { owner, index, disk } = attached;
    let store = world.vcenter.datastore(disk.datastore);
    let of = |snapshots: usize, kind: &'static str| {
        Data::new(kind)
            .with("fileName", disk_files::disk(world, owner, index, snapshots, ""))
            .with_some("datastore", store.map(|store| world.reference(&Object::Datastore(store))))
            .with("backingObjectId", "")
            .with("uuid", disk_uuid(owner, index))
            .with("contentId", content_id(owner, index, snapshots))
    };
    match disk.raw {
        // No snapshot can be taken of a device that the machine talks to itself.
        Some(RawMapping::Physical) => raw(of(0, RAW), "physicalMode", "independent_persistent"),
        Some(RawMapping::Virtual) => {
            chain(snapshots, |level| raw(of(level, RAW), "virtualMode", "persistent"))
        }
        None => chain(snapshots, |level| {
            of(level, FLAT)
                .with("diskMode", "persistent")
                .with("split", false)
                .with("writeThrough", false)
                // Disks take their whole size when they are made.
                .with("thinProvisioned", false)
                .with("eagerlyScrub", false)
                .with("digestEnabled", false)
                .with("sharing", "sharingNone")
        }),
    }
}

const FLAT: &str = "VirtualDiskFlatVer2BackingInfo";
const RAW: &str = "VirtualDiskRawDiskMappingVer1BackingInfo";

fn raw(data: Data, compatibility: &str, mode: &str) -> Data {
    data.with("lunUuid", "")
        .with("deviceName", "")
        .with("compatibilityMode", compatibility)
        .with("diskMode", mode)
}

/// What is behind a disk with so many snapshots: each level with the one below as its parent.
fn chain(snapshots: usize, of: impl Fn(usize) -> Data) -> Data {
    (0..=snapshots)
        .fold(None, |parent: Option<Data>, level| Some(of(level).with_some("parent", parent)))
        .unwrap_or_else(|| of(0))
}

/// The identifier that a disk keeps wherever it lies.
fn disk_uuid(owner: &VirtualMachine, index: usize) -> String {
    format!("6000C290-0000-0000-0000-{:08x}{index:04x}", owner.moid.0)
}

/// Changes with every file: what the one before held is frozen.
fn content_id(owner: &VirtualMachine, index: usize, snapshots: usize) -> String {
    format!("{:08x}{index:04x}{snapshots:04x}0000000000000000", owner.moid.0)
}

fn interface(world: &World<'_>, vm: &VirtualMachine) -> Data {
    let backing = Data::new("VirtualEthernetCardNetworkBackingInfo")
        .with("deviceName", NETWORK)
        .with("useAutoDetect", false)
        .with("network", world.reference(&Object::Network))
        .with("inPassthroughMode", false);
    let connectable = Data::new("VirtualDeviceConnectInfo")
        .with("startConnected", true)
        .with("allowGuestControl", true)
        .with("connected", vm.is_on())
        .with("status", if vm.is_on() { "ok" } else { "untried" });
    Data::new("VirtualVmxnet3")
        .with("key", NIC_KEY)
        .with("deviceInfo", described("Network adapter 1".to_owned(), NETWORK))
        .with("backing", backing)
        .with("connectable", connectable)
        .with("controllerKey", PCI_KEY)
        .with("unitNumber", 7)
        .with("addressType", "assigned")
        .with("macAddress", mac_address(vm))
        .with("wakeOnLanEnabled", true)
}

/// In the range that vCenter assigns from.
pub(super) fn mac_address(vm: &VirtualMachine) -> String {
    let [_, high, middle, low] = vm.moid.0.to_be_bytes();
    format!("00:50:56:{:02x}:{middle:02x}:{low:02x}", 0x80 | (high & 0x3f))
}

/// The key of the network interface.
pub(super) const fn interface_key() -> i32 {
    NIC_KEY
}
