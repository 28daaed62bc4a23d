//! The validated scenario: plain values, names resolved to indices, and the line each thing was asked for at.
//!
//! Start at [`Scenario`]. Sizes are bytes, bandwidths bits a second, rates bytes a second. Times in the timeline
//! count from t0. A value of these types was checked by the reader: indices are in range, steps refer upwards
//! only, ranges are ordered, disks fit their datastores.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::conditions::ConditionWord;
pub use crate::model::exploration::Exploration;
pub use crate::model::plans::{
    PlanAction, PlanGroup, PlanIndex, PlanScript, RecoveryPlan, ScriptExpectation,
};
pub use crate::model::points::{FailbackPoint, RecoveryPointChoice};
use crate::model::recovery::Network;
pub use crate::model::servers::{
    Drive, DriveIndex, MasterTargetIndex, NamedMasterTarget, NamedProcessServer, NewDisks,
    ProcessServerChoice, standard_drives,
};
pub use crate::model::steps::{Action, ActionKind, Expectation, Moment, SlowDevice, Step, Subject, When};
use crate::model::words::{
    AccessWord, BootDriver, Connection, ContentKind, FirmwareWord, HealGoal, Judge, MachineKind, Origin,
    OsKind, RawMapping, Repeat, StackWord, StorageKind,
};
use crate::source::SourceLine;
use crate::traces::RecordedTrace;
pub use crate::units::{DurationRange, Ratio};

pub mod conditions;
pub(crate) mod exploration;
mod places;
mod plans;
mod points;
pub mod recovery;
mod servers;
mod site_words;
pub(crate) mod steps;
pub mod words;

/// Index into [`Scenario::vms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmIndex(pub usize);

/// Index into [`Scenario::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupIndex(pub usize);

/// Index into [`Vm::disks`] of one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskIndex(pub usize);

/// Index into [`Site::datastores`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatastoreIndex(pub usize);

/// Index into [`Scenario::timeline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIndex(pub usize);

/// A whole scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The file as the caller named it.
    pub file: String,
    /// The text of the file, for storing with a failure.
    pub text: Arc<str>,
    /// The version of the language, [`Scenario::VERSION`].
    pub version: u32,
    /// Its name, kebab-case.
    pub name: String,
    /// Where all chance comes from.
    pub seed: u64,
    /// What it shows, for people.
    pub summary: String,
    /// What blocks hold.
    pub content: ContentKind,
    /// At batch level: what a churn writes in so much time comes to the agent as one write of each disk.
    pub batch_every: Option<Duration>,
    /// The site on premises.
    pub site: Site,
    /// The Azure side.
    pub region: Region,
    /// Between site and Azure.
    pub wan: Link,
    /// Inside the site.
    pub lan: Link,
    /// Inside Azure.
    pub fabric: Link,
    /// The process server.
    pub process_server: ProcessServer,
    /// The master target.
    pub master_target: MasterTarget,
    /// Further process servers on premises.
    pub process_servers: Vec<NamedProcessServer>,
    /// Further master targets.
    pub master_targets: Vec<NamedMasterTarget>,
    /// The replication policy.
    pub policy: Policy,
    /// The consistency groups, in the order of the file; at least one.
    pub groups: Vec<Group>,
    /// All machines, group by group in the order of the file; at least one.
    pub vms: Vec<Vm>,
    /// The recovery plans, in the order of the file.
    pub plans: Vec<RecoveryPlan>,
    /// What `at` counts from.
    pub t0: Origin,
    /// What happens, in the order of the file.
    pub timeline: Vec<Step>,
    /// What is expected.
    pub expect: Vec<Expect>,
    /// When set, faults stop at the end of the timeline and the run must come to rest.
    pub then_heal: Option<Heal>,
    /// How long after t0 the run goes on; `None` is until the timeline is done and all jobs are final, and
    /// [`Scenario::RUN_ON`] more.
    pub run_for: Option<Duration>,
    /// The judges that watch, without repetition; all of them if the file names none.
    pub always: Vec<Judge>,
    /// The user who carries the timeline out.
    pub operator: Operator,
}

impl Scenario {
    /// The version of the language these types are of.
    pub const VERSION: u32 = 1;

    /// How long a run without `run-for` goes on after its last job.
    pub const RUN_ON: Duration = Duration::from_mins(10);

    /// The machine of an index.
    ///
    /// # Panics
    /// When the index is of another scenario.
    pub fn vm(&self, index: VmIndex) -> &Vm {
        &self.vms[index.0]
    }

