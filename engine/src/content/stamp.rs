//! Simulated content: which write put a sector's bytes there, and which sector of that write it is.

use std::sync::Arc;

use super::{Body, Content, SECTOR_BYTES};
use crate::batch::{CHANGE_HEADER_BYTES, Corrupt, Packed};
use crate::extent::Change;

/// The identity of the write behind a run of sectors. Write 0 is "never written": zeroes.
///
/// Sector `k` of a run with this stamp holds sector `skip + k` of write `write`, so a run that lands in the
/// wrong place or loses its head is as visible as one that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Which write; 0 for zeroes.
    pub write: u64,
    /// Which sector of that write the run starts with.
    pub skip: u32,
}

impl Content for Stamp {
    fn zero() -> Self {
        Self { write: 0, skip: 0 }
    }

    fn is_zero(&self) -> bool {
        self.write == 0
    }

    fn part(&self, skip: u32, _sectors: u32) -> Self {
        if self.is_zero() { *self } else { Self { write: self.write, skip: self.skip.wrapping_add(skip) } }
    }

    fn digest(&self, sectors: u32) -> u64 {
        if self.is_zero() {
            return 0;
        }
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.write.to_le_bytes());
        key[8..12].copy_from_slice(&self.skip.to_le_bytes());
        key[12..].copy_from_slice(&sectors.to_le_bytes());
        xxhash_rust::xxh3::xxh3_64(&key) | 1
    }

    fn pack(changes: Vec<Change<Self>>) -> Packed<Self> {
        let raw_bytes = changes.iter().filter(|c| !c.content.is_zero()).map(|c| u64::from(c.sectors)).sum::<u64>()
            * SECTOR_BYTES;
        let wire_bytes = raw_bytes + CHANGE_HEADER_BYTES * changes.len() as u64;
        Packed { body: Body::Plain(changes.into()), raw_bytes, wire_bytes, checksum: 0 }
    }

    fn unpack(packed: &Packed<Self>) -> Result<Arc<[Change<Self>]>, Corrupt> {
        match &packed.body {
            Body::Plain(changes) => Ok(Arc::clone(changes)),
            Body::Bytes(_) => Err(Corrupt::NotThisContent),
        }
    }
}
