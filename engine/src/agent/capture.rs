//! One disk of the machine: what has been captured of it and waits to be sent.
//!
//! # Modes and order
//! While the pool has room a write is kept with its payload (data mode). Without room only its place is kept
//! (metadata mode), and too many places are folded into a bitmap (bitmap mode). A place is read again later, and
//! what is read is newer than the place; so from the first place until the last one has been read, no cut of the
//! stream is consistent. That, and not the mode of the newest write, is the disk's write-order state.
//!
//! Places and bitmap may be bounded too. A change that does not fit even there is lost track of, and with it which of
//! the others are still to come: only a comparison helps.
//!
//! # Slots
//! What is pending goes out in the order of slots. A read gets its slot when it is *issued*: a write that completes
//! while the read is under way comes after it in the stream, so stale content from the read can never win over it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Replicating;
use super::churn::Churn;
use super::config::{AgentConfig, BATCH_BYTES, BATCH_CHANGES, PLACE_BYTES, PLACES_MAX};
use super::copy::Copy;
use super::dirty::DirtyMap;
use crate::batch::{Batch, RoundEnd};
use crate::content::{Content, SECTOR_BYTES};
use crate::extent::{Change, SectorRange};
use crate::id::DiskId;
use crate::point::WriteOrder;
use crate::role::Token;
use crate::time::Instant;
use crate::window::Window;

/// What is pending of one disk, oldest first: the window, the slots, the open batch; beside them the places.
#[derive(Debug, Clone)]
pub(super) struct DiskCapture<C: Content> {
    pub(super) disk: DiskId,
    pub(super) sectors: u64,
    pub(super) window: Window<Sending<C>>,
    /// The first batch that is the present process server's to keep.
    pub(super) opens_at: u64,
    pub(super) slots: VecDeque<Slot<C>>,
    pub(super) open: OpenBatch<C>,
    pub(super) mode: WriteOrder,
    pub(super) places: Vec<SectorRange>,
    pub(super) bitmap: DirtyMap,
    pub(super) copy: Copy,
    pub(super) churn: Churn,
    /// Batches have been made since the last round ended.
    pub(super) round_is_open: bool,
    /// The driver tells of what is written.
    pub(super) is_followed: bool,
}

/// A numbered batch on its way, and what it occupies of the pool until it is committed.
#[derive(Debug, Clone)]
pub(super) struct Sending<C> {
    pub(super) batch: Arc<Batch<C>>,
    pub(super) pool_bytes: u64,
}

/// The batch that writes are being added to.
#[derive(Debug, Clone)]
pub(super) struct OpenBatch<C> {
    pub(super) first_write: u64,
    pub(super) changes: Vec<Change<C>>,
    pub(super) bytes: u64,
}

/// A batch to be, in its place in the stream.
#[derive(Debug, Clone)]
pub(super) struct Slot<C> {
    pub(super) order: WriteOrder,
    pub(super) first_write: u64,
    pub(super) changes: Vec<Change<C>>,
    pub(super) bytes: u64,
    /// Reads that have not come back.
    pub(super) reads: Vec<(Token, SectorRange)>,
    pub(super) read_for: ReadFor,
    pub(super) round_end: Option<RoundEnd>,
}

/// What has become of a write that was to be captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Captured {
    /// It is kept, and nothing has to be done about it now.
    Kept,
    /// It is kept, and a batch is full or a place waits to be read.
    Due,
    /// There was no room to remember even its place.
    Lost,
}

/// Why the content of a slot is or was read from the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadFor {
    /// It was not: the payload was captured.
    Nothing,
    /// A place or a block of the bitmap. What reads as zero is sent as zero.
    Place,
    /// A first copy to a blank replica: what reads as zero is not sent.
    BlankReplica,
}

impl<C: Content> Slot<C> {
    /// A slot that waits for reads.
    pub(super) fn reading(order: WriteOrder, read_for: ReadFor, reads: Vec<(Token, SectorRange)>) -> Self {
        Self { order, first_write: 0, changes: Vec::new(), bytes: 0, reads, read_for, round_end: None }
    }
}

impl<C: Content> DiskCapture<C> {
    /// A disk of which nothing has been captured, whose next batch has the number 1.
    pub(super) fn new(disk: DiskId, sectors: u64, copy: Copy) -> Self {
        Self {
            disk,
            sectors,
            window: Window::new(1),
            opens_at: 1,
            slots: VecDeque::new(),
            open: OpenBatch { first_write: 0, changes: Vec::new(), bytes: 0 },
            mode: WriteOrder::Data,
            places: Vec::new(),
            bitmap: DirtyMap::new(sectors),
            copy,
            churn: Churn::default(),
            round_is_open: false,
            is_followed: true,
        }
    }

