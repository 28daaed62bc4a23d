//! The engine's calls: begun, under way, finished.
//!
//! [`VCenter::begin`] says when a call will be done; at that time whoever runs the world calls
//! [`VCenter::finish`], which does the work in one step and gives the answer. A call that cannot work is refused
//! quickly. What was possible at the beginning is looked at again at the end: hosts and datastores go away.

use std::time::Duration;

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::ports::{
    DatastoreFound, HypervisorAnswer, HypervisorRequest, Inspection, Place, PortFailure,
};
use switchback_engine::recovery::Firmware;
use switchback_engine::role::CallId;
use switchback_engine::{DatastoreId, MachineId};
use switchback_sim::SimTime;

use crate::calls::Running;
use crate::consequence::{Consequence, Outcome, Started};
use crate::datastore::Datastore;
use crate::durations::{self, CONNECT_TIMEOUT, MERGE_SNAPSHOT, POWER_OFF, REPLY};
use crate::fault_rule::Verdict;
use crate::faults::{Fault, fault_name};
use crate::guest_condition::Misreading;
use crate::host_system::HostSystem;
use crate::moid::{HostMoid, TaskMoid, VmMoid};
use crate::request_kind::RequestKind;
use crate::settings::Settings;
use crate::task::TaskState;
use crate::vcenter::{Reachability, VCenter};
use crate::virtual_machine::{GuestOs, PowerState, VirtualMachine};

/// Memory of a machine that is created where nothing is known of a former one, in MiB.
const NEW_MACHINE_MEMORY_MIB: u64 = 4096;
/// From a task being queued to its beginning, on a quiet vCenter. Estimated.
const TASK_QUEUED: Duration = Duration::from_millis(5);

impl VCenter {
    /// Takes a call. The same number is the same call, however often it comes.
    pub fn begin(&mut self, now: SimTime, call: CallId, request: HypervisorRequest) -> Started {
        if let Some(done_at) = self.calls.joined(call) {
            return Started { done_at: done_at.max(now), consequences: Vec::new() };
        }
        let (kind, machine) = RequestKind::of(&request);
        let mut chance = self.chance_for(kind, machine);
        if self.reachability != Reachability::Answering {
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
            self.show_refused(now, reply_at, &request, fault_name(&failure), failure.to_string());
            return self.refuse(call, request, reply_at, failure, false);
        }
        if let Err(fault) = self.check_permission(kind).and_then(|()| self.check(&request)) {
            self.show_refused(now, reply_at, &request, fault.name(), fault.to_string());
            return self.refuse(call, request, reply_at, PortFailure::from(&fault), verdict.reply_lost);
        }
        let mut length = chance.duration(durations::of(&request, self.disks_of(&request))) + verdict.delay;
        if matches!(request, HypervisorRequest::AttachDisks(_)) {
            length += chance.duration(MERGE_SNAPSHOT)
                * self.machine(machine).map_or(0, |vm| vm.snapshots.len() as u32);
        }
        self.run(now, now + length, call, request, &verdict)
    }

    fn refuse(
        &mut self,
        call: CallId,
        request: HypervisorRequest,
        done_at: SimTime,
        failure: PortFailure,
        reply_lost: bool,
    ) -> Started {
        self.calls.run(call, Running { request, done_at, refusal: Some(failure), reply_lost, task: None });
        Started { done_at, consequences: Vec::new() }
    }

