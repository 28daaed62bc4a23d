//! The journal of a group: everything received and not yet on the base disks, with its recovery points.
//!
//! A pure data structure for one group and one generation. It is fed unpacked frames in stream order
//! ([`GroupJournal::append`]), says when a recovery point has come into being, and answers what a disk held at
//! any of them. It writes nothing, sends nothing and never asks what time it is; the target role does that.
//!
//! # Shape
//! Each disk has a chain of *epochs* over the base disk: everything written between two recovery points, sorted,
//! the last write of every sector. After the newest point comes the *tail*, frame by frame. A disk at a point is
//! the base under all epochs up to that point.
//!
//! Order is dropped inside an epoch and never across a point. A point that is given up merges its epoch into the
//! next newer one; what lies at or before the oldest point may be folded into the base.
//!
//! Everything sealed is immutable and shared: cloning a journal, taking a checkpoint or opening a view copies
//! references.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::batch::{Frame, RoundEnd};
use crate::content::Content;
use crate::extent::Change;
use crate::id::{DiskId, MachineId};
use crate::message::JournalSpec;
use crate::point::{PointId, RecoveryPoint};
use crate::time::Instant;

mod checkpoint;
mod choose;
mod disk;
mod fold;
mod index;
mod layer;
mod look;
mod numbers;
pub mod retention;
mod tail;
#[cfg(test)]
mod tests;
mod view;

pub use checkpoint::Checkpoint;
pub use fold::{DiskWrites, Fold};
pub use layer::SegmentId;
pub use look::{DiskLook, EpochLook};
pub use view::View;

use disk::DiskLog;
use layer::{Layer, Weight};
use serde::{Deserialize, Serialize};
use tail::Cut;

/// The journal of one group under one generation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"))]
pub struct GroupJournal<C: Content> {
    spec: Arc<JournalSpec>,
    disks: BTreeMap<DiskId, DiskLog<C>>,
    /// Oldest first.
    points: Vec<RecoveryPoint>,
    /// How many times the points have changed.
    points_changed: u64,
    /// Machines whose base disks were made equal to a point.
    promoted: BTreeMap<MachineId, PointId>,
    /// Machines whose base disks are being made equal to a point: what lies before it can no longer be shown.
    promoting: BTreeMap<MachineId, PointId>,
    /// The highest number of a marker or point seen.
    highest_number: u64,
    next_segment: u64,
    /// Segments given back since someone last asked.
    deleted: Vec<SegmentId>,
}

/// What an append did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// Where the payload of the frame is kept; `None` if it had none.
    pub segment: Option<SegmentId>,
    /// The recovery point that exists from now on.
    pub point: Option<RecoveryPoint>,
}

/// How much a journal holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Recovery points.
    pub points: u64,
    /// Sealed epochs, of all disks.
    pub epochs: u64,
    /// Entries of the index, sealed or not.
    pub extents: u64,
    /// What the index weighs, in bytes.
    pub index_bytes: u64,
    /// Segments of payload.
    pub segments: u64,
    /// Payload that a point or the tail still needs, in bytes.
    pub live_bytes: u64,
    /// Payload that nothing needs, in segments that hold some that is needed, in bytes.
    pub dead_bytes: u64,
}

impl<C: Content> GroupJournal<C> {
    /// An empty journal over base disks as they are.
    #[must_use]
    pub fn new(spec: &JournalSpec) -> Self {
        Self {
            disks: spec.disks().map(|id| (id, DiskLog::new())).collect(),
            spec: Arc::new(spec.clone()),
            points: Vec::new(),
            points_changed: 0,
            promoted: BTreeMap::new(),
            promoting: BTreeMap::new(),
            highest_number: 0,
            next_segment: 0,
            deleted: Vec::new(),
        }
    }

    /// What the journal was opened for.
    #[must_use]
    pub fn spec(&self) -> &JournalSpec {
        &self.spec
    }

    /// Takes the next frame of a disk's stream and the changes it was unpacked to.
    ///
    /// Frames of a disk come in order of session and number, each once. A frame of another generation, of a disk
    /// that is not of the group, or of a machine already promoted changes nothing.
    pub fn append(&mut self, frame: &Frame<C>, changes: &Arc<[Change<C>]>) -> Appended {
        if frame.stream.generation != self.spec.generation
            || self.promoted.contains_key(&frame.stream.disk.machine)
            || !self.disks.contains_key(&frame.stream.disk)
        {
            return Appended::default();
        }
        Appended {
            segment: self.append_changes(frame.stream.disk, changes),
            point: frame.round_end.and_then(|end| self.append_round_end(frame, end)),
        }
    }

    fn append_changes(&mut self, disk: DiskId, changes: &Arc<[Change<C>]>) -> Option<SegmentId> {
        let log = self.disks.get_mut(&disk)?;
        let layer = Layer::of_frame(SegmentId(self.next_segment), changes);
        let segment = layer.segments().next();
        if !layer.is_empty() {
            log.tail.push(layer, &mut self.deleted);
        }
        self.next_segment += u64::from(segment.is_some());
        segment
    }

