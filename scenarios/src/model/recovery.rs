//! What a machine is to look like in Azure, what is there for it, and what the vault shows of it.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::model::words::HealthWord;

/// What a machine is to look like in Azure: what a step changes, or what is expected. `None` is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Its name.
    pub name: Option<String>,
    /// Its resource group.
    pub resource_group: Option<String>,
    /// Its size, such as `Standard_D4s_v3`.
    pub size: Option<String>,
    /// Its availability set.
    pub availability_set: Option<String>,
    /// Whether its disks are managed.
    pub managed_disks: Option<bool>,
    /// Its network.
    pub network: Option<String>,
    /// The subnet of that.
    pub subnet: Option<String>,
    /// Its private address.
    pub address: Option<Ipv4Addr>,
    /// Whether it has a public address.
    pub public_address: Option<bool>,
}

/// A network in Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name, unique.
    pub name: String,
    /// Its subnets, at least one, with different names.
    pub subnets: Vec<Subnet>,
}

/// A subnet of 256 addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Its name.
    pub name: String,
    /// An address in it.
    pub first: Ipv4Addr,
    /// Whether its rules let remote logons in from the internet.
    pub admits_internet: bool,
}

/// What the vault shows of a replicated item. `None` is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// The name of the machine.
    pub name: Option<String>,
    /// Its health.
    pub health: Option<HealthWord>,
    /// Its failover health.
    pub failover_health: Option<HealthWord>,
    /// The disk with the operating system, by its name in the scenario.
    pub os_disk: Option<String>,
    /// How many data disks it has.
    pub data_disks: Option<u64>,
    /// Whether there is a newest crash-consistent point.
    pub crash_consistent_point: Option<bool>,
    /// Whether there is a newest application-consistent point.
    pub app_consistent_point: Option<bool>,
}

/// The values of a policy as the vault shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownPolicy {
    /// The lag from which on an alert is raised.
    pub rpo_alert_after: Duration,
    /// How long points are kept.
    pub retain_recovery_points_for: Duration,
    /// How often an application-consistent point is made.
    pub app_consistent_every: Duration,
}
