//! What of the world a vSphere client reaches, and does as an operator would.

use core::time::Duration;

use switchback_engine::MachineId;
use switchback_sim::SimTime;
use switchback_vsphere::soap::Home;
use switchback_vsphere::{Fault, VCenter};

use crate::rehearsed::Rehearsed;

impl Home for Rehearsed {
    fn now(&self) -> SimTime {
        self.world().now()
    }

    fn vcenter(&self) -> &VCenter {
        self.world().vcenter()
    }

    fn vcenter_mut(&mut self) -> &mut VCenter {
        self.world_mut().vcenter_mut()
    }

    fn power_on(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.world_mut().power_on(machine)
    }

    fn power_off(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.world_mut().power_off(machine)
    }

    fn shut_down_guest(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.world_mut().operator_stops(machine);
        Ok(())
    }

    fn take_snapshot(&mut self, machine: MachineId, name: &str) -> Result<(), Fault> {
        self.world_mut().take_snapshot(machine, name)
    }

    fn remove_all_snapshots(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.world_mut().remove_snapshots(machine)
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        self.run_to_what_happens(at_most)
    }
}
