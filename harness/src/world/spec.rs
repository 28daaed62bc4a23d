//! What a world is made of, in plain values: the scenario with all its names resolved.

use core::time::Duration;
use std::collections::BTreeSet;

use switchback_azure::ScriptBehaviour;
use switchback_engine::agent::config::HEARTBEAT_EVERY;
use switchback_engine::control::{PlanId, Stack};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::ports::Drive;
use switchback_engine::script::ScriptStep;
use switchback_engine::{GroupId, MachineId, Site};
use switchback_scenarios::model::Subscription;
use switchback_scenarios::model::recovery::Network;
use switchback_sim::{LinkSpec, Seed};
pub use switchback_vsphere::{DatastoreKind, RawMapping, STANDARD_DRIVES};

use super::Ailment;
use crate::workload::WorkloadSpec;

/// How often agents close their batches when they do not fill up, where every write is an event.
pub const DRAIN_EVERY: Duration = Duration::from_secs(1);

/// How often figures that change with time are looked at, where every write is an event.
const SAMPLE_EVERY: Duration = Duration::from_secs(60);

/// At batch level agents close their batches so much before the next ones come: those of all disks together, and none
/// that a marker has closed already.
const DRAIN_BEFORE: Duration = Duration::from_secs(1);

/// The longest heartbeat of a world, as recorded: those of the product's components are between half a minute and four
/// and a half minutes old.
const HEARTBEAT_MAX: Duration = Duration::from_mins(4);

/// Everything about a world before its first moment.
#[derive(Debug, Clone)]
pub struct WorldSpec {
    /// Where all chance comes from.
    pub seed: Seed,
    /// The machines; a machine's number is its place here.
    pub machines: Vec<MachineSpec>,
    /// The groups.
    pub groups: Vec<GroupSpec>,
    /// Inside the primary site.
    pub lan: LinkSpec,
    /// Inside the cloud.
    pub fabric: LinkSpec,
    /// Between the sites, each way.
    pub wan: LinkSpec,
    /// Cache of the process server on premises and of the one in the cloud, in bytes.
    pub cache_bytes: u64,
    /// What these two can pack, in bytes a second; `None` is not looked at.
    pub packs_bytes_per_sec: Option<u64>,
    /// Their memory, in bytes; `None` is not looked at.
    pub server_memory_bytes: Option<u64>,
    /// Caches of further process servers on premises, in bytes.
    pub further_caches: Vec<u64>,
    /// The primary site.
    pub site: SiteSpec,
    /// The cloud.
    pub cloud: CloudSpec,
    /// The service times of disks that machines run on.
    pub machine_disk: DiskTiming,
    /// The service times of replica disks, caches and logs.
    pub backend_disk: DiskTiming,
    /// How often agents close their batches when they do not fill up.
    pub drain_every: Duration,
}

/// The primary site.
#[derive(Debug, Clone)]
pub struct SiteSpec {
    /// What protects it.
    pub stack: Stack,
    /// The vCenter's name.
    pub vcenter: String,
    /// How many hosts it has.
    pub hosts: u32,
    /// Whether the account that the vault reaches it with may only look.
    pub read_only: bool,
    /// The memory of each, in bytes; `None` is without end.
    pub host_memory_bytes: Option<u64>,
    /// The hosts that the vCenter does not manage, by place.
    pub unmanaged: Vec<u32>,
    /// Those of them that were not discovered, by place.
    pub undiscovered: Vec<u32>,
    /// Its datastores.
    pub datastores: Vec<DatastoreSpec>,
    /// Which datastore the master target lies on, by place.
    pub master_target_datastore: usize,
    /// The drives of that master target.
    pub master_target_drives: Vec<Drive>,
    /// Further master targets.
    pub master_targets: Vec<MasterTargetSpec>,
}