    fn run(
        &mut self,
        now: SimTime,
        done_at: SimTime,
        call: CallId,
        request: HypervisorRequest,
        verdict: &Verdict,
    ) -> Started {
        let (kind, machine) = RequestKind::of(&request);
        let consequences = match kind {
            RequestKind::ShutDown => vec![Consequence::GuestShutDownRequested(machine)],
            _ => Vec::new(),
        };
        let task = self.show(now, &request);
        let reply_lost = verdict.reply_lost;
        self.calls.run(call, Running { request, done_at, refusal: None, reply_lost, task });
        Started { done_at, consequences }
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
    pub fn finish(&mut self, now: SimTime, call: CallId) -> Outcome {
        let Some(running) = self.calls.due(call, now) else {
            return Outcome { result: self.calls.reply(call, now), ..Outcome::NOTHING };
        };
        let (result, consequences) = match running.refusal {
            Some(failure) => (Err(failure), Vec::new()),
            None => self.carry_out(now, &running.request, running.task),
        };
        self.calls.remember(call, &result);
        Outcome { result: (!running.reply_lost).then_some(result), consequences }
    }

    /// Says that a guest that was asked to shut down, or did so by itself, is down: its machine is off. Calls that
    /// waited for it are done at the times returned.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn guest_stopped(
        &mut self,
        now: SimTime,
        machine: MachineId,
    ) -> Result<Vec<(CallId, SimTime)>, Fault> {
        if let Some(server) = self.physical.get_mut(&machine) {
            server.running = false;
            return Ok(Vec::new());
        }
        let vm = self.known(machine)?.moid;
        self.set_power(vm, PowerState::PoweredOff);
        let done_at = now + self.chance_for(RequestKind::ShutDown, machine).duration(POWER_OFF);
        let waiting = self.calls.running_mut().filter(|(_, running)| {
            running.refusal.is_none() && running.request == HypervisorRequest::ShutDown(machine)
        });
        Ok(waiting
            .map(|(call, running)| {
                running.done_at = running.done_at.min(done_at);
                (call, running.done_at)
            })
            .collect())
    }

    /// Who may only look changes nothing. Rights are looked at when a task begins, as vCenter does.
    fn check_permission(&self, kind: RequestKind) -> Result<(), Fault> {
        let is_denied = kind.method().is_some() && self.is_misread(None, Misreading::ReadOnlyAccount);
        if is_denied { Err(Fault::NoPermission) } else { Ok(()) }
    }

    /// Whether a request can work as things stand.
    fn check(&self, request: &HypervisorRequest) -> Result<(), Fault> {
        match request {
            // What stands in the way is found out on the way.
            HypervisorRequest::Inspect(_) | HypervisorRequest::InstallAgent(_) => Ok(()),
            HypervisorRequest::InspectMasterTarget(_, which)
            | HypervisorRequest::AssignMasterTarget(_, which, _) => self.master_target(*which).map(|_| ()),
            HypervisorRequest::ShutDown(machine) => self.check_shut_down(*machine),
            HypervisorRequest::PowerOn(machine) => self.check_start(self.known(*machine)?.moid),
            HypervisorRequest::CreateMachine(machine, sizes, datastore) => {
                self.check_create(*machine, sizes, *datastore)
            }
            HypervisorRequest::AttachDisks(machine) => self.check_attach(*machine).map(|_| ()),
            HypervisorRequest::DetachDisks(machine) => self.check_detach(*machine),
            HypervisorRequest::TakeSnapshot(machine) => self.check_snapshot(*machine),
            HypervisorRequest::RevertSnapshot(machine) => self.check_revert(*machine),
            HypervisorRequest::RemoveSnapshot(machine) => self.known(*machine).map(|_| ()),
        }
    }

    fn carry_out(
        &mut self,
        now: SimTime,
        request: &HypervisorRequest,
        task: Option<TaskMoid>,
    ) -> (Result<HypervisorAnswer, PortFailure>, Vec<Consequence>) {
        let result = match self.reachability {
            Reachability::Answering => self.work(now, request),
            Reachability::VCenterLost | Reachability::SiteLost => Err(Fault::HostCommunication),
        };
        if let Some(task) = task {
            self.tasks.end(task, ended(now, result.as_ref().err()));
        }
        match result {
            Ok((answer, consequences)) => (Ok(answer), consequences),
            Err(fault) => (Err(PortFailure::from(&fault)), Vec::new()),
        }
    }

