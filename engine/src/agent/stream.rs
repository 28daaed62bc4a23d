//! From slots to numbered batches on the wire, and back from acknowledgements to free memory.

use std::sync::Arc;

use super::capture::{DiskCapture, ReadFor, Sending, Slot};
use super::config::{AgentConfig, BATCH_BYTES, BATCHES_IN_FLIGHT};
use super::{Out, Replicating};
use crate::batch::{Batch, StreamKey};
use crate::content::{Content, SECTOR_BYTES};
use crate::extent::{Change, Piece, SectorRange, pieces};
use crate::message::{Differs, Message, Observation};
use crate::point::WriteOrder;
use crate::role::{Address, DiskRef, Effect, StorageError, Token};
use crate::time::Instant;

impl<C: Content> Replicating<C> {
    /// Issues the reads that may go on now: places and dirty blocks while the pool has room, copy steps and
    /// questions while few are under way.
    pub(super) fn read_what_is_due(
        &mut self,
        now: Instant,
        config: &AgentConfig,
        tokens: &mut u64,
        out: &mut Out<C>,
    ) {
        if !self.may_send {
            return;
        }
        let mut next_token = || {
            *tokens += 1;
            Token(*tokens)
        };
        for disk in self.disks.iter_mut().filter(|disk| disk.has_to_read()) {
            let source = DiskRef::Machine(disk.disk, config.site);
            let mut read = |range, token| out.push(Effect::ReadDisk { disk: source, range, token });
            let pool_has_room = self.pool_used == 0 || self.pool_used + BATCH_BYTES <= config.pool_bytes;
            if pool_has_room && !disk.is_reading(ReadFor::Place) {
                let (order, ranges) = disk.take_places();
                let reads: Vec<_> = ranges.into_iter().map(|range| (next_token(), range)).collect();
                reads.iter().for_each(|(token, range)| read(*range, *token));
                if !reads.is_empty() {
                    // What is read may be newer than what waits in the open batch: it must come after it.
                    disk.close_batch();
                    disk.slots.push_back(Slot::reading(order, ReadFor::Place, reads));
                }
            }
            while disk.may_copy_on(config) {
                let Some(range) = disk.copy.next_full_step(config, disk.sectors) else { break };
                let token = next_token();
                read(range, token);
                let reads = vec![(token, range)];
                disk.slots.push_back(Slot::reading(WriteOrder::Bitmap, ReadFor::BlankReplica, reads));
            }
            while !disk.copy.is_complete() {
                let token = next_token();
                let Some(range) = disk.copy.next_question(now, config, disk.sectors, token) else { break };
                read(range, token);
            }
        }
    }

    /// Takes what a read brought: into its slot, or as digests to the target.
    pub(super) fn read_came_back(
        &mut self,
        now: Instant,
        config: &AgentConfig,
        token: Token,
        result: Result<Vec<Change<C>>, StorageError>,
        out: &mut Out<C>,
    ) {
        let (generation, session) = (self.terms.generation, self.session);
        for disk in &mut self.disks {
            let stream = StreamKey { disk: disk.disk, generation, session };
            match &result {
                Ok(runs) => {
                    if let Some(question) =
                        disk.copy.question(token, stream, runs, config.compare_block_sectors)
                    {
                        out.send(self.terms.process_server, Message::Compare(Arc::new(question)));
                        return;
                    }
                    if let Some(bytes) = disk.fill_slot(token, runs) {
                        self.pool_used += bytes;
                        self.owe_a_round(now, config);
                        return;
                    }
                }
                Err(_) => {
                    if disk.copy.read_failed(token) || disk.give_slot_back(token) {
                        return;
                    }
                }
            }
        }
    }

    /// The target's answer to a comparison: what differs is dirty.
    pub(super) fn differs(&mut self, differs: &Differs) {
        let (generation, session) = (self.terms.generation, self.session);
        for disk in &mut self.disks {
            if (StreamKey { disk: disk.disk, generation, session }) == differs.stream
                && disk.copy.answered(differs.range, disk.sectors)
            {
                differs.ranges.iter().for_each(|range| disk.bitmap.set(*range));
            }
        }
    }

    /// Numbers the slots that are ready and sends what may be under way.
    pub(super) fn send(&mut self, now: Instant, out: &mut Out<C>) {
        if !self.may_send {
            return;
        }
        let (generation, session) = (self.terms.generation, self.session);
        for disk in &mut self.disks {
            disk.number_ready_slots(StreamKey { disk: disk.disk, generation, session });
            disk.window.time_out(now);
            let limit_items = if disk.window.is_probing() { 1 } else { BATCHES_IN_FLIGHT };
            while let Some(next) = disk.window.next_to_send(now, limit_items, self.credit_bytes) {
                self.unanswered_since.get_or_insert(now);
                out.send(self.terms.process_server, Message::Batch(next.batch));
            }
        }
    }

    /// The process server has kept everything up to a batch: commit it and free its memory. What another process server
    /// has kept since the machine moved away from it counts for nothing: the present one has to have it too, or there
    /// would be a gap in what it keeps.
    pub(super) fn stored(
        &mut self,
        now: Instant,
        from: Address,
        stream: StreamKey,
        upto: u64,
        credit_bytes: u64,
    ) {
        let is_of_this_session = (stream.generation, stream.session) == (self.terms.generation, self.session);
        if !is_of_this_session || from != self.terms.process_server {
            return;
        }
        let takes_again = self.credit_bytes == 0 && credit_bytes > 0;
        self.credit_bytes = credit_bytes;
        if let Some(disk) = self.disks.iter_mut().find(|disk| disk.disk == stream.disk) {
            let committed = disk.window.acknowledge(now, upto);
            self.pool_used -= committed.map(|sending| sending.pool_bytes).sum::<u64>();
        }
        if takes_again {
            self.disks.iter_mut().for_each(|disk| disk.window.call_back());
        }
        let waits = self.disks.iter().any(|disk| !disk.window.is_empty());
        self.unanswered_since = waits.then_some(now);
    }

