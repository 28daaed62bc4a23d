//! Which master target serves a machine, and on which of its drives what arrives is kept: what a vault is told, and told
//! to note. Whether it will do is for the vault to say.

use switchback_engine::ports::{Drive, DriveUse, MasterTargetFound};
use switchback_engine::{MachineId, MasterTargetId};

use crate::faults::Fault;
use crate::moid::VmMoid;
use crate::vcenter::VCenter;
use crate::virtual_machine::{GuestOs, VirtualMachine};

/// The drives of a master target of which nothing else is said: the system on the first, and a retention drive of 600 GiB,
/// the documented sizing (site-recovery 4.3), as the second.
pub const STANDARD_DRIVES: [Drive; 2] = [
    Drive { capacity_bytes: 80 << 30, holds: DriveUse::System, is_fat: false, is_locked: false },
    Drive { capacity_bytes: 600 << 30, holds: DriveUse::Nothing, is_fat: false, is_locked: false },
];

impl VCenter {
    /// Says which drives a master target has, in the order in which they are offered.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`] when that is no master target.
    pub fn set_drives(&mut self, master_target: VmMoid, drives: Vec<Drive>) -> Result<(), Fault> {
        if !self.master_targets.contains(&master_target) {
            return Err(Fault::ManagedObjectNotFound);
        }
        self.drives.insert(master_target, drives);
        Ok(())
    }

    /// The drive that keeps what arrives for a machine, by its place among those of its master target, where a
    /// reprotect has named or chosen one.
    #[must_use]
    pub fn retention_drive_of(&self, machine: MachineId) -> Option<u8> {
        self.retention_drives.get(&machine).copied()
    }

    /// The machines that serve as master target, in the order in which they were added.
    #[must_use]
    pub fn master_targets(&self) -> &[VmMoid] {
        &self.master_targets
    }

    pub(crate) fn master_target(&self, which: MasterTargetId) -> Result<&VirtualMachine, Fault> {
        let moid = self.master_targets.get(usize::from(which.0)).ok_or(Fault::ManagedObjectNotFound)?;
        self.machines.get(moid).ok_or(Fault::ManagedObjectNotFound)
    }

    pub(crate) fn inspect_master_target(
        &self,
        machine: MachineId,
        which: MasterTargetId,
    ) -> Result<MasterTargetFound, Fault> {
        let master_target = self.master_target(which)?;
        let guest = self.machine(machine).or_else(|| self.former.get(&machine)).map(|vm| vm.guest);
        let drives = self.drives.get(&master_target.moid).map_or(&STANDARD_DRIVES[..], Vec::as_slice);
        Ok(MasterTargetFound {
            running: master_target.is_on(),
            registered: self.is_registered(master_target),
            same_family: guest.is_none_or(|guest| guest == master_target.guest),
            drives: drives.to_vec(),
        })
    }

    /// Puts a master target behind a proxy that asks for a password before it lets anything out. Whether it can register
    /// even so.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`] when that is no master target.
    pub fn put_behind_proxy(&mut self, master_target: VmMoid) -> Result<bool, Fault> {
        if !self.master_targets.contains(&master_target) {
            return Err(Fault::ManagedObjectNotFound);
        }
        self.behind_proxy.insert(master_target);
        let vm = self.machines.get(&master_target).ok_or(Fault::ManagedObjectNotFound)?;
        Ok(self.is_registered(vm))
    }

    /// The installer for Linux cannot answer a proxy that asks for a password: its secure connection fails with error 35
    /// (site-recovery 3.8). That of Windows has the password from its system.
    fn is_registered(&self, master_target: &VirtualMachine) -> bool {
        master_target.guest == GuestOs::Windows || !self.behind_proxy.contains(&master_target.moid)
    }

    /// Disks that are attached to one master target are not another's.
    fn check_assign(&self, machine: MachineId, master_target: VmMoid) -> Result<(), Fault> {
        let Some(vm) = self.machine(machine) else { return Ok(()) };
        let elsewhere = |at: VmMoid| at != vm.moid && at != master_target;
        let lent = vm.disks.iter().find(|disk| elsewhere(disk.attached_to));
        lent.map_or(Ok(()), |disk| Err(Fault::FileLocked(disk.attached_to.to_string())))
    }

    pub(crate) fn assign(
        &mut self,
        machine: MachineId,
        which: MasterTargetId,
        drive: u8,
    ) -> Result<(), Fault> {
        let moid = self.master_target(which)?.moid;
        self.check_assign(machine, moid)?;
        self.assign_master_target(machine, moid)?;
        self.retention_drives.insert(machine, drive);
        Ok(())
    }
}
