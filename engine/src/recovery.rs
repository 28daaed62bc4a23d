//! What a machine is like at home, as far as it matters to whoever is to run it elsewhere, and what it is to look like there.
//!
//! The vault passes both on and keeps them. Which machines a cloud takes, and what it chooses where nobody has chosen,
//! is the cloud's own affair: see [`crate::ports::CloudRequest::Examine`].

use core::fmt;
use core::net::Ipv4Addr;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How a machine starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Firmware {
    /// From a master boot record.
    #[default]
    Bios,
    /// Through a unified extensible firmware.
    Uefi,
}

/// Something about a machine that not everybody can take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Peculiarity {
    /// What boots and the operating system lie on different disks.
    SplitSystem,
    /// A disk is shared with another machine.
    SharedDisk,
    /// A disk is reached over fibre channel.
    FibreChannelDisk,
    /// The guest encrypts its disks.
    EncryptedDisk,
    /// The guest pools its disks.
    PooledDisks,
    /// A disk has sectors of 4 KiB.
    LargeSectors,
}

impl Peculiarity {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SplitSystem,
        Self::SharedDisk,
        Self::FibreChannelDisk,
        Self::EncryptedDisk,
        Self::PooledDisks,
        Self::LargeSectors,
    ];
}

/// What a machine is like, as its site describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineProfile {
    /// Its name.
    pub name: String,
    /// Whether it runs Windows; Linux otherwise.
    pub windows: bool,
    /// The width of its operating system in bits: 32 or 64.
    pub bits: u8,
    /// How it starts.
    pub firmware: Firmware,
    /// The sizes of its disks in sectors; the first holds the operating system.
    pub disk_sectors: Vec<u64>,
    /// How many network interfaces it has.
    pub nics: u32,
    /// What else is special about it.
    pub peculiarities: BTreeSet<Peculiarity>,
}

impl MachineProfile {
    /// A Windows machine of 64 bits that starts by BIOS, with one network interface.
    #[must_use]
    pub fn plain(name: &str, disk_sectors: Vec<u64>) -> Self {
        Self {
            name: name.to_owned(),
            windows: true,
            bits: 64,
            firmware: Firmware::Bios,
            disk_sectors,
            nics: 1,
            peculiarities: BTreeSet::new(),
        }
    }
}

/// What a machine is to look like when it is recovered. What the names stand for is known to the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverySettings {
    /// Its name there.
    pub name: String,
    /// The resource group it is filed under.
    pub resource_group: String,
    /// Its size.
    pub size: String,
    /// The set of machines that are never down together; none for none.
    pub availability_set: Option<String>,
    /// Whether the cloud manages its disks.
    pub managed_disks: bool,
    /// The network it is put into.
    pub network: String,
    /// The subnet; none for whichever the cloud chooses.
    pub subnet: Option<String>,
    /// The address it gets; none for whichever is free.
    pub address: Option<Ipv4Addr>,
    /// Whether it gets a public address too.
    pub public_address: bool,
    /// The network that the machine of a test failover is put into; none for the same as the other.
    pub test_network: Option<String>,
}

/// What of the settings is to change; the rest stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChange {
    /// See [`RecoverySettings::name`].
    pub name: Option<String>,
    /// See [`RecoverySettings::resource_group`].
    pub resource_group: Option<String>,
    /// See [`RecoverySettings::size`].
    pub size: Option<String>,
    /// See [`RecoverySettings::availability_set`].
    pub availability_set: Option<String>,
    /// See [`RecoverySettings::managed_disks`].
    pub managed_disks: Option<bool>,
    /// See [`RecoverySettings::network`]. With another network, subnet and address are chosen anew.
    pub network: Option<String>,
    /// See [`RecoverySettings::subnet`]. With another subnet, the address is chosen anew.
    pub subnet: Option<String>,
    /// See [`RecoverySettings::address`].
    pub address: Option<Ipv4Addr>,
    /// See [`RecoverySettings::public_address`].
    pub public_address: Option<bool>,
    /// See [`RecoverySettings::test_network`].
    pub test_network: Option<String>,
}

impl RecoverySettings {
    /// The settings after a change.
    #[must_use]
    pub fn with(&self, change: &SettingsChange) -> Self {
        let moves = change.network.as_ref().is_some_and(|network| *network != self.network);
        let subnet = change.subnet.clone().or_else(|| self.subnet.clone().filter(|_| !moves));
        let stays = !moves && subnet == self.subnet;
        let or = |new: &Option<String>, old: &String| new.clone().unwrap_or_else(|| old.clone());
        Self {
            name: or(&change.name, &self.name),
            resource_group: or(&change.resource_group, &self.resource_group),
            size: or(&change.size, &self.size),
            availability_set: change.availability_set.clone().or_else(|| self.availability_set.clone()),
            managed_disks: change.managed_disks.unwrap_or(self.managed_disks),
            network: or(&change.network, &self.network),
            subnet,
            address: change.address.or_else(|| self.address.filter(|_| stays)),
            public_address: change.public_address.unwrap_or(self.public_address),
            test_network: change.test_network.clone().or_else(|| self.test_network.clone()),
        }
    }
}

/// A rule of the cloud that a machine, or what it is to become, breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Violation {
    /// The name of the rule.
    pub rule: String,
    /// What was found, and what is possible.
    pub found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.found)
    }
}

/// Several violations in one line.
pub(crate) fn listed(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> RecoverySettings {
        RecoverySettings {
            name: "web".to_owned(),
            resource_group: "rg".to_owned(),
            size: "small".to_owned(),
            availability_set: None,
            managed_disks: true,
            network: "one".to_owned(),
            subnet: Some("front".to_owned()),
            address: Some(Ipv4Addr::new(10, 0, 0, 7)),
            public_address: false,
            test_network: None,
        }
    }

    #[test]
    fn what_is_not_named_stays() {
        let change = SettingsChange { size: Some("large".to_owned()), ..SettingsChange::default() };
        assert_eq!(settings().with(&change), RecoverySettings { size: "large".to_owned(), ..settings() });
        assert_eq!(settings().with(&SettingsChange::default()), settings());
    }

    #[test]
    fn a_test_goes_to_the_same_network_until_it_is_given_another_and_keeps_that() {
        assert_eq!(settings().test_network, None);
        let change = SettingsChange { test_network: Some("apart".to_owned()), ..SettingsChange::default() };
        let after = settings().with(&change);
        assert_eq!((after.network.as_str(), after.test_network.as_deref()), ("one", Some("apart")));
        assert_eq!(after.with(&SettingsChange::default()), after, "what is not said stays");
    }

    #[test]
    fn an_address_does_not_go_along_to_another_subnet_and_neither_to_another_network() {
        let subnet = SettingsChange { subnet: Some("back".to_owned()), ..SettingsChange::default() };
        let after = settings().with(&subnet);
        assert_eq!((after.subnet.as_deref(), after.address), (Some("back"), None));
        let network = SettingsChange { network: Some("two".to_owned()), ..SettingsChange::default() };
        let after = settings().with(&network);
        assert_eq!((after.subnet, after.address), (None, None));
        let same = SettingsChange { network: Some("one".to_owned()), ..SettingsChange::default() };
        assert_eq!(settings().with(&same), settings(), "that is no other network");
    }
}
