//! The recording: its format, and the disks as they are while it is made. `docs/guide/real-file-systems.md` describes the format.
//!
//! Knows nothing of how requests arrive.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

/// Bytes of a block of first content.
pub const BLOCK: usize = 4096;
/// Bytes of a sector.
pub const SECTOR: usize = 512;

const MAGIC: &[u8; 8] = b"SWBKREC1";
const END: u8 = 0;
const WRITE: u8 = 1;
const FLUSH: u8 = 2;
const MARK: u8 = 3;

/// A recording that is being made.
pub struct Recording {
    out: Box<dyn Write + Send>,
    disks: Vec<Vec<u8>>,
    began: Instant,
    ended: bool,
}

/// The recording, when it is nobody else's turn.
///
/// # Errors
/// A thread that held it has panicked.
pub fn locked(recording: &Mutex<Recording>) -> io::Result<MutexGuard<'_, Recording>> {
    recording.lock().map_err(|_| io::Error::other("the recording was left half written"))
}

impl Recording {
    /// Begins with what the disks hold; their sizes are whole blocks.
    ///
    /// # Errors
    /// Of the file that is written.
    #[expect(clippy::disallowed_methods, reason = "a recording notes when things happened")]
    pub fn begin(mut out: Box<dyn Write + Send>, disks: Vec<Vec<u8>>) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&(disks.len() as u32).to_le_bytes())?;
        for disk in &disks {
            let is_used = |(_, block): &(usize, &[u8])| block.iter().any(|byte| *byte != 0);
            let used: Vec<_> = disk.chunks(BLOCK).enumerate().filter(is_used).collect();
            out.write_all(&((disk.len() / SECTOR) as u64).to_le_bytes())?;
            out.write_all(&(used.len() as u32).to_le_bytes())?;
            for (at, block) in used {
                out.write_all(&(at as u32).to_le_bytes())?;
                out.write_all(block)?;
            }
        }
        Ok(Self { out, disks, began: Instant::now(), ended: false })
    }

    /// The size of a disk in bytes, if there is one of that number.
    pub fn size(&self, disk: usize) -> Option<u64> {
        self.disks.get(disk).map(|disk| disk.len() as u64)
    }

    /// What a range of a disk holds; `None` if it is not on the disk.
    pub fn read(&self, disk: usize, from: u64, bytes: u32) -> Option<&[u8]> {
        let from = usize::try_from(from).ok()?;
        self.disks.get(disk)?.get(from..from.checked_add(bytes as usize)?)
    }

    /// Notes a write and carries it out; false if it is not whole sectors of the disk.
    ///
    /// # Errors
    /// Of the file that is written.
    pub fn write(&mut self, disk: usize, from: u64, payload: &[u8]) -> io::Result<bool> {
        let is_whole = from.is_multiple_of(SECTOR as u64) && payload.len().is_multiple_of(SECTOR);
        if !is_whole || self.read(disk, from, payload.len() as u32).is_none() {
            return Ok(false);
        }
        let place = (from / SECTOR as u64).to_le_bytes();
        let sectors = ((payload.len() / SECTOR) as u32).to_le_bytes();
        self.note(WRITE, &[&[disk as u8], &place, &sectors, payload])?;
        self.disks[disk][from as usize..][..payload.len()].copy_from_slice(payload);
        Ok(true)
    }

    /// Notes that everything completed before is durable on a disk.
    ///
    /// # Errors
    /// Of the file that is written.
    pub fn flush(&mut self, disk: usize) -> io::Result<()> {
        self.note(FLUSH, &[&[disk as u8]])
    }

    /// Notes what an application said.
    ///
    /// # Errors
    /// Of the file that is written.
    pub fn mark(&mut self, text: &str) -> io::Result<()> {
        let text = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
        self.note(MARK, &[&(text.len() as u16).to_le_bytes(), text])
    }

    /// Ends it: what happens from now on is not in it.
    ///
    /// # Errors
    /// Of the file that is written.
    pub fn end(&mut self) -> io::Result<()> {
        self.ended = true;
        self.out.write_all(&[END])?;
        self.out.flush()
    }

    /// Nothing, once it has ended.
    fn note(&mut self, kind: u8, parts: &[&[u8]]) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        let micros = self.began.elapsed().as_micros() as u64;
        self.out.write_all(&[kind])?;
        self.out.write_all(&micros.to_le_bytes())?;
        parts.iter().try_for_each(|part| self.out.write_all(part))
    }
}
