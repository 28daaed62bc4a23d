//! Which condition of the engine raises which code.

use core::fmt;

use switchback_engine::control::{
    ItemState, Job, JobError, JobKind, MasterTargetUnfit, NoWayHome, Operation, Refused, TaskKind, TaskState,
};
use switchback_engine::health::Symptom;
use switchback_engine::message::{Observation, ResyncReason};
use switchback_engine::ports::PortFailure;
use switchback_engine::{Direction, MachineId, Site};

use super::guest::of_obstacle;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// A code that something emulated raises.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: [Self; [$($code),*].len()] = [$(Self::$name),*];

            /// As users see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

codes! {
    /// The source machine does not answer.
    SourceUnreachable = "95117",
    /// The machine has not been heard of.
    MachineSilent = "78174",
    /// Its process server has not been heard of.
    ProcessServerSilent = "806",
    /// The master target has not been heard of.
    MasterTargetSilent = "78022",
    /// The process server is out of reach of the machine.
    ProcessServerUnreached = "78186",
    /// What the machine sends does not reach the process server.
    UploadsBlocked = "78028",
    /// There has been no application-consistent point for long.
    NoApplicationConsistentPoint = "78144",
    /// The machine changes more than can be sent.
    TooMuchChurn = "78188",
    /// The disks have to be compared, and nobody does it yet.
    ResyncRequired = "78222",
    /// No test failover has succeeded since replication began.
    NeverTested = "161011",
    /// The lag is over the threshold of the policy.
    NoCrashConsistentPoint = "78169",
    /// Machine or agent crashed; the disks are compared.
    UncleanShutdown = "SourceAgentUncleanSystemShutdownError",
    /// The driver did not follow the disks; they are compared.
    AgentLostTrack = "SourceAgentInternalError",
    /// The agent ran out of memory for what changed; the disks are compared.
    LowMemory = "SourceAgentLowMemoryError",
    /// A disk has grown; the disks are compared.
    DiskGrew = "SourceAgentDiskResize",
    /// The target lost track; the disks are compared.
    TargetLostTrack = "TargetAgentInternalError",
    /// The place that logs are sent to is not well.
    UploadLocationUnhealthy = "ECH00026",
    /// The cache of the process server is full.
    CacheFull = "SourceAgentDifferentialSyncThrottleOccurred",
    /// The machine could not be created in Azure.
    MachineNotCreated = "28031",
    /// Its network interface could not.
    InterfaceNotCreated = "28092",
    /// The agent in Azure does not answer.
    AgentInAzureUnreachable = "95226",
    /// The agent in Azure has not registered yet.
    AgentNotRegistered = "agent-not-installed",
    /// A test machine has the address of the machine.
    AddressOfTest = "replica-ip-address-invalid",
    /// The system found that it was not shut down in order before.
    UncleanStart = "6008",
    /// The properties of a machine that is not protected yet cannot be changed.
    NotConfigurable = "cannot-be-configured",
    /// A machine of the name is on the host of the master target.
    NameTaken = "78052",
    /// The machine in Azure does not run, or hangs.
    MachineInAzureNotRunning = "78093",
    /// The machine at home could not be started.
    MachineAtHomeNotStarted = "8038",
    /// The machine could not be prepared to start in Azure.
    BootNotPrepared = "170010",
    /// There is no datastore to choose: the host of the master target has not been discovered, or has none that will do, or
    /// the account may only look.
    NoDatastoreListed = "datastore-list-empty",
    /// The datastore is out of reach.
    DatastoreOutOfReach = "8061",
    /// A folder of the servers cannot be read.
    FoldersNotReadable = "95001",
    /// The policy is not associated with the servers.
    PolicyNotAssociated = "78253",
    /// The process server does not reach the machine.
    OutOfReachOfInstaller = "97118",
    /// The network of the machine is gone.
    NetworkGone = "95523",
    /// Management from afar is blocked.
    ManagementBlocked = "95103",
    /// File and printer sharing is off.
    SharingOff = "95105",
    /// A firewall blocks it.
    SharingBlocked = "95106",
    /// The account is no administrator.
    NotAdministrator = "95107",
    /// The account is not root, or may not copy files.
    NotRoot = "95108",
    /// The trust of the domain fails.
    DomainNotTrusted = "95518",
    /// The account is disabled.
    AccountDisabled = "95519",
    /// The account is locked out.
    AccountLocked = "95520",
    /// There is no logon server.
    NoLogonServer = "95521",
    /// The logon service does not run.
    LogonServiceDown = "95522",
    /// Copying the agent is denied.
    CopyDenied = "95517",
    /// There is no room for the agent.
    NoSpace = "95524",
    /// Boot and system partition are on different disks.
    SplitBoot = "95309",
    /// There is no boot disk.
    NoBootDisk = "95310",
    /// There are several.
    SeveralBootDisks = "95311",
    /// The root volume spans disks.
    RootSpansDisks = "95313",
    /// The boot loader names devices.
    BootLoaderNamesDevices = "95320",
    /// Boot drivers are not there.
    BootDriversMissing = "ASRMobilityServiceBootDriversMissing",
    /// Something blocks the registration of the provider.
    RegistrationBlocked = "VSS-511",
    /// The database of services is locked.
    ServicesLocked = "VSS-512",
    /// An earlier provider is marked for deletion.
    ProviderStale = "VSS-517",
    /// Component services do not work.
    ComponentsBroken = "VSS-802",
    /// Scripts may not be run.
    ScriptsDenied = "VSS-806",
    /// The agent was installed; its driver needs a restart.
    RestartAfterInstall = "95265",
    /// The agent was updated; its driver needs a restart.
    RestartAfterUpdate = "95266",
    /// A writer is in a bad state; the point is revoked.
    WriterInBadState = "2147754994",
    /// A writer fails.
    WriterFails = "ECH00031",
    /// The provider is not installed; there is no point.
    ProviderNotInstalled = "2147221164",
    /// The provider is missing.
    ProviderMissing = "ECH00030",
    /// The service of the provider is disabled.
    ProviderDisabled = "2147943458",
    /// The provider is not registered.
    ProviderNotRegistered = "2147754756",
    /// The driver has stopped following disks.
    FilteringStopped = "220",
    /// The driver is not loaded.
    DriverNotLoaded = "ECH00024",
    /// What was given does not fit the provider.
    InvalidParameter = "506",
    /// A machine of the classic model could not be created in Azure.
    ClassicMachineNotCreated = "70038",
    /// A Linux master target could not register through a proxy that asks for a password.
    MasterTargetNotRegistered = "35",
    /// The port for data answers as it does on a healthy server.
    DataPortAnswers = "400-on-9443",
    /// Anything that has no code of its own.
    Internal = "499",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an observation of the engine says about the health of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The condition is there; without a machine it is one of the whole site.
    Raised(Option<MachineId>, Code),
    /// The condition is gone, if it was there.
    Cleared(Option<MachineId>, Code),
}

