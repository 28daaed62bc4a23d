//! What people do to the site by hand, rightly or wrongly.

use switchback_engine::control::ItemState;
use switchback_engine::role::Address;
use switchback_engine::{Direction, MachineId, Site};
use switchback_vsphere as vsphere;

use crate::content::Simulated;
use crate::world::{Happening, World};

impl<C: Simulated> World<C> {
    /// An operator is about to start a machine at home of whom nobody expects better: by the atlas two copies may run
    /// then, unless the disks of the old one are lent to the master target.
    pub fn expect_operator_to_start(&mut self, machine: MachineId) {
        if !self.vcenter.machine(machine).is_some_and(vsphere::VirtualMachine::lends_disks) {
            self.judges.expect_two_copies(machine);
        }
    }

    /// An operator powers the machine at home on.
    pub fn operator_starts(&mut self, machine: MachineId) {
        if let Err(fault) = self.power_on(machine) {
            self.operator_refused(Some(machine), &fault);
        }
    }

    /// The machine at home is powered on.
    ///
    /// # Errors
    /// What the vCenter says to that.
    pub fn power_on(&mut self, machine: MachineId) -> Result<(), vsphere::Fault> {
        let consequences = self.vcenter.power_on(self.now(), machine)?;
        self.note(Happening::OperatorStarted { machine });
        consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        Ok(())
    }

    /// The machine at home is switched off, as by pulling its plug.
    ///
    /// # Errors
    /// What the vCenter says to that.
    pub fn power_off(&mut self, machine: MachineId) -> Result<(), vsphere::Fault> {
        let consequences = self.vcenter.power_off(self.now(), machine)?;
        self.note(Happening::OperatorStopped { machine });
        consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        Ok(())
    }

    /// An operator shuts the machine at home down in order.
    pub fn operator_stops(&mut self, machine: MachineId) {
        self.note(Happening::OperatorStopped { machine });
        self.shut_down_guest(machine, Site::Primary);
    }

    /// Somebody shuts the machine in the cloud down in order, and not through the vault.
    pub fn operator_stops_in_azure(&mut self, machine: MachineId) {
        if self.is_running(machine, Site::Recovery) {
            self.note(Happening::StoppedInAzure { machine });
            self.shut_down_guest(machine, Site::Recovery);
        }
    }

    /// Somebody beside a process server opens its data port with a browser. One that runs answers that it did not
    /// understand (site-recovery 3.8).
    pub fn operator_opens_data_port(&mut self, number: u16) {
        let answered = self.hosts.is_up(Address::ProcessServer(number));
        self.note(Happening::DataPortOpened { number, answered });
    }

    /// Somebody starts the machine in the cloud again. One that Site Recovery has shut down is left alone. While the
    /// machine comes home nobody looks for it in the cloud any more, and by the atlas two copies may run.
    pub fn operator_starts_in_azure(&mut self, machine: MachineId) {
        if self.judges.state(machine) == ItemState::FailingOver(Direction::Reverse) {
            self.judges.expect_two_copies(machine);
        }
        if let Ok(consequences) = self.azure.start_again(machine) {
            self.note(Happening::StartedInAzure { machine });
            consequences.into_iter().for_each(|consequence| self.azure_consequence(consequence));
        }
    }

    /// An operator takes a snapshot of the machine at home.
    pub fn operator_takes_snapshot(&mut self, machine: MachineId) {
        if let Err(fault) = self.take_snapshot(machine, "by hand") {
            self.operator_refused(Some(machine), &fault);
        }
    }

    /// A snapshot of the machine at home is taken.
    ///
    /// # Errors
    /// What the vCenter says to that.
    pub fn take_snapshot(&mut self, machine: MachineId, name: &str) -> Result<(), vsphere::Fault> {
        let (now, vm) = (self.now(), self.vm_of(machine)?);
        self.vcenter.take_snapshot(now, vm, name)?;
        self.note(Happening::OperatorSnapshot { machine });
        Ok(())
    }

    /// An operator removes every snapshot of the machine at home.
    pub fn operator_removes_snapshots(&mut self, machine: MachineId) {
        if let Err(fault) = self.remove_snapshots(machine) {
            self.operator_refused(Some(machine), &fault);
        }
    }

    /// Every snapshot of the machine at home is removed.
    ///
    /// # Errors
    /// What the vCenter says to that.
    pub fn remove_snapshots(&mut self, machine: MachineId) -> Result<(), vsphere::Fault> {
        let (now, vm) = (self.now(), self.vm_of(machine)?);
        let count = self.vcenter.remove_all_snapshots(now, vm)?;
        self.note(Happening::OperatorRemovedSnapshots { machine, count });
        Ok(())
    }

