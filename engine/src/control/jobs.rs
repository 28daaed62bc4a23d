//! Jobs as data: tasks in order, and in each task the questions that are open or answered.
//!
//! A task goes through stages. A stage puts questions ([`What`]) to the agent, the target or a site, all at once;
//! when every one of them is answered the next stage begins, until the phase says that the task is done. Stages
//! and questions are kept in the durable store with the numbers under which they are asked, so that a vault that
//! restarts in the middle asks the same question under the same number and nothing is done twice.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::master_target::MasterTargetUnfit;
use super::vocabulary::{JobId, JobKind, JobState, Location, TaskKind, TaskState};
use super::way_home::NoWayHome;
use crate::id::{DatastoreId, Direction, DiskId, MachineId, MasterTargetId, Site};
use crate::message::{Order, Selector};
use crate::point::RecoveryPoint;
use crate::ports::{HypervisorRequest, Inspection, Installed, Instance, MasterTargetFound, PortFailure};
use crate::recovery::RecoverySettings;
use crate::role::Address;
use crate::time::Instant;

/// A piece of work on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What it is for.
    pub kind: JobKind,
    /// Whose item it moves.
    pub machine: MachineId,
    /// The direction of replication it is about.
    pub direction: Direction,
    /// Where it stands.
    pub state: JobState,
    /// Its steps, in order.
    pub tasks: Vec<Task>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// When it was accepted.
    pub started: Instant,
    /// When it reached its final state.
    pub ended: Option<Instant>,
    pub(super) facts: Facts,
}

impl Job {
    /// The task that is under way.
    #[must_use]
    pub fn current_task(&self) -> Option<&Task> {
        self.tasks.iter().find(|task| task.state == TaskState::InProgress)
    }

    /// The point it recovers, as soon as one was chosen.
    #[must_use]
    pub const fn point(&self) -> Option<RecoveryPoint> {
        self.facts.point
    }

    pub(super) fn task_mut(&mut self) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.state == TaskState::InProgress)
    }

    pub(super) fn ask(&self, number: u64) -> Option<&Ask> {
        self.current_task().and_then(|task| task.asks.iter().find(|ask| ask.number == number))
    }

    pub(super) fn has_done(&self, kind: TaskKind) -> bool {
        self.tasks.iter().any(|task| task.kind == kind && task.state == TaskState::Succeeded)
    }
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Which step.
    pub kind: TaskKind,
    /// Where it stands.
    pub state: TaskState,
    /// When it began.
    pub started: Option<Instant>,
    /// When it ended.
    pub ended: Option<Instant>,
    /// How many stages have begun.
    pub(super) stages: u8,
    /// What was asked so far, in order.
    pub(super) asks: Vec<Ask>,
}

