//! The vault's words for what the engine's control role says.
//!
//! Tables, and nothing that decides anything. Words marked "inferred" were not seen in recorded traffic; the others
//! are from site-recovery 1.6 to 3.8 and recording-classic 2 to 6.

use switchback_engine::Direction;
use switchback_engine::control::{
    ItemState, JobKind, JobState, Operation, Stack, TaskKind, TaskState, TestState,
};
use switchback_engine::point::Consistency;
use switchback_engine::ports::PortFailure;

/// The replication provider of a stack in a direction: `instanceType` in every body (site-recovery 1.1).
#[must_use]
pub const fn provider(stack: Stack, direction: Direction) -> &'static str {
    match (stack, direction) {
        (Stack::Classic, Direction::Forward) => "InMageAzureV2",
        (Stack::Classic, Direction::Reverse) => "InMage",
        (Stack::Modernised, Direction::Forward) => "InMageRcm",
        (Stack::Modernised, Direction::Reverse) => "InMageRcmFailback",
    }
}

/// A job's `scenarioName` and `friendlyName`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobWords {
    /// `scenarioName`.
    pub scenario_name: &'static str,
    /// `friendlyName`.
    pub friendly_name: &'static str,
}

/// The words for a kind of job. They do not depend on the direction.
#[must_use]
pub const fn job(kind: JobKind) -> JobWords {
    let (scenario_name, friendly_name) = match kind {
        JobKind::Enable => ("EnableDr", "Enable replication"),
        JobKind::Failover => ("UnplannedFailover", "Failover"),
        // Inferred, from the operation's name in the portal.
        JobKind::ChangePoint => ("ApplyRecoveryPoint", "Change recovery point"),
        JobKind::Commit => ("CommitFailover", "Commit"),
        // Inferred, from the operation's name in the interface.
        JobKind::Cancel => ("CancelFailover", "Cancel failover"),
        JobKind::Reprotect => ("SwitchReplicationGroupProtection", "Reprotect"),
        JobKind::Resync => ("RepairVMReplication", "Resynchronize the virtual machine"),
        // Recorded with the process server of a machine, and of all of a server's machines; its friendly name was not.
        JobKind::SwitchProcessServer => ("ProcessServerFailover", "Process server failover"),
        JobKind::Disable => ("DisableDr", "Disable replication"),
        JobKind::TestFailover => ("TestFailover", "Test failover"),
        JobKind::CleanUpTest => ("TestFailoverCleanup", "Test failover cleanup"),
        // Inferred, from the operation's name in the interface.
        JobKind::PlannedFailover => ("PlannedFailover", "Planned failover"),
        // Inferred, from the operation's name in the interface.
        JobKind::Configure => ("UpdateVmProperties", "Update the virtual machine"),
    };
    JobWords { scenario_name, friendly_name }
}

/// A task's `taskId`, `name` and `friendlyName`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskWords {
    /// `taskId`; none where the service makes up a GUID for every job.
    pub task_id: Option<&'static str>,
    /// `name`.
    pub name: &'static str,
    /// `friendlyName`.
    pub friendly_name: &'static str,
}

/// How a task of the engine shows in the vault's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As a task of its own.
    As(TaskWords),
    /// As part of another task of the same job: the vault shows both as one.
    Within(TaskKind),
}

const fn shown(task_id: &'static str, name: &'static str, friendly_name: &'static str) -> Shown {
    Shown::As(TaskWords { task_id: Some(task_id), name, friendly_name })
}

const fn nameless(name: &'static str, friendly_name: &'static str) -> Shown {
    Shown::As(TaskWords { task_id: None, name, friendly_name })
}

/// The words for a task of a job; none when such a job has no such task.
#[must_use]
pub const fn task(job: JobKind, task: TaskKind) -> Option<Shown> {
    match job {
        JobKind::Enable => enable_task(task),
        JobKind::Failover => failover_task(task),
        JobKind::ChangePoint => change_point_task(task),
        JobKind::Commit => commit_task(task),
        JobKind::Cancel => cancel_task(task),
        JobKind::Reprotect => reprotect_task(task),
        JobKind::Resync => resync_task(task),
        JobKind::SwitchProcessServer => process_server_task(task),
        JobKind::Disable => disable_task(task),
        JobKind::TestFailover => test_failover_task(task),
        JobKind::CleanUpTest => clean_up_test_task(task),
        JobKind::PlannedFailover => planned_failover_task(task),
        JobKind::Configure => configure_task(task),
    }
}