    /// The machines a step or an expectation is about, in the order of the file.
    ///
    /// # Panics
    /// When the subject is of another scenario.
    pub fn members(&self, subject: Subject) -> &[VmIndex] {
        match subject {
            Subject::Vm(vm) => std::slice::from_ref(&self.vms[vm.0].index),
            Subject::Group(group) => &self.groups[group.0].vms,
            Subject::Plan(plan) => &self.plans[plan.0].vms,
        }
    }

    /// The name of the machine, group or plan.
    ///
    /// # Panics
    /// When the subject is of another scenario.
    pub fn subject_name(&self, subject: Subject) -> &str {
        match subject {
            Subject::Vm(vm) => &self.vms[vm.0].name,
            Subject::Group(group) => &self.groups[group.0].name,
            Subject::Plan(plan) => &self.plans[plan.0].name,
        }
    }

    /// How many steps of the timeline ask the vault for something, and how many are faults.
    pub fn count_steps(&self) -> (usize, usize) {
        let faults = self.timeline.iter().filter(|step| step.action.fault().is_some()).count();
        (self.timeline.len() - faults, faults)
    }

    /// `FILE:LINE`, as reports say where something was asked for.
    pub fn asked_for_at(&self, source: SourceLine) -> String {
        format!("{}:{}", self.file, source.line)
    }
}

/// The site on premises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The name of the vCenter, which is also the name of the site.
    pub vcenter: String,
    /// The number of ESXi hosts, 1 to 64.
    pub hosts: u32,
    /// What the account may do with which Site Recovery reaches it.
    pub access: AccessWord,
    /// The memory of each host in bytes; without end if it is not said.
    pub host_memory: Option<u64>,
    /// What protects it.
    pub stack: StackWord,
    /// How it is connected to Azure.
    pub connection: Connection,
    /// The hosts that the vCenter does not manage, counted from 0, ascending.
    pub unmanaged: Vec<u32>,
    /// Those of them that Site Recovery has not discovered, ascending.
    pub undiscovered: Vec<u32>,
    /// The datastores, at least one.
    pub datastores: Vec<Datastore>,
    /// Where it was written.
    pub source: SourceLine,
}

/// A datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datastore {
    /// Its name.
    pub name: String,
    /// Its size in bytes, not zero.
    pub capacity: u64,
    /// How it is made.
    pub kind: StorageKind,
    /// The hosts that reach it, counted from 0, ascending, at least one.
    pub reach: Vec<u32>,
    /// Where it was written.
    pub source: SourceLine,
}

/// The Azure side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The name of the region.
    pub name: String,
    /// The Recovery Services vault.
    pub vault: String,
    /// The cache storage account.
    pub cache_account: String,
    /// How long an agent takes to register after the first start of its machine, up to 15 minutes.
    pub agent_registration: Duration,
    /// What the subscription allows.
    pub subscription: Subscription,
    /// Who gets a mail about what is critical; [`Region::OWNERS`] are the owners of the subscription.
    pub alerts_to: Vec<String>,
    /// Networks beside the one that is always there, with different names.
    pub networks: Vec<Network>,
}

/// What the subscription allows. Nothing is denied unless it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// How many cores may be in use; `None` without limit.
    pub cores: Option<u32>,
    /// The only sizes that machines may have; any when it is empty.
    pub sizes: Vec<String>,
    /// Whether machines may have public addresses.
    pub public_addresses: bool,
}

impl Default for Subscription {
    fn default() -> Self {
        Self { cores: None, sizes: Vec::new(), public_addresses: true }
    }
}

/// What is expected of the health of a vault; `None` is not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VaultCounts {
    /// How many machines are well.
    pub normal: Option<u64>,
    /// Of how many something is to be looked at.
    pub warning: Option<u64>,
    /// How many somebody must look at.
    pub critical: Option<u64>,
    /// How many codes stand.
    pub errors: Option<u64>,
}

impl Region {
    /// How the owners of the subscription are called among those who get mails.
    pub const OWNERS: &'static str = "owners";
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Bits a second, not zero.
    pub bandwidth: u64,
    /// One way.
    pub latency: DurationRange,
    /// Share of messages lost, below one.
    pub loss: Ratio,
    /// Share of messages overtaken, below one.
    pub reorder: Ratio,
    /// Share of messages that arrive twice, below one.
    pub duplicate: Ratio,
}

impl Link {
    /// A link to Azure when the scenario does not say: 400 Mbps, 8 to 25 ms.
    pub const WAN: Self = Self {
        bandwidth: 400_000_000,
        latency: DurationRange { min: Duration::from_millis(8), max: Duration::from_millis(25) },
        loss: Ratio::ZERO,
        reorder: Ratio::ZERO,
        duplicate: Ratio::ZERO,
    };

