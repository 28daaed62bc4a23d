//! The target's log: every step that changed a journal, from the last checkpoint on. Recovery takes the same steps
//! again, in the same order, through the same code.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Target;
use super::group::{Group, Pin, Stream};
use crate::batch::{Frame, StreamKey};
use crate::content::Content;
use crate::id::{DiskId, GroupId, MachineId, Site};
use crate::journal::{Checkpoint, Fold, GroupJournal};
use crate::ledger::Ledger;
use crate::message::{JournalSpec, Selector};
use crate::point::{PointId, RecoveryPoint};

/// A checkpoint is written when the log has grown by this much since the last one. Until then a restart replays it.
const CHECKPOINT_EVERY_BYTES: u64 = 256 << 20;
/// With many groups it may grow by more: a checkpoint costs as much as there are.
const CHECKPOINT_EVERY_BYTES_A_GROUP: u64 = 32 << 20;

/// What a closed disk weighs in a checkpoint.
const CLOSED_DISK_BYTES: u64 = 16;

/// A step of a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum TargetRecord<C: Content> {
    /// A journal was opened.
    Opened(Arc<JournalSpec>),
    /// A newer stream of a disk was seen in a comparison: nothing of an older one is taken any more.
    Superseded(StreamKey),
    /// A disk did not take a write under this stream.
    Doubted(StreamKey),
    /// Points were given up by retention.
    GaveUp(GroupId, Vec<PointId>),
    /// What no point needs apart is durable on the replica disks.
    Folded(GroupId, Arc<Fold<C>>),
    /// A machine takes nothing more, and a point was chosen.
    Finished {
        /// Its group.
        group: GroupId,
        /// The machine.
        machine: MachineId,
        /// What was asked for.
        selector: Selector,
    },
    /// A point was chosen and is kept for a machine that goes on replicating.
    Pinned {
        /// Its group.
        group: GroupId,
        /// The machine.
        machine: MachineId,
        /// What was asked for.
        selector: Selector,
        /// The numbers of the pin.
        pin: Pin,
    },
    /// A pin is no longer needed.
    Unpinned(GroupId, MachineId, u64),
    /// The replica disks of a machine are about to be made equal to a point.
    Promoting(GroupId, MachineId, PointId),
    /// The replica disks of a machine are equal to a point.
    Promoted(GroupId, MachineId, PointId),
    /// The journal of this generation was closed.
    Closed(GroupId, u64),
    /// Disks whose journals were closed under these generations, in place of all steps before.
    ClosedDisks(Vec<(DiskId, u64)>),
    // What is not serialised stands last: formats that count variants would count them differently on both sides.
    /// Everything about a group, in place of all steps before. Serialised by who keeps it, too: it knows where content is.
    #[serde(skip)]
    Checkpoint(Arc<GroupCheckpoint<C>>),
    /// The next frame of a stream was taken. Serialised by who keeps it: the payload is most of it.
    #[serde(skip)]
    Frame(Arc<Frame<C>>),
}

/// Everything about a group at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "C::Kept: Serialize", deserialize = "C::Kept: Deserialize<'de>"))]
pub struct GroupCheckpoint<C: Content> {
    journal: Checkpoint<C>,
    streams: Vec<(StreamKey, u64, bool)>,
    finished: Vec<(MachineId, Selector, RecoveryPoint)>,
    doubts: Vec<StreamKey>,
    pinned: Vec<(MachineId, (u64, RecoveryPoint))>,
    shared: Option<(u64, PointId)>,
}

impl<C: Content> GroupCheckpoint<C> {
    /// The same checkpoint with what it keeps of frames told in another way: as where they are, say, to be written down.
    pub fn map<D: Content>(&self, tell: &mut impl FnMut(&C::Kept) -> D::Kept) -> GroupCheckpoint<D> {
        GroupCheckpoint {
            journal: self.journal.map(tell),
            streams: self.streams.clone(),
            finished: self.finished.clone(),
            doubts: self.doubts.clone(),
            pinned: self.pinned.clone(),
            shared: self.shared,
        }
    }
}

impl<C: Content> Target<C> {
    /// A target that starts again, with what its durable store had kept, in order.
    #[must_use]
    pub fn recover(site: Site, records: &[TargetRecord<C>]) -> Self {
        let mut target = Self::new(site);
        for record in records {
            target.replay(record);
        }
        let bytes = target.groups.iter().map(|(_, group)| group.journal.checkpoint().bytes()).sum();
        target.ledger = Ledger::new(bytes);
        let all: Vec<GroupId> = target.groups.iter().map(|(id, _)| id).collect();
        all.into_iter().for_each(|id| target.with(id, |group| group.has_news = true));
        target
    }

