//! The machine whose disks are replicated: it writes, pauses and crashes, and the history of it is the truth.
//!
//! Owns the history and the contents of the machine's disks. Refuses to know that anybody replicates them.

use std::collections::BTreeSet;

use switchback_engine::{Block, MachineId, Site};
use switchback_sim::{Seed, SimTime};

use super::setup::Setup;
use crate::check::Replay;
use crate::content::Simulated;
use crate::truth::{History, IssuedWrite};
use crate::workload::Workload;

/// A trial has one machine, and it stays where it is.
pub(super) const MACHINE: MachineId = MachineId(0);
pub(super) const SITE: Site = Site::Primary;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applications {
    Down,
    Running,
    /// Nothing is issued any more; some writes are under way.
    Flushing,
    Paused,
}

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) history: History,
    pub(super) disks: Replay,
    workloads: Vec<Workload>,
    under_way: BTreeSet<u32>,
    applications: Applications,
    /// Workloads whose write came due during a pause.
    held: Vec<usize>,
}

/// A write that has just been acknowledged, in bytes.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) disk: usize,
    pub(super) start: u64,
    pub(super) data: Block,
}

impl Machine {
    pub(super) fn new(setup: &Setup, seed: Seed) -> Self {
        let workload = |(index, spec)| Workload::new(spec, seed.chance(&format!("workload {index}")));
        let mut workloads: Vec<_> = setup.workloads.iter().enumerate().map(workload).collect();
        for workload in &mut workloads {
            workload.release(SimTime::ZERO);
        }
        Self {
            history: History::new(MACHINE),
            disks: Replay::of_disks(MACHINE, &setup.disks),
            workloads,
            under_way: BTreeSet::new(),
            applications: Applications::Down,
            held: Vec::new(),
        }
    }

    /// The machine boots: which workloads write first when.
    pub(super) fn boot(&mut self, now: SimTime) -> Vec<(usize, SimTime)> {
        self.applications = Applications::Running;
        let workloads = self.workloads.iter_mut().enumerate();
        workloads.filter_map(|(index, workload)| Some((index, workload.start(now)?))).collect()
    }

    /// What is under way never reaches a disk.
    pub(super) fn crash(&mut self, now: SimTime) {
        self.history.resume(SITE, now);
        self.applications = Applications::Down;
        self.under_way.clear();
        self.held.clear();
    }

    /// A workload's write is due: its number, and when the workload's next one is. `None` during a pause.
    pub(super) fn issue(&mut self, workload: usize, now: SimTime) -> Option<(u32, Option<SimTime>)> {
        if self.applications != Applications::Running {
            self.held.push(workload);
            return None;
        }
        let (planned, next) = self.workloads[workload].next(now)?;
        let write = IssuedWrite {
            disk: planned.disk,
            sectors: planned.sectors,
            start: planned.start,
            issued_at: now,
            cause: None,
        };
        let number = self.history.issue(write);
        self.under_way.insert(number);
        Some((number, next))
    }

    /// The disk has taken a write; `None` if a crash came between.
    pub(super) fn complete(&mut self, number: u32, now: SimTime) -> Option<Acknowledged> {
        if !self.under_way.remove(&number) {
            return None;
        }
        self.history.acknowledge(SITE, number, now);
        self.disks.go_on_to(self.history.len(SITE), &self.history, SITE);
        let write = self.history.write(number);
        let data = Block::of_write(self.history.stamp(number), write.sectors);
        Some(Acknowledged { disk: usize::from(write.disk), start: write.start, data })
    }

    /// Somebody wants the applications to pause.
    pub(super) fn ask_for_pause(&mut self) {
        if self.applications == Applications::Running {
            self.applications = Applications::Flushing;
        }
    }

    /// Whether a pause that was asked for begins now: the last write is acknowledged.
    pub(super) fn begins_pause(&mut self, now: SimTime) -> bool {
        let begins = self.applications == Applications::Flushing && self.under_way.is_empty();
        if begins {
            self.applications = Applications::Paused;
            self.history.pause(SITE, now);
        }
        begins
    }

    /// The applications go on: which workloads have waited.
    pub(super) fn resume(&mut self, now: SimTime) -> Vec<usize> {
        if !matches!(self.applications, Applications::Flushing | Applications::Paused) {
            return Vec::new();
        }
        self.history.resume(SITE, now);
        self.applications = Applications::Running;
        core::mem::take(&mut self.held)
    }
}
