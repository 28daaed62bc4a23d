//! The words in which coverage is counted: kinds of fault as they show in a run, ends of jobs and tasks, refusals.

use switchback_engine::Site;
use switchback_engine::control::{JobKind, JobState, Operation, Refused, TaskKind, TaskState};
use switchback_engine::role::Address;

use crate::outcome::words;
use crate::world::{Ailment, DiskLie, Happening};

/// A kind of fault, as it shows in what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FaultKind {
    LinkCut,
    LinkSlow,
    LinkImpaired,
    StoreFull,
    AgentCrash,
    ProcessServerCrash,
    AzureProcessServerCrash,
    TargetCrash,
    MasterTargetCrash,
    VaultCrash,
    ClockAhead,
    ClockBehind,
    WriteTorn,
    WriteLost,
    WriteMisdirected,
    DiskRotten,
    DiskSlow,
    CallFailed,
    SiteLost,
    MachineStarted,
    MachineStopped,
    MachineInAzureStarted,
    MachineInAzureStopped,
    SnapshotTaken,
    SnapshotsRemoved,
    MachineMoved,
    HostChanged,
    MasterTargetMoved,
    MachineDeleted,
    AgentRefused,
    PauseRefused,
    FilterLost,
    WriteRefused,
    UploadsRefused,
    InventoryMisread,
    HostDisconnected,
    DiskGrew,
}

impl FaultKind {
    /// All of them, in order.
    pub const ALL: [Self; 37] = [
        Self::LinkCut,
        Self::LinkSlow,
        Self::LinkImpaired,
        Self::StoreFull,
        Self::AgentCrash,
        Self::ProcessServerCrash,
        Self::AzureProcessServerCrash,
        Self::TargetCrash,
        Self::MasterTargetCrash,
        Self::VaultCrash,
        Self::ClockAhead,
        Self::ClockBehind,
        Self::WriteTorn,
        Self::WriteLost,
        Self::WriteMisdirected,
        Self::DiskRotten,
        Self::DiskSlow,
        Self::CallFailed,
        Self::SiteLost,
        Self::MachineStarted,
        Self::MachineStopped,
        Self::MachineInAzureStarted,
        Self::MachineInAzureStopped,
        Self::SnapshotTaken,
        Self::SnapshotsRemoved,
        Self::MachineMoved,
        Self::HostChanged,
        Self::MasterTargetMoved,
        Self::MachineDeleted,
        Self::AgentRefused,
        Self::PauseRefused,
        Self::FilterLost,
        Self::WriteRefused,
        Self::UploadsRefused,
        Self::InventoryMisread,
        Self::HostDisconnected,
        Self::DiskGrew,
    ];

    /// In words, such as `link cut`.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push(' ');
            }
            name.extend(letter.to_lowercase());
        }
        name
    }

    /// The kind of fault that something is, if it is one.
    #[must_use]
    pub const fn of(happening: &Happening) -> Option<Self> {
        Some(match happening {
            Happening::LinkCut { .. } => Self::LinkCut,
            Happening::LinkSlow { .. } => Self::LinkSlow,
            Happening::LinkImpaired { .. } => Self::LinkImpaired,
            Happening::StoreFull { .. } => Self::StoreFull,
            Happening::Crashed { address } => match address {
                Address::Agent(..) => Self::AgentCrash,
                Address::ProcessServer(0) => Self::ProcessServerCrash,
                Address::ProcessServer(_) => Self::AzureProcessServerCrash,
                Address::Target(Site::Recovery) => Self::TargetCrash,
                Address::Target(Site::Primary) => Self::MasterTargetCrash,
                Address::Control => Self::VaultCrash,
            },
            Happening::ClockJumped { nanos, .. } if *nanos < 0 => Self::ClockBehind,
            Happening::ClockJumped { .. } => Self::ClockAhead,
            Happening::DiskLies { lie, .. } => match lie {
                DiskLie::Torn => Self::WriteTorn,
                DiskLie::Lost => Self::WriteLost,
                DiskLie::Misdirected => Self::WriteMisdirected,
                DiskLie::Rotten => Self::DiskRotten,
                DiskLie::Refused => Self::WriteRefused,
            },
            Happening::DeviceSlow { .. } => Self::DiskSlow,
            Happening::CallFailed { .. } => Self::CallFailed,
            Happening::SiteLost => Self::SiteLost,
            Happening::FellIll { ailment, .. } => match ailment {
                Ailment::TakesNoAgent(_) | Ailment::DriverInUse => Self::AgentRefused,
                Ailment::CannotPause(_) => Self::PauseRefused,
                Ailment::FilterLost(_) => Self::FilterLost,
                Ailment::CacheAccountBlocked => Self::UploadsRefused,
                Ailment::ReadOnlyAccount | Ailment::SameIdentifier | Ailment::DisksOfMasterTarget => {
                    Self::InventoryMisread
                }
                Ailment::HostDisconnected => Self::HostDisconnected,
            },
            Happening::OperatorStarted { .. } => Self::MachineStarted,
            Happening::OperatorStopped { .. } => Self::MachineStopped,
            Happening::StartedInAzure { .. } => Self::MachineInAzureStarted,
            Happening::StoppedInAzure { .. } => Self::MachineInAzureStopped,
            Happening::OperatorSnapshot { .. } => Self::SnapshotTaken,
            Happening::OperatorRemovedSnapshots { .. } => Self::SnapshotsRemoved,
            Happening::OperatorDeleted { .. } => Self::MachineDeleted,
            Happening::DiskGrew { .. } => Self::DiskGrew,
            Happening::OperatorMoved { machine: Some(_) } => Self::MachineMoved,
            Happening::OperatorMigrated { .. } => Self::HostChanged,
            Happening::OperatorMoved { machine: None } => Self::MasterTargetMoved,
            _ => return None,
        })
    }
}

