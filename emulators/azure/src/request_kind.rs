//! What can be asked through the port, without what it is asked for.

use switchback_engine::ports::{CloudRequest, Instance};
use switchback_engine::{Content, MachineId};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// [`CloudRequest::Inspect`].
    Inspect,
    /// [`CloudRequest::Examine`].
    Examine,
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
    /// [`CloudRequest::CreateDisk`] for a test failover.
    CreateTestDisk,
    /// [`CloudRequest::CreateMachine`] for a test failover.
    CreateTestMachine,
    /// [`CloudRequest::StartMachine`] for a test failover.
    StartTestMachine,
    /// [`CloudRequest::DeleteMachine`] after a test failover.
    DeleteTestMachine,
    /// [`CloudRequest::PrepareBoot`].
    PrepareBoot,
    /// [`CloudRequest::RunScript`].
    RunScript,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::Inspect,
        Self::Examine,
        Self::CreateReplica,
        Self::CreateDisk,
        Self::CreateMachine,
        Self::StartMachine,
        Self::StopMachine,
        Self::DeleteMachine,
        Self::DeleteReplica,
        Self::CreateTestDisk,
        Self::CreateTestMachine,
        Self::StartTestMachine,
        Self::DeleteTestMachine,
        Self::PrepareBoot,
        Self::RunScript,
    ];

    /// The kind of `request`, and the machine it is about; of a script the first that it is told of.
    #[must_use]
    pub fn of<C: Content>(request: &CloudRequest<C>) -> (Self, MachineId) {
        use Instance::{Recovered, Test};
        match request {
            CloudRequest::Inspect(_, machine) => (Self::Inspect, *machine),
            CloudRequest::Examine(machine, ..) => (Self::Examine, *machine),
            CloudRequest::CreateReplica(disk, _) => (Self::CreateReplica, disk.machine),
            CloudRequest::CreateDisk(Recovered, disk, ..) => (Self::CreateDisk, disk.machine),
            CloudRequest::CreateDisk(Test, disk, ..) => (Self::CreateTestDisk, disk.machine),
            CloudRequest::CreateMachine(Recovered, machine, _) => (Self::CreateMachine, *machine),
            CloudRequest::CreateMachine(Test, machine, _) => (Self::CreateTestMachine, *machine),
            CloudRequest::PrepareBoot(_, machine) => (Self::PrepareBoot, *machine),
            CloudRequest::StartMachine(Recovered, machine) => (Self::StartMachine, *machine),
            CloudRequest::StartMachine(Test, machine) => (Self::StartTestMachine, *machine),
            CloudRequest::StopMachine(machine) => (Self::StopMachine, *machine),
            CloudRequest::DeleteMachine(Recovered, machine) => (Self::DeleteMachine, *machine),
            CloudRequest::DeleteMachine(Test, machine) => (Self::DeleteTestMachine, *machine),
            CloudRequest::DeleteReplica(disk) => (Self::DeleteReplica, disk.machine),
            CloudRequest::RunScript(run) => {
                (Self::RunScript, run.machines.first().map_or(MachineId(0), |told| told.machine))
            }
        }
    }
}
