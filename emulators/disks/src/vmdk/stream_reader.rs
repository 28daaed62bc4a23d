//! A stream that comes in, in pieces of any length: what is not yet whole is kept, and grains are given as they come.
//!
//! Tables, directory and footer are not needed by who reads from front to back, and are passed over.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::descriptor::VmdkError;
use super::layout::{COMPRESSED, MAGIC, MARKERS, SECTOR, long_at, word_at};
use switchback_engine::content::SECTOR_BYTES;

/// The largest grain that is read, in sectors: usual are 128. What comes packed may be hundreds of times as long.
const GRAIN_MAX: u64 = 256;
/// What a marker says before its data.
const MARKER_BYTES: usize = 12;

/// What a stream says of part of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grain {
    /// Where it lies, in bytes.
    pub at: u64,
    /// What it holds.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes are of no interest.
    Skips(u64),
    Marker,
    Over,
}

/// Reads a stream.
#[derive(Debug, Clone)]
pub struct StreamReader {
    state: State,
    kept: Vec<u8>,
    capacity: u64,
    grain: u64,
}

impl Default for StreamReader {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamReader {
    /// Nothing has come yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Head, kept: Vec::new(), capacity: 0, grain: 0 }
    }

    /// How long the disk is, as soon as that is known.
    #[must_use]
    pub const fn disk_bytes(&self) -> Option<u64> {
        match self.state {
            State::Head => None,
            _ => Some(self.capacity * SECTOR_BYTES),
        }
    }

    /// More has come: the grains that are whole now.
    ///
    /// # Errors
    /// [`VmdkError`]; then nothing more is to be read.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Grain>, VmdkError> {
        self.kept.extend_from_slice(bytes);
        let mut grains = Vec::new();
        let mut at = 0;
        while let Some(used) = self.step(at, &mut grains)? {
            at += used;
        }
        self.kept.drain(..at);
        Ok(grains)
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// [`VmdkError::CutOff`] when something is not whole.
    pub fn finish(&self) -> Result<(), VmdkError> {
        match self.state {
            State::Over => Ok(()),
            // Some tools leave the marker of the end out.
            State::Marker | State::Skips(0) if self.kept.is_empty() => Ok(()),
            _ => Err(VmdkError::CutOff),
        }
    }

    /// Reads one thing from `at`, if it is whole: how long it was.
    fn step(&mut self, at: usize, grains: &mut Vec<Grain>) -> Result<Option<usize>, VmdkError> {
        let here = &self.kept[at..];
        match self.state {
            State::Over => Ok((!here.is_empty()).then_some(here.len())),
            State::Skips(left) => {
                let used = left.min(here.len() as u64);
                let left = left - used;
                self.state = if left == 0 { State::Marker } else { State::Skips(left) };
                Ok((used > 0 || left == 0).then_some(used as usize))
            }
            State::Head if here.len() < SECTOR => Ok(None),
            State::Head => {
                let (capacity, grain, overhead) = head(here)?;
                (self.capacity, self.grain) = (capacity, grain);
                self.state = State::Skips(overhead.saturating_sub(1).saturating_mul(SECTOR_BYTES));
                Ok(Some(SECTOR))
            }
            State::Marker if here.len() < SECTOR => Ok(None),
            State::Marker => match word_at(here, 8) {
                0 => {
                    let sectors = long_at(here, 0);
                    let is_end = sectors == 0 || word_at(here, MARKER_BYTES) == 0;
                    let skips = State::Skips(sectors.saturating_mul(SECTOR_BYTES));
                    self.state = if is_end { State::Over } else { skips };
                    Ok(Some(SECTOR))
                }
                packed => self.data(at, packed as usize, grains),
            },
        }
    }

    fn data(
        &mut self,
        at: usize,
        packed: usize,
        grains: &mut Vec<Grain>,
    ) -> Result<Option<usize>, VmdkError> {
        let here = &self.kept[at..];
        let sector = long_at(here, 0);
        let fault = |what| VmdkError::Grain { sector, what };
        let length = self.grain as usize * SECTOR;
        if sector >= self.capacity || !sector.is_multiple_of(self.grain) {
            return Err(fault("does not lie on the disk"));
        }
        if packed > 2 * length + SECTOR {
            return Err(fault("is longer than it can be"));
        }
        let whole = (MARKER_BYTES + packed).next_multiple_of(SECTOR);
        if here.len() < whole {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(length);
        let decoder = ZlibDecoder::new(&here[MARKER_BYTES..MARKER_BYTES + packed]);
        let read = decoder.take(length as u64 + 1).read_to_end(&mut bytes);
        if read.is_err() || bytes.len() > length || bytes.is_empty() {
            return Err(fault("cannot be unpacked"));
        }
        bytes.truncate(((self.capacity - sector) * SECTOR_BYTES).min(length as u64) as usize);
        grains.push(Grain { at: sector * SECTOR_BYTES, bytes });
        Ok(Some(whole))
    }
}

/// Size, grain and what lies before the first grain, in sectors.
fn head(head: &[u8]) -> Result<(u64, u64, u64), VmdkError> {
    let flags = word_at(head, 8);
    let (capacity, grain, overhead) = (long_at(head, 12), long_at(head, 20), long_at(head, 64));
    match () {
        () if word_at(head, 0) != MAGIC => Err(VmdkError::NotAStream("there is no head")),
        () if flags & COMPRESSED == 0 || flags & MARKERS == 0 => {
            Err(VmdkError::NotAStream("grains are not compressed behind markers"))
        }
        () if !(1..=GRAIN_MAX).contains(&grain) || !grain.is_power_of_two() => {
            Err(VmdkError::NotAStream("grains have no size that they can have"))
        }
        () if capacity > u64::MAX / SECTOR_BYTES => Err(VmdkError::NotAStream("the disk is too large")),
        () => Ok((capacity, grain, overhead)),
    }
}
