//! Whether somebody who wants to log on to a machine reaches it.
//!
//! From the internet that takes a public address and a rule of the network that lets remote logons in; over the private
//! connection to the site neither. What the guest itself allows travels with its disks and is not known here
//! (site-recovery 3.4: it is prepared before the failover).

use std::net::Ipv4Addr;

use switchback_engine::{Content, MachineId};
use thiserror::Error;

use crate::azure::Azure;
use crate::virtual_machine::VirtualMachine;

/// Where somebody connects from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Anywhere.
    Internet,
    /// The site, over a private connection.
    Site,
}

/// Why a machine is not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreachable {
    /// There is no such machine.
    #[error("there is no such machine")]
    NoMachine,
    /// It does not run.
    #[error("the machine does not run")]
    NotRunning,
    /// The region does not answer.
    #[error("the region does not answer")]
    RegionLost,
    /// It has no public address.
    #[error("the machine has no public address")]
    NoPublicAddress,
    /// The network lets no remote logons in from there.
    #[error("the network security group denies remote logons from the internet")]
    Denied,
}

impl<C: Content> Azure<C> {
    /// The private address behind which a recovered machine is reached for a remote logon.
    ///
    /// # Errors
    /// [`Unreachable`]: the first thing that stands in the way.
    pub fn reach(&self, machine: MachineId, from: Origin) -> Result<Ipv4Addr, Unreachable> {
        let vm = self.machine(machine).ok_or(Unreachable::NoMachine)?;
        match (from, &vm.nic.public_ip) {
            _ if !self.available => Err(Unreachable::RegionLost),
            _ if !vm.is_running() => Err(Unreachable::NotRunning),
            (Origin::Internet, None) => Err(Unreachable::NoPublicAddress),
            (Origin::Internet, Some(_)) if !self.lets_in(vm) => Err(Unreachable::Denied),
            _ => Ok(vm.nic.private_ip),
        }
    }

    fn lets_in(&self, vm: &VirtualMachine) -> bool {
        let network = self.networks.get(&vm.nic.network);
        network.and_then(|network| network.subnets.get(&vm.nic.subnet)).is_some_and(|subnet| subnet.open)
    }
}
