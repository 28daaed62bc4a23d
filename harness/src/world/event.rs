//! What can happen next. Events are kept small: the queue moves them, and there are many.

use switchback_engine::control::Command;
use switchback_engine::role::{Address, CallId, CommandId, Input, Token};
use switchback_engine::{MachineId, Message, Site};
use switchback_sim::SyncMark;

use super::faults::FaultId;
use super::network::LinkName;
use super::storage::PhysicalDisk;
use crate::content::Simulated;

/// Something that is due at an instant.
#[derive(Debug, Clone)]
pub enum Event<C: Simulated> {
    /// A workload of a machine wants to write.
    Tick {
        /// Which machine.
        machine: MachineId,
        /// Which of its workloads.
        workload: u16,
        /// In which life of the machine.
        life: u32,
        /// Where it runs.
        site: Site,
    },
    /// A write reached the disk of a machine.
    WriteDone(WriteDone),
    /// A role wants to be woken about now.
    RoleDue(Address),
    /// A message arrives over a link about now.
    LinkDue(LinkName),
    /// A sync of a durable store ended.
    Synced(Synced),
    /// A role gets an input, if it is still alive in that life.
    Input {
        /// Which role.
        to: Address,
        /// In which of its lives.
        life: u32,
        /// What.
        input: Box<Input<C>>,
    },
    /// Writes to a replica disk are durable.
    DiskFlushed {
        /// Who wrote.
        to: Address,
        /// In which life.
        life: u32,
        /// Which disk.
        disk: PhysicalDisk,
        /// Which write.
        token: Token,
    },
    /// A user's command reaches the vault.
    Command(Box<(CommandId, Command)>),
    /// A call to the hypervisor is done about now.
    HypervisorDone(CallId),
    /// A call to the cloud is done about now.
    CloudDone(CallId),
    /// A role that is down starts again.
    Restart(Address),
    /// A fault ends.
    FaultEnds(FaultId),
    /// The judges look at figures that change with time.
    Sample,
}

/// A write that reached the disk of a machine.
#[derive(Debug, Clone, Copy)]
pub struct WriteDone {
    pub(super) machine: MachineId,
    pub(super) life: u32,
    pub(super) number: u32,
    pub(super) site: Site,
}

/// A sync of a durable store that ended.
#[derive(Debug, Clone, Copy)]
pub struct Synced {
    pub(super) address: Address,
    pub(super) life: u32,
    pub(super) token: Token,
    /// `None` when there was no room for what was to be synced.
    pub(super) mark: Option<SyncMark>,
}

/// What kind of input it is, in a word, for people who look for the place of a crash.
pub(super) const fn kind_of<C: Simulated>(input: &Input<C>) -> &'static str {
    match input {
        Input::Wake => "wake",
        Input::Message { message, .. } => kind_of_message(message),
        Input::Written { .. } => "written",
        Input::WritesHeld => "writes held",
        Input::Quiesced(_) => "quiesced",
        Input::FilterLost(_) => "filter lost",
        Input::DiskGrew { .. } => "disk grew",
        Input::ShuttingDown => "shutting down",
        Input::DiskRead { .. } => "disk read",
        Input::DiskWritten { .. } => "disk written",
        Input::Synced { .. } => "synced",
        Input::Hypervisor { .. } => "hypervisor",
        Input::Cloud { .. } => "cloud",
        Input::Command { .. } => "command",
    }
}

pub(super) const fn kind_of_message<C: Simulated>(message: &Message<C>) -> &'static str {
    match message {
        Message::Batch(_) => "batch",
        Message::BatchStored { .. } => "batch stored",
        Message::Frame(_) => "frame",
        Message::FrameRefused { .. } => "frame refused",
        Message::FrameStored { .. } => "frame stored",
        Message::Compare(_) => "compare",
        Message::Differs(_) => "differs",
        Message::Barrier(_) => "barrier",
        Message::MarkerWanted { .. } => "marker wanted",
        Message::Order { .. } => "order",
        Message::Answer { .. } => "answer",
        Message::AgentStatus(_) => "agent status",
        Message::TargetStatus(_) => "target status",
        Message::ProcessServerStatus(_) => "process server status",
    }
}
