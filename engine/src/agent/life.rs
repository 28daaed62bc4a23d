//! An agent's life: installed, begun, crashed and begun again, stopped in order; and what its durable store keeps
//! of it.
//!
//! After a crash nobody knows which writes were captured and not committed, so a new session begins with a
//! comparison. After an orderly stop everything was committed, and the session goes on where it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::capture::DiskCapture;
use super::churn::ChurnWatch;
use super::config::{AgentConfig, SEQUENCE_JUMP, SEQUENCE_RECORDED_EVERY, STOP_PATIENCE};
use super::copy::Copy;
use super::marks::Marks;
use super::orders::answer;
use super::{AfterSync, Agent, Out, PendingSync, Replicating, Stopping};
use crate::content::Content;
use crate::message::{Answer, FirstCopy, Observation, Replication, RequestId, ResyncReason};
use crate::point::{Consistency, Marker, WriteOrder};
use crate::role::{Effect, Token};
use crate::time::Instant;
use crate::window::Window;

/// What a record of an agent weighs in its store, in bytes; the terms are the largest part.
const RECORD_BYTES: u64 = 512;

/// What an agent's durable store keeps. The last record of each kind counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentRecord {
    /// A session began.
    Session {
        /// Under these terms.
        terms: Replication,
        /// Its number.
        session: u32,
    },
    /// Writes up to this number were captured.
    Sequence(u64),
    /// Everything was committed and the machine stopped in order. Counts only as the last record.
    CleanStop {
        /// Rounds closed in the session.
        rounds: u64,
        /// Next batch number of each disk.
        next_numbers: Vec<u64>,
        /// Number of the next write.
        next_write: u64,
        /// Number of the next marker.
        next_marker: u64,
    },
    /// The driver no longer followed the disks.
    Unfollowed,
    /// Replication ended by order.
    Stopped,
}

/// How a session begins.
pub(super) struct Begin {
    pub(super) session: u32,
    /// `None` to go on after an orderly stop.
    pub(super) first: Option<FirstCopy>,
    /// Number of the first write.
    pub(super) next_write: u64,
    pub(super) reason: Option<ResyncReason>,
    pub(super) answer: Option<RequestId>,
}

impl<C: Content> Agent<C> {
    /// An agent that was just installed and replicates nothing.
    #[must_use]
    pub const fn install(config: AgentConfig) -> Self {
        Self {
            config,
            replicating: None,
            tokens: 0,
            heartbeat_at: Instant::ZERO,
            last_status: None,
            syncs: Vec::new(),
            last_resync: None,
            last_move: None,
            stopping: None,
            numbers_from: 1,
            grown: BTreeMap::new(),
            filter_lost: None,
            can_pause: false,
        }
    }

    /// An agent whose machine starts again, with what its durable store had kept, in order.
    #[must_use]
    pub fn boot(config: AgentConfig, now: Instant, records: &[AgentRecord], out: &mut Out<C>) -> Self {
        let mut agent = Self::install(config);
        let kept = Kept::of(records);
        agent.numbers_from = if records.is_empty() { 1 } else { kept.sequence + SEQUENCE_JUMP };
        if let Some((terms, session)) = kept.session.clone() {
            agent.resume(now, terms, session, &kept, out);
        }
        agent
    }

    fn resume(&mut self, now: Instant, terms: Replication, session: u32, kept: &Kept<'_>, out: &mut Out<C>) {
        match &kept.clean_stop {
            Some(clean) => {
                let next_write = clean.next_write;
                let begin = Begin { session, first: None, next_write, reason: None, answer: None };
                self.begin_session(now, terms, begin, out);
                if let Some(r) = &mut self.replicating {
                    r.rounds = clean.rounds;
                    r.marks.go_on_from(clean.next_marker, r.terms.members.len() > 1);
                    for (disk, next) in r.disks.iter_mut().zip(clean.next_numbers) {
                        disk.window = Window::new(*next);
                        disk.opens_at = *next;
                    }
                }
            }
            None => {
                // Also a first copy that was cut short has left an old state of the disk on the replica.
                let first = Some(FirstCopy::Compare);
                let unfollowed = kept.is_unfollowed.then_some(ResyncReason::NotFollowed);
                let reason = unfollowed.or(Some(ResyncReason::UncleanShutdown));
                let next_write = self.numbers_from;
                let begin = Begin { session: session + 1, first, next_write, reason, answer: None };
                self.begin_session(now, terms, begin, out);
            }
        }
    }

