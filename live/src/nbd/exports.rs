//! The disks that a server has, by name.

use std::sync::Arc;

use thiserror::Error;

use super::Export;
use super::wire::{SECTOR_BYTES, STRING_BYTES_MAX, feature};

/// Why a disk cannot be served under a name.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ExportError {
    /// There is one of that name.
    #[error("two disks are to be served as `{name}`: names are different")]
    Twice {
        /// The name.
        name: String,
    },
    /// The protocol knows no such long names.
    #[error("a name of {bytes} bytes: at most {STRING_BYTES_MAX} were expected")]
    NameTooLong {
        /// How long it is, in bytes.
        bytes: usize,
    },
    /// The disk does not end with a sector.
    #[error("disk `{name}` has {bytes} bytes: a multiple of {SECTOR_BYTES} was expected")]
    NotWholeSectors {
        /// Its name.
        name: String,
        /// Its size, in bytes.
        bytes: u64,
    },
}

/// Disks by name. The first is also what a client gets that names none.
#[derive(Clone)]
pub struct Exports {
    served: Vec<Served>,
}

/// One disk and what clients are told of it.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) name: Arc<str>,
    pub(super) description: Arc<str>,
    pub(super) disk: Arc<dyn Export>,
}

impl Exports {
    /// One disk. `description` is shown to people who ask what there is; it may be empty.
    ///
    /// # Errors
    /// When the name or the size is none that the protocol has.
    pub fn new(name: &str, description: &str, disk: Arc<dyn Export>) -> Result<Self, ExportError> {
        Self { served: Vec::new() }.and(name, description, disk)
    }

    /// One more.
    ///
    /// # Errors
    /// As [`Exports::new`], and when there is one of that name.
    pub fn and(mut self, name: &str, description: &str, disk: Arc<dyn Export>) -> Result<Self, ExportError> {
        if let Some(bytes) = [name, description].map(str::len).into_iter().find(|len| *len > STRING_BYTES_MAX)
        {
            return Err(ExportError::NameTooLong { bytes });
        }
        if self.served.iter().any(|served| *served.name == *name) {
            return Err(ExportError::Twice { name: name.to_owned() });
        }
        let bytes = disk.size_bytes();
        if !bytes.is_multiple_of(SECTOR_BYTES.into()) {
            return Err(ExportError::NotWholeSectors { name: name.to_owned(), bytes });
        }
        self.served.push(Served { name: name.into(), description: description.into(), disk });
        Ok(self)
    }

    /// The disk of a name, or the first for none.
    pub(super) fn find(&self, name: &str) -> Option<&Served> {
        let named = self.served.iter().find(|served| *served.name == *name);
        named.or_else(|| self.served.first().filter(|_| name.is_empty()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Served> {
        self.served.iter()
    }
}

impl Served {
    /// What a client is told that this disk can do.
    pub(super) fn features(&self, structured: bool) -> u16 {
        let writes = if self.disk.is_read_only() {
            feature::READ_ONLY
        } else {
            feature::FUA | feature::TRIM | feature::WRITE_ZEROES
        };
        let pieces = if structured { feature::DF } else { 0 };
        feature::HAS_FLAGS | feature::FLUSH | feature::MULTI_CONN | feature::CACHE | writes | pieces
    }
}
