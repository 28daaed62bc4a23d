//! vCenter and the cloud: calls of the vault, their answers, and what they change in the world.

use std::time::Duration;

use switchback_azure as azure;
use switchback_disks::{Snapshot, VirtualDisk};
use switchback_engine::ports::{CloudRequest, HypervisorRequest, Instance};
use switchback_engine::role::{Address, CallId, Input};
use switchback_engine::{DiskId, MachineId, Site};
use switchback_sim::SimTime;
use switchback_vsphere as vsphere;

use super::event::Event;
use super::{Happening, PhysicalDisk, Sabotage, SiteCall, World};
use crate::content::Simulated;

/// The way of an answer from a service to the vault.
const ANSWER_AFTER: Duration = Duration::from_millis(1);

impl<C: Simulated> World<C> {
    /// The vault asks vCenter. It is reached over the line between the sites: while that is cut, nothing comes back.
    pub(super) fn ask_hypervisor(&mut self, call: CallId, request: HypervisorRequest) {
        if self.network.wan_is_cut() {
            return;
        }
        if let HypervisorRequest::PowerOn(machine) = &request {
            self.judge_order_of_plan(*machine, Site::Primary);
        }
        let now = self.now();
        if let (Some(Sabotage::ReplicaBeforeAgent), HypervisorRequest::InstallAgent(machine)) =
            (self.sabotage, &request)
        {
            let disk = DiskId { machine: *machine, index: 0 };
            self.ask_cloud(CallId(u64::MAX), CloudRequest::CreateReplica(disk, 2048));
        }
        let (kind, _) = vsphere::RequestKind::of(&request);
        let fired = self.vcenter.rules_fired();
        let started = self.vcenter.begin(now, call, request);
        if self.vcenter.rules_fired() > fired {
            self.note(Happening::CallFailed { call: SiteCall::Vsphere(kind) });
        }
        started.consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        self.kernel.schedule_at(started.done_at, Event::HypervisorDone(call));
    }

    pub(super) fn hypervisor_done(&mut self, call: CallId) {
        let now = self.now();
        self.look_at_installer();
        let outcome = self.vcenter.finish(now, call);
        self.judge_call(call, !outcome.consequences.is_empty(), outcome.result.as_ref());
        outcome.consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        if let Some(result) = outcome.result
            && !self.network.wan_is_cut()
            && self.sabotage != Some(Sabotage::SwallowAnswers)
        {
            self.input_after(ANSWER_AFTER, Address::Control, Input::Hypervisor { call, result });
        }
    }

    pub(super) fn vsphere_consequence(&mut self, consequence: vsphere::Consequence) {
        use vsphere::Consequence;
        match consequence {
            Consequence::MachineStarted(machine) => self.boot(machine, Site::Primary),
            Consequence::MachineStopped(machine) => self.cut_power(machine, Site::Primary),
            Consequence::GuestShutDownRequested(machine) => self.shut_down_guest(machine, Site::Primary),
            Consequence::MachineCreated { machine, disk_sectors } => {
                for (index, sectors) in disk_sectors.into_iter().enumerate() {
                    let disk = PhysicalDisk::Home(DiskId { machine, index: index as u8 });
                    self.storage.set(disk, Some(VirtualDisk::new(sectors).with_write_through()));
                }
                // Its agent knows nothing yet, whatever the one of the machine before knew.
                self.hosts.agent_mut(machine, Site::Primary).store = switchback_sim::DurableStore::new();
                let left: Vec<_> = self.vcenter.left_of(machine).cloned().collect();
                if let (Some(Sabotage::TouchLeftMachine), Some(vm)) = (self.sabotage, left.first()) {
                    // A snapshot that cannot be taken is none, and then the judge has nothing to find.
                    let _ = self.vcenter.take_snapshot(self.now(), vm.moid, "by mistake");
                }
                self.judge_creation(machine, &left);
                self.judges.created_beside(machine, left);
            }
            Consequence::MachineRemoved(machine) => self.for_disks(machine, |world, disk| {
                world.storage.set(PhysicalDisk::Home(disk), None);
            }),
            Consequence::DisksAttached(machine) => {
                // Under the master target a write is durable only when it was flushed.
                self.for_disks(machine, |world, disk| {
                    world.rewrap(disk, false);
                    world.forget_behind(disk);
                });
                self.judges.disks_replaced(machine, Site::Primary);
            }
            Consequence::DisksDetached(machine) => {
                self.for_disks(machine, |world, disk| world.rewrap(disk, true));
                self.brings_preparation_home(machine);
            }
            Consequence::DisksUnavailable(machine) => self.judges.expect_cut_off(machine),
            Consequence::SnapshotTaken(machine) => {
                self.for_disks(machine, |world, disk| world.storage.keep_home(disk));
            }
            Consequence::SnapshotReverted(machine) => {
                self.for_disks(machine, |world, disk| world.storage.revert_home(disk));
            }
            Consequence::SnapshotsMerged { .. } => {}
            Consequence::DiskGrew { disk, sectors } => self.home_disk_grew(disk, sectors),
        }
    }

