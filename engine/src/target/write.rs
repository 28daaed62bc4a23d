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
    pub(super) after: u64,
    /// A disk that has just answered a write with an error.
    doubtful: Option<DiskId>,
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
    pub(super) const fn group(&self) -> GroupId {
        match self {
            Self::Fold(group, _) | Self::Promote { group, .. } | Self::Close { group, .. } => *group,
        }
    }

    pub(super) const fn request(&self) -> Option<RequestId> {
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

    /// Whether some of it is under way.
    pub(super) const fn is_under_way(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether nothing of it is left to do.
    pub(super) const fn is_over(&self) -> bool {
        self.todo.is_empty()
    }

    /// Whether it is time to try, for the first time or again.
    pub(super) fn may_begin(&self, now: Instant) -> bool {
        self.waiting.is_empty() && self.retry_at.is_none_or(|retry| retry <= now)
    }

    /// All that is left is under way.
    pub(super) fn begin(&mut self, waiting: Vec<(Token, usize)>) {
        self.retry_at = None;
        self.waiting = waiting;
    }

    /// What is under way.
    pub(super) fn tokens(&self) -> impl Iterator<Item = Token> {
        self.waiting.iter().map(|(token, _)| *token)
    }

    /// One write of it ended.
    fn ended(&mut self, now: Instant, token: Token, result: Result<(), StorageError>) {
        let failed = self.waiting.iter().find(|(waiting, _)| *waiting == token);
        if result == Err(StorageError::Failed) && matches!(self.purpose, Purpose::Fold(..)) {
            self.doubtful = failed.and_then(|(_, at)| self.todo.get(*at)).map(|(disk, _)| *disk);
        }
        self.waiting.retain(|(waiting, _)| *waiting != token);
        // On a disk that was removed, with the protection of its machine, nothing is to be left behind.
        let is_removed = result == Err(StorageError::Gone) && matches!(self.purpose, Purpose::Close { .. });
        if result.is_err() && !is_removed {
            self.retry_at = Some(now + RETRY_AFTER);
        }
        if self.waiting.is_empty() && self.retry_at.is_none() {
            self.todo.clear();
        }
    }
}

impl<C: Content> Target<C> {
    /// Begins to write, unless the same order is being carried out already.
    pub(super) fn write(&mut self, purpose: Purpose<C>, todo: Vec<(DiskId, Arc<[Change<C>]>)>) {
        if purpose.request().is_some_and(|request| self.writings.has(request, purpose.group())) {
            return;
        }
        let after = self.ledger.mark();
        self.writings.push(Writing {
            purpose,
            todo,
            waiting: Vec::new(),
            retry_at: None,
            after,
            doubtful: None,
        });
    }

    /// Plans folds, issues writes, and ends what has been written.
    pub(super) fn write_on(&mut self, now: Instant, out: &mut Out<C>) {
        self.plan_folds();
        for number in self.writings.ready(now, |mark| self.ledger.is_durable(mark)) {
            self.issue(number, out);
        }
        for purpose in self.writings.take_ended() {
            self.finish_write(purpose);
        }
    }

    fn plan_folds(&mut self) {
        let mut plans = Vec::new();
        for id in self.groups.take_to_fold() {
            let busy = self.writings.is_busy(id);
            let Some(group) = self.groups.get_mut_untouched(id) else { continue };
            let due = if group.journal.points().is_empty() {
                group.unfolded_bytes >= FOLD_EVERY_BYTES
            } else {
                group.has_news
            };
            if !busy && due && group.finished.is_empty() {
                group.unfolded_bytes = 0;
                plans.extend(group.journal.fold_plan().map(|fold| (id, fold)));
            }
        }
        for (id, fold) in plans {
            let todo = fold.disks().to_vec();
            self.write(Purpose::Fold(id, fold), todo);
        }
    }

    fn issue(&mut self, number: u64, out: &mut Out<C>) {
        let Some(writing) = self.writings.get(number) else { return };
        let mut tokens = Vec::with_capacity(writing.todo.len());
        for (at, (disk, changes)) in writing.todo.iter().enumerate() {
            self.tokens += 1;
            let token = Token(self.tokens);
            let disk = DiskRef::Replica(*disk, self.site);
            out.push(Effect::WriteDisk { disk, changes: Arc::clone(changes), token });
            tokens.push((token, at));
        }
        self.writings.begun(number, tokens);
    }

    /// A write ended.
    pub(super) fn written(&mut self, now: Instant, token: Token, result: Result<(), StorageError>) {
        let mut failed = None;
        self.writings.came_back(token, |writing| {
            writing.ended(now, token, result);
            failed = writing.doubtful.take();
        });
        if let Some(disk) = failed {
            self.doubt(disk);
        }
    }

    /// Takes note that a disk answered a write with an error. It is written again all the same.
    fn doubt(&mut self, disk: DiskId) {
        let Some(id) = self.group_of(disk) else { return };
        if let Some(stream) = self.groups.get_mut(id).and_then(|group| group.doubt(disk)) {
            self.ledger.append(TargetRecord::Doubted(stream), NOTE_BYTES);
        }
    }

    /// Everything is durable on the replica disks.
    fn finish_write(&mut self, purpose: Purpose<C>) {
        match purpose {
            Purpose::Fold(id, fold) => {
                if let Some(group) = self.groups.get_mut(id) {
                    group.journal.fold_done(&fold);
                    // Their payload went with them: there is nothing to give back but their names.
                    drop(group.journal.take_deleted_segments());
                    self.ledger.append(TargetRecord::Folded(id, Arc::new(fold)), NOTE_BYTES);
                }
            }
            Purpose::Promote { request, group: id, machine, point } => {
                if let Some(group) = self.groups.get_mut(id) {
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
        let is_idle = !self.writings.is_under_way(group);
        if is_idle {
            self.writings.remove_group(group);
            self.groups.touch(group);
        }
        is_idle
    }

    /// Forgets the journal of a group.
    pub(super) fn close(&mut self, group: GroupId, generation: u64) {
        self.forget_group(group, generation);
        self.writings.remove_group(group);
        self.ledger.append(TargetRecord::Closed(group, generation), NOTE_BYTES);
    }

    /// Forgets a group, but not that the streams of its disks are over.
    pub(super) fn forget_group(&mut self, group: GroupId, generation: u64) {
        if let Some(group) = self.groups.remove(group) {
            self.closed.extend(group.journal.spec().disks().map(|disk| (disk, generation)));
        }
    }

    pub(super) fn answer(&mut self, request: RequestId, answer: Answer<C>) {
        self.ledger.send(Address::Control, Message::Answer { request, answer });
    }
}
