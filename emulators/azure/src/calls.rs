//! Calls under way, and the answers of those that are over.
//!
//! The same call may be made any number of times and is carried out once. While it is under way, asking again joins
//! it; when it is over, asking again is answered as the first time. A failure that may pass by itself is forgotten,
//! so that asking again tries again: nothing had been done.

use std::collections::BTreeMap;

use switchback_engine::ports::PortFailure;
use switchback_engine::role::CallId;
use switchback_sim::SimTime;

use crate::fault_rule::Verdict;

/// A call that is being carried out.
#[derive(Debug, Clone)]
pub(crate) struct Running<R> {
    pub(crate) request: R,
    pub(crate) done_at: SimTime,
    /// It will fail with this and do nothing.
    pub(crate) refusal: Option<PortFailure>,
    pub(crate) reply_lost: bool,
}

/// A reply that is owed for a call that is over.
#[derive(Debug, Clone)]
struct Owed {
    at: SimTime,
    verdict: Verdict,
}

#[derive(Debug, Clone)]
struct Answered<A> {
    result: Result<A, PortFailure>,
    owed: Option<Owed>,
}

#[derive(Debug, Clone)]
pub(crate) struct Calls<R, A> {
    running: BTreeMap<CallId, Running<R>>,
    answered: BTreeMap<CallId, Answered<A>>,
}

impl<R, A: Clone> Calls<R, A> {
    pub(crate) const fn none() -> Self {
        Self { running: BTreeMap::new(), answered: BTreeMap::new() }
    }

    /// When the call will be done, if it is under way.
    pub(crate) fn joined(&self, call: CallId) -> Option<SimTime> {
        self.running.get(&call).map(|running| running.done_at)
    }

    /// Calls under way, in the order of their numbers, for people who look inside.
    pub(crate) fn under_way(&self) -> impl Iterator<Item = (CallId, &Running<R>)> {
        self.running.iter().map(|(call, running)| (*call, running))
    }

    pub(crate) fn is_answered(&self, call: CallId) -> bool {
        self.answered.contains_key(&call)
    }

    pub(crate) fn run(&mut self, call: CallId, running: Running<R>) {
        self.running.insert(call, running);
    }

    /// Owes the known answer once more.
    pub(crate) fn owe(&mut self, call: CallId, at: SimTime, verdict: Verdict) {
        if let Some(answered) = self.answered.get_mut(&call) {
            answered.owed = Some(Owed { at, verdict });
        }
    }

    /// What is asked by a call whose time has come and that will be done.
    pub(crate) fn ending(&self, call: CallId, now: SimTime) -> Option<&R> {
        let running = self.running.get(&call).filter(|running| running.done_at <= now)?;
        running.refusal.is_none().then_some(&running.request)
    }

    /// Takes the call off the list when its time has come.
    pub(crate) fn due(&mut self, call: CallId, now: SimTime) -> Option<Running<R>> {
        match self.running.get(&call) {
            Some(running) if running.done_at <= now => self.running.remove(&call),
            _ => None,
        }
    }

    /// Remembers what came of a call, unless asking again may bring something else.
    pub(crate) fn remember(&mut self, call: CallId, result: &Result<A, PortFailure>) {
        if !result.as_ref().is_err_and(PortFailure::is_transient) {
            self.answered.insert(call, Answered { result: result.clone(), owed: None });
        }
    }

    /// The reply that was owed and is due.
    pub(crate) fn reply(&mut self, call: CallId, now: SimTime) -> Option<Result<A, PortFailure>> {
        let answered = self.answered.get_mut(&call)?;
        let owed = answered.owed.take_if(|owed| owed.at <= now)?;
        match owed.verdict {
            Verdict { reply_lost: true, .. } => None,
            Verdict { refusal: Some(failure), .. } => Some(Err(failure)),
            Verdict { .. } => Some(answered.result.clone()),
        }
    }

    /// Calls under way, in the order of their numbers.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Running<R>> {
        self.running.values()
    }

    /// Calls under way, in the order of their numbers, to be hurried.
    pub(crate) fn running_mut(&mut self) -> impl Iterator<Item = (CallId, &mut Running<R>)> {
        self.running.iter_mut().map(|(call, running)| (*call, running))
    }
}
