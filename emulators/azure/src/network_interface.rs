//! Microsoft.Network/networkInterfaces.

use std::net::Ipv4Addr;

/// A network interface of a recovered machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    /// Its name.
    pub name: String,
    /// The network it is in.
    pub network: String,
    /// The subnet of that.
    pub subnet: String,
    /// Its private address.
    pub private_ip: Ipv4Addr,
    /// The name of its public address, if it has one.
    pub public_ip: Option<String>,
}
