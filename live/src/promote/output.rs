//! The file of an image: written past the page cache where that goes, as nobody reads it there.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;

use crate::belt::ALIGNMENT;

/// A file that is written whole blocks at a time, and sometimes less.
pub(super) struct Output<'f> {
    file: &'f File,
    /// The same file past the page cache.
    direct: Option<File>,
    /// It took no write that way: what the file system says only when it is tried.
    is_refused: AtomicBool,
}

impl<'f> Output<'f> {
    /// To a file that has this name.
    pub(super) fn to(file: &'f File, path: &Path) -> Self {
        let flags = OFlags::DIRECT.bits() as i32;
        let direct = File::options().write(true).custom_flags(flags).open(path).ok();
        Self { file, direct, is_refused: AtomicBool::new(false) }
    }

    /// Writes bytes at a place.
    pub(super) fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let is_aligned = [bytes.as_ptr().addr(), bytes.len(), at as usize].iter().all(|n| n % ALIGNMENT == 0);
        if let Some(direct) =
            self.direct.as_ref().filter(|_| is_aligned && !self.is_refused.load(Ordering::Relaxed))
        {
            match direct.write_all_at(bytes, at) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    self.is_refused.store(true, Ordering::Relaxed);
                }
                result => return result,
            }
        }
        self.file.write_all_at(bytes, at)
    }

    /// Makes durable what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_blocks_and_what_is_none_are_written_side_by_side() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let output = Output::to(file.as_file(), file.path());
        let mut buffer = crate::belt::Buffer::default();
        buffer.resize(3 * ALIGNMENT);
        buffer.as_mut().fill(7);
        output.write(buffer.as_ref(), 2 * ALIGNMENT as u64).unwrap();
        output.write(&buffer.as_ref()[..513], 100).unwrap();
        output.write(&buffer.as_ref()[1..], 10 * ALIGNMENT as u64).unwrap();
        output.sync().unwrap();
        let written = std::fs::read(file.path()).unwrap();
        let set: Vec<usize> = (0..written.len()).filter(|at| written[*at] == 7).collect();
        let expected =
            (100..613).chain(2 * ALIGNMENT..5 * ALIGNMENT).chain(10 * ALIGNMENT..13 * ALIGNMENT - 1);
        assert_eq!(set, expected.collect::<Vec<_>>());
    }
}
