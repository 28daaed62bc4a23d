//! Steps of the timeline and expectations.

use std::time::Duration;

use crate::model::words::{
    Component, ConsistencyKind, DiskOwner, LinkName, LossMark, OutsideCall, OutsideFailure, StateWord,
};
use crate::model::{GroupIndex, StepIndex, VmIndex};
use crate::source::SourceLine;

/// What a step or an expectation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// One machine.
    Vm(VmIndex),
    /// All machines of a group.
    Group(GroupIndex),
}

/// One step of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the step is called: its name if it has one, else its action.
    pub name: String,
    /// When it happens.
    pub when: When,
    /// What it does.
    pub action: Action,
    /// Where it was written: the line of its action.
    pub source: SourceLine,
}

/// When a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This long after t0.
    At(Duration),
    /// This long after a step above is done: its job is final, or its fault is over.
    After {
        /// The step above.
        step: StepIndex,
        /// How long after.
        plus: Duration,
    },
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Fail over to Azure.
    Failover {
        /// Whom.
        subject: Subject,
        /// To which recovery point.
        to: RecoveryPointChoice,
        /// Whether the machine on premises is shut down first, as far as it can be.
        shutdown: bool,
    },
    /// Choose another recovery point after a failover.
    ChangePoint {
        /// Whose.
        subject: Subject,
        /// Which.
        to: RecoveryPointChoice,
    },
    /// Accept a failover or failback.
    Commit(Subject),
    /// Take a failover back before it is committed.
    Cancel(Subject),
    /// Start replication in the other direction.
    Reprotect(Subject),
    /// Fail over home from Azure.
    Failback {
        /// Whom.
        subject: Subject,
        /// To which recovery point.
        to: FailbackPoint,
    },
    /// Compare source and replica and send what differs.
    Resync(Subject),
    /// Nothing passes a link.
    Cut {
        /// Which.
        link: LinkName,
        /// How long, not zero.
        lasts: Duration,
    },
    /// A link is slow.
    Slow {
        /// Which.
        link: LinkName,
        /// Bits a second, not zero.
        bandwidth: u64,
        /// How long, not zero.
        lasts: Duration,
    },
    /// A program crashes and comes back with what its store had kept.
    Crash {
        /// Which.
        who: Component,
        /// Whose agent; set if and only if `who` is the agent.
        vm: Option<VmIndex>,
        /// How long it is down; `None` is what that component takes.
        down_for: Option<Duration>,
    },
    /// The site on premises is lost for good.
    Destroy,
    /// An operator switches a machine on premises off.
    Stop(VmIndex),
    /// An operator switches a machine on premises on.
    Start(VmIndex),
    /// The next calls to an outside service fail.
    Fail {
        /// Which call.
        call: OutsideCall,
        /// How many of them, 1 to 1000.
        times: u32,
        /// In which way.
        with: OutsideFailure,
    },
    /// A component's disk is full.
    DiskFull {
        /// Whose.
        who: DiskOwner,
        /// How long, not zero.
        lasts: Duration,
    },
}

impl Action {
    /// The key of the action in the language.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Failover { .. } => "failover",
            Self::ChangePoint { .. } => "change-point",
            Self::Commit(_) => "commit",
            Self::Cancel(_) => "cancel",
            Self::Reprotect(_) => "reprotect",
            Self::Failback { .. } => "failback",
            Self::Resync(_) => "resync",
            Self::Cut { .. } => "cut",
            Self::Slow { .. } => "slow",
            Self::Crash { .. } => "crash",
            Self::Destroy => "destroy",
            Self::Stop(_) => "stop",
            Self::Start(_) => "start",
            Self::Fail { .. } => "fail",
            Self::DiskFull { .. } => "disk-full",
        }
    }
}

/// Which recovery point a failover goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryPointChoice {
    /// Everything that has reached Azure, processed first: the least loss.
    Latest,
    /// The newest point that is already processed: the shortest time.
    LatestProcessed,
    /// The newest application-consistent point.
    LatestAppConsistent,
    /// The newest point at this time after t0.
    At(Duration),
}

/// Which recovery point a failback goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailbackPoint {
    /// The newest point.
    Latest,
    /// The newest application-consistent point.
    LatestAppConsistent,
}

/// What is expected of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// What was lost, in time.
    Rpo {
        /// Of whom.
        subject: Subject,
        /// The bound.
        at_most: Duration,
    },
    /// How long until the workload answers.
    Rto {
        /// Of whom.
        subject: Subject,
        /// The bound.
        at_most: Duration,
    },
    /// How consistent the chosen recovery point is.
    Consistency {
        /// Of whom.
        subject: Subject,
        /// The kind.
        is: ConsistencyKind,
    },
    /// Nothing before this mark is lost.
    NothingLostBefore(LossMark),
    /// The state at the end of the run.
    State {
        /// Of whom.
        subject: Subject,
        /// The state.
        is: StateWord,
    },
    /// The number of recovery points there have been.
    PointsAtLeast {
        /// Of whom.
        subject: Subject,
        /// The bound.
        count: u64,
    },
    /// The number of acknowledged writes that were lost.
    Loss {
        /// Of whom.
        subject: Subject,
        /// The bound.
        at_most: u64,
    },
}
