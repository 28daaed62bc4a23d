//! Recovery plans as data: groups of machines that are started one group after the other, with what people and scripts do
//! between them, and the job of a plan.
//!
//! Site-recovery 6: a plan has up to seven groups and a hundred machines, a machine once. All machines are shut down
//! first, then all fail over side by side, then the groups start one after the other.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::jobs::JobError;
use super::scripts::OpenScript;
use super::vocabulary::{Command, ItemState, JobId, JobKind, JobState, PlannedPoint, ReprotectWay, TaskKind};
use crate::id::{Direction, MachineId};
use crate::message::Selector;
use crate::script::Script;
use crate::time::Instant;

/// The most groups of a plan (site-recovery 6).
pub const PLAN_GROUPS_MAX: usize = 7;
/// The most machines of a plan (site-recovery 6).
pub const PLAN_MACHINES_MAX: usize = 100;

/// A recovery plan's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlanId(pub u32);

/// A recovery plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its number.
    pub id: PlanId,
    /// What it is called: scripts are told.
    pub name: String,
    /// Its groups, in the order in which they start: 1 to [`PLAN_GROUPS_MAX`].
    pub groups: Vec<PlanGroup>,
}

impl Plan {
    /// Its machines, in the order of its groups.
    pub fn machines(&self) -> impl Iterator<Item = MachineId> {
        self.groups.iter().flat_map(|group| group.machines.iter().copied())
    }

    pub(super) fn check(&self) -> Result<(), PlanRefused> {
        let machines = self.machines().count();
        if self.groups.is_empty() || machines == 0 {
            return Err(PlanRefused::Empty);
        }
        if self.groups.len() > PLAN_GROUPS_MAX {
            return Err(PlanRefused::TooManyGroups(self.groups.len()));
        }
        if machines > PLAN_MACHINES_MAX {
            return Err(PlanRefused::TooManyMachines(machines));
        }
        let mut seen = BTreeSet::new();
        match self.machines().find(|machine| !seen.insert(*machine)) {
            Some(machine) => Err(PlanRefused::MachineTwice(machine)),
            None => Ok(()),
        }
    }
}

/// Machines of a plan that start side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanGroup {
    /// The machines.
    pub machines: Vec<MachineId>,
    /// What is done before they start, one after the other.
    pub before: Vec<PlanAction>,
    /// What is done after they have started, one after the other.
    pub after: Vec<PlanAction>,
}

/// What is done before or after a group starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanAction {
    /// People do it.
    Manual(ManualAction),
    /// A script does it. Away only: on the way home the product runs none (site-recovery 6).
    Script(Script),
}

/// Something that people do: the plan waits until they say that it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualAction {
    /// What is to be done.
    pub description: String,
}

/// What is asked about a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanCommand {
    /// Keep the plan, in place of an older one of that number.
    Save(Plan),
    /// Forget the plan.
    Delete(PlanId),
    /// Do something with all its machines.
    Start(PlanId, PlanOperation),
    /// The manual action that the plan waits for is done.
    Resume(PlanId),
    /// Stop the plan's failover away, or its planned failover home: every machine that has not failed over yet is cancelled.
    Cancel(PlanId),
}

/// What can be done with the machines of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanOperation {
    /// Fail over in the direction of the replication, away or home.
    Failover {
        /// To which points; not to a single one, which plans do not offer (site-recovery 6).
        to: Selector,
        /// Whether the machines of a group go to one point that they share; on the way home there is no such choice
        /// (site-recovery 2.4). A machine alone goes to its own.
        multi_vm: bool,
        /// Whether the sources are shut down first; best effort.
        shut_down_source: bool,
    },
    /// Fail over home as planned, of the modernised stack: each machine loses nothing or is taken back.
    PlannedFailover {
        /// To which points, each machine to its own.
        to: PlannedPoint,
    },
    /// Make machines from points beside production.
    TestFailover {
        /// From which points; not from a single one.
        to: Selector,
        /// Whether the machines of a group come from one point that they share.
        multi_vm: bool,
    },
    /// Remove what the test failover made.
    CleanUpTest,
    /// Accept the failover.
    Commit,
    /// Replicate in the other direction.
    Reprotect(
        /// Through whom, and where to: the same for all of them.
        ReprotectWay,
    ),
}

impl PlanOperation {
    /// What its job, and the jobs of the machines, are for.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Failover { .. } => JobKind::Failover,
            Self::PlannedFailover { .. } => JobKind::PlannedFailover,
            Self::TestFailover { .. } => JobKind::TestFailover,
            Self::CleanUpTest => JobKind::CleanUpTest,
            Self::Commit => JobKind::Commit,
            Self::Reprotect(_) => JobKind::Reprotect,
        }
    }

    /// What is asked of one of its machines.
    pub(super) const fn on(self, machine: MachineId) -> Command {
        match self {
            Self::Failover { to, shut_down_source, .. } => {
                Command::Failover { machine, to, shut_down_source }
            }
            Self::PlannedFailover { to } => Command::PlannedFailover { machine, to },
            Self::TestFailover { to, .. } => Command::TestFailover { machine, to },
            Self::CleanUpTest => Command::CleanUpTest { machine },
            Self::Commit => Command::Commit { machine },
            Self::Reprotect(way) => Command::Reprotect { machine, way },
        }
    }

    pub(super) const fn selector(&self) -> Option<Selector> {
        match self {
            Self::Failover { to, .. } | Self::TestFailover { to, .. } => Some(*to),
            Self::PlannedFailover { to } => Some(to.selector()),
            _ => None,
        }
    }

    /// Whether machines of a group are to come from one point that they share.
    pub(super) const fn is_multi_vm(&self) -> bool {
        matches!(self, Self::Failover { multi_vm: true, .. } | Self::TestFailover { multi_vm: true, .. })
    }
}

