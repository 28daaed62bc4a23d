//! Azure itself: what it knows, and looking things up in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use switchback_engine::control::PlanId;
use switchback_engine::ports::{CloudAnswer, CloudRequest, Instance};
use switchback_engine::role::{DiskRef, StorageError};
use switchback_engine::script::ScriptStep;
use switchback_engine::{Content, DiskId, MachineId, Site};
use switchback_sim::{Chance, Seed};

use crate::calls::Calls;
use crate::fault_rule::{FaultRule, FaultRules, RuleId};
use crate::managed_disk::{DiskRole, ManagedDisk};
use crate::policy::Policy;
use crate::quota::Quota;
use crate::request_kind::RequestKind;
use crate::script::{ScriptBehaviour, ScriptRan};
use crate::storage_account::StorageAccount;
use crate::virtual_machine::{MachineTarget, ProvisioningState, VirtualMachine};
use crate::virtual_network::VirtualNetwork;

/// The names under which everything is filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The subscription's GUID.
    pub subscription: String,
    /// The resource group of the vault and of what is recovered.
    pub resource_group: String,
    /// The Recovery Services vault.
    pub vault: String,
    /// The region.
    pub region: String,
    /// The cache storage account.
    pub cache_account: String,
    /// The network recovered machines are put into when nobody has chosen another.
    pub network: String,
}

/// A subscription with its resources.
#[derive(Debug, Clone)]
pub struct Azure<C: Content> {
    names: Names,
    seed: Seed,
    pub(crate) available: bool,
    pub(crate) quota: Quota,
    pub(crate) policy: Policy,
    pub(crate) networks: BTreeMap<String, VirtualNetwork>,
    pub(crate) cache: StorageAccount,
    pub(crate) targets: BTreeMap<MachineId, MachineTarget>,
    /// Machines whose disks nobody can prepare.
    pub(crate) boot_locked: BTreeSet<MachineId>,
    /// Machines that are made by the classic deployment model.
    pub(crate) classic: BTreeSet<MachineId>,
    /// How long an agent takes to register after the first start of its machine.
    pub(crate) agent_registration: Duration,
    pub(crate) disks: BTreeMap<(DiskRole, DiskId), ManagedDisk>,
    pub(crate) machines: BTreeMap<(Instance, MachineId), VirtualMachine>,
    pub(crate) calls: Calls<CloudRequest<C>, CloudAnswer>,
    pub(crate) rules: FaultRules,
    /// What scripts of plans do; one that is not here ends well at once.
    pub(crate) scripts: BTreeMap<(PlanId, ScriptStep), ScriptBehaviour>,
    pub(crate) scripts_ran: Vec<ScriptRan>,
    asked: BTreeMap<(RequestKind, MachineId), u32>,
}

impl<C: Content> Azure<C> {
    /// An empty subscription. All its chance comes from `seed`: how long a request takes follows from its kind, its
    /// machine and the how-manieth of them it is, so that nothing else disturbs it.
    #[must_use]
    pub fn new(names: Names, cores_max: u32, seed: Seed) -> Self {
        let network = VirtualNetwork { name: names.network.clone(), subnets: BTreeMap::new() };
        let cache = StorageAccount {
            name: names.cache_account.clone(),
            bytes_in: 0,
            bytes_out: 0,
            is_blocked: false,
        };
        Self {
            names,
            seed,
            available: true,
            quota: Quota { cores_max, cores_used: 0 },
            policy: Policy::default(),
            networks: BTreeMap::from([(network.name.clone(), network)]),
            cache,
            targets: BTreeMap::new(),
            boot_locked: BTreeSet::new(),
            classic: BTreeSet::new(),
            agent_registration: Duration::ZERO,
            disks: BTreeMap::new(),
            machines: BTreeMap::new(),
            calls: Calls::none(),
            rules: FaultRules::default(),
            scripts: BTreeMap::new(),
            scripts_ran: Vec::new(),
            asked: BTreeMap::new(),
        }
    }