    /// A private line when the scenario does not say: 1 Gbps, 3 to 6 ms. Circuits come from 50 Mbps to 10 Gbps.
    pub const EXPRESS_ROUTE: Self = Self {
        bandwidth: 1_000_000_000,
        latency: DurationRange { min: Duration::from_millis(3), max: Duration::from_millis(6) },
        ..Self::WAN
    };

    /// What the line to Azure is like when the scenario says only of which kind it is.
    pub const fn of(connection: Connection) -> Self {
        match connection {
            Connection::Vpn => Self::WAN,
            Connection::ExpressRoute => Self::EXPRESS_ROUTE,
        }
    }

    /// A network of a site when the scenario does not say: 10 Gbps, 100 to 300 microseconds.
    pub const LAN: Self = Self {
        bandwidth: 10_000_000_000,
        latency: DurationRange { min: Duration::from_micros(100), max: Duration::from_micros(300) },
        loss: Ratio::ZERO,
        reorder: Ratio::ZERO,
        duplicate: Ratio::ZERO,
    };
}

/// The process server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessServer {
    /// The size of its cache in bytes.
    pub cache: u64,
    /// How long a crash keeps it down.
    pub crash_restart: Duration,
    /// What it can pack, in bytes a second; `None` is not looked at.
    pub packs: Option<u64>,
    /// Its memory in bytes; `None` is not looked at.
    pub memory: Option<u64>,
}

impl Default for ProcessServer {
    /// The documented sizing: 600 GiB of cache; half a minute to restart.
    fn default() -> Self {
        Self { cache: 600 << 30, crash_restart: Duration::from_secs(30), packs: None, memory: None }
    }
}

/// The master target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterTarget {
    /// Where its retention drive lies.
    pub datastore: DatastoreIndex,
    /// How long failback recovery points are kept.
    pub retention: Duration,
    /// Its drives, at least one.
    pub drives: Vec<Drive>,
}

impl Default for MasterTarget {
    /// On the first datastore; points are kept for 24 hours.
    fn default() -> Self {
        Self { datastore: DatastoreIndex(0), retention: Duration::from_hours(24), drives: standard_drives() }
    }
}

/// The replication policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Cadence of crash-consistent points, 1 minute to 1 hour.
    pub crash_consistent_every: Duration,
    /// Cadence of application-consistent points, 15 minutes to 12 hours and less than the retention; `None` is off.
    pub app_consistent_every: Option<Duration>,
    /// How long points are kept, 0 to 15 days; 0 keeps the newest only.
    pub retain_recovery_points_for: Duration,
    /// The lag from which on an alert is raised, not zero.
    pub rpo_alert_after: Duration,
    /// When a comparison may begin that nobody has asked for; `None` is at any time.
    pub automatic_resync: Option<DailyHours>,
}

/// Hours of every day. The first day begins with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyHours {
    /// When they begin, less than a day after the day does.
    pub begins: Duration,
    /// How long they last, a minute to a day.
    pub lasts: Duration,
}

impl Default for Policy {
    /// Every 5 minutes, every hour, for 24 hours, alert after 15 minutes.
    fn default() -> Self {
        Self {
            crash_consistent_every: Duration::from_mins(5),
            app_consistent_every: Some(Duration::from_hours(1)),
            retain_recovery_points_for: Duration::from_hours(24),
            rpo_alert_after: Duration::from_mins(15),
            automatic_resync: None,
        }
    }
}

impl Policy {
    /// The cadence of application-consistent points when a scenario does not say: the default, or none where
    /// points are not kept for as long as that.
    pub fn app_consistent_unsaid(retain_recovery_points_for: Duration) -> Option<Duration> {
        Self::default().app_consistent_every.filter(|every| *every < retain_recovery_points_for)
    }
}

/// A consistency group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, unique.
    pub name: String,
    /// Its machines, at least one.
    pub vms: Vec<VmIndex>,
    /// Where it was written.
    pub source: SourceLine,
}

/// A protected machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Vm {
    /// Its own index.
    pub index: VmIndex,
    /// Its name, unique in the scenario.
    pub name: String,
    /// The group it is in.
    pub group: GroupIndex,
    /// Virtual or physical.
    pub kind: MachineKind,
    /// Its operating system.
    pub os: OsKind,
    /// How it starts.
    pub firmware: FirmwareWord,
    /// Whether its guest lets remote logons in.
    pub remote_access: bool,
    /// How that is set up to start.
    pub boot: Boot,
    /// Whether it is made in Azure by the classic deployment model.
    pub classic_model: bool,
    /// What is the matter with its system from the beginning.
    pub guest: BTreeSet<ConditionWord>,
    /// Memory in bytes.
    pub memory: u64,
    /// The agent's capture pool in bytes: what was asked for, else a sixteenth of the memory.
    pub capture_pool: u64,
    /// What the driver may use to remember places of changes, in bytes; `None` for as much as it takes.
    pub tracking_memory: Option<u64>,
    /// Where its disks lie; for a physical machine, where they lie when it comes home.
    pub datastore: DatastoreIndex,
    /// Its disks, at least one.
    pub disks: Vec<Disk>,
    /// Its generated load.
    pub churn: Option<Churn>,
    /// Its recorded loads, at most one for a disk.
    pub traces: Vec<Trace>,
    /// Where it was written.
    pub source: SourceLine,
}

