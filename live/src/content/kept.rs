//! A packed frame, from when it comes until nothing needs it: first in memory, then in a segment of the store.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchback_engine::Change;
use switchback_engine::batch::Corrupt;
use switchback_engine::content::PackedIndex;

use super::Data;
use crate::store::Segment;

const FRAME_BYTES: u64 = PackedIndex::FRAME_BYTES as u64;

/// A packed frame.
#[derive(Debug)]
pub struct KeptFrame {
    index: FrameIndex,
    body: Mutex<Where>,
}

/// What must be known of a packed body to read a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameIndex {
    /// CRC-32C of the whole body.
    pub checksum: u32,
    /// How long the body is, in bytes.
    pub body_bytes: u32,
    /// How long its payload is, in bytes.
    pub payload_bytes: u64,
    /// For each 64 KiB of the payload: where they begin in the body, and the CRC-32C of what they are packed to.
    pub frames: Box<[(u32, u32)]>,
}

#[derive(Debug, Clone)]
enum Where {
    Memory(Bytes),
    File(Place),
}

/// A place in a store.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which segment.
    pub segment: Arc<Segment>,
    /// Where the body begins in it, in bytes.
    pub at: u64,
}

impl KeptFrame {
    /// Takes a body as it came, and gives the changes in it: each knows its place, and none was unpacked.
    ///
    /// # Errors
    /// [`Corrupt`] when it is not what was packed.
    pub fn changes(body: Bytes, checksum: u32) -> Result<Arc<[Change<Data>]>, Corrupt> {
        let (frame, packed) = Self::in_memory(body, checksum)?;
        Ok(packed
            .changes
            .iter()
            .map(|change| Change {
                start: change.start,
                sectors: change.sectors,
                content: change
                    .payload_at
                    .map_or(Data::Zeroes, |at| Data::Kept { frame: Arc::clone(&frame), at }),
            })
            .collect())
    }

    fn in_memory(body: Bytes, checksum: u32) -> Result<(Arc<Self>, PackedIndex), Corrupt> {
        let found = crc32c::crc32c(&body);
        if found != checksum {
            return Err(Corrupt::Checksum { found, expected: checksum });
        }
        let body_bytes = u32::try_from(body.len()).map_err(|_| Corrupt::Malformed { at: body.len() })?;
        let packed = PackedIndex::of(&body)?;
        let ends = packed.frames.iter().skip(1).copied().chain([body_bytes]);
        let frames = packed.frames.iter().zip(ends);
        let frames = frames.map(|(at, end)| (*at, crc32c::crc32c(&body[*at as usize..end as usize])));
        let index = FrameIndex {
            checksum,
            body_bytes,
            payload_bytes: packed.payload_bytes,
            frames: frames.collect(),
        };
        Ok((Arc::new(Self { index, body: Mutex::new(Where::Memory(body)) }), packed))
    }

    /// One that lies in a store already.
    #[must_use]
    pub fn at(index: FrameIndex, place: Place) -> Arc<Self> {
        Arc::new(Self { index, body: Mutex::new(Where::File(place)) })
    }

    /// What is known of it.
    #[must_use]
    pub const fn index(&self) -> &FrameIndex {
        &self.index
    }

    /// The packed body.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written.
    pub fn body(&self) -> io::Result<Bytes> {
        match self.place_or_body() {
            Where::Memory(body) => Ok(body),
            Where::File(place) => {
                let mut body = vec![0; self.index.body_bytes as usize];
                place.segment.read(place.at, &mut body)?;
                if crc32c::crc32c(&body) != self.index.checksum {
                    return Err(place.segment.damaged(place.at));
                }
                Ok(body.into())
            }
        }
    }

    /// Where it lies in a store; `None` while it is only in memory.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self.place_or_body() {
            Where::Memory(_) => None,
            Where::File(place) => Some(place),
        }
    }

    /// It was written down: memory is given back.
    pub(crate) fn settle(&self, place: Place) {
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = Where::File(place);
    }

    /// So many bytes of the payload from byte `at` on will be read soon.
    pub fn will_need(&self, at: u64, bytes: u64) {
        let Where::File(place) = self.place_or_body() else { return };
        let begins = |number: u64| {
            let frame = usize::try_from(number).ok().and_then(|number| self.index.frames.get(number));
            frame.map_or(self.index.body_bytes, |(begins, _)| *begins)
        };
        let (from, until) = (begins(at / FRAME_BYTES), begins((at + bytes).div_ceil(FRAME_BYTES)));
        place.segment.will_need(place.at + u64::from(from), u64::from(until.saturating_sub(from)));
    }

    /// Fills `into` with the payload from byte `at` on.
    ///
    /// # Errors
    /// It does not reach as far, cannot be read, or is not what was written.
    pub fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        if at + into.len() as u64 > self.index.payload_bytes {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a frame holds less than is asked of it",
            ));
        }
        let body = self.place_or_body();
        let mut at = at;
        let mut rest = into;
        while !rest.is_empty() {
            let (number, skip) = (at / FRAME_BYTES, (at % FRAME_BYTES) as usize);
            let held = FRAME_BYTES.min(self.index.payload_bytes - number * FRAME_BYTES) as usize;
            let (now, later) = rest.split_at_mut(rest.len().min(held - skip));
            match &body {
                _ if now.len() == held => self.unpack(&body, number as usize, now)?,
                Where::File(place) => {
                    now.copy_from_slice(&self.cached(place, number, held)?[skip..][..now.len()])
                }
                Where::Memory(_) => {
                    let mut frame = vec![0; held];
                    self.unpack(&body, number as usize, &mut frame)?;
                    now.copy_from_slice(&frame[skip..][..now.len()]);
                }
            }
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }

    fn cached(&self, place: &Place, number: u64, held: usize) -> io::Result<Arc<[u8]>> {
        let (offset, _) = self.index.frames[number as usize];
        let key = (place.segment.number(), place.at + u64::from(offset));
        if let Some(frame) = place.segment.cache().get(key) {
            return Ok(frame);
        }
        // Unpacked where it will stay.
        let mut frame: Arc<[u8]> = std::iter::repeat_n(0, held).collect();
        if let Some(into) = Arc::get_mut(&mut frame) {
            self.unpack(&Where::File(place.clone()), number as usize, into)?;
        }
        place.segment.cache().put(key, Arc::clone(&frame));
        Ok(frame)
    }

    fn unpack(&self, body: &Where, number: usize, into: &mut [u8]) -> io::Result<()> {
        let (at, checksum) = self.index.frames[number];
        let end = self.index.frames.get(number + 1).map_or(self.index.body_bytes, |(next, _)| *next);
        match body {
            Where::Memory(body) => PackedIndex::unpack_frame(&body[at as usize..end as usize], into)
                .map_err(|corrupt| io::Error::new(io::ErrorKind::InvalidData, corrupt)),
            Where::File(place) => {
                let mut packed = vec![0; (end - at) as usize];
                let from = place.at + u64::from(at);
                place.segment.read(from, &mut packed)?;
                let is_whole = crc32c::crc32c(&packed) == checksum;
                let unpacked = is_whole && PackedIndex::unpack_frame(&packed, into).is_ok();
                if unpacked { Ok(()) } else { Err(place.segment.damaged(from)) }
            }
        }
    }

    fn place_or_body(&self) -> Where {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
