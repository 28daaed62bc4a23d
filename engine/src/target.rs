//! The target: receives frames, journals them, makes recovery points, and brings disks to one of them.
//!
//! The same role runs away, over replica disks, and at home as the master target, over the disks of the machine
//! itself. It applies what it is told at once and says so only when its log is durable; after a crash the log is
//! applied again from the last checkpoint, step by step as it was the first time.
//!
//! | file | owns |
//! |---|---|
//! | `group` | the journal of one group with its streams and what was chosen from it |
//! | `groups` | all groups, and which of them were touched |
//! | `receive` | frames in order, acknowledgement, points and their retention |
//! | `compare` | digests of the source against the replica |
//! | `write` | bringing the replica disks forward: folds, promotions, closing |
//! | `writings` | which of these writes can go on, in order |
//! | `orders` | what control asks for |
//! | `durable` | the log, checkpoints, recovery |
//! | `look` | what it holds, for people who look inside |
//!
//! It refuses to know why a point is wanted, and where the source is.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::content::Content;
use crate::id::{DiskId, GroupId, Site};
use crate::ledger::Ledger;
use crate::message::{Message, TargetStatus};
use crate::role::{Address, Input, Outbox, Role, Token};
use crate::time::Instant;

mod compare;
mod durable;
mod group;
mod groups;
mod look;
mod orders;
mod receive;
mod write;
mod writings;

use compare::Comparison;
pub use durable::{GroupCheckpoint, TargetRecord};
use groups::Groups;
pub use look::GroupLook;
use writings::Writings;

/// How often control hears from a target that has nothing new to say; as often as from an agent.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(60);

type Out<C> = Outbox<C, TargetRecord<C>>;

/// A target at a site.
#[derive(Debug, Clone)]
pub struct Target<C: Content> {
    site: Site,
    groups: Groups<C>,
    /// Disks whose journal was closed, and its generation: what is sent of them still is wanted no more.
    closed: BTreeMap<DiskId, u64>,
    ledger: Ledger<C, TargetRecord<C>>,
    comparisons: Vec<Comparison<C>>,
    writings: Writings<C>,
    heartbeat_at: Instant,
    heartbeat_every: Duration,
    /// Weight of the log after the last checkpoint, in bytes.
    checkpointed_bytes: u64,
    tokens: u64,
}

impl<C: Content> Role for Target<C> {
    type Content = C;
    type Record = TargetRecord<C>;

    fn handle(&mut self, now: Instant, input: Input<C>, out: &mut Out<C>) {
        match input {
            Input::Message { from, message } => self.message(now, from, message, out),
            Input::DiskRead { token, result } => self.compare_base(token, result),
            Input::DiskWritten { token, result } => self.written(now, token, result),
            Input::Synced { token, result } => self.ledger.synced(now, token, result.is_ok(), out),
            _ => {}
        }
        self.write_on(now, out);
        self.report(now);
        self.checkpoint_if_worth_it();
        self.ledger.settle(now, &mut self.tokens, out);
    }

    fn deadline(&self) -> Option<Instant> {
        let retries = self.writings.deadline();
        let heartbeat = if self.groups.len() == 0 { Instant::MAX } else { self.heartbeat_at };
        let at = heartbeat.min(retries).min(self.ledger.deadline());
        (at < Instant::MAX).then_some(at)
    }
}

impl<C: Content> Target<C> {
    /// A target without journals.
    #[must_use]
    pub const fn new(site: Site) -> Self {
        Self {
            site,
            groups: Groups::new(),
            closed: BTreeMap::new(),
            ledger: Ledger::new(0),
            comparisons: Vec::new(),
            writings: Writings::new(),
            heartbeat_at: Instant::ZERO,
            heartbeat_every: HEARTBEAT_EVERY,
            checkpointed_bytes: 0,
            tokens: 0,
        }
    }

    /// The same target, of which control hears as often as that when it has nothing new to say.
    #[must_use]
    pub fn with_heartbeat_every(mut self, every: Duration) -> Self {
        self.heartbeat_every = every;
        self
    }

    /// The journal of a group, for people who look inside. Judges read disks and views instead.
    #[must_use]
    pub fn journal(&self, group: GroupId) -> Option<&crate::journal::GroupJournal<C>> {
        self.groups.get(group).map(|group| &group.journal)
    }

    fn message(&mut self, now: Instant, from: Address, message: Message<C>, out: &mut Out<C>) {
        match message {
            Message::Frame(frame) => self.receive(now, from, &frame),
            Message::Compare(compare) => self.compare(from, compare, out),
            Message::Order { request, order } => self.order(request, *order, out),
            _ => {}
        }
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    /// Queues the status of every group that has something new to say, and of all of them every heartbeat. It goes
    /// out when what it says is durable.
    fn report(&mut self, now: Instant) {
        let touched = self.groups.take_to_report();
        if now >= self.heartbeat_at {
            self.heartbeat_at = now + self.heartbeat_every;
            let all: Vec<GroupId> = self.groups.iter().map(|(id, _)| id).collect();
            all.into_iter().for_each(|id| self.say_status(id, true));
        } else {
            touched.into_iter().for_each(|id| self.say_status(id, false));
        }
    }

    /// Queues the status of a group if it has something new to say, or in any case.
    fn say_status(&mut self, id: GroupId, in_any_case: bool) {
        let Some(group) = self.groups.get_mut_untouched(id) else { return };
        let has_news = core::mem::take(&mut group.has_news);
        if !has_news && !in_any_case {
            return;
        }
        let status = TargetStatus {
            group: id,
            generation: group.journal.spec().generation,
            points: group.points_to_tell(),
            shut_down: group.shut_down(),
            doubtful: group.doubtful(),
        };
        self.ledger.send(Address::Control, Message::TargetStatus(status));
    }
}
