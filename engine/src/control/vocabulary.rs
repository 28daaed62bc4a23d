//! The words of the control role: what a user may ask, how jobs, tasks and items are named.
//!
//! Plain data without behaviour. What happens on a command is decided by the phase it begins (`enable`,
//! `failover`, ...), and whether it may begin at all in `operations`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::plan::{PlanCommand, PlanRefused};
use crate::id::{DatastoreId, Direction, GroupId, MachineId, MasterTargetId};
use crate::message::Selector;
use crate::point::PointId;
use crate::policy::ReplicationPolicy;
use crate::recovery::SettingsChange;
use crate::role::Address;

/// A job's number, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub u64);

/// What a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JobKind {
    /// Begin to protect a machine.
    Enable,
    /// Fail over, away or (in reverse) home.
    Failover,
    /// Recover another point after a failover.
    ChangePoint,
    /// Accept a failover.
    Commit,
    /// Stop a running failover.
    Cancel,
    /// Replicate in the other direction.
    Reprotect,
    /// Compare and send what differs.
    Resync,
    /// Send through another process server.
    SwitchProcessServer,
    /// End the protection.
    Disable,
    /// Recover a point beside production, to try it.
    TestFailover,
    /// Remove what a test failover made.
    CleanUpTest,
    /// Fail over home with everything the source wrote, or take it all back.
    PlannedFailover,
    /// Change what a machine is to look like when it is recovered.
    Configure,
}

/// Which generation of the product protects: what comes home, and how (site-recovery 1.2, 1.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stack {
    /// A configuration server, process servers and a master target. The way home is a failover like the one away.
    #[default]
    Classic,
    /// One replication appliance in place of them. The way home is a planned failover, which can be taken back.
    Modernised,
}

/// Which point a planned failover brings home (site-recovery 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PlannedPoint {
    /// One that is made when the source is down: it holds everything.
    CrashConsistent,
    /// The newest application-consistent one there is then.
    ApplicationConsistent,
}

impl PlannedPoint {
    /// What is asked of the target.
    #[must_use]
    pub const fn selector(self) -> Selector {
        match self {
            Self::CrashConsistent => Selector::Drained,
            Self::ApplicationConsistent => Selector::LatestApplication,
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JobState {
    /// Its tasks are being carried out.
    InProgress,
    /// All tasks ended well or were skipped.
    Succeeded,
    /// A task failed.
    Failed,
    /// A user stopped it.
    Cancelled,
}

/// A step of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaskKind {
    /// Look whether everything that is needed is there.
    CheckPrerequisites,
    /// Create the replica disks and open the journal.
    PrepareTarget,
    /// Tell the agent to begin.
    StartReplication,
    /// Shut the source machine down; best effort.
    ShutDownSource,
    /// Wait for the last changes to arrive; best effort.
    SynchroniseLatest,
    /// Stop replication and settle on a recovery point.
    ChoosePoint,
    /// Bring the disks to the point and create the machine.
    FailOver,
    /// Prepare the recovered machine's disks, if its system would not start from them as they are.
    PrepareBoot,
    /// Start the recovered machine.
    StartMachine,
    /// Remove what the other side no longer needs.
    CleanUp,
    /// Give the recovery points up.
    DropPoints,
    /// Find the machine at the site it is to come home to, or create one.
    DiscoverReplica,
    /// Stop replication.
    StopReplication,
    /// Tell the agent to send to another process server.
    SwitchProcessServer,
    /// Create the machine of a test failover from its disks.
    CreateTestMachine,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaskState {
    /// Its turn has not come.
    NotStarted,
    /// It is under way.
    InProgress,
    /// It ended well.
    Succeeded,
    /// It was not needed, or it was best effort and did not work.
    Skipped,
    /// It failed, and the job with it.
    Failed,
}

/// The state of a protected item, without what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ItemState {
    /// Not replicating: never enabled, disabled, or a forward failover was cancelled.
    Unprotected,
    /// Protection is being set up.
    Enabling(Direction),
    /// The first copy or comparison is running; there is no recovery point yet.
    Synchronising(Direction),
    /// Replicating, with at least one recovery point.
    Protected(Direction),
    /// A failover is running.
    FailingOver(Direction),
    /// A failover ended halfway, after replication was stopped. The points are still there: it can be asked again.
    FailoverFailed(Direction),
    /// The machine runs on the other side; the point can still be changed (forward only).
    FailedOver(Direction),
    /// Another point is being recovered.
    ChangingPoint(Direction),
    /// A commit is running.
    Committing(Direction),
    /// Accepted; the points are gone. The machine runs on the target side and does not replicate.
    Committed(Direction),
    /// A forward failover was stopped and what it made is being removed.
    Cancelling,
    /// The protection is being ended.
    Disabling,
    /// A planned failover home was stopped: what it did is taken back, and the machine replicates from where it was.
    Resuming,
}

/// Where the test failover of an item stands, beside its state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TestState {
    /// There is none.
    #[default]
    None,
    /// A machine is being made from a point.
    InProgress,
    /// What was made is there, until it is cleaned up. Also after a test failover that failed halfway.
    Active,
    /// It is being removed.
    CleaningUp,
}

/// Where a machine comes home to (site-recovery 3.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Location {
    /// To the machine that is there: what differs is sent. Where there is none, as to an alternate location.
    #[default]
    Original,
    /// To a new machine on the master target's host: everything is sent.
    Alternate,
}

