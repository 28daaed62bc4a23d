//! A frame as it is written down and sent: a small head, and the packed body as it is.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchback_engine::batch::{Corrupt, Frame, Packed, RoundEnd, StreamKey};
use switchback_engine::content::Body;
use switchback_engine::point::WriteOrder;
use switchback_engine::{Block, Content};

use crate::content::{Data, KeptFrame};

/// Everything of a frame but its body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FrameHead {
    stream: StreamKey,
    number: u64,
    order: WriteOrder,
    round_end: Option<RoundEnd>,
    raw_bytes: u64,
    wire_bytes: u64,
    checksum: u32,
}

impl FrameHead {
    /// That of a frame.
    #[must_use]
    pub(crate) const fn of(frame: &Frame<Data>) -> Self {
        Self {
            stream: frame.stream,
            number: frame.number,
            order: frame.order,
            round_end: frame.round_end,
            raw_bytes: frame.packed.raw_bytes,
            wire_bytes: frame.packed.wire_bytes,
            checksum: frame.packed.checksum,
        }
    }

    /// The frame with this head and such a body.
    ///
    /// # Errors
    /// [`Corrupt`] when the body is not what was packed.
    pub(crate) fn with(self, body: Bytes) -> Result<Frame<Data>, Corrupt> {
        let changes = KeptFrame::changes(body, self.checksum)?;
        Ok(Frame {
            stream: self.stream,
            number: self.number,
            order: self.order,
            round_end: self.round_end,
            packed: Packed {
                body: Body::Plain(changes),
                raw_bytes: self.raw_bytes,
                wire_bytes: self.wire_bytes,
                checksum: self.checksum,
            },
        })
    }
}

/// Where the payload of packed changes is; `None` where they have none.
#[must_use]
pub(crate) fn kept(packed: &Packed<Data>) -> Option<&Arc<KeptFrame>> {
    let Body::Plain(changes) = &packed.body else { return None };
    changes.iter().find_map(|change| match &change.content {
        Data::Kept { frame, .. } => Some(frame),
        Data::Zeroes | Data::Bytes(_) => None,
    })
}

/// The packed body.
///
/// # Errors
/// It lies in a store and cannot be read, or is not what was written.
pub(crate) fn body(packed: &Packed<Data>) -> io::Result<Bytes> {
    if let Some(frame) = kept(packed) {
        return frame.body();
    }
    // Of changes without payload there is no frame; their body is made anew, and is the same.
    let changes =
        Data::unpack(packed).map_err(|corrupt| io::Error::new(io::ErrorKind::InvalidData, corrupt))?;
    let zeroes = changes.iter().map(|change| change.map(|_| Block::zero())).collect();
    match Block::pack(zeroes).body {
        Body::Bytes(body) => Ok(body),
        Body::Plain(_) => Err(io::Error::other("bytes are packed as bytes")),
    }
}