const fn enable_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CheckPrerequisites => shown(
            "EnableProtectionPreflightChecksTask",
            "EnableProtectionPrerequisitesCheck",
            "Prerequisites check for enabling protection",
        ),
        TaskKind::PrepareTarget => shown(
            "CreateProtectionTargetTask",
            "CreateProtectionTarget",
            "Installing Mobility Service and preparing target",
        ),
        TaskKind::StartReplication => {
            shown("StartInitialReplicationTask", "VmStartInitialReplication", "Starting initial replication")
        }
        _ => return None,
    })
}

const fn failover_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CheckPrerequisites => shown(
            "UnplannedFailoverPreflightChecksTask",
            "VmUfoPrerequisitesCheck",
            "Prerequisites check for failover",
        ),
        TaskKind::ShutDownSource => {
            shown("ShutdownVmOnPrimaryForUFO", "VmShutdownVmOnPrimary", "Shut down the virtual machine")
        }
        TaskKind::SynchroniseLatest => shown(
            "PrepareForUnPlannedFailoverTask",
            "VmPrepareForUnPlannedFailover",
            "Synchronizing the latest changes",
        ),
        // The recorded jobs have no task for it, skipped or not.
        TaskKind::ChoosePoint | TaskKind::CleanUp | TaskKind::PrepareBoot => {
            Shown::Within(TaskKind::FailOver)
        }
        TaskKind::FailOver => shown("FailoverTask", "VmFailover", "Start failover"),
        TaskKind::StartMachine => {
            shown("StartVmOnSecondary", "VmFoStartVmOnSecondary", "Start the replica virtual machine")
        }
        _ => return None,
    })
}

/// All inferred but the last: the classic job was never recorded.
const fn change_point_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CleanUp | TaskKind::ChoosePoint | TaskKind::PrepareBoot => {
            Shown::Within(TaskKind::FailOver)
        }
        TaskKind::FailOver => {
            shown("ApplyRecoveryPointTask", "VmApplyRecoveryPoint", "Applying the recovery point")
        }
        TaskKind::StartMachine => {
            shown("StartVmOnSecondary", "VmFoStartVmOnSecondary", "Start the replica virtual machine")
        }
        _ => return None,
    })
}

const fn commit_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CheckPrerequisites => {
            nameless("VmCommitPrerequisitesCheck", "Prerequisites check for commit")
        }
        TaskKind::CleanUp => Shown::Within(TaskKind::DropPoints),
        TaskKind::DropPoints => nameless("VmCommit", "Commit"),
        _ => return None,
    })
}

/// All inferred: the classic provider has no such job, the modernized one was never recorded with it.
const fn cancel_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::StopReplication | TaskKind::DropPoints => Shown::Within(TaskKind::CleanUp),
        TaskKind::CleanUp => shown("CancelFailoverTask", "VmCancelFailover", "Cancelling the failover"),
        _ => return None,
    })
}

const fn reprotect_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CheckPrerequisites => shown(
            "SwitchReplicationGroupProtectionPreflightTask",
            "SwitchProtectionPrerequisitesCheck",
            "Prerequisites check for reprotect",
        ),
        TaskKind::DiscoverReplica => {
            shown("DiscoverReplicaTask", "DiscoverReplica", "Discovering replica virtual machine")
        }
        TaskKind::PrepareTarget => shown(
            "GetSwitchProtectionRequirementsTask",
            "GetSwitchProtectionRequirements",
            "Getting the requirements for reprotect",
        ),
        TaskKind::StartReplication => {
            shown("ProtectReplicaTask", "ProtectReplica", "Reprotecting virtual machine")
        }
        _ => return None,
    })
}

const fn resync_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::StartReplication => shown(
            "RepairVmReplicationTask",
            "RepairVmReplication",
            "Starting resynchronization for the virtual machine",
        ),
        _ => return None,
    })
}

const fn process_server_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::SwitchProcessServer => {
            shown("ProcessServerFailoverTask", "ProcessServerFailover", "Moving to another process server")
        }
        _ => return None,
    })
}

/// All inferred: the job was listed, its tasks were not.
const fn disable_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::StopReplication => {
            shown("DisableProtectionTask", "DisableProtection", "Disabling protection")
        }
        TaskKind::DropPoints => Shown::Within(TaskKind::CleanUp),
        TaskKind::CleanUp => {
            shown("RemoveProtectionTargetTask", "RemoveProtectionTarget", "Removing the replica disks")
        }
        _ => return None,
    })
}

const fn test_failover_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CheckPrerequisites => shown(
            "TestFailoverPreflightChecksTask",
            "VmTfoPrerequisitesCheck",
            "Prerequisites check for test failover",
        ),
        TaskKind::FailOver => shown("BeginTestFailoverTask", "VmTfoInitiateFailover", "Start test failover"),
        TaskKind::PrepareBoot => Shown::Within(TaskKind::CreateTestMachine),
        TaskKind::CreateTestMachine => {
            shown("PrepareTestProtectedEntitiesTask", "VmTfoPrepareTestVm", "Creating test virtual machine")
        }
        TaskKind::StartMachine => {
            shown("BootTestProtectedEntitiesTask", "VmTfoBootTestVm", "Start the virtual machine")
        }
        _ => return None,
    })
}

