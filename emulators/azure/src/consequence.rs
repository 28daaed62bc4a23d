//! What comes back from a call, and what it changed in the world.

use std::sync::Arc;

use switchback_engine::journal::View;
use switchback_engine::ports::{CloudAnswer, Instance, PortFailure};
use switchback_engine::{Content, DiskId, MachineId};
use switchback_sim::SimTime;

/// A change in the world that whoever runs it has to carry out.
#[derive(Debug, Clone)]
pub enum Consequence<C: Content> {
    /// A blank replica disk of so many sectors exists now.
    ReplicaCreated(DiskId, u64),
    /// The replica disk has so many sectors now; the new ones hold zeroes.
    ReplicaGrew(DiskId, u64),
    /// The replica disk is gone.
    ReplicaDeleted(DiskId),
    /// A disk of so many sectors exists now that holds what the view shows over the replica disk.
    DiskCreated(Instance, DiskId, Arc<View<C>>, u64),
    /// The disk made from a recovery point is gone.
    DiskDeleted(Instance, DiskId),
    /// The machine exists now, with the disks created for it; it does not run yet.
    MachineCreated(Instance, MachineId),
    /// The machine's guest begins to boot.
    MachineStarted(Instance, MachineId),
    /// The guest is asked to shut down. [`Azure::guest_stopped`](crate::Azure::guest_stopped) says when it has.
    GuestShutDownRequested(MachineId),
    /// The recovered machine lost its power although its guest was not down: unflushed writes are in doubt.
    MachineStopped(MachineId),
    /// The machine is gone, with its network interface and addresses.
    MachineDeleted(Instance, MachineId),
}

/// A call has begun.
#[derive(Debug, Clone)]
pub struct Started<C: Content> {
    /// When to [`finish`](crate::Azure::finish) it.
    pub done_at: SimTime,
    /// What changed at once.
    pub consequences: Vec<Consequence<C>>,
}

/// What a call came to.
#[derive(Debug, Clone)]
pub struct Outcome<C: Content> {
    /// The answer to hand in. None: there is none to hand in now, because the reply was lost on its way, or because
    /// the call is not due or was answered already.
    pub result: Option<Result<CloudAnswer, PortFailure>>,
    /// What changed; also when the reply was lost.
    pub consequences: Vec<Consequence<C>>,
}
