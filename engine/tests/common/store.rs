//! A durable store: what was synced survives a crash, and of the rest as much from its front as the test says.

use std::collections::VecDeque;

use switchback_engine::role::{StorageError, Token};

#[derive(Debug, Clone)]
enum Step<R> {
    Append(R),
    Compact(Vec<R>),
}

/// A store of records.
#[derive(Debug, Clone)]
pub(crate) struct Store<R> {
    durable: Vec<R>,
    /// Not durable, oldest first.
    steps: Vec<Step<R>>,
    /// Syncs under way, and how many of the steps each covers.
    syncs: VecDeque<(Token, usize)>,
    /// How often everything was replaced.
    pub(crate) compactions: usize,
}

impl<R: Clone> Store<R> {
    pub(crate) const fn new() -> Self {
        Self { durable: Vec::new(), steps: Vec::new(), syncs: VecDeque::new(), compactions: 0 }
    }

    pub(crate) fn append(&mut self, record: R) {
        self.steps.push(Step::Append(record));
    }

    pub(crate) fn compact(&mut self, records: Vec<R>) {
        self.compactions += 1;
        self.steps.push(Step::Compact(records));
    }

    pub(crate) fn sync(&mut self, token: Token) {
        self.syncs.push_back((token, self.steps.len()));
    }

    /// Ends the oldest sync. One that fails loses everything that is not durable.
    pub(crate) fn complete(&mut self, works: bool) -> Option<(Token, Result<(), StorageError>)> {
        let (token, covered) = self.syncs.pop_front()?;
        if works {
            self.keep(covered);
            return Some((token, Ok(())));
        }
        self.steps.clear();
        self.syncs.iter_mut().for_each(|(_, covered)| *covered = 0);
        Some((token, Err(StorageError::Full)))
    }

    pub(crate) fn crash(&mut self, unsynced: usize) {
        self.keep(unsynced.min(self.steps.len()));
        self.steps.clear();
        self.syncs.clear();
    }

    /// Makes the first steps durable.
    fn keep(&mut self, steps: usize) {
        for step in self.steps.drain(..steps) {
            match step {
                Step::Append(record) => self.durable.push(record),
                Step::Compact(records) => self.durable = records,
            }
        }
        for (_, covered) in &mut self.syncs {
            *covered = covered.saturating_sub(steps);
        }
    }

    /// What a crash leaves in any case.
    pub(crate) fn durable(&self) -> &[R] {
        &self.durable
    }

    pub(crate) fn is_syncing(&self) -> bool {
        !self.syncs.is_empty()
    }

    /// Steps a crash may lose.
    pub(crate) fn unsynced(&self) -> usize {
        self.steps.len()
    }
}
