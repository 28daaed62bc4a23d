//! What the engine asks of the two sites, and what they answer.
//!
//! Requests name machines and disks by the engine's ids; an emulator (or a live driver) knows which resource that
//! is. Every request may be made again with the same [`crate::role::CallId`], also after its work was done and the
//! reply was lost: it must then answer as the first time and do nothing twice.

use core::time::Duration;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::conditions::{self, InstallObstacle};
use crate::content::Content;
use crate::id::{DatastoreId, DiskId, MachineId, MasterTargetId};
use crate::journal::View;
use crate::recovery::{MachineProfile, RecoverySettings, Violation, listed};
use crate::script::ScriptRun;

/// Asked of the hypervisor of the primary site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HypervisorRequest {
    /// What is known of a machine? Answered by `Machine`.
    Inspect(MachineId),
    /// Shut the guest down in order. Fails when the guest does not co-operate.
    ShutDown(MachineId),
    /// Power on.
    PowerOn(MachineId),
    /// Create a machine with blank disks of these sizes in sectors, on the master target's host, in the datastore
    /// that is named or else in the master target's. Answered by `Done`. Where the machine is on another host
    /// already, that one stays as it is and is no longer the machine from now on; one on the same host is an error
    /// (`AlreadyExists`; site-recovery 3.8, 78052).
    CreateMachine(MachineId, Vec<u64>, Option<DatastoreId>),
    /// What is known of a master target that is to receive the machine's data? Answered by `MasterTarget`.
    InspectMasterTarget(MachineId, MasterTargetId),
    /// From now on the machine's disks are attached to this master target, and what arrives for it is kept on this of
    /// its drives.
    AssignMasterTarget(MachineId, MasterTargetId, u8),
    /// Attach the machine's disks to the master target, readable and writable.
    AttachDisks(MachineId),
    /// Give the disks back to the machine.
    DetachDisks(MachineId),
    /// Keep what the machine's disks hold now, so that it can be brought back. One that is kept already is kept on.
    TakeSnapshot(MachineId),
    /// Stop the machine at once if it runs, bring its disks back to the snapshot that was taken, and give that up. With
    /// no snapshot it is only stopped.
    RevertSnapshot(MachineId),
    /// Give up the snapshot that was taken; the disks hold what they hold. Nothing there is `Done`.
    RemoveSnapshot(MachineId),
    /// Have the process server install the agent in the machine, or bring the one that is there up to date. Answered by
    /// `Installed`, or refused with what stands in the way ([`PortFailure::NotInstallable`]); then the machine is as it was.
    InstallAgent(MachineId),
}

/// What the hypervisor answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HypervisorAnswer {
    /// It is done.
    Done,
    /// What is known of the machine.
    Machine(Inspection),
    /// What is known of the master target.
    MasterTarget(MasterTargetFound),
    /// The agent is installed.
    Installed(Installed),
}

/// What an installation has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// There was an agent before.
    pub updated: bool,
    /// The machine has to restart for its new driver. The one before does until then.
    pub restart_needed: bool,
}

/// What a site knows of a master target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterTargetFound {
    /// Whether it runs.
    pub running: bool,
    /// Whether it has registered with the service.
    pub registered: bool,
    /// Whether its operating system is of the same family as the machine's. True where there is no such machine.
    pub same_family: bool,
    /// Its drives, in the order in which they are offered.
    pub drives: Vec<Drive>,
}

/// A drive of a master target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drive {
    /// How much fits, in bytes.
    pub capacity_bytes: u64,
    /// What else is on it.
    pub holds: DriveUse,
    /// Whether its file system is FAT or FAT32.
    pub is_fat: bool,
    /// Whether it is locked.
    pub is_locked: bool,
}

/// What a drive is in use for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DriveUse {
    /// Nothing: it is free to keep what arrives.
    Nothing,
    /// The operating system, or the installation of the product.
    System,
    /// The paging file.
    Paging,
    /// The cache of the process server.
    Cache,
}