impl Task {
    pub(super) const fn new(kind: TaskKind) -> Self {
        Self { kind, state: TaskState::NotStarted, started: None, ended: None, stages: 0, asks: Vec::new() }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.asks.iter().any(|ask| ask.result.is_none())
    }
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum JobError {
    /// A site did not do what was asked.
    #[error("the site did not carry it out: {0}")]
    Port(#[from] PortFailure),
    /// Nobody answered in time.
    #[error("no answer within {0:?}")]
    NoAnswer(Duration),
    /// The point that was wanted does not exist.
    #[error("there is no such recovery point")]
    NoSuchPoint,
    /// The agent or target knows nothing of the group or of its generation.
    #[error("the order names a group or generation that is not known there")]
    Unknown,
    /// The machine is not at the site.
    #[error("the machine does not exist at the {0:?} site")]
    MachineMissing(Site),
    /// The machine must run at the site and does not.
    #[error("the machine does not run at the {0:?} site")]
    MachineNotRunning(Site),
    /// A machine stands where the recovered one would be created or started.
    #[error("the machine exists or runs at the {0:?} site already")]
    MachineInTheWay(Site),
    /// The master target that was named for the way home will not do.
    #[error("the master target cannot receive the machine's data: {0}")]
    MasterTarget(MasterTargetUnfit),
    /// What was given for the provider is for another one: the appliance of the modernised stack is no master target and
    /// has no retention drive. Accepted, and fails at once (site-recovery 3.8).
    #[error("what was given does not fit the provider")]
    InvalidInput,
    /// The master target's host is managed by nobody, and was not discovered.
    #[error("the host of the master target has not been discovered")]
    HostNotDiscovered,
    /// The agent of the recovered machine has not registered yet.
    #[error("the agent of the recovered machine has not registered yet")]
    AgentNotRegistered,
    /// The machine cannot be chosen: another one with its identifier stands before it in the inventory.
    #[error("another machine with the same identifier is listed in its place")]
    NotListed,
    /// What the site has does not take the machine.
    #[error("the machine cannot come home: {0}")]
    NoWayHome(#[from] NoWayHome),
}

/// A question and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    /// The number it is asked under: a request or a call, counted together.
    pub number: u64,
    /// What is asked.
    pub what: What,
    /// When it was first asked.
    pub since: Instant,
    /// How many times it was answered by a transient failure; each time it gets a fresh number.
    pub failures: u32,
    /// What came of it; `None` while it is open.
    pub result: Option<Result<(), JobError>>,
}

impl Ask {
    /// Nobody waits for its answer any longer; whether it is carried out is not known.
    pub(super) const fn is_given_up(&self) -> bool {
        matches!(self.result, Some(Err(JobError::NoAnswer(_))))
    }

    /// What its outcome tells about the disks at home: whether they are attached to the master target. A vCenter that
    /// does not answer may have attached them, so they are to be given back when all is over.
    pub(super) const fn tells_attached(&self, outcome: &Outcome) -> Option<bool> {
        match (&self.what, outcome) {
            (
                What::Hypervisor(HypervisorRequest::AttachDisks(_)),
                Outcome::Done | Outcome::Failed(JobError::NoAnswer(_)),
            ) => Some(true),
            (What::Hypervisor(HypervisorRequest::DetachDisks(_)), Outcome::Done) => Some(false),
            (What::Hypervisor(HypervisorRequest::Inspect(_)), Outcome::Inspected(found)) => {
                Some(found.disks_attached)
            }
            (
                What::Hypervisor(HypervisorRequest::Inspect(_)),
                Outcome::Failed(JobError::Port(PortFailure::NotFound)),
            ) => Some(false),
            _ => None,
        }
    }

    /// Whether a failure is as good as success.
    ///
    /// A machine that cannot be inspected because it is not there has been inspected. A creation that once ended
    /// in a transient failure may have happened all the same, and then finds its own work in the way, unless somebody's
    /// was there before. A journal that is not known is closed.
    pub(super) fn excuse(&self, error: JobError, facts: &mut Facts) -> Result<(), JobError> {
        match (&self.what, &error) {
            (
                What::Hypervisor(HypervisorRequest::Inspect(_)) | What::Cloud(CloudAsk::Inspect(..)),
                JobError::Port(PortFailure::NotFound),
            ) => facts.note_inspection(&self.what, Inspection::ABSENT),
            (
                What::Hypervisor(HypervisorRequest::CreateMachine(..)) | What::Cloud(_),
                JobError::Port(PortFailure::AlreadyExists),
            ) if self.failures > 0 && !(self.what.is_made_at_home() && facts.is_name_taken()) => {}
            (What::Order { order: Order::CloseJournal { .. }, .. }, JobError::Unknown) => {}
            _ => return Err(error),
        }
        Ok(())
    }
}

/// What can be asked of the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// An agent or a target carries an order out.
    Order { to: Address, order: Order },
    /// The hypervisor does something.
    Hypervisor(HypervisorRequest),
    /// The cloud does something.
    Cloud(CloudAsk),
    /// Something becomes true that is learnt by other means.
    Await(Awaited),
}

impl What {
    const fn is_made_at_home(&self) -> bool {
        matches!(self, Self::Hypervisor(HypervisorRequest::CreateMachine(..)))
    }

    pub(super) const fn closes_journal(&self) -> bool {
        matches!(self, Self::Order { order: Order::CloseJournal { .. }, .. })
    }

    /// Whether it cannot be put without a view that is not kept.
    pub(super) const fn needs_view(&self) -> bool {
        matches!(self, Self::Cloud(CloudAsk::CreateDisk(..)))
    }

    /// Whether the machine that data comes from is down once it is done.
    pub(super) const fn shuts_down(&self) -> bool {
        matches!(
            self,
            Self::Hypervisor(HypervisorRequest::ShutDown(_)) | Self::Cloud(CloudAsk::StopMachine(_))
        )
    }

    /// Whether it changes something at a site, rather than look.
    pub(super) const fn changes_site(&self) -> bool {
        match self {
            Self::Hypervisor(request) => !matches!(request, HypervisorRequest::Inspect(_)),
            Self::Cloud(ask) => !matches!(ask, CloudAsk::Inspect(..)),
            Self::Order { .. } | Self::Await(_) => false,
        }
    }

    pub(super) const fn takes_snapshot(&self) -> bool {
        matches!(self, Self::Hypervisor(HypervisorRequest::TakeSnapshot(_)))
    }

