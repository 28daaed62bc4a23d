//! Recovery points, the markers that announce them in a stream, and the state of the write order.

use serde::{Deserialize, Serialize};

use crate::id::GroupId;
use crate::time::Instant;

/// A recovery point's identity: which run of replication made it, and the how-manieth of that run it is.
/// Newer points compare greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PointId {
    /// The run of replication, counted by control; every enable and reprotect starts a new one.
    pub generation: u64,
    /// Counted from 1 within the generation, without regard to kind. Numbers may be skipped.
    pub number: u64,
}

/// What a recovery point promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Consistency {
    /// All writes before one cut of the write order, none after, on all disks.
    Crash,
    /// Crash-consistent, and the applications had flushed and paused at the cut.
    Application,
}

/// A bookmark that an agent puts into the stream of every disk at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Marker {
    /// The point it announces.
    pub point: PointId,
    /// The group whose disks all carry it.
    pub group: GroupId,
    /// What it promises.
    pub consistency: Consistency,
    /// When writes were held, by the clock of the machine that led.
    pub at: Instant,
    /// The last marker of the stream: the source was shut down in order and nothing follows.
    pub last: bool,
}

/// A restorable instant of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecoveryPoint {
    /// Its identity.
    pub id: PointId,
    /// What it promises.
    pub consistency: Consistency,
    /// The instant it restores.
    pub at: Instant,
}

/// How faithfully a stream keeps the order of writes right now.
///
/// The order of the variants is the order of degradation: the state of several disks together is their maximum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WriteOrder {
    /// Every write is kept with its payload: any round end is a consistent cut.
    #[default]
    Data,
    /// Only places were kept for some writes; their content is read later. No cut inside is consistent.
    Metadata,
    /// Places were folded into a bitmap, or a first copy or resync is running.
    Bitmap,
}
