//! Identities that stay the same through the whole journey of a machine, whichever site it runs on.

use serde::{Deserialize, Serialize};

/// One protected machine, the same number at home and away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MachineId(pub u32);

/// Machines that share recovery points. A machine alone is a group of one.
///
/// A user numbers groups from 0 to [`GroupId::MAX`]. Machines of one group that come home through different master
/// targets share no point on the way: the group is in *parts* then, each with a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupId(pub u32);

impl GroupId {
    /// The highest number of a whole group.
    pub const MAX: Self = Self(0xffff);

    /// The part of this group that comes home through a master target of its own.
    #[must_use]
    pub const fn part(self, through: MasterTargetId) -> Self {
        Self(self.whole().0 | (through.0 as u32 + 1).wrapping_shl(16))
    }

    /// The group that this is, or is a part of.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self(self.0 & Self::MAX.0)
    }
}

/// One place for disks at the primary site, by its number there: a datastore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatastoreId(pub u32);

/// One disk of a protected machine: the machine and the disk's place in it, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DiskId {
    /// Whose disk it is.
    pub machine: MachineId,
    /// Its place among the machine's disks; 0 holds the operating system.
    pub index: u8,
}

/// A machine at home that receives what comes home, by its number at the site: 0 runs beside the configuration server,
/// 65,534 is the highest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MasterTargetId(pub u16);

impl MasterTargetId {
    /// The highest number.
    pub const MAX: Self = Self(u16::MAX - 1);
}

/// Where something lives. The names do not change when the direction of replication does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Site {
    /// The site the machines come from.
    Primary,
    /// The site they fail over to.
    Recovery,
}

impl Site {
    /// The other site.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Primary => Self::Recovery,
            Self::Recovery => Self::Primary,
        }
    }
}

/// Which way data flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From the primary site to the recovery site.
    Forward,
    /// From the recovery site back home.
    Reverse,
}

impl Direction {
    /// The site data comes from.
    #[must_use]
    pub const fn source(self) -> Site {
        match self {
            Self::Forward => Site::Primary,
            Self::Reverse => Site::Recovery,
        }
    }

    /// The site data goes to.
    #[must_use]
    pub const fn target(self) -> Site {
        self.source().other()
    }

    /// The opposite direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }
}
