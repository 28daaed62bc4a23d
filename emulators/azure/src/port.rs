//! The engine's calls: begun, under way, finished.
//!
//! [`Azure::begin`] says when a call will be done; at that time whoever runs the world calls [`Azure::finish`],
//! which does the work in one step and gives the answer. A call that cannot work is refused quickly. What was
//! possible at the beginning is looked at again at the end: cores and addresses are taken by others meanwhile.
//!
//! Besides by number, requests are without effect when repeated by the name of what they make: creating a machine
//! that is there or a disk from the same point, starting one that runs, deleting what is gone.

use std::net::Ipv4Addr;

use switchback_engine::journal::View;
use switchback_engine::ports::{CloudAnswer, CloudRequest, Guest, Inspection, Instance, Place, PortFailure};
use switchback_engine::recovery::{MachineProfile, RecoverySettings};
use switchback_engine::role::CallId;
use switchback_engine::{Content, DiskId, MachineId, PointId};
use switchback_sim::SimTime;

use crate::azure::Azure;
use crate::calls::Running;
use crate::consequence::{Consequence, Outcome, Started};
use crate::durations::{self, CONNECT_TIMEOUT, DEALLOCATE, REPLY};
use crate::guid::guid;
use crate::managed_disk::{DISK_GIB_MAX, DiskRole, ManagedDisk, recovered_name, replica_name, size_gib};
use crate::network_interface::NetworkInterface;
use crate::quota::VmSize;
use crate::refusal::Refusal;
use crate::request_kind::RequestKind;
use crate::requirements;
use crate::virtual_machine::{MachineTarget, PowerState, VirtualMachine};
use crate::virtual_network::{Subnet, VirtualNetwork};

type Work<C> = (CloudAnswer, Vec<Consequence<C>>);

impl<C: Content> Azure<C> {
    /// Takes a call. The same number is the same call, however often it comes.
    pub fn begin(&mut self, now: SimTime, call: CallId, request: CloudRequest<C>) -> Started<C> {
        if let Some(done_at) = self.calls.joined(call) {
            return Started { done_at: done_at.max(now), consequences: Vec::new() };
        }
        let (kind, machine) = RequestKind::of(&request);
        let mut chance = self.chance_for(kind, machine);
        if !self.available {
            let done_at = now + chance.duration(CONNECT_TIMEOUT);
            return self.refuse(call, request, done_at, PortFailure::Unavailable, false);
        }
        let again = self.calls.is_answered(call);
        let verdict = self.rules.judge(kind, machine, again);
        let reply_at = now + chance.duration(REPLY) + verdict.delay;
        if again {
            self.calls.owe(call, reply_at, verdict);
            return Started { done_at: reply_at, consequences: Vec::new() };
        }
        if let Some(failure) = verdict.refusal {
            return self.refuse(call, request, reply_at, failure, false);
        }
        if let Err(refusal) = self.check(&request) {
            return self.refuse(call, request, reply_at, PortFailure::from(&refusal), verdict.reply_lost);
        }
        let waits_for_guest = kind == RequestKind::StopMachine && self.is_running(machine);
        let length = match kind {
            RequestKind::StopMachine if !waits_for_guest => chance.duration(DEALLOCATE),
            kind => chance.duration(durations::of(kind)) + self.script_takes(&request),
        };
        let done_at = now + length + verdict.delay;
        let reply_lost = verdict.reply_lost;
        self.calls.run(call, Running { request, done_at, refusal: None, reply_lost });
        let asked = waits_for_guest.then_some(Consequence::GuestShutDownRequested(machine));
        Started { done_at, consequences: asked.into_iter().collect() }
    }

    fn refuse(
        &mut self,
        call: CallId,
        request: CloudRequest<C>,
        done_at: SimTime,
        failure: PortFailure,
        reply_lost: bool,
    ) -> Started<C> {
        self.calls.run(call, Running { request, done_at, refusal: Some(failure), reply_lost });
        Started { done_at, consequences: Vec::new() }
    }

    /// Calls under way: what is asked for which machine, and when it will be done. For people who look inside.
    pub fn calls_under_way(&self) -> impl Iterator<Item = (CallId, RequestKind, MachineId, SimTime)> {
        self.calls.under_way().map(|(call, running)| {
            let (kind, machine) = RequestKind::of(&running.request);
            (call, kind, machine, running.done_at)
        })
    }

