//! What comes back from a call, and what it changed in the world.

use switchback_engine::ports::{HypervisorAnswer, PortFailure};
use switchback_engine::{DiskId, MachineId};
use switchback_sim::SimTime;

/// A change in the world that whoever runs it has to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// The machine's guest begins to boot.
    MachineStarted(MachineId),
    /// The machine lost its power without having been asked: its guest is gone, unflushed writes are in doubt.
    MachineStopped(MachineId),
    /// The guest is asked to shut down. [`VCenter::guest_stopped`](crate::VCenter::guest_stopped) says when it has.
    GuestShutDownRequested(MachineId),
    /// A machine with blank disks exists now.
    MachineCreated {
        /// Which.
        machine: MachineId,
        /// The sizes of its disks, in sectors.
        disk_sectors: Vec<u64>,
    },
    /// The machine and its disks are gone.
    MachineRemoved(MachineId),
    /// The machine's disks are the master target's to read and write.
    DisksAttached(MachineId),
    /// The machine's disks are its own again.
    DisksDetached(MachineId),
    /// The machine's disks, attached to a master target, can no longer be reached.
    DisksUnavailable(MachineId),
    /// A disk of the machine has that many sectors now; the new ones hold zeroes.
    DiskGrew {
        /// Which.
        disk: DiskId,
        /// How many.
        sectors: u64,
    },
    /// What the machine's disks hold now is to be kept.
    SnapshotTaken(MachineId),
    /// The machine's disks hold again what was kept of them.
    SnapshotReverted(MachineId),
    /// The machine's snapshots were merged into its disks; what the disks hold does not change.
    SnapshotsMerged {
        /// Whose.
        machine: MachineId,
        /// How many.
        count: u32,
    },
}

/// A call has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// When to [`finish`](crate::VCenter::finish) it.
    pub done_at: SimTime,
    /// What changed at once.
    pub consequences: Vec<Consequence>,
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The answer to hand in. None: there is none to hand in now, because the reply was lost on its way, or because
    /// the call is not due or was answered already.
    pub result: Option<Result<HypervisorAnswer, PortFailure>>,
    /// What changed; also when the reply was lost.
    pub consequences: Vec<Consequence>,
}

impl Outcome {
    pub(crate) const NOTHING: Self = Self { result: None, consequences: Vec::new() };
}
