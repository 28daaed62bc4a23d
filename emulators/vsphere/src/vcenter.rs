//! The vCenter itself: what it knows, and looking things up in it.

use std::collections::{BTreeMap, BTreeSet};

use switchback_engine::ports::{Drive, Guest, HypervisorAnswer, HypervisorRequest};
use switchback_engine::role::{DiskRef, StorageError};
use switchback_engine::{DatastoreId, DiskId, MachineId, Site};
use switchback_sim::{Chance, Seed, SimTime};

use crate::calls::Calls;
use crate::cluster_compute_resource::ClusterComputeResource;
use crate::datacenter::Datacenter;
use crate::datastore::Datastore;
use crate::fault_rule::{FaultRule, FaultRules, RuleId};
use crate::faults::Fault;
use crate::guest_condition::{GuestCondition, Installer};
use crate::host_system::HostSystem;
use crate::machines::Machines;
use crate::moid::{ClusterMoid, DatacenterMoid, DatastoreMoid, HostMoid, TaskMoid, VmMoid};
use crate::physical_server::PhysicalServer;
use crate::request_kind::RequestKind;
use crate::task::{Task, TaskManager, TaskState};
use crate::virtual_machine::{VirtualDiskDevice, VirtualMachine};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reachability {
    /// All is well.
    Answering,
    /// vCenter does not answer; hosts and machines go on.
    VCenterLost,
    /// The whole site is gone, with everything on it.
    SiteLost,
}

/// A vCenter with its inventory.
#[derive(Debug, Clone)]
pub struct VCenter {
    seed: Seed,
    pub(crate) reachability: Reachability,
    next_moid: u32,
    datacenter: Datacenter,
    pub(crate) clusters: BTreeMap<ClusterMoid, ClusterComputeResource>,
    pub(crate) hosts: BTreeMap<HostMoid, HostSystem>,
    pub(crate) datastores: BTreeMap<DatastoreMoid, Datastore>,
    pub(crate) machines: Machines,
    pub(crate) by_machine: BTreeMap<MachineId, VmMoid>,
    /// Machines that a client took out of the inventory.
    pub(crate) unregistered: BTreeMap<VmMoid, VirtualMachine>,
    /// What machines that are gone were like, for one that is created in their place.
    pub(crate) former: BTreeMap<MachineId, VirtualMachine>,
    /// Physical servers of the site.
    pub(crate) physical: BTreeMap<MachineId, PhysicalServer>,
    /// What was said of how machines start elsewhere.
    pub(crate) guests: BTreeMap<MachineId, Guest>,
    /// What is the matter with machines, or with the servers.
    pub(crate) conditions: BTreeSet<(Option<MachineId>, GuestCondition)>,
    pub(crate) installer: Installer,
    /// Machines with an agent.
    pub(crate) agents: BTreeSet<MachineId>,
    /// Machines in whose place a call created another, with the machine they were.
    pub(crate) left: BTreeMap<VmMoid, MachineId>,
    /// Machines that a call created.
    pub(crate) created: BTreeSet<MachineId>,
    /// Machines that serve as master target; the first is the one that is used when nothing else is said.
    pub(crate) master_targets: Vec<VmMoid>,
    pub(crate) assigned: BTreeMap<MachineId, VmMoid>,
    /// Master targets that reach the service only through a proxy that asks for a password.
    pub(crate) behind_proxy: BTreeSet<VmMoid>,
    /// The drives of a master target that were described; the others have [`STANDARD_DRIVES`](crate::STANDARD_DRIVES).
    pub(crate) drives: BTreeMap<VmMoid, Vec<Drive>>,
    /// The drive that keeps what arrives for a machine, by its place, where one was named.
    pub(crate) retention_drives: BTreeMap<MachineId, u8>,
    pub(crate) tasks: TaskManager,
    pub(crate) calls: Calls<HypervisorRequest, HypervisorAnswer, Option<TaskMoid>>,
    pub(crate) rules: FaultRules,
    asked: BTreeMap<(RequestKind, MachineId), u32>,
}

impl VCenter {
    /// An empty vCenter with one datacenter. All its chance comes from `seed`: how long a request takes follows from
    /// its kind, its machine and the how-manieth of them it is, so that nothing else disturbs it.
    #[must_use]
    pub fn new(datacenter: &str, seed: Seed) -> Self {
        Self {
            seed,
            reachability: Reachability::Answering,
            next_moid: 2,
            datacenter: Datacenter { moid: DatacenterMoid(2), name: datacenter.to_owned() },
            clusters: BTreeMap::new(),
            hosts: BTreeMap::new(),
            datastores: BTreeMap::new(),
            machines: Machines::default(),
            by_machine: BTreeMap::new(),
            unregistered: BTreeMap::new(),
            former: BTreeMap::new(),
            physical: BTreeMap::new(),
            guests: BTreeMap::new(),
            conditions: BTreeSet::new(),
            installer: Installer::Ready,
            agents: BTreeSet::new(),
            left: BTreeMap::new(),
            created: BTreeSet::new(),
            master_targets: Vec::new(),
            assigned: BTreeMap::new(),
            behind_proxy: BTreeSet::new(),
            drives: BTreeMap::new(),
            retention_drives: BTreeMap::new(),
            tasks: TaskManager::default(),
            calls: Calls::none(),
            rules: FaultRules::default(),
            asked: BTreeMap::new(),
        }
    }

    /// Who answers now.
    #[must_use]
    pub const fn reachability(&self) -> Reachability {
        self.reachability
    }

    /// The datacenter.
    #[must_use]
    pub const fn datacenter(&self) -> &Datacenter {
        &self.datacenter
    }

