//! What comes up is what was asked for: a machine in Azure has the properties that users gave it and breaks no rule, and
//! a machine that comes home comes to the place that was named.
//!
//! Judged by what users asked for and were not refused, by the scenario's machines, and by what stands at the sites. What the
//! vault keeps of either is not looked at.

use switchback_azure::VirtualMachine as Instantiated;
use switchback_azure::requirements::violations;
use switchback_engine::control::{Command, Location, PlanCommand, PlanOperation, ReprotectWay, Stack};
use switchback_engine::ports::Instance;
use switchback_engine::recovery::{Firmware, MachineProfile, RecoverySettings, SettingsChange};
use switchback_engine::{DatastoreId, MachineId, MasterTargetId};
use switchback_vsphere::{DatastoreKind, HostMoid, Management, Misreading, VirtualMachine};

use super::Judge;
use crate::content::Simulated;
use crate::world::World;

/// What of a machine in Azure is not as it is wanted, property by property.
pub(crate) fn differences(wanted: &SettingsChange, vm: &Instantiated) -> Vec<String> {
    let mut differences = Vec::new();
    let mut text = |what: &str, wanted: Option<&str>, found: Option<&str>| {
        if let Some(wanted) = wanted.filter(|wanted| Some(*wanted) != found) {
            differences.push(format!("{what} {}, wanted {wanted}", found.unwrap_or("none")));
        }
    };
    text("name", wanted.name.as_deref(), Some(&vm.name));
    text("resource group", wanted.resource_group.as_deref(), Some(&vm.resource_group));
    text("size", wanted.size.as_deref(), Some(vm.size.name()));
    text("availability set", wanted.availability_set.as_deref(), vm.availability_set.as_deref());
    text("network", wanted.network.as_deref(), Some(&vm.nic.network));
    text("subnet", wanted.subnet.as_deref(), Some(&vm.nic.subnet));
    let address = wanted.address.map(|address| address.to_string());
    text("address", address.as_deref(), Some(&vm.nic.private_ip.to_string()));
    let flags = [
        ("public address", wanted.public_address, vm.nic.public_ip.is_some()),
        ("managed disks", wanted.managed_disks, vm.managed_disks),
    ];
    for (what, wanted, found) in flags {
        text(what, wanted.map(flag), Some(flag(found)));
    }
    differences
}

const fn flag(is_so: bool) -> &'static str {
    if is_so { "true" } else { "false" }
}

/// Takes what a user has set into the last word on each property. An address belongs to a subnet and a subnet to a network:
/// what lay in one that was left is not asked for any more. Written again and not taken from the engine, which is judged.
fn hear(wanted: &mut SettingsChange, change: &SettingsChange) {
    if change.network.is_some() && change.network != wanted.network {
        (wanted.subnet, wanted.address) = (None, None);
    }
    if change.subnet.is_some() && change.subnet != wanted.subnet {
        wanted.address = None;
    }
    let text = |new: &Option<String>, old: &mut Option<String>| *old = new.clone().or_else(|| old.take());
    text(&change.name, &mut wanted.name);
    text(&change.resource_group, &mut wanted.resource_group);
    text(&change.size, &mut wanted.size);
    text(&change.availability_set, &mut wanted.availability_set);
    text(&change.network, &mut wanted.network);
    text(&change.subnet, &mut wanted.subnet);
    wanted.managed_disks = change.managed_disks.or(wanted.managed_disks);
    wanted.address = change.address.or(wanted.address);
    wanted.public_address = change.public_address.or(wanted.public_address);
}

/// What a machine of a test failover shares with the one of a failover: it is named after that one, and may be in a network
/// of its own.
fn of_test(wanted: SettingsChange) -> SettingsChange {
    SettingsChange { name: None, network: None, subnet: None, address: None, public_address: None, ..wanted }
}

impl<C: Simulated> World<C> {
    /// The vault has a machine started in the cloud.
    pub(crate) fn judge_instance(&mut self, instance: Instance, machine: MachineId) {
        let Some(vm) = self.azure().instance(instance, machine) else { return };
        let wanted = self.settings_asked(machine).unwrap_or_default();
        let wanted = if instance == Instance::Test { of_test(wanted) } else { wanted };
        let mut wrong = differences(&wanted, vm);
        let broken = violations(&self.profile(machine), &settings_of(vm));
        wrong.extend(broken.iter().map(|violation| format!("a rule broken: {violation}")));
        wrong.extend(self.does_not_go_with(vm));
        let name = vm.name.clone();
        self.judges.looked(Judge::AsAsked);
        for what in wrong {
            self.found_about(machine, Judge::AsAsked, format!("{name} starts in the cloud with {what}"));
        }
    }

