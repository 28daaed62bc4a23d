//! Moving machines: between datastores and between hosts.

use switchback_sim::SimTime;

use crate::consequence::Consequence;
use crate::faults::Fault;
use crate::moid::{DatastoreMoid, HostMoid, VmMoid};
use crate::vcenter::VCenter;

impl VCenter {
    /// Storage vMotion: moves a machine's disks to another datastore. The disks that a master target has attached
    /// stay where they are, and it loses them.
    ///
    /// # Errors
    /// [`Fault::FileLocked`], [`Fault::DatastoreNotWritableOnHost`], [`Fault::NoDiskSpace`],
    /// [`Fault::ManagedObjectNotFound`].
    pub fn move_machine(
        &mut self,
        now: SimTime,
        vm: VmMoid,
        datastore: DatastoreMoid,
    ) -> Result<Vec<Consequence>, Fault> {
        let result = self.relocate(vm, datastore);
        self.record(now, "RelocateVM_Task", vm, result.as_ref().copied());
        result?;
        Ok(self.lose_attached(vm).into_iter().map(Consequence::DisksUnavailable).collect())
    }

    fn relocate(&mut self, vm: VmMoid, target: DatastoreMoid) -> Result<(), Fault> {
        let machine = self.machines.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        if machine.lends_disks() {
            return Err(Fault::FileLocked(machine.name.clone()));
        }
        self.check_writable(target, machine.host)?;
        let bytes = machine.disk_bytes();
        self.datastores.get_mut(&target).ok_or(Fault::ManagedObjectNotFound)?.take(bytes)?;
        let Some(machine) = self.machines.get_mut(&vm) else {
            return Ok(());
        };
        machine.datastore = target;
        for disk in &mut machine.disks {
            let source = std::mem::replace(&mut disk.datastore, target);
            if let Some(source) = self.datastores.get_mut(&source) {
                source.give_back(disk.bytes());
            }
        }
        Ok(())
    }

    /// vMotion: moves a machine to another host, while it runs or not. Both hosts are managed by the vCenter.
    ///
    /// # Errors
    /// [`Fault::HostNotConnected`], [`Fault::DatastoreNotWritableOnHost`], [`Fault::InsufficientMemoryResources`],
    /// [`Fault::ManagedObjectNotFound`].
    pub fn migrate_machine(&mut self, now: SimTime, vm: VmMoid, host: HostMoid) -> Result<(), Fault> {
        let result = self.check_migration(vm, host);
        self.record(now, "MigrateVM_Task", vm, result.as_ref().copied());
        result?;
        if let Some(machine) = self.machines.get_mut(&vm) {
            machine.host = host;
        }
        Ok(())
    }

    fn check_migration(&self, vm: VmMoid, host: HostMoid) -> Result<(), Fault> {
        let machine = self.machines.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        let target = self.hosts.get(&host).ok_or(Fault::ManagedObjectNotFound)?;
        let source = self.connected_host(machine)?;
        if !source.is_managed() || !target.is_managed() {
            return Err(Fault::ManagedObjectNotFound);
        }
        if !target.is_connected() || self.is_disconnected(host) {
            return Err(Fault::HostNotConnected);
        }
        if machine.is_on() && machine.host != host {
            self.check_memory(machine, target)?;
        }
        machine.disks.iter().try_for_each(|disk| self.check_writable(disk.datastore, host))
    }
}
