//! Real bytes, and how they are packed for the wire.
//!
//! # The packed body
//! All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | how many changes |
//! | 16 for each change | first sector (8), sectors (4), flags (4): bit 0 says zeroes, the others are 0 |
//! | for each frame | its length as stored (4), bit 31 set if stored as it was; then as many bytes |
//!
//! The payloads of all changes that are not zeroes are one string of bytes, cut into frames of 64 KiB (the last
//! may be shorter), each compressed for itself with LZ4 or, if that does not make it shorter, kept as it was.
//! Headers come first so that a reader knows how much there is to unpack before it unpacks anything, and small
//! changes share a frame because LZ4 finds little in one of 4 KiB.

use core::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};

use super::{Body, Content, KeptChanges, SECTOR_BYTES};
use crate::batch::{CHANGE_HEADER_BYTES, Corrupt, Packed};
use crate::extent::Change;

mod index;

pub use index::{PackedChange, PackedIndex};

/// Payload bytes in a frame: larger ones compress no better, measured.
const FRAME_BYTES: usize = 64 * 1024;
/// Set in the stored length of a frame that did not shrink.
const STORED_AS_IT_WAS: u32 = 1 << 31;
/// Flag of a change that is zeroes and has no payload.
const ZEROES: u32 = 1;
/// LZ4 cannot make more than so many bytes of one, so a body cannot declare more than it could hold.
const LZ4_EXPANSION_MAX: usize = 255;

/// Real bytes: 512 for each sector of the run, or none at all for zeroes of whatever length the run has.
#[derive(Clone, PartialEq, Eq)]
pub struct Block(pub Bytes);

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0 => f.write_str("Block(zeroes)"),
            len => write!(f, "Block({len} bytes, xxh3 {:016x})", xxhash_rust::xxh3::xxh3_64(&self.0)),
        }
    }
}

impl Content for Block {
    type Kept = KeptChanges<Self>;

    fn keep(changes: &Arc<[Change<Self>]>) -> Self::Kept {
        KeptChanges::of(changes)
    }

    fn place(kept: &Self::Kept, number: u32, _: &Change<Self>) -> u64 {
        kept.place(number)
    }

    fn at(kept: &Self::Kept, place: u64, sectors: u32) -> Self {
        kept.at(place, sectors)
    }

    fn zero() -> Self {
        Self(Bytes::new())
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// # Panics
    /// If the part does not lie inside the bytes.
    fn part(&self, skip: u32, sectors: u32) -> Self {
        if self.is_zero() {
            return self.clone();
        }
        Self(self.0.slice(bytes_of(skip)..bytes_of(skip) + bytes_of(sectors)))
    }

    /// # Panics
    /// If there are fewer bytes.
    fn digest(&self, sectors: u32) -> u64 {
        if self.is_zero() {
            return 0;
        }
        let bytes = &self.0[..bytes_of(sectors)];
        if is_all_zero(bytes) { 0 } else { xxhash_rust::xxh3::xxh3_64(bytes) | 1 }
    }

    /// Bytes that are all zero are packed as zeroes: they are neither sent nor journaled.
    ///
    /// # Panics
    /// If a change has not as many bytes as its sectors need.
    fn pack(changes: Vec<Change<Self>>) -> Packed<Self> {
        let mut scratch = vec![0; get_maximum_output_size(FRAME_BYTES)];
        pack_body(&changes, |raw, body| pack_frame(raw, &mut scratch, body))
    }

    fn pack_plainly(changes: Vec<Change<Self>>) -> Packed<Self> {
        pack_body(&changes, store_frame)
    }

    fn unpack(packed: &Packed<Self>) -> Result<Arc<[Change<Self>]>, Corrupt> {
        let Body::Bytes(body) = &packed.body else {
            return Err(Corrupt::NotThisContent);
        };
        let found = crc32c::crc32c(body);
        if found != packed.checksum {
            return Err(Corrupt::Checksum { found, expected: packed.checksum });
        }
        let mut reader = Reader { body, at: 0 };
        let headers = reader.headers()?;
        let mut payload = Bytes::from(reader.payload(&headers)?);
        let change = |header: &Header| Change {
            start: header.start,
            sectors: header.sectors,
            content: Self(payload.split_to(header.payload_bytes())),
        };
        Ok(headers.iter().map(change).collect())
    }
}

/// As many bytes as so many sectors have.
const fn bytes_of(sectors: u32) -> usize {
    sectors as usize * SECTOR_BYTES as usize
}

/// Whether there is nothing but zero bytes, in chunks that the compiler turns into wide compares.
#[must_use]
pub fn is_all_zero(bytes: &[u8]) -> bool {
    const CHUNK: usize = 128;
    let chunks = bytes.chunks_exact(CHUNK);
    let rest = chunks.remainder();
    chunks.into_iter().all(|chunk| chunk.iter().fold(0, |seen, byte| seen | byte) == 0)
        && rest.iter().all(|byte| *byte == 0)
}

/// Packs changes, each of their frames as it is told to.
fn pack_body(changes: &[Change<Block>], frame: impl FnMut(&[u8], &mut Vec<u8>)) -> Packed<Block> {
    let payloads: Vec<&[u8]> = changes.iter().map(payload).collect();
    let raw_bytes: usize = payloads.iter().map(|payload| payload.len()).sum();
    let head_bytes = 4 + changes.len() * CHANGE_HEADER_BYTES as usize;
    let mut body = Vec::with_capacity(head_bytes + raw_bytes + 4 * raw_bytes.div_ceil(FRAME_BYTES));
    body.extend_from_slice(&(changes.len() as u32).to_le_bytes());
    for (change, payload) in changes.iter().zip(&payloads) {
        body.extend_from_slice(&change.start.to_le_bytes());
        body.extend_from_slice(&change.sectors.to_le_bytes());
        body.extend_from_slice(&u32::from(payload.is_empty()).to_le_bytes());
    }
    pack_frames(&payloads, &mut body, frame);
    let (wire_bytes, checksum) = (body.len() as u64, crc32c::crc32c(&body));
    Packed { body: Body::Bytes(body.into()), raw_bytes: raw_bytes as u64, wire_bytes, checksum }
}

/// What of a change has to be carried: nothing of zeroes.
fn payload(change: &Change<Block>) -> &[u8] {
    let bytes = &*change.content.0;
    if is_all_zero(bytes) {
        return &[];
    }
    assert_eq!(bytes.len(), bytes_of(change.sectors), "a change has bytes for its sectors");
    bytes
}

/// Cuts the payloads, taken as one string of bytes, into frames. Whole frames of one payload are taken where they lie.
fn pack_frames(payloads: &[&[u8]], body: &mut Vec<u8>, mut frame: impl FnMut(&[u8], &mut Vec<u8>)) {
    let mut open: Vec<u8> = Vec::with_capacity(FRAME_BYTES);
    for payload in payloads {
        let (begun, rest) = payload.split_at(payload.len().min((FRAME_BYTES - open.len()) % FRAME_BYTES));
        open.extend_from_slice(begun);
        if open.len() == FRAME_BYTES {
            frame(&open, body);
            open.clear();
        }
        let whole = rest.chunks_exact(FRAME_BYTES);
        open.extend_from_slice(whole.remainder());
        whole.for_each(|whole| frame(whole, body));
    }
    if !open.is_empty() {
        frame(&open, body);
    }
}

fn pack_frame(raw: &[u8], scratch: &mut [u8], body: &mut Vec<u8>) {
    match compress_into(raw, scratch) {
        Ok(length) if length < raw.len() => {
            body.extend_from_slice(&(length as u32).to_le_bytes());
            body.extend_from_slice(&scratch[..length]);
        }
        _ => store_frame(raw, body),
    }
}

fn store_frame(raw: &[u8], body: &mut Vec<u8>) {
    body.extend_from_slice(&(raw.len() as u32 | STORED_AS_IT_WAS).to_le_bytes());
    body.extend_from_slice(raw);
}

/// What a body says about one change.
struct Header {
    start: u64,
    sectors: u32,
    zeroes: bool,
}

impl Header {
    const fn payload_bytes(&self) -> usize {
        if self.zeroes { 0 } else { bytes_of(self.sectors) }
    }
}

/// Reads a body from front to back and trusts nothing in it.
struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn headers(&mut self) -> Result<Vec<Header>, Corrupt> {
        let count = self.u32()? as usize;
        if count > (self.body.len() - self.at) / CHANGE_HEADER_BYTES as usize {
            return Err(self.malformed());
        }
        (0..count).map(|_| self.header()).collect()
    }

