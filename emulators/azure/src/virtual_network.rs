//! Microsoft.Network/virtualNetworks: subnets and the addresses in them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::refusal::Refusal;

/// Addresses at the start of a subnet that Azure keeps to itself; the last one is kept too.
const RESERVED: u32 = 4;

/// A subnet, and who has which of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Its name.
    pub name: String,
    /// Its first address.
    pub first: Ipv4Addr,
    /// How many leading bits all its addresses share, 8 to 29.
    pub prefix_bits: u8,
    /// Whether its rules let remote logons in from the internet.
    pub open: bool,
    /// Who has which address.
    pub taken: BTreeMap<Ipv4Addr, String>,
}

impl Subnet {
    /// An empty subnet that lets nobody in from the internet; for `first` and `prefix_bits` see the fields.
    #[must_use]
    pub fn closed(name: &str, first: Ipv4Addr, prefix_bits: u8) -> Self {
        Self { name: name.to_owned(), first, prefix_bits, open: false, taken: BTreeMap::new() }
    }

    fn usable(&self) -> impl Iterator<Item = Ipv4Addr> {
        let size = 1u32 << (32 - u32::from(self.prefix_bits.clamp(8, 29)));
        let first = u32::from(self.first) & !(size - 1);
        (first + RESERVED..first + size - 1).map(Ipv4Addr::from)
    }

    pub(crate) fn choose(&self, wanted: Option<Ipv4Addr>) -> Result<Ipv4Addr, Refusal> {
        match wanted {
            Some(address) if self.taken.contains_key(&address) => {
                Err(Refusal::PrivateIpAddressInUse(address))
            }
            Some(address) if !self.usable().any(|usable| usable == address) => {
                Err(Refusal::PrivateIpAddressNotInSubnet(address))
            }
            Some(address) => Ok(address),
            None => self
                .usable()
                .find(|address| !self.taken.contains_key(address))
                .ok_or_else(|| Refusal::SubnetIsFull(self.name.clone())),
        }
    }
}

/// The network recovered machines are put into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualNetwork {
    /// Its name.
    pub name: String,
    /// Its subnets, by name.
    pub subnets: BTreeMap<String, Subnet>,
}

impl VirtualNetwork {
    /// The subnet of that name, or with no name the first by the alphabet (site-recovery 3.4).
    pub(crate) fn subnet(&self, name: Option<&str>) -> Result<&Subnet, Refusal> {
        let subnet = match name {
            Some(name) => self.subnets.get(name),
            None => self.subnets.values().next(),
        };
        subnet.ok_or_else(|| Refusal::SubnetNotFound(name.unwrap_or("any").to_owned()))
    }

    pub(crate) fn take(&mut self, subnet: &str, address: Ipv4Addr, owner: &str) {
        if let Some(subnet) = self.subnets.get_mut(subnet) {
            subnet.taken.insert(address, owner.to_owned());
        }
    }

    pub(crate) fn give_back(&mut self, subnet: &str, address: Ipv4Addr) {
        if let Some(subnet) = self.subnets.get_mut(subnet) {
            subnet.taken.remove(&address);
        }
    }
}