    /// All clusters.
    pub fn clusters(&self) -> impl Iterator<Item = &ClusterComputeResource> {
        self.clusters.values()
    }

    /// All hosts.
    pub fn hosts(&self) -> impl Iterator<Item = &HostSystem> {
        self.hosts.values()
    }

    /// All datastores.
    pub fn datastores(&self) -> impl Iterator<Item = &Datastore> {
        self.datastores.values()
    }

    /// All machines, master targets among them.
    pub fn machines(&self) -> impl Iterator<Item = &VirtualMachine> {
        self.machines.values()
    }

    /// The newest tasks, oldest first.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.all()
    }

    /// The host of that id.
    #[must_use]
    pub fn host(&self, host: HostMoid) -> Option<&HostSystem> {
        self.hosts.get(&host)
    }

    /// The datastore of that id.
    #[must_use]
    pub fn datastore(&self, datastore: DatastoreMoid) -> Option<&Datastore> {
        self.datastores.get(&datastore)
    }

    /// The machine of that id.
    #[must_use]
    pub fn vm(&self, vm: VmMoid) -> Option<&VirtualMachine> {
        self.machines.get(&vm)
    }

    /// The machine of that number of the engine's.
    #[must_use]
    pub fn machine(&self, machine: MachineId) -> Option<&VirtualMachine> {
        self.machines.get(self.by_machine.get(&machine)?)
    }

    /// The machines that stay as they were because a call created another one in their place, oldest first.
    pub fn left_of(&self, machine: MachineId) -> impl Iterator<Item = &VirtualMachine> {
        let left = self.left.iter().filter(move |(_, was)| **was == machine);
        left.filter_map(|(moid, _)| self.machines.get(moid))
    }

    /// Whether a call has created the machine.
    #[must_use]
    pub fn was_created(&self, machine: MachineId) -> bool {
        self.created.contains(&machine)
    }

    /// The datastore of that number of the engine's: the how-manieth was added, from 0.
    #[must_use]
    pub fn datastore_numbered(&self, datastore: DatastoreId) -> Option<DatastoreMoid> {
        self.datastores.keys().nth(datastore.0 as usize).copied()
    }

    pub(crate) fn number_of(&self, datastore: DatastoreMoid) -> Option<DatastoreId> {
        let number = self.datastores.keys().position(|moid| *moid == datastore)?;
        u32::try_from(number).ok().map(DatastoreId)
    }

    /// A disk of a machine.
    #[must_use]
    pub fn disk(&self, disk: DiskId) -> Option<&VirtualDiskDevice> {
        self.machine(disk.machine)?.disks.get(usize::from(disk.index))
    }

    /// Whether what the engine calls `disk` can be read and written now: by the machine it belongs to, or, as
    /// [`DiskRef::Replica`], by the master target it is attached to. Whether a machine runs is another matter.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when it cannot.
    pub fn disk_access(&self, disk: DiskRef) -> Result<(), StorageError> {
        let reachable = match disk {
            DiskRef::Machine(id, Site::Primary) => self.reaches(id, false),
            DiskRef::Replica(id, Site::Primary) => self.reaches(id, true),
            DiskRef::Machine(_, Site::Recovery) | DiskRef::Replica(_, Site::Recovery) => false,
        };
        if reachable { Ok(()) } else { Err(StorageError::Gone) }
    }

    fn reaches(&self, id: DiskId, through_master_target: bool) -> bool {
        if let Some(reaches) = self.physical_reaches(id.machine) {
            return reaches && !through_master_target;
        }
        let (Some(owner), Some(disk)) = (self.machine(id.machine), self.disk(id)) else {
            return false;
        };
        let Some(holder) = self.machines.get(&disk.attached_to) else {
            return false;
        };
        (holder.moid != owner.moid) == through_master_target
            && (holder.is_on() || !through_master_target)
            && disk.available
            && self.host(holder.host).is_some_and(HostSystem::is_connected)
            && self.datastore(disk.datastore).is_some_and(|datastore| datastore.is_writable_from(holder.host))
    }

    /// Lays a fault at the door.
    pub fn add_rule(&mut self, rule: FaultRule) -> RuleId {
        self.rules.lay(rule)
    }

    /// Takes a fault away. It keeps its count.
    pub fn remove_rule(&mut self, rule: RuleId) {
        self.rules.lift(rule);
    }

    /// How often a rule has fired.
    #[must_use]
    pub fn rule_fired(&self, rule: RuleId) -> u32 {
        self.rules.fired(rule)
    }

    /// How often any rule has fired.
    #[must_use]
    pub fn rules_fired(&self) -> u32 {
        self.rules.fired_in_all()
    }

    pub(crate) fn new_moid(&mut self) -> u32 {
        self.next_moid += 1;
        self.next_moid
    }

    /// A generator for the next request of its kind about the machine.
    pub(crate) fn chance_for(&mut self, kind: RequestKind, machine: MachineId) -> Chance {
        let asked = self.asked.entry((kind, machine)).or_default();
        *asked += 1;
        self.seed.chance(&format!("vsphere {kind:?} {} #{asked}", machine.0))
    }

    /// Shows an operator's deed among the tasks.
    pub(crate) fn record(
        &mut self,
        now: SimTime,
        name: &'static str,
        entity: VmMoid,
        result: Result<(), &Fault>,
    ) {
        let task = self.tasks.queue(name, Some(entity), now, now);
        let state = match result {
            Ok(()) => TaskState::Success { completed: now },
            Err(fault) => {
                TaskState::Error { completed: now, fault: fault.name(), message: fault.to_string() }
            }
        };
        self.tasks.end(task, state);
    }
}