    fn work(
        &mut self,
        now: SimTime,
        request: &HypervisorRequest,
    ) -> Result<(HypervisorAnswer, Vec<Consequence>), Fault> {
        let consequences = match request {
            HypervisorRequest::Inspect(machine) => {
                return Ok((HypervisorAnswer::Machine(self.inspect(*machine)), Vec::new()));
            }
            HypervisorRequest::ShutDown(machine) => {
                if self.known(*machine)?.is_on() {
                    return Err(Fault::Timedout);
                }
                Vec::new()
            }
            HypervisorRequest::PowerOn(machine) => {
                self.start(self.known(*machine)?.moid)?;
                vec![Consequence::MachineStarted(*machine)]
            }
            HypervisorRequest::CreateMachine(machine, sizes, datastore) => {
                self.create(*machine, sizes, *datastore)?;
                let created = Consequence::MachineCreated { machine: *machine, disk_sectors: sizes.clone() };
                self.retire_physical(*machine).into_iter().chain([created]).collect()
            }
            HypervisorRequest::InspectMasterTarget(machine, which) => {
                let found = self.inspect_master_target(*machine, *which)?;
                return Ok((HypervisorAnswer::MasterTarget(found), Vec::new()));
            }
            HypervisorRequest::AssignMasterTarget(machine, which, drive) => {
                self.assign(*machine, *which, *drive)?;
                Vec::new()
            }
            HypervisorRequest::InstallAgent(machine) => {
                return Ok((HypervisorAnswer::Installed(self.install(*machine)?), Vec::new()));
            }
            HypervisorRequest::AttachDisks(machine) => self.attach(*machine)?,
            HypervisorRequest::DetachDisks(machine) => self.detach(*machine)?,
            HypervisorRequest::TakeSnapshot(machine) => self.keep(*machine, now)?,
            HypervisorRequest::RevertSnapshot(machine) => self.revert(*machine)?,
            HypervisorRequest::RemoveSnapshot(machine) => self.give_up_snapshot(*machine)?,
        };
        Ok((HypervisorAnswer::Done, consequences))
    }

    fn inspect(&self, machine: MachineId) -> Inspection {
        let host = self.master_target_of(machine).and_then(|vm| self.vm(vm)).map(|vm| vm.host);
        let place = self.place_of(machine, host);
        let Some(vm) = self.machine(machine) else {
            let found = self.inspect_physical(machine).unwrap_or(Inspection::ABSENT);
            return Inspection { place, datastores: self.datastores_of(host), ..found };
        };
        let in_reach = |host| vm.disks.iter().all(|disk| self.check_writable(disk.datastore, host).is_ok());
        Inspection {
            exists: true,
            running: vm.is_on(),
            snapshots: vm.snapshots.len() as u32,
            datastore_in_reach: host.is_none_or(in_reach),
            disks_attached: vm.lends_disks(),
            profile: Some(vm.profile()),
            guest: self.guest_of(machine),
            place,
            agent_registered: true,
            datastores: self.datastores_of(host),
        }
    }

    /// What the master target's host can be given new disks on.
    fn datastores_of(&self, host: Option<HostMoid>) -> Vec<DatastoreFound> {
        let mounted = |store: &&Datastore| host.is_some_and(|host| store.is_mounted_on(host));
        let numbered = (0..).zip(self.datastores.values()).filter(|(_, store)| mounted(store));
        numbered.map(|(number, store)| DatastoreFound { id: DatastoreId(number), kind: store.kind }).collect()
    }

    fn place_of(&self, machine: MachineId, master_targets: Option<HostMoid>) -> Place {
        let vm = self.machine(machine);
        let host = |moid| self.hosts.get(&moid);
        Place {
            managed: vm.and_then(|vm| host(vm.host)).is_none_or(HostSystem::is_managed),
            with_master_target: vm.is_some_and(|vm| Some(vm.host) == master_targets),
            datastore: vm.and_then(|vm| self.number_of(vm.datastore)),
            master_target_known: master_targets.and_then(host).is_none_or(HostSystem::is_discovered),
            may_change: !self.is_misread(None, Misreading::ReadOnlyAccount),
            listed: !self.is_misread(Some(machine), Misreading::SameIdentifier),
            disks_told_apart: !self.is_misread(Some(machine), Misreading::DisksOfMasterTarget),
        }
    }

    fn check_shut_down(&self, machine: MachineId) -> Result<(), Fault> {
        let vm = self.known(machine)?;
        self.connected_host(vm)?;
        match vm {
            vm if !vm.is_on() => Err(Fault::InvalidPowerState { on: false }),
            vm if !vm.tools_running() => Err(Fault::ToolsUnavailable),
            _ => Ok(()),
        }
    }

