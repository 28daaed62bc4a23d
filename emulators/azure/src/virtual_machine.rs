//! Microsoft.Compute/virtualMachines, and what a recovered machine should look like.

use std::net::Ipv4Addr;

use switchback_engine::MachineId;
use switchback_engine::ports::Instance;

use crate::network_interface::NetworkInterface;
use crate::quota::VmSize;

/// Whether a machine runs, in the words of its instance view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PowerState {
    /// `PowerState/stopped`: created and not started.
    Stopped,
    /// `PowerState/running`.
    Running,
    /// `PowerState/deallocated`: shut down, its hardware released.
    Deallocated,
}

/// What is being done to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProvisioningState {
    /// It is being created.
    Creating,
    /// Nothing.
    Succeeded,
    /// It is being started or stopped.
    Updating,
    /// It is being deleted.
    Deleting,
}

/// What a user has set for a machine's recovery: the pages "Compute" and "Network" of its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineTarget {
    /// Its name in Azure, which is also part of the names of its disks.
    pub name: String,
    /// Its size.
    pub size: VmSize,
    /// The subnet it is put into; none for the first by the alphabet.
    pub subnet: Option<String>,
    /// The private address it gets; none for the first that is free.
    pub private_ip: Option<Ipv4Addr>,
    /// Whether it gets a public address.
    pub public_ip: bool,
}

impl MachineTarget {
    /// What the service chooses for a machine of that name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), size: VmSize::F2sV2, subnet: None, private_ip: None, public_ip: false }
    }
}

/// A recovered machine, or one of a test failover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualMachine {
    /// The engine's number of it.
    pub machine: MachineId,
    /// Which of the two it is.
    pub instance: Instance,
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: VmSize,
    /// The names of its disks, the one with the operating system first.
    pub disks: Vec<String>,
    /// Its network interface.
    pub nic: NetworkInterface,
    /// Whether it runs.
    pub power: PowerState,
    /// Whether its disks were prepared so that its system starts here.
    pub boot_prepared: bool,
}

impl VirtualMachine {
    /// Whether it runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        matches!(self.power, PowerState::Running)
    }
}
