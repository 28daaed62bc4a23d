//! The agent: runs beside a machine's applications, captures what they write, and sends it on.
//!
//! It owns the machine's half of the truth: which writes happened, in which order, and which of them the process
//! server has kept. What it remembers across a crash is small (the terms of replication, its session, a number
//! that no write has reached); everything else is found again by comparing disks with their replicas.
//!
//! | file | owns |
//! |---|---|
//! | [`config`] | limits and cadences |
//! | `capture` | one disk: the three capture modes and the order of what is pending |
//! | `churn` | how much the machine changes |
//! | `dirty` | the sparse bitmap of places to read again |
//! | `copy` | first copy, comparison and resync of one disk |
//! | `stream` | slots to numbered batches, sending, acknowledgement |
//! | `rounds` | closing the batches of all disks at one cut |
//! | `marks` | recovery-point markers: quiesce, barrier, marker, release |
//! | `filter` | the driver, when it no longer follows the disks |
//! | `orders` | what control asks for |
//! | `growth` | disks that became larger |
//! | `life` | start, crash, orderly stop, durable records |
//! | `look` | what it holds, for people who look inside |
//!
//! It refuses to know where batches go after the process server, and what a recovery point is kept in.

use std::collections::BTreeMap;

use crate::conditions::FilterLoss;
use crate::content::Content;
use crate::id::DiskId;
use crate::message::{AgentStatus, Message, Observation, Replication, RequestId, ResyncReason};
use crate::point::WriteOrder;
use crate::role::{Address, Effect, Input, Outbox, Role, Token};
use crate::time::Instant;

mod capture;
mod churn;
pub mod config;
mod copy;
mod dirty;
mod filter;
mod growth;
mod life;
mod look;
mod marks;
mod orders;
mod rounds;
mod stream;

use capture::{Captured, DiskCapture};
use churn::ChurnWatch;
pub use config::AgentConfig;
pub(crate) use copy::digests;
pub use life::AgentRecord;
pub use look::PendingDisk;
use marks::Marks;

/// What an agent wants done.
type Out<C> = Outbox<C, AgentRecord>;

/// The agent of one machine at one site.
#[derive(Debug, Clone)]
pub struct Agent<C: Content> {
    config: AgentConfig,
    replicating: Option<Replicating<C>>,
    /// Counted within this life.
    tokens: u64,
    heartbeat_at: Instant,
    last_status: Option<AgentStatus>,
    syncs: Vec<PendingSync>,
    last_resync: Option<RequestId>,
    last_move: Option<RequestId>,
    stopping: Option<Stopping>,
    /// Number of the next write when nothing is replicated.
    numbers_from: u64,
    /// How large the disks are that were found larger than they were made in this life, in sectors, by place.
    grown: BTreeMap<u8, u64>,
    /// Why the driver does not follow the disks in this life, if it does not.
    filter_lost: Option<FilterLoss>,
    /// The applications could pause when they were last asked in this life.
    can_pause: bool,
}

/// A record on its way to the disk and what waits for it.
#[derive(Debug, Clone)]
struct PendingSync {
    token: Token,
    record: AgentRecord,
    then: AfterSync,
}

/// What may happen only once a record is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AfterSync {
    /// Batches of this session may go out, and the order that began it is answered.
    SessionMayBegin {
        /// Under which generation.
        generation: u64,
        /// The session.
        session: u32,
        /// The order.
        request: Option<RequestId>,
    },
    /// The order is answered.
    AnswerDone(RequestId),
    /// The machine may stop.
    MayStop,
    /// Nothing: the record only has to get there.
    GoOn,
}

/// An orderly stop of the machine under way.
#[derive(Debug, Clone)]
struct Stopping {
    /// When to give up waiting for acknowledgements.
    give_up_at: Instant,
    /// Whether the last cut was made with a marker. It cannot be while something waits to be read.
    marked: bool,
    /// Whether the last record is on its way.
    recorded: bool,
}

