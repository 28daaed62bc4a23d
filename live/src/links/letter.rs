//! What is sent from one node to another.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchback_engine::batch::{Batch, RoundEnd, StreamKey};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::point::WriteOrder;
use switchback_engine::ports::{CloudAnswer, CloudRequest, HypervisorAnswer, HypervisorRequest, PortFailure};
use switchback_engine::role::CallId;
use switchback_engine::{Address, Change, Content, Message};

use crate::content::Data;
use crate::frame::{self, FrameHead};

/// What is sent from one node to another.
#[derive(Debug, Clone)]
pub enum Letter {
    /// From a role to a role.
    Message(Message<Data>),
    /// From control to the site at home.
    HypervisorCall(CallId, HypervisorRequest),
    /// What that has answered.
    HypervisorAnswer(CallId, Result<HypervisorAnswer, PortFailure>),
    /// From control to the site away.
    CloudCall(CallId, CloudRequest<Data>),
    /// What that has answered.
    CloudAnswer(CallId, Result<CloudAnswer, PortFailure>),
}

/// A letter without its payload.
#[derive(Serialize, Deserialize)]
struct Head {
    from: Address,
    to: Address,
    what: What,
}

#[derive(Serialize, Deserialize)]
enum What {
    Message(Message<Data>),
    Batch(BatchHead),
    Frame(FrameHead),
    HypervisorCall(CallId, HypervisorRequest),
    HypervisorAnswer(CallId, Result<HypervisorAnswer, PortFailure>),
    CloudCall(CallId, CloudRequest<Data>),
    CloudAnswer(CallId, Result<CloudAnswer, PortFailure>),
}

#[derive(Serialize, Deserialize)]
struct BatchHead {
    stream: StreamKey,
    number: u64,
    opens_at: u64,
    order: WriteOrder,
    first_write: u64,
    payload_bytes: u64,
    round_end: Option<RoundEnd>,
    changes: Vec<(u64, u32, bool)>,
}

impl BatchHead {
    fn of(batch: &Batch<Data>) -> Self {
        let change = |change: &Change<Data>| (change.start, change.sectors, change.content.is_zero());
        Self {
            stream: batch.stream,
            number: batch.number,
            opens_at: batch.opens_at,
            order: batch.order,
            first_write: batch.first_write,
            payload_bytes: batch.payload_bytes,
            round_end: batch.round_end,
            changes: batch.changes.iter().map(change).collect(),
        }
    }

    /// The batch with such a payload; `None` if that is shorter or longer than the changes.
    fn with(self, mut payload: Bytes) -> Option<Batch<Data>> {
        let mut changes = Vec::with_capacity(self.changes.len());
        for (start, sectors, is_zero) in self.changes {
            start.checked_add(u64::from(sectors)).filter(|_| sectors > 0)?;
            let bytes = if is_zero { 0 } else { sectors as usize * SECTOR_BYTES as usize };
            if bytes > payload.len() {
                return None;
            }
            let content = if is_zero { Data::Zeroes } else { Data::Bytes(payload.split_to(bytes)) };
            changes.push(Change { start, sectors, content });
        }
        payload.is_empty().then(|| Batch {
            stream: self.stream,
            number: self.number,
            opens_at: self.opens_at,
            order: self.order,
            first_write: self.first_write,
            changes: changes.into(),
            payload_bytes: self.payload_bytes,
            round_end: self.round_end,
        })
    }
}

impl Letter {
    /// About how much it weighs, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Message(message) => message.wire_bytes(),
            _ => 256,
        }
    }

    /// The parts of it as they go over the wire.
    ///
    /// # Errors
    /// A frame lies in a store and cannot be read.
    pub(super) fn seal(self, from: Address, to: Address) -> io::Result<Vec<Bytes>> {
        let mut payload = Vec::new();
        let what = match self {
            Self::Message(Message::Batch(batch)) => {
                for change in batch.changes.iter() {
                    payload.extend(change.content.load(change.sectors)?);
                }
                What::Batch(BatchHead::of(&batch))
            }
            Self::Message(Message::Frame(frame)) => {
                payload.push(frame::body(&frame.packed)?);
                What::Frame(FrameHead::of(&frame))
            }
            Self::Message(message) => What::Message(message),
            Self::HypervisorCall(call, request) => What::HypervisorCall(call, request),
            Self::HypervisorAnswer(call, answer) => What::HypervisorAnswer(call, answer),
            Self::CloudCall(call, request) => What::CloudCall(call, request),
            Self::CloudAnswer(call, answer) => What::CloudAnswer(call, answer),
        };
        let head = postcard::to_stdvec(&Head { from, to, what }).map_err(io::Error::other)?;
        let payload_bytes: usize = payload.iter().map(Bytes::len).sum();
        let checksum =
            payload.iter().fold(crc32c::crc32c(&head), |sum, part| crc32c::crc32c_append(sum, part));
        let words = [head.len() as u32, payload_bytes as u32, checksum];
        let prefix = words.map(u32::to_le_bytes).concat();
        Ok([Bytes::from(prefix), Bytes::from(head)].into_iter().chain(payload).collect())
    }

    /// What has come over the wire: from whom, to whom, and the letter.
    ///
    /// # Errors
    /// It is not what was sent, or not what anybody would send.
    pub(super) fn open(head: &[u8], payload: Bytes, checksum: u32) -> io::Result<(Address, Address, Self)> {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let found = crc32c::crc32c_append(crc32c::crc32c(head), &payload);
        if found != checksum {
            return Err(invalid(format!("a letter's checksum is {found:#010x}, expected {checksum:#010x}")));
        }
        let head: Head = postcard::from_bytes(head).map_err(|error| invalid(format!("a letter: {error}")))?;
        let letter = match head.what {
            What::Message(message) => Self::Message(message),
            What::Batch(batch) => {
                let batch =
                    batch.with(payload).ok_or_else(|| invalid("a batch contradicts itself".to_owned()))?;
                Self::Message(Message::Batch(Arc::new(batch)))
            }
            What::Frame(frame) => {
                let frame = frame.with(payload).map_err(|corrupt| invalid(corrupt.to_string()))?;
                Self::Message(Message::Frame(Arc::new(frame)))
            }
            What::HypervisorCall(call, request) => Self::HypervisorCall(call, request),
            What::HypervisorAnswer(call, answer) => Self::HypervisorAnswer(call, answer),
            What::CloudCall(call, request) => Self::CloudCall(call, request),
            What::CloudAnswer(call, answer) => Self::CloudAnswer(call, answer),
        };
        Ok((head.from, head.to, letter))
    }
}
