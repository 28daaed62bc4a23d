//! Steps of the timeline and expectations.

use std::time::Duration;

use crate::model::conditions::ConditionWord;
use crate::model::recovery::{Settings, Shown, ShownPolicy};
use crate::model::words::{
    Component, ConnectWord, ConsistencyKind, DiskFaultKind, DiskOwner, DiskSide, FailureWord, FaultWord,
    FigureWord, HealthWord, HomeWord, JourneyWord, LinkName, LocationWord, LossMark, OutsideCall,
    OutsideFailure, PassingState, PowerWord, SomeWord, StateWord, TaskEnd, TaskWord, Whereabouts,
};
use crate::model::{
    DatastoreIndex, DiskIndex, DriveIndex, FailbackPoint, GroupIndex, MasterTargetIndex, NewDisks, PlanIndex,
    ProcessServerChoice, RecoveryPointChoice, ScriptExpectation, StepIndex, VaultCounts, VmIndex,
};
use crate::source::SourceLine;
use crate::units::{DurationRange, Ratio};

/// What a step or an expectation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// One machine.
    Vm(VmIndex),
    /// All machines of a group.
    Group(GroupIndex),
    /// All machines of a recovery plan. Never of a change of point, a resync, a move to another process server or a
    /// disable.
    Plan(PlanIndex),
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
    /// Why it must fail; `None` if it must not. Never of a fault.
    pub fails: Option<FailureWord>,
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
    /// This long after the first such moment after t0. A moment that never comes fires nothing.
    Moment {
        /// What is waited for.
        moment: Moment,
        /// How long after.
        plus: Duration,
    },
}

/// A moment in the course of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A machine is in a state.
    State {
        /// Which machine.
        vm: VmIndex,
        /// Which state.
        is: PassingState,
    },
    /// A recovery point of a group is being cut: its barrier is up.
    CutsPoint {
        /// Which group.
        group: GroupIndex,
        /// Which of the points that are begun after t0, 1 to 100000.
        number: u32,
    },
    /// A task of a job of a machine is in progress.
    Task {
        /// Which machine.
        vm: VmIndex,
        /// Which task.
        task: TaskWord,
    },
}

