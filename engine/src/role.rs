//! The contract between a role and whoever drives it.
//!
//! 1. Hand the role one [`Input`] through [`Role::handle`], with the time at which it happens.
//! 2. Carry out everything in the [`Outbox`], in order. Completions come back as later inputs.
//! 3. Ask [`Role::deadline`]; when that instant comes, hand in [`Input::Wake`]. There is one live timer: a new
//!    answer replaces the old one.
//!
//! A role may be dropped between any two inputs. It is then rebuilt from what its durable store had kept
//! (records up to a completed sync, and possibly some of those after it). Nothing else survives.
//!
//! Messages may be lost, delayed, repeated and overtaken. Reads and writes complete once, in any order, unless
//! the role died meanwhile.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::conditions::{FilterLoss, PauseObstacle};
use crate::content::Content;
use crate::control::{Command, Refused};
use crate::extent::{Change, SectorRange};
use crate::id::{DiskId, MachineId, Site};
use crate::message::Message;
use crate::ports::{CloudAnswer, CloudRequest, HypervisorAnswer, HypervisorRequest, PortFailure};
use crate::time::Instant;

/// A state machine that never blocks and never asks what time it is.
pub trait Role: Clone {
    /// What its disks hold.
    type Content: Content;
    /// What its durable store keeps.
    type Record: Clone;

    /// Takes one input at `now` and puts everything it wants done into `out`.
    fn handle(
        &mut self,
        now: Instant,
        input: Input<Self::Content>,
        out: &mut Outbox<Self::Content, Self::Record>,
    );

    /// When it wants to be woken; `None` for never.
    fn deadline(&self) -> Option<Instant>;
}

/// Where a role is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Address {
    /// The one control role.
    Control,
    /// The agent of a machine that runs at a site.
    Agent(MachineId, Site),
    /// A process server, by number.
    ProcessServer(u16),
    /// The target at a site: replica disks away, the master target at home.
    Target(Site),
}

/// A disk that a role reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DiskRef {
    /// The disk of the machine as it runs at a site.
    Machine(DiskId, Site),
    /// The disk that a site's target keeps up to date: a replica disk away, the machine's own disk, attached to
    /// the master target, at home.
    Replica(DiskId, Site),
}

/// Ties a completion to what was asked. Chosen by the role, unique within one life of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Token(pub u64);

/// Ties the answer of a site to the call. Chosen by control and kept across restarts, so that asking again with
/// the same number is the same call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// Ties the answer to a user's command. Chosen by the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(pub u64);

/// Why a disk or the durable store did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum StorageError {
    /// There is no room.
    #[error("no space left")]
    Full,
    /// The device does not answer, or the disk is not there, or does not reach as far.
    #[error("the device is gone")]
    Gone,
    /// It answered with an error.
    #[error("input/output error")]
    Failed,
}

/// Something that happens to a role.
#[derive(Debug, Clone)]
pub enum Input<C: Content> {
    /// The deadline came.
    Wake,
    /// A message arrived.
    Message {
        /// Who sent it.
        from: Address,
        /// What it says.
        message: Message<C>,
    },
    /// Agent: a write of the machine completed on disk number `disk`.
    Written {
        /// The disk's place in the machine.
        disk: u8,
        /// What was written.
        change: Change<C>,
    },
    /// Agent: new writes of the machine are now held, as asked by [`Effect::HoldWrites`].
    WritesHeld,
    /// Agent: the applications have flushed and paused, or cannot.
    Quiesced(Result<(), PauseObstacle>),
    /// Agent: the driver no longer follows the disks. What is written is not told any more, until the machine restarts.
    FilterLost(FilterLoss),
    /// Agent: a disk of the machine is larger than it was made. Told when it grows, and whenever the machine starts.
    DiskGrew {
        /// The disk's place in the machine.
        disk: u8,
        /// Its size now, in sectors.
        sectors: u64,
    },
    /// Agent: the machine is being shut down in order; no application writes any more. The agent answers with
    /// [`Effect::ReadyToStop`].
    ShuttingDown,
    /// A read came back: the runs that are not zero, sorted by place.
    DiskRead {
        /// Which read.
        token: Token,
        /// What was there.
        result: Result<Vec<Change<C>>, StorageError>,
    },
    /// Writes of [`Effect::WriteDisk`] are durable.
    DiskWritten {
        /// Which write.
        token: Token,
        /// Whether they are.
        result: Result<(), StorageError>,
    },
    /// Everything appended before that [`Effect::Sync`] is durable, or could not be made so.
    Synced {
        /// Which sync.
        token: Token,
        /// Whether it is. After an error the records since the last good sync are gone from the store.
        result: Result<(), StorageError>,
    },
    /// Control: the hypervisor answered a call.
    Hypervisor {
        /// Which call.
        call: CallId,
        /// The answer.
        result: Result<HypervisorAnswer, PortFailure>,
    },
    /// Control: the cloud answered a call.
    Cloud {
        /// Which call.
        call: CallId,
        /// The answer.
        result: Result<CloudAnswer, PortFailure>,
    },
    /// Control: a user asks for something.
    Command {
        /// Which request.
        id: CommandId,
        /// What is asked for.
        command: Command,
    },
}

