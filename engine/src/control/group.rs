//! Groups and their runs of replication.
//!
//! A run is one generation: the machines that replicate in one direction into one journal and share its points.
//! Each machine has jobs of its own, so the machines of a group enter and leave a run one by one.
//!
//! # Who shares a run
//! A machine joins the newest run of its group when that run goes its way, is still open, counts it among its
//! members, and no machine has left it (committed, been disabled, failed to start). Otherwise it begins a new
//! run, whose members are all machines of the group that are protected at all: they are expected to follow, and
//! until they did, the journal can show no common point.
//!
//! A new run at the same target makes that target drop the older journal. Machines that had already entered the
//! older run are therefore carried over into the new one; their agents are told when they are heard from next.
//!
//! # Who closes the journal
//! The last machine to leave. A journal that a newer run at the same target has replaced is closed already.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::vocabulary::JobId;
use crate::id::{Direction, GroupId, MachineId};
use crate::message::JournalSpec;
use crate::point::RecoveryPoint;
use crate::policy::ReplicationPolicy;
use crate::time::Instant;

/// Machines that share recovery points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Which group.
    pub id: GroupId,
    /// Its machines in a fixed order; the first leads barriers.
    pub machines: Vec<MachineId>,
    /// Its runs of replication, oldest first; those that are closed and belong to no machine are forgotten.
    pub(super) runs: Vec<Run>,
}

/// One generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub generation: u64,
    pub direction: Direction,
    /// The machines that share it, in the order of the group, and the sizes of their disks in sectors.
    pub disks: Vec<(MachineId, Vec<u64>)>,
    /// Those that have entered it.
    pub joined: BTreeSet<MachineId>,
    /// Those that have left it for good.
    pub left: BTreeSet<MachineId>,
    /// The job that opens the journal; the others wait for it.
    pub opener: JobId,
    /// The target keeps the journal.
    pub open: bool,
    /// The journal is gone, or replaced.
    pub closed: bool,
    /// The newest point ever seen of it.
    pub newest: Option<RecoveryPoint>,
    /// The instant of the newest point that its machines had in a run which this one replaced: so far behind they are until
    /// they have a point again.
    pub behind_since: Option<Instant>,
    /// When a machine of it last ran again after an orderly stop that was taken back.
    pub resumed_at: Option<Instant>,
}

impl Run {
    /// The machines that share it, in the order of the group.
    pub(super) fn members(&self) -> impl Iterator<Item = MachineId> {
        self.disks.iter().map(|(machine, _)| *machine)
    }

    /// What a target must know to keep its journal.
    pub(super) fn journal(&self, group: GroupId, policy: ReplicationPolicy) -> JournalSpec {
        JournalSpec { group, generation: self.generation, machines: self.disks.clone(), policy }
    }

    /// Whether a machine that wants to replicate in `direction` enters this run.
    pub(super) fn takes(&self, machine: MachineId, direction: Direction) -> bool {
        self.direction == direction
            && !self.closed
            && self.left.is_empty()
            && self.members().any(|member| member == machine)
            && !self.joined.contains(&machine)
    }

    /// The instant that its machines can be recovered to, or could be in the run before.
    pub(super) fn newest_instant(&self) -> Option<Instant> {
        self.newest.map(|newest| newest.at).or(self.behind_since)
    }

    /// Whether nobody but `machine` is still in it.
    pub(super) fn is_last(&self, machine: MachineId) -> bool {
        self.joined.iter().all(|other| *other == machine || self.left.contains(other))
    }
}

impl Group {
    /// The run of a generation.
    pub(super) fn run(&self, generation: u64) -> Option<&Run> {
        self.runs.iter().find(|run| run.generation == generation)
    }

    pub(super) fn run_mut(&mut self, generation: u64) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.generation == generation)
    }

    /// The newest run whose journal is not closed.
    pub(super) fn open_run(&self) -> Option<&Run> {
        self.runs.iter().rev().find(|run| !run.closed)
    }

    /// The generation a machine would join; `None` when it must begin a new one.
    pub(super) fn joinable(&self, machine: MachineId, direction: Direction) -> Option<u64> {
        self.runs.last().filter(|run| run.takes(machine, direction)).map(|run| run.generation)
    }
}
