//! The disks that roles read and write: files and block devices, by the names that roles have for them.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::role::{DiskRef, StorageError};
use switchback_engine::{Change, SectorRange};

use crate::belt::{self, Load};
use crate::content::Data;
use crate::files;
use crate::store::storage_error;

mod gather;
mod keeper;
mod mark;
mod scan;

pub use keeper::Keeper;
pub use mark::Mark;

/// How a file looks from outside: whether somebody wrote to it shows in when it was written to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// How long it is, in bytes.
    pub bytes: u64,
    /// When it was written to last, in nanoseconds since 1970; 0 for a device, which does not say.
    pub written_ns: i128,
}

/// A disk in a file or on a block device.
#[derive(Debug)]
pub struct Disk {
    file: File,
    path: PathBuf,
    /// Who keeps what is about to be written over.
    keepers: RwLock<Vec<Arc<Keeper>>>,
}

impl Disk {
    /// Opens one that is there. Nobody else opens it meanwhile, in this process or another: a disk that is written from two
    /// sides is lost.
    ///
    /// # Errors
    /// What the system says, with the name of the file; or somebody has it open.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let open = || {
            let file = File::options().read(true).write(true).open(&path)?;
            lock(&file)?;
            Ok(file)
        };
        let file = open().map_err(|error| named(&path, &error))?;
        Ok(Self { file, path, keepers: RwLock::default() })
    }

    /// How many sectors a disk has that somebody may have open.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn sectors_of(path: &Path) -> io::Result<u64> {
        let bytes = File::open(path).and_then(|file| files::length(&file));
        bytes.map(|bytes| bytes / SECTOR_BYTES).map_err(|error| named(path, &error))
    }

    /// How a disk looks that somebody may have open.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn look_at(path: &Path) -> io::Result<Look> {
        File::open(path).and_then(|file| look(&file)).map_err(|error| named(path, &error))
    }

    /// How it looks.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn look(&self) -> io::Result<Look> {
        look(&self.file).map_err(|error| named(&self.path, &error))
    }

    /// The mark that says which disk it is.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn mark(&self) -> io::Result<Mark> {
        mark::read(&self.file).map_err(|error| named(&self.path, &error))
    }

    /// Gives it a mark, durably; false if it can have none.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn set_mark(&self, mark: &str) -> io::Result<bool> {
        mark::write(&self.file, mark).map_err(|error| named(&self.path, &error))
    }

    /// Makes one of so many sectors that holds nothing; one that is there keeps what it holds and grows if it is smaller. Says
    /// whether it was there.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn create(path: impl Into<PathBuf>, sectors: u64) -> io::Result<(Self, bool)> {
        let path = path.into();
        let was_there = path.exists();
        let make = || {
            let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
            lock(&file)?;
            if file.metadata()?.len() < sectors * SECTOR_BYTES {
                file.set_len(sectors * SECTOR_BYTES)?;
            }
            file.sync_all()?;
            path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())?;
            Ok(file)
        };
        let file = make().map_err(|error| named(&path, &error))?;
        Ok((Self { file, path, keepers: RwLock::default() }, was_there))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many sectors it has.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn sectors(&self) -> io::Result<u64> {
        files::length(&self.file).map(|bytes| bytes / SECTOR_BYTES).map_err(|error| named(&self.path, &error))
    }

    /// Makes it as large as that, unless it is.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn grow(&self, sectors: u64) -> io::Result<()> {
        let grow = || match files::length(&self.file)? < sectors * SECTOR_BYTES {
            true => self.file.set_len(sectors * SECTOR_BYTES),
            false => Ok(()),
        };
        grow().map_err(|error| named(&self.path, &error))
    }

    /// The runs in a range that are not zeroes, sorted. Holes are not looked at.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn runs(&self, range: SectorRange) -> io::Result<Vec<Change<Data>>> {
        scan::runs(&self.file, range).map_err(|error| named(&self.path, &error))
    }

    /// Fills `into` with what it holds from byte `at` on.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at).map_err(|error| named(&self.path, &error))
    }

    /// Writes changes and makes them durable.
    ///
    /// # Errors
    /// What the system says, with the name of the file. Then nobody knows how much of it was written.
    pub fn write(&self, changes: &[Change<Data>]) -> io::Result<()> {
        let keepers = self.keepers.read().unwrap_or_else(PoisonError::into_inner);
        let keep = |change: &Change<Data>| {
            keepers.iter().try_for_each(|keeper| keeper.keep(change.range(), |at, into| self.read(at, into)))
        };
        self.write_gathered(changes, keep)?;
        drop(keepers);
        self.sync()
    }

    /// Writes changes to a disk that nobody reads yet. They are durable after [`Disk::sync`].
    ///
    /// # Errors
    /// As [`Disk::write`].
    pub fn write_loosely(&self, changes: &[Change<Data>]) -> io::Result<()> {
        self.write_gathered(changes, |_| Ok(()))
    }

    /// Writes changes in order, neighbours at once, and does something before each of them.
    fn write_gathered(
        &self,
        changes: &[Change<Data>],
        first: impl Fn(&Change<Data>) -> io::Result<()>,
    ) -> io::Result<()> {
        belt::carry(
            |belt| gather::load(changes, |change| self.will_write(change), first, &belt),
            |load| match load {
                Load::Bytes(at, bytes) => self.file.write_all_at(bytes.as_ref(), *at),
                Load::Zeroes(at, bytes) => files::make_zero(&self.file, *at, *bytes, true),
            },
            || self.file.sync_data(),
        )
        .map_err(|error| named(&self.path, &error))
    }

    /// A change will be written soon. Pages that it does not fill have to be read first, and hardly a write of a machine begins and
    /// ends where pages do.
    fn will_write(&self, change: &Change<Data>) {
        const PAGE_BYTES: u64 = 4096;
        let (start, end) = (change.start * SECTOR_BYTES, change.range().end * SECTOR_BYTES);
        for edge in [start, end].into_iter().filter(|edge| edge % PAGE_BYTES != 0) {
            files::will_need(&self.file, edge - edge % PAGE_BYTES, PAGE_BYTES);
        }
    }

    /// Makes everything durable that was written.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data().map_err(|error| named(&self.path, &error))
    }

    /// From now on somebody keeps what is about to be written over.
    pub fn keep_for(&self, keeper: &Arc<Keeper>) {
        self.keepers.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(keeper));
    }

    /// Nobody needs what a keeper would keep.
    pub fn keep_no_longer(&self, keeper: &Arc<Keeper>) {
        self.keepers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|other| !Arc::ptr_eq(other, keeper));
    }

    /// The whole sectors of a range for which nothing is kept, sorted.
    pub(crate) fn holes(&self, range: SectorRange) -> io::Result<Vec<SectorRange>> {
        let mut at = range.start * SECTOR_BYTES;
        let mut holes = Vec::new();
        for (bytes, is_hole) in self.allocated(at, range.sectors() * SECTOR_BYTES)? {
            let hole = SectorRange { start: at.div_ceil(SECTOR_BYTES), end: (at + bytes) / SECTOR_BYTES };
            holes.extend((is_hole && !hole.is_empty()).then_some(hole));
            at += bytes;
        }
        Ok(holes)
    }

    /// Writes bytes where a machine does: nobody keeps anything for that.
    pub(crate) fn write_as_machine(&self, at: u64, bytes: &Bytes) -> io::Result<()> {
        self.file.write_all_at(bytes, at).map_err(|error| named(&self.path, &error))
    }

    /// Makes a range zeroes where a machine does, which may want it to keep its room.
    pub(crate) fn zero_as_machine(&self, at: u64, bytes: u64, may_punch: bool) -> io::Result<()> {
        files::make_zero(&self.file, at, bytes, may_punch).map_err(|error| named(&self.path, &error))
    }

    /// How a range is kept: how long each run is, in bytes, and whether it is a hole.
    pub(crate) fn allocated(&self, at: u64, bytes: u64) -> io::Result<Vec<(u64, bool)>> {
        files::allocated(&self.file, at, bytes).map_err(|error| named(&self.path, &error))
    }
}