/// Through whom, and where to, a machine replicates in the other direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReprotectWay {
    /// Where its batches go.
    pub process_server: Address,
    /// On the way home, who receives its data; `None` is who serves it already.
    pub master_target: Option<MasterTargetId>,
    /// Which drive of that master target keeps what arrives; `None` is the first that will do. Nothing without
    /// a master target.
    pub retention_drive: Option<u8>,
    /// Where the disks of a machine lie that has to be created at home. On the way home it must be given even
    /// so, and is ignored where the machine is used that is there (site-recovery 3.6); away it means nothing.
    pub datastore: Option<DatastoreId>,
    /// To which machine at home; away it means nothing.
    pub location: Location,
}

impl ReprotectWay {
    /// Through a process server to the original location, and whoever serves the machine already.
    #[must_use]
    pub const fn through(process_server: Address, datastore: Option<DatastoreId>) -> Self {
        let (master_target, retention_drive) = (None, None);
        Self { process_server, master_target, retention_drive, datastore, location: Location::Original }
    }

    /// The master target that is named, and which of its drives.
    pub(super) fn named(&self) -> Option<(MasterTargetId, Option<u8>)> {
        self.master_target.map(|master_target| (master_target, self.retention_drive))
    }
}

/// What a user asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Protect the machines of a group, forward. One job for each machine; the answer names the first.
    Enable {
        /// The group.
        group: GroupId,
        /// Its machines and the sizes of their disks in sectors; the first leads barriers.
        machines: Vec<(MachineId, Vec<u64>)>,
        /// How it is replicated. The failback policy is made with it: [`ReplicationPolicy::FAILBACK`].
        policy: ReplicationPolicy,
        /// Where its batches go.
        process_server: Address,
    },
    /// Protect one more machine together with a group that replicates to the other site already, under the policy of the
    /// group. Those that replicate begin anew with it: until all have compared their disks there is no common point.
    Join {
        /// The group.
        group: GroupId,
        /// The machine.
        machine: MachineId,
        /// The sizes of its disks in sectors.
        disk_sectors: Vec<u64>,
        /// Where its batches go.
        process_server: Address,
    },
    /// Fail over in the direction of the replication.
    Failover {
        /// Which machine.
        machine: MachineId,
        /// Which point.
        to: Selector,
        /// Whether the source is shut down and its last changes are waited for first; best effort.
        shut_down_source: bool,
    },
    /// Recover another point.
    ChangePoint {
        /// Which machine.
        machine: MachineId,
        /// Which point.
        to: PointId,
    },
    /// Accept the failover.
    Commit {
        /// Which machine.
        machine: MachineId,
    },
    /// Stop a running failover. Away, the machine does not replicate afterwards; a planned failover home is taken back,
    /// and it replicates as before.
    Cancel {
        /// Which machine.
        machine: MachineId,
    },
    /// Replicate in the other direction.
    Reprotect {
        /// Which machine.
        machine: MachineId,
        /// Through whom, and where to.
        way: ReprotectWay,
    },
    /// Compare the disks with their replicas and send what differs.
    Resync {
        /// Which machine.
        machine: MachineId,
    },
    /// Send what the machine writes through another process server. Nothing that was written is lost, and nothing is
    /// compared; what the process server before has in its cache reaches the target from there.
    SwitchProcessServer {
        /// Which machine.
        machine: MachineId,
        /// Where its batches go from now on.
        process_server: Address,
    },
    /// End the protection and remove the replica.
    Disable {
        /// Which machine.
        machine: MachineId,
    },
    /// Make a machine from a point beside production. Replication goes on.
    TestFailover {
        /// Which machine.
        machine: MachineId,
        /// Which point.
        to: Selector,
    },
    /// Remove what the test failover made.
    CleanUpTest {
        /// Which machine.
        machine: MachineId,
    },
    /// Fail over home: the source is shut down, what is left is waited for, and any failure takes it all back.
    PlannedFailover {
        /// Which machine.
        machine: MachineId,
        /// Which point.
        to: PlannedPoint,
    },
    /// Change what the machine is to look like when it is recovered.
    Configure {
        /// Which machine.
        machine: MachineId,
        /// What changes.
        change: SettingsChange,
    },
    /// Change the policy under which the machine comes home. Always refused: it is made with the other one.
    ChangeFailbackPolicy {
        /// Which machine.
        machine: MachineId,
        /// To what.
        to: ReplicationPolicy,
    },
    /// Something about a recovery plan. For one that begins or ends nothing the answer names a number that no job has.
    Plan(PlanCommand),
}

