//! What roles say to each other.
//!
//! Any message may be lost, repeated or overtaken, so every conversation is one of three shapes: a numbered
//! stream with cumulative acknowledgement (batches, frames), an order that is repeated until it is answered and
//! does nothing twice (control), or a complete status that is sent again and again (heartbeats).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::batch::{Batch, Frame, StreamKey};
use crate::conditions::{FilterLoss, PauseObstacle};
use crate::content::Content;
use crate::extent::SectorRange;
use crate::health::{Level, ProcessServerStatus, ServerFigure, Symptom};
use crate::id::{DiskId, GroupId, MachineId};
use crate::journal::View;
use crate::point::{Consistency, Marker, PointId, RecoveryPoint, WriteOrder};
use crate::policy::ReplicationPolicy;
use crate::ports::Installed;
use crate::role::Address;
use crate::time::Instant;

/// A message between roles.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Message<C: Content> {
    /// Process server to agent: every batch of the stream up to and with `upto` is durable in the cache.
    BatchStored {
        /// Which stream.
        stream: StreamKey,
        /// The highest number kept without a gap.
        upto: u64,
        /// How many payload bytes the cache can still take. The agent keeps no more than that in flight.
        credit_bytes: u64,
    },
    /// To process server, from where frames land on their way to the target: it takes none now, and what was sent of
    /// this stream is to be sent again.
    FrameRefused {
        /// Which stream.
        stream: StreamKey,
    },
    /// Target to process server: every frame of the stream up to and with `upto` is durable in the journal.
    FrameStored {
        /// Which stream.
        stream: StreamKey,
        /// The highest number kept without a gap.
        upto: u64,
    },
    /// Agent to target, relayed by the process server: what the source holds, as digests.
    Compare(Arc<Compare>),
    /// Target to agent, relayed by the process server: where the replica differs.
    Differs(Arc<Differs>),
    /// Between the agents of a group: a barrier being raised and lowered.
    Barrier(Barrier),
    /// To the agent that leads the barriers of a group: a machine that was stopped in order runs again, and a marker that
    /// all have in common would be welcome. Repeated until there is one.
    MarkerWanted {
        /// Under which generation.
        generation: u64,
    },
    /// Control to agent or target: do this. Repeated until answered; the same number is the same order.
    Order {
        /// Unique over the life of the vault.
        request: RequestId,
        /// What to do. Boxed: orders are large and rare, and every message moves often.
        order: Box<Order>,
    },
    /// Agent or target to control: the order was carried out, or why not.
    Answer {
        /// Which order.
        request: RequestId,
        /// What came of it.
        answer: Answer<C>,
    },
    /// Agent to control, every heartbeat and whenever something in it changed.
    AgentStatus(AgentStatus),
    /// Target to control, every heartbeat and whenever something in it changed.
    TargetStatus(TargetStatus),
    /// Process server to control, every heartbeat. Boxed: it is rare, and every message moves often.
    ProcessServerStatus(Box<ProcessServerStatus>),
    // What is not serialised stands last: formats that count variants would count them differently on both sides.
    /// Agent to process server: captured changes. Serialised by who carries them: the payload is most of them.
    #[serde(skip)]
    Batch(Arc<Batch<C>>),
    /// Process server to target: packed changes. Serialised by who carries them, too.
    #[serde(skip)]
    Frame(Arc<Frame<C>>),
}

impl<C: Content> Message<C> {
    /// What it weighs on the wire, in bytes. Messages without payload count as 256.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        const CONTROL_MESSAGE_BYTES: u64 = 256;
        match self {
            Self::Batch(batch) => batch.wire_bytes(),
            Self::Frame(frame) => frame.wire_bytes(),
            Self::Compare(compare) => CONTROL_MESSAGE_BYTES + 8 * compare.digests.len() as u64,
            Self::Differs(differs) => CONTROL_MESSAGE_BYTES + 16 * differs.ranges.len() as u64,
            Self::ProcessServerStatus(status) => {
                CONTROL_MESSAGE_BYTES + 8 * (status.silent_secs.len() + status.refused_secs.len()) as u64
            }
            _ => CONTROL_MESSAGE_BYTES,
        }
    }
}

/// Ties an answer to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// Digests of consecutive blocks of a source disk, read at one moment of its stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// The stream of the disk; the target drops every older stream of the disk when it sees this.
    pub stream: StreamKey,
    /// What is compared.
    pub range: SectorRange,
    /// Sectors a digest covers; the last block may be shorter.
    pub block_sectors: u32,
    /// A digest per block; 0 for a block of zeroes.
    pub digests: Vec<u64>,
}

