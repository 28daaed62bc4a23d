//! Bringing the replica disks forward: folding what no point needs apart, promoting a machine to its point, leaving
//! a point behind when a journal is closed.
//!
//! All three write the same thing to a disk, whatever happens in between and however often: a write that was cut
//! short is simply made again.

use core::time::Duration;
use std::sync::Arc;

use super::durable::TargetRecord;
use super::receive::NOTE_BYTES;
use super::{Out, Target};
use crate::content::Content;
use crate::extent::Change;
use crate::id::{DiskId, GroupId, MachineId};
use crate::journal::Fold;
use crate::message::{Answer, Message, RequestId};
use crate::point::PointId;
use crate::role::{Address, DiskRef, Effect, StorageError, Token};
use crate::time::Instant;

/// A disk that did not take a write is tried again this much later.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// While there is no point yet, a fold is planned whenever this much has come in.
const FOLD_EVERY_BYTES: u64 = 64 << 20;

/// Writes to replica disks under way, and what is to be done when all are durable.
#[derive(Debug, Clone)]
pub(super) struct Writing<C: Content> {
    pub(super) purpose: Purpose<C>,
    todo: Vec<(DiskId, Arc<[Change<C>]>)>,
    waiting: Vec<(Token, usize)>,
    retry_at: Option<Instant>,
    /// What the log must hold durably first: a disk must never be ahead of what a restart would know.
    after: u64,
}

/// Why replica disks are written.
#[derive(Debug, Clone)]
pub(super) enum Purpose<C: Content> {
    Fold(GroupId, Fold<C>),
    Promote { request: RequestId, group: GroupId, machine: MachineId, point: PointId },
    Close { request: RequestId, group: GroupId, generation: u64 },
}

impl<C: Content> Purpose<C> {
    /// The group whose disks are written.
    const fn group(&self) -> GroupId {
        match self {
            Self::Fold(group, _) | Self::Promote { group, .. } | Self::Close { group, .. } => *group,
        }
    }

    const fn request(&self) -> Option<RequestId> {
        match self {
            Self::Fold(..) => None,
            Self::Promote { request, .. } | Self::Close { request, .. } => Some(*request),
        }
    }
}

impl<C: Content> Writing<C> {
    /// When to try again what failed. Not while other writes of the same attempt are under way: the last of them
    /// to end is what it waits for.
    pub(super) fn deadline(&self) -> Instant {
        self.retry_at.filter(|_| self.waiting.is_empty()).unwrap_or(Instant::MAX)
    }
}

impl<C: Content> Target<C> {
    /// Begins to write, unless the same order is being carried out already.
    pub(super) fn write(&mut self, purpose: Purpose<C>, todo: Vec<(DiskId, Arc<[Change<C>]>)>) {
        let request = purpose.request();
        if request.is_some() && self.writing.iter().any(|writing| writing.purpose.request() == request) {
            return;
        }
        self.writing.push(Writing {
            purpose,
            todo,
            waiting: Vec::new(),
            retry_at: None,
            after: self.ledger.mark(),
        });
    }

    /// Plans folds, issues writes, and ends what has been written.
    pub(super) fn write_on(&mut self, now: Instant, out: &mut Out<C>) {
        self.plan_folds();
        for at in 0..self.writing.len() {
            // One after the other for each group: two at once could end in either order on the disk.
            let group = self.writing[at].purpose.group();
            let is_first = self.writing[..at].iter().all(|earlier| earlier.purpose.group() != group);
            if is_first && self.ledger.is_durable(self.writing[at].after) {
                self.issue(now, at, out);
            }
        }
        let is_done = |writing: &Writing<C>| writing.todo.is_empty() && writing.waiting.is_empty();
        let (done, going_on): (Vec<_>, Vec<_>) = self.writing.drain(..).partition(is_done);
        self.writing = going_on;
        for writing in done {
            self.finish_write(writing.purpose);
        }
    }

