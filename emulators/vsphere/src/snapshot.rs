//! VirtualMachineSnapshot: a kept state of a machine's disks, and the one that the port takes.
//!
//! The port keeps one snapshot of a machine, taken while it is off. To go back to it is to power the machine off, as vSphere
//! does with a snapshot that holds no memory.

use switchback_engine::MachineId;
use switchback_sim::SimTime;

use crate::consequence::Consequence;
use crate::faults::Fault;
use crate::moid::SnapshotMoid;
use crate::vcenter::VCenter;
use crate::virtual_machine::{PowerState, VirtualMachine};

/// What the snapshot is called that the port takes.
pub const PORT_SNAPSHOT: &str = "planned failover";

/// A snapshot. What the disks held then is kept by whoever keeps contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub moid: SnapshotMoid,
    /// Its name.
    pub name: String,
    /// When it was taken.
    pub created: SimTime,
    /// The one that it stands on.
    pub parent: Option<SnapshotMoid>,
}

impl VirtualMachine {
    /// Whether the port has a snapshot of it.
    #[must_use]
    pub fn has_port_snapshot(&self) -> bool {
        self.snapshots.iter().any(|snapshot| snapshot.name == PORT_SNAPSHOT)
    }

    /// A snapshot stands on the one that the disks stood on, and they on it.
    pub(crate) fn add_snapshot(&mut self, moid: SnapshotMoid, name: &str, created: SimTime) {
        let parent = self.current.replace(moid);
        self.snapshots.push(Snapshot { moid, name: name.to_owned(), created, parent });
    }

    /// What stood on a snapshot stands on the one below it from now on.
    pub(crate) fn drop_snapshot(&mut self, moid: SnapshotMoid) {
        let Some(place) = self.snapshots.iter().position(|snapshot| snapshot.moid == moid) else { return };
        let Snapshot { parent, .. } = self.snapshots.remove(place);
        let above = self.snapshots.iter_mut().map(|snapshot| &mut snapshot.parent);
        above.chain([&mut self.current]).filter(|on| **on == Some(moid)).for_each(|on| *on = parent);
    }

    /// All are merged into the disks: how many there were.
    pub(crate) fn drop_snapshots(&mut self) -> u32 {
        self.current = None;
        core::mem::take(&mut self.snapshots).len() as u32
    }

    /// A snapshot with all that stand on it, itself first.
    #[must_use]
    pub fn snapshots_from(&self, moid: SnapshotMoid) -> Vec<SnapshotMoid> {
        let mut found = vec![moid];
        // What stands on another was taken after it, and so stands behind it.
        for snapshot in &self.snapshots {
            if snapshot.parent.is_some_and(|parent| found.contains(&parent)) {
                found.push(snapshot.moid);
            }
        }
        found
    }
}

impl VCenter {
    pub(crate) fn check_snapshot(&self, machine: MachineId) -> Result<(), Fault> {
        let vm = self.known(machine)?;
        self.connected_host(vm)?;
        match vm {
            vm if vm.lends_disks() => Err(Fault::FileLocked(vm.name.clone())),
            vm if vm.is_on() => Err(Fault::InvalidPowerState { on: true }),
            _ => {
                vm.check_raw()?;
                vm.disks.iter().try_for_each(|disk| self.check_writable(disk.datastore, vm.host))
            }
        }
    }

    pub(crate) fn keep(&mut self, machine: MachineId, now: SimTime) -> Result<Vec<Consequence>, Fault> {
        self.check_snapshot(machine)?;
        let vm = self.known(machine)?;
        if vm.has_port_snapshot() {
            return Ok(Vec::new());
        }
        let (vm, moid) = (vm.moid, SnapshotMoid(self.new_moid()));
        if let Some(vm) = self.machines.get_mut(&vm) {
            vm.add_snapshot(moid, PORT_SNAPSHOT, now);
        }
        Ok(vec![Consequence::SnapshotTaken(machine)])
    }

    pub(crate) fn check_revert(&self, machine: MachineId) -> Result<(), Fault> {
        let vm = self.known(machine)?;
        self.connected_host(vm)?;
        if !vm.has_port_snapshot() {
            return Ok(());
        }
        vm.disks.iter().try_for_each(|disk| self.check_writable(disk.datastore, vm.host))
    }

    /// Powers the machine off and goes back to the port's snapshot, if there is one.
    pub(crate) fn revert(&mut self, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        self.check_revert(machine)?;
        let vm = self.known(machine)?;
        let (moid, was_on, had_snapshot) = (vm.moid, vm.is_on(), vm.has_port_snapshot());
        self.set_power(moid, PowerState::PoweredOff);
        self.give_up_snapshot(machine)?;
        let stopped = was_on.then_some(Consequence::MachineStopped(machine));
        let reverted = had_snapshot.then_some(Consequence::SnapshotReverted(machine));
        Ok(stopped.into_iter().chain(reverted).collect())
    }

    /// What the disks hold does not change.
    pub(crate) fn give_up_snapshot(&mut self, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        let moid = self.known(machine)?.moid;
        if let Some(vm) = self.machines.get_mut(&moid) {
            let of_port = vm.snapshots.iter().filter(|snapshot| snapshot.name == PORT_SNAPSHOT);
            let of_port: Vec<_> = of_port.map(|snapshot| snapshot.moid).collect();
            of_port.into_iter().for_each(|snapshot| vm.drop_snapshot(snapshot));
        }
        Ok(Vec::new())
    }
}
