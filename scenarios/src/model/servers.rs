//! Process servers and master targets: those that every site has, and those that a scenario adds.

use crate::model::DatastoreIndex;
use crate::model::words::{DriveUse, FileSystem, OsKind};
use crate::source::SourceLine;

/// A process server that a reprotect can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessServerChoice {
    /// The one of the configuration server.
    OnPremises,
    /// The one in Azure.
    Azure,
    /// Index into [`Scenario::process_servers`](crate::Scenario::process_servers).
    Named(usize),
}

impl ProcessServerChoice {
    /// What the one of the configuration server is called.
    pub const ON_PREMISES: &'static str = "on-premises";
    /// What the one in Azure is called.
    pub const AZURE: &'static str = "azure";

    /// Its number: 0 on premises, 1 in Azure, from 2 on those that are added.
    pub const fn number(self) -> usize {
        match self {
            Self::OnPremises => 0,
            Self::Azure => 1,
            Self::Named(index) => 2 + index,
        }
    }

    /// The one of a number, as [`ProcessServerChoice::number`] counts.
    pub const fn of_number(number: usize) -> Self {
        match number {
            0 => Self::OnPremises,
            1 => Self::Azure,
            more => Self::Named(more - 2),
        }
    }
}

/// A master target by its number: 0 is that of the configuration server, from 1 on those of
/// [`Scenario::master_targets`](crate::Scenario::master_targets).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterTargetIndex(pub usize);

impl MasterTargetIndex {
    /// That of the configuration server.
    pub const CONFIGURATION_SERVER: Self = Self(0);
    /// What that of the configuration server is called.
    pub const NAME: &'static str = "configuration-server";
}

/// A drive by its place in its master target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriveIndex(pub usize);

/// A further process server on premises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedProcessServer {
    /// Its name, unique.
    pub name: String,
    /// The size of its cache in bytes.
    pub cache: u64,
    /// Where it was written.
    pub source: SourceLine,
}

/// A further master target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedMasterTarget {
    /// Its name, unique.
    pub name: String,
    /// Where it lies.
    pub datastore: DatastoreIndex,
    /// Its operating system.
    pub os: OsKind,
    /// It reaches Azure only through a proxy that asks for a password.
    pub authenticating_proxy: bool,
    /// Its drives, at least one.
    pub drives: Vec<Drive>,
    /// Where it was written.
    pub source: SourceLine,
}

impl NamedMasterTarget {
    /// Whether it can register: a Linux one cannot through a proxy that asks for a password (site-recovery 3.8, 35).
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.os == OsKind::Windows || !self.authenticating_proxy
    }
}

/// Where the disks of a machine lie that is created on premises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NewDisks {
    /// In the datastore of the master target.
    #[default]
    WithMasterTarget,
    /// In this one.
    In(DatastoreIndex),
    /// None is given, which Site Recovery refuses.
    Unsaid,
}

impl NewDisks {
    /// How it is written that none is given. No datastore can have this name.
    pub const UNSAID: &'static str = "none";
}

/// A drive of a master target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// Its name, unique in the master target.
    pub name: String,
    /// Its size in bytes.
    pub capacity: u64,
    /// What it is in use for.
    pub holds: DriveUse,
    /// Its file system.
    pub file_system: FileSystem,
    /// Whether it is locked.
    pub locked: bool,
}

/// The drives of a master target when the scenario does not say: C with the system, and R, 600 GiB, for retention.
pub fn standard_drives() -> Vec<Drive> {
    let drive = |name: &str, capacity, holds| Drive {
        name: name.to_owned(),
        capacity,
        holds,
        file_system: FileSystem::Ntfs,
        locked: false,
    };
    vec![drive("C", 80 << 30, DriveUse::System), drive("R", 600 << 30, DriveUse::Nothing)]
}

impl crate::Scenario {
    /// What a process server is called.
    ///
    /// # Panics
    /// When the choice is of another scenario.
    pub fn process_server_name(&self, choice: ProcessServerChoice) -> &str {
        match choice {
            ProcessServerChoice::OnPremises => ProcessServerChoice::ON_PREMISES,
            ProcessServerChoice::Azure => ProcessServerChoice::AZURE,
            ProcessServerChoice::Named(index) => &self.process_servers[index].name,
        }
    }

    /// What a master target is called.
    ///
    /// # Panics
    /// When the index is of another scenario.
    pub fn master_target_name(&self, index: MasterTargetIndex) -> &str {
        match index.0 {
            0 => MasterTargetIndex::NAME,
            number => &self.master_targets[number - 1].name,
        }
    }

    /// The drives of a master target.
    ///
    /// # Panics
    /// When the index is of another scenario.
    pub fn drives_of(&self, index: MasterTargetIndex) -> &[Drive] {
        match index.0 {
            0 => &self.master_target.drives,
            number => &self.master_targets[number - 1].drives,
        }
    }
}