    /// Sends to another process server from now on, beginning with what the one before has not said to be kept.
    pub(super) fn move_to(&mut self, process_server: Address) {
        self.terms.process_server = process_server;
        self.credit_bytes = u64::MAX;
        self.unanswered_since = None;
        for disk in &mut self.disks {
            let opens_at = disk.window.first_number();
            disk.opens_at = opens_at;
            disk.window.begin_again(|sending| Arc::make_mut(&mut sending.batch).opens_at = opens_at);
        }
    }

    /// Notes and reports a change of the machine's write-order state.
    pub(super) fn note_order(&mut self, config: &AgentConfig, out: &mut Out<C>) {
        let order = self.disks.iter().map(DiskCapture::order).max().unwrap_or_default();
        if order != self.order {
            self.order = order;
            out.push(Effect::Observe(Observation::WriteOrderChanged {
                disk: super::disk_id(config, 0),
                to: order,
            }));
        }
    }

    /// Whether the first copy or comparison of the session has just become complete.
    pub(super) fn copy_is_complete(&self) -> bool {
        self.copying && self.order == WriteOrder::Data
    }
}

impl<C: Content> DiskCapture<C> {
    /// Whether anything of it is still to be read: most of the time nothing is.
    const fn has_to_read(&self) -> bool {
        !self.places.is_empty() || !self.bitmap.is_empty() || !self.copy.is_complete()
    }

    fn is_reading(&self, what: ReadFor) -> bool {
        self.slots.iter().any(|slot| slot.read_for == what && !slot.reads.is_empty())
    }

    /// Whether a first copy may read on: no more waits than what its steps ahead can hold.
    fn may_copy_on(&self, config: &AgentConfig) -> bool {
        let reading = self.slots.iter().filter(|slot| slot.read_for == ReadFor::BlankReplica).count();
        let bytes_ahead = config.copy_steps_ahead as u64 * config.copy_step_sectors * SECTOR_BYTES;
        reading < config.copy_steps_ahead && self.window.held_bytes() < bytes_ahead
    }

    /// Takes places, or else dirty blocks, worth one batch.
    fn take_places(&mut self) -> (WriteOrder, Vec<SectorRange>) {
        const LIMIT: u64 = BATCH_BYTES / SECTOR_BYTES;
        if self.places.is_empty() {
            let ranges = if self.bitmap.is_empty() { Vec::new() } else { self.bitmap.take(LIMIT) };
            return (WriteOrder::Bitmap, ranges);
        }
        join(&mut self.places);
        let mut sectors = 0;
        let fit = |place: &&SectorRange| {
            let before = sectors;
            sectors += place.sectors();
            before < LIMIT
        };
        let count = self.places.iter().take_while(fit).count();
        (WriteOrder::Metadata, self.places.drain(..count).collect())
    }

    /// Puts what a read brought into its slot; the bytes it added to the pool, or `None` if no slot waits for it.
    fn fill_slot(&mut self, token: Token, runs: &[Change<C>]) -> Option<u64> {
        let slot = self.slots.iter_mut().find(|slot| slot.reads.iter().any(|(t, _)| *t == token))?;
        let at = slot.reads.iter().position(|(t, _)| *t == token)?;
        let (_, range) = slot.reads.remove(at);
        let before = slot.bytes;
        for piece in pieces(runs, range) {
            match piece {
                Piece::Run(run) => {
                    slot.bytes += u64::from(run.sectors) * SECTOR_BYTES;
                    slot.changes.push(run);
                }
                Piece::Hole(hole) if slot.read_for == ReadFor::Place => {
                    slot.changes.extend(Change::zeroes(hole))
                }
                Piece::Hole(_) => {}
            }
        }
        self.round_is_open = true;
        Some(if slot.read_for == ReadFor::Place { slot.bytes - before } else { 0 })
    }

    /// A read of a slot failed: its ranges become dirty blocks and are read again later.
    fn give_slot_back(&mut self, token: Token) -> bool {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.reads.iter().any(|(t, _)| *t == token))
        else {
            return false;
        };
        for (_, range) in slot.reads.drain(..) {
            self.bitmap.set(range);
        }
        true
    }

    /// Gives numbers to the slots at the front that wait for no read. A slot that turned out empty is dropped.
    fn number_ready_slots(&mut self, stream: StreamKey) {
        while self.slots.front().is_some_and(|slot| slot.reads.is_empty()) {
            let Some(slot) = self.slots.pop_front() else { break };
            if slot.changes.is_empty() && slot.round_end.is_none() {
                continue;
            }
            let pool_bytes = if slot.read_for == ReadFor::BlankReplica { 0 } else { slot.bytes };
            let batch = Batch {
                stream,
                number: self.window.next_number(),
                opens_at: self.opens_at,
                order: slot.order,
                first_write: slot.first_write,
                payload_bytes: slot.bytes,
                changes: slot.changes.into(),
                round_end: slot.round_end,
            };
            let weight = batch.wire_bytes();
            self.window.push(Sending { batch: Arc::new(batch), pool_bytes }, weight);
        }
    }
}

/// Sorts ranges and joins those that touch.
fn join(ranges: &mut Vec<SectorRange>) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let touches = next.start <= kept.end;
        if touches {
            kept.end = kept.end.max(next.end);
        }
        touches
    });
}