    /// The machine that would be created: as the present or the former one, where the master target is.
    fn planned(&self, machine: MachineId, datastore: Option<DatastoreId>) -> Result<VirtualMachine, Fault> {
        let master_target = self.serving(machine)?;
        let present = self.machine(machine);
        if present.is_some_and(|vm| vm.host == master_target.host) {
            return Err(Fault::AlreadyExists);
        }
        let like = present.or_else(|| self.former.get(&machine));
        let named = datastore.map(|number| self.datastore_numbered(number));
        Ok(VirtualMachine {
            moid: VmMoid(0),
            machine: Some(machine),
            name: like.map_or_else(|| format!("machine-{}", machine.0), |vm| vm.name.clone()),
            host: master_target.host,
            datastore: named.unwrap_or(Some(master_target.datastore)).ok_or(Fault::ManagedObjectNotFound)?,
            power: PowerState::PoweredOff,
            disks: Vec::new(),
            snapshots: Vec::new(),
            current: None,
            memory_mib: like.map_or(NEW_MACHINE_MEMORY_MIB, |vm| vm.memory_mib),
            guest: like.map_or(GuestOs::Linux, |vm| vm.guest),
            firmware: like.map_or(Firmware::Bios, |vm| vm.firmware),
            tools: like.is_none_or(|vm| vm.tools),
            settings: Settings::default(),
        })
    }

    fn check_create(
        &self,
        machine: MachineId,
        sizes: &[u64],
        datastore: Option<DatastoreId>,
    ) -> Result<(), Fault> {
        let planned = self.planned(machine, datastore)?;
        if self.is_taken(&planned.name, planned.host) {
            return Err(Fault::DuplicateName(planned.name));
        }
        match self.machine(machine) {
            Some(present) if present.is_on() => return Err(Fault::InvalidPowerState { on: true }),
            Some(present) if present.lends_disks() => return Err(Fault::FileLocked(present.name.clone())),
            _ => {}
        }
        self.check_writable(planned.datastore, planned.host)?;
        let datastore = self.datastores.get(&planned.datastore).ok_or(Fault::ManagedObjectNotFound)?;
        datastore.clone().take(sizes.iter().sum::<u64>() * SECTOR_BYTES)
    }

    fn create(
        &mut self,
        machine: MachineId,
        sizes: &[u64],
        datastore: Option<DatastoreId>,
    ) -> Result<(), Fault> {
        self.check_create(machine, sizes, datastore)?;
        let planned = self.planned(machine, datastore)?;
        let present = self.by_machine.get(&machine).copied();
        self.place(planned, sizes)?;
        self.created.insert(machine);
        if let Some(present) = present {
            self.leave(present, machine);
        }
        Ok(())
    }

    /// A machine that another one was created for is nobody's from now on, and stays as it is.
    fn leave(&mut self, moid: VmMoid, machine: MachineId) {
        if let Some(vm) = self.machines.get_mut(&moid) {
            vm.machine = None;
            vm.disks.iter_mut().for_each(|disk| disk.disk = None);
            self.left.insert(moid, machine);
        }
    }

    fn disks_of(&self, request: &HypervisorRequest) -> u32 {
        let count = match request {
            HypervisorRequest::CreateMachine(_, sizes, _) => sizes.len(),
            _ => self.machine(RequestKind::of(request).1).map_or(0, |vm| vm.disks.len()),
        };
        count as u32
    }

    fn show(&mut self, now: SimTime, request: &HypervisorRequest) -> Option<TaskMoid> {
        let (kind, machine) = RequestKind::of(request);
        let entity = self.machine(machine).map(|vm| vm.moid);
        Some(self.tasks.queue(kind.method()?, entity, now, now + TASK_QUEUED))
    }

    /// A request that vCenter itself refused is a failed task too.
    fn show_refused(
        &mut self,
        now: SimTime,
        completed: SimTime,
        request: &HypervisorRequest,
        fault: &'static str,
        message: String,
    ) {
        if let Some(task) = self.show(now, request) {
            self.tasks.end(task, TaskState::Error { completed, fault, message });
        }
    }
}

fn ended(now: SimTime, fault: Option<&Fault>) -> TaskState {
    match fault {
        None => TaskState::Success { completed: now },
        Some(fault) => TaskState::Error { completed: now, fault: fault.name(), message: fault.to_string() },
    }
}