/// The answer to [`Compare`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differs {
    /// The stream that was compared.
    pub stream: StreamKey,
    /// What was compared.
    pub range: SectorRange,
    /// The blocks that differ, sorted, neighbours joined.
    pub ranges: Vec<SectorRange>,
}

/// The barrier that gives all machines of a group one cut: raised everywhere, then markers everywhere, then
/// lowered. The agent of the first machine of the group leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barrier {
    /// Which run of replication.
    pub generation: u64,
    /// The marker in the making.
    pub marker: Marker,
    /// How far it is.
    pub step: BarrierStep,
}

/// One step of a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BarrierStep {
    /// Leader to member: hold writes.
    Raise,
    /// Member to leader: writes are held.
    Raised,
    /// Leader to member: all hold; put the marker in.
    Mark,
    /// Member to leader: the marker stands in all my streams.
    Marked,
    /// Leader to member: let writes go on.
    Lower,
    /// Either to the other: it did not work within its time; let writes go on and forget the marker.
    Abandon,
}

/// What control asks of an agent or a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Agent: replicate. An agent that replicates under an older generation drops it. Answered by `Done` when the
    /// agent has taken the order, not when the first copy is complete.
    StartReplication(Replication),
    /// Agent: stop replicating under this generation or an older one.
    StopReplication {
        /// The generation that ends.
        generation: u64,
    },
    /// Agent: compare the disks with their replicas and send what differs.
    Resync {
        /// Why.
        reason: ResyncReason,
    },
    /// Agent: send to this process server from now on. Answered by `Done` when the agent has written that down, and by
    /// `Unknown` when it does not replicate under this generation.
    UseProcessServer {
        /// Which generation.
        generation: u64,
        /// The process server.
        process_server: Address,
    },
    /// Target: make the replica disks of the machine as large as that, where they are smaller. Answered by `Done`.
    GrowReplicas {
        /// Whose.
        machine: MachineId,
        /// How large its disks have become, in sectors, by index.
        disk_sectors: Vec<u64>,
    },
    /// Target: keep a journal for the group. Under a newer generation the journal of the older one is dropped;
    /// the replica disks keep what they hold.
    OpenJournal(JournalSpec),
    /// Target: take nothing more from the machine, and choose the point to recover: answered by `Chosen` or
    /// `NoSuchPoint`. For machines of one group the same selector gives the same point.
    Finish {
        /// Which group.
        group: GroupId,
        /// Which generation.
        generation: u64,
        /// The machine that stops replicating.
        machine: MachineId,
        /// Which point is wanted.
        selector: Selector,
    },
    /// Target: choose a point for a machine that goes on replicating, and keep it for as long as it is pinned:
    /// answered by `Chosen` or `NoSuchPoint`. A pin by a higher number replaces the one before.
    PinPoint {
        /// Which group.
        group: GroupId,
        /// Which generation.
        generation: u64,
        /// Whose point.
        machine: MachineId,
        /// Which point is wanted.
        selector: Selector,
        /// Counted by control; the same number is the same pin.
        by: u64,
        /// Machines of a group whose pins have the same number here get the same point: a multi-VM point was asked
        /// for (site-recovery 2.4). `None` for a choice of its own.
        with: Option<u64>,
    },
    /// Target: the point need not be kept any longer for the pin of this number or a lower one. Answered by `Done`.
    UnpinPoint {
        /// Which group.
        group: GroupId,
        /// Which generation.
        generation: u64,
        /// Whose point.
        machine: MachineId,
        /// Which pin.
        by: u64,
    },
    /// Target: hand out the disks of a machine at a point; answered by `Views`.
    OpenPoint {
        /// Which group.
        group: GroupId,
        /// Whose disks.
        machine: MachineId,
        /// The point.
        point: PointId,
    },
    /// Target: make the machine's replica disks equal to the point and durable; answered by `Done`. Points after it
    /// are dropped for the machine.
    Promote {
        /// Which group.
        group: GroupId,
        /// Whose disks.
        machine: MachineId,
        /// The point.
        point: PointId,
    },
    /// Target: the journal of this generation or an older one is no longer wanted. With `fold`, the replica disks
    /// are first brought to that point.
    CloseJournal {
        /// Which group.
        group: GroupId,
        /// Which generation.
        generation: u64,
        /// The point to leave on the replica disks.
        fold: Option<PointId>,
    },
}

