//! What of the world a vSphere client reaches, and does as an operator would.

use core::time::Duration;

use switchback_disks::Snapshot;
use switchback_engine::{Block, DiskId, MachineId, Stamp};
use switchback_harness::Simulated;
use switchback_sim::SimTime;
use switchback_vsphere::soap::{BytesOf, Home};
use switchback_vsphere::{DatastoreMoid, Fault, HostMoid, VCenter};

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

    fn delete_machine(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.world_mut().delete_machine(machine)
    }

    fn grow_disk(&mut self, disk: DiskId, sectors: u64) -> Result<(), Fault> {
        self.world_mut().grow_disk(disk, sectors)
    }

    fn move_machine(&mut self, machine: MachineId, datastore: DatastoreMoid) -> Result<(), Fault> {
        self.world_mut().move_machine(machine, datastore)
    }

    fn migrate_machine(&mut self, machine: MachineId, host: HostMoid) -> Result<(), Fault> {
        self.world_mut().migrate_machine(machine, host)
    }

    fn disk(&mut self, disk: DiskId) -> Option<Snapshot<Stamp>> {
        self.world_mut().home_disk(disk)
    }

    fn restore_disk(&mut self, disk: DiskId, contents: &Snapshot<Stamp>) {
        self.world_mut().restore_home_disk(disk, contents);
    }

    fn write_disk(&mut self, disk: DiskId, start: u64, sectors: u32) -> Option<Stamp> {
        self.world_mut().write_home_disk(disk, start, sectors)
    }

    fn bytes_of(&self) -> BytesOf {
        Block::of_write
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        self.run_to_what_happens(at_most)
    }
}