    /// Ends a call whose time has come: does its work and gives its answer. Before that time, and when the answer
    /// was given already, it does nothing.
    pub fn finish(&mut self, now: SimTime, call: CallId) -> Outcome<C> {
        let Some(running) = self.calls.due(call, now) else {
            return Outcome { result: self.calls.reply(call, now), consequences: Vec::new() };
        };
        let (result, consequences) = match running.refusal {
            Some(failure) => (Err(failure), Vec::new()),
            None => match self.work(now, running.request) {
                Ok((answer, consequences)) => (Ok(answer), consequences),
                Err(refusal) => (Err(PortFailure::from(&refusal)), Vec::new()),
            },
        };
        self.calls.remember(call, &result);
        Outcome { result: (!running.reply_lost).then_some(result), consequences }
    }

    /// Says that a guest that was asked to shut down, or did so by itself, is down. Calls that waited for it are done
    /// at the times returned. A machine whose guest shut down by itself is stopped and keeps its hardware.
    ///
    /// # Errors
    /// [`Refusal::ResourceNotFound`].
    pub fn guest_stopped(
        &mut self,
        now: SimTime,
        machine: MachineId,
    ) -> Result<Vec<(CallId, SimTime)>, Refusal> {
        self.machines.get_mut(&(Instance::Recovered, machine)).ok_or(Refusal::ResourceNotFound)?.power =
            PowerState::Stopped;
        let done_at = now + self.chance_for(RequestKind::StopMachine, machine).duration(DEALLOCATE);
        let waiting = self.calls.running_mut().filter(|(_, running)| {
            let (kind, whose) = RequestKind::of(&running.request);
            running.refusal.is_none() && kind == RequestKind::StopMachine && whose == machine
        });
        Ok(waiting
            .map(|(call, running)| {
                running.done_at = running.done_at.min(done_at);
                (call, running.done_at)
            })
            .collect())
    }

    fn is_running(&self, machine: MachineId) -> bool {
        self.machine(machine).is_some_and(VirtualMachine::is_running)
    }

    /// Whether a request can work as things stand.
    fn check(&self, request: &CloudRequest<C>) -> Result<(), Refusal> {
        match request {
            CloudRequest::CreateReplica(_, sectors) => check_size(*sectors),
            CloudRequest::CreateDisk(instance, disk, view, sectors) => {
                check_size(*sectors)?;
                self.check_create_disk(*instance, *disk, view).map(|_| ())
            }
            CloudRequest::CreateMachine(instance, machine, settings)
                if self.instance(*instance, *machine).is_none() =>
            {
                self.planned(*instance, *machine, settings.as_deref()).map(|_| ())
            }
            CloudRequest::Examine(_, profile, settings) => {
                self.examine(profile, settings.as_deref()).map(|_| ())
            }
            CloudRequest::PrepareBoot(instance, machine) | CloudRequest::StartMachine(instance, machine) => {
                self.instance(*instance, *machine).map(|_| ()).ok_or(Refusal::ResourceNotFound)
            }
            CloudRequest::StopMachine(machine) => {
                self.machine(*machine).map(|_| ()).ok_or(Refusal::ResourceNotFound)
            }
            CloudRequest::Inspect(..)
            | CloudRequest::CreateMachine(..)
            | CloudRequest::DeleteMachine(..)
            | CloudRequest::DeleteReplica(_)
            | CloudRequest::RunScript(_) => Ok(()),
        }
    }