/// Why a command about a plan was refused. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum PlanRefused {
    /// There is no such plan.
    #[error("there is no such plan")]
    UnknownPlan,
    /// It has no machine.
    #[error("the plan has no machine")]
    Empty,
    /// More than [`PLAN_GROUPS_MAX`].
    #[error("{0} groups, and a plan has at most {PLAN_GROUPS_MAX}")]
    TooManyGroups(usize),
    /// More than [`PLAN_MACHINES_MAX`].
    #[error("{0} machines, and a plan has at most {PLAN_MACHINES_MAX}")]
    TooManyMachines(usize),
    /// The machine is in it twice.
    #[error("machine {0:?} is in the plan twice")]
    MachineTwice(MachineId),
    /// A machine of it is not protected.
    #[error("machine {0:?} is not protected")]
    UnknownMachine(MachineId),
    /// Its machines do not all replicate in one direction.
    #[error("the machines of the plan replicate in different directions")]
    MixedDirections,
    /// A single recovery point was asked for.
    #[error("a plan does not go to a single recovery point")]
    SinglePoint,
    /// A point that machines share was asked for on the way home.
    #[error("on the way home a plan offers no multi-VM recovery points")]
    MultiVmHome,
    /// A job of the plan is under way.
    #[error("a job of the plan is under way")]
    Busy,
    /// No machine, or not every one, is in a state for it.
    #[error("machine {machine:?} is {state:?}")]
    NotReady {
        /// The first of the machines that are not.
        machine: MachineId,
        /// The state it is in.
        state: ItemState,
    },
    /// No manual action is waited for, or nothing can be cancelled.
    #[error("the plan waits for nothing")]
    NotWaiting,
}

/// How far the job of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PlanPlace {
    /// All machines are being shut down.
    ShuttingDown,
    /// All machines fail over, as far as they go without being started.
    FailingOver,
    /// Actions before a group starts; both are counted from zero.
    Before {
        /// Which group.
        group: usize,
        /// Which of its actions; as many as it has when all are done.
        action: usize,
    },
    /// A group starts.
    Starting {
        /// Which group.
        group: usize,
    },
    /// Actions after a group has started.
    After {
        /// Which group.
        group: usize,
        /// Which of its actions.
        action: usize,
    },
    /// Something is done with all machines at once.
    Everywhere,
    /// It is over.
    Ended,
}

/// A piece of work on all machines of a plan. Each machine has a job of its own below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanJob {
    /// Its number, counted with those of other jobs.
    pub id: JobId,
    /// The plan, as it was when the job began.
    pub plan: Plan,
    /// What it is for.
    pub kind: JobKind,
    /// The direction of replication it is about.
    pub direction: Direction,
    /// Where it stands. Failed when the job of a machine did not succeed, or a script failed; the others are carried
    /// through all the same.
    pub state: JobState,
    /// How far it is.
    pub place: PlanPlace,
    /// Why the first of its scripts that failed did.
    pub error: Option<JobError>,
    /// The jobs of its machines. A machine without one was there already.
    pub children: Vec<(MachineId, JobId)>,
    /// When it was accepted.
    pub started: Instant,
    /// When it reached its final state.
    pub ended: Option<Instant>,
    pub(super) script: Option<OpenScript>,
}

impl PlanJob {
    /// The manual action it waits for.
    #[must_use]
    pub fn waits_for(&self) -> Option<&ManualAction> {
        match self.action()?.1 {
            PlanAction::Manual(action) => Some(action),
            PlanAction::Script(_) => None,
        }
    }

    /// Whether the next task of a machine's job has to wait for the others.
    pub(super) fn holds(&self, machine: MachineId, next: TaskKind) -> bool {
        let group = || self.plan.groups.iter().position(|group| group.machines.contains(&machine));
        let is_failover =
            matches!(self.kind, JobKind::Failover | JobKind::PlannedFailover | JobKind::TestFailover);
        match (next, self.place) {
            _ if !is_failover => false,
            (TaskKind::SynchroniseLatest, PlanPlace::ShuttingDown) => true,
            (TaskKind::StartMachine, PlanPlace::ShuttingDown | PlanPlace::FailingOver) => true,
            (TaskKind::StartMachine, PlanPlace::Before { group: now, .. }) => group() >= Some(now),
            (
                TaskKind::StartMachine,
                PlanPlace::Starting { group: now } | PlanPlace::After { group: now, .. },
            ) => group() > Some(now),
            _ => false,
        }
    }

    /// The action it waits for is done.
    pub(super) const fn action_done(&mut self) {
        if let PlanPlace::Before { action, .. } | PlanPlace::After { action, .. } = &mut self.place {
            *action += 1;
        }
    }
}