/// The code that an observation raises or clears.
#[must_use]
pub const fn of_observation(observed: &Observation) -> Option<Change> {
    match observed {
        Observation::RpoAlert { machine, over: true } => {
            Some(Change::Raised(Some(*machine), Code::NoCrashConsistentPoint))
        }
        Observation::RpoAlert { machine, over: false } => {
            Some(Change::Cleared(Some(*machine), Code::NoCrashConsistentPoint))
        }
        Observation::Symptom { machine, symptom, is_there } => {
            let (machine, code) = (Some(*machine), of_symptom(*symptom));
            Some(if *is_there { Change::Raised(machine, code) } else { Change::Cleared(machine, code) })
        }
        Observation::Throttled { .. } => Some(Change::Raised(None, Code::CacheFull)),
        Observation::TakesAgain { .. } => Some(Change::Cleared(None, Code::CacheFull)),
        _ => None,
    }
}

/// The codes that the beginning of a resync raises and its end clears: also those of resyncs before it that another one
/// came in front of.
#[must_use]
pub fn of_resync(observed: &Observation) -> Vec<Change> {
    match observed {
        Observation::ResyncStarted { machine, reason } => {
            of_reason(*reason).map(|code| Change::Raised(Some(*machine), code)).into_iter().collect()
        }
        Observation::CopyCompleted { machine } => {
            let codes = ResyncReason::ALL.into_iter().filter_map(of_reason);
            codes.map(|code| Change::Cleared(Some(*machine), code)).collect()
        }
        _ => Vec::new(),
    }
}

