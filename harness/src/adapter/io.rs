//! What a side of a replicator can see and ask for during a call.
//!
//! Owns the wishes of one call, in order. Refuses to carry them out: the trial does, after the call.

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Block, SectorRange};
use switchback_sim::SimTime;

use crate::check::Replay;
use crate::content::Simulated;

/// Ties [`Source::synced`](super::Source::synced) and [`Target::synced`](super::Target::synced) to the sync that was
/// asked for. A side never sees a number twice, also not after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncId(pub u64);

/// Why a disk of the machine was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The disks of the machine are where the source is.
    #[error("only the source reads the machine's disks")]
    NotHere,
    /// There is no such place.
    #[error("disk {disk} has no sectors {start} to {end} (the end is not included)")]
    OutOfRange {
        /// The disk that was named.
        disk: usize,
        /// First sector.
        start: u64,
        /// One past the last sector.
        end: u64,
    },
}

/// Something a side wants done.
#[derive(Debug)]
pub(super) enum Wish {
    Send(Vec<u8>),
    Append(Vec<u8>),
    Compact(Vec<Vec<u8>>),
    Sync(SyncId),
    WakeAt(SimTime),
    Pause,
    Resume,
}

/// The surroundings of a side during one call. Wishes are carried out after the call, in order.
#[derive(Debug)]
pub struct Io<'a> {
    now: SimTime,
    disks: Option<&'a Replay>,
    next_sync: u64,
    wishes: Vec<Wish>,
}

impl<'a> Io<'a> {
    pub(super) const fn new(now: SimTime, disks: Option<&'a Replay>, next_sync: u64) -> Self {
        Self { now, disks, next_sync, wishes: Vec::new() }
    }

    /// What was asked for, and the number of the next sync.
    pub(super) fn into_wishes(self) -> (Vec<Wish>, u64) {
        (self.wishes, self.next_sync)
    }

    /// What time it is. Both sides have the same clock, and it is right.
    #[must_use]
    pub const fn now(&self) -> SimTime {
        self.now
    }

    /// Sends a message to the other side. It is lost if the other side is down when it arrives.
    pub fn send(&mut self, message: Vec<u8>) {
        self.wishes.push(Wish::Send(message));
    }

    /// Appends a record to this side's log. It is not durable before a sync.
    pub fn append(&mut self, record: Vec<u8>) {
        self.wishes.push(Wish::Append(record));
    }

    /// Replaces this side's whole log. A crash before the next sync completes gives the old log back.
    pub fn compact(&mut self, records: Vec<Vec<u8>>) {
        self.wishes.push(Wish::Compact(records));
    }

    /// Asks for everything appended so far to become durable.
    pub fn sync(&mut self) -> SyncId {
        let sync = SyncId(self.next_sync);
        self.next_sync += 1;
        self.wishes.push(Wish::Sync(sync));
        sync
    }

    /// Asks to be woken at an instant; one that has passed means now. There is one alarm: this replaces it.
    pub fn wake_at(&mut self, at: SimTime) {
        self.wishes.push(Wish::WakeAt(at));
    }

    /// Source: what a disk of the machine holds now, in bytes.
    ///
    /// # Errors
    /// [`ReadError`] at the target, and for a place that the machine does not have.
    pub fn read_disk(&self, disk: usize, start: u64, sectors: u32) -> Result<Vec<u8>, ReadError> {
        let disks = self.disks.ok_or(ReadError::NotHere)?;
        let end = start.saturating_add(u64::from(sectors));
        let runs = disks.look(disk, SectorRange { start, end });
        let runs = runs.ok_or(ReadError::OutOfRange { disk, start, end })?;
        let mut bytes = vec![0; sectors as usize * SECTOR_BYTES as usize];
        for run in runs {
            let from = (run.start - start) as usize * SECTOR_BYTES as usize;
            let data = Block::of_write(run.content, run.sectors).0;
            bytes[from..from + data.len()].copy_from_slice(&data);
        }
        Ok(bytes)
    }

    /// Source: asks for the applications to flush and pause; [`Source::paused`](super::Source::paused) follows. Does
    /// nothing at the target, and nothing while they are paused.
    pub fn pause_applications(&mut self) {
        self.wishes.push(Wish::Pause);
    }

    /// Source: the applications go on.
    pub fn resume_applications(&mut self) {
        self.wishes.push(Wish::Resume);
    }
}