impl Vm {
    /// Memory when the scenario does not say: 4 GiB.
    pub const MEMORY: u64 = 4 << 30;

    /// The capture pool in bytes when the scenario does not say: a sixteenth of the memory.
    pub const fn capture_pool_of(memory: u64) -> u64 {
        memory / 16
    }
}

/// How a machine's system is set up to start; whether it starts in Azure depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Its DHCP service is enabled, whatever addresses it has.
    pub dhcp: bool,
    /// Drivers that it does not start with, in order.
    pub missing_drivers: BTreeSet<BootDriver>,
    /// Nothing can change from outside what it starts with, as with an encrypted system disk.
    pub locked: bool,
}

impl Boot {
    /// Ready to start in Azure.
    pub const READY: Self = Self { dhcp: true, missing_drivers: BTreeSet::new(), locked: false };
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Its name, unique in the machine.
    pub name: String,
    /// Its size in bytes: 1 MiB to 32 TiB, a multiple of 512.
    pub size: u64,
    /// Bytes that hold data at the start, at most `size`, a multiple of 512.
    pub used: u64,
    /// How it is mapped to a raw device, if it is: never that of a physical server.
    pub rdm: Option<RawMapping>,
    /// Where it was written.
    pub source: SourceLine,
}

/// A generated load of writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Churn {
    /// Bytes a second over all disks it goes to, not zero.
    pub rate: u64,
    /// Where and when writes fall.
    pub pattern: Pattern,
    /// The smallest write in bytes, a multiple of 512.
    pub block_min: u64,
    /// The largest write in bytes, a multiple of 512, not below `block_min`.
    pub block_max: u64,
    /// The disk it goes to; `None` is spread over all.
    pub disk: Option<DiskIndex>,
    /// Every write is caused by an acknowledged write of this machine. Without cycles.
    pub after: Option<VmIndex>,
    /// Where it was written.
    pub source: SourceLine,
}

impl Churn {
    /// The size of a write in bytes when the scenario does not say: 8 KiB.
    pub const BLOCK: u64 = 8 << 10;
}

/// Where and when writes fall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Anywhere on the disk.
    Uniform,
    /// One after the other, from the start again at the end.
    Sequential,
    /// Blocks by a Zipf distribution with this exponent, between 0 and 1, both excluded.
    Zipf(Ratio),
    /// Anywhere; at the plain rate, and at this one during bursts.
    Bursts {
        /// From start to start.
        every: Duration,
        /// How long, less than `every`, not zero.
        lasts: Duration,
        /// Bytes a second during a burst, not zero.
        rate: u64,
    },
}

/// A recorded load.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The file it was read from.
    pub file: PathBuf,
    /// The disk it is played on; it holds every sector of the trace.
    pub disk: DiskIndex,
    /// When the first request is issued, counted from t0.
    pub starts_at: Duration,
    /// What happens at its end.
    pub repeat: Repeat,
    /// The requests, shared: cloning a scenario does not copy them.
    pub recorded: Arc<RecordedTrace>,
    /// Where it was written.
    pub source: SourceLine,
}

/// The user who carries the timeline out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// How often a job is asked for that fails, 1 to 1000, a minute after each failure.
    pub attempts: u32,
    /// How long a step is pursued until it is given up.
    pub gives_up_after: Duration,
    /// Whether a step that the vault refuses is over with that, and no trouble.
    pub accepts_refusals: bool,
}

impl Default for Operator {
    /// Once, for a week; a refusal is trouble.
    fn default() -> Self {
        Self { attempts: 1, gives_up_after: Duration::from_hours(7 * 24), accepts_refusals: false }
    }
}

/// One expectation and where it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// What is expected.
    pub what: Expectation,
    /// Where it was written.
    pub source: SourceLine,
}

/// The end of all faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heal {
    /// How long it may take.
    pub within: Duration,
    /// What it must come to.
    pub goal: HealGoal,
    /// Where it was written.
    pub source: SourceLine,
}
