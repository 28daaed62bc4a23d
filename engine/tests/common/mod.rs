//! A bench for one role: feed it inputs, look at what it wants done, and decide when disks and the store answer.
//!
//! Nothing here knows what a role is for. What the roles need is beside it: [`store`] and [`disk`] are the hardware,
//! [`machine`] is an agent with its disks, [`stream`] makes batches and frames by hand.

#![allow(dead_code, reason = "every test file uses its own part of it")]

use core::fmt::Debug;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use switchback_engine::extent::{Change, SectorRange};
use switchback_engine::message::{Answer, Observation, Order, RequestId};
use switchback_engine::role::{StorageError, Token};
use switchback_engine::{Address, DiskRef, Effect, Input, Instant, Message, Outbox, Role};

pub(crate) mod disk;
pub(crate) mod machine;
pub(crate) mod store;
pub(crate) mod stream;
pub(crate) mod target;

use disk::Disk;
use store::Store;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// More wakes than this at one instant: the role wants to be woken in the past and would stop time.
const WAKES_AT_ONE_INSTANT_MAX: u32 = 100;

/// What answers by itself and at once; what does not waits for the test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtOnce {
    pub(crate) syncs: bool,
    pub(crate) reads: bool,
    pub(crate) writes: bool,
    pub(crate) holds: bool,
    pub(crate) quiesce: bool,
}

impl AtOnce {
    pub(crate) const ALL: Self = Self { syncs: true, reads: true, writes: true, holds: true, quiesce: true };
}

/// A read under way, with what the disk held when it was issued.
#[derive(Debug, Clone)]
pub(crate) struct Reading<C> {
    pub(crate) token: Token,
    pub(crate) disk: DiskRef,
    pub(crate) range: SectorRange,
    pub(crate) then: Vec<Change<C>>,
}

/// Writes under way to a disk.
#[derive(Debug, Clone)]
pub(crate) struct Writing<C> {
    pub(crate) token: Token,
    pub(crate) disk: DiskRef,
    pub(crate) changes: Arc<[Change<C>]>,
}

/// One role and the world as it sees it.
#[derive(Debug, Clone)]
pub(crate) struct Bench<R: Role> {
    pub(crate) role: R,
    pub(crate) now: Instant,
    pub(crate) at_once: AtOnce,
    pub(crate) store: Store<R::Record>,
    pub(crate) disks: BTreeMap<DiskRef, Disk<R::Content>>,
    pub(crate) reads: VecDeque<Reading<R::Content>>,
    pub(crate) writes: VecDeque<Writing<R::Content>>,
    /// What it wanted done and nobody has looked at yet, without storage.
    pub(crate) wanted: Vec<Effect<R::Content, R::Record>>,
}

impl<R: Role + Debug> Bench<R> {
    pub(crate) fn new(role: R) -> Self {
        Self {
            role,
            now: Instant(SECOND.as_nanos() as u64),
            at_once: AtOnce::ALL,
            store: Store::new(),
            disks: BTreeMap::new(),
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            wanted: Vec::new(),
        }
    }

