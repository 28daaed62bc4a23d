//! What travels: batches of changes from an agent, and the packed frames they become on the way to the target.
//!
//! # Rounds
//! An agent closes the open batches of *all* disks of its machine in one step, every few seconds and at every
//! marker. That step is a round; its end is a cut of the machine's write order that all its disks share. A round
//! may need several batches per disk; the last one says so, and says whether the cut is consistent (every disk
//! kept its write order up to there). This is what lets `latest` recover more than the last marker.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::content::{Body, Content};
use crate::extent::Change;
use crate::id::DiskId;
use crate::point::{Marker, WriteOrder};
use crate::time::Instant;

/// What a change costs on the wire beside its payload, in bytes.
pub const CHANGE_HEADER_BYTES: u64 = 16;
/// What a batch costs on the wire beside its changes, in bytes.
pub const BATCH_HEADER_BYTES: u64 = 96;

/// Names a stream. A greater key of the same disk supersedes a smaller one: what is left of the old stream is
/// dropped wherever the new one has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamKey {
    /// Which disk.
    pub disk: DiskId,
    /// Which run of replication, counted by control.
    pub generation: u64,
    /// Which life of the agent within it, counted by the agent: it grows when the agent restarts or resyncs,
    /// for all disks of the machine at once.
    pub session: u32,
}

/// The end of a round on one disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundEnd {
    /// Which round of the session, counted from 1.
    pub round: u64,
    /// Whether the cut is consistent: no disk of the machine owed anything but ordered data.
    pub consistent: bool,
    /// When the round was closed, by the machine's clock.
    pub at: Instant,
    /// The bookmark that was put at this cut, if one was.
    pub marker: Option<Marker>,
}

/// Changes of one disk as its agent captured them, in write order.
#[derive(Debug, Clone)]
pub struct Batch<C> {
    /// The stream it belongs to.
    pub stream: StreamKey,
    /// Its place in the stream, counted from 1 without gaps.
    pub number: u64,
    /// The first batch of the stream that is this process server's to keep: 1, or more when the machine has moved to it
    /// from another, which has kept everything before.
    pub opens_at: u64,
    /// What its content is worth.
    pub order: WriteOrder,
    /// Machine-wide number of the first write in it; numbers never repeat, also after a crash.
    pub first_write: u64,
    /// The changes, oldest first. They may overlap.
    pub changes: Arc<[Change<C>]>,
    /// Payload bytes of the changes.
    pub payload_bytes: u64,
    /// Set on the last batch of a round.
    pub round_end: Option<RoundEnd>,
}

impl<C> Batch<C> {
    /// What it weighs on the wire, in bytes.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        BATCH_HEADER_BYTES + CHANGE_HEADER_BYTES * self.changes.len() as u64 + self.payload_bytes
    }
}

/// A batch after the process server: coalesced (sorted, no overlaps, the last write of every sector), packed,
/// with a checksum.
#[derive(Debug, Clone)]
pub struct Frame<C> {
    /// The stream it belongs to.
    pub stream: StreamKey,
    /// The batch's place in the stream.
    pub number: u64,
    /// What its content is worth.
    pub order: WriteOrder,
    /// Set on the last batch of a round.
    pub round_end: Option<RoundEnd>,
    /// The packed changes.
    pub packed: Packed<C>,
}

impl<C: Content> Frame<C> {
    /// Coalesces and packs a batch.
    #[must_use]
    pub fn seal(batch: &Batch<C>) -> Self {
        Self::seal_with(batch, C::pack)
    }

    /// As [`Frame::seal`], without compression.
    #[must_use]
    pub fn seal_plainly(batch: &Batch<C>) -> Self {
        Self::seal_with(batch, C::pack_plainly)
    }

    fn seal_with(batch: &Batch<C>, pack: impl FnOnce(Vec<Change<C>>) -> Packed<C>) -> Self {
        let mut changes = batch.changes.to_vec();
        crate::extent::flatten(&mut changes);
        Self {
            stream: batch.stream,
            number: batch.number,
            order: batch.order,
            round_end: batch.round_end,
            packed: pack(changes),
        }
    }

    /// What it weighs on the wire, in bytes.
    #[must_use]
    pub const fn wire_bytes(&self) -> u64 {
        BATCH_HEADER_BYTES + self.packed.wire_bytes
    }
}

/// Changes packed for the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed<C> {
    /// The packed changes.
    pub body: Body<C>,
    /// Payload bytes before packing.
    pub raw_bytes: u64,
    /// Bytes on the wire.
    pub wire_bytes: u64,
    /// CRC-32C of the body; 0 for simulated content, which nothing can flip.
    pub checksum: u32,
}

/// Why packed changes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Corrupt {
    /// The checksum does not match.
    #[error("checksum is {found:#010x}, expected {expected:#010x}")]
    Checksum {
        /// As computed over the body.
        found: u32,
        /// As packed.
        expected: u32,
    },
    /// The body ends early or its parts contradict each other.
    #[error("the packed body is malformed at byte {at}")]
    Malformed {
        /// Offset into the body.
        at: usize,
    },
    /// Simulated content where bytes were expected, or the other way round.
    #[error("the body holds another kind of content")]
    NotThisContent,
}