/// The code of the reason of a resync; none for one that nobody needs to be told.
#[must_use]
pub const fn of_reason(reason: ResyncReason) -> Option<Code> {
    match reason {
        ResyncReason::UncleanShutdown => Some(Code::UncleanShutdown),
        ResyncReason::TargetError => Some(Code::TargetLostTrack),
        ResyncReason::LowMemory => Some(Code::LowMemory),
        ResyncReason::NotFollowed => Some(Code::AgentLostTrack),
        ResyncReason::DiskGrew => Some(Code::DiskGrew),
        ResyncReason::Manual | ResyncReason::Reprotect => None,
    }
}

/// The code of something that is wrong with the replication of a machine.
#[must_use]
pub const fn of_symptom(symptom: Symptom) -> Code {
    match symptom {
        Symptom::MachineSilent => Code::MachineSilent,
        Symptom::ProcessServerSilent => Code::ProcessServerSilent,
        Symptom::MasterTargetSilent => Code::MasterTargetSilent,
        Symptom::ProcessServerUnreached => Code::ProcessServerUnreached,
        Symptom::UploadsBlocked => Code::UploadsBlocked,
        Symptom::NoApplicationPoint => Code::NoApplicationConsistentPoint,
        Symptom::UploadsRefused => Code::UploadLocationUnhealthy,
        Symptom::TooMuchChurn => Code::TooMuchChurn,
        Symptom::ResyncRequired => Code::ResyncRequired,
        Symptom::NeverTested => Code::NeverTested,
    }
}

/// The code that a refusal shows, if one is documented: only a change of what is not protected yet has one.
#[must_use]
pub const fn of_refusal(refused: &Refused) -> Option<Code> {
    match refused {
        Refused::NotAllowed {
            operation: Operation::Configure,
            state: ItemState::Unprotected | ItemState::Enabling(Direction::Forward),
        } => Some(Code::NotConfigurable),
        _ => None,
    }
}

/// Every code that a failed job shows: more than one where several things are found wrong together.
#[must_use]
pub fn all_of_job(job: &Job) -> Vec<Code> {
    match &job.error {
        Some(JobError::Port(PortFailure::NotInstallable(why))) => {
            why.iter().copied().map(of_obstacle).collect()
        }
        _ => of_job(job).into_iter().collect(),
    }
}