/// Which recovery point is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Selector {
    /// Process everything that has been received first and make a point of it; with nothing pending, the newest.
    Latest,
    /// The newest point there is.
    LatestProcessed,
    /// The newest application-consistent point there is.
    LatestApplication,
    /// The newest crash-consistent point there is, be there newer application-consistent ones.
    LatestCrash,
    /// That one.
    Exactly(PointId),
    /// A point of everything that was received, of machines that were shut down in order. None when a change lies
    /// behind the newest point that can be made.
    Drained,
}

/// What an agent must know to replicate its machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replication {
    /// Counted by control; grows with every enable and reprotect.
    pub generation: u64,
    /// The group.
    pub group: GroupId,
    /// The machines of the group in a fixed order; the first leads barriers.
    pub members: Vec<MachineId>,
    /// Where batches go.
    pub process_server: Address,
    /// Size of each disk in sectors, by index.
    pub disk_sectors: Vec<u64>,
    /// Cadence of points.
    pub policy: ReplicationPolicy,
    /// How the replica gets its first content.
    pub first: FirstCopy,
}

/// How a replica gets its first content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirstCopy {
    /// The replica is blank: everything that is not zero is sent.
    Full,
    /// The replica holds an old state: digests are compared and only what differs is sent.
    Compare,
}

/// Why a resync is needed. The words are the field's; a service's own codes are its emulator's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResyncReason {
    /// The machine or the agent went down without saying so; what was pending is unknown.
    UncleanShutdown,
    /// A user asked for it.
    Manual,
    /// The original disks are still there after a reprotect.
    Reprotect,
    /// The target lost track of the stream.
    TargetError,
    /// The agent lost track of changes for want of memory.
    LowMemory,
    /// The driver did not follow the disks until the machine was started again.
    NotFollowed,
    /// A disk has grown (site-recovery 1.8).
    DiskGrew,
}

impl ResyncReason {
    /// Whether nobody has asked for it: it comes by itself, and may wait for its hours.
    #[must_use]
    pub const fn is_automatic(self) -> bool {
        !matches!(self, Self::Manual | Self::Reprotect)
    }

    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::UncleanShutdown,
        Self::Manual,
        Self::Reprotect,
        Self::TargetError,
        Self::LowMemory,
        Self::NotFollowed,
        Self::DiskGrew,
    ];
}

/// What a target must know to keep a journal for a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalSpec {
    /// The group.
    pub group: GroupId,
    /// Counted by control.
    pub generation: u64,
    /// The machines and the sizes of their disks in sectors.
    pub machines: Vec<(MachineId, Vec<u64>)>,
    /// How long points are kept.
    pub policy: ReplicationPolicy,
}

impl JournalSpec {
    /// The disks of its machines, in order.
    pub fn disks(&self) -> impl Iterator<Item = DiskId> {
        self.machines.iter().flat_map(|(machine, disks)| {
            let machine = *machine;
            (0..disks.len()).map(move |index| DiskId { machine, index: index as u8 })
        })
    }
}

/// What came of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Answer<C: Content> {
    /// It is done, now or before.
    Done,
    /// `Finish`, `PinPoint`: this point will be recovered.
    Chosen(RecoveryPoint),
    /// `Finish`, `PinPoint`, `OpenPoint`, `Promote`: there is no such point.
    NoSuchPoint,
    /// The order names a group or generation that is not known here.
    Unknown,
    /// `OpenPoint`: the disks at the point, by index.
    Views(Vec<Arc<View<C>>>),
}

/// What an agent is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Whose agent.
    pub machine: MachineId,
    /// Under which generation it replicates; 0 for none.
    pub generation: u64,
    /// Its life within the generation.
    pub session: u32,
    /// How large its disks are, in sectors, by index.
    pub disk_sectors: Vec<u64>,
    /// State of the write order, the worst of all disks.
    pub order: WriteOrder,
    /// Why a resync is running or waiting, and since when.
    pub resync: Option<(ResyncReason, Instant)>,
    /// The resync waits for the hours in which it may begin.
    pub resync_waits: bool,
    /// Sectors that a first copy or resync still has to look at.
    pub sectors_to_copy: u64,
    /// Payload bytes captured and not yet committed.
    pub pending_bytes: u64,
    /// Markers in a row that could not be put into all streams.
    pub failed_markers: u32,
    /// It changes more than can be sent.
    pub churns_too_much: bool,
    /// For how many seconds the process server has not answered, although something waits for it; 0 when nothing does.
    pub unanswered_secs: u32,
}

