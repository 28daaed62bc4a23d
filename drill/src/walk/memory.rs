//! What a run before has left in the journal.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::journal::{AskEnd, Record};
use crate::seen::StateSeen;

/// All of it, by what it is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    pub(super) origin: Option<Duration>,
    pub(super) began: BTreeMap<usize, Duration>,
    pub(super) ended: BTreeMap<usize, Duration>,
    pub(super) asks: BTreeMap<String, Remembered>,
    pub(super) states: BTreeMap<String, StateSeen>,
}

/// What is known of something that was asked for, or was about to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered {
    /// The jobs that there were before.
    pub(super) known: Vec<String>,
    /// Its job, once it was accepted.
    pub(super) job: Option<String>,
    /// How it ended.
    pub(super) end: Option<AskEnd>,
}

impl Memory {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut memory = Self::default();
        for record in records.iter().cloned() {
            match record {
                Record::Of(_) => {}
                Record::Origin(at) => memory.origin = Some(at),
                Record::StepBegan { step, at } => {
                    memory.began.insert(step, at);
                }
                Record::StepEnded { step, at } => {
                    memory.ended.insert(step, at);
                }
                Record::Asking { ask, known, .. } => memory.asks.entry(ask).or_default().known = known,
                Record::Accepted { ask, job } => memory.asks.entry(ask).or_default().job = job,
                Record::Ended { ask, end } => memory.asks.entry(ask).or_default().end = Some(end),
                Record::State(seen) => {
                    memory.states.insert(seen.machine.clone(), seen);
                }
            }
        }
        memory
    }
}
