//! Real content of a disk: zeroes, bytes in memory, or bytes in a frame that is kept on disk.
//!
//! Roles move content and hardly ever look at it, so what a journal holds can stay where it was written: a role that has a
//! hundred gigabytes of recovery points has their places in memory and not their bytes.

use core::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use switchback_engine::batch::{Corrupt, Packed};
use switchback_engine::content::{Body, KeptChanges, SECTOR_BYTES};
use switchback_engine::{Block, Change, Content};

mod cache;
mod kept;

pub use cache::FrameCache;
pub use kept::{FrameIndex, KeptFrame, Place};

/// Content of a run of sectors.
#[derive(Clone)]
pub enum Data {
    /// Nothing but zeroes.
    Zeroes,
    /// 512 bytes for each sector.
    Bytes(Bytes),
    /// In a frame.
    Kept {
        /// Which.
        frame: Arc<KeptFrame>,
        /// Where it begins in the payload of the frame, in bytes.
        at: u64,
    },
}

impl Data {
    /// Fills `into`, as long as the run or shorter, with what the run begins with.
    ///
    /// # Errors
    /// The frame cannot be read, or is not what was written.
    pub fn read(&self, into: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Zeroes => into.fill(0),
            Self::Bytes(bytes) => into.copy_from_slice(&bytes[..into.len()]),
            Self::Kept { frame, at } => frame.read(*at, into)?,
        }
        Ok(())
    }

    /// A run of so many sectors will be read soon: what is on disk may be fetched already.
    pub fn will_need(&self, sectors: u32) {
        if let Self::Kept { frame, at } = self {
            frame.will_need(*at, bytes_of(sectors) as u64);
        }
    }

    /// The bytes of a run of so many sectors; `None` for zeroes.
    ///
    /// # Errors
    /// As [`Data::read`].
    pub fn load(&self, sectors: u32) -> io::Result<Option<Bytes>> {
        match self {
            Self::Zeroes => Ok(None),
            Self::Bytes(bytes) => Ok(Some(bytes.clone())),
            Self::Kept { .. } => {
                let mut bytes = vec![0; bytes_of(sectors)];
                self.read(&mut bytes)?;
                Ok(Some(bytes.into()))
            }
        }
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zeroes => f.write_str("Data(zeroes)"),
            Self::Bytes(bytes) => write!(f, "Data({} bytes)", bytes.len()),
            Self::Kept { at, .. } => write!(f, "Data(kept, at byte {at} of its frame)"),
        }
    }
}

/// What a journal keeps of a frame.
#[derive(Debug, Clone)]
pub enum KeptData {
    /// The frame in which all of its payload is. Places are sectors of that.
    Frame(Arc<KeptFrame>),
    /// Changes that no frame has in common.
    Changes(KeptChanges<Data>),
}

/// The frame that has the payload of all changes; `None` if there is no such one.
fn common_frame(changes: &[Change<Data>]) -> Option<&Arc<KeptFrame>> {
    let mut payload = changes.iter().filter(|change| !change.content.is_zero());
    let Data::Kept { frame, .. } = &payload.clone().next()?.content else { return None };
    let lies_there = |change: &Change<Data>| match &change.content {
        Data::Kept { frame: other, at } => Arc::ptr_eq(frame, other) && at.is_multiple_of(SECTOR_BYTES),
        Data::Zeroes | Data::Bytes(_) => false,
    };
    payload.all(lies_there).then_some(frame)
}

/// Contents are equal when that is known without reading anything.
impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Zeroes, Self::Zeroes) => true,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Kept { frame: a, at: at_a }, Self::Kept { frame: b, at: at_b }) => {
                Arc::ptr_eq(a, b) && at_a == at_b
            }
            _ => false,
        }
    }
}

impl Content for Data {
    type Kept = KeptData;

    fn keep(changes: &Arc<[Change<Self>]>) -> KeptData {
        match common_frame(changes) {
            Some(frame) => KeptData::Frame(Arc::clone(frame)),
            None => KeptData::Changes(KeptChanges::of(changes)),
        }
    }

    fn place(kept: &KeptData, number: u32, change: &Change<Self>) -> u64 {
        match (kept, &change.content) {
            (KeptData::Frame(_), Self::Kept { at, .. }) => at / SECTOR_BYTES,
            (KeptData::Frame(_), _) => 0,
            (KeptData::Changes(changes), _) => changes.place(number),
        }
    }

    fn at(kept: &KeptData, place: u64, sectors: u32) -> Self {
        match kept {
            KeptData::Frame(frame) => Self::Kept { frame: Arc::clone(frame), at: place * SECTOR_BYTES },
            KeptData::Changes(changes) => changes.at(place, sectors),
        }
    }

    fn zero() -> Self {
        Self::Zeroes
    }

    fn is_zero(&self) -> bool {
        matches!(self, Self::Zeroes)
    }

