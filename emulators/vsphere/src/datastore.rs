//! Datastore: where disks lie, how much room there is, and which hosts reach it.

use std::collections::BTreeMap;

pub use switchback_engine::ports::DatastoreKind;

use crate::faults::Fault;
use crate::moid::{DatastoreMoid, HostMoid};

/// How a host has mounted a datastore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessMode {
    /// To read and write.
    ReadWrite,
    /// To read only.
    ReadOnly,
}

/// What an operator says of a datastore to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatastoreSpec {
    /// Its name, unique among the datastores.
    pub name: String,
    /// How it is made.
    pub kind: DatastoreKind,
    /// Its size, in bytes.
    pub capacity_bytes: u64,
    /// The hosts that mount it to read and write.
    pub mounted_on: Vec<HostMoid>,
}

/// A datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datastore {
    /// Its id.
    pub moid: DatastoreMoid,
    /// Its name.
    pub name: String,
    /// How it is made.
    pub kind: DatastoreKind,
    /// Its size, in bytes.
    pub capacity_bytes: u64,
    /// What is taken, in bytes.
    pub used_bytes: u64,
    /// Who has mounted it, and how.
    pub mounts: BTreeMap<HostMoid, AccessMode>,
    /// Whether the storage behind it answers.
    pub accessible: bool,
}

impl Datastore {
    /// What is left, in bytes.
    #[must_use]
    pub const fn free_bytes(&self) -> u64 {
        self.capacity_bytes - self.used_bytes
    }

    /// Whether `host` can read it.
    #[must_use]
    pub fn is_readable_from(&self, host: HostMoid) -> bool {
        self.accessible && self.mounts.contains_key(&host)
    }

    /// Whether `host` can read and write it.
    #[must_use]
    pub fn is_writable_from(&self, host: HostMoid) -> bool {
        self.accessible && self.is_mounted_on(host)
    }

    /// Whether `host` has mounted it to read and write, answering or not.
    #[must_use]
    pub fn is_mounted_on(&self, host: HostMoid) -> bool {
        self.mounts.get(&host) == Some(&AccessMode::ReadWrite)
    }

    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), Fault> {
        if bytes > self.free_bytes() {
            return Err(Fault::NoDiskSpace {
                datastore: self.name.clone(),
                free_bytes: self.free_bytes(),
                wanted_bytes: bytes,
            });
        }
        self.used_bytes += bytes;
        Ok(())
    }

    pub(crate) const fn give_back(&mut self, bytes: u64) {
        self.used_bytes = self.used_bytes.saturating_sub(bytes);
    }
}
