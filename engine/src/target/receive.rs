//! Frames: taken strictly in order, journaled, acknowledged when durable; points and their retention.

use std::sync::Arc;

use super::Target;
use super::durable::TargetRecord;
use crate::batch::Frame;
use crate::content::Content;
use crate::id::GroupId;
use crate::journal::Appended;
use crate::message::{Message, Observation};
use crate::role::Address;
use crate::time::Instant;

/// What a small record weighs, in bytes.
pub(super) const NOTE_BYTES: u64 = 128;

impl<C: Content> Target<C> {
    /// Takes a frame if it is the next of its stream, and acknowledges what there is in any case.
    pub(super) fn receive(&mut self, now: Instant, from: Address, frame: &Arc<Frame<C>>) {
        let stream = frame.stream;
        let Some(id) = self.group_of(stream.disk) else {
            // One whose journal is still to be opened is not answered, and comes again.
            if self.closed.get(&stream.disk).is_some_and(|closed| stream.generation <= *closed) {
                self.ledger.send(from, Message::FrameStored { stream, upto: u64::MAX });
            }
            return;
        };
        let Some(group) = self.groups.get_mut(id) else { return };
        let generation = group.journal.spec().generation;
        if stream.generation > generation {
            // The order to open its journal is still on its way.
            return;
        }
        if stream.generation < generation || group.finished.contains_key(&stream.disk.machine) {
            return self.ledger.send(from, Message::FrameStored { stream, upto: u64::MAX });
        }
        let Some(position) = group.stream(stream) else {
            return self.ledger.send(from, Message::FrameStored { stream, upto: u64::MAX });
        };
        let next = position.next;
        let mut upto = next - 1;
        // A frame that does not unpack was damaged on the way: it is not acknowledged, and comes again.
        if frame.number == next
            && let Some(appended) = self.take(id, frame)
        {
            upto = next;
            self.ledger.append(TargetRecord::Frame(Arc::clone(frame)), frame.wire_bytes());
            if let Some(point) = appended.point {
                self.ledger.observe(Observation::PointCreated { group: id, point });
            }
            self.retain(now, id);
        }
        self.ledger.send(from, Message::FrameStored { stream, upto });
    }

    /// The group whose journal has the disk.
    pub(super) fn group_of(&self, disk: crate::id::DiskId) -> Option<GroupId> {
        self.groups.of_disk(disk)
    }

    /// Puts the next frame of its stream into the journal; `None` if it cannot be unpacked.
    pub(super) fn take(&mut self, id: GroupId, frame: &Frame<C>) -> Option<Appended> {
        let changes = C::unpack(&frame.packed).ok()?;
        let group = self.groups.get_mut(id)?;
        let stream = group.stream(frame.stream)?;
        let was_shut_down = stream.is_shut_down;
        stream.advance(frame.round_end);
        let shut_down_changed = stream.is_shut_down != was_shut_down;
        let appended = group.journal.append(frame, &changes);
        group.unfolded_bytes += frame.packed.raw_bytes;
        group.has_news |= shut_down_changed || appended.point.is_some();
        Some(appended)
    }

    /// Gives up what the policy no longer keeps, when a point has come into being.
    fn retain(&mut self, now: Instant, id: GroupId) {
        let Some(group) = self.groups.get_mut(id).filter(|group| group.has_news) else { return };
        let expired = group.journal.expired(now, &group.kept_points());
        if expired.is_empty() {
            return;
        }
        let count = group.journal.give_up(&expired);
        self.ledger.append(TargetRecord::GaveUp(id, expired), NOTE_BYTES);
        self.ledger.observe(Observation::PointsPruned { group: id, count });
    }
}