    /// Begins a session: from now on writes are captured; they are sent once the session's record is durable.
    pub(super) fn begin_session(
        &mut self,
        now: Instant,
        mut terms: Replication,
        begin: Begin,
        out: &mut Out<C>,
    ) {
        self.fit(&mut terms);
        let machine = self.config.machine;
        // A comparison that nobody has asked for waits for its hours; what is written meanwhile is sent.
        let hours = begin.reason.filter(|reason| reason.is_automatic()).and(terms.policy.automatic_resync);
        let held_until = hours.map(|hours| hours.next(now)).filter(|at| *at > now);
        let copy = || begin.first.map_or_else(Copy::none, |first| Copy::of(first, held_until));
        let disks = terms.disk_sectors.iter().enumerate();
        let disks =
            disks.map(|(i, sectors)| DiskCapture::new(super::disk_id(&self.config, i), *sectors, copy()));
        let next_write = begin.next_write;
        let replicating = Replicating {
            session: begin.session,
            may_send: false,
            disks: disks.collect(),
            next_write,
            recorded_write: next_write,
            rounds: 0,
            owes_a_round: false,
            next_round_at: now,
            pool_used: 0,
            marks: Marks::new(now, &terms, machine, begin.session),
            resync: begin.reason.map(|reason| (reason, now)),
            copying: begin.first.is_some(),
            credit_bytes: u64::MAX,
            unanswered_since: None,
            churn: ChurnWatch::default(),
            order: if begin.first.is_some() { WriteOrder::Bitmap } else { WriteOrder::Data },
            terms,
        };
        if let Some(reason) = begin.reason {
            out.push(Effect::Observe(Observation::ResyncStarted { machine, reason }));
        }
        let session = begin.session;
        let generation = replicating.terms.generation;
        let record = AgentRecord::Session { terms: replicating.terms.clone(), session };
        self.replicating = Some(replicating);
        // Nothing older than this matters any more.
        let sequence = AgentRecord::Sequence(next_write);
        out.push(Effect::Compact(vec![(sequence, RECORD_BYTES), (record.clone(), RECORD_BYTES)]));
        let then = AfterSync::SessionMayBegin { generation, session, request: begin.answer };
        self.sync_record(record, then, out);
        self.leave_unfollowed(out);
    }

    /// Appends a record and asks for it to be made durable.
    pub(super) fn record(&mut self, record: AgentRecord, then: AfterSync, out: &mut Out<C>) {
        out.push(Effect::Append(record.clone(), RECORD_BYTES));
        self.sync_record(record, then, out);
    }

    fn sync_record(&mut self, record: AgentRecord, then: AfterSync, out: &mut Out<C>) {
        let token = self.token();
        out.push(Effect::Sync(token));
        self.syncs.push(PendingSync { token, record, then });
    }

    /// A sync ended. If it failed, whichever it was, no record on its way is in the store any more: all are written
    /// again in their order, and what waits for them goes on waiting.
    pub(super) fn synced(&mut self, now: Instant, token: Token, durable: bool, out: &mut Out<C>) {
        if !durable {
            let lost = core::mem::take(&mut self.syncs);
            return lost.into_iter().for_each(|pending| self.record(pending.record, pending.then, out));
        }
        let Some(at) = self.syncs.iter().position(|pending| pending.token == token) else { return };
        let pending = self.syncs.remove(at);
        match pending.then {
            AfterSync::SessionMayBegin { generation, session, request } => {
                let is_current =
                    |r: &&mut Replicating<C>| (r.terms.generation, r.session) == (generation, session);
                if let Some(r) = self.replicating.as_mut().filter(is_current) {
                    r.may_send = true;
                    r.marks.session_begins(now);
                }
                if let Some(request) = request {
                    answer(request, Answer::Done, out);
                }
            }
            AfterSync::AnswerDone(request) => answer(request, Answer::Done, out),
            AfterSync::MayStop => out.push(Effect::ReadyToStop),
            AfterSync::GoOn => {}
        }
    }

