//! What an operator does by hand, or fate: build the site, power machines, take snapshots, move things, lose things.
//!
//! Everything here happens at once. What it does to other machines comes back as consequences. What several of its
//! parts need to look up stands here.

use switchback_engine::MachineId;

use crate::faults::Fault;
use crate::host_system::HostSystem;
use crate::moid::{DatastoreMoid, HostMoid, VmMoid};
use crate::vcenter::VCenter;
use crate::virtual_machine::{PowerState, VirtualMachine};

mod building;
mod by_clients;
mod machines;
mod moves;
mod outages;

pub use by_clients::NewMachine;

impl VCenter {
    pub(crate) fn set_power(&mut self, vm: VmMoid, power: PowerState) {
        if let Some(vm) = self.machines.get_mut(&vm) {
            vm.power = power;
        }
    }

    pub(crate) fn known(&self, machine: MachineId) -> Result<&VirtualMachine, Fault> {
        self.machine(machine).ok_or(Fault::ManagedObjectNotFound)
    }

    pub(crate) fn connected_host(&self, vm: &VirtualMachine) -> Result<&HostSystem, Fault> {
        let host = self.hosts.get(&vm.host).ok_or(Fault::ManagedObjectNotFound)?;
        let answers = host.is_connected() && !self.is_disconnected(host.moid);
        if answers { Ok(host) } else { Err(Fault::HostNotConnected) }
    }

    pub(crate) fn check_writable(&self, datastore: DatastoreMoid, host: HostMoid) -> Result<(), Fault> {
        let datastore = self.datastores.get(&datastore).ok_or(Fault::ManagedObjectNotFound)?;
        if datastore.is_writable_from(host) {
            Ok(())
        } else {
            Err(Fault::DatastoreNotWritableOnHost(datastore.name.clone()))
        }
    }
}
