//! Write-ahead for a role: what it remembers goes to its durable store, and what it says goes out only when
//! everything it had to remember first is durable there.
//!
//! One sync is under way at a time; what is recorded meanwhile shares the next one, so a slow disk makes the
//! groups larger and not the queue longer.

use core::time::Duration;

use crate::content::Content;
use crate::message::{Message, Observation};
use crate::role::{Address, Effect, Outbox, Token};
use crate::time::Instant;

/// After a failed sync (a full disk, say) the records are written again this much later.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Records and messages in the order in which they must become durable and go out.
#[derive(Debug, Clone)]
pub(crate) struct Ledger<C: Content, R> {
    /// Not known to be durable, oldest first; those of the flight come first.
    records: Vec<Entry<R>>,
    says: Vec<Say<C>>,
    /// What was handed to the store.
    flight: Option<Flight>,
    retry_at: Option<Instant>,
    /// Something was recorded that must not wait for something to be said.
    is_due: bool,
    /// Weight of everything appended since the last compaction, in bytes.
    log_bytes: u64,
    /// How many times something was remembered, and up to which of them all is durable.
    remembered: u64,
    durable: u64,
}

/// What waits for records to be durable.
#[derive(Debug, Clone)]
enum Say<C: Content> {
    Message(Address, Message<C>),
    Observation(Observation),
}

#[derive(Debug, Clone)]
enum Entry<R> {
    Append(R, u64),
    Compact(Vec<(R, u64)>),
}

/// A sync that is under way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    token: Token,
    /// How many records it covers, and how many things are said once it is through.
    records: usize,
    says: usize,
    upto: u64,
}

impl<C: Content, R: Clone> Ledger<C, R> {
    /// Over a store that holds `log_bytes`.
    pub(crate) const fn new(log_bytes: u64) -> Self {
        Self {
            records: Vec::new(),
            says: Vec::new(),
            flight: None,
            retry_at: None,
            is_due: false,
            log_bytes,
            remembered: 0,
            durable: 0,
        }
    }

    /// Remembers something that weighs `bytes`.
    pub(crate) fn append(&mut self, record: R, bytes: u64) {
        self.is_due = true;
        self.append_lazily(record, bytes);
    }

    /// Remembers something that may as well be forgotten, as it is learnt again: it becomes durable together with what
    /// comes next.
    pub(crate) fn append_lazily(&mut self, record: R, bytes: u64) {
        self.log_bytes += bytes;
        self.remembered += 1;
        self.records.push(Entry::Append(record, bytes));
    }

    /// Replaces everything remembered so far, also what is not durable yet.
    pub(crate) fn compact(&mut self, records: Vec<(R, u64)>) {
        self.log_bytes = records.iter().map(|(_, bytes)| bytes).sum();
        self.remembered += 1;
        self.is_due = true;
        self.records.clear();
        self.records.push(Entry::Compact(records));
        if let Some(flight) = &mut self.flight {
            flight.records = 0;
        }
    }

    /// Says something once everything remembered so far is durable.
    pub(crate) fn send(&mut self, to: Address, message: Message<C>) {
        self.says.push(Say::Message(to, message));
    }

    /// Reports something once everything remembered so far is durable.
    pub(crate) fn observe(&mut self, observation: Observation) {
        self.says.push(Say::Observation(observation));
    }

    /// Names everything remembered so far, to ask [`Ledger::is_durable`] later.
    pub(crate) const fn mark(&self) -> u64 {
        self.remembered
    }

    /// Whether everything up to a mark is durable.
    pub(crate) const fn is_durable(&self, mark: u64) -> bool {
        self.durable >= mark
    }

    /// Weight of the store with all that is on its way to it, in bytes.
    pub(crate) const fn log_bytes(&self) -> u64 {
        self.log_bytes
    }

    /// When to call [`Ledger::settle`] again.
    pub(crate) fn deadline(&self) -> Instant {
        self.retry_at.unwrap_or(Instant::MAX)
    }

    /// Hands what has come together to the store, unless a sync is under way.
    pub(crate) fn settle(&mut self, now: Instant, tokens: &mut u64, out: &mut Outbox<C, R>) {
        let has_work = self.is_due || !self.says.is_empty();
        if !has_work || self.flight.is_some() || self.retry_at.is_some_and(|at| at > now) {
            return;
        }
        self.retry_at = None;
        self.is_due = false;
        if self.records.is_empty() {
            return self.say(self.says.len(), out);
        }
        for entry in &self.records {
            out.push(match entry.clone() {
                Entry::Append(record, bytes) => Effect::Append(record, bytes),
                Entry::Compact(records) => Effect::Compact(records),
            });
        }
        *tokens += 1;
        let token = Token(*tokens);
        out.push(Effect::Sync(token));
        let (records, says) = (self.records.len(), self.says.len());
        self.flight = Some(Flight { token, records, says, upto: self.remembered });
    }

    /// A sync ended. Say what waited for it, or remember it all again later.
    pub(crate) fn synced(&mut self, now: Instant, token: Token, durable: bool, out: &mut Outbox<C, R>) {
        let Some(flight) = self.flight.take_if(|flight| flight.token == token) else { return };
        if durable {
            self.durable = flight.upto;
            self.records.drain(..flight.records);
            return self.say(flight.says, out);
        }
        // What failed is still the first of what is remembered, unless a compaction that came meanwhile replaced it.
        self.is_due = true;
        self.retry_at = Some(now + RETRY_AFTER);
    }

    /// Says what was to be said first.
    fn say(&mut self, count: usize, out: &mut Outbox<C, R>) {
        for say in self.says.drain(..count) {
            match say {
                Say::Message(to, message) => out.send(to, message),
                Say::Observation(observation) => out.push(Effect::Observe(observation)),
            }
        }
    }
}
