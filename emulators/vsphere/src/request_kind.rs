//! What can be asked through the port, without what it is asked for.

use switchback_engine::MachineId;
use switchback_engine::ports::HypervisorRequest;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// [`HypervisorRequest::Inspect`].
    Inspect,
    /// [`HypervisorRequest::ShutDown`].
    ShutDown,
    /// [`HypervisorRequest::PowerOn`].
    PowerOn,
    /// [`HypervisorRequest::CreateMachine`].
    CreateMachine,
    /// [`HypervisorRequest::InspectMasterTarget`].
    InspectMasterTarget,
    /// [`HypervisorRequest::AssignMasterTarget`].
    AssignMasterTarget,
    /// [`HypervisorRequest::AttachDisks`].
    AttachDisks,
    /// [`HypervisorRequest::DetachDisks`].
    DetachDisks,
    /// [`HypervisorRequest::TakeSnapshot`].
    TakeSnapshot,
    /// [`HypervisorRequest::RevertSnapshot`].
    RevertSnapshot,
    /// [`HypervisorRequest::RemoveSnapshot`].
    RemoveSnapshot,
    /// [`HypervisorRequest::InstallAgent`].
    InstallAgent,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Inspect,
        Self::ShutDown,
        Self::PowerOn,
        Self::CreateMachine,
        Self::InspectMasterTarget,
        Self::AssignMasterTarget,
        Self::AttachDisks,
        Self::DetachDisks,
        Self::TakeSnapshot,
        Self::RevertSnapshot,
        Self::RemoveSnapshot,
        Self::InstallAgent,
    ];

    /// The kind of `request`, and the machine it is about.
    #[must_use]
    pub const fn of(request: &HypervisorRequest) -> (Self, MachineId) {
        match request {
            HypervisorRequest::Inspect(machine) => (Self::Inspect, *machine),
            HypervisorRequest::ShutDown(machine) => (Self::ShutDown, *machine),
            HypervisorRequest::PowerOn(machine) => (Self::PowerOn, *machine),
            HypervisorRequest::CreateMachine(machine, ..) => (Self::CreateMachine, *machine),
            HypervisorRequest::InspectMasterTarget(machine, _) => (Self::InspectMasterTarget, *machine),
            HypervisorRequest::AssignMasterTarget(machine, ..) => (Self::AssignMasterTarget, *machine),
            HypervisorRequest::AttachDisks(machine) => (Self::AttachDisks, *machine),
            HypervisorRequest::DetachDisks(machine) => (Self::DetachDisks, *machine),
            HypervisorRequest::TakeSnapshot(machine) => (Self::TakeSnapshot, *machine),
            HypervisorRequest::RevertSnapshot(machine) => (Self::RevertSnapshot, *machine),
            HypervisorRequest::RemoveSnapshot(machine) => (Self::RemoveSnapshot, *machine),
            HypervisorRequest::InstallAgent(machine) => (Self::InstallAgent, *machine),
        }
    }

    /// The method a client would have called; none for what is only looked up.
    #[must_use]
    pub const fn method(self) -> Option<&'static str> {
        match self {
            // Who serves whom is the product's own note, and the installation its process server's; no inventory changes.
            Self::Inspect | Self::InspectMasterTarget | Self::AssignMasterTarget | Self::InstallAgent => None,
            Self::ShutDown => Some("ShutdownGuest"),
            Self::PowerOn => Some("PowerOnVM_Task"),
            Self::CreateMachine => Some("CreateVM_Task"),
            Self::AttachDisks | Self::DetachDisks => Some("ReconfigVM_Task"),
            Self::TakeSnapshot => Some("CreateSnapshot_Task"),
            Self::RevertSnapshot => Some("RevertToSnapshot_Task"),
            Self::RemoveSnapshot => Some("RemoveSnapshot_Task"),
        }
    }
}