/// Which disks are slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowDevice {
    /// The disks of a machine on premises.
    Machine(VmIndex),
    /// The replica disks in Azure.
    Replica,
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
    Reprotect {
        /// Whose.
        subject: Subject,
        /// Which process server takes its data; `None` is the one at the site where it runs.
        process_server: Option<ProcessServerChoice>,
        /// On the way home, which master target receives it; `None` is the one that serves it already.
        master_target: Option<MasterTargetIndex>,
        /// Which drive of that master target, or of the configuration server's where none is named, keeps what
        /// arrives; `None` is the first that will do.
        retention_drive: Option<DriveIndex>,
        /// Where the disks of a new machine on premises lie. Says nothing on the way to Azure.
        datastore: NewDisks,
        /// To which machine on premises. Says nothing on the way to Azure.
        location: LocationWord,
    },
    /// Fail over home from Azure.
    Failback {
        /// Whom.
        subject: Subject,
        /// To which recovery point.
        to: FailbackPoint,
    },
    /// Fail over home from Azure without losing anything, or take it all back.
    PlannedFailover {
        /// Whom.
        subject: Subject,
        /// To which recovery point.
        to: FailbackPoint,
    },
    /// Compare source and replica and send what differs.
    Resync(Subject),
    /// Send what a machine writes through another process server.
    SwitchProcessServer {
        /// Whose. Never of a plan.
        subject: Subject,
        /// Through which.
        to: ProcessServerChoice,
    },
    /// End replication.
    Disable(Subject),
    /// Enable replication of a group again, after a cancel or a disable.
    Protect(GroupIndex),
    /// Make a machine from a point beside production.
    TestFailover {
        /// Whom.
        subject: Subject,
        /// From which recovery point.
        to: RecoveryPointChoice,
    },
    /// Remove what a test failover has made.
    CleanUpTest(Subject),
    /// Change what a machine is to look like in Azure.
    Configure {
        /// Whose.
        subject: Subject,
        /// What changes.
        change: Box<Settings>,
    },
    /// Try to change the failback policy.
    ChangeFailbackPolicy(Subject),
    /// Say that the manual action is done that a plan waits for.
    CompleteAction(PlanIndex),
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
    /// A link loses, overtakes or repeats messages. At least one of the shares was given.
    Impair {
        /// Which.
        link: LinkName,
        /// Share of messages lost, below one.
        loss: Ratio,
        /// Share of messages overtaken, below one.
        reorder: Ratio,
        /// Share of messages that arrive twice, below one.
        duplicate: Ratio,
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
    /// A clock jumps.
    Skew {
        /// Whose.
        who: Component,
        /// Whose agent; set if and only if `who` is the agent.
        vm: Option<VmIndex>,
        /// Forwards, or else backwards.
        ahead: bool,
        /// How far, not zero, at most an hour.
        by: Duration,
        /// When it jumps back, not zero; `None` is never.
        lasts: Option<Duration>,
    },
    /// The site on premises is lost for good.
    Destroy,
    /// An operator switches a machine on premises off.
    Stop(VmIndex),
    /// An operator switches a machine on premises on.
    Start(VmIndex),
    /// Somebody switches a machine in Azure off.
    StopInAzure(VmIndex),
    /// Somebody switches a machine in Azure on again.
    StartInAzure(VmIndex),
    /// An operator takes a snapshot of a machine on premises.
    Snapshot(VmIndex),
    /// An operator removes all snapshots of a machine on premises.
    RemoveSnapshots(VmIndex),
    /// An operator makes a disk of a machine on premises larger.
    ResizeDisk {
        /// Whose disk.
        vm: VmIndex,
        /// Which of its disks.
        disk: DiskIndex,
        /// Its size from then on, in bytes.
        size: u64,
    },
    /// An operator deletes a machine on premises with its disks.
    Delete(VmIndex),
    /// An operator moves the disks of a machine on premises (Storage vMotion).
    Move {
        /// Which machine.
        vm: VmIndex,
        /// Where to.
        datastore: DatastoreIndex,
    },
    /// An operator moves a machine on premises to another host (vMotion).
    Vmotion {
        /// Which machine.
        vm: VmIndex,
        /// Where to, counted from 0.
        host: u32,
    },
    /// An operator moves the master target.
    MoveMasterTarget {
        /// Where to.
        datastore: DatastoreIndex,
    },
    /// Somebody opens the data port of a process server with a browser.
    Probe(ProcessServerChoice),
    /// Something is the matter with a machine's system from now on, or with the servers.
    Break {
        /// Which machine; none for the servers.
        vm: Option<VmIndex>,
        /// What it is.
        what: ConditionWord,
    },
    /// It no longer is.
    Repair {
        /// Which machine; none for the servers.
        vm: Option<VmIndex>,
        /// What it was.
        what: ConditionWord,
    },
    /// The next calls to an outside service fail.
    Fail {
        /// Which call.
        call: OutsideCall,
        /// How many of them, 1 to 1000.
        times: u32,
        /// In which way.
        with: OutsideFailure,
    },
    /// The next calls to an outside service are answered late.
    Delay {
        /// Which call.
        call: OutsideCall,
        /// How much later, not zero, at most six hours.
        by: Duration,
        /// How many of them, 1 to 1000.
        times: u32,
    },
    /// A component's disk is full.
    DiskFull {
        /// Whose.
        who: DiskOwner,
        /// How long, not zero.
        lasts: Duration,
    },
    /// A disk does something wrong without saying so.
    DiskFault {
        /// Whose disk.
        vm: VmIndex,
        /// Which of its disks.
        disk: DiskIndex,
        /// Which copy of it.
        side: DiskSide,
        /// What it does.
        kind: DiskFaultKind,
    },
    /// A disk is slow.
    SlowDisk {
        /// Which.
        who: SlowDevice,
        /// How much longer each request takes, a microsecond to ten seconds.
        latency: Duration,
        /// How long, not zero.
        lasts: Duration,
    },
}

/// The word of an action, with the side it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// Something that is asked of the vault.
    Journey(JourneyWord),
    /// Something that fate, a device or an operator does.
    Fault(FaultWord),
}

impl Action {
    /// Which action it is.
    pub fn kind(&self) -> ActionKind {
        use ActionKind::{Fault, Journey};
        match self {
            Self::Failover { .. } => Journey(JourneyWord::Failover),
            Self::ChangePoint { .. } => Journey(JourneyWord::ChangePoint),
            Self::Commit(_) => Journey(JourneyWord::Commit),
            Self::Cancel(_) => Journey(JourneyWord::Cancel),
            Self::Reprotect { .. } => Journey(JourneyWord::Reprotect),
            Self::Failback { .. } => Journey(JourneyWord::Failback),
            Self::PlannedFailover { .. } => Journey(JourneyWord::PlannedFailover),
            Self::Resync(_) => Journey(JourneyWord::Resync),
            Self::SwitchProcessServer { .. } => Journey(JourneyWord::SwitchProcessServer),
            Self::Disable(_) => Journey(JourneyWord::Disable),
            Self::Protect(_) => Journey(JourneyWord::Protect),
            Self::TestFailover { .. } => Journey(JourneyWord::TestFailover),
            Self::CleanUpTest(_) => Journey(JourneyWord::CleanUpTest),
            Self::Configure { .. } => Journey(JourneyWord::Configure),
            Self::ChangeFailbackPolicy(_) => Journey(JourneyWord::ChangeFailbackPolicy),
            Self::CompleteAction(_) => Journey(JourneyWord::CompleteAction),
            Self::Cut { .. } => Fault(FaultWord::Cut),
            Self::Slow { .. } => Fault(FaultWord::Slow),
            Self::Impair { .. } => Fault(FaultWord::Impair),
            Self::Crash { .. } => Fault(FaultWord::Crash),
            Self::Skew { .. } => Fault(FaultWord::Skew),
            Self::Destroy => Fault(FaultWord::Destroy),
            Self::Stop(_) => Fault(FaultWord::Stop),
            Self::Start(_) => Fault(FaultWord::Start),
            Self::StopInAzure(_) => Fault(FaultWord::StopInAzure),
            Self::StartInAzure(_) => Fault(FaultWord::StartInAzure),
            Self::Snapshot(_) => Fault(FaultWord::Snapshot),
            Self::RemoveSnapshots(_) => Fault(FaultWord::RemoveSnapshots),
            Self::ResizeDisk { .. } => Fault(FaultWord::ResizeDisk),
            Self::Delete(_) => Fault(FaultWord::Delete),
            Self::Move { .. } => Fault(FaultWord::Move),
            Self::Vmotion { .. } => Fault(FaultWord::Vmotion),
            Self::MoveMasterTarget { .. } => Fault(FaultWord::MoveMasterTarget),
            Self::Probe(_) => Fault(FaultWord::Probe),
            Self::Break { .. } => Fault(FaultWord::Break),
            Self::Repair { .. } => Fault(FaultWord::Repair),
            Self::Fail { .. } => Fault(FaultWord::Fail),
            Self::Delay { .. } => Fault(FaultWord::Delay),
            Self::DiskFull { .. } => Fault(FaultWord::DiskFull),
            Self::DiskFault { .. } => Fault(FaultWord::DiskFault),
            Self::SlowDisk { .. } => Fault(FaultWord::SlowDisk),
        }
    }