/// Inferred: recordings of the modernised stack list no tasks; the names follow those of a failover.
const fn planned_failover_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CheckPrerequisites => shown(
            "PlannedFailoverPreflightChecksTask",
            "VmPfoPrerequisitesCheck",
            "Prerequisites check for planned failover",
        ),
        TaskKind::ShutDownSource => {
            shown("ShutdownVmOnPrimaryForPFO", "VmShutdownVmOnPrimary", "Shut down the virtual machine")
        }
        TaskKind::SynchroniseLatest => shown(
            "PrepareForPlannedFailoverTask",
            "VmPrepareForPlannedFailover",
            "Synchronizing the latest changes",
        ),
        TaskKind::ChoosePoint => Shown::Within(TaskKind::FailOver),
        TaskKind::FailOver => shown("PlannedFailoverTask", "VmFailover", "Start failover"),
        TaskKind::StartMachine => {
            shown("StartVmOnSecondary", "VmFoStartVmOnSecondary", "Start the replica virtual machine")
        }
        _ => return None,
    })
}

const fn clean_up_test_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CleanUp => shown(
            "CleanupTestProtectedEntitiesTask",
            "VmTfoDeleteTestVm",
            "Clean up the test virtual machine",
        ),
        _ => return None,
    })
}

/// Inferred: the job was never recorded.
const fn configure_task(task: TaskKind) -> Option<Shown> {
    Some(match task {
        TaskKind::CheckPrerequisites => {
            shown("UpdateVmPropertiesTask", "UpdateVmProperties", "Updating the virtual machine properties")
        }
        _ => return None,
    })
}

/// The words for an item's `testFailoverState`. That of a cleanup is recorded; the others are those of the sister
/// service (site-recovery 1.7).
#[must_use]
pub const fn test_failover_state(of: TestState) -> StateWords {
    match of {
        TestState::None => state("None", "None"),
        TestState::InProgress => state("TestFailoverInitiated", "Test failover is in progress"),
        TestState::Active => state("TestFailoverCompleted", "Cleanup test failover pending"),
        TestState::CleaningUp => state("MarkedForDeletion", "Cleaning up test environment"),
    }
}

/// A `state` with its `stateDescription`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateWords {
    /// `state`, or `protectionState`.
    pub state: &'static str,
    /// `stateDescription`, or `protectionStateDescription`.
    pub description: &'static str,
}

const fn state(state: &'static str, description: &'static str) -> StateWords {
    StateWords { state, description }
}

/// The words for where a job stands.
#[must_use]
pub const fn job_state(of: JobState) -> StateWords {
    match of {
        JobState::InProgress => state("InProgress", "InProgress"),
        JobState::Succeeded => state("Succeeded", "Completed"),
        JobState::Failed => state("Failed", "Failed"),
        JobState::Cancelled => state("Cancelled", "Cancelled"),
    }
}

/// The words for where a task stands.
#[must_use]
pub const fn task_state(of: TaskState) -> StateWords {
    match of {
        TaskState::NotStarted => state("NotStarted", "NotStarted"),
        TaskState::InProgress => state("InProgress", "InProgress"),
        TaskState::Succeeded => state("Succeeded", "Completed"),
        TaskState::Skipped => state("Other", "Skipped"),
        TaskState::Failed => state("Failed", "Failed"),
    }
}

/// The words for an item's `protectionState`. The sentinels ending in `StatesBegin` are really seen by users.
#[must_use]
pub const fn protection_state(of: ItemState) -> StateWords {
    match of {
        // An item shows while it is unprotected only before it was ever protected or after it was given up.
        ItemState::Unprotected => state("UnprotectedStatesEnd", "Not protected"),
        ItemState::Enabling(_) => state("UnprotectedStatesBegin", "Enabling protection"),
        ItemState::Synchronising(_) => {
            state("InitialReplicationInProgress", "Initial replication is in progress")
        }
        ItemState::Protected(_) => state("Protected", "Protected"),
        ItemState::FailingOver(_) => state("UnplannedFailoverInitiated", "Failover is in progress"),
        ItemState::FailoverFailed(_) => {
            state("UnplannedFailoverCompletionFailed", "Failover couldn't be completed")
        }
        ItemState::FailedOver(_) => state("UnplannedFailoverCommitPendingStatesBegin", "Failover completed"),
        ItemState::ChangingPoint(_) => {
            state("UnplannedFailoverCompleting", "Changing the recovery point is in progress")
        }
        ItemState::Committing(Direction::Forward) => {
            state("CommitFailoverInProgressOnRecovery", "Commit is in progress")
        }
        ItemState::Committing(Direction::Reverse) => {
            state("CommitFailoverInProgressOnPrimary", "Commit is in progress")
        }
        ItemState::Committed(_) => state("UnplannedFailoverCommitted", "Failover committed"),
        ItemState::Cancelling => {
            state("UnplannedFailoverCompleting", "Cancelling the failover is in progress")
        }
        ItemState::Disabling => state("DisablingProtection", "Disabling protection"),
        ItemState::Resuming => {
            state("PlannedFailoverTransitionStatesBegin", "Cancelling the planned failover is in progress")
        }
    }
}

