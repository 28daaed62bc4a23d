//! Microsoft.Compute/virtualMachines, and what a recovered machine should look like.

use std::net::Ipv4Addr;

use switchback_engine::MachineId;
use switchback_engine::ports::Instance;
use switchback_engine::recovery::RecoverySettings;
use switchback_sim::SimTime;

use crate::network_interface::NetworkInterface;
use crate::quota::VmSize;
use crate::refusal::Refusal;

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
    /// The resource group it is filed under; none for the vault's.
    pub resource_group: Option<String>,
    /// Its availability set.
    pub availability_set: Option<String>,
    /// Whether its disks are managed.
    pub managed_disks: bool,
    /// The network it is put into; none for the usual one.
    pub network: Option<String>,
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
        Self {
            name: name.to_owned(),
            size: VmSize::F2sV2,
            resource_group: None,
            availability_set: None,
            managed_disks: true,
            network: None,
            subnet: None,
            private_ip: None,
            public_ip: false,
        }
    }

    /// What the settings of an item say.
    ///
    /// # Errors
    /// [`Refusal::SizeNotFound`].
    pub(crate) fn of(settings: &RecoverySettings) -> Result<Self, Refusal> {
        let size = VmSize::named(&settings.size);
        Ok(Self {
            name: settings.name.clone(),
            size: size.ok_or_else(|| Refusal::SizeNotFound(settings.size.clone()))?,
            resource_group: Some(settings.resource_group.clone()),
            availability_set: settings.availability_set.clone(),
            managed_disks: settings.managed_disks,
            network: Some(settings.network.clone()),
            subnet: settings.subnet.clone(),
            private_ip: settings.address,
            public_ip: settings.public_address,
        })
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
    /// The resource group it is filed under.
    pub resource_group: String,
    /// Its availability set.
    pub availability_set: Option<String>,
    /// Whether its disks are managed.
    pub managed_disks: bool,
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
    /// When its agent has registered; `None` as long as it was never started.
    pub agent_registered_at: Option<SimTime>,
}

impl VirtualMachine {
    /// Whether it runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        matches!(self.power, PowerState::Running)
    }
}