    /// Which fault it is; `None` for what is asked of the vault.
    pub fn fault(&self) -> Option<FaultWord> {
        match self.kind() {
            ActionKind::Fault(word) => Some(word),
            ActionKind::Journey(_) => None,
        }
    }

    /// The key of the action in the language.
    pub fn word(&self) -> &'static str {
        match self.kind() {
            ActionKind::Fault(word) => word.as_str(),
            ActionKind::Journey(word) => word.as_str(),
        }
    }
}

/// What is expected of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// What a machine looks like in Azure at the end of the run.
    Recovered {
        /// Of whom.
        subject: Subject,
        /// What is expected.
        like: Box<Settings>,
    },
    /// What the vault shows of a replicated item at the end of the run.
    Shows {
        /// Of whom.
        subject: Subject,
        /// What is expected.
        what: Box<Shown>,
    },
    /// The failback policy that the vault shows at the end of the run.
    FailbackPolicy {
        /// Of whom.
        subject: Subject,
        /// Its values.
        is: ShownPolicy,
    },
    /// Which requirements of Azure the newest job of a machine named as broken.
    Requirements {
        /// Of whom.
        subject: Subject,
        /// The names of the rules, in the order in which they are told.
        broken: Vec<String>,
    },
    /// Whether somebody who connects to the machine in Azure at the end of the run gets through.
    Connects {
        /// To whom.
        subject: Subject,
        /// Where from.
        from: ConnectWord,
        /// Whether it works.
        is: bool,
    },
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
    /// How old the newest recovery point is at the end of the run.
    Lag {
        /// Of whom.
        subject: Subject,
        /// The upper bound.
        at_most: Duration,
        /// The lower bound: a slow link must show.
        at_least: Duration,
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
    /// The number of recovery points that can be chosen at the end of the run.
    PointsKept {
        /// Of whom.
        subject: Subject,
        /// Exactly so many.
        count: u64,
    },
    /// Whether machines have recovery points in common at the end of the run.
    CommonPoints {
        /// Which machines.
        subject: Subject,
        /// Whether there is one that all of them can be recovered to.
        are: SomeWord,
    },
    /// What a machine is at a site at the end of the run.
    Machine {
        /// Which.
        subject: Subject,
        /// Where.
        site: Whereabouts,
        /// What.
        is: PowerWord,
    },
    /// Which machine stands on premises at the end of the run, and where.
    Home {
        /// Whose.
        subject: Subject,
        /// Which machine.
        is: HomeWord,
        /// On which host, counted from 0.
        host: Option<u32>,
        /// Where all of its disks lie.
        datastore: Option<DatastoreIndex>,
    },
    /// How a task of a step's job ended.
    Task {
        /// Of which step.
        step: StepIndex,
        /// Which.
        task: TaskWord,
        /// How.
        is: TaskEnd,
        /// How long it took; none for any time.
        takes: Option<DurationRange>,
    },
    /// How often a script of a plan was run, and what it was told.
    Script(Box<ScriptExpectation>),
    /// A code that Site Recovery shows during the run, for one of them.
    Code {
        /// Whose.
        subject: Subject,
        /// The code: a number, or a name of letters, digits and `-`.
        is: String,
    },
    /// A code about which a mail went out during the run, for one of them.
    Alert(Subject, String),
    /// The health of the vault at the end of the run.
    Vault(VaultCounts),
    /// The worst health that a process server had during the run.
    ProcessServer {
        /// Which.
        server: ProcessServerChoice,
        /// What of it; `None` is everything.
        figure: Option<FigureWord>,
        /// How bad it was.
        worst: HealthWord,
    },
    /// The number of acknowledged writes that were lost.
    Loss {
        /// Of whom.
        subject: Subject,
        /// The upper bound.
        at_most: u64,
        /// The lower bound: a point that lies back must lose something.
        at_least: u64,
    },
}
