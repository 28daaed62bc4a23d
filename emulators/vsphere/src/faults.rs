//! Faults by the names vSphere gives them, and what the engine is told instead.

use switchback_engine::conditions::InstallObstacle;
use switchback_engine::ports::PortFailure;
use thiserror::Error;

/// Why vCenter refused or failed. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// There is no such object.
    #[error("the object has been deleted or never was")]
    ManagedObjectNotFound,
    /// There is a machine, host or datastore of that name.
    #[error("the name {0} already exists")]
    DuplicateName(String),
    /// There is one already.
    #[error("the object already exists")]
    AlreadyExists,
    /// It does not go in this power state.
    #[error("the attempted operation cannot be performed in the current state (powered {})", if *on { "on" } else { "off" })]
    InvalidPowerState {
        /// The state it is in.
        on: bool,
    },
    /// Nobody in the guest hears the wish to shut down.
    #[error("VMware Tools is not running in this virtual machine")]
    ToolsUnavailable,
    /// The guest heard it and did not come down in time.
    #[error("the guest did not shut down in time")]
    Timedout,
    /// The datastore is full.
    #[error("{wanted_bytes} bytes wanted on {datastore}, {free_bytes} free")]
    NoDiskSpace {
        /// Its name.
        datastore: String,
        /// What is left, in bytes.
        free_bytes: u64,
        /// What was wanted, in bytes.
        wanted_bytes: u64,
    },
    /// The host has no memory left for the machine.
    #[error("{wanted_mib} MiB of memory wanted, {free_mib} free")]
    InsufficientMemoryResources {
        /// What is left, in MiB.
        free_mib: u64,
        /// What was wanted, in MiB.
        wanted_mib: u64,
    },
    /// A disk is attached elsewhere.
    #[error("a disk is in use by {0}")]
    FileLocked(String),
    /// The disks are not where they were attached.
    #[error("the disks of {0} are not available")]
    FileNotFound(String),
    /// The object is in use.
    #[error("the resource {0} is in use")]
    ResourceInUse(String),
    /// Snapshots stand in the way.
    #[error("the machine has {0} snapshots")]
    SnapshotFault(u32),
    /// No more disks can be attached.
    #[error("{attached} disks are attached and {more} more wanted, at most {max} are possible")]
    TooManyDevices {
        /// How many there are.
        attached: usize,
        /// How many more were wanted.
        more: usize,
        /// How many there can be.
        max: usize,
    },
    /// The host does not reach the datastore to read and write.
    #[error("datastore {0} cannot be written from the host")]
    DatastoreNotWritableOnHost(String),
    /// The host is down.
    #[error("the host is not connected")]
    HostNotConnected,
    /// There is no master target.
    #[error("there is no running master target")]
    NoMasterTarget,
    /// The machine takes no agent.
    #[error("{}", PortFailure::NotInstallable(.0.clone()))]
    AgentNotInstalled(Vec<InstallObstacle>),
    /// The account may look and not change.
    #[error("permission to perform this operation was denied")]
    NoPermission,
    /// A disk of the machine is mapped to a raw device in a way that no snapshot can be taken of.
    #[error("a disk of {0} is mapped to a raw device in physical compatibility")]
    SnapshotIncompatibleDeviceInVm(String),
    /// A disk would not become larger.
    #[error("a disk of {sectors} sectors cannot be given {wanted}")]
    InvalidDeviceSpec {
        /// What it has.
        sectors: u64,
        /// What it should have.
        wanted: u64,
    },
    /// It does not go as things stand: the host is in maintenance, or the machine is a template.
    #[error("{0} is not in a state in which that can be done")]
    InvalidState(String),
    /// vCenter or the whole site does not answer.
    #[error("vCenter does not answer")]
    HostCommunication,
}

impl Fault {
    /// The name of the vSphere type that a client would see.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ManagedObjectNotFound => "ManagedObjectNotFound",
            Self::DuplicateName(_) => "DuplicateName",
            Self::AlreadyExists => "AlreadyExists",
            Self::InvalidPowerState { .. } => "InvalidPowerState",
            Self::ToolsUnavailable => "ToolsUnavailable",
            Self::Timedout => "Timedout",
            Self::NoDiskSpace { .. } => "NoDiskSpace",
            Self::InsufficientMemoryResources { .. } => "InsufficientMemoryResourcesFault",
            Self::FileLocked(_) => "FileLocked",
            Self::FileNotFound(_) => "FileNotFound",
            Self::ResourceInUse(_) => "ResourceInUse",
            Self::SnapshotFault(_) => "SnapshotFault",
            Self::TooManyDevices { .. } => "TooManyDevices",
            Self::DatastoreNotWritableOnHost(_) => "DatastoreNotWritableOnHost",
            Self::HostNotConnected => "HostNotConnected",
            Self::NoMasterTarget => "InvalidState",
            Self::AgentNotInstalled(_) => "GuestOperationsFault",
            Self::NoPermission => "NoPermission",
            Self::SnapshotIncompatibleDeviceInVm(_) => "SnapshotIncompatibleDeviceInVm",
            Self::InvalidDeviceSpec { .. } => "InvalidDeviceSpec",
            Self::InvalidState(_) => "InvalidState",
            Self::HostCommunication => "HostCommunication",
        }
    }
}