    /// A machine of another family of sizes in its availability set.
    fn does_not_go_with(&self, vm: &Instantiated) -> Option<String> {
        let set = vm.availability_set.as_deref()?;
        // A size is named after its family: `Standard_D2s_v3` is of D.
        let family = |vm: &Instantiated| vm.size.name().trim_start_matches("Standard_").chars().next();
        let is_beside = |other: &&Instantiated| other.availability_set.as_deref() == Some(set);
        let other = self.azure().machines().filter(is_beside).find(|other| family(other) != family(vm))?;
        let (own, size) = (vm.size.name(), other.size.name());
        Some(format!("size {own} in availability set {set}, where {} has {size}", other.name))
    }

    /// What users have set for a machine since it was last protected anew, each property by the last word on it. Nothing can be said while a request is not
    /// answered: it may have been taken or not.
    fn settings_asked(&self, machine: MachineId) -> Option<SettingsChange> {
        let mut wanted = SettingsChange::default();
        for (id, command) in self.asked() {
            match command {
                Command::Enable { machines, .. }
                    if machines.iter().any(|(member, _)| *member == machine) && self.reply(*id)?.is_ok() =>
                {
                    wanted = SettingsChange::default();
                }
                Command::Join { machine: newcomer, .. }
                    if *newcomer == machine && self.reply(*id)?.is_ok() =>
                {
                    wanted = SettingsChange::default();
                }
                Command::Configure { machine: whose, change }
                    if *whose == machine && self.reply(*id)?.is_ok() =>
                {
                    hear(&mut wanted, change);
                }
                _ => {}
            }
        }
        Some(wanted)
    }

    /// A machine as the scenario describes it.
    fn profile(&self, machine: MachineId) -> MachineProfile {
        let spec = &self.spec().machines[machine.0 as usize];
        let disk_sectors = spec.disks.iter().map(|disk| disk.sectors).collect();
        let firmware = if spec.uefi { Firmware::Uefi } else { Firmware::Bios };
        MachineProfile { windows: spec.windows, firmware, ..MachineProfile::plain(&spec.name, disk_sectors) }
    }

    /// A machine's data begins to come home.
    pub(super) fn judge_way_home(&mut self, machine: MachineId) {
        let Some(way) = self.way_home_asked(machine) else { return };
        let Some(vm) = self.vcenter().machine(machine) else { return };
        let mut wrong: Vec<String> = self.is_received_elsewhere(vm, way.master_target).into_iter().collect();
        if way.location == Location::Alternate && !self.judges.moved_at_home.contains(&machine) {
            wrong.extend(self.is_at_another_place(vm, way.datastore));
        }
        if self.vcenter().is_misread(Some(machine), Misreading::DisksOfMasterTarget) {
            wrong.push("its disks cannot be told from those of the master target".to_owned());
        }
        wrong.extend(self.is_against_the_stack(vm, way.master_target).map(str::to_owned));
        let name = vm.name.clone();
        self.judges.looked(Judge::AsAsked);
        for what in wrong {
            self.found_about(machine, Judge::AsAsked, format!("{name} comes home, and {what}"));
        }
    }

    /// The last request for the way home that was not refused. None while it is not answered.
    pub(crate) fn way_home_asked(&self, machine: MachineId) -> Option<ReprotectWay> {
        let mut asked = self.asked().iter().rev().filter(|(id, _)| !matches!(self.reply(*id), Some(Err(_))));
        let (id, way) = asked.find_map(|(id, command)| Some((*id, self.way_home_of(command, machine)?)))?;
        self.reply(id).map(|_| way)
    }

    fn way_home_of(&self, command: &Command, machine: MachineId) -> Option<ReprotectWay> {
        match *command {
            Command::Reprotect { machine: of, way } if of == machine => Some(way),
            Command::Plan(PlanCommand::Start(plan, PlanOperation::Reprotect(way)))
                if self.plan_as_asked(plan)?.machines().any(|member| member == machine) =>
            {
                Some(way)
            }
            _ => None,
        }
    }

