//! HostSystem: one ESXi host.

use crate::moid::{ClusterMoid, HostMoid};

/// What an operator says of a host to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSpec {
    /// Its name, unique among the hosts.
    pub name: String,
    /// The cluster it joins, or none.
    pub cluster: Option<ClusterMoid>,
    /// Memory for machines, in MiB. Running machines take theirs out of it, unless it is [`HostSystem::ENDLESS_MIB`].
    pub memory_mib: u64,
}

/// Whether a host is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionState {
    /// It runs and answers.
    Connected,
    /// It is down, with every machine on it.
    NotResponding,
}

/// Who looks after a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Management {
    /// vCenter.
    VCenter,
    /// Nobody: it stands alone.
    Alone {
        /// Whether the replication service has discovered it by itself.
        discovered: bool,
    },
}

/// An ESXi host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSystem {
    /// Its id.
    pub moid: HostMoid,
    /// Its name.
    pub name: String,
    /// The cluster it belongs to.
    pub cluster: Option<ClusterMoid>,
    /// Whether it is there.
    pub connection: ConnectionState,
    /// Who looks after it.
    pub management: Management,
    /// Memory for machines, in MiB.
    pub memory_mib: u64,
    /// Whether it takes no machines.
    pub is_in_maintenance: bool,
    /// Whether vCenter was told to turn from it.
    pub is_disconnected: bool,
}

impl HostSystem {
    /// Memory that no number of machines fills, in MiB: 1 PiB. What they take of it is not counted.
    pub const ENDLESS_MIB: u64 = 1 << 30;

    /// Whether it runs and answers.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self.connection, ConnectionState::Connected)
    }

    /// Whether vCenter looks after it.
    #[must_use]
    pub const fn is_managed(&self) -> bool {
        matches!(self.management, Management::VCenter)
    }

    /// Whether the replication service knows it: through vCenter, or by itself.
    #[must_use]
    pub const fn is_discovered(&self) -> bool {
        matches!(self.management, Management::VCenter | Management::Alone { discovered: true })
    }
}
