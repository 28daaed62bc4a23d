//! Write-ahead: nothing leaves before the sync that covers it.
//!
//! Records are appended as they come; one sync is in flight at a time, and what comes meanwhile is covered by the
//! next. Every wish waits, in order, for the record that was the newest when it was made. When a sync fails the
//! store has lost records of unknown number, so everything is written anew as one compaction, after a pause.

use std::collections::VecDeque;

use super::ledger::{ControlRecord, Ledger};
use super::wire::Wish;
use crate::content::Content;
use crate::role::{Effect, Outbox, StorageError, Token};
use crate::time::Instant;

/// The log is compacted when it weighs more than this and more than twice what a snapshot weighs.
pub(super) const COMPACT_ABOVE_BYTES: u64 = 1 << 20;

/// The place of the durable store in the vault.
#[derive(Debug, Clone)]
pub(super) struct Durable {
    /// Wishes, each with the number of records that must be durable before it may leave.
    held: VecDeque<(u64, Wish)>,
    /// Records that are not durable yet, each with its number.
    pending: VecDeque<(u64, ControlRecord)>,
    appended: u64,
    synced: u64,
    in_flight: Option<(Token, u64)>,
    tokens: u64,
    retry_at: Option<Instant>,
    log_bytes: u64,
    snapshot_bytes: u64,
}

impl Durable {
    pub(super) const fn new() -> Self {
        Self {
            held: VecDeque::new(),
            pending: VecDeque::new(),
            appended: 0,
            synced: 0,
            in_flight: None,
            tokens: 0,
            retry_at: None,
            log_bytes: 0,
            snapshot_bytes: 0,
        }
    }

    /// When it wants to try a failed sync again.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Whether the answer or request of that number is still waiting to leave.
    pub(super) fn holds_ask(&self, number: u64) -> bool {
        self.held.iter().any(|(_, wish)| matches!(wish, Wish::Ask(held) if *held == number))
    }

    /// Takes a sync's completion.
    pub(super) fn synced(&mut self, token: Token, result: Result<(), StorageError>, retry_at: Instant) {
        let Some((expected, upto)) = self.in_flight else {
            return;
        };
        if expected != token {
            return;
        }
        self.in_flight = None;
        match result {
            Ok(()) => self.synced = upto,
            Err(_) => self.retry_at = Some(retry_at),
        }
    }

    /// A record that has become durable, in order.
    pub(super) fn next_durable(&mut self) -> Option<ControlRecord> {
        let synced = self.synced;
        self.pending.pop_front_if(|(number, _)| *number <= synced).map(|(_, record)| record)
    }

    /// Ends an input: appends what changed, asks for a sync if one is due, and returns what may leave.
    pub(super) fn flush<C: Content>(
        &mut self,
        now: Instant,
        ledger: &mut Ledger,
        wishes: &mut Vec<Wish>,
        out: &mut Outbox<C, ControlRecord>,
    ) -> Vec<Wish> {
        self.append(ledger, out);
        self.held.extend(wishes.drain(..).map(|wish| (self.appended, wish)));
        self.sync(now, ledger, out);
        let free = self.held.iter().take_while(|(needs, _)| *needs <= self.synced).count();
        self.held.drain(..free).map(|(_, wish)| wish).collect()
    }

    fn append<C: Content>(&mut self, ledger: &mut Ledger, out: &mut Outbox<C, ControlRecord>) {
        let Some(record) = ledger.take_changes() else {
            return;
        };
        self.appended += 1;
        self.pending.push_back((self.appended, record.clone()));
        if self.retry_at.is_none() {
            let weight = record.weight();
            self.log_bytes += weight;
            out.push(Effect::Append(record, weight));
        }
    }

    fn sync<C: Content>(&mut self, now: Instant, ledger: &mut Ledger, out: &mut Outbox<C, ControlRecord>) {
        let paused = self.retry_at.is_some_and(|at| now < at);
        if paused || self.in_flight.is_some() || self.appended == self.synced {
            return;
        }
        let outgrown = self.log_bytes > COMPACT_ABOVE_BYTES.max(2 * self.snapshot_bytes);
        if self.retry_at.take().is_some() || outgrown {
            self.compact(ledger, out);
        }
        self.tokens += 1;
        let token = Token(self.tokens);
        self.in_flight = Some((token, self.appended));
        out.push(Effect::Sync(token));
    }

    fn compact<C: Content>(&mut self, ledger: &mut Ledger, out: &mut Outbox<C, ControlRecord>) {
        let snapshot = ledger.snapshot();
        let weight = snapshot.weight();
        self.snapshot_bytes = weight;
        self.log_bytes = weight;
        out.push(Effect::Compact(vec![(snapshot, weight)]));
    }
}
