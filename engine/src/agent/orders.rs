//! What control asks of an agent: replicate, stop, resync.

use super::life::Begin;
use super::{AfterSync, Agent, AgentRecord, Out};
use crate::content::Content;
use crate::message::{Answer, FirstCopy, Message, Order, Replication, RequestId, ResyncReason};
use crate::role::Address;
use crate::time::Instant;

impl<C: Content> Agent<C> {
    pub(super) fn order(&mut self, now: Instant, request: RequestId, order: Order, out: &mut Out<C>) {
        match order {
            Order::StartReplication(terms) => self.start(now, request, terms, out),
            Order::StopReplication { generation } => self.stop(now, request, generation, out),
            Order::Resync { reason } => self.resync(now, request, reason, out),
            Order::UseProcessServer { generation, process_server } => {
                self.use_process_server(request, generation, process_server, out);
            }
            Order::OpenJournal(_)
            | Order::GrowReplicas { .. }
            | Order::Finish { .. }
            | Order::PinPoint { .. }
            | Order::UnpinPoint { .. }
            | Order::OpenPoint { .. }
            | Order::Promote { .. }
            | Order::CloseJournal { .. } => answer(request, Answer::Unknown, out),
        }
    }

    fn start(&mut self, now: Instant, request: RequestId, terms: Replication, out: &mut Out<C>) {
        let current = self.replicating.as_ref().map_or(0, |r| r.terms.generation);
        if terms.generation < current {
            return answer(request, Answer::Unknown, out);
        }
        if terms.generation == current {
            return self.answer_when_session_is_durable(request, out);
        }
        self.drop_barrier(now, out);
        let first = terms.first;
        let reason = (first == FirstCopy::Compare).then_some(ResyncReason::Reprotect);
        let next_write = self.replicating.as_ref().map_or(self.numbers_from, |r| r.next_write);
        let begin = Begin { session: 1, first: Some(first), next_write, reason, answer: Some(request) };
        self.begin_session(now, terms, begin, out);
    }

    fn stop(&mut self, now: Instant, request: RequestId, generation: u64, out: &mut Out<C>) {
        if self.replicating.as_ref().is_none_or(|r| r.terms.generation > generation) {
            // While the record of the end is on its way, the answer to the first copy of the order is still to come.
            let is_ending = self.syncs.iter().any(|pending| pending.record == AgentRecord::Stopped);
            if !is_ending {
                answer(request, Answer::Done, out);
            }
            return;
        }
        self.drop_barrier(now, out);
        self.numbers_from = self.replicating.take().map_or(self.numbers_from, |r| r.next_write);
        self.record(AgentRecord::Stopped, AfterSync::AnswerDone(request), out);
    }

    fn resync(&mut self, now: Instant, request: RequestId, reason: ResyncReason, out: &mut Out<C>) {
        if self.last_resync == Some(request) {
            return self.answer_when_session_is_durable(request, out);
        }
        if self.replicating.is_none() {
            return answer(request, Answer::Unknown, out);
        }
        self.last_resync = Some(request);
        self.compare_anew(now, reason, Some(request), out);
    }

    /// Forgets what is pending, and begins a new session with a comparison.
    pub(super) fn compare_anew(
        &mut self,
        now: Instant,
        reason: ResyncReason,
        answer: Option<RequestId>,
        out: &mut Out<C>,
    ) {
        let Some(r) = &self.replicating else { return };
        let (terms, session, next_write) = (r.terms.clone(), r.session + 1, r.next_write);
        self.drop_barrier(now, out);
        let (first, reason) = (Some(FirstCopy::Compare), Some(reason));
        self.begin_session(now, terms, Begin { session, first, next_write, reason, answer }, out);
    }

    /// Moves to another process server in the middle of the session. What the one before has taken reaches the target
    /// from there; it takes every stream in order, from whoever has the next frame.
    fn use_process_server(
        &mut self,
        request: RequestId,
        generation: u64,
        process_server: Address,
        out: &mut Out<C>,
    ) {
        // A machine that goes down has written down where it stands. Who asks hears nothing, and asks again.
        if self.stopping.is_some() {
            return;
        }
        // An order that was overtaken by a later one is not carried out any more.
        if self.last_move.is_some_and(|last| request < last) {
            return answer(request, Answer::Unknown, out);
        }
        self.last_move = Some(request);
        let Some(r) = self.replicating.as_mut().filter(|r| r.terms.generation == generation) else {
            return answer(request, Answer::Unknown, out);
        };
        let is_there = r.terms.process_server == process_server;
        if !is_there {
            r.move_to(process_server);
        }
        let record = AgentRecord::Session { terms: r.terms.clone(), session: r.session };
        if self.syncs.iter().any(|pending| pending.record == record) {
            return;
        }
        self.record(record, AfterSync::AnswerDone(request), out);
    }

    /// The order repeats one that was taken: it is answered when that one is durable. While it is not, the answer
    /// to the first copy of the order is still to come.
    fn answer_when_session_is_durable(&self, request: RequestId, out: &mut Out<C>) {
        if self.replicating.as_ref().is_some_and(|r| r.may_send) {
            answer(request, Answer::Done, out);
        }
    }
}

pub(super) fn answer<C: Content>(request: RequestId, answer: Answer<C>, out: &mut Out<C>) {
    out.send(Address::Control, Message::Answer { request, answer });
}