/// The first code that a failed job shows; none for a job that did not fail.
#[must_use]
pub fn of_job(job: &Job) -> Option<Code> {
    let error = job.error.as_ref()?;
    let task = job.tasks.iter().find(|task| task.state == TaskState::Failed)?;
    Some(match error {
        JobError::Port(failure) => of_site(task.kind, failure),
        JobError::NoAnswer(_) => unanswered(job.kind, task.kind),
        JobError::MachineMissing(Site::Primary) | JobError::MachineNotRunning(Site::Primary) => {
            Code::SourceUnreachable
        }
        JobError::MachineMissing(Site::Recovery) | JobError::MachineNotRunning(Site::Recovery) => {
            Code::MachineInAzureNotRunning
        }
        JobError::MachineInTheWay(Site::Recovery) => Code::MachineNotCreated,
        JobError::MachineInTheWay(Site::Primary) => Code::MachineAtHomeNotStarted,
        JobError::HostNotDiscovered | JobError::NoWayHome(NoWayHome::NoVmfs | NoWayHome::UnfitDatastore) => {
            Code::NoDatastoreListed
        }
        JobError::AgentNotRegistered => Code::AgentNotRegistered,
        JobError::InvalidInput => Code::InvalidParameter,
        JobError::MasterTarget(MasterTargetUnfit::NotRegistered) => Code::MasterTargetNotRegistered,
        // No code is documented for a master target that will not do otherwise, for disks that are taken for others or
        // cannot be made anew, or for a machine that is not on the list.
        JobError::NoSuchPoint
        | JobError::Unknown
        | JobError::MasterTarget(_)
        | JobError::NoWayHome(NoWayHome::RawDisks | NoWayHome::SameDisks)
        | JobError::NotListed => Code::Internal,
    })
}

/// Only the agent is asked when replication begins.
const fn unanswered(job: JobKind, task: TaskKind) -> Code {
    match (job, task) {
        (JobKind::Enable, TaskKind::StartReplication) => Code::SourceUnreachable,
        (JobKind::Reprotect, TaskKind::StartReplication) => Code::AgentInAzureUnreachable,
        _ => Code::Internal,
    }
}

/// The code that a job shows for what a site answered in one of its tasks.
#[must_use]
pub fn of_site(task: TaskKind, failure: &PortFailure) -> Code {
    match (failure, task) {
        // Quota, capacity, a policy, an availability set of other sizes, or something of that name is there.
        (
            PortFailure::OutOfCapacity(_)
            | PortFailure::AlreadyExists
            | PortFailure::Disallowed(_)
            | PortFailure::MixedSizes(_),
            TaskKind::FailOver,
        ) => Code::MachineNotCreated,
        (PortFailure::WrongState(_), TaskKind::FailOver) => Code::InterfaceNotCreated,
        // A machine of that name stands in the way on the master target's host.
        (PortFailure::AlreadyExists, _) => Code::NameTaken,
        (PortFailure::OutOfCapacity(_) | PortFailure::WrongState(_), TaskKind::StartMachine) => {
            Code::MachineAtHomeNotStarted
        }
        (PortFailure::DatastoreOutOfReach, _) => Code::DatastoreOutOfReach,
        (PortFailure::NetworkMissing, _) => Code::ClassicMachineNotCreated,
        (PortFailure::BootNotPrepared, _) => Code::BootNotPrepared,
        // Who may only look is shown no datastores when the way home is asked for. Nothing is documented for later.
        (PortFailure::NotPermitted, TaskKind::DiscoverReplica) => Code::NoDatastoreListed,
        (PortFailure::NotPermitted, _) => Code::Internal,
        (PortFailure::AddressOfTest, _) => Code::AddressOfTest,
        // The machine is not there, or hung.
        (PortFailure::NotFound | PortFailure::GuestUnresponsive, _) => Code::MachineInAzureNotRunning,
        // Inferred: the documents name no code for a machine that the prerequisites check turns away.
        (PortFailure::Unsuitable(_), _) => Code::MachineNotCreated,
        (PortFailure::NotInstallable(why), _) => why.first().copied().map_or(Code::Internal, of_obstacle),
        // A script is of no machine's job; the documents name no code of a plan's. The service's own internal error.
        (
            PortFailure::ScriptFailed(_)
            | PortFailure::Throttled { .. }
            | PortFailure::Unavailable
            | PortFailure::OutOfCapacity(_)
            | PortFailure::Disallowed(_)
            | PortFailure::MixedSizes(_)
            | PortFailure::WrongState(_)
            | PortFailure::SnapshotsPresent(_),
            _,
        ) => Code::Internal,
    }
}