/// Everything about the current run of replication.
#[derive(Debug, Clone)]
struct Replicating<C: Content> {
    terms: Replication,
    session: u32,
    /// Whether the session's record is durable; nothing of it may be sent before.
    may_send: bool,
    disks: Vec<DiskCapture<C>>,
    /// Number of the next write of the machine.
    next_write: u64,
    /// The number up to which the durable store knows.
    recorded_write: u64,
    /// Rounds closed in this session.
    rounds: u64,
    /// Whether anything waits for the next round, and when that is closed.
    owes_a_round: bool,
    next_round_at: Instant,
    /// Payload bytes in memory.
    pool_used: u64,
    marks: Marks,
    resync: Option<(ResyncReason, Instant)>,
    /// Whether the first copy or comparison of this session is still to be reported as complete.
    copying: bool,
    /// What the process server can still take.
    credit_bytes: u64,
    order: WriteOrder,
    /// Since when the process server has not answered, while something waits for it.
    unanswered_since: Option<Instant>,
    churn: ChurnWatch,
}

impl<C: Content> Role for Agent<C> {
    type Content = C;
    type Record = AgentRecord;

    fn handle(&mut self, now: Instant, input: Input<C>, out: &mut Out<C>) {
        match input {
            // Nine inputs of ten are writes, and nothing follows from most of them.
            Input::Written { disk, change } => return self.written(now, disk, change, out),
            Input::Wake => {}
            Input::Message { from, message } => self.message(now, from, message, out),
            Input::WritesHeld => self.writes_held(now, out),
            Input::Quiesced(result) => self.quiesced(now, result, out),
            Input::FilterLost(why) => self.filter_lost(now, why, out),
            Input::DiskGrew { disk, sectors } => self.disk_grew(now, disk, sectors, out),
            Input::ShuttingDown => self.shutting_down(now, out),
            Input::DiskRead { token, result } => self.disk_read(now, token, result, out),
            Input::Synced { token, result } => self.synced(now, token, result.is_ok(), out),
            Input::DiskWritten { .. }
            | Input::Hypervisor { .. }
            | Input::Cloud { .. }
            | Input::Command { .. } => return,
        }
        self.settle(now, out);
    }

    fn deadline(&self) -> Option<Instant> {
        let mut at = self.heartbeat_at;
        if let Some(replicating) = &self.replicating {
            at = at.min(replicating.marks.deadline());
            if replicating.owes_a_round {
                at = at.min(replicating.next_round_at);
            }
            for disk in &replicating.disks {
                at = at.min(disk.deadline());
            }
        }
        if let Some(stopping) = &self.stopping {
            at = at.min(stopping.give_up_at);
        }
        Some(at)
    }
}

impl<C: Content> Agent<C> {
    /// The number of the newest write it has captured; 0 before the first.
    #[must_use]
    pub fn writes_captured(&self) -> u64 {
        self.replicating.as_ref().map_or(0, |r| r.next_write.saturating_sub(1))
    }

    /// Payload bytes in its memory pool.
    #[must_use]
    pub fn pool_used(&self) -> u64 {
        self.replicating.as_ref().map_or(0, |r| r.pool_used)
    }