/// A further master target.
#[derive(Debug, Clone)]
pub struct MasterTargetSpec {
    /// Its name.
    pub name: String,
    /// Which datastore it lies on, by place.
    pub datastore: usize,
    /// Whether it runs Windows; Linux otherwise.
    pub windows: bool,
    /// Whether it reaches the cloud only through a proxy that asks for a password.
    pub authenticating_proxy: bool,
    /// Its drives, in the order in which they are offered.
    pub drives: Vec<Drive>,
}

/// A datastore.
#[derive(Debug, Clone)]
pub struct DatastoreSpec {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub capacity_bytes: u64,
    /// How it is made.
    pub kind: DatastoreKind,
    /// The hosts that reach it, by place.
    pub reach: Vec<u32>,
}

/// The cloud.
#[derive(Debug, Clone)]
pub struct CloudSpec {
    /// The region's name.
    pub region: String,
    /// The vault's name.
    pub vault: String,
    /// The cache account's name.
    pub cache_account: String,
    /// How long an agent takes to register after the first start of its machine.
    pub agent_registration: Duration,
    /// What the subscription allows.
    pub subscription: Subscription,
    /// Networks beside the usual one.
    pub networks: Vec<Network>,
    /// What the scripts of recovery plans do; one that is not here ends well at once.
    pub scripts: Vec<(PlanId, ScriptStep, ScriptBehaviour)>,
}

/// Service times of a kind of disk.
#[derive(Debug, Clone)]
pub struct DiskTiming {
    /// Of a read or write, beside the transfer.
    pub latency: core::ops::RangeInclusive<Duration>,
    /// Of a flush.
    pub flush: core::ops::RangeInclusive<Duration>,
    /// Transfer rate.
    pub bytes_per_sec: u64,
    /// Requests served at once.
    pub parallelism: u32,
}

/// A machine.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// Its name.
    pub name: String,
    /// Whether it runs Windows; Linux otherwise.
    pub windows: bool,
    /// Whether it starts through UEFI; by BIOS otherwise.
    pub uefi: bool,
    /// Whether its guest lets remote logons in.
    pub remote_access: bool,
    /// What of it decides how it starts in the cloud.
    pub boot: BootSpec,
    /// Whether it is made in the cloud by the classic deployment model.
    pub classic_model: bool,
    /// What is the matter with its system from the beginning.
    pub ailments: Vec<Ailment>,
    /// Its memory in bytes.
    pub memory_bytes: u64,
    /// The agent's pool in bytes.
    pub pool_bytes: u64,
    /// What its driver may use to remember places of changes, in bytes; `None` for as much as it takes.
    pub tracking_bytes: Option<u64>,
    /// The datastore its disks lie on, by place.
    pub datastore: usize,
    /// Its disks.
    pub disks: Vec<DiskSpec>,
    /// What it writes.
    pub workloads: Vec<WorkloadSpec>,
}

/// What of a machine, besides its system, decides how it starts in the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootSpec {
    /// It is a physical server.
    pub physical: bool,
    /// Its DHCP service is enabled.
    pub dhcp: bool,
    /// It starts with every driver that it needs there.
    pub drivers: bool,
    /// Nothing can change from outside what it starts with.
    pub locked: bool,
}

impl BootSpec {
    /// A virtual machine that needs nothing.
    pub const READY: Self = Self { physical: false, dhcp: true, drivers: true, locked: false };
}

/// A disk.
#[derive(Debug, Clone)]
pub struct DiskSpec {
    /// Its name.
    pub name: String,
    /// Its size in sectors.
    pub sectors: u64,
    /// How many sectors from its beginning hold something at first.
    pub used_sectors: u64,
    /// How it is mapped to a raw device, if it is.
    pub raw: Option<RawMapping>,
}

/// A group.
#[derive(Debug, Clone)]
pub struct GroupSpec {
    /// Its number.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Its machines, by place.
    pub machines: Vec<usize>,
    /// How it is replicated.
    pub policy: ReplicationPolicy,
}