    /// Hands the role an input, and answers for the hardware that answers at once.
    pub(crate) fn feed(&mut self, input: Input<R::Content>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut out = Outbox::default();
            self.role.handle(self.now, input, &mut out);
            inputs.extend(self.carry_out(out));
        }
    }

    /// Carries out what a role wants; what comes back at once.
    fn carry_out(&mut self, mut out: Outbox<R::Content, R::Record>) -> Vec<Input<R::Content>> {
        let mut back = Vec::new();
        for effect in out.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Append(record, _) => self.store.append(record),
                Effect::Compact(records) => {
                    self.store.compact(records.into_iter().map(|(record, _)| record).collect())
                }
                Effect::Sync(token) => {
                    self.store.sync(token);
                    if self.at_once.syncs {
                        back.extend(
                            self.store.complete(true).map(|(token, result)| Input::Synced { token, result }),
                        );
                    }
                }
                Effect::ReadDisk { disk, range, token } => {
                    let then = self.disk(disk).read(range);
                    self.reads.push_back(Reading { token, disk, range, then });
                    if self.at_once.reads {
                        back.extend(self.read_result(None));
                    }
                }
                Effect::WriteDisk { disk, changes, token } => {
                    self.writes.push_back(Writing { token, disk, changes });
                    if self.at_once.writes {
                        back.extend(self.write_result(true));
                    }
                }
                Effect::HoldWrites if self.at_once.holds => {
                    back.push(Input::WritesHeld);
                    self.wanted.push(Effect::HoldWrites);
                }
                Effect::Quiesce if self.at_once.quiesce => {
                    back.push(Input::Quiesced(Ok(())));
                    self.wanted.push(Effect::Quiesce);
                }
                other => self.wanted.push(other),
            }
        }
        back
    }

    // The hardware.

    pub(crate) fn disk(&mut self, disk: DiskRef) -> &mut Disk<R::Content> {
        self.disks.entry(disk).or_default()
    }

    /// The oldest sync under way ends; false if there is none.
    pub(crate) fn finish_sync(&mut self, works: bool) -> bool {
        let Some((token, result)) = self.store.complete(works) else { return false };
        self.feed(Input::Synced { token, result });
        true
    }

    fn read_result(&mut self, error: Option<StorageError>) -> Option<Input<R::Content>> {
        let read = self.reads.pop_front()?;
        let result = match error {
            Some(error) => Err(error),
            None => Ok(self.disk(read.disk).read(read.range)),
        };
        Some(Input::DiskRead { token: read.token, result })
    }

    /// The oldest read ends with what the disk holds now; false if there is none.
    pub(crate) fn finish_read(&mut self) -> bool {
        self.read_result(None).map(|input| self.feed(input)).is_some()
    }

    /// The oldest read ends with what the disk held when it was issued; false if there is none.
    pub(crate) fn finish_read_of_then(&mut self) -> bool {
        let Some(read) = self.reads.pop_front() else { return false };
        self.feed(Input::DiskRead { token: read.token, result: Ok(read.then) });
        true
    }

    /// The oldest read fails; false if there is none.
    pub(crate) fn fail_read(&mut self) -> bool {
        self.read_result(Some(StorageError::Failed)).map(|input| self.feed(input)).is_some()
    }

    fn write_result(&mut self, works: bool) -> Option<Input<R::Content>> {
        let write = self.writes.pop_front()?;
        if works {
            self.disk(write.disk).write(&write.changes);
        }
        let result = if works { Ok(()) } else { Err(StorageError::Failed) };
        Some(Input::DiskWritten { token: write.token, result })
    }

    /// The oldest disk write ends; false if there is none. One that fails has changed nothing.
    pub(crate) fn finish_write(&mut self, works: bool) -> bool {
        self.write_result(works).map(|input| self.feed(input)).is_some()
    }

    // Time.

    /// Lets time pass, waking the role whenever it wants to be woken.
    ///
    /// # Panics
    /// If the role never stops wanting to be woken.
    pub(crate) fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        let mut wakes = 0;
        while let Some(at) = self.role.deadline().filter(|at| *at <= until) {
            wakes = if at > self.now { 0 } else { wakes + 1 };
            assert!(
                wakes < WAKES_AT_ONE_INSTANT_MAX,
                "it wants to be woken in the past for ever: {:?}",
                self.role
            );
            self.now = self.now.max(at);
            self.feed(Input::Wake);
        }
        self.now = until;
    }

    /// The role dies and is built again from what its store had kept.
    pub(crate) fn crash(
        &mut self,
        build: impl FnOnce(Instant, &[R::Record], &mut Outbox<R::Content, R::Record>) -> R,
    ) {
        self.crash_keeping(0, build);
    }

    /// As [`Bench::crash`], but so many steps that were not synced happen to have been kept.
    pub(crate) fn crash_keeping(
        &mut self,
        unsynced: usize,
        build: impl FnOnce(Instant, &[R::Record], &mut Outbox<R::Content, R::Record>) -> R,
    ) {
        self.store.crash(unsynced);
        self.reads.clear();
        self.writes.clear();
        self.wanted.clear();
        let mut out = Outbox::default();
        self.role = build(self.now, self.store.durable(), &mut out);
        for input in self.carry_out(out) {
            self.feed(input);
        }
    }

    // What it wants.

    /// Takes out what `pick` picks and leaves the rest, in order.
    pub(crate) fn take<T>(&mut self, pick: impl Fn(&Effect<R::Content, R::Record>) -> Option<T>) -> Vec<T> {
        let mut taken = Vec::new();
        self.wanted.retain(|effect| pick(effect).map(|found| taken.push(found)).is_none());
        taken
    }

    /// Takes all messages.
    pub(crate) fn sent(&mut self) -> Vec<(Address, Message<R::Content>)> {
        self.take(|effect| match effect {
            Effect::Send { to, message } => Some((*to, message.clone())),
            _ => None,
        })
    }

    /// Takes the answers to orders.
    pub(crate) fn answers(&mut self) -> Vec<(RequestId, Answer<R::Content>)> {
        self.take(|effect| match effect {
            Effect::Send { message: Message::Answer { request, answer }, .. } => {
                Some((*request, answer.clone()))
            }
            _ => None,
        })
    }

    /// Takes the observations.
    pub(crate) fn observed(&mut self) -> Vec<Observation> {
        self.take(|effect| match effect {
            Effect::Observe(observation) => Some(observation.clone()),
            _ => None,
        })
    }

    /// Takes what is of one kind and says how often it was wanted.
    pub(crate) fn count(&mut self, kind: impl Fn(&Effect<R::Content, R::Record>) -> bool) -> usize {
        self.take(|effect| kind(effect).then_some(())).len()
    }

    pub(crate) fn hear(&mut self, from: Address, message: Message<R::Content>) {
        self.feed(Input::Message { from, message });
    }

    pub(crate) fn order(&mut self, request: u64, order: Order) {
        self.hear(Address::Control, Message::Order { request: RequestId(request), order: Box::new(order) });
    }
}

/// The answer to one order, which must be the only answer.
///
/// # Panics
/// If there is another number of answers, or one to another order.
#[track_caller]
pub(crate) fn only_answer<R: Role + Debug>(bench: &mut Bench<R>, request: u64) -> Answer<R::Content> {
    let mut answers = bench.answers();
    assert_eq!(answers.len(), 1, "one answer is wanted, not {answers:?}");
    let (answered, answer) = answers.remove(0);
    assert_eq!(answered, RequestId(request));
    answer
}
