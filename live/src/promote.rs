//! A disk that is served, as an image that stands alone: raw, VMDK or fixed VHD.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use switchback_engine::content::is_all_zero;
use thiserror::Error;

use crate::nbd::{Address, Client, ClientError};

mod vhd;
mod vmdk;

/// Copied at once, in bytes.
const STEP_BYTES: u64 = 4 << 20;
/// Blocks of zeroes of this size are left out.
const BLOCK_BYTES: usize = 4096;

/// How an image is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The bytes of the disk.
    Raw,
    /// A descriptor, and beside it the bytes of the disk: `monolithicFlat`.
    Vmdk,
    /// The bytes of the disk and a footer: what Azure takes as a disk.
    Vhd,
}

/// Why an image was not written.
#[derive(Debug, Error)]
pub enum PromoteError {
    /// The disk cannot be read.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The image cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl PromoteError {
    fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.into(), source }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promoted {
    /// How large the disk is, in bytes.
    pub disk_bytes: u64,
    /// How much of it is not zeroes, in bytes.
    pub data_bytes: u64,
}

/// Copies a disk that is served into an image. The image has its name only when it is whole and durable.
///
/// # Errors
/// [`PromoteError`]; then there is no image of that name that was not there before.
pub fn promote(export: &Address, name: &str, to: &Path, format: Format) -> Result<Promoted, PromoteError> {
    let mut disk = Client::connect(export, name)?;
    let disk_bytes = disk.size_bytes();
    let data = match format {
        Format::Raw | Format::Vhd => to.to_owned(),
        Format::Vmdk => vmdk::flat_of(to),
    };
    let io = PromoteError::io(&data);
    let folder =
        data.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let unfinished = tempfile::NamedTempFile::new_in(folder).map_err(&io)?;
    unfinished.as_file().set_len(disk_bytes).map_err(&io)?;
    let data_bytes = copy(&mut disk, unfinished.as_file(), &io)?;
    disk.disconnect()?;
    if format == Format::Vhd {
        unfinished.as_file().write_all_at(&vhd::footer(disk_bytes), disk_bytes).map_err(&io)?;
    }
    unfinished.as_file().sync_all().map_err(&io)?;
    unfinished.persist(&data).map_err(|error| io(error.error))?;
    if format == Format::Vmdk {
        vmdk::write_descriptor(to, disk_bytes).map_err(PromoteError::io(to))?;
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(&io)?;
    Ok(Promoted { disk_bytes, data_bytes })
}

fn copy(disk: &mut Client, to: &File, io: &impl Fn(io::Error) -> PromoteError) -> Result<u64, PromoteError> {
    let (mut at, mut data_bytes) = (0, 0);
    let mut bytes = vec![0; STEP_BYTES as usize];
    while at < disk.size_bytes() {
        let step = &mut bytes[..STEP_BYTES.min(disk.size_bytes() - at) as usize];
        disk.read(at, step)?;
        for (number, block) in step.chunks(BLOCK_BYTES).enumerate() {
            if !is_all_zero(block) {
                to.write_all_at(block, at + (number * BLOCK_BYTES) as u64).map_err(io)?;
                data_bytes += block.len() as u64;
            }
        }
        at += step.len() as u64;
    }
    Ok(data_bytes)
}
