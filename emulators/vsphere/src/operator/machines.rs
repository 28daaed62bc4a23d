//! Running machines by hand: power, snapshots, deletion.

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{DiskId, MachineId};
use switchback_sim::SimTime;

use crate::consequence::Consequence;
use crate::faults::Fault;
use crate::host_system::HostSystem;
use crate::moid::{DatastoreMoid, SnapshotMoid, VmMoid};
use crate::vcenter::VCenter;
use crate::virtual_machine::{PowerState, VirtualMachine};

impl VCenter {
    /// Powers a machine on.
    ///
    /// # Errors
    /// What vCenter would answer: [`Fault::InvalidPowerState`], [`Fault::HostNotConnected`], [`Fault::FileLocked`],
    /// [`Fault::DatastoreNotWritableOnHost`], [`Fault::InsufficientMemoryResources`],
    /// [`Fault::ManagedObjectNotFound`].
    pub fn power_on(&mut self, now: SimTime, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        if let Some(switched_on) = self.switch_on(machine) {
            return switched_on;
        }
        let vm = self.known(machine)?.moid;
        let result = self.start(vm);
        self.record(now, "PowerOnVM_Task", vm, result.as_ref().copied());
        result.map(|()| vec![Consequence::MachineStarted(machine)])
    }

    pub(crate) fn start(&mut self, vm: VmMoid) -> Result<(), Fault> {
        self.check_start(vm)?;
        self.set_power(vm, PowerState::PoweredOn);
        Ok(())
    }

    pub(crate) fn check_start(&self, vm: VmMoid) -> Result<(), Fault> {
        let vm = self.machines.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        let host = self.connected_host(vm)?;
        if host.is_in_maintenance || vm.settings.is_template {
            return Err(Fault::InvalidState(vm.name.clone()));
        }
        if vm.is_on() {
            return Err(Fault::InvalidPowerState { on: true });
        }
        if let Some(lent) = vm.disks.iter().find(|disk| disk.attached_to != vm.moid) {
            return Err(Fault::FileLocked(lent.attached_to.to_string()));
        }
        for disk in &vm.disks {
            self.check_writable(disk.datastore, vm.host)?;
        }
        self.check_memory(vm, host)
    }

    /// Whether a host has memory for a machine beside those that run on it.
    pub(super) fn check_memory(&self, vm: &VirtualMachine, host: &HostSystem) -> Result<(), Fault> {
        if host.memory_mib >= HostSystem::ENDLESS_MIB {
            return Ok(());
        }
        let running = self.machines.values().filter(|other| other.host == host.moid && other.is_on());
        let free_mib = host.memory_mib.saturating_sub(running.map(|other| other.memory_mib).sum());
        if vm.memory_mib > free_mib {
            return Err(Fault::InsufficientMemoryResources { free_mib, wanted_mib: vm.memory_mib });
        }
        Ok(())
    }

    /// Pulls a machine's power. Its guest is not asked.
    ///
    /// # Errors
    /// [`Fault::InvalidPowerState`], [`Fault::HostNotConnected`], [`Fault::ManagedObjectNotFound`].
    pub fn power_off(&mut self, now: SimTime, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        let vm = self.known(machine)?;
        let (moid, on) = (vm.moid, vm.is_on());
        let result =
            self.connected_host(vm).and(if on { Ok(()) } else { Err(Fault::InvalidPowerState { on }) });
        self.record(now, "PowerOffVM_Task", moid, result.as_ref().copied());
        result?;
        self.set_power(moid, PowerState::PoweredOff);
        Ok(vec![Consequence::MachineStopped(machine)])
    }

    /// Makes a disk of a machine larger; it may run meanwhile.
    ///
    /// # Errors
    /// [`Fault::InvalidDeviceSpec`] when it would not become larger; [`Fault::SnapshotFault`] while the machine has
    /// snapshots, which hold the disk as it was; [`Fault::FileLocked`] while a disk is attached elsewhere;
    /// [`Fault::ResourceInUse`] for one that is mapped to a raw device; [`Fault::NoDiskSpace`];
    /// [`Fault::HostNotConnected`]; [`Fault::DatastoreNotWritableOnHost`]; [`Fault::ManagedObjectNotFound`].
    pub fn grow_disk(
        &mut self,
        now: SimTime,
        machine: MachineId,
        index: u8,
        sectors: u64,
    ) -> Result<Vec<Consequence>, Fault> {
        let moid = self.known(machine)?.moid;
        let result = self.check_growth(machine, index, sectors).and_then(|(store, bytes)| {
            self.datastores.get_mut(&store).ok_or(Fault::ManagedObjectNotFound)?.take(bytes)
        });
        self.record(now, "ReconfigVM_Task", moid, result.as_ref().copied());
        result?;
        let vm = self.machines.get_mut(&moid).ok_or(Fault::ManagedObjectNotFound)?;
        let disk = vm.disks.get_mut(usize::from(index)).ok_or(Fault::ManagedObjectNotFound)?;
        disk.sectors = sectors;
        Ok(vec![Consequence::DiskGrew { disk: DiskId { machine, index }, sectors }])
    }