/// What a site knows of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// Whether it is there at all.
    pub exists: bool,
    /// Whether it runs.
    pub running: bool,
    /// How many snapshots it has.
    pub snapshots: u32,
    /// Whether the master target's host reaches the datastore of its disks. True where there is none.
    pub datastore_in_reach: bool,
    /// Whether its disks are attached to a master target. Never in the cloud.
    pub disks_attached: bool,
    /// What it is like. None where there is none, or the site does not say: a cloud never does.
    pub profile: Option<MachineProfile>,
    /// Where it is at home. In the cloud it says nothing.
    pub place: Place,
    /// What decides how it starts elsewhere. In the cloud nobody asks: [`Guest::READY`].
    pub guest: Guest,
    /// Whether its agent has registered since it was made in the cloud, which takes a while (site-recovery 3.8). At home,
    /// and where there is no machine, it has.
    pub agent_registered: bool,
    /// The datastores that the master target's host reads and writes, in the order in which they are offered. None in the
    /// cloud.
    pub datastores: Vec<DatastoreFound>,
}

/// A datastore that a new machine could be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreFound {
    /// Which.
    pub id: DatastoreId,
    /// How it is made.
    pub kind: DatastoreKind,
}

/// How a datastore is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DatastoreKind {
    /// A volume of the hypervisor's own file system, VMFS.
    #[default]
    Vmfs,
    /// Disks of the hosts together, vSAN.
    Vsan,
    /// An export of a file server, NFS.
    Nfs,
}

/// What of a machine decides whether it starts at the other site as it is, and comes home as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// It is a physical server: no hypervisor can shut it down, and it comes home as a new virtual machine.
    pub physical: bool,
    /// It runs Linux.
    pub linux: bool,
    /// It asks for its address when it starts, whatever addresses it has now.
    pub dhcp: bool,
    /// It starts with every driver that the other site's virtual hardware needs.
    pub boot_drivers: bool,
    /// It has disks that are mapped to raw devices. They come home to the machine that is there, and to no new one.
    pub raw_disks: bool,
}

impl Default for Guest {
    fn default() -> Self {
        Self::READY
    }
}

impl Guest {
    /// A virtual machine that starts anywhere as it is.
    pub const READY: Self =
        Self { physical: false, linux: false, dhcp: true, boot_drivers: true, raw_disks: false };

    /// Whether its disks have to be prepared before it starts away (site-recovery 3.5).
    #[must_use]
    pub const fn needs_preparing(self) -> bool {
        self.physical || self.linux || !self.dhcp || !self.boot_drivers
    }
}

/// Where a machine is at home, beside the master target that would serve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Whether its host is managed by a manager of hosts, such as vCenter.
    pub managed: bool,
    /// Whether it is on the master target's host.
    pub with_master_target: bool,
    /// Where its disks lie; `None` where there is no machine.
    pub datastore: Option<DatastoreId>,
    /// Whether the master target's host is known: managed, or discovered by itself.
    pub master_target_known: bool,
    /// Whether the account that the site is reached with may change what is there, or only look.
    pub may_change: bool,
    /// Whether the machine is on the list of what can be protected. Of several with one identifier only the first is.
    pub listed: bool,
    /// Whether its disks can be told from those of the master target: both were not made from one template.
    pub disks_told_apart: bool,
}

impl Place {
    /// Nowhere in particular, with nothing in the way.
    pub const NOWHERE: Self = Self {
        managed: true,
        with_master_target: false,
        datastore: None,
        master_target_known: true,
        may_change: true,
        listed: true,
        disks_told_apart: true,
    };
}

impl Default for Place {
    fn default() -> Self {
        Self::NOWHERE
    }
}

/// Which of the machines that the cloud may make of a protected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Instance {
    /// The one it fails over to.
    Recovered,
    /// One for a test failover, apart from production; the protected machine goes on.
    Test,
}

impl Inspection {
    /// There is no such machine.
    pub const ABSENT: Self = Self {
        exists: false,
        running: false,
        snapshots: 0,
        datastore_in_reach: true,
        disks_attached: false,
        guest: Guest::READY,
        profile: None,
        place: Place::NOWHERE,
        agent_registered: true,
        datastores: Vec::new(),
    };
}