    /// Changes whether every write to a machine's home disk is durable at once.
    fn rewrap(&mut self, disk: DiskId, write_through: bool) {
        let physical = PhysicalDisk::Home(disk);
        if let Some(content) = self.storage.snapshot(physical) {
            let disk = VirtualDisk::from_snapshot(&content);
            self.storage.set(physical, Some(if write_through { disk.with_write_through() } else { disk }));
        }
    }

    fn for_disks(&mut self, machine: MachineId, each: impl Fn(&mut Self, DiskId)) {
        for index in 0..self.spec.machines[machine.0 as usize].disks.len() {
            each(self, DiskId { machine, index: index as u8 });
        }
    }

    /// The vault asks the cloud.
    pub(super) fn ask_cloud(&mut self, call: CallId, request: CloudRequest<C>) {
        let now = self.now();
        let request = match (self.sabotage, request) {
            // The twin of the judge of orphans: asked to delete, the cloud does something harmless instead.
            (Some(Sabotage::KeepCloudMachine), CloudRequest::DeleteMachine(Instance::Recovered, machine)) => {
                CloudRequest::StopMachine(machine)
            }
            // The twin of the judge of starts: asked to prepare a machine, the cloud does something harmless instead.
            (Some(Sabotage::SkipPreparation), CloudRequest::PrepareBoot(_, machine)) => {
                CloudRequest::StopMachine(machine)
            }
            (_, request) => request,
        };
        if let CloudRequest::StartMachine(instance, machine) = &request {
            self.judge_order_of_plan(*machine, Site::Recovery);
            self.judge_instance(*instance, *machine);
        }
        if let CloudRequest::RunScript(run) = &request {
            self.judges.script_asked.entry((run.job, run.step)).or_insert(now);
            self.judge_script_is_away(run);
        }
        let (kind, _) = azure::RequestKind::of(&request);
        let fired = self.azure.rules_fired();
        let started = self.azure.begin(now, call, request);
        if self.azure.rules_fired() > fired {
            self.note(Happening::CallFailed { call: SiteCall::Azure(kind) });
        }
        started.consequences.into_iter().for_each(|consequence| self.azure_consequence(consequence));
        self.kernel.schedule_at(started.done_at, Event::CloudDone(call));
    }

    pub(super) fn cloud_done(&mut self, call: CallId) {
        let now = self.now();
        self.really_run_script(call);
        let known = self.azure.scripts_ran().len();
        let outcome = self.azure.finish(now, call);
        self.note_scripts(known);
        self.judge_call(call, !outcome.consequences.is_empty(), outcome.result.as_ref());
        outcome.consequences.into_iter().for_each(|consequence| self.azure_consequence(consequence));
        if let Some(result) = outcome.result
            && self.sabotage != Some(Sabotage::SwallowAnswers)
        {
            let mut result = result;
            self.sabotage.iter().for_each(|sabotage| sabotage.tamper_answer(&mut result));
            self.input_after(ANSWER_AFTER, Address::Control, Input::Cloud { call, result });
        }
    }