    /// The write-order state, the worst of all disks.
    #[must_use]
    pub fn write_order(&self) -> WriteOrder {
        self.replicating.as_ref().map_or(WriteOrder::Data, |r| r.order)
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    /// Captures a completed write.
    fn written(&mut self, now: Instant, disk: u8, change: crate::extent::Change<C>, out: &mut Out<C>) {
        let Some(replicating) = &mut self.replicating else { return };
        let captured = replicating.capture(now, &self.config, disk, change);
        if captured == Captured::Lost {
            self.compare_anew(now, ResyncReason::LowMemory, None, out);
        }
        let is_in_order = self.replicating.as_ref().is_some_and(|r| r.order == WriteOrder::Data);
        if captured != Captured::Kept || !is_in_order {
            self.settle(now, out);
        }
    }

    fn message(&mut self, now: Instant, from: Address, message: Message<C>, out: &mut Out<C>) {
        match message {
            Message::Order { request, order } => self.order(now, request, *order, out),
            Message::BatchStored { stream, upto, credit_bytes } => {
                if let Some(replicating) = &mut self.replicating {
                    replicating.stored(now, from, stream, upto, credit_bytes);
                }
            }
            Message::Differs(differs) => {
                if let Some(replicating) = &mut self.replicating {
                    replicating.differs(&differs);
                }
            }
            Message::Barrier(barrier) => self.barrier(now, from, barrier, out),
            Message::MarkerWanted { generation } => {
                if let Some(r) = self.replicating.as_mut().filter(|r| r.terms.generation == generation) {
                    r.marks.due_now(now);
                }
            }
            _ => {}
        }
    }

    /// Brings everything to rest after an input: timers that are over, reads to issue, batches to send, a status
    /// if it changed. Each step is cheap and does nothing when there is nothing to do.
    fn settle(&mut self, now: Instant, out: &mut Out<C>) {
        if let Some(replicating) = &mut self.replicating {
            replicating.watch_churn(now);
            replicating.close_round_if_due(now);
            replicating.disks.iter_mut().for_each(|disk| disk.copy.release(now));
            replicating.read_what_is_due(now, &self.config, &mut self.tokens, out);
            replicating.send(now, out);
            replicating.note_order(&self.config, out);
            if replicating.copy_is_complete() {
                replicating.copying = false;
                replicating.resync = None;
                replicating.marks.due_now(now);
                out.push(Effect::Observe(Observation::CopyCompleted { machine: self.config.machine }));
            }
        }
        self.record_sequence(out);
        self.drive_marks(now, out);
        self.drive_stop(now, out);
        self.report(now, out);
    }

    /// Sends the status when it says something new, and every heartbeat.
    fn report(&mut self, now: Instant, out: &mut Out<C>) {
        let status = self.status(now);
        let news = self.last_status.as_ref().is_none_or(|last| !says_the_same(last, &status));
        if news || now >= self.heartbeat_at {
            self.heartbeat_at = now + self.config.heartbeat_every;
            self.last_status = Some(status.clone());
            out.send(Address::Control, Message::AgentStatus(self.with_sizes(status)));
        }
    }

    /// Adds the sizes of the disks. They are copied only then, because whether there are news is asked at every input.
    fn with_sizes(&self, status: AgentStatus) -> AgentStatus {
        let disk_sectors = self.replicating.as_ref().map(|r| r.terms.disk_sectors.clone());
        AgentStatus { disk_sectors: disk_sectors.unwrap_or_default(), ..status }
    }

    /// The status without the sizes of the disks, which are those of the session.
    fn status(&self, now: Instant) -> AgentStatus {
        let machine = self.config.machine;
        let Some(r) = &self.replicating else {
            return AgentStatus {
                machine,
                generation: 0,
                session: 0,
                disk_sectors: Vec::new(),
                order: WriteOrder::Data,
                resync: None,
                resync_waits: false,
                sectors_to_copy: 0,
                pending_bytes: 0,
                failed_markers: 0,
                churns_too_much: false,
                unanswered_secs: 0,
            };
        };
        AgentStatus {
            machine,
            generation: r.terms.generation,
            session: r.session,
            disk_sectors: Vec::new(),
            order: r.order,
            resync: r.resync,
            resync_waits: r.disks.iter().any(DiskCapture::is_held),
            sectors_to_copy: r.disks.iter().map(DiskCapture::sectors_to_copy).sum(),
            pending_bytes: r.pool_used,
            failed_markers: r.marks.failed_in_a_row(),
            churns_too_much: r.churn.is_over,
            unanswered_secs: r.unanswered_since.map_or(0, |since| seconds(now.since(since))),
        }
    }

    fn disk_read(
        &mut self,
        now: Instant,
        token: Token,
        result: Result<Vec<crate::extent::Change<C>>, crate::role::StorageError>,
        out: &mut Out<C>,
    ) {
        let Some(replicating) = &mut self.replicating else { return };
        replicating.read_came_back(now, &self.config, token, result, out);
    }
}

/// Whole seconds, as many as a status can say.
fn seconds(span: core::time::Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

/// Whether two statuses differ only in what changes all the time.
fn says_the_same(a: &AgentStatus, b: &AgentStatus) -> bool {
    (a.generation, a.session, a.order, a.resync, a.failed_markers)
        == (b.generation, b.session, b.order, b.resync, b.failed_markers)
        && a.resync_waits == b.resync_waits
        && (a.sectors_to_copy == 0) == (b.sectors_to_copy == 0)
        && is_unanswered(a) == is_unanswered(b)
}

/// Whether the process server has not answered for longer than an answer takes on a slow line.
const fn is_unanswered(status: &AgentStatus) -> bool {
    status.unanswered_secs >= 60
}

/// The id of disk number `index` of the machine.
fn disk_id(config: &AgentConfig, index: usize) -> DiskId {
    DiskId { machine: config.machine, index: u8::try_from(index).unwrap_or(u8::MAX) }
}
