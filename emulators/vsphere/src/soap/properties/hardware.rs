//! VirtualHardware: controllers of disks, disks with what is behind them, and the one network interface.
//!
//! What is modelled is told. What a real one says of every machine alike (its PCI controller, writing through, digests, sharing) is not: no
//! drill can change it, and of ten thousand machines it is a third of what a client has to decode.

use switchback_engine::content::SECTOR_BYTES;

use super::super::object::{NETWORK, Object};
use super::super::value::{Data, Value, int, long};
use super::super::world::World;
use super::disk_files;
use crate::settings::FileDisk;
use crate::virtual_machine::{RawMapping, VirtualDiskDevice, VirtualMachine};

/// Processors of a machine.
pub(crate) fn cpus(vm: &VirtualMachine) -> i32 {
    i32::try_from(vm.settings.cpus).unwrap_or(i32::MAX)
}

/// Of the controller that all others are on. Clients name it; nothing of it can be changed, so it is not told.
const PCI_KEY: i32 = 100;
const SCSI_KEY: i32 = 1_000;
const DISK_KEY: i32 = 2_000;
const NIC_KEY: i32 = 4_000;
/// Places for disks on one controller: 16, and the seventh is the controller's own.
const DISKS_PER_CONTROLLER: usize = 15;
const CONTROLLER_UNIT: usize = 7;

/// A disk that a machine has: whose it is, and its place there and here.
#[derive(Clone, Copy)]
pub(super) struct Attached<'a> {
    pub(super) owner: &'a VirtualMachine,
    /// Its place among those of its owner.
    pub(super) index: usize,
    /// Its place in the machine.
    pub(super) place: usize,
    disk: Disk<'a>,
}