    fn append_round_end(&mut self, frame: &Frame<C>, end: RoundEnd) -> Option<RecoveryPoint> {
        let marker = end.marker.filter(|marker| self.is_news(marker.point)).map(|marker| marker.point);
        if let Some(id) = marker {
            self.highest_number = self.highest_number.max(id.number);
        }
        // Only what may become a point is worth keeping: an inconsistent cut never does, and in a group of
        // several machines no cut without a marker does.
        if !end.consistent || !(self.is_one_machine() || marker.is_some()) {
            return None;
        }
        self.disks.get_mut(&frame.stream.disk)?.tail.push_cut(frame, end);
        let point = marker.and_then(|id| self.complete(id));
        self.forget_old_cuts();
        point
    }

    /// Whether a marker can still become a point.
    fn is_news(&self, id: PointId) -> bool {
        id.generation == self.spec.generation && self.points.last().is_none_or(|newest| newest.id < id)
    }

    /// For a machine alone, a cut that all its disks have reached makes the ones before it useless.
    fn forget_old_cuts(&mut self) {
        if let Some(cut) = self.newest_common_cut() {
            for disk in self.disks.values_mut() {
                disk.tail.forget_cuts_before(cut.id);
            }
        }
    }

    fn is_one_machine(&self) -> bool {
        self.spec.machines.len() == 1
    }

    /// Makes a point of one cut on every disk.
    fn seal(&mut self, point: RecoveryPoint, cut_of: impl Fn(&DiskLog<C>) -> Option<Cut>) {
        for disk in self.disks.values_mut() {
            if let Some(cut) = cut_of(disk) {
                disk.seal(cut, point.id, &mut self.deleted);
            }
        }
        self.points.push(point);
        self.points_changed += 1;
    }

    /// The recovery points, oldest first.
    #[must_use]
    pub fn points(&self) -> &[RecoveryPoint] {
        &self.points
    }

    /// A number that is another one whenever the points have changed.
    pub(crate) const fn points_changed(&self) -> u64 {
        self.points_changed
    }

    fn point(&self, id: PointId) -> Option<&RecoveryPoint> {
        self.points.iter().rfind(|point| point.id == id)
    }

    /// A disk at a point; `None` if there is no such disk or point.
    #[must_use]
    pub fn view(&self, disk: DiskId, point: PointId) -> Option<View<C>> {
        self.point(point)?;
        if !self.can_show(disk.machine, point) {
            return None;
        }
        Some(View::new(disk, Some(point), self.disks.get(&disk)?.layers_until(point)))
    }

    /// Whether the base disks of a machine are not past a point.
    fn can_show(&self, machine: MachineId, point: PointId) -> bool {
        self.promoted.get(&machine).is_none_or(|promoted| *promoted == point)
            && self.promoting.get(&machine).is_none_or(|promoting| *promoting <= point)
    }

    /// A disk with everything received; `None` if there is no such disk.
    #[must_use]
    pub fn head(&self, disk: DiskId) -> Option<View<C>> {
        Some(View::new(disk, None, self.disks.get(&disk)?.layers()))
    }

    /// Gives up the points that the policy no longer keeps, except the pinned ones, and says how many.
    ///
    /// To be called when a point has come into being: points do not expire by themselves.
    pub fn prune(&mut self, now: Instant, pinned: &[PointId]) -> u32 {
        let expired = self.expired(now, pinned);
        self.give_up(&expired)
    }

    /// The points that [`GroupJournal::prune`] would give up.
    #[must_use]
    pub fn expired(&self, now: Instant, pinned: &[PointId]) -> Vec<PointId> {
        let window: Duration = self.spec.policy.retain_points_for;
        let mut expired = retention::expired(&self.points, now, window);
        expired.retain(|id| !pinned.contains(id));
        expired
    }

    /// Gives up points, except the newest, and says how many.
    pub fn give_up(&mut self, points: &[PointId]) -> u32 {
        let Some(newest) = self.points.last().map(|point| point.id) else {
            return 0;
        };
        let before = self.points.len();
        self.points.retain(|point| point.id == newest || !points.contains(&point.id));
        if self.points.len() < before {
            self.points_changed += 1;
            let kept: Vec<PointId> = self.points.iter().map(|point| point.id).collect();
            let first = points.iter().min().copied().unwrap_or(newest);
            let gone = first..=points.iter().max().copied().unwrap_or(newest);
            for disk in self.disks.values_mut() {
                disk.keep_points(&kept, &gone, &mut self.deleted);
            }
        }
        (before - self.points.len()) as u32
    }

    /// The segments that were given back since this was last asked.
    pub fn take_deleted_segments(&mut self) -> Vec<SegmentId> {
        core::mem::take(&mut self.deleted)
    }

    /// How much it holds. Walks the index of segments, not the extents.
    #[must_use]
    pub fn stats(&self) -> JournalStats {
        let mut weight = Weight::default();
        for disk in self.disks.values() {
            disk.weigh(&mut weight);
        }
        JournalStats {
            points: self.points.len() as u64,
            epochs: self.disks.values().map(|disk| disk.epochs() as u64).sum(),
            extents: weight.extents,
            index_bytes: weight.index_bytes,
            segments: weight.segments,
            live_bytes: weight.live_bytes,
            dead_bytes: weight.dead_bytes,
        }
    }
}
