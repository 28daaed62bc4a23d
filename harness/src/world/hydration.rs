//! Machines that start in Azure only after their disks were prepared, as it really is: by what a machine is, not by what
//! the vault believes.

use switchback_engine::MachineId;
use switchback_engine::ports::{Guest, Instance};
use switchback_vsphere::MachineSpec;

use super::World;
use super::spec::WorldSpec;
use crate::check::Judge;
use crate::content::Simulated;

impl<C: Simulated> World<C> {
    /// A machine is started in Azure for the first time. Unless its system starts there as it is, it must have been
    /// prepared. What preparing writes to its disks is not emulated.
    pub(super) fn judge_boot(&mut self, instance: Instance, machine: MachineId) {
        self.judges.looked(Judge::JobsEnd);
        let is_prepared = self.azure.instance(instance, machine).is_some_and(|vm| vm.boot_prepared);
        if self.starts_as_it_is(machine) || is_prepared {
            return;
        }
        let name = self.spec().machines[machine.0 as usize].name.clone();
        self.found(
            Judge::JobsEnd,
            format!("{name} was started in Azure and its disks were not prepared for that"),
        );
    }

    fn starts_as_it_is(&self, machine: MachineId) -> bool {
        let spec = &self.spec().machines[machine.0 as usize];
        let is_set_up = self.came_home_prepared.contains(&machine) || spec.boot.dhcp && spec.boot.drivers;
        spec.windows && is_set_up && self.vcenter.physical_server(machine).is_none()
    }

    /// The disks at home hold what ran in Azure. What was prepared there stays so.
    pub(super) fn brings_preparation_home(&mut self, machine: MachineId) {
        if self.azure.machine(machine).is_some_and(|vm| vm.boot_prepared) {
            self.came_home_prepared.insert(machine);
            let linux = !self.spec.machines[machine.0 as usize].windows;
            self.vcenter.set_guest(machine, Guest { linux, ..Guest::READY });
        }
    }
}

/// What a machine is, as its site tells.
pub(super) fn guest(spec: &WorldSpec, machine: &MachineSpec) -> Guest {
    let spec = &spec.machines[machine.machine.0 as usize];
    let boot = spec.boot;
    let (linux, dhcp, boot_drivers) = (!spec.windows, boot.dhcp, boot.drivers);
    Guest { physical: boot.physical, linux, dhcp, boot_drivers, raw_disks: false }
}
