//! A durable store: an append-only log of records, and what a crash leaves of it.
//!
//! Owns which records are durable. Refuses to know what a record says, and how long a sync takes: a sync has
//! a begin and a completion, and the caller puts the time between them.
//!
//! What a crash keeps: every record a completed sync covers, and of those behind, a front part drawn by
//! chance, perhaps all, perhaps none. Records are never torn, swapped or changed: a real log finds its end by
//! checksums. A compaction replaces the log as a whole and counts only once a sync that was begun after it
//! has completed; a crash before that gives the old log back.

use std::collections::VecDeque;

use crate::Chance;

/// There is not enough room left in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of {record_bytes} bytes does not fit: {free_bytes} of {capacity_bytes} are free")]
pub struct StoreFull {
    /// The size of the record.
    pub record_bytes: u64,
    /// What is left.
    pub free_bytes: u64,
    /// What there is in all.
    pub capacity_bytes: u64,
}

/// What a sync covers: everything appended, and every compaction done, before it was begun.
///
/// A mark from before a crash covers nothing: completing it has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncMark {
    life: u64,
    log: u64,
    records: usize,
}

/// How much of the unsynced tail a crash keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the worst case.
    None,
    /// All of it: a crash just after the cache was written back.
    All,
    /// The first so many records of it, at most all.
    First(usize),
}

/// An append-only log of records of type `R`, each with a size in bytes.
#[derive(Clone, Debug)]
pub struct DurableStore<R> {
    /// The durable log first, then its replacements by compaction that no sync has covered yet. Never empty.
    logs: VecDeque<Log<R>>,
    next_log: u64,
    life: u64,
    capacity_bytes: Option<u64>,
}

#[derive(Clone, Debug)]
struct Log<R> {
    number: u64,
    records: Vec<(R, u64)>,
    synced: usize,
    bytes: u64,
}

impl<R> Log<R> {
    fn new(number: u64, records: Vec<(R, u64)>) -> Self {
        let bytes = records.iter().map(|(_, bytes)| bytes).sum();
        Self { number, records, synced: 0, bytes }
    }
}

impl<R: Clone> DurableStore<R> {
    /// An empty store without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self { logs: VecDeque::from([Log::new(0, Vec::new())]), next_log: 1, life: 0, capacity_bytes: None }
    }

    /// Appends a record. It can be read back at once and is not durable yet.
    ///
    /// # Errors
    /// [`StoreFull`] when it does not fit; the store is unchanged then.
    pub fn append(&mut self, record: R, bytes: u64) -> Result<(), StoreFull> {
        let capacity_bytes = self.capacity_bytes.unwrap_or(u64::MAX);
        let free_bytes = capacity_bytes.saturating_sub(self.bytes_used());
        if bytes > free_bytes {
            return Err(StoreFull { record_bytes: bytes, free_bytes, capacity_bytes });
        }
        let log = self.current_mut();
        log.records.push((record, bytes));
        log.bytes += bytes;
        Ok(())
    }

    /// Begins a sync of everything done so far.
    #[must_use = "nothing is durable before the sync is completed"]
    pub fn sync_begin(&mut self) -> SyncMark {
        let log = self.current();
        SyncMark { life: self.life, log: log.number, records: log.records.len() }
    }

    /// The sync is complete: what it covers is durable now. Marks may complete in any order.
    pub fn sync_complete(&mut self, mark: SyncMark) {
        if mark.life != self.life {
            return;
        }
        // Not found: a later sync has already made a later compaction durable.
        let Some(index) = self.logs.iter().position(|log| log.number == mark.log) else {
            return;
        };
        self.logs.drain(..index);
        self.logs[0].synced = self.logs[0].synced.max(mark.records);
    }

    /// The host crashes: what is not durable is lost, but for a front part of the tail that is drawn: none of
    /// it and all of it a quarter of the times each. Returns how many records were lost.
    pub fn crash(&mut self, chance: &mut Chance) -> usize {
        let tail = match chance.below(4) {
            0 => Tail::None,
            1 => Tail::All,
            _ => Tail::First(chance.below(self.logs[0].unsynced() as u64 + 1) as usize),
        };
        self.crash_keeping(tail)
    }

    /// As [`crash`](Self::crash), keeping a given part of the unsynced tail. What is kept is durable
    /// afterwards.
    pub fn crash_keeping(&mut self, tail: Tail) -> usize {
        let before = self.current().records.len();
        self.life += 1;
        self.logs.truncate(1);
        let log = self.current_mut();
        let kept = match tail {
            Tail::None => 0,
            Tail::All => log.unsynced(),
            Tail::First(count) => count.min(log.unsynced()),
        };
        log.records.truncate(log.synced + kept);
        log.synced = log.records.len();
        log.bytes = log.records.iter().map(|(_, bytes)| bytes).sum();
        before.saturating_sub(self.len())
    }

    /// Replaces everything with `keep`, each record with its size in bytes. The room of the old log is free
    /// at once, and the limit is not applied: compaction is how a full store is emptied.
    pub fn compact(&mut self, keep: Vec<(R, u64)>) {
        self.logs.push_back(Log::new(self.next_log, keep));
        self.next_log += 1;
    }

    /// The records as the host reads them now, durable or not, oldest first.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &R> + ExactSizeIterator {
        self.current().records.iter().map(|(record, _)| record)
    }

    /// A copy of the records as the host reads them now, oldest first.
    #[must_use]
    pub fn to_vec(&self) -> Vec<R> {
        self.records().cloned().collect()
    }

    /// How many records the host reads now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current().records.len()
    }

    /// Whether the host reads no record now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records at the front of the current log are durable; none while its compaction is not.
    #[must_use]
    pub fn synced_len(&self) -> usize {
        if self.logs.len() == 1 { self.logs[0].synced } else { 0 }
    }

    /// The bytes of the records the host reads now.
    #[must_use]
    pub fn bytes_used(&self) -> u64 {
        self.current().bytes
    }

    /// Limits the bytes used; `None` for no limit. A limit below what is used refuses every append.
    pub fn set_capacity(&mut self, capacity_bytes: Option<u64>) {
        self.capacity_bytes = capacity_bytes;
    }

    fn current(&self) -> &Log<R> {
        &self.logs[self.logs.len() - 1]
    }

    fn current_mut(&mut self) -> &mut Log<R> {
        let last = self.logs.len() - 1;
        &mut self.logs[last]
    }
}

impl<R> Log<R> {
    fn unsynced(&self) -> usize {
        self.records.len() - self.synced
    }
}

impl<R: Clone> Default for DurableStore<R> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
