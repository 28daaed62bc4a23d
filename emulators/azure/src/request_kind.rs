//! What can be asked through the port, without what it is asked for.

use switchback_engine::ports::CloudRequest;
use switchback_engine::{Content, MachineId};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// [`CloudRequest::Inspect`].
    Inspect,
    /// [`CloudRequest::CreateReplica`].
    CreateReplica,
    /// [`CloudRequest::CreateDisk`].
    CreateDisk,
    /// [`CloudRequest::CreateMachine`].
    CreateMachine,
    /// [`CloudRequest::StartMachine`].
    StartMachine,
    /// [`CloudRequest::StopMachine`].
    StopMachine,
    /// [`CloudRequest::DeleteMachine`].
    DeleteMachine,
    /// [`CloudRequest::DeleteReplica`].
    DeleteReplica,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Inspect,
        Self::CreateReplica,
        Self::CreateDisk,
        Self::CreateMachine,
        Self::StartMachine,
        Self::StopMachine,
        Self::DeleteMachine,
        Self::DeleteReplica,
    ];

    /// The kind of `request`, and the machine it is about.
    #[must_use]
    pub const fn of<C: Content>(request: &CloudRequest<C>) -> (Self, MachineId) {
        match request {
            CloudRequest::Inspect(machine) => (Self::Inspect, *machine),
            CloudRequest::CreateReplica(disk, _) => (Self::CreateReplica, disk.machine),
            CloudRequest::CreateDisk(disk, _) => (Self::CreateDisk, disk.machine),
            CloudRequest::CreateMachine(machine) => (Self::CreateMachine, *machine),
            CloudRequest::StartMachine(machine) => (Self::StartMachine, *machine),
            CloudRequest::StopMachine(machine) => (Self::StopMachine, *machine),
            CloudRequest::DeleteMachine(machine) => (Self::DeleteMachine, *machine),
            CloudRequest::DeleteReplica(disk) => (Self::DeleteReplica, disk.machine),
        }
    }
}