/// An item's `activeLocation`: `Primary` is where the data comes from, also on the way home.
#[must_use]
pub const fn active_location(of: ItemState) -> &'static str {
    match of {
        ItemState::FailedOver(_)
        | ItemState::ChangingPoint(_)
        | ItemState::Committing(_)
        | ItemState::Committed(_) => "Recovery",
        _ => "Primary",
    }
}

/// The word in `allowedOperations` for something a user may ask for; none for what the service does not list there:
/// enabling makes a new item, an item that is failing over is cancelled through its job, and machines move to another
/// process server by an operation of the fabric.
#[must_use]
pub const fn operation(of: Operation) -> Option<&'static str> {
    match of {
        Operation::Enable | Operation::SwitchProcessServer => None,
        Operation::Failover => Some("UnplannedFailover"),
        Operation::ChangePoint => Some("ChangePit"),
        Operation::Commit => Some("Commit"),
        Operation::Cancel => Some("CancelFailover"),
        Operation::Reprotect => Some("SwitchProtection"),
        Operation::Resync => Some("RepairReplication"),
        Operation::Disable => Some("DisableProtection"),
        Operation::TestFailover => Some("TestFailover"),
        Operation::CleanUpTest => Some("TestFailoverCleanup"),
        Operation::PlannedFailover => Some("PlannedFailover"),
        // Properties are updated by writing to the item; the service does not list that.
        Operation::Configure => None,
    }
}

/// The order in which the service lists operations.
const LISTED: [Operation; 10] = [
    Operation::Commit,
    Operation::Resync,
    Operation::Failover,
    Operation::PlannedFailover,
    Operation::Disable,
    Operation::TestFailover,
    Operation::CleanUpTest,
    Operation::ChangePoint,
    Operation::Reprotect,
    Operation::Cancel,
];

/// `allowedOperations` for what may be asked for, in the service's order.
#[must_use]
pub fn allowed_operations(allowed: &[Operation]) -> Vec<&'static str> {
    LISTED.into_iter().filter(|listed| allowed.contains(listed)).filter_map(operation).collect()
}

/// `recoveryPointType`.
#[must_use]
pub const fn recovery_point_type(of: Consistency) -> &'static str {
    match of {
        Consistency::Crash => "CrashConsistent",
        Consistency::Application => "AppConsistent",
    }
}

/// The wrapper that follows every error a provider had in a task.
pub const PROVIDER_FAILED: u32 = 539;

/// The code Resource Manager itself answers with, and its HTTP status.
#[must_use]
pub const fn arm_error(failure: &PortFailure) -> (u16, &'static str) {
    match failure {
        PortFailure::NotFound => (404, "ResourceNotFound"),
        PortFailure::AlreadyExists => (409, "Conflict"),
        PortFailure::WrongState(_)
        | PortFailure::SnapshotsPresent(_)
        | PortFailure::DatastoreOutOfReach
        | PortFailure::NotInstallable(_)
        | PortFailure::NetworkMissing
        | PortFailure::BootNotPrepared
        | PortFailure::MixedSizes(_)
        | PortFailure::ScriptFailed(_) => (409, "OperationNotAllowed"),
        PortFailure::NotPermitted => (403, "AuthorizationFailed"),
        PortFailure::AddressOfTest => (409, "PrivateIPAddressInUse"),
        PortFailure::Unsuitable(_) => (400, "InvalidParameter"),
        PortFailure::GuestUnresponsive => (409, "VMAgentStatusCommunicationError"),
        PortFailure::Throttled { .. } => (429, "TooManyRequests"),
        PortFailure::Unavailable => (503, "ServiceUnavailable"),
        PortFailure::OutOfCapacity(_) => (409, "QuotaExceeded"),
        PortFailure::Disallowed(_) => (403, "RequestDisallowedByPolicy"),
    }
}

mod shown_tasks;
#[cfg(test)]
mod tests;

pub use shown_tasks::{ShownTask, shown_tasks};
