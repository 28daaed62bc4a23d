//! A disk in a file or on a block device.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::io::{Errno, ReadWriteFlags, pwritev2};
use thiserror::Error;

use super::wire::SECTOR_BYTES;
use super::{AllocatedRun, Export};
use crate::files;

/// Why a file is no disk.
#[derive(Debug, Error)]
pub enum FileDiskError {
    /// It cannot be opened, or its size is not known.
    #[error("{path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a folder, a pipe or the like.
    #[error("{path} is no disk: a file or a block device was expected")]
    Kind {
        /// What it is called.
        path: PathBuf,
    },
    /// It does not end with a sector.
    #[error("{path} has {bytes} bytes: a multiple of {SECTOR_BYTES} was expected")]
    NotWholeSectors {
        /// The file.
        path: PathBuf,
        /// Its size, in bytes.
        bytes: u64,
    },
}

/// A raw image or a block device. Its size is what it was when it was opened.
#[derive(Debug)]
pub struct FileDisk {
    file: File,
    size_bytes: u64,
    is_read_only: bool,
}

impl FileDisk {
    /// Opens a file that is there.
    ///
    /// # Errors
    /// When it cannot be opened or is no disk.
    pub fn open(path: &Path, is_read_only: bool) -> Result<Self, FileDiskError> {
        let refused = |source| FileDiskError::Open { path: path.to_owned(), source };
        let file = OpenOptions::new().read(true).write(!is_read_only).open(path).map_err(refused)?;
        let kind = file.metadata().map_err(refused)?.file_type();
        if !kind.is_file() && !kind.is_block_device() {
            return Err(FileDiskError::Kind { path: path.to_owned() });
        }
        let size_bytes = files::length(&file).map_err(refused)?;
        if !size_bytes.is_multiple_of(SECTOR_BYTES.into()) {
            return Err(FileDiskError::NotWholeSectors { path: path.to_owned(), bytes: size_bytes });
        }
        Ok(Self { file, size_bytes, is_read_only })
    }

    /// Writes all of it; with `durable`, each piece is durable before the next.
    fn write_all(&self, mut offset: u64, mut data: &[u8], durable: bool) -> io::Result<()> {
        if !durable {
            return self.file.write_all_at(data, offset);
        }
        // One call for both, which waits for this range only and not for all that others wrote.
        while !data.is_empty() {
            match pwritev2(&self.file, &[IoSlice::new(data)], offset, ReadWriteFlags::DSYNC) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    data = &data[written..];
                    offset += written as u64;
                }
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP) => {
                    self.file.write_all_at(data, offset)?;
                    return self.file.sync_data();
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Export for FileDisk {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, offset)
    }

    fn write(&self, offset: u64, data: Bytes, durable: bool) -> io::Result<()> {
        self.write_all(offset, &data, durable)
    }

    fn zero(&self, offset: u64, bytes: u64, may_punch: bool, durable: bool) -> io::Result<()> {
        files::make_zero(&self.file, offset, bytes, may_punch)?;
        if durable { self.file.sync_data() } else { Ok(()) }
    }

    fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn runs(&self, offset: u64, bytes: u64) -> io::Result<Vec<AllocatedRun>> {
        let runs = files::allocated(&self.file, offset, bytes)?;
        Ok(runs.into_iter().map(|(bytes, is_hole)| AllocatedRun { bytes, is_hole }).collect())
    }
}