    fn header(&mut self) -> Result<Header, Corrupt> {
        let at = self.at;
        let (low, high) = (self.u32()?, self.u32()?);
        let start = u64::from(low) | u64::from(high) << 32;
        let (sectors, flags) = (self.u32()?, self.u32()?);
        let fits = sectors > 0 && start.checked_add(u64::from(sectors)).is_some();
        if !fits || flags > ZEROES {
            return Err(Corrupt::Malformed { at });
        }
        Ok(Header { start, sectors, zeroes: flags == ZEROES })
    }

    /// Unpacks all frames into one piece, as long as the headers say and not a byte longer.
    fn payload(&mut self, headers: &[Header]) -> Result<Vec<u8>, Corrupt> {
        let mut payload = vec![0; self.declared(headers)?];
        for frame in payload.chunks_mut(FRAME_BYTES) {
            self.frame(frame)?;
        }
        if self.at == self.body.len() { Ok(payload) } else { Err(self.malformed()) }
    }

    /// How much payload the headers announce. Not more than could be in what is left of the body.
    fn declared(&self, headers: &[Header]) -> Result<usize, Corrupt> {
        let declared = headers.iter().try_fold(0usize, |sum, header| sum.checked_add(header.payload_bytes()));
        let left = self.body.len() - self.at;
        declared.filter(|bytes| bytes / LZ4_EXPANSION_MAX <= left).ok_or_else(|| self.malformed())
    }

    fn frame(&mut self, raw: &mut [u8]) -> Result<(), Corrupt> {
        let at = self.at;
        let stored = self.u32()?;
        let bytes = self.take((stored & !STORED_AS_IT_WAS) as usize)?;
        let whole = if stored & STORED_AS_IT_WAS == 0 {
            decompress_into(bytes, raw).is_ok_and(|length| length == raw.len())
        } else if bytes.len() == raw.len() {
            raw.copy_from_slice(bytes);
            true
        } else {
            false
        };
        if whole { Ok(()) } else { Err(Corrupt::Malformed { at }) }
    }

    fn u32(&mut self) -> Result<u32, Corrupt> {
        let mut word = [0; 4];
        word.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(word))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Corrupt> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.body.len());
        let Some(end) = end else {
            return Err(self.malformed());
        };
        let bytes = &self.body[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    const fn malformed(&self) -> Corrupt {
        Corrupt::Malformed { at: self.at }
    }
}

#[cfg(test)]
mod tests;