/// Every two kinds of fault.
pub(super) fn pairs() -> impl Iterator<Item = (&'static FaultKind, &'static FaultKind)> {
    const KINDS: &[FaultKind] = &FaultKind::ALL;
    KINDS.iter().enumerate().flat_map(|(at, one)| KINDS[at + 1..].iter().map(move |other| (one, other)))
}

const JOBS: [JobKind; 13] = [
    JobKind::Enable,
    JobKind::Failover,
    JobKind::ChangePoint,
    JobKind::Commit,
    JobKind::Cancel,
    JobKind::Reprotect,
    JobKind::Resync,
    JobKind::Disable,
    JobKind::TestFailover,
    JobKind::CleanUpTest,
    JobKind::PlannedFailover,
    JobKind::SwitchProcessServer,
    JobKind::Configure,
];

/// Ends of a job. Failovers are the only jobs that can be cancelled; the others never are.
const JOB_ENDS: [JobState; 2] = [JobState::Succeeded, JobState::Failed];

/// Jobs that can be cancelled.
const CANCELLED: [JobKind; 2] = [JobKind::Failover, JobKind::PlannedFailover];

const TASKS: [TaskKind; 15] = [
    TaskKind::CheckPrerequisites,
    TaskKind::PrepareTarget,
    TaskKind::StartReplication,
    TaskKind::ShutDownSource,
    TaskKind::SynchroniseLatest,
    TaskKind::ChoosePoint,
    TaskKind::FailOver,
    TaskKind::StartMachine,
    TaskKind::CleanUp,
    TaskKind::DropPoints,
    TaskKind::DiscoverReplica,
    TaskKind::StopReplication,
    TaskKind::CreateTestMachine,
    TaskKind::PrepareBoot,
    TaskKind::SwitchProcessServer,
];

const TASK_ENDS: [TaskState; 3] = [TaskState::Succeeded, TaskState::Skipped, TaskState::Failed];

/// Every job with every end it can have, in words.
pub(super) fn jobs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let ends = |kind: JobKind| JOB_ENDS.map(|end| (words::job(kind), words::job_state(end)));
    JOBS.into_iter()
        .flat_map(ends)
        .chain(CANCELLED.map(|kind| (words::job(kind), words::job_state(JobState::Cancelled))))
}

pub(super) fn job_number(kind: JobKind, state: JobState) -> Option<usize> {
    if state == JobState::Cancelled {
        let kind = CANCELLED.iter().position(|of| *of == kind)?;
        return Some(JOBS.len() * JOB_ENDS.len() + kind);
    }
    let kind = JOBS.iter().position(|of| *of == kind)?;
    Some(kind * JOB_ENDS.len() + JOB_ENDS.iter().position(|end| *end == state)?)
}

/// Every task with every end, in words.
pub(super) fn tasks() -> impl Iterator<Item = (&'static str, &'static str)> {
    let ends = |kind: TaskKind| TASK_ENDS.map(|end| (words::task(kind), words::task_state(end)));
    TASKS.into_iter().flat_map(ends)
}

pub(super) fn task_number(kind: TaskKind, state: TaskState) -> Option<usize> {
    let kind = TASKS.iter().position(|of| *of == kind)?;
    Some(kind * TASK_ENDS.len() + TASK_ENDS.iter().position(|end| *end == state)?)
}

/// What can be refused, and why.
pub(super) const REFUSALS: [&str; 24] = [
    "enable",
    "failover",
    "change of point",
    "commit",
    "cancel",
    "reprotect",
    "resync",
    "disable",
    "no such point",
    "unknown machine",
    "bad group",
    "test failover",
    "clean up test",
    "planned failover",
    "not in stack",
    "switch process server",
    "no datastore",
    "not home",
    "other master target",
    "recovery plan",
    "configure",
    "failback policy",
    "same process server",
    "job under way",
];

pub(super) fn refusal(refused: &Refused) -> Option<usize> {
    let word = refusal_word(refused);
    REFUSALS.iter().position(|of| *of == word)
}

const fn refusal_word(refused: &Refused) -> &'static str {
    match refused {
        Refused::NotAllowed { operation, .. } => match operation {
            Operation::Enable => "enable",
            Operation::Failover => "failover",
            Operation::ChangePoint => "change of point",
            Operation::Commit => "commit",
            Operation::Cancel => "cancel",
            Operation::Reprotect => "reprotect",
            Operation::Resync => "resync",
            Operation::Disable => "disable",
            Operation::TestFailover => "test failover",
            Operation::CleanUpTest => "clean up test",
            Operation::PlannedFailover => "planned failover",
            Operation::SwitchProcessServer => "switch process server",
            Operation::Configure => "configure",
        },
        Refused::NotInStack { .. } => "not in stack",
        Refused::NoSuchPoint => "no such point",
        Refused::UnknownMachine(_) => "unknown machine",
        Refused::BadGroup(_) => "bad group",
        Refused::NoDatastore => "no datastore",
        Refused::NotHome => "not home",
        Refused::Plan(_) => "recovery plan",
        Refused::FailbackPolicyIsFixed => "failback policy",
        Refused::SameProcessServer => "same process server",
        Refused::JobUnderWay(_) => "job under way",
        // No scenario can name anything else.
        Refused::NoProcessServer(_) => "switch process server",
    }
}