    /// Where a disk lies that is to grow, and how much more it takes there, in bytes.
    fn check_growth(
        &self,
        machine: MachineId,
        index: u8,
        sectors: u64,
    ) -> Result<(DatastoreMoid, u64), Fault> {
        let vm = self.known(machine)?;
        self.connected_host(vm)?;
        let disk = vm.disks.get(usize::from(index)).ok_or(Fault::ManagedObjectNotFound)?;
        self.check_writable(disk.datastore, vm.host)?;
        match vm {
            vm if vm.lends_disks() => Err(Fault::FileLocked(vm.name.clone())),
            vm if !vm.snapshots.is_empty() => Err(Fault::SnapshotFault(vm.snapshots.len() as u32)),
            // What it is mapped to is not vCenter's to make larger.
            _ if disk.raw.is_some() => Err(Fault::ResourceInUse(vm.name.clone())),
            _ if sectors <= disk.sectors => {
                Err(Fault::InvalidDeviceSpec { sectors: disk.sectors, wanted: sectors })
            }
            _ => Ok((disk.datastore, (sectors - disk.sectors) * SECTOR_BYTES)),
        }
    }

    /// Takes a snapshot. To keep what the disks hold is for whoever keeps contents.
    ///
    /// # Errors
    /// [`Fault::FileLocked`] while a disk is attached elsewhere; [`Fault::SnapshotIncompatibleDeviceInVm`];
    /// [`Fault::ManagedObjectNotFound`].
    pub fn take_snapshot(&mut self, now: SimTime, vm: VmMoid, name: &str) -> Result<SnapshotMoid, Fault> {
        let moid = SnapshotMoid(self.new_moid());
        let machine = self.machines.get_mut(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        if machine.lends_disks() {
            return Err(Fault::FileLocked(machine.name.clone()));
        }
        machine.check_raw()?;
        machine.add_snapshot(moid, name, now);
        self.record(now, "CreateSnapshot_Task", vm, Ok(()));
        Ok(moid)
    }

    /// Removes all snapshots of a machine, and says how many there were.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn remove_all_snapshots(&mut self, now: SimTime, vm: VmMoid) -> Result<u32, Fault> {
        let machine = self.machines.get_mut(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        let count = machine.drop_snapshots();
        self.record(now, "RemoveAllSnapshots_Task", vm, Ok(()));
        Ok(count)
    }

    /// Deletes a machine with its disks.
    ///
    /// # Errors
    /// [`Fault::InvalidPowerState`] when it runs; [`Fault::FileLocked`] while a disk is attached elsewhere;
    /// [`Fault::ManagedObjectNotFound`].
    pub fn remove_machine(&mut self, now: SimTime, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        let vm = self.known(machine)?;
        let moid = vm.moid;
        let result = match vm {
            vm if vm.is_on() => Err(Fault::InvalidPowerState { on: true }),
            vm if vm.lends_disks() => Err(Fault::FileLocked(vm.name.clone())),
            _ => Ok(()),
        };
        self.record(now, "Destroy_Task", moid, result.as_ref().copied());
        result?;
        self.forget(moid);
        Ok(vec![Consequence::MachineRemoved(machine)])
    }

    fn forget(&mut self, moid: VmMoid) {
        let Some(vm) = self.machines.remove(&moid) else {
            return;
        };
        for disk in &vm.disks {
            if let Some(datastore) = self.datastores.get_mut(&disk.datastore) {
                datastore.give_back(disk.bytes());
            }
        }
        if let Some(machine) = vm.machine {
            self.by_machine.remove(&machine);
            self.created.remove(&machine);
            self.former.insert(machine, vm);
        }
    }
}
