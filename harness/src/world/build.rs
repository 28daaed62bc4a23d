//! A world at its first moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use switchback_azure::{Azure, Names, Policy, Subnet};
use switchback_engine::control::{Control, ControlConfig};
use switchback_engine::process_server::ProcessServer;
use switchback_engine::recovery::Firmware;
use switchback_engine::role::{Address, Role};
use switchback_engine::target::Target;
use switchback_engine::{DiskId, MachineId, Site};
use switchback_scenarios::model::Subscription;
use switchback_sim::{DeviceSpec, Kernel, Trace};
use switchback_vsphere::host_system::HostSystem;
use switchback_vsphere::{
    DatastoreSpec, Fault, GuestCondition, GuestOs, HostSpec, MachineSpec, Management, Misreading, VCenter,
};

use super::World;
use super::faults::{Clocks, UnderWay};
use super::guest::Guest;
use super::host::{Host, Hosts};
use super::hydration::guest;
use super::late_device::LateDevice;
use super::moments::Watches;
use super::network::Network;
use super::spec::WorldSpec;
use super::storage::{Storage, device_spec};
use crate::check::Judges;
use crate::content::Simulated;
use crate::outside::Outside;
use crate::truth::History;
use crate::workload::Workload;

/// Cores that may be used in the cloud: quotas are not what these worlds are about, unless a scenario says so.
const CORES_MAX: u32 = 100_000;
/// A subnet of a scenario has 256 addresses.
const SUBNET_PREFIX_BITS: u8 = 24;

impl<C: Simulated> World<C> {
    /// A world in which every machine has just been powered on at home.
    ///
    /// # Errors
    /// What vCenter says to an inventory that cannot be: two things of one name, a full datastore.
    pub fn new(spec: WorldSpec) -> Result<Self, Fault> {
        let seed = spec.seed;
        let vcenter = build_vcenter(&spec)?;
        let machines = spec.machines.len();
        let workload = |m: usize, w: usize| {
            Workload::new(&spec.machines[m].workloads[w], seed.chance(&format!("workload {m} {w}")))
        };
        let workloads: Vec<Vec<Workload>> = (0..machines)
            .map(|m| (0..spec.machines[m].workloads.len()).map(|w| workload(m, w)).collect())
            .collect();
        let mut world = Self {
            kernel: Kernel::new(),
            hosts: build_hosts(&spec),
            network: Network::new(&spec, seed),
            guests: vec![Guest::default(); machines * 2],
            followers: followers(&workloads),
            workloads,
            storage: Storage::new(&spec, seed),
            vcenter,
            azure: build_azure(&spec),
            came_home_prepared: BTreeSet::new(),
            truth: (0..machines).map(|machine| History::new(MachineId(machine as u32))).collect(),
            judges: Judges::new(spec.machines.iter().map(|machine| machine.disks.len()).collect()),
            trace: Trace::new(false),
            happenings: Vec::new(),
            replies: BTreeMap::new(),
            commands: 0,
            asked: Vec::new(),
            inputs: 0,
            crash_at_input: None,
            crashed_before: None,
            sabotage: None,
            outside: Outside::default(),
            under_way: UnderWay::default(),
            clocks: Clocks::default(),
            watches: Watches::default(),
            bustle: super::Bustle::default(),
            chance: seed.chance("crashes"),
            effects: Vec::new(),
            spec: Arc::new(spec),
        };
        for machine in 0..machines {
            let consequences = world.vcenter.power_on(world.now(), MachineId(machine as u32))?;
            consequences.into_iter().for_each(|consequence| world.vsphere_consequence(consequence));
        }
        let now = world.now();
        world.hosts.start_servers(now, &mut world.kernel);
        world.schedule_sample();
        Ok(world)
    }
}

/// For each machine, the workloads that write because it wrote.
fn followers(workloads: &[Vec<Workload>]) -> Vec<Vec<(MachineId, usize)>> {
    let mut followers = vec![Vec::new(); workloads.len()];
    for (machine, of_machine) in workloads.iter().enumerate() {
        for (at, workload) in of_machine.iter().enumerate() {
            if let Some(cause) = workload.follows() {
                followers[cause.0 as usize].push((MachineId(machine as u32), at));
            }
        }
    }
    followers
}

fn build_hosts<C: Simulated>(spec: &WorldSpec) -> Hosts<C> {
    let log = Arc::new(device_spec(&spec.backend_disk));
    let machines = 0..spec.machines.len() as u32;
    let sites = [Site::Primary, Site::Recovery];
    let agent = |machine, site| host(spec, &log, Address::Agent(MachineId(machine), site), None);
    let heartbeat_every = spec.heartbeat_every();
    let target = |site| {
        let role = Target::new(site).with_heartbeat_every(heartbeat_every);
        host(spec, &log, Address::Target(site), Some(role))
    };
    let process_server = |number| {
        let config = World::<C>::process_server_config_in(spec, number);
        host(spec, &log, Address::ProcessServer(number), Some(ProcessServer::new(config)))
    };
    Hosts {
        control: host(spec, &log, Address::Control, Some(Control::new(control_config(spec)))),
        process_servers: (0..spec.caches().count() as u16).map(process_server).collect(),
        targets: sites.map(target),
        agents: machines.flat_map(|machine| sites.map(|site| agent(machine, site))).collect(),
    }
}

/// How the vault of a world is set up.
pub(in crate::world) const fn control_config(spec: &WorldSpec) -> ControlConfig {
    ControlConfig { stack: spec.site.stack, ..ControlConfig::STANDARD }
}

