//! What clients send, as it comes: it is kept beside everything until all of it is there, and is then what it was sent for at
//! once.

use std::collections::BTreeMap;

use switchback_disks::ByteFile;
use switchback_disks::vmdk::StreamReader;

use super::store::DatastorePath;
use crate::moid::VmMoid;

/// How many uploads there may be at once; the oldest is given up.
const UPLOADS_MAX: usize = 64;

/// What is to become of an upload.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A file.
    File(DatastorePath),
    /// What a disk of a machine holds.
    Disk(VmMoid, usize),
    /// A disk of a lease, which comes as a stream.
    Lease(String, usize),
}

/// An upload.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) target: Target,
    pub(super) contents: ByteFile,
    /// How much has come.
    pub(super) came: u64,
    /// How much may come, and how long what it makes may be.
    pub(super) limit: u64,
    /// What reads a stream, and how long the disk in it may be.
    pub(super) stream: Option<(StreamReader, u64)>,
}

/// All uploads.
#[derive(Debug, Clone, Default)]
pub(super) struct Uploads {
    begun: u64,
    open: BTreeMap<u64, Upload>,
}

impl Uploads {
    pub(super) fn begin(&mut self, upload: Upload) -> u64 {
        self.begun += 1;
        self.open.insert(self.begun, upload);
        if self.open.len() > UPLOADS_MAX {
            self.open.pop_first();
        }
        self.begun
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Upload> {
        self.open.get_mut(&number)
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Upload> {
        self.open.remove(&number)
    }

    /// What all of them hold.
    pub(super) fn held(&self) -> u64 {
        self.open.values().map(|upload| upload.contents.written()).sum()
    }
}