#[derive(Clone, Copy)]
enum Disk<'a> {
    Known(&'a VirtualDiskDevice),
    File(&'a FileDisk),
}

/// The disks in a machine's configuration: its own, which it names while they are lent too, and those of others that
/// are attached to it and can be reached.
pub(super) fn disks<'a>(world: &World<'a>, vm: &'a VirtualMachine) -> Vec<Attached<'a>> {
    let known = |owner: &'a VirtualMachine| owner.disks.iter().enumerate();
    let of = |owner, place, index, disk| Attached { owner, index, place, disk };
    let mut disks: Vec<_> = known(vm).map(|(index, disk)| of(vm, index, index, Disk::Known(disk))).collect();
    let files = vm.settings.disks.iter();
    disks.extend(files.map(|disk| of(vm, disk.place, disk.place, Disk::File(disk))));
    // Only machines without a number of the engine's take disks of others: that saves a look at all for each.
    if vm.machine.is_none() {
        let others = world.vcenter.machines().filter(|other| other.moid != vm.moid);
        let lent = others.flat_map(|other| known(other).map(move |(index, disk)| (other, index, disk)));
        let lent = lent.filter(|(_, _, disk)| disk.attached_to == vm.moid && disk.available);
        let places = vm.free_place()..;
        disks.extend(
            places.zip(lent).map(|(place, (owner, index, disk))| of(owner, place, index, Disk::Known(disk))),
        );
    }
    disks
}

/// The hardware, with the disks at a level.
pub(super) fn hardware(world: &World<'_>, vm: &VirtualMachine, level: usize) -> Data {
    let disks = disks(world, vm);
    let places: Vec<usize> = disks.iter().map(|disk| disk.place).collect();
    let controllers = places.iter().map(|place| place / DISKS_PER_CONTROLLER + 1).max().unwrap_or(1);
    let mut devices: Vec<_> = (0..controllers).map(|bus| scsi(bus, &places)).collect();
    devices.extend(disks.iter().enumerate().map(|(number, attached)| {
        let own = attached.owner.moid == vm.moid;
        let level = if own { level } else { disk_files::live(attached.owner) };
        disk(world, number, *attached, level)
    }));
    devices.push(interface(world, vm));
    Data::new("VirtualHardware")
        .with("numCPU", cpus(vm))
        .with("numCoresPerSocket", 1)
        .with("memoryMB", int(usize::try_from(vm.memory_mib).unwrap_or(usize::MAX)))
        .with("device", Value::list("VirtualDevice", devices))
}

fn described(label: String, summary: &str) -> Data {
    Data::new("Description").with("label", label).with("summary", summary)
}

fn scsi(bus: usize, places: &[usize]) -> Data {
    let on_it = places.iter().filter(|place| **place / DISKS_PER_CONTROLLER == bus);
    let on_it = on_it.map(|place| disk_key(*place));
    Data::new("ParaVirtualSCSIController")
        .with("key", SCSI_KEY + small(bus))
        .with("deviceInfo", described(format!("SCSI controller {bus}"), "VMware paravirtual SCSI"))
        .with("controllerKey", PCI_KEY)
        .with("unitNumber", 3 + small(bus))
        .with("busNumber", small(bus))
        .with("device", Value::ints(on_it))
        .with("sharedBus", Value::Word("VirtualSCSISharing", "noSharing"))
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

fn disk(world: &World<'_>, number: usize, attached: Attached<'_>, level: usize) -> Data {
    let sectors = match attached.disk {
        Disk::Known(disk) => disk.sectors,
        Disk::File(disk) => disk.sectors,
    };
    let bytes = sectors * SECTOR_BYTES;
    let (slot, units) = (slot(attached.place), DISKS_PER_CONTROLLER + 1);
    let summary = format!("{} KB", bytes / 1_024);
    Data::new("VirtualDisk")
        .with("key", disk_key(attached.place))
        .with("deviceInfo", described(format!("Hard disk {}", number + 1), &summary))
        .with("backing", backing(world, attached, level))
        .with("controllerKey", SCSI_KEY + small(slot / units))
        .with("unitNumber", small(slot % units))
        .with("capacityInKB", long(bytes / 1_024))
        .with("capacityInBytes", long(bytes))
}

/// The key of the disk at a place of a machine.
pub(super) fn disk_key(place: usize) -> i32 {
    DISK_KEY + small(slot(place))
}

/// The place of the disk that has that key.
pub(crate) fn place_of_key(key: i32) -> Option<usize> {
    let slot = usize::try_from(key.checked_sub(DISK_KEY)?).ok()?;
    let (bus, unit) = (slot / (DISKS_PER_CONTROLLER + 1), slot % (DISKS_PER_CONTROLLER + 1));
    let unit = if unit > CONTROLLER_UNIT { unit - 1 } else { unit };
    let place = bus * DISKS_PER_CONTROLLER + unit;
    (disk_key(place) == key).then_some(place)
}

fn backing(world: &World<'_>, attached: Attached<'_>, level: usize) -> Data {
    let Attached { owner, index, disk, .. } = attached;
    let of = |level: usize, kind: &'static str| {
        let path = disk_files::disk_path(world, owner, index, level, "");
        let store = world.vcenter.datastore(path.store);
        Data::new(kind)
            .with("fileName", path.written(world.vcenter))
            .with_some("datastore", store.map(|store| world.reference(&Object::Datastore(store))))
            .with("uuid", disk_files::disk_uuid(owner, index))
            .with("contentId", content_id(owner, index, level))
            .with_some("changeId", change_id(world, owner, index, level))
    };
    let raw_mapping = match disk {
        Disk::Known(disk) => disk.raw,
        Disk::File(_) => None,
    };
    match raw_mapping {
        // No snapshot can be taken of a device that the machine talks to itself.
        Some(RawMapping::Physical) => raw(of(0, RAW), "physicalMode", "independent_persistent"),
        Some(RawMapping::Virtual) => {
            chain(owner, level, |level| raw(of(level, RAW), "virtualMode", "persistent"))
        }
        None => chain(owner, level, |level| {
            of(level, FLAT)
                .with("diskMode", "persistent")
                // Disks take their whole size when they are made.
                .with("thinProvisioned", false)
        }),
    }
}

/// From when on changes of a disk can be asked for: that of the snapshot which froze the level, or of the newest.
fn change_id(world: &World<'_>, owner: &VirtualMachine, index: usize, level: usize) -> Option<String> {
    let mut frozen = owner.snapshots.iter().enumerate();
    let froze = frozen
        .find(|(place, _)| level != disk_files::live(owner) && disk_files::frozen(owner, *place) == level);
    let snapshot = froze.map(|(_, snapshot)| snapshot.moid).or(owner.current)?;
    world.kept.change_id(owner.moid, index, snapshot).map(|id| id.to_string())
}

const FLAT: &str = "VirtualDiskFlatVer2BackingInfo";
const RAW: &str = "VirtualDiskRawDiskMappingVer1BackingInfo";

fn raw(data: Data, compatibility: &str, mode: &str) -> Data {
    data.with("lunUuid", "")
        .with("deviceName", "")
        .with("compatibilityMode", compatibility)
        .with("diskMode", mode)
}

/// What is behind a disk at a level: each level with the one below as its parent.
fn chain(owner: &VirtualMachine, level: usize, of: impl Fn(usize) -> Data) -> Data {
    let levels = disk_files::chain(owner, level).into_iter().rev();
    levels
        .fold(None, |parent: Option<Data>, level| Some(of(level).with_some("parent", parent)))
        .unwrap_or_else(|| of(0))
}

/// Changes with every file: what the one before held is frozen.
fn content_id(owner: &VirtualMachine, index: usize, snapshots: usize) -> String {
    format!("{:08x}{index:04x}{snapshots:04x}0000000000000000", owner.moid.0)
}

fn interface(world: &World<'_>, vm: &VirtualMachine) -> Data {
    let backing = Data::new("VirtualEthernetCardNetworkBackingInfo")
        .with("deviceName", NETWORK)
        .with("network", world.reference(&Object::Network));
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