impl WorldSpec {
    /// Where a process server stands: number 1 in the cloud for the way home, unless an appliance does
    /// without it (site-recovery 1.3); all others on premises.
    #[must_use]
    pub const fn process_server_site(&self, number: u16) -> Site {
        let has_appliance = matches!(self.site.stack, Stack::Modernised);
        if number == 1 && !has_appliance { Site::Recovery } else { Site::Primary }
    }

    /// The same world at batch level: what a synthetic workload writes in so much time comes to the agent as one write
    /// of each disk. Everything that happens by itself all the time happens as rarely. Workloads whose moments matter
    /// (bursts, those that write because another one wrote, and those) write as before.
    #[must_use]
    pub fn at_batch_level(mut self, every: Duration) -> Self {
        let workloads = || self.machines.iter().flat_map(|machine| &machine.workloads);
        let causes: BTreeSet<MachineId> = workloads().filter_map(WorkloadSpec::follows).collect();
        for (number, machine) in (0..).zip(&mut self.machines) {
            let is_cause = causes.contains(&MachineId(number));
            let synthetic = machine.workloads.iter_mut().filter_map(WorkloadSpec::as_synthetic_mut);
            for synthetic in synthetic.filter(|synthetic| !is_cause && synthetic.can_come_in_batches()) {
                synthetic.batch_every = Some(every);
            }
        }
        self.drain_every = every.saturating_sub(DRAIN_BEFORE).max(DRAIN_EVERY);
        self
    }

    /// How often control hears from agents and targets that have nothing new to say: no more often than batches are
    /// closed.
    pub(super) fn heartbeat_every(&self) -> Duration {
        self.drain_every.clamp(HEARTBEAT_EVERY, HEARTBEAT_MAX)
    }

    /// How often figures that change with time are looked at: no more often than there is something new.
    pub(crate) fn sample_every(&self) -> Duration {
        self.drain_every.max(SAMPLE_EVERY)
    }

    /// The caches of all process servers, by number.
    pub(crate) fn caches(&self) -> impl Iterator<Item = u64> {
        [self.cache_bytes; 2].into_iter().chain(self.further_caches.iter().copied())
    }

    /// What a link is like by itself.
    pub(super) const fn link(&self, name: super::LinkName) -> &LinkSpec {
        match name {
            super::LinkName::Lan => &self.lan,
            super::LinkName::Fabric => &self.fabric,
            super::LinkName::WanUp | super::LinkName::WanDown => &self.wan,
        }
    }

    /// The group of a machine, by the machine's place.
    #[must_use]
    pub fn group_of(&self, machine: usize) -> Option<&GroupSpec> {
        // Machines are usually numbered group by group, and of an estate's groups one is asked for all the time.
        let after = self.groups.partition_point(|group| group.machines.first() <= Some(&machine));
        let likely = after.checked_sub(1).and_then(|place| self.groups.get(place));
        let has_it = |group: &&GroupSpec| group.machines.contains(&machine);
        likely.filter(has_it).or_else(|| self.groups.iter().find(has_it))
    }

    /// The group with a number, or that has the part with this number.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<&GroupSpec> {
        let id = id.whole();
        let likely = self.groups.get(id.0 as usize).filter(|group| group.id == id);
        likely.or_else(|| self.groups.iter().find(|group| group.id == id))
    }
}

impl DiskTiming {
    /// The same with every request taking so much longer.
    #[must_use]
    pub fn slower_by(&self, by: Duration) -> Self {
        let later = |range: &core::ops::RangeInclusive<Duration>| *range.start() + by..=*range.end() + by;
        Self { latency: later(&self.latency), flush: later(&self.flush), ..self.clone() }
    }

    /// What an all-flash array gives: 0.2 to 0.6 ms, 1 GiB/s, 32 at once.
    #[must_use]
    pub fn flash() -> Self {
        Self {
            latency: Duration::from_micros(200)..=Duration::from_micros(600),
            flush: Duration::from_micros(50)..=Duration::from_micros(150),
            bytes_per_sec: 1 << 30,
            parallelism: 32,
        }
    }
}
