//! A recording of two disks, as `tools/record-disk` makes it: what they held at first, every write in the order in which it was
//! completed, and how many transactions the databases had promised to keep by then.
//!
//! Knows nothing of replication, and nothing of what the bytes mean.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use thiserror::Error;

/// Bytes of a block of first content.
const BLOCK: usize = 4096;
/// Bytes of a sector.
pub const SECTOR: usize = 512;
const MAGIC: &[u8] = b"SWBKREC1";

/// Why a recording cannot be read.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The file, or the program that unpacks it.
    #[error("{path}: {what}")]
    Unpack { path: String, what: String },
    /// It is no recording, or not a whole one.
    #[error("at byte {at}: expected {expected}, found {found}")]
    Malformed { at: usize, expected: &'static str, found: String },
}

/// A write.
#[derive(Debug, Clone)]
pub struct Write {
    /// Which disk.
    pub disk: u8,
    /// First sector.
    pub start: u64,
    /// When it was completed, since the beginning.
    pub at: Duration,
    /// Where its payload lies in the recording.
    payload: Range<usize>,
}

/// A whole recording.
#[derive(Debug)]
pub struct Recording {
    bytes: Vec<u8>,
    /// Sizes of the disks in sectors.
    pub disks: Vec<u64>,
    /// For each disk, where the content of each used block lies in the recording.
    first: Vec<BTreeMap<u32, usize>>,
    /// All writes of all disks, in one order.
    pub writes: Vec<Write>,
    /// Who had promised how many transactions when how many writes were complete.
    promises: Vec<(usize, String, u64)>,
    /// How many flushes there were.
    pub flushes: usize,
}

impl Recording {
    /// Unpacks (with `xz`) and reads a recording.
    pub fn load(path: &Path) -> Result<Self, RecordingError> {
        let failed = |what: String| RecordingError::Unpack { path: path.display().to_string(), what };
        let unpacked = Command::new("xz").arg("-dc").arg(path).stderr(Stdio::piped()).output();
        let unpacked = unpacked.map_err(|error| failed(format!("xz: {error}")))?;
        if !unpacked.status.success() {
            return Err(failed(String::from_utf8_lossy(&unpacked.stderr).into_owned()));
        }
        Self::read(unpacked.stdout)
    }

    /// Reads a recording.
    pub fn read(bytes: Vec<u8>) -> Result<Self, RecordingError> {
        let mut recording = Self {
            bytes: Vec::new(),
            disks: Vec::new(),
            first: Vec::new(),
            writes: Vec::new(),
            promises: Vec::new(),
            flushes: 0,
        };
        let mut reader = Reader { bytes: &bytes, at: 0 };
        let magic = reader.take(MAGIC.len(), "SWBKREC1")?;
        if magic != (0..MAGIC.len()) || &bytes[magic] != MAGIC {
            return Err(malformed(0, "SWBKREC1", "something else"));
        }
        for _ in 0..reader.number::<4>("a number of disks")? {
            recording.read_first(&mut reader)?;
        }
        while recording.read_event(&mut reader)? {}
        recording.bytes = bytes;
        Ok(recording)
    }

    fn read_first(&mut self, reader: &mut Reader<'_>) -> Result<(), RecordingError> {
        self.disks.push(reader.number::<8>("a size in sectors")?);
        let mut blocks = BTreeMap::new();
        for _ in 0..reader.number::<4>("a number of blocks")? {
            let block = reader.number::<4>("the number of a block")? as u32;
            blocks.insert(block, reader.take(BLOCK, "a block")?.start);
        }
        self.first.push(blocks);
        Ok(())
    }

    fn read_event(&mut self, reader: &mut Reader<'_>) -> Result<bool, RecordingError> {
        let began = reader.at;
        let kind = reader.number::<1>("an event, or the end")?;
        if kind == 0 {
            return Ok(false);
        }
        let at = Duration::from_micros(reader.number::<8>("a time")?);
        match kind {
            1 => {
                let disk = reader.number::<1>("a disk")? as u8;
                let start = reader.number::<8>("a sector")?;
                let sectors = reader.number::<4>("a length")?;
                let payload = reader.take(sectors as usize * SECTOR, "a payload")?;
                let size = self.disks.get(usize::from(disk)).copied().unwrap_or_default();
                if start.checked_add(sectors).is_none_or(|end| end > size) || sectors == 0 {
                    let found = format!("{sectors} sectors at {start} of disk {disk} of {size} sectors");
                    return Err(malformed(began, "a write inside its disk", &found));
                }
                self.writes.push(Write { disk, start, at, payload });
            }
            2 => {
                reader.number::<1>("a disk")?;
                self.flushes += 1;
            }
            3 => {
                let length = reader.number::<2>("a length")? as usize;
                let text =
                    String::from_utf8_lossy(&reader.bytes[reader.take(length, "a mark")?]).into_owned();
                let promise = text.split_once(' ').and_then(|(who, n)| Some((who, n.parse().ok()?)));
                let (who, count) = promise.ok_or_else(|| malformed(began, "a name and a number", &text))?;
                self.promises.push((self.writes.len(), who.to_owned(), count));
            }
            other => return Err(malformed(began, "an event", &other.to_string())),
        }
        Ok(true)
    }

    /// The bytes of a write, counted from 0.
    pub fn payload(&self, write: usize) -> &[u8] {
        &self.bytes[self.writes[write].payload.clone()]
    }

    /// Length of a write in sectors.
    pub fn sectors(&self, write: usize) -> u32 {
        (self.writes[write].payload.len() / SECTOR) as u32
    }

    /// A disk as it was at first.
    pub fn first_image(&self, disk: usize) -> Vec<u8> {
        let mut image = vec![0; self.disks[disk] as usize * SECTOR];
        for (block, at) in &self.first[disk] {
            image[*block as usize * BLOCK..][..BLOCK].copy_from_slice(&self.bytes[*at..*at + BLOCK]);
        }
        image
    }

    /// How many transactions somebody had promised to keep when the first `writes` writes were complete.
    pub fn promised(&self, who: &str, writes: usize) -> u64 {
        let mine = self.promises.iter().filter(|(at, name, _)| *at <= writes && name == who);
        mine.map(|(_, _, count)| *count).max().unwrap_or(0)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, length: usize, expected: &'static str) -> Result<Range<usize>, RecordingError> {
        let left = self.bytes.len() - self.at;
        if length > left {
            return Err(malformed(self.at, expected, &format!("{left} bytes and the end")));
        }
        self.at += length;
        Ok(self.at - length..self.at)
    }

    /// A little-endian number of `N` bytes.
    fn number<const N: usize>(&mut self, expected: &'static str) -> Result<u64, RecordingError> {
        let place = self.take(N, expected)?;
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&self.bytes[place]);
        Ok(u64::from_le_bytes(bytes))
    }
}

fn malformed(at: usize, expected: &'static str, found: &str) -> RecordingError {
    RecordingError::Malformed { at, expected, found: found.to_owned() }
}