/// How often a disk is tried that somebody has open, and how long after each other: a read that was begun before a machine was
/// stopped may still be under way.
const LOCK_TRIES: u32 = 100;
const LOCK_EVERY: Duration = Duration::from_millis(10);

/// Nobody else locks it for as long as it is open.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_EVERY),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "somebody else has the disk open"))
}

fn look(file: &File) -> io::Result<Look> {
    let metadata = file.metadata()?;
    let written_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    Ok(Look { bytes: files::length(file)?, written_ns: if metadata.is_file() { written_ns } else { 0 } })
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The disks of a node.
#[derive(Debug, Default)]
pub struct Disks {
    known: RwLock<BTreeMap<DiskRef, Arc<Disk>>>,
}

impl Disks {
    /// A disk is there from now on, under that name.
    pub fn put(&self, name: DiskRef, disk: Arc<Disk>) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(name, disk);
    }

    /// A disk is there no longer.
    pub fn take_away(&self, name: DiskRef) -> Option<Arc<Disk>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(&name)
    }

    /// A disk.
    #[must_use]
    pub fn get(&self, name: DiskRef) -> Option<Arc<Disk>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&name).map(Arc::clone)
    }

    /// What a role is told of a read.
    ///
    /// # Errors
    /// The disk is not there, or does not do what is asked of it.
    pub fn read(&self, name: DiskRef, range: SectorRange) -> Result<Vec<Change<Data>>, StorageError> {
        self.with(name, |disk| disk.runs(range))
    }

    /// What a role is told of a write.
    ///
    /// # Errors
    /// The disk is not there, or does not do what is asked of it.
    pub fn write(&self, name: DiskRef, changes: &[Change<Data>]) -> Result<(), StorageError> {
        self.with(name, |disk| disk.write(changes))
    }

    fn with<T>(&self, name: DiskRef, act: impl FnOnce(&Disk) -> io::Result<T>) -> Result<T, StorageError> {
        let disk = self.get(name).ok_or(StorageError::Gone)?;
        act(&disk).map_err(|error| {
            tracing::warn!(?name, %error, "a disk does not do what is asked of it");
            storage_error(&error)
        })
    }
}