    /// A script is about to end: who really runs them says how.
    fn really_run_script(&mut self, call: CallId) {
        let now = self.now();
        let Some((run, context)) = self.azure.script_ending(now, call) else { return };
        if let Some(exit) = self.outside.run(now, &run.script, &context) {
            self.azure.script_ends_with(&run, exit);
        }
    }

    /// Scripts that have ended since so many were known.
    fn note_scripts(&mut self, known: usize) {
        for number in known..self.azure.scripts_ran().len() {
            let azure::ScriptRan { run, context, exit, .. } = &self.azure.scripts_ran()[number];
            let (place, context, exit) = (run.script.place().to_owned(), context.clone(), *exit);
            self.note(Happening::ScriptRan { place, exit, context });
        }
    }

    pub(super) fn azure_consequence(&mut self, consequence: azure::Consequence<C>) {
        use azure::Consequence;
        match consequence {
            Consequence::ReplicaCreated(disk, sectors) => {
                self.storage.set(PhysicalDisk::Replica(disk), Some(VirtualDisk::new(sectors)));
            }
            Consequence::ReplicaDeleted(disk) => self.storage.set(PhysicalDisk::Replica(disk), None),
            Consequence::ReplicaGrew(disk, sectors) => self.disk_grows(PhysicalDisk::Replica(disk), sectors),
            Consequence::DiskCreated(instance, disk, view, sectors) => {
                let base = self.storage.snapshot(PhysicalDisk::Replica(disk));
                let base = base.unwrap_or_else(|| Snapshot::blank(sectors));
                let content = VirtualDisk::from_view(&view, &base, sectors).with_write_through();
                self.storage.set(made_for(instance, disk), Some(content));
                if instance == Instance::Recovered {
                    self.judges.disks_replaced(disk.machine, Site::Recovery);
                }
            }
            Consequence::DiskDeleted(instance, disk) => self.storage.set(made_for(instance, disk), None),
            Consequence::MachineCreated(Instance::Recovered, machine) => {
                // A machine made from disks has an agent that knows nothing yet.
                let agent = self.hosts.agent_mut(machine, Site::Recovery);
                agent.store = switchback_sim::DurableStore::new();
            }
            Consequence::MachineStarted(Instance::Recovered, machine) => {
                self.judge_boot(Instance::Recovered, machine);
                self.boot(machine, Site::Recovery);
            }
            // A test machine is on a network of its own: nobody hears its agent, and nobody works on it.
            Consequence::MachineStarted(Instance::Test, machine) => {
                self.note(Happening::TestMachineStarted { machine });
                self.judge_boot(Instance::Test, machine);
                self.judge_test_machine(machine);
            }
            Consequence::MachineCreated(Instance::Test, _)
            | Consequence::MachineDeleted(Instance::Test, _) => {}
            Consequence::GuestShutDownRequested(machine) => self.shut_down_guest(machine, Site::Recovery),
            Consequence::MachineStopped(machine)
            | Consequence::MachineDeleted(Instance::Recovered, machine) => {
                self.cut_power(machine, Site::Recovery);
            }
        }
    }

    /// A guest that went down by itself: the site notes it, and calls that waited for it are done earlier.
    pub(super) fn machine_is_off(&mut self, machine: MachineId, site: Site) {
        let now = self.now();
        let done: Vec<(CallId, SimTime)> = match site {
            Site::Primary => self.vcenter.guest_stopped(now, machine).unwrap_or_default(),
            Site::Recovery => self.azure.guest_stopped(now, machine).unwrap_or_default(),
        };
        for (call, at) in done {
            let event =
                if site == Site::Primary { Event::HypervisorDone(call) } else { Event::CloudDone(call) };
            self.kernel.schedule_at(at, event);
        }
    }
}

const fn made_for(instance: Instance, disk: DiskId) -> PhysicalDisk {
    match instance {
        Instance::Recovered => PhysicalDisk::Recovered(disk),
        Instance::Test => PhysicalDisk::Test(disk),
    }
}