    fn work(&mut self, now: SimTime, request: CloudRequest<C>) -> Result<Work<C>, Refusal> {
        if !self.available {
            return Err(Refusal::ServiceUnavailable);
        }
        self.check(&request)?;
        match request {
            CloudRequest::Inspect(instance, machine) => {
                Ok((CloudAnswer::Machine(self.inspect(now, instance, machine)), Vec::new()))
            }
            CloudRequest::Examine(_, profile, settings) => {
                let settings = self.examine(&profile, settings.as_deref())?;
                Ok((CloudAnswer::Suits(Box::new(settings)), Vec::new()))
            }
            CloudRequest::CreateReplica(disk, sectors) => Ok(self.create_replica(disk, sectors)),
            CloudRequest::CreateDisk(instance, disk, view, sectors) => {
                if self.check_create_disk(instance, disk, &view)? {
                    return Ok(done([]));
                }
                self.create_disk(instance, disk, view.point(), sectors);
                Ok(done([Consequence::DiskCreated(instance, disk, view, sectors)]))
            }
            CloudRequest::CreateMachine(instance, machine, settings) => {
                self.create_machine(instance, machine, settings.as_deref()).map(done)
            }
            CloudRequest::PrepareBoot(instance, machine) => {
                self.prepare_boot(instance, machine).map(|()| done([]))
            }
            CloudRequest::StartMachine(instance, machine) => {
                self.note_start(now, instance, machine);
                self.start(instance, machine).map(done)
            }
            CloudRequest::StopMachine(machine) => Ok(done(self.deallocate(machine))),
            CloudRequest::DeleteMachine(instance, machine) => {
                Ok(done(self.delete_machine(instance, machine)))
            }
            CloudRequest::DeleteReplica(disk) => {
                let gone = self.disks.remove(&(DiskRole::Replica, disk));
                Ok(done(gone.map(|_| Consequence::ReplicaDeleted(disk))))
            }
            CloudRequest::RunScript(run) => {
                let ran = self.run_script(now, *run);
                let failed = ran.exit;
                self.scripts_ran.push(ran);
                if failed == 0 { Ok(done([])) } else { Err(Refusal::ScriptFailed(failed)) }
            }
        }
    }

    /// From the first start on the agent is on its way to be registered.
    fn note_start(&mut self, now: SimTime, instance: Instance, machine: MachineId) {
        if let Some(vm) = self.machines.get_mut(&(instance, machine)) {
            vm.agent_registered_at.get_or_insert(now + self.agent_registration);
        }
    }

    fn inspect(&self, now: SimTime, instance: Instance, machine: MachineId) -> Inspection {
        let found = self.instance(instance, machine);
        Inspection {
            exists: found.is_some(),
            running: found.is_some_and(VirtualMachine::is_running),
            snapshots: 0,
            datastore_in_reach: true,
            disks_attached: false,
            guest: Guest::READY,
            place: Place::NOWHERE,
            profile: None,
            agent_registered: found.is_none_or(|vm| vm.agent_registered_at.is_some_and(|at| at <= now)),
            datastores: Vec::new(),
        }
    }

    /// The settings a machine would get, if it breaks no rule.
    fn examine(
        &self,
        profile: &MachineProfile,
        settings: Option<&RecoverySettings>,
    ) -> Result<RecoverySettings, Refusal> {
        let chosen = || RecoverySettings {
            name: profile.name.clone(),
            resource_group: self.names().resource_group.clone(),
            size: requirements::size_for(profile).name().to_owned(),
            availability_set: None,
            managed_disks: true,
            network: self.names().network.clone(),
            subnet: None,
            address: None,
            public_address: false,
            test_network: None,
        };
        let settings = settings.cloned().unwrap_or_else(chosen);
        match requirements::violations(profile, &settings) {
            broken if broken.is_empty() => Ok(settings),
            broken => Err(Refusal::RequirementsNotMet(broken)),
        }
    }

    fn create_replica(&mut self, disk: DiskId, sectors: u64) -> Work<C> {
        if self.disks.contains_key(&(DiskRole::Replica, disk)) {
            return (CloudAnswer::Existed, self.grow_replica(disk, sectors));
        }
        let name = replica_name(&self.target(disk.machine).name, &guid(&mut self.chance_for_name(disk)));
        self.put_disk(ManagedDisk {
            name,
            disk,
            role: DiskRole::Replica,
            sectors: Some(sectors),
            source: None,
            source_point: None,
            attached_to: None,
        });
        done([Consequence::ReplicaCreated(disk, sectors)])
    }

    /// Makes a replica disk as large as that, if it is there and smaller, and no larger than a managed disk can be.
    pub fn grow_replica(&mut self, disk: DiskId, sectors: u64) -> Vec<Consequence<C>> {
        let known = self.disks.get_mut(&(DiskRole::Replica, disk));
        let smaller = known.filter(|known| known.sectors.is_some_and(|size| size < sectors));
        let Some(known) = smaller.filter(|_| check_size(sectors).is_ok()) else { return Vec::new() };
        known.sectors = Some(sectors);
        vec![Consequence::ReplicaGrew(disk, sectors)]
    }

    /// Whether the disk is there already, just as asked for: from the same point, and not used since.
    fn check_create_disk(&self, instance: Instance, disk: DiskId, view: &View<C>) -> Result<bool, Refusal> {
        match self.disk(DiskRole::of(instance), disk) {
            Some(there) if there.attached_to.is_none() && there.is_from(view.point()) => Ok(true),
            Some(there) => Err(Refusal::PropertyChangeNotAllowed(there.name.clone())),
            None => Ok(false),
        }
    }