/// What a target holds for a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Which group.
    pub group: GroupId,
    /// Which generation.
    pub generation: u64,
    /// All recovery points, oldest first.
    pub points: Arc<[RecoveryPoint]>,
    /// Machines whose last marker (the source was shut down in order) has become a point.
    pub shut_down: Vec<MachineId>,
    /// Machines of which a replica disk is in doubt, in order, each with the session in which it came to that. A
    /// comparison of a later session ends it.
    pub doubtful: Vec<(MachineId, u32)>,
}

/// Something worth a line in a timeline. Judges never read these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observation {
    /// A disk's capture or write-order state changed.
    WriteOrderChanged {
        /// Which disk.
        disk: DiskId,
        /// To what.
        to: WriteOrder,
    },
    /// A resync began.
    ResyncStarted {
        /// Which machine.
        machine: MachineId,
        /// Why.
        reason: ResyncReason,
    },
    /// A first copy or resync is complete.
    CopyCompleted {
        /// Which machine.
        machine: MachineId,
    },
    /// A marker could not be put into all streams.
    MarkerAbandoned {
        /// Which.
        point: PointId,
    },
    /// A recovery point exists from now on.
    PointCreated {
        /// Which group.
        group: GroupId,
        /// The point.
        point: RecoveryPoint,
    },
    /// Recovery points were given up by retention.
    PointsPruned {
        /// Which group.
        group: GroupId,
        /// How many.
        count: u32,
    },
    /// A cache ran out of room and takes nothing more for now.
    Throttled {
        /// Who.
        by: Address,
    },
    /// A cache has room again.
    TakesAgain {
        /// Who.
        by: Address,
    },
    /// A figure of a process server came to another level.
    Server {
        /// The number of the server.
        number: u16,
        /// Which figure.
        figure: ServerFigure,
        /// The level.
        level: Level,
    },
    /// A job was created or changed its state.
    Job {
        /// The job.
        job: crate::control::JobId,
        /// What it is about.
        kind: crate::control::JobKind,
        /// Whose.
        machine: MachineId,
        /// Its state.
        state: crate::control::JobState,
    },
    /// A task of a job changed its state.
    Task {
        /// The job.
        job: crate::control::JobId,
        /// The task.
        task: crate::control::TaskKind,
        /// Its state.
        state: crate::control::TaskState,
    },
    /// The test failover of a protected item changed its state.
    Test {
        /// Whose item.
        machine: MachineId,
        /// To what.
        to: crate::control::TestState,
    },
    /// A protected item changed its state.
    Item {
        /// Whose item.
        machine: MachineId,
        /// To what.
        to: crate::control::ItemState,
    },
    /// The lag of a machine passed its policy's alert, or came back under it.
    RpoAlert {
        /// Whose.
        machine: MachineId,
        /// Whether it is over the threshold.
        over: bool,
    },
    /// A symptom of a machine was raised or lowered.
    Symptom {
        /// Whose.
        machine: MachineId,
        /// Which.
        symptom: Symptom,
        /// Whether it is there.
        is_there: bool,
    },
    /// The job of a recovery plan began, came to another place, or ended.
    Plan {
        /// The job.
        job: crate::control::JobId,
        /// The plan.
        plan: crate::control::PlanId,
        /// What it is about.
        kind: crate::control::JobKind,
        /// How far it is.
        place: crate::control::PlanPlace,
        /// Its state.
        state: crate::control::JobState,
    },
    /// A consistency of a point that was asked for could not be given and the cause.
    QuiesceFailed {
        /// Whose applications.
        machine: MachineId,
        /// What was wanted.
        wanted: Consistency,
        /// Why they did not pause.
        why: PauseObstacle,
    },
    /// Applications paused that had not, or nobody knows whether they had.
    Quiesced {
        /// Whose.
        machine: MachineId,
    },
    /// The driver of a machine does not follow its disks until it restarts.
    FilterLost {
        /// Whose.
        machine: MachineId,
        /// Why.
        why: FilterLoss,
    },
    /// An agent was installed, or brought up to date.
    AgentInstalled {
        /// In which machine.
        machine: MachineId,
        /// What has come of it.
        installed: Installed,
    },
}