    /// The names under which everything is filed.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// The id of a resource of the group, such as `Microsoft.Compute/disks` `d0`.
    #[must_use]
    pub fn resource_id(&self, resource_type: &str, name: &str) -> String {
        let Names { subscription, resource_group, .. } = &self.names;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{resource_type}/{name}"
        )
    }

    /// Whether the region answers.
    #[must_use]
    pub const fn is_available(&self) -> bool {
        self.available
    }

    /// Cores in the region.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    /// The networks, by name.
    #[must_use]
    pub const fn networks(&self) -> &BTreeMap<String, VirtualNetwork> {
        &self.networks
    }

    /// The cache storage account.
    #[must_use]
    pub const fn cache(&self) -> &StorageAccount {
        &self.cache
    }

    /// The cache storage account, to count what passes through it.
    pub const fn cache_mut(&mut self) -> &mut StorageAccount {
        &mut self.cache
    }

    /// All managed disks.
    pub fn disks(&self) -> impl Iterator<Item = &ManagedDisk> {
        self.disks.values()
    }

    /// All machines.
    pub fn machines(&self) -> impl Iterator<Item = &VirtualMachine> {
        self.machines.values()
    }

    /// A managed disk.
    #[must_use]
    pub fn disk(&self, role: DiskRole, disk: DiskId) -> Option<&ManagedDisk> {
        self.disks.get(&(role, disk))
    }

    /// A recovered machine.
    #[must_use]
    pub fn machine(&self, machine: MachineId) -> Option<&VirtualMachine> {
        self.instance(Instance::Recovered, machine)
    }

    /// A recovered machine, or one of a test failover.
    #[must_use]
    pub fn instance(&self, instance: Instance, machine: MachineId) -> Option<&VirtualMachine> {
        self.machines.get(&(instance, machine))
    }

    /// What is being done to a machine; none when there is no machine and none is being made.
    #[must_use]
    pub fn provisioning_state(&self, machine: MachineId) -> Option<ProvisioningState> {
        let busy = self.calls.running().filter(|running| running.refusal.is_none());
        let busy = busy.map(|running| RequestKind::of(&running.request));
        let doing = busy.filter(|(_, whose)| *whose == machine).find_map(|(kind, _)| match kind {
            RequestKind::CreateMachine => Some(ProvisioningState::Creating),
            RequestKind::DeleteMachine => Some(ProvisioningState::Deleting),
            RequestKind::StartMachine | RequestKind::StopMachine => Some(ProvisioningState::Updating),
            _ => None,
        });
        doing.or_else(|| self.machine(machine).map(|_| ProvisioningState::Succeeded))
    }

    /// Whether what the engine calls `disk` is there.
    ///
    /// # Errors
    /// [`StorageError::Gone`] when it is not.
    pub fn disk_access(&self, disk: DiskRef) -> Result<(), StorageError> {
        let there = match disk {
            DiskRef::Machine(id, Site::Recovery) => self.disks.contains_key(&(DiskRole::Recovered, id)),
            DiskRef::Replica(id, Site::Recovery) => self.disks.contains_key(&(DiskRole::Replica, id)),
            DiskRef::Machine(_, Site::Primary) | DiskRef::Replica(_, Site::Primary) => false,
        };
        if there && self.available { Ok(()) } else { Err(StorageError::Gone) }
    }

    /// What was set for a machine, or what the service chooses.
    #[must_use]
    pub fn target(&self, machine: MachineId) -> MachineTarget {
        let set = self.targets.get(&machine);
        set.cloned().unwrap_or_else(|| MachineTarget::named(&format!("machine-{}", machine.0)))
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

    /// A generator for the next request of its kind about the machine.
    pub(crate) fn chance_for(&mut self, kind: RequestKind, machine: MachineId) -> Chance {
        let asked = self.asked.entry((kind, machine)).or_default();
        *asked += 1;
        self.seed.chance(&format!("azure {kind:?} {} #{asked}", machine.0))
    }

    /// A generator for something that has a name and nothing else to be drawn by.
    #[cfg(feature = "arm")]
    pub(crate) fn chance_named(&self, name: &str) -> Chance {
        self.seed.chance(&format!("azure named {name}"))
    }

    /// A generator for the number of a machine.
    pub(crate) fn chance_for_machine(&self, machine: MachineId) -> Chance {
        self.seed.chance(&format!("azure machine {}", machine.0))
    }

    /// A generator for a name that belongs to a disk.
    pub(crate) fn chance_for_name(&self, disk: DiskId) -> Chance {
        self.seed.chance(&format!("azure name {} {}", disk.machine.0, disk.index))
    }
}
