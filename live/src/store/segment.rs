//! Segments: the files of a store.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{SharedSegment, StoreError};
use crate::content::FrameCache;

/// What a segment begins with. The last two bytes are the version of the format.
const MAGIC: [u8; 8] = *b"SWBKLG01";
/// How long the header of a segment is, in bytes: the magic, flags (4), nothing (4).
pub(super) const HEADER_BYTES: u64 = 16;
/// It begins anew.
const BEGINS_ANEW: u32 = 1;
/// It is known to be durable to its end mark.
const FINISHED: u32 = 2;

/// Where the flags stand in a header.
const FLAGS_AT: u64 = 8;

/// How a segment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning {
    /// What is before it is superfluous, once its end mark is there.
    pub(super) is_anew: bool,
    /// Its end mark was there.
    pub(super) is_finished: bool,
}

/// A file of a store.
#[derive(Debug)]
pub struct Segment {
    number: u64,
    file: File,
    path: PathBuf,
    cache: Arc<FrameCache>,
}

impl Segment {
    /// Its number. Later ones have higher numbers, and none comes twice.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn cache(&self) -> &FrameCache {
        &self.cache
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills `into` from byte `at` on.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at).map_err(|error| {
            io::Error::new(error.kind(), format!("{}, at byte {at}: {error}", self.path.display()))
        })
    }

    /// So many bytes from byte `at` on will be read soon: the system may fetch them already.
    pub(crate) fn will_need(&self, at: u64, bytes: u64) {
        crate::files::will_need(&self.file, at, bytes);
    }

    /// The error of something in it that is not what was written.
    pub(crate) fn damaged(&self, at: u64) -> io::Error {
        let what = format!("{}: the frame at byte {at} is not what was written", self.path.display());
        io::Error::new(io::ErrorKind::InvalidData, what)
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// What it begins anew with is durable: from now on it is damaged when that is not whole.
    pub(super) fn finish(&self) -> io::Result<()> {
        self.file.write_all_at(&(BEGINS_ANEW | FINISHED).to_le_bytes(), FLAGS_AT)?;
        self.file.sync_data()
    }

    /// Deletes it. One that cannot be deleted now is deleted at the next start.
    pub(super) fn delete(&self) {
        if let Err(error) = self.remove() {
            tracing::warn!(path = %self.path.display(), %error, "a segment cannot be deleted");
        }
    }

    /// Removes it, unless it is gone already.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }
}

/// The segments of a store.
#[derive(Debug)]
pub struct Segments {
    directory: PathBuf,
    cache: Arc<FrameCache>,
}

impl Segments {
    pub(super) const fn new(directory: PathBuf, cache: Arc<FrameCache>) -> Self {
        Self { directory, cache }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The numbers of those that are there, in order.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, StoreError> {
        let entries = std::fs::read_dir(&self.directory).map_err(StoreError::io(&self.directory))?;
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(StoreError::io(&self.directory))?.file_name();
            numbers.extend(
                name.to_str().and_then(|name| name.strip_suffix(".log")).and_then(|n| n.parse::<u64>().ok()),
            );
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(super) fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:08}.log"))
    }

    /// Makes a new one. Nothing of it is durable yet.
    pub(super) fn create(&self, number: u64, begins_anew: bool) -> io::Result<SharedSegment> {
        let path = self.path(number);
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        let mut header = [0; HEADER_BYTES as usize];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&(if begins_anew { BEGINS_ANEW } else { 0 }).to_le_bytes());
        file.write_all_at(&header, 0)?;
        Ok(self.segment(number, file, path))
    }

    /// Removes one, unless it is gone already.
    pub(super) fn remove(&self, number: u64) -> io::Result<()> {
        remove(&self.path(number))
    }

    /// Opens one; `None` if not even its header was written.
    pub(super) fn open(&self, number: u64) -> Result<Option<(SharedSegment, Beginning)>, StoreError> {
        let path = self.path(number);
        let io = || StoreError::io(&path);
        let file = File::options().read(true).write(true).open(&path).map_err(io())?;
        let mut header = [0; HEADER_BYTES as usize];
        match file.read_exact_at(&mut header, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            result => result.map_err(io())?,
        }
        if header[..8] != MAGIC {
            let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
            return Err(StoreError::Foreign { path, expected: shown(&MAGIC), found: shown(&header[..8]) });
        }
        let flags = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let is_finished = flags & FINISHED != 0;
        let beginning = Beginning { is_anew: flags & BEGINS_ANEW != 0, is_finished };
        Ok(Some((self.segment(number, file, path), beginning)))
    }

    fn segment(&self, number: u64, file: File, path: PathBuf) -> SharedSegment {
        let cache = Arc::clone(&self.cache);
        Arc::new(Segment { number, file, path, cache })
    }

    /// Makes the names of the segments durable.
    pub(super) fn sync_names(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