    pub(super) const fn reverts(&self) -> bool {
        matches!(self, Self::Hypervisor(HypervisorRequest::RevertSnapshot(_)))
    }

    pub(super) const fn is_open_point(&self) -> bool {
        matches!(self, Self::Order { order: Order::OpenPoint { .. }, .. })
    }
}

/// What is asked of the cloud, without the views, which are never kept: they are fetched again after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CloudAsk {
    Inspect(Instance, MachineId),
    Examine(MachineId),
    CreateReplica(DiskId, u64),
    CreateDisk(Instance, DiskId),
    CreateMachine(Instance, MachineId),
    PrepareBoot(Instance, MachineId),
    StartMachine(Instance, MachineId),
    StopMachine(MachineId),
    DeleteMachine(Instance, MachineId),
    DeleteReplica(DiskId),
}

/// What a task can wait for without asking anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Awaited {
    /// The group's journal, which another machine's job opens.
    JournalOpen,
    /// The point of the last marker of a machine that was shut down.
    ShutDownPoint,
    /// What the target says of its points, which a restart forgets.
    Points,
    /// The last markers of everybody in the machine's run, all of whom were shut down in order.
    Drained,
    /// No other machine of the group is about to replicate again: each of them begins a run of its own.
    Turn,
}

/// What came of a question.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Done,
    Existed,
    Inspected(Inspection),
    FoundMasterTarget(MasterTargetFound),
    Installed(Installed),
    Suits(Box<RecoverySettings>),
    Chosen(RecoveryPoint),
    Failed(JobError),
}

/// What a phase wants next of a task.
#[derive(Debug, Clone)]
pub(super) enum Next {
    /// Put these questions; an empty list is a stage that is not needed.
    Ask(Vec<What>),
    /// The task is done.
    Done,
    /// The task is not needed.
    Skip,
    /// The task cannot go on.
    Fail(JobError),
}

/// What a question that failed means to its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tolerance {
    /// The job fails.
    Fatal,
    /// The task is skipped and the job goes on.
    SkipTask,
    /// The task goes on.
    Ignore,
}

/// What a job was told and what it has learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// Which point is wanted.
    pub selector: Selector,
    /// The job of the plan whose machines are to come from one point in each group, if that was asked for.
    pub shared: Option<JobId>,
    /// Whether the user wants the source shut down first.
    pub shut_down_source: bool,
    /// The source was shut down in order.
    pub source_is_down: bool,
    /// The point that is recovered.
    pub point: Option<RecoveryPoint>,
    /// No replica disk was there before.
    pub blank: bool,
    /// The machine at home, as it was found.
    pub home: Option<Inspection>,
    /// The recovered machine, as it was found.
    pub away: Option<Inspection>,
    /// The master target that was named for the way home, and which of its drives, if one was.
    pub named: Option<(MasterTargetId, Option<u8>)>,
    /// What was given is for another provider than that of the vault's stack.
    pub invalid: bool,
    /// The master target that was named, as it was found.
    pub master_target: Option<MasterTargetFound>,
    /// Where the disks of a machine lie that is created at home.
    pub datastore: Option<DatastoreId>,
    /// To which machine at home.
    pub location: Location,
    /// Whether a master target receives what comes home, whose host must have a volume of its hypervisor's own.
    pub needs_vmfs: bool,
    /// Something may be left in the cloud by an earlier attempt; it is deleted first.
    pub leftover: bool,
    /// An earlier attempt brought the disks home; only the start of the machine is missing.
    pub only_start: bool,
    /// The process server that the machine moves to.
    pub process_server: Option<Address>,
    /// Calls of a cancelled job that may still be under way.
    pub inherited: Vec<Ask>,
    /// A planned failover may have taken a snapshot at home.
    pub snapshot: bool,
}

impl Facts {
    /// Whether a machine stood where one is to be made before any was.
    fn is_name_taken(&self) -> bool {
        self.home.as_ref().is_some_and(|found| found.exists && found.place.with_master_target)
    }

    pub(super) const fn new() -> Self {
        Self {
            selector: Selector::Latest,
            shared: None,
            shut_down_source: false,
            source_is_down: false,
            point: None,
            blank: true,
            home: None,
            away: None,
            named: None,
            invalid: false,
            master_target: None,
            datastore: None,
            location: Location::Original,
            needs_vmfs: false,
            leftover: false,
            only_start: false,
            process_server: None,
            inherited: Vec::new(),
            snapshot: false,
        }
    }

    /// Keeps what was found at the site that was asked.
    pub(super) fn note_inspection(&mut self, what: &What, found: Inspection) {
        match what {
            What::Cloud(_) => self.away = Some(found),
            _ => self.home = Some(found),
        }
    }
}