/// What the engine is told.
impl From<&Fault> for PortFailure {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::ManagedObjectNotFound => Self::NotFound,
            Fault::DuplicateName(_) | Fault::AlreadyExists => Self::AlreadyExists,
            Fault::InvalidPowerState { .. }
            | Fault::FileLocked(_)
            | Fault::FileNotFound(_)
            | Fault::ResourceInUse(_)
            | Fault::InvalidDeviceSpec { .. }
            | Fault::SnapshotIncompatibleDeviceInVm(_)
            | Fault::InvalidState(_)
            | Fault::NoMasterTarget => Self::WrongState(fault.to_string()),
            Fault::ToolsUnavailable | Fault::Timedout => Self::GuestUnresponsive,
            Fault::NoDiskSpace { .. }
            | Fault::InsufficientMemoryResources { .. }
            | Fault::TooManyDevices { .. } => Self::OutOfCapacity(fault.to_string()),
            Fault::SnapshotFault(count) => Self::SnapshotsPresent(*count),
            Fault::DatastoreNotWritableOnHost(_) => Self::DatastoreOutOfReach,
            Fault::AgentNotInstalled(why) => Self::NotInstallable(why.clone()),
            Fault::NoPermission => Self::NotPermitted,
            Fault::HostNotConnected | Fault::HostCommunication => Self::Unavailable,
        }
    }
}

/// The fault a client would see for a failure of the port.
#[must_use]
pub const fn fault_name(failure: &PortFailure) -> &'static str {
    match failure {
        PortFailure::NotFound => "ManagedObjectNotFound",
        PortFailure::AlreadyExists => "AlreadyExists",
        PortFailure::WrongState(_) => "InvalidState",
        PortFailure::GuestUnresponsive => "ToolsUnavailable",
        PortFailure::Throttled { .. } => "LimitExceeded",
        PortFailure::Unavailable => "HostCommunication",
        PortFailure::OutOfCapacity(_) => "InsufficientResourcesFault",
        PortFailure::DatastoreOutOfReach => "DatastoreNotWritableOnHost",
        PortFailure::SnapshotsPresent(_) => "SnapshotFault",
        PortFailure::NotInstallable(_) => "GuestOperationsFault",
        PortFailure::NotPermitted => "NoPermission",
        // Asked of the other site only.
        PortFailure::BootNotPrepared
        | PortFailure::AddressOfTest
        | PortFailure::Disallowed(_)
        | PortFailure::MixedSizes(_)
        | PortFailure::ScriptFailed(_)
        | PortFailure::NetworkMissing
        | PortFailure::Unsuitable(_) => "NotSupported",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_fault_tells_the_engine_something_and_keeps_its_name() {
        let table = [
            (Fault::ManagedObjectNotFound, PortFailure::NotFound, "ManagedObjectNotFound"),
            (Fault::DuplicateName("web".to_owned()), PortFailure::AlreadyExists, "DuplicateName"),
            (Fault::ToolsUnavailable, PortFailure::GuestUnresponsive, "ToolsUnavailable"),
            (Fault::Timedout, PortFailure::GuestUnresponsive, "Timedout"),
            (Fault::SnapshotFault(2), PortFailure::SnapshotsPresent(2), "SnapshotFault"),
            (
                Fault::DatastoreNotWritableOnHost("ds0".to_owned()),
                PortFailure::DatastoreOutOfReach,
                "DatastoreNotWritableOnHost",
            ),
            (Fault::HostNotConnected, PortFailure::Unavailable, "HostNotConnected"),
            (
                Fault::InvalidPowerState { on: true },
                PortFailure::WrongState(Fault::InvalidPowerState { on: true }.to_string()),
                "InvalidPowerState",
            ),
        ];
        for (fault, failure, name) in table {
            assert_eq!((PortFailure::from(&fault), fault.name()), (failure, name));
        }
    }

    #[test]
    fn every_failure_has_a_fault() {
        let failures = [
            PortFailure::NotFound,
            PortFailure::AlreadyExists,
            PortFailure::WrongState(String::new()),
            PortFailure::GuestUnresponsive,
            PortFailure::Throttled { retry_after: Duration::ZERO },
            PortFailure::Unavailable,
            PortFailure::OutOfCapacity(String::new()),
            PortFailure::DatastoreOutOfReach,
            PortFailure::SnapshotsPresent(1),
            PortFailure::BootNotPrepared,
            PortFailure::NotInstallable(Vec::new()),
            PortFailure::NotPermitted,
        ];
        let mut names: Vec<_> = failures.iter().map(fault_name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), failures.len());
    }
}