    fn plan_folds(&mut self) {
        let mut plans = Vec::new();
        for (id, group) in &mut self.groups {
            let busy = self.writing.iter().any(|writing| writing.purpose.group() == *id);
            let due = if group.journal.points().is_empty() {
                group.unfolded_bytes >= FOLD_EVERY_BYTES
            } else {
                group.has_news
            };
            if !busy && due && group.finished.is_empty() {
                group.unfolded_bytes = 0;
                plans.extend(group.journal.fold_plan().map(|fold| (*id, fold)));
            }
        }
        for (id, fold) in plans {
            let todo = fold.disks().to_vec();
            self.write(Purpose::Fold(id, fold), todo);
        }
    }

    fn issue(&mut self, now: Instant, at: usize, out: &mut Out<C>) {
        if self.writing[at].waiting.is_empty() && self.writing[at].retry_at.is_none_or(|retry| retry <= now) {
            self.writing[at].retry_at = None;
            let count = self.writing[at].todo.len();
            for i in 0..count {
                let token = self.token();
                let (disk, changes) = &self.writing[at].todo[i];
                let disk = DiskRef::Replica(*disk, self.site);
                out.push(Effect::WriteDisk { disk, changes: Arc::clone(changes), token });
                self.writing[at].waiting.push((token, i));
            }
        }
    }

    /// A write ended.
    pub(super) fn written(&mut self, now: Instant, token: Token, result: Result<(), StorageError>) {
        for writing in &mut self.writing {
            let Some(at) = writing.waiting.iter().position(|(waiting, _)| *waiting == token) else {
                continue;
            };
            writing.waiting.swap_remove(at);
            // On a disk that was removed, with the protection of its machine, nothing is to be left behind.
            let is_removed =
                result == Err(StorageError::Gone) && matches!(writing.purpose, Purpose::Close { .. });
            if result.is_err() && !is_removed {
                writing.retry_at = Some(now + RETRY_AFTER);
            }
            if writing.waiting.is_empty() && writing.retry_at.is_none() {
                writing.todo.clear();
            }
        }
    }

    /// Everything is durable on the replica disks.
    fn finish_write(&mut self, purpose: Purpose<C>) {
        match purpose {
            Purpose::Fold(id, fold) => {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.journal.fold_done(&fold);
                    self.ledger.append(TargetRecord::Folded(id, Arc::new(fold)), NOTE_BYTES);
                }
            }
            Purpose::Promote { request, group: id, machine, point } => {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.journal.promoted(machine, point);
                    group.has_news = true;
                    self.ledger.append(TargetRecord::Promoted(id, machine, point), NOTE_BYTES);
                }
                self.answer(request, Answer::Done);
            }
            Purpose::Close { request, group, generation } => {
                self.close(group, generation);
                self.answer(request, Answer::Done);
            }
        }
    }

    /// Gives up what is to be written to the disks of a group; false if some of it is under way.
    pub(super) fn drop_writing(&mut self, group: GroupId) -> bool {
        let of_group = |writing: &Writing<C>| writing.purpose.group() == group;
        let is_idle = self.writing.iter().filter(|w| of_group(w)).all(|writing| writing.waiting.is_empty());
        if is_idle {
            self.writing.retain(|writing| !of_group(writing));
        }
        is_idle
    }

    /// Forgets the journal of a group.
    pub(super) fn close(&mut self, group: GroupId, generation: u64) {
        self.forget_group(group, generation);
        self.writing.retain(|writing| writing.purpose.group() != group);
        self.ledger.append(TargetRecord::Closed(group, generation), NOTE_BYTES);
    }

    /// Forgets a group, but not that the streams of its disks are over.
    pub(super) fn forget_group(&mut self, group: GroupId, generation: u64) {
        if let Some(group) = self.groups.remove(&group) {
            self.closed.extend(group.journal.spec().disks().map(|disk| (disk, generation)));
        }
    }

    pub(super) fn answer(&mut self, request: RequestId, answer: Answer<C>) {
        self.ledger.send(Address::Control, Message::Answer { request, answer });
    }
}