    /// The write-order state: data only when nothing waits to be read.
    pub(super) fn order(&self) -> WriteOrder {
        let reading = self.slots.iter().filter(|slot| !slot.reads.is_empty()).map(|slot| slot.order).max();
        let places = if self.places.is_empty() { WriteOrder::Data } else { WriteOrder::Metadata };
        let whole = self.is_followed && self.bitmap.is_empty() && self.copy.is_complete();
        let map = if whole { WriteOrder::Data } else { WriteOrder::Bitmap };
        places.max(map).max(reading.unwrap_or_default())
    }

    /// Whether its comparison waits for its hours.
    pub(super) const fn is_held(&self) -> bool {
        self.copy.is_held()
    }

    /// Sectors that still have to be looked at.
    pub(super) fn sectors_to_copy(&self) -> u64 {
        self.copy.sectors_left(self.sectors) + self.bitmap.dirty_sectors()
    }

    /// Whether something was captured or read since the last round ended.
    pub(super) fn owes_a_round(&self) -> bool {
        self.round_is_open || !self.open.changes.is_empty()
    }

    /// When it wants to be looked at again.
    pub(super) fn deadline(&self) -> Instant {
        self.window.deadline().unwrap_or(Instant::MAX).min(self.copy.deadline())
    }

    /// Whether everything captured has been committed.
    pub(super) fn is_drained(&self) -> bool {
        self.window.is_empty()
            && self.slots.is_empty()
            && self.open.changes.is_empty()
            && self.places.is_empty()
            && self.bitmap.is_empty()
            && self.copy.is_complete()
    }

    /// Moves the open batch into its slot.
    pub(super) fn close_batch(&mut self) {
        if self.open.changes.is_empty() {
            return;
        }
        let room = self.open.changes.len();
        let changes = core::mem::replace(&mut self.open.changes, Vec::with_capacity(room.min(BATCH_CHANGES)));
        self.round_is_open = true;
        self.slots.push_back(Slot {
            order: WriteOrder::Data,
            first_write: self.open.first_write,
            changes,
            bytes: core::mem::take(&mut self.open.bytes),
            reads: Vec::new(),
            read_for: ReadFor::Nothing,
            round_end: None,
        });
    }

    /// What it takes to remember the places of changes whose payload was not kept, in bytes.
    fn tracking_bytes(&self) -> u64 {
        self.places.len() as u64 * PLACE_BYTES + self.bitmap.noted_bytes()
    }

    /// Keeps the place of a write whose payload could not be kept; `others` is what the other disks remember.
    fn note_place(&mut self, range: SectorRange, others: u64, limit: Option<u64>) {
        let is_full = limit.is_some_and(|limit| others + self.tracking_bytes() + PLACE_BYTES > limit);
        if self.mode == WriteOrder::Bitmap || is_full || self.places.len() >= PLACES_MAX {
            self.mode = WriteOrder::Bitmap;
            for place in self.places.drain(..) {
                self.bitmap.note(place);
            }
            self.bitmap.note(range);
        } else {
            self.mode = WriteOrder::Metadata;
            self.places.push(range);
        }
    }
}

impl<C: Content> Replicating<C> {
    /// Takes a completed write.
    pub(super) fn capture(
        &mut self,
        now: Instant,
        config: &AgentConfig,
        disk: u8,
        change: Change<C>,
    ) -> Captured {
        self.owe_a_round(now, config);
        let Some(capture) = self.disks.get_mut(usize::from(disk)) else { return Captured::Kept };
        let bytes = u64::from(change.sectors) * SECTOR_BYTES;
        capture.churn.bytes += bytes;
        capture.churn.writes += 1;
        let write = self.next_write;
        self.next_write += 1;
        let has_room = match capture.mode {
            WriteOrder::Data => self.pool_used + bytes <= config.pool_bytes,
            // Only with a quarter of the pool free is a payload kept again, so that the mode does not flap.
            _ => self.pool_used + bytes <= config.pool_bytes / 4 * 3,
        };
        if !has_room {
            return self.note_place(config, disk, change.range());
        }
        capture.mode = WriteOrder::Data;
        self.pool_used += bytes;
        let open = &mut capture.open;
        if open.changes.is_empty() {
            open.first_write = write;
        }
        open.changes.push(change);
        open.bytes += bytes;
        let full = open.bytes >= BATCH_BYTES || open.changes.len() >= BATCH_CHANGES;
        if full {
            capture.close_batch();
            return Captured::Due;
        }
        Captured::Kept
    }

    /// Keeps the place of a write, if there is room to remember it.
    fn note_place(&mut self, config: &AgentConfig, disk: u8, range: SectorRange) -> Captured {
        let limit = config.tracking_bytes;
        let all = |disks: &[DiskCapture<C>]| disks.iter().map(DiskCapture::tracking_bytes).sum::<u64>();
        // Most agents have no limit, and nobody counts.
        let before = limit.map_or(0, |_| all(&self.disks));
        let Some(capture) = self.disks.get_mut(usize::from(disk)) else { return Captured::Kept };
        capture.note_place(range, before - limit.map_or(0, |_| capture.tracking_bytes()), limit);
        match limit {
            Some(limit) if all(&self.disks) > limit => Captured::Lost,
            _ => Captured::Due,
        }
    }
}
