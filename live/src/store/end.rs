//! Where a store ended that was closed in order: whatever is cut off behind its back later is missed.
//!
//! While a store is at work its last records are known by nobody but themselves, so a crash may tear them and they are cut off.
//! A store that was closed has no such end.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::segment::Segments;

/// The file that says it, in the directory of the store.
const FILE: &str = "end.json";

/// The end of a store.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct End {
    /// The last segment.
    pub(super) segment: u64,
    /// How long it was, in bytes.
    pub(super) bytes: u64,
}

impl End {
    /// Notes it, durably.
    pub(super) fn write(self, directory: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(&serde_json::to_vec(&self)?)?;
        file.as_file().sync_all()?;
        file.persist(path_in(directory)).map_err(|error| error.error)?;
        File::open(directory)?.sync_all()
    }

    /// What was noted; `None` for a store that was not closed, or never opened.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, StoreError> {
        let path = path_in(directory);
        match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(end) => Ok(Some(end)),
                Err(error) => Err(StoreError::Damaged { path, at: 0, why: error.to_string() }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::Io { path, source: error }),
        }
    }

    /// Whether everything is there that was when the store was closed, given the last segment that is there and how far that is
    /// whole.
    pub(super) fn check(self, segments: &Segments, last: Option<(u64, u64)>) -> Result<(), StoreError> {
        let damaged = |at, why| Err(StoreError::Damaged { path: segments.path(self.segment), at, why });
        match last {
            Some((number, whole_bytes)) if number == self.segment && whole_bytes < self.bytes => {
                let why = format!("the store was closed with {} bytes in it", self.bytes);
                damaged(whole_bytes, why)
            }
            // It went on in a later one, and could not forget this.
            Some((number, _)) if number >= self.segment => Ok(()),
            _ => damaged(0, "the store was closed with this segment, and it is gone".to_owned()),
        }
    }

    /// Forgets it: from now on the store is at work.
    pub(super) fn forget(directory: &Path) -> Result<(), StoreError> {
        let path = path_in(directory);
        let forget = || {
            std::fs::remove_file(&path)?;
            File::open(directory)?.sync_all()
        };
        forget().map_err(StoreError::io(&path))
    }
}

fn path_in(directory: &Path) -> PathBuf {
    directory.join(FILE)
}