/// Something a role wants done.
#[derive(Debug, Clone)]
pub enum Effect<C: Content, R> {
    /// Send a message. It may never arrive.
    Send {
        /// To whom.
        to: Address,
        /// What to say.
        message: Message<C>,
    },
    /// Read a range; answered by [`Input::DiskRead`].
    ReadDisk {
        /// Which disk.
        disk: DiskRef,
        /// Where.
        range: SectorRange,
        /// To tie the answer.
        token: Token,
    },
    /// Write sorted changes and flush; answered by [`Input::DiskWritten`] once they are durable.
    WriteDisk {
        /// Which disk.
        disk: DiskRef,
        /// What.
        changes: Arc<[Change<C>]>,
        /// To tie the answer.
        token: Token,
    },
    /// Target: make a replica disk as large as that, in sectors, unless it is. Whether it worked is seen when it is read.
    GrowReplica {
        /// Which.
        disk: DiskId,
        /// How large.
        sectors: u64,
    },
    /// Agent: hold new writes of all protected disks; answered by [`Input::WritesHeld`].
    HoldWrites,
    /// Agent: let writes go on.
    ReleaseWrites,
    /// Agent: ask the applications to flush and pause; answered by [`Input::Quiesced`].
    Quiesce,
    /// Agent: the applications may go on.
    Unquiesce,
    /// Agent: nothing is left to save; the machine may stop.
    ReadyToStop,
    /// Append a record to the durable store, weighing so many bytes.
    Append(R, u64),
    /// Replace everything in the durable store by these records at once; like an append, it counts once synced.
    Compact(Vec<(R, u64)>),
    /// Make everything appended so far durable; answered by [`Input::Synced`].
    Sync(Token),
    /// Control: ask the hypervisor.
    Hypervisor {
        /// To tie the answer; the same call may be made again with the same number.
        call: CallId,
        /// What.
        request: HypervisorRequest,
    },
    /// Control: ask the cloud.
    Cloud {
        /// To tie the answer; the same call may be made again with the same number.
        call: CallId,
        /// What.
        request: CloudRequest<C>,
    },
    /// Control: what became of a command: the job that carries it out, or why it was refused.
    Reply {
        /// Which command.
        id: CommandId,
        /// The job's number, or the reason.
        result: Result<crate::control::JobId, Refused>,
    },
    /// Something happened that people want to see in a timeline.
    Observe(crate::message::Observation),
}

/// Something a role wants of its durable store.
#[derive(Debug, Clone)]
pub enum StoreEffect<R> {
    /// [`Effect::Append`].
    Append(R, u64),
    /// [`Effect::Compact`].
    Compact(Vec<(R, u64)>),
    /// [`Effect::Sync`].
    Sync(Token),
}

impl<C: Content, R> Effect<C, R> {
    /// Parts what is for the role's own store, whose records are its own type, from what is for the world.
    ///
    /// # Errors
    /// The store's part, which is no error at all: `Result` is only the shape of "one or the other".
    pub fn for_world(self) -> Result<Effect<C, core::convert::Infallible>, StoreEffect<R>> {
        Ok(match self {
            Self::Append(record, bytes) => return Err(StoreEffect::Append(record, bytes)),
            Self::Compact(records) => return Err(StoreEffect::Compact(records)),
            Self::Sync(token) => return Err(StoreEffect::Sync(token)),
            Self::Send { to, message } => Effect::Send { to, message },
            Self::ReadDisk { disk, range, token } => Effect::ReadDisk { disk, range, token },
            Self::WriteDisk { disk, changes, token } => Effect::WriteDisk { disk, changes, token },
            Self::GrowReplica { disk, sectors } => Effect::GrowReplica { disk, sectors },
            Self::HoldWrites => Effect::HoldWrites,
            Self::ReleaseWrites => Effect::ReleaseWrites,
            Self::Quiesce => Effect::Quiesce,
            Self::Unquiesce => Effect::Unquiesce,
            Self::ReadyToStop => Effect::ReadyToStop,
            Self::Hypervisor { call, request } => Effect::Hypervisor { call, request },
            Self::Cloud { call, request } => Effect::Cloud { call, request },
            Self::Reply { id, result } => Effect::Reply { id, result },
            Self::Observe(observation) => Effect::Observe(observation),
        })
    }
}

/// Collects what a role wants done, in order.
#[derive(Debug, Clone)]
pub struct Outbox<C: Content, R> {
    effects: Vec<Effect<C, R>>,
}

impl<C: Content, R> Default for Outbox<C, R> {
    fn default() -> Self {
        Self { effects: Vec::new() }
    }
}

impl<C: Content, R> Outbox<C, R> {
    /// Wants one thing done.
    pub fn push(&mut self, effect: Effect<C, R>) {
        self.effects.push(effect);
    }

    /// Sends a message.
    pub fn send(&mut self, to: Address, message: Message<C>) {
        self.push(Effect::Send { to, message });
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// Takes everything, in order, and keeps the room for more.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Effect<C, R>> {
        self.effects.drain(..)
    }
}
