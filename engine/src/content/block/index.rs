//! Where everything lies in a packed body.

use super::{Corrupt, FRAME_BYTES, Header, Reader, STORED_AS_IT_WAS};

/// What lies where in a packed body: for who keeps the body as it came and unpacks a frame of it when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedIndex {
    /// The changes, in order.
    pub changes: Vec<PackedChange>,
    /// Where each frame begins in the body, in bytes. All but the last hold [`PackedIndex::FRAME_BYTES`] of payload.
    pub frames: Vec<u32>,
    /// How long the payload is, unpacked, in bytes.
    pub payload_bytes: u64,
}

/// A change in a packed body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedChange {
    /// First sector.
    pub start: u64,
    /// Length in sectors, never zero.
    pub sectors: u32,
    /// Where its content begins in the payload, in bytes; `None` for zeroes.
    pub payload_at: Option<u64>,
}

impl PackedIndex {
    /// Payload bytes in a frame.
    pub const FRAME_BYTES: usize = FRAME_BYTES;

    /// Looks through a body without unpacking it. Its checksum is for the caller to compare.
    ///
    /// # Errors
    /// [`Corrupt::Malformed`] when its parts contradict each other.
    pub fn of(body: &[u8]) -> Result<Self, Corrupt> {
        let mut reader = Reader { body, at: 0 };
        let headers = reader.headers()?;
        let payload_bytes = reader.declared(&headers)?;
        let mut frames = Vec::with_capacity(payload_bytes.div_ceil(FRAME_BYTES));
        for _ in 0..payload_bytes.div_ceil(FRAME_BYTES) {
            frames.push(u32::try_from(reader.at).map_err(|_| reader.malformed())?);
            let stored = reader.u32()?;
            reader.take((stored & !STORED_AS_IT_WAS) as usize)?;
        }
        if reader.at < body.len() {
            return Err(reader.malformed());
        }
        let mut at = 0;
        let change = |header: Header| {
            let payload_at = (!header.zeroes).then_some(at);
            at += header.payload_bytes() as u64;
            PackedChange { start: header.start, sectors: header.sectors, payload_at }
        };
        Ok(Self {
            changes: headers.into_iter().map(change).collect(),
            frames,
            payload_bytes: payload_bytes as u64,
        })
    }

    /// Unpacks one frame, given from where it begins in the body, into exactly as many bytes as it holds.
    ///
    /// # Errors
    /// [`Corrupt::Malformed`] when it holds something else.
    pub fn unpack_frame(frame: &[u8], into: &mut [u8]) -> Result<(), Corrupt> {
        Reader { body: frame, at: 0 }.frame(into)
    }
}