    /// Records how far numbering has come, now and then.
    pub(super) fn record_sequence(&mut self, out: &mut Out<C>) {
        let Some(r) = &mut self.replicating else { return };
        if r.next_write - r.recorded_write >= SEQUENCE_RECORDED_EVERY {
            r.recorded_write = r.next_write;
            let record = AgentRecord::Sequence(r.next_write);
            self.record(record, AfterSync::GoOn, out);
        }
    }

    /// The machine is going down in order: one last cut, then everything is sent while there is time.
    pub(super) fn shutting_down(&mut self, now: Instant, out: &mut Out<C>) {
        self.drop_barrier(now, out);
        if self.stopping.is_some() {
            return;
        }
        let marked = self.replicating.as_mut().is_some_and(|r| r.last_cut(now));
        self.stopping = Some(Stopping { give_up_at: now + STOP_PATIENCE, marked, recorded: false });
    }

    /// Whether nothing is left to send: all that was written since replication began was sent, and is kept further on.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let is_sent = |r: &Replicating<C>| r.may_send && r.disks.iter().all(DiskCapture::is_drained);
        self.filter_lost.is_none() && self.replicating.as_ref().is_some_and(is_sent)
    }

    /// Goes on with an orderly stop.
    pub(super) fn drive_stop(&mut self, now: Instant, out: &mut Out<C>) {
        if self.stopping.as_ref().is_none_or(|stopping| stopping.recorded) {
            return;
        }
        let is_drained = self.is_drained();
        let Some(stopping) = &mut self.stopping else { return };
        let Some(r) = &mut self.replicating else {
            stopping.recorded = true;
            stopping.give_up_at = Instant::MAX;
            return out.push(Effect::ReadyToStop);
        };
        if is_drained && !stopping.marked && r.order == WriteOrder::Data {
            stopping.marked = r.last_cut(now);
            r.send(now, out);
        } else if is_drained {
            let record = AgentRecord::CleanStop {
                rounds: r.rounds,
                next_numbers: r.disks.iter().map(|disk| disk.window.next_number()).collect(),
                next_write: r.next_write,
                next_marker: r.marks.next_number(),
            };
            stopping.recorded = true;
            stopping.give_up_at = Instant::MAX;
            self.record(record, AfterSync::MayStop, out);
        } else if self.filter_lost.is_some() || now >= stopping.give_up_at {
            // Without the record the next start begins with a comparison, which is what is needed then.
            stopping.recorded = true;
            stopping.give_up_at = Instant::MAX;
            out.push(Effect::ReadyToStop);
        }
    }
}

impl<C: Content> Replicating<C> {
    /// Makes the last cut of a machine that goes down in order; whether with a marker. There is none while something waits
    /// to be read.
    fn last_cut(&mut self, now: Instant) -> bool {
        let kept = self.may_send && self.order == WriteOrder::Data;
        let point = self.marks.last_point(self.terms.generation);
        let group = self.terms.group;
        let marker = Marker { point, group, consistency: Consistency::Crash, at: now, last: true };
        self.close_round(now, kept.then_some(marker));
        kept
    }
}

/// What the records of a store come to.
struct Kept<'a> {
    session: Option<(Replication, u32)>,
    /// The driver did not follow the disks in it.
    is_unfollowed: bool,
    sequence: u64,
    clean_stop: Option<Clean<'a>>,
}

/// Where an orderly stop left everything.
struct Clean<'a> {
    rounds: u64,
    next_numbers: &'a [u64],
    next_write: u64,
    next_marker: u64,
}

impl<'a> Kept<'a> {
    fn of(records: &'a [AgentRecord]) -> Self {
        let mut kept = Self { session: None, is_unfollowed: false, sequence: 1, clean_stop: None };
        for record in records {
            kept.clean_stop = None;
            match record {
                AgentRecord::Session { terms, session } => {
                    kept.session = Some((terms.clone(), *session));
                }
                AgentRecord::Unfollowed => kept.is_unfollowed = true,
                AgentRecord::Sequence(next) => kept.sequence = kept.sequence.max(*next),
                AgentRecord::CleanStop { rounds, next_numbers, next_write, next_marker } => {
                    kept.sequence = kept.sequence.max(*next_write);
                    kept.clean_stop = Some(Clean {
                        rounds: *rounds,
                        next_numbers,
                        next_write: *next_write,
                        next_marker: *next_marker,
                    });
                }
                AgentRecord::Stopped => kept.session = None,
            }
        }
        kept
    }
}
