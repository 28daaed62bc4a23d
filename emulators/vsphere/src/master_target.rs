//! The master target: a machine that other machines' disks are attached to, to be written by it.
//!
//! What holds for it is vSphere's doing and the product's support statement (site-recovery 3.7): at most 60 disks, no
//! snapshots on it, its host must reach the datastore of every disk to read and write, and when it is moved with
//! Storage vMotion the disks attached to it are no longer available.

use switchback_engine::MachineId;
use switchback_engine::recovery::Firmware;
use switchback_sim::SimTime;

use crate::consequence::Consequence;
use crate::faults::Fault;
use crate::moid::{DatastoreMoid, HostMoid, VmMoid};
use crate::settings::Settings;
use crate::vcenter::VCenter;
use crate::virtual_machine::{GuestOs, PowerState, VirtualMachine};

/// How many disks of other machines can be attached to one master target (site-recovery 3.7).
pub const ATTACHED_DISKS_MAX: usize = 60;

impl VCenter {
    /// Adds a running machine that serves as master target. The first one serves every machine that was not
    /// [assigned](Self::assign_master_target) another.
    ///
    /// # Errors
    /// [`Fault::DuplicateName`], [`Fault::ManagedObjectNotFound`], [`Fault::DatastoreNotWritableOnHost`].
    pub fn add_master_target(
        &mut self,
        name: &str,
        host: HostMoid,
        datastore: DatastoreMoid,
        guest: GuestOs,
    ) -> Result<VmMoid, Fault> {
        let vm = VirtualMachine {
            moid: VmMoid(0),
            machine: None,
            name: name.to_owned(),
            host,
            datastore,
            power: PowerState::PoweredOn,
            disks: Vec::new(),
            snapshots: Vec::new(),
            current: None,
            memory_mib: 0,
            guest,
            firmware: Firmware::Bios,
            tools: true,
            settings: Settings::default(),
        };
        let moid = self.place(vm, &[])?;
        self.master_targets.push(moid);
        Ok(moid)
    }

    /// Says which master target serves a machine.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`] when that is no master target.
    pub fn assign_master_target(&mut self, machine: MachineId, master_target: VmMoid) -> Result<(), Fault> {
        if !self.master_targets.contains(&master_target) {
            return Err(Fault::ManagedObjectNotFound);
        }
        self.assigned.insert(machine, master_target);
        Ok(())
    }

    /// Which master target serves a machine.
    #[must_use]
    pub fn master_target_of(&self, machine: MachineId) -> Option<VmMoid> {
        self.assigned.get(&machine).or_else(|| self.master_targets.first()).copied()
    }

    /// Starts or stops a master target.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`] when that is no master target.
    pub fn power_master_target(&mut self, master_target: VmMoid, on: bool) -> Result<(), Fault> {
        if !self.master_targets.contains(&master_target) {
            return Err(Fault::ManagedObjectNotFound);
        }
        self.set_power(master_target, if on { PowerState::PoweredOn } else { PowerState::PoweredOff });
        Ok(())
    }

    /// An operator takes a machine's disks from the master target by hand, whatever is going on.
    ///
    /// # Errors
    /// As [`HypervisorRequest::DetachDisks`](switchback_engine::ports::HypervisorRequest::DetachDisks).
    pub fn detach_disks(&mut self, now: SimTime, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        let vm = self.known(machine)?.moid;
        let result = self.detach(machine);
        self.record(now, "ReconfigVM_Task", vm, result.as_ref().map(|_| ()));
        result
    }

    /// The running master target of a machine.
    pub(crate) fn serving(&self, machine: MachineId) -> Result<&VirtualMachine, Fault> {
        let master_target = self.master_target_of(machine).and_then(|vm| self.machines.get(&vm));
        let master_target = master_target.filter(|vm| vm.is_on()).ok_or(Fault::NoMasterTarget)?;
        self.connected_host(master_target)?;
        Ok(master_target)
    }

    /// How many disks of other machines a master target has attached.
    #[must_use]
    pub fn attached_disks(&self, master_target: VmMoid) -> usize {
        let owners = self.machines.values().filter(|vm| vm.moid != master_target);
        owners.flat_map(|vm| &vm.disks).filter(|disk| disk.attached_to == master_target).count()
    }

    pub(crate) fn check_attach(&self, machine: MachineId) -> Result<VmMoid, Fault> {
        let vm = self.known(machine)?;
        self.connected_host(vm)?;
        let master_target = self.serving(machine)?;
        if vm.is_on() {
            return Err(Fault::InvalidPowerState { on: true });
        }
        if let Some(lent) = vm.disks.iter().find(|disk| disk.attached_to != vm.moid) {
            return Err(Fault::FileLocked(lent.attached_to.to_string()));
        }
        if !master_target.snapshots.is_empty() {
            return Err(Fault::SnapshotFault(master_target.snapshots.len() as u32));
        }
        let attached = self.attached_disks(master_target.moid);
        if attached + vm.disks.len() > ATTACHED_DISKS_MAX {
            return Err(Fault::TooManyDevices { attached, more: vm.disks.len(), max: ATTACHED_DISKS_MAX });
        }
        vm.disks.iter().try_for_each(|disk| self.check_writable(disk.datastore, master_target.host))?;
        Ok(master_target.moid)
    }

    /// Attaching a disk to write to it merges the snapshots that stand on it.
    pub(crate) fn attach(&mut self, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        let master_target = self.check_attach(machine)?;
        let vm = self.machine_mut(machine)?;
        for disk in &mut vm.disks {
            disk.attached_to = master_target;
            disk.available = true;
        }
        let count = vm.drop_snapshots();
        let merged = (count > 0).then_some(Consequence::SnapshotsMerged { machine, count });
        Ok(merged.into_iter().chain([Consequence::DisksAttached(machine)]).collect())
    }

    pub(crate) fn check_detach(&self, machine: MachineId) -> Result<(), Fault> {
        let vm = self.known(machine)?;
        if vm.disks.iter().any(|disk| !disk.available) {
            return Err(Fault::FileNotFound(vm.name.clone()));
        }
        Ok(())
    }

    /// Gives a machine its disks back; one that has them all is left alone.
    pub(crate) fn detach(&mut self, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        self.check_detach(machine)?;
        let vm = self.machine_mut(machine)?;
        if !vm.lends_disks() {
            return Ok(Vec::new());
        }
        for disk in &mut vm.disks {
            disk.attached_to = vm.moid;
        }
        Ok(vec![Consequence::DisksDetached(machine)])
    }

    /// Marks what is attached to a master target that was moved as gone; says whose disks they are.
    pub(crate) fn lose_attached(&mut self, master_target: VmMoid) -> Vec<MachineId> {
        let mut losers = Vec::new();
        for vm in self.machines.values_mut().filter(|vm| vm.moid != master_target) {
            let lost = vm.disks.iter_mut().filter(|disk| disk.attached_to == master_target);
            if lost.map(|disk| disk.available = false).count() > 0 {
                losers.extend(vm.machine);
            }
        }
        losers
    }

    fn machine_mut(&mut self, machine: MachineId) -> Result<&mut VirtualMachine, Fault> {
        let moid = self.by_machine.get(&machine).ok_or(Fault::ManagedObjectNotFound)?;
        self.machines.get_mut(moid).ok_or(Fault::ManagedObjectNotFound)
    }
}
