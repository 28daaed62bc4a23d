//! Losing things: a host, a datastore, vCenter, the site.

use crate::consequence::Consequence;
use crate::faults::Fault;
use crate::host_system::ConnectionState;
use crate::moid::{DatastoreMoid, HostMoid};
use crate::vcenter::{Reachability, VCenter};
use crate::virtual_machine::{PowerState, VirtualMachine};

impl VCenter {
    /// A host goes down with every machine on it.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn lose_host(&mut self, host: HostMoid) -> Result<Vec<Consequence>, Fault> {
        self.hosts.get_mut(&host).ok_or(Fault::ManagedObjectNotFound)?.connection =
            ConnectionState::NotResponding;
        Ok(self.stop_all(|vm| vm.host == host))
    }

    /// A host comes back. Its machines stay off.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn restore_host(&mut self, host: HostMoid) -> Result<(), Fault> {
        self.hosts.get_mut(&host).ok_or(Fault::ManagedObjectNotFound)?.connection =
            ConnectionState::Connected;
        Ok(())
    }

    /// The storage behind a datastore stops to answer, or answers again. Machines on it go on and hang.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn set_accessible(&mut self, datastore: DatastoreMoid, accessible: bool) -> Result<(), Fault> {
        self.datastores.get_mut(&datastore).ok_or(Fault::ManagedObjectNotFound)?.accessible = accessible;
        Ok(())
    }

    /// The whole site loses its power. Nothing answers until [`restore_site`](Self::restore_site).
    pub fn lose_site(&mut self) -> Vec<Consequence> {
        self.reachability = Reachability::SiteLost;
        self.set_hosts(ConnectionState::NotResponding);
        let mut stopped = self.stop_all(|_| true);
        stopped.extend(self.stop_physical_servers());
        stopped
    }

    /// The site comes back; its machines stay off, all but the master targets, which start by themselves.
    pub fn restore_site(&mut self) {
        self.reachability = Reachability::Answering;
        self.set_hosts(ConnectionState::Connected);
        for master_target in self.master_targets.clone() {
            self.set_power(master_target, PowerState::PoweredOn);
        }
    }

    /// vCenter stops to answer; hosts and machines go on.
    pub fn lose_vcenter(&mut self) {
        if self.reachability == Reachability::Answering {
            self.reachability = Reachability::VCenterLost;
        }
    }

    /// vCenter answers again.
    pub fn restore_vcenter(&mut self) {
        if self.reachability == Reachability::VCenterLost {
            self.reachability = Reachability::Answering;
        }
    }

    fn set_hosts(&mut self, connection: ConnectionState) {
        for host in self.hosts.values_mut() {
            host.connection = connection;
        }
    }

    fn stop_all(&mut self, which: impl Fn(&VirtualMachine) -> bool) -> Vec<Consequence> {
        let mut stopped = Vec::new();
        for vm in self.machines.values_mut().filter(|vm| vm.is_on() && which(vm)) {
            vm.power = PowerState::PoweredOff;
            stopped.extend(vm.machine.map(Consequence::MachineStopped));
        }
        stopped
    }
}