    fn create_disk(&mut self, instance: Instance, disk: DiskId, source_point: Option<PointId>, sectors: u64) {
        let source = self.disk(DiskRole::Replica, disk).map(|disk| disk.name.clone());
        let sectors = Some(sectors);
        let name = recovered_name(&self.name_of(instance, disk.machine), disk.index);
        let role = DiskRole::of(instance);
        self.put_disk(ManagedDisk { name, disk, role, sectors, source, source_point, attached_to: None });
    }

    /// What an instance is called: a test machine is the other one's name with `-test` behind it.
    fn name_of(&self, instance: Instance, machine: MachineId) -> String {
        named(instance, &self.target(machine).name)
    }

    fn put_disk(&mut self, disk: ManagedDisk) {
        self.disks.insert((disk.role, disk.disk), disk);
    }

    fn disks_created_for(
        &self,
        instance: Instance,
        machine: MachineId,
    ) -> impl Iterator<Item = &ManagedDisk> {
        let first = (DiskRole::of(instance), DiskId { machine, index: 0 });
        let last = (DiskRole::of(instance), DiskId { machine, index: u8::MAX });
        self.disks.range(first..=last).map(|(_, disk)| disk)
    }

    /// The machine that would be created, with its address chosen.
    fn planned(
        &self,
        instance: Instance,
        machine: MachineId,
        settings: Option<&RecoverySettings>,
    ) -> Result<VirtualMachine, Refusal> {
        let mut target = settings.map_or_else(|| Ok(self.target(machine)), MachineTarget::of)?;
        if let Some(network) =
            settings.and_then(|it| it.test_network.clone()).filter(|_| instance == Instance::Test)
        {
            (target.network, target.subnet, target.private_ip) = (Some(network), None, None);
        }
        let name = named(instance, &target.name);
        let disks: Vec<_> = self.disks_created_for(instance, machine).map(|disk| disk.name.clone()).collect();
        if self.disk(DiskRole::of(instance), DiskId { machine, index: 0 }).is_none() {
            return Err(Refusal::OsDiskMissing(name));
        }
        let public_ip = target.public_ip && instance == Instance::Recovered;
        self.policy.check(target.size, public_ip)?;
        self.quota.check(target.size.cores())?;
        self.check_availability_set(target.availability_set.as_deref(), target.size)?;
        let network = target.network.as_ref().unwrap_or_else(|| &self.names().network);
        let missing = || match self.classic.contains(&machine) {
            true => Refusal::ClassicNetworkNotFound(network.clone()),
            false => Refusal::NetworkNotFound(network.clone()),
        };
        let network = self.networks.get(network).ok_or_else(missing)?;
        let subnet = network.subnet(target.subnet.as_deref())?;
        let nic = NetworkInterface {
            name: format!("{name}-nic"),
            network: network.name.clone(),
            subnet: subnet.name.clone(),
            private_ip: self.address_for(instance, network, subnet, target.private_ip)?,
            public_ip: public_ip.then(|| format!("{name}-ip")),
        };
        Ok(VirtualMachine {
            machine,
            instance,
            name,
            resource_group: target.resource_group.unwrap_or_else(|| self.names().resource_group.clone()),
            availability_set: target.availability_set,
            managed_disks: target.managed_disks,
            size: target.size,
            disks,
            nic,
            power: PowerState::Stopped,
            boot_prepared: false,
            agent_registered_at: None,
        })
    }

    /// An availability set holds machines of one family of sizes, those of test failovers among them (site-recovery 3.8, 28031).
    fn check_availability_set(&self, set: Option<&str>, size: VmSize) -> Result<(), Refusal> {
        let mut there =
            self.machines.values().filter(|vm| set.is_some() && vm.availability_set.as_deref() == set);
        match (set, there.find(|vm| vm.size.family() != size.family())) {
            (Some(set), Some(vm)) => Err(Refusal::SizesDoNotMix {
                set: set.to_owned(),
                holds: vm.size.name(),
                requested: size.name(),
            }),
            _ => Ok(()),
        }
    }