    /// Disks that another than the master target that was named has. Those that nobody has any more were cut off.
    fn is_received_elsewhere(&self, vm: &VirtualMachine, named: Option<MasterTargetId>) -> Option<String> {
        let named = self.vcenter().master_targets().get(usize::from(named?.0))?;
        let elsewhere = |at| at != vm.moid && at != *named;
        let disk = vm.disks.iter().find(|disk| elsewhere(disk.attached_to))?;
        Some(format!("{} receives its data, not {named}, which was named", disk.attached_to))
    }

    /// What the other stack would take (site-recovery 3.6 and 3.3): a host without VMFS, a master target that is named.
    fn is_against_the_stack(
        &self,
        vm: &VirtualMachine,
        named: Option<MasterTargetId>,
    ) -> Option<&'static str> {
        if self.spec().site.stack == Stack::Modernised {
            return named.map(|_| "a master target was named, and an appliance receives its data");
        }
        let vcenter = self.vcenter();
        let host = vcenter.vm(vm.disks.first()?.attached_to)?.host;
        let mut mounted = vcenter.datastores().filter(|store| store.is_mounted_on(host));
        let has_vmfs = mounted.any(|store| store.kind == DatastoreKind::Vmfs);
        (!has_vmfs).then_some("the host of its master target has no VMFS datastore")
    }

    fn is_at_another_place(&self, vm: &VirtualMachine, datastore: Option<DatastoreId>) -> Option<String> {
        let vcenter = self.vcenter();
        let wanted = vcenter.datastore_numbered(datastore?)?;
        let host = |of| vcenter.vm(of).map(|vm| vm.host);
        let received_on = host(vm.disks.first()?.attached_to)?;
        if vm.host != received_on {
            return Some(format!("it is on {}, not on the master target's host {received_on}", vm.host));
        }
        let elsewhere = vm.disks.iter().find(|disk| disk.datastore != wanted)?;
        Some(format!("a disk lies on {}, not on {wanted}, which was named", elsewhere.datastore))
    }

    /// What a new machine at home must not be: one with disks that cannot be made anew, or on a file server.
    fn cannot_be_new(&self, machine: MachineId) -> Option<&'static str> {
        let disks = &self.spec().machines[machine.0 as usize].disks;
        if disks.iter().any(|disk| disk.raw.is_some()) {
            return Some("a machine with disks that are mapped to raw devices is made anew at home");
        }
        let vcenter = self.vcenter();
        let on = |vm: &VirtualMachine| vcenter.datastore(vm.datastore).map(|store| store.kind);
        let is_on_nfs = vcenter.machine(machine).and_then(on) == Some(DatastoreKind::Nfs);
        is_on_nfs.then_some("a new machine at home lies on NFS, which takes none")
    }

    /// A machine was created at home: nobody has asked for that where the one that is there could be used.
    pub(crate) fn judge_creation(&mut self, machine: MachineId, left: &[VirtualMachine]) {
        self.judges.looked(Judge::AsAsked);
        if let Some(what) = self.cannot_be_new(machine) {
            self.found_about(machine, Judge::AsAsked, what.to_owned());
        }
        let wants_original =
            self.way_home_asked(machine).is_some_and(|way| way.location == Location::Original);
        let useful = left.last().filter(|vm| wants_original && self.is_managed(vm.host));
        if let Some(name) = useful.map(|vm| vm.name.clone()) {
            let what = format!("a machine is created at home although {name} is there and can be used");
            self.found_about(machine, Judge::AsAsked, what);
        }
    }

    fn is_managed(&self, host: HostMoid) -> bool {
        self.vcenter().host(host).is_some_and(|host| host.management == Management::VCenter)
    }
}

/// What a machine of the cloud is like, in the words of its settings.
fn settings_of(vm: &Instantiated) -> RecoverySettings {
    RecoverySettings {
        name: vm.name.clone(),
        resource_group: vm.resource_group.clone(),
        size: vm.size.name().to_owned(),
        availability_set: vm.availability_set.clone(),
        managed_disks: vm.managed_disks,
        network: vm.nic.network.clone(),
        subnet: Some(vm.nic.subnet.clone()),
        address: Some(vm.nic.private_ip),
        public_address: vm.nic.public_ip.is_some(),
        test_network: None,
    }
}
