//! A disk that is served, as an image that stands alone: raw, VMDK or fixed VHD.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use switchback_engine::content::is_all_zero;
use thiserror::Error;

use crate::belt::{self, Belt, Load};
use crate::nbd::{Address, Client, ClientError};
use output::Output;

mod output;
mod vhd;
mod vmdk;

/// Copied at once, in bytes.
const STEP_BYTES: u64 = 4 << 20;
/// How far it is asked at once where the holes are, in bytes.
const ASKED_BYTES: u64 = 1 << 30;
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
    let data_bytes = copy(&mut disk, &Output::to(unfinished.as_file(), unfinished.path()), &io)?;
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

/// Copies what a disk holds to a file that holds nothing, reading and writing at the same time, and says how much it was.
fn copy(
    disk: &mut Client,
    to: &Output<'_>,
    io: &impl Fn(io::Error) -> PromoteError,
) -> Result<u64, PromoteError> {
    let mut data_bytes = 0;
    let carried = belt::carry(
        |belt| load(disk, &belt),
        |load| {
            let Load::Bytes(at, bytes) = load else { return Ok(()) };
            data_bytes += write_data(to, *at, bytes.as_ref())?;
            Ok(())
        },
        || to.sync(),
    );
    carried.map_err(|error| match error {
        Unloaded::Client(error) => PromoteError::Client(error),
        Unloaded::Io(error) => io(error),
    })?;
    Ok(data_bytes)
}

/// Why a copy came to its end early.
#[derive(Debug)]
enum Unloaded {
    Client(ClientError),
    Io(io::Error),
}

impl From<ClientError> for Unloaded {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<io::Error> for Unloaded {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads what is no hole, step by step, whole blocks of it.
fn load(disk: &mut Client, belt: &Belt) -> Result<(), Unloaded> {
    let (mut from, mut read_until) = (0, 0);
    while from < disk.size_bytes() {
        for run in disk.runs(from, ASKED_BYTES.min(disk.size_bytes() - from))? {
            let end = from + run.bytes;
            let until = end.next_multiple_of(BLOCK_BYTES as u64).min(disk.size_bytes());
            let mut at = read_until.max(from - from % BLOCK_BYTES as u64);
            while at < until && !run.is_hole {
                // Who writes has ended, with an error.
                let Some(mut bytes) = belt.buffer() else { return Ok(()) };
                bytes.resize(STEP_BYTES.min(until - at) as usize);
                disk.read(at, bytes.as_mut())?;
                at += bytes.as_ref().len() as u64;
                read_until = at;
                belt.put(Load::Bytes(at - bytes.as_ref().len() as u64, bytes));
            }
            from = end;
        }
    }
    Ok(())
}

/// Writes bytes without their blocks of zeroes, and says how many were left.
fn write_data(to: &Output<'_>, at: u64, bytes: &[u8]) -> io::Result<u64> {
    let mut data_bytes = 0;
    let blocks: Vec<&[u8]> = bytes.chunks(BLOCK_BYTES).collect();
    let mut from = 0;
    for run in blocks.chunk_by(|left, right| is_all_zero(left) == is_all_zero(right)) {
        let end = from + run.iter().map(|block| block.len()).sum::<usize>();
        if !is_all_zero(run[0]) {
            to.write(&bytes[from..end], at + from as u64)?;
            data_bytes += (end - from) as u64;
        }
        from = end;
    }
    Ok(data_bytes)
}