    fn part(&self, skip: u32, sectors: u32) -> Self {
        match self {
            Self::Zeroes => Self::Zeroes,
            Self::Bytes(bytes) => {
                Self::Bytes(bytes.slice(bytes_of(skip)..bytes_of(skip) + bytes_of(sectors)))
            }
            Self::Kept { frame, at } => {
                Self::Kept { frame: Arc::clone(frame), at: at + u64::from(skip) * SECTOR_BYTES }
            }
        }
    }

    /// Content that cannot be read differs from everything: whoever compares sends it again.
    fn digest(&self, sectors: u32) -> u64 {
        const UNREADABLE: u64 = u64::MAX - 1;
        match self.load(sectors) {
            Ok(None) => 0,
            Ok(Some(bytes)) => Block(bytes).digest(sectors),
            Err(_) => UNREADABLE,
        }
    }

    /// Content that cannot be read gives a body that its checksum gives away.
    fn pack(changes: Vec<Change<Self>>) -> Packed<Self> {
        pack_with(changes, Block::pack)
    }

    fn pack_plainly(changes: Vec<Change<Self>>) -> Packed<Self> {
        pack_with(changes, Block::pack_plainly)
    }

    fn unpack(packed: &Packed<Self>) -> Result<Arc<[Change<Self>]>, Corrupt> {
        match &packed.body {
            Body::Plain(changes) => Ok(Arc::clone(changes)),
            Body::Bytes(body) => KeptFrame::changes(body.clone(), packed.checksum),
        }
    }
}

/// Packs the bytes of changes.
fn pack_with(
    changes: Vec<Change<Data>>,
    pack: impl FnOnce(Vec<Change<Block>>) -> Packed<Block>,
) -> Packed<Data> {
    let mut is_whole = true;
    let mut block = |change: &Change<Data>| match change.content.load(change.sectors) {
        Ok(bytes) => Block(bytes.unwrap_or_default()),
        Err(_) => {
            is_whole = false;
            Block::zero()
        }
    };
    let blocks = changes.iter().map(|change| change.map(&mut block)).collect();
    let packed = pack(blocks);
    let Body::Bytes(body) = packed.body else { return empty(packed.checksum) };
    let checksum = if is_whole { packed.checksum } else { !packed.checksum };
    let (raw_bytes, wire_bytes) = (packed.raw_bytes, packed.wire_bytes);
    match KeptFrame::changes(body, packed.checksum) {
        Ok(changes) => Packed { body: Body::Plain(changes), raw_bytes, wire_bytes, checksum },
        Err(_) => empty(!packed.checksum),
    }
}

/// A body of nothing, with a checksum that is not its own.
fn empty(checksum: u32) -> Packed<Data> {
    Packed { body: Body::Bytes(Bytes::new()), raw_bytes: 0, wire_bytes: 0, checksum }
}

/// As many bytes as so many sectors have.
const fn bytes_of(sectors: u32) -> usize {
    sectors as usize * SECTOR_BYTES as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sectors: u32, seed: u8) -> Data {
        Data::Bytes((0..bytes_of(sectors)).map(|at| b"recovery point "[at % 15].wrapping_add(seed)).collect())
    }

    #[test]
    fn what_is_packed_stays_in_its_frame_and_reads_as_it_was() {
        let changes = vec![
            Change { start: 0, sectors: 8, content: Data::Zeroes },
            Change { start: 63, sectors: 500, content: text(500, 1) },
            Change { start: 900, sectors: 7, content: text(7, 2) },
        ];
        let packed = Data::pack(changes.clone());
        let unpacked = Data::unpack(&packed).unwrap();
        assert_eq!(unpacked.len(), 3);
        for (kept, given) in unpacked.iter().zip(&changes) {
            assert_eq!((kept.start, kept.sectors), (given.start, given.sectors));
            assert_eq!(kept.content.load(kept.sectors).unwrap(), given.content.load(given.sectors).unwrap());
            assert_eq!(kept.content.digest(kept.sectors), given.content.digest(given.sectors));
        }
        let part = unpacked[1].content.part(130, 3);
        assert_eq!(part.load(3).unwrap(), changes[1].content.part(130, 3).load(3).unwrap());
    }

    #[test]
    fn a_body_that_was_changed_on_the_way_is_not_taken() {
        let packed = Block::pack(vec![Change { start: 0, sectors: 8, content: Block(vec![7; 4096].into()) }]);
        let Body::Bytes(body) = packed.body else { panic!("bytes are packed as bytes") };
        let mut damaged = body.to_vec();
        damaged[30] ^= 1;
        let of = |body: Vec<u8>| Packed {
            body: Body::Bytes(body.into()),
            raw_bytes: packed.raw_bytes,
            wire_bytes: packed.wire_bytes,
            checksum: packed.checksum,
        };
        assert!(Data::unpack(&of(body.to_vec())).is_ok());
        assert!(matches!(Data::unpack(&of(damaged)), Err(Corrupt::Checksum { .. })));
    }
}