    fn replay(&mut self, record: &TargetRecord<C>) {
        match record {
            TargetRecord::Opened(spec) => self.replace(spec),
            TargetRecord::Frame(frame) => {
                if let Some(id) = self.group_of(frame.stream.disk) {
                    self.take(id, frame);
                }
            }
            TargetRecord::Superseded(stream) => {
                if let Some(id) = self.group_of(stream.disk) {
                    self.with(id, |group| {
                        group.stream(*stream);
                    });
                }
            }
            TargetRecord::Doubted(stream) => {
                if let Some(id) = self.group_of(stream.disk) {
                    self.with(id, |group| {
                        group.doubts.insert(stream.disk, *stream);
                    });
                }
            }
            TargetRecord::Closed(group, generation) => self.forget_group(*group, *generation),
            TargetRecord::ClosedDisks(disks) => self.closed.extend(disks.iter().copied()),
            TargetRecord::Checkpoint(checkpoint) => {
                let group = Group::restore(checkpoint);
                self.groups.insert(group.journal.spec().group, group);
            }
            TargetRecord::GaveUp(id, points) => self.with(*id, |group| {
                group.journal.give_up(points);
            }),
            TargetRecord::Folded(id, fold) => self.with(*id, |group| group.journal.fold_done(fold)),
            TargetRecord::Finished { group, machine, selector } => {
                self.with(*group, |group| {
                    group.choose(*machine, *selector);
                });
            }
            TargetRecord::Pinned { group, machine, selector, pin } => self.with(*group, |group| {
                group.pin(*machine, *selector, *pin);
            }),
            TargetRecord::Unpinned(group, machine, by) => {
                self.with(*group, |group| group.unpin(*machine, *by));
            }
            TargetRecord::Promoting(id, machine, point) => {
                self.with(*id, |group| group.journal.promoting(*machine, *point));
            }
            TargetRecord::Promoted(id, machine, point) => {
                self.with(*id, |group| group.journal.promoted(*machine, *point));
            }
        }
    }

    fn with(&mut self, id: GroupId, step: impl FnOnce(&mut Group<C>)) {
        if let Some(group) = self.groups.get_mut(id) {
            step(group);
        }
    }

    /// Replaces the log by a checkpoint when it has grown enough.
    pub(super) fn checkpoint_if_worth_it(&mut self) {
        let every_bytes =
            CHECKPOINT_EVERY_BYTES.max(self.groups.len() as u64 * CHECKPOINT_EVERY_BYTES_A_GROUP);
        if self.ledger.log_bytes() < self.checkpointed_bytes + every_bytes {
            return;
        }
        let records: Vec<_> = self.groups.iter().map(|(_, group)| group.checkpoint()).collect();
        let records = records.into_iter().map(|checkpoint| {
            let bytes = checkpoint.journal.bytes();
            (TargetRecord::Checkpoint(Arc::new(checkpoint)), bytes)
        });
        let closed: Vec<_> = self.closed.iter().map(|(disk, generation)| (*disk, *generation)).collect();
        let bytes = closed.len() as u64 * CLOSED_DISK_BYTES;
        self.ledger.compact(records.chain([(TargetRecord::ClosedDisks(closed), bytes)]).collect());
        self.checkpointed_bytes = self.ledger.log_bytes();
    }
}

impl<C: Content> Group<C> {
    fn checkpoint(&self) -> GroupCheckpoint<C> {
        GroupCheckpoint {
            journal: self.journal.checkpoint(),
            streams: self.streams.values().map(|s| (s.key, s.next, s.is_shut_down)).collect(),
            finished: self.finished.iter().map(|(machine, f)| (*machine, f.selector, f.point)).collect(),
            doubts: self.doubts.values().copied().collect(),
            pinned: self.pinned.iter().map(|(machine, pin)| (*machine, *pin)).collect(),
            shared: self.shared,
        }
    }

    fn restore(checkpoint: &GroupCheckpoint<C>) -> Self {
        let journal = GroupJournal::restore(checkpoint.journal.clone());
        let stream = |(key, next, is_shut_down): &(StreamKey, u64, bool)| {
            (key.disk, Stream { key: *key, next: *next, is_shut_down: *is_shut_down })
        };
        let finished = |(machine, selector, point): &(MachineId, Selector, RecoveryPoint)| {
            (*machine, super::group::Finished { selector: *selector, point: *point })
        };
        Self {
            journal,
            streams: checkpoint.streams.iter().map(stream).collect(),
            finished: checkpoint.finished.iter().map(finished).collect(),
            doubts: checkpoint.doubts.iter().map(|key| (key.disk, *key)).collect(),
            pinned: checkpoint.pinned.iter().copied().collect(),
            shared: checkpoint.shared,
            has_news: true,
            told: Arc::default(),
            told_at: None,
            unfolded_bytes: 0,
        }
    }
}