    /// A test machine gets the address that is set if it is free, or else any that is (site-recovery 3.4). Until it is
    /// cleaned up nothing else gets that one.
    fn address_for(
        &self,
        instance: Instance,
        network: &VirtualNetwork,
        subnet: &Subnet,
        wanted: Option<Ipv4Addr>,
    ) -> Result<Ipv4Addr, Refusal> {
        let chosen = subnet.choose(wanted);
        match (instance, chosen) {
            (Instance::Test, chosen) => chosen.or_else(|_| subnet.choose(None)),
            (Instance::Recovered, Err(Refusal::PrivateIpAddressInUse(address)))
                if self.is_of_test(network, subnet, address) =>
            {
                Err(Refusal::PrivateIpAddressOfTest(address))
            }
            (Instance::Recovered, chosen) => chosen,
        }
    }

    fn is_of_test(&self, network: &VirtualNetwork, subnet: &Subnet, address: Ipv4Addr) -> bool {
        let tests = self.machines.values().filter(|vm| vm.instance == Instance::Test);
        tests
            .map(|vm| &vm.nic)
            .any(|nic| (&nic.network, &nic.subnet, nic.private_ip) == (&network.name, &subnet.name, address))
    }

    fn create_machine(
        &mut self,
        instance: Instance,
        machine: MachineId,
        settings: Option<&RecoverySettings>,
    ) -> Result<Option<Consequence<C>>, Refusal> {
        if self.instance(instance, machine).is_some() {
            return Ok(None);
        }
        let vm = self.planned(instance, machine, settings)?;
        if let Some(network) = self.networks.get_mut(&vm.nic.network) {
            network.take(&vm.nic.subnet, vm.nic.private_ip, &vm.nic.name);
        }
        self.quota.cores_used += vm.size.cores();
        for (key, disk) in &mut self.disks {
            if key.0 == DiskRole::of(instance) && key.1.machine == machine {
                disk.attached_to = Some(vm.name.clone());
            }
        }
        self.machines.insert((instance, machine), vm);
        Ok(Some(Consequence::MachineCreated(instance, machine)))
    }

    /// That it does not work shows only at the end: the disks have to be looked into.
    fn prepare_boot(&mut self, instance: Instance, machine: MachineId) -> Result<(), Refusal> {
        let is_locked = self.boot_locked.contains(&machine);
        let vm = self.machines.get_mut(&(instance, machine)).ok_or(Refusal::ResourceNotFound)?;
        if is_locked {
            return Err(Refusal::BootNotPrepared(vm.name.clone()));
        }
        vm.boot_prepared = true;
        Ok(())
    }

    /// The platform turns off what the guest has not. That is no failure of the call.
    fn deallocate(&mut self, machine: MachineId) -> Option<Consequence<C>> {
        let vm = self.machines.get_mut(&(Instance::Recovered, machine))?;
        let was_running = std::mem::replace(&mut vm.power, PowerState::Deallocated) == PowerState::Running;
        was_running.then_some(Consequence::MachineStopped(machine))
    }

    fn delete_machine(&mut self, instance: Instance, machine: MachineId) -> Vec<Consequence<C>> {
        let mut consequences = Vec::new();
        if let Some(vm) = self.machines.remove(&(instance, machine)) {
            if let Some(network) = self.networks.get_mut(&vm.nic.network) {
                network.give_back(&vm.nic.subnet, vm.nic.private_ip);
            }
            self.quota.cores_used = self.quota.cores_used.saturating_sub(vm.size.cores());
            let loses_power = vm.is_running() && instance == Instance::Recovered;
            consequences.extend(loses_power.then_some(Consequence::MachineStopped(machine)));
            consequences.push(Consequence::MachineDeleted(instance, machine));
        }
        let disks: Vec<_> = self.disks_created_for(instance, machine).map(|disk| disk.disk).collect();
        for disk in disks {
            self.disks.remove(&(DiskRole::of(instance), disk));
            consequences.push(Consequence::DiskDeleted(instance, disk));
        }
        consequences
    }
}

fn named(instance: Instance, name: &str) -> String {
    match instance {
        Instance::Recovered => name.to_owned(),
        Instance::Test => format!("{name}-test"),
    }
}

fn done<C: Content>(consequences: impl IntoIterator<Item = Consequence<C>>) -> Work<C> {
    (CloudAnswer::Done, consequences.into_iter().collect())
}

const fn check_size(sectors: u64) -> Result<(), Refusal> {
    let gib = size_gib(sectors);
    if gib > DISK_GIB_MAX {
        return Err(Refusal::DiskTooLarge { gib, max: DISK_GIB_MAX });
    }
    Ok(())
}