/// Asked of the cloud of the recovery site.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum CloudRequest<C: Content> {
    /// What is known of the machine's instance?
    Inspect(Instance, MachineId),
    /// Could the machine run there, with these settings or else with those that the cloud chooses? Answered by `Suits`
    /// with the settings, or refused with every rule that is broken ([`PortFailure::Unsuitable`]). Changes nothing.
    Examine(MachineId, Box<MachineProfile>, Option<Box<RecoverySettings>>),
    /// Create a blank replica disk of so many sectors. One that exists already keeps what it holds, grows if it is
    /// smaller, and the answer is `Existed`.
    CreateReplica(DiskId, u64),
    /// Create a disk of so many sectors for the instance from a recovery point of its replica disk. Behind what the
    /// replica has it holds zeroes.
    CreateDisk(Instance, DiskId, Arc<View<C>>, u64),
    /// Create the instance, by the settings or else as the cloud chooses, with its network and address, from the disks
    /// that were created for it.
    CreateMachine(Instance, MachineId, Option<Box<RecoverySettings>>),
    /// Prepare the disks of the instance, which does not run, so that its system starts there.
    PrepareBoot(Instance, MachineId),
    /// Start the instance.
    StartMachine(Instance, MachineId),
    /// Shut the recovered machine down in order and release it.
    StopMachine(MachineId),
    /// Delete the instance, its network interface and address, and the disks created for it. Nothing there is `Done`.
    DeleteMachine(Instance, MachineId),
    /// Delete a replica disk. Nothing there is `Done`.
    DeleteReplica(DiskId),
    /// Run a script of a recovery plan to its end ([`PortFailure::ScriptFailed`]). The same number is the same run.
    RunScript(Box<ScriptRun>),
}

/// What the cloud answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloudAnswer {
    /// It is done.
    Done,
    /// `CreateReplica`: it was there already, with content.
    Existed,
    /// What is known of the machine.
    Machine(Inspection),
    /// `Examine`: it could run there, with these settings.
    Suits(Box<RecoverySettings>),
}

/// Why a site did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum PortFailure {
    /// There is no such machine or disk.
    #[error("not found")]
    NotFound,
    /// There is one already.
    #[error("already exists")]
    AlreadyExists,
    /// It does not go in the state the machine is in: running where it must be stopped, or the other way round.
    #[error("not possible in this state: {0}")]
    WrongState(String),
    /// The guest did not shut down.
    #[error("the guest did not shut down")]
    GuestUnresponsive,
    /// Too many requests; ask again after that time.
    #[error("throttled, retry after {retry_after:?}")]
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The service or the whole site does not answer; asking again may help.
    #[error("unavailable")]
    Unavailable,
    /// A quota or a capacity is used up.
    #[error("out of capacity: {0}")]
    OutOfCapacity(String),
    /// A rule that the owner has made forbids it.
    #[error("a policy forbids it: {0}")]
    Disallowed(String),
    /// Its availability set holds machines of another family of sizes.
    #[error("sizes that do not go together: {0}")]
    MixedSizes(String),
    /// The master target's host does not reach the datastore.
    #[error("the datastore is out of reach of the master target's host")]
    DatastoreOutOfReach,
    /// Its disks cannot be prepared, so its system would not start.
    #[error("the machine cannot be prepared to start")]
    BootNotPrepared,
    /// The network that the machine is to be in is not there, and the way in which it would be made knows no other.
    #[error("the network of the machine is missing")]
    NetworkMissing,
    /// A machine of a test failover has the address.
    #[error("the address belongs to a machine of a test failover")]
    AddressOfTest,
    /// A script of a recovery plan ended with that exit code.
    #[error("the script ended with exit code {0}")]
    ScriptFailed(u8),
    /// Snapshots stand in the way.
    #[error("the machine has {0} snapshots")]
    SnapshotsPresent(u32),
    /// The machine, or what it is to become, breaks these rules of the cloud: all of them, by name.
    #[error("the machine does not meet the requirements of the cloud: {}", listed(.0))]
    Unsuitable(Vec<Violation>),
    /// No agent can be installed in the machine: this stands in the way.
    #[error("the agent cannot be installed: {}", conditions::listed(.0))]
    NotInstallable(Vec<InstallObstacle>),
    /// The account that the site is reached with may look at it and not change it.
    #[error("the account may not change anything there")]
    NotPermitted,
}

impl PortFailure {
    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable)
    }
}