/// Something a user may ask for in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// [`Command::Enable`].
    Enable,
    /// [`Command::Failover`].
    Failover,
    /// [`Command::ChangePoint`].
    ChangePoint,
    /// [`Command::Commit`].
    Commit,
    /// [`Command::Cancel`].
    Cancel,
    /// [`Command::Reprotect`].
    Reprotect,
    /// [`Command::Resync`].
    Resync,
    /// [`Command::SwitchProcessServer`].
    SwitchProcessServer,
    /// [`Command::Disable`].
    Disable,
    /// [`Command::TestFailover`].
    TestFailover,
    /// [`Command::CleanUpTest`].
    CleanUpTest,
    /// [`Command::PlannedFailover`].
    PlannedFailover,
    /// [`Command::Configure`].
    Configure,
}

/// Why a command was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Refused {
    /// No such protected item.
    #[error("machine {0:?} is not protected")]
    UnknownMachine(MachineId),
    /// The operation is not allowed in the item's state.
    #[error("{operation:?} is not allowed while the item is {state:?}")]
    NotAllowed {
        /// What was asked.
        operation: Operation,
        /// The state it is in.
        state: ItemState,
    },
    /// The stack does not know the operation in this direction.
    #[error("{operation:?} is not an operation of the {stack:?} stack in this direction")]
    NotInStack {
        /// What was asked.
        operation: Operation,
        /// The stack of the vault.
        stack: Stack,
    },
    /// There is no such point, or none of the kind.
    #[error("no such recovery point")]
    NoSuchPoint,
    /// The machine or group is protected already, or the group is empty, lists a machine twice or one without disks.
    #[error("the group cannot be protected: {0}")]
    BadGroup(String),
    /// A master target is named for a reprotect that goes to the other site.
    #[error("a master target receives what comes home, and this goes to the other site")]
    NotHome,
    /// The failback policy is made with the replication policy and cannot be changed.
    #[error("the failback policy cannot be changed")]
    FailbackPolicyIsFixed,
    /// It does not go with the recovery plan.
    #[error(transparent)]
    Plan(PlanRefused),
    /// A reprotect home names no datastore.
    #[error("no datastore is given for the disks at home")]
    NoDatastore,
    /// What is named to send through is none of the process servers.
    #[error("{0:?} is no process server")]
    NoProcessServer(Address),
    /// The machine sends through the process server that is named.
    #[error("the machine sends through this process server already")]
    SameProcessServer,
    /// A job of the machine runs that a move to another process server does not go beside.
    #[error("job {} of the machine is under way", .0.0)]
    JobUnderWay(JobId),
}
