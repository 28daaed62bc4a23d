//! What an operator does by hand, or fate: networks, quotas, what a recovered machine should look like, outages.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use switchback_engine::ports::Instance;
use switchback_engine::{Content, MachineId};

use crate::azure::Azure;
use crate::consequence::Consequence;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::virtual_machine::{MachineTarget, PowerState, VirtualMachine};
use crate::virtual_network::{Subnet, VirtualNetwork};

impl<C: Content> Azure<C> {
    /// Adds a subnet of which all addresses share their first `prefix_bits` bits (8 to 29) with `first`.
    pub fn add_subnet(&mut self, name: &str, first: Ipv4Addr, prefix_bits: u8) {
        let network = self.names().network.clone();
        self.add_subnet_to(&network, Subnet::closed(name, first, prefix_bits));
    }

    /// Adds a subnet to a network, and the network if it is not there.
    pub fn add_subnet_to(&mut self, network: &str, subnet: Subnet) {
        let new = || VirtualNetwork { name: network.to_owned(), subnets: BTreeMap::new() };
        let subnets = &mut self.networks.entry(network.to_owned()).or_insert_with(new).subnets;
        subnets.insert(subnet.name.clone(), subnet);
    }

    /// Gives an address of a subnet of the usual network to something that is none of ours.
    ///
    /// # Errors
    /// [`Refusal::SubnetNotFound`], [`Refusal::PrivateIpAddressInUse`], [`Refusal::PrivateIpAddressNotInSubnet`].
    pub fn occupy_address(&mut self, subnet: &str, address: Ipv4Addr, owner: &str) -> Result<(), Refusal> {
        let name = self.names().network.clone();
        let network = self.networks.get_mut(&name).ok_or(Refusal::NetworkNotFound(name))?;
        network.subnet(Some(subnet))?.choose(Some(address))?;
        network.take(subnet, address, owner);
        Ok(())
    }

    /// Sets what a machine is to look like when it is recovered.
    pub fn set_target(&mut self, machine: MachineId, target: MachineTarget) {
        self.targets.insert(machine, target);
    }

    /// Says that nothing can change how a machine's system starts, as with an encrypted system disk.
    pub fn lock_boot(&mut self, machine: MachineId) {
        self.boot_locked.insert(machine);
    }

    /// Says that a machine is made by the classic deployment model.
    pub fn set_classic(&mut self, machine: MachineId) {
        self.classic.insert(machine);
    }

    /// Sets how long an agent takes to register after the first start of its machine; at first no time.
    pub const fn set_agent_registration(&mut self, takes: Duration) {
        self.agent_registration = takes;
    }

    /// Sets how many cores there may be. Machines that have more keep them.
    pub const fn set_cores_max(&mut self, cores: u32) {
        self.quota.cores_max = cores;
    }

    /// Sets what may be made. Machines that are there stay as they are.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// A user starts a machine in the portal.
    ///
    /// # Errors
    /// [`Refusal::ResourceNotFound`].
    pub fn start(&mut self, instance: Instance, machine: MachineId) -> Result<Vec<Consequence<C>>, Refusal> {
        let vm = self.machines.get_mut(&(instance, machine)).ok_or(Refusal::ResourceNotFound)?;
        let was_running = std::mem::replace(&mut vm.power, PowerState::Running) == PowerState::Running;
        Ok(if was_running { Vec::new() } else { vec![Consequence::MachineStarted(instance, machine)] })
    }

    /// A user starts a machine once more that ran here and was stopped from inside.
    ///
    /// # Errors
    /// [`Refusal::ResourceNotFound`], also for one that Site Recovery has shut down, which is released, or has not started
    /// yet.
    pub fn start_again(&mut self, machine: MachineId) -> Result<Vec<Consequence<C>>, Refusal> {
        let was_started = |vm: &VirtualMachine| vm.agent_registered_at.is_some();
        let is_stopped = |vm: &VirtualMachine| vm.power == PowerState::Stopped && was_started(vm);
        if !self.machine(machine).is_some_and(is_stopped) {
            return Err(Refusal::ResourceNotFound);
        }
        self.start(Instance::Recovered, machine)
    }

    /// A machine's host fails under it: its power is gone at once.
    ///
    /// # Errors
    /// [`Refusal::ResourceNotFound`].
    pub fn lose_power(&mut self, machine: MachineId) -> Result<Vec<Consequence<C>>, Refusal> {
        let vm = self.machines.get_mut(&(Instance::Recovered, machine)).ok_or(Refusal::ResourceNotFound)?;
        let was_running = std::mem::replace(&mut vm.power, PowerState::Stopped) == PowerState::Running;
        Ok(if was_running { vec![Consequence::MachineStopped(machine)] } else { Vec::new() })
    }

    /// The region stops to answer. Machines in it lose their power.
    pub fn lose_region(&mut self) -> Vec<Consequence<C>> {
        self.available = false;
        let running = self.machines.values_mut().filter(|vm| vm.is_running());
        running
            .filter_map(|vm| {
                vm.power = PowerState::Stopped;
                (vm.instance == Instance::Recovered).then_some(Consequence::MachineStopped(vm.machine))
            })
            .collect()
    }

    /// The region answers again; the machines that ran when it was lost stay stopped.
    pub const fn restore_region(&mut self) {
        self.available = true;
    }
}