    fn vm_of(&self, machine: MachineId) -> Result<vsphere::VmMoid, vsphere::Fault> {
        self.vcenter.machine(machine).map(|vm| vm.moid).ok_or(vsphere::Fault::ManagedObjectNotFound)
    }

    /// An operator deletes the machine at home with its disks. Where it runs, or comes home to, that is refused.
    pub fn operator_deletes(&mut self, machine: MachineId) {
        if let Err(fault) = self.delete_machine(machine) {
            self.operator_refused(Some(machine), &fault);
        }
    }

    /// The machine at home is deleted with its disks.
    ///
    /// # Errors
    /// What the vCenter says to that.
    pub fn delete_machine(&mut self, machine: MachineId) -> Result<(), vsphere::Fault> {
        let consequences = self.vcenter.remove_machine(self.now(), machine)?;
        self.note(Happening::OperatorDeleted { machine });
        if !self.judges.can_do_without_home(machine) {
            self.judges.expect_cut_off(machine);
        }
        consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        Ok(())
    }

    /// An operator moves the disks of the machine at home to another datastore, by its place in the site.
    pub fn operator_moves(&mut self, machine: MachineId, datastore: usize) {
        let vm = self.vcenter.machine(machine).map(|vm| vm.moid);
        self.relocate(vm, Some(machine), datastore);
    }

    /// An operator moves the machine at home to another host (vMotion), counted from 0. It runs on meanwhile.
    pub fn operator_migrates(&mut self, machine: MachineId, host: u32) {
        let now = self.now();
        let vm = self.vcenter.machine(machine).map(|vm| vm.moid);
        let target = self.vcenter.hosts().nth(host as usize).map(|host| host.moid);
        let both = vm.zip(target).ok_or(vsphere::Fault::ManagedObjectNotFound);
        match both.and_then(|(vm, host)| self.vcenter.migrate_machine(now, vm, host)) {
            Ok(()) => self.was_migrated(machine, host),
            Err(fault) => self.operator_refused(Some(machine), &fault),
        }
    }

    fn was_migrated(&mut self, machine: MachineId, host: u32) {
        self.note(Happening::OperatorMigrated { machine, host });
        self.judge_host(machine);
    }

    /// The machine at home is moved to another host.
    ///
    /// # Errors
    /// What the vCenter says to that.
    pub fn migrate_machine(
        &mut self,
        machine: MachineId,
        host: vsphere::HostMoid,
    ) -> Result<(), vsphere::Fault> {
        let (now, vm) = (self.now(), self.vm_of(machine)?);
        self.vcenter.migrate_machine(now, vm, host)?;
        let number = self.vcenter.hosts().position(|other| other.moid == host).unwrap_or_default();
        self.was_migrated(machine, number as u32);
        Ok(())
    }

    /// The disks of the machine at home are moved to another datastore.
    ///
    /// # Errors
    /// What the vCenter says to that.
    pub fn move_machine(
        &mut self,
        machine: MachineId,
        datastore: vsphere::DatastoreMoid,
    ) -> Result<(), vsphere::Fault> {
        let vm = self.vm_of(machine)?;
        self.move_to(vm, Some(machine), datastore)
    }

    fn move_to(
        &mut self,
        vm: vsphere::VmMoid,
        machine: Option<MachineId>,
        datastore: vsphere::DatastoreMoid,
    ) -> Result<(), vsphere::Fault> {
        let consequences = self.vcenter.move_machine(self.now(), vm, datastore)?;
        self.note(Happening::OperatorMoved { machine });
        self.judges.moved_at_home.extend(machine);
        consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        Ok(())
    }

    /// An operator moves the master target to another datastore. It loses the disks that are attached to it.
    pub fn operator_moves_master_target(&mut self, datastore: usize) {
        // The first is that of the configuration server.
        let vm = self.vcenter.master_targets().first().copied();
        self.relocate(vm, None, datastore);
    }

    fn relocate(&mut self, vm: Option<vsphere::VmMoid>, machine: Option<MachineId>, datastore: usize) {
        let name = self.spec.site.datastores.get(datastore).map(|datastore| datastore.name.as_str());
        let datastore = self.vcenter.datastores().find(|datastore| Some(datastore.name.as_str()) == name);
        let datastore = datastore.map(|datastore| datastore.moid);
        let both = vm.zip(datastore).ok_or(vsphere::Fault::ManagedObjectNotFound);
        if let Err(fault) = both.and_then(|(vm, datastore)| self.move_to(vm, machine, datastore)) {
            self.operator_refused(machine, &fault);
        }
    }

    pub(in crate::world) fn operator_refused(&mut self, machine: Option<MachineId>, fault: &vsphere::Fault) {
        self.note(Happening::OperatorRefused { machine, reason: fault.to_string() });
    }
}
