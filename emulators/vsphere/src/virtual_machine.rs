//! VirtualMachine: where it runs, its disks, its power.

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::recovery::{Firmware, MachineProfile};
use switchback_engine::{DiskId, MachineId};

use crate::faults::Fault;
use crate::moid::{DatastoreMoid, HostMoid, SnapshotMoid, VmMoid};
use crate::settings::Settings;
use crate::snapshot::Snapshot;

/// The family of a guest's operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuestOs {
    /// Windows.
    Windows,
    /// Linux.
    Linux,
}

/// Whether a machine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PowerState {
    /// It runs.
    PoweredOn,
    /// It does not.
    PoweredOff,
}

/// What an operator says of a machine to add. It is powered off at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineSpec {
    /// The engine's number of it.
    pub machine: MachineId,
    /// Its name, unique among the machines.
    pub name: String,
    /// The host it is to run on.
    pub host: HostMoid,
    /// The datastore of its disks.
    pub datastore: DatastoreMoid,
    /// The sizes of its disks, in sectors.
    pub disk_sectors: Vec<u64>,
    /// Memory it takes when it runs, in MiB.
    pub memory_mib: u64,
    /// Its operating system.
    pub guest: GuestOs,
    /// How it starts.
    pub firmware: Firmware,
    /// Whether VMware Tools run in it, without which nobody can ask it to shut down.
    pub tools: bool,
}

impl MachineSpec {
    /// What the machine is like, for whoever is to take it over.
    #[must_use]
    pub fn profile(&self) -> MachineProfile {
        profile(&self.name, self.guest, self.firmware, self.disk_sectors.clone())
    }
}

/// 64 bits and one network interface, as all machines here.
fn profile(name: &str, guest: GuestOs, firmware: Firmware, disk_sectors: Vec<u64>) -> MachineProfile {
    let windows = guest == GuestOs::Windows;
    MachineProfile { windows, firmware, ..MachineProfile::plain(name, disk_sectors) }
}

/// How a disk is mapped to a raw device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RawMapping {
    /// In virtual compatibility: snapshots can be taken of it, as of any disk.
    Virtual,
    /// In physical compatibility: the machine talks to the device itself, and no snapshot can be taken.
    Physical,
}

/// A disk of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualDiskDevice {
    /// Which disk; none for a disk of a machine the engine does not know, such as a master target.
    pub disk: Option<DiskId>,
    /// Its size, in sectors.
    pub sectors: u64,
    /// Where it lies.
    pub datastore: DatastoreMoid,
    /// The machine it is attached to: its own, or a master target.
    pub attached_to: VmMoid,
    /// Whether it can be reached through the machine it is attached to. Lost when a master target is moved.
    pub available: bool,
    /// How it is mapped to a raw device, if it is: then only the mapping lies on the datastore.
    pub raw: Option<RawMapping>,
}

impl VirtualDiskDevice {
    /// What it takes of its datastore, in bytes. The mapping of a raw device is next to nothing.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        if self.raw.is_some() { 0 } else { self.sectors * SECTOR_BYTES }
    }
}

/// A virtual machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualMachine {
    /// Its id.
    pub moid: VmMoid,
    /// The engine's number of it; none for a master target.
    pub machine: Option<MachineId>,
    /// Its name.
    pub name: String,
    /// The host it runs on, or would.
    pub host: HostMoid,
    /// The datastore of its configuration and new disks.
    pub datastore: DatastoreMoid,
    /// Whether it runs.
    pub power: PowerState,
    /// Its disks, by place.
    pub disks: Vec<VirtualDiskDevice>,
    /// Its snapshots, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// The one that its disks stand on.
    pub current: Option<SnapshotMoid>,
    /// Memory it takes when it runs, in MiB.
    pub memory_mib: u64,
    /// Its operating system.
    pub guest: GuestOs,
    /// How it starts.
    pub firmware: Firmware,
    /// Whether VMware Tools are installed.
    pub tools: bool,
    /// What clients have said of it.
    pub settings: Settings,
}

impl VirtualMachine {
    /// Whether it runs.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self.power, PowerState::PoweredOn)
    }

    /// Whether VMware Tools run.
    #[must_use]
    pub const fn tools_running(&self) -> bool {
        self.tools && self.is_on()
    }

    /// What it is like, for whoever is to take it over.
    #[must_use]
    pub fn profile(&self) -> MachineProfile {
        let disk_sectors = self.disks.iter().map(|disk| disk.sectors).collect();
        profile(&self.name, self.guest, self.firmware, disk_sectors)
    }

    /// What its disks take of their datastores together, in bytes.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.disks.iter().map(VirtualDiskDevice::bytes).sum()
    }

    /// Whether one of its disks is mapped to a raw device.
    #[must_use]
    pub fn has_raw_disks(&self) -> bool {
        self.disks.iter().any(|disk| disk.raw.is_some())
    }

    /// Whether a snapshot can be taken of all its disks.
    pub(crate) fn check_raw(&self) -> Result<(), Fault> {
        let is_opaque = self.disks.iter().any(|disk| disk.raw == Some(RawMapping::Physical));
        if is_opaque { Err(Fault::SnapshotIncompatibleDeviceInVm(self.name.clone())) } else { Ok(()) }
    }

    /// Whether one of its disks is attached to another machine.
    #[must_use]
    pub fn lends_disks(&self) -> bool {
        self.disks.iter().any(|disk| disk.attached_to != self.moid)
    }
}
