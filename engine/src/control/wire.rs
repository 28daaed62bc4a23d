//! What the vault says to the outside, and what it is still waiting to hear: open questions, repeats, timers.
//!
//! Nothing here is kept: after a restart every open question of every running job is asked again at once.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::Reply;
use super::vocabulary::JobId;
use crate::id::MachineId;
use crate::message::{Observation, Order, RequestId};
use crate::role::{Address, CommandId};
use crate::time::Instant;

/// Something that leaves once the change behind it is durable.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    /// Put the open question of that number.
    Ask(u64),
    /// Give an order that no task waits for.
    Order(Address, RequestId, Order),
    /// Answer a command.
    Reply(CommandId, Reply),
    /// Report.
    Observe(Observation),
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// An open question is to be repeated or given up.
    Ask(u64),
    /// The lag of a machine may have passed its alert.
    Rpo(MachineId),
    /// The health of all machines is looked at.
    Health,
}

/// The open questions and the timers.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire {
    open: BTreeMap<u64, (JobId, Instant)>,
    watched: BTreeMap<MachineId, Instant>,
    health_at: Option<Instant>,
    timers: BTreeSet<(Instant, Timer)>,
}

impl Wire {
    /// Which job waits for an answer under that number.
    pub(super) fn job_of(&self, number: u64) -> Option<JobId> {
        self.open.get(&number).map(|(job, _)| *job)
    }

    /// When an open question is looked at again.
    pub(super) fn look_at(&self, number: u64) -> Option<Instant> {
        self.open.get(&number).map(|(_, at)| *at)
    }

    /// The numbers under which a job waits.
    pub(super) fn numbers_of(&self, job: JobId) -> Vec<u64> {
        self.open.iter().filter(|(_, (of, _))| *of == job).map(|(number, _)| *number).collect()
    }

    /// The open questions, with their jobs.
    pub(super) fn open(&self) -> impl Iterator<Item = (u64, JobId)> {
        self.open.iter().map(|(number, (job, _))| (*number, *job))
    }

    /// Opens a question, or moves the time at which it is looked at again.
    pub(super) fn set(&mut self, number: u64, job: JobId, at: Instant) {
        self.close(number);
        self.open.insert(number, (job, at));
        self.timers.insert((at, Timer::Ask(number)));
    }

    /// The question is answered or no longer asked.
    pub(super) fn close(&mut self, number: u64) {
        if let Some((_, at)) = self.open.remove(&number) {
            self.timers.remove(&(at, Timer::Ask(number)));
        }
    }

    /// Wants to look at a machine's lag at `at`, and at no other time.
    pub(super) fn watch_rpo(&mut self, machine: MachineId, at: Instant) {
        if let Some(before) = self.watched.insert(machine, at) {
            self.timers.remove(&(before, Timer::Rpo(machine)));
        }
        self.timers.insert((at, Timer::Rpo(machine)));
    }

    /// Wants to look at the health of all machines at `at`, or earlier if that was wanted before.
    pub(super) fn watch_health(&mut self, at: Instant) {
        if self.health_at.is_none() {
            self.health_at = Some(at);
            self.timers.insert((at, Timer::Health));
        }
    }

    /// The next timer that is due, taken out.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let first = *self.timers.first().filter(|(at, _)| *at <= now)?;
        self.timers.remove(&first);
        if first.1 == Timer::Health {
            self.health_at = None;
        }
        Some(first.1)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }
}