/// A host with a log device of its own.
fn host<R: Role>(spec: &WorldSpec, log: &Arc<DeviceSpec>, address: Address, role: Option<R>) -> Host<R>
where
    R::Content: Simulated,
{
    let name = format!("store {address:?}");
    Host::new(address, role, LateDevice::new(Arc::clone(log), spec.seed.chance(&name)))
}

fn build_vcenter(spec: &WorldSpec) -> Result<VCenter, Fault> {
    let site = &spec.site;
    let mut vcenter = VCenter::new(&site.vcenter, spec.seed.child("vcenter"));
    let mut hosts = Vec::new();
    for host in 0..site.hosts {
        let name = format!("{}-esx{:02}", site.vcenter, host + 1);
        // Memory is not what these worlds are about, unless a scenario says so.
        let memory_mib = site.host_memory_bytes.map_or(HostSystem::ENDLESS_MIB, |bytes| bytes >> 20);
        hosts.push(vcenter.add_host(HostSpec { name, cluster: None, memory_mib })?);
    }
    for host in &site.unmanaged {
        let discovered = !site.undiscovered.contains(host);
        vcenter.set_management(hosts[*host as usize], Management::Alone { discovered })?;
    }
    let mut datastores = Vec::new();
    for datastore in &site.datastores {
        datastores.push(vcenter.add_datastore(DatastoreSpec {
            name: datastore.name.clone(),
            kind: datastore.kind,
            capacity_bytes: datastore.capacity_bytes,
            mounted_on: datastore.reach.iter().map(|host| hosts[*host as usize]).collect(),
        })?);
    }
    let lies_on = |datastore: usize| hosts[site.datastores[datastore].reach[0] as usize];
    for (number, machine) in spec.machines.iter().enumerate() {
        let placed = MachineSpec {
            machine: MachineId(number as u32),
            name: machine.name.clone(),
            host: lies_on(machine.datastore),
            datastore: datastores[machine.datastore],
            disk_sectors: machine.disks.iter().map(|disk| disk.sectors).collect(),
            memory_mib: machine.memory_bytes >> 20,
            guest: if machine.windows { GuestOs::Windows } else { GuestOs::Linux },
            firmware: if machine.uefi { Firmware::Uefi } else { Firmware::Bios },
            tools: true,
        };
        vcenter.set_guest(placed.machine, guest(spec, &placed));
        for condition in machine.ailments.iter().filter_map(|ailment| ailment.condition()) {
            vcenter.bring_about(Some(placed.machine), condition);
        }
        if machine.boot.physical {
            vcenter.add_physical_server(placed)?;
            continue;
        }
        let id = placed.machine;
        vcenter.add_machine(placed)?;
        for (index, disk) in (0..).zip(&machine.disks) {
            if let Some(mapping) = disk.raw {
                vcenter.map_raw(DiskId { machine: id, index }, mapping)?;
            }
        }
    }
    if site.read_only {
        vcenter.bring_about(None, GuestCondition::Misread(Misreading::ReadOnlyAccount));
    }
    let name = format!("{}-master-target", site.vcenter);
    let datastore = site.master_target_datastore;
    let beside =
        vcenter.add_master_target(&name, lies_on(datastore), datastores[datastore], GuestOs::Windows)?;
    vcenter.set_drives(beside, site.master_target_drives.clone())?;
    for target in &site.master_targets {
        let guest = if target.windows { GuestOs::Windows } else { GuestOs::Linux };
        let (host, datastore) = (lies_on(target.datastore), datastores[target.datastore]);
        let moid = vcenter.add_master_target(&target.name, host, datastore, guest)?;
        vcenter.set_drives(moid, target.drives.clone())?;
        if target.authenticating_proxy {
            vcenter.put_behind_proxy(moid)?;
        }
    }
    Ok(vcenter)
}

fn build_azure<C: Simulated>(spec: &WorldSpec) -> Azure<C> {
    let names = Names {
        subscription: "00000000-0000-0000-0000-000000000001".to_owned(),
        resource_group: format!("{}-rg", spec.cloud.vault),
        vault: spec.cloud.vault.clone(),
        region: spec.cloud.region.clone(),
        cache_account: spec.cloud.cache_account.clone(),
        network: format!("{}-vnet", spec.cloud.vault),
    };
    let Subscription { cores, ref sizes, public_addresses } = spec.cloud.subscription;
    let mut azure = Azure::new(names, cores.unwrap_or(CORES_MAX), spec.seed.child("azure"));
    azure.set_policy(Policy { sizes: sizes.clone(), public_addresses });
    for (number, _) in spec.machines.iter().enumerate().filter(|(_, machine)| machine.boot.locked) {
        azure.lock_boot(MachineId(number as u32));
    }
    for (plan, step, behaviour) in &spec.cloud.scripts {
        azure.set_script(*plan, *step, *behaviour);
    }
    for (number, _) in spec.machines.iter().enumerate().filter(|(_, machine)| machine.classic_model) {
        azure.set_classic(MachineId(number as u32));
    }
    azure.set_agent_registration(spec.cloud.agent_registration);
    azure.add_subnet("default", Ipv4Addr::new(10, 1, 0, 0), 16);
    for network in &spec.cloud.networks {
        for subnet in &network.subnets {
            let open = subnet.admits_internet;
            let subnet = Subnet { open, ..Subnet::closed(&subnet.name, subnet.first, SUBNET_PREFIX_BITS) };
            azure.add_subnet_to(&network.name, subnet);
        }
    }
    azure
}
