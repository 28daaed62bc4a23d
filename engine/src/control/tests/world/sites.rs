//! The two sites: every call is carried out once, whatever number of times it is made under its number.

use super::{Place, World, inspection};
use crate::content::Stamp;
use crate::id::Site;
use crate::ports::{
    CloudAnswer, CloudRequest, Drive, DriveUse, HypervisorAnswer, HypervisorRequest, Inspection, Installed,
    Instance, MasterTargetFound, PortFailure,
};
use crate::recovery::{MachineProfile, RecoverySettings, Violation};
use crate::role::{CallId, Input};

/// One that will do.
fn suitable_master_target() -> MasterTargetFound {
    let drive = Drive { capacity_bytes: 1 << 30, holds: DriveUse::Nothing, is_fat: false, is_locked: false };
    MasterTargetFound { running: true, registered: true, same_family: true, drives: vec![drive] }
}

/// A cloud that takes names without a dot and any size but none.
fn examine(
    profile: &MachineProfile,
    settings: Option<&RecoverySettings>,
) -> Result<CloudAnswer, PortFailure> {
    let chosen = || RecoverySettings {
        name: profile.name.clone(),
        resource_group: "rg".to_owned(),
        size: "small".to_owned(),
        availability_set: None,
        managed_disks: true,
        network: "net".to_owned(),
        subnet: None,
        address: None,
        public_address: false,
        test_network: None,
    };
    let settings = settings.cloned().unwrap_or_else(chosen);
    let broken = [("name", settings.name.contains('.')), ("size", settings.size == "none")];
    let broken = broken.into_iter().filter(|(_, is_broken)| *is_broken);
    let violations: Vec<Violation> =
        broken.map(|(rule, _)| Violation { rule: rule.to_owned(), found: String::new() }).collect();
    match violations.is_empty() {
        true => Ok(CloudAnswer::Suits(Box::new(settings))),
        false => Err(PortFailure::Unsuitable(violations)),
    }
}

impl World {
    pub(super) fn hypervisor(&mut self, call: CallId, request: &HypervisorRequest) {
        let name = format!("{request:?}");
        if !self.hypervisor_answers.contains_key(&call) {
            let result = match self.fails(&name) {
                Some(failure) => Err(failure),
                None => self.do_at_home(request),
            };
            self.done.push(name.clone());
            self.hypervisor_answers.insert(call, result);
        }
        let result = self.hypervisor_answers[&call].clone();
        if !self.loses(&name) {
            self.inbox.push_back(Input::Hypervisor { call, result });
        }
    }

    fn do_at_home(&mut self, request: &HypervisorRequest) -> Result<HypervisorAnswer, PortFailure> {
        let wrong = |why: &str| Err(PortFailure::WrongState(why.to_owned()));
        match *request {
            HypervisorRequest::Inspect(machine) => {
                let place = *self.place(machine, Site::Primary);
                let profile = place.exists.then(|| MachineProfile::plain("web", vec![1 << 20, 1 << 18]));
                return Ok(HypervisorAnswer::Machine(Inspection { profile, ..inspection(place) }));
            }
            HypervisorRequest::InstallAgent(_) => {
                let installed = Installed { updated: false, restart_needed: false };
                return Ok(HypervisorAnswer::Installed(installed));
            }
            HypervisorRequest::ShutDown(machine) => {
                if !self.place(machine, Site::Primary).running {
                    return wrong("it does not run");
                }
                self.place(machine, Site::Primary).running = false;
                self.last_marker(machine, Site::Primary);
            }
            HypervisorRequest::PowerOn(machine) => {
                let place = self.place(machine, Site::Primary);
                if place.running || place.attached || !place.exists {
                    return wrong("it runs, or its disks are elsewhere");
                }
                place.running = true;
            }
            HypervisorRequest::CreateMachine(machine, ref disks, _) => {
                let before = *self.place(machine, Site::Primary);
                if before.exists && before.standing.with_master_target && !before.guest.physical {
                    return Err(PortFailure::AlreadyExists);
                }
                let standing = crate::ports::Place { with_master_target: true, ..before.standing };
                *self.place(machine, Site::Primary) =
                    Place { exists: true, disks: disks.len() as u32, standing, ..Place::default() };
            }
            HypervisorRequest::InspectMasterTarget(..) => {
                return Ok(HypervisorAnswer::MasterTarget(suitable_master_target()));
            }
            HypervisorRequest::AssignMasterTarget(..) => {}
            HypervisorRequest::AttachDisks(machine) => {
                let place = self.place(machine, Site::Primary);
                if place.running || place.attached {
                    return wrong("its disks are in use");
                }
                place.attached = true;
            }
            HypervisorRequest::DetachDisks(machine) => {
                let place = self.place(machine, Site::Primary);
                if !place.attached {
                    return wrong("its disks are not attached");
                }
                place.attached = false;
            }
            HypervisorRequest::TakeSnapshot(machine) => {
                let place = self.place(machine, Site::Primary);
                if place.running || place.attached {
                    return wrong("its disks are in use");
                }
                place.snapshot = true;
            }
            HypervisorRequest::RevertSnapshot(machine) => {
                let place = self.place(machine, Site::Primary);
                (place.running, place.snapshot) = (false, false);
            }
            HypervisorRequest::RemoveSnapshot(machine) => {
                self.place(machine, Site::Primary).snapshot = false;
            }
        }
        Ok(HypervisorAnswer::Done)
    }

    pub(super) fn cloud(&mut self, call: CallId, request: &CloudRequest<Stamp>) {
        let name = format!("{request:?}");
        let name = name.split_once(", View").map_or_else(|| name.clone(), |(short, _)| short.to_owned());
        if !self.cloud_answers.contains_key(&call) {
            let result = match self.fails(&name) {
                Some(failure) => Err(failure),
                None => self.do_away(request),
            };
            self.done.push(name.clone());
            self.cloud_answers.insert(call, result);
        }
        let result = self.cloud_answers[&call].clone();
        if !self.loses(&name) {
            self.inbox.push_back(Input::Cloud { call, result });
        }
    }

    fn do_away(&mut self, request: &CloudRequest<Stamp>) -> Result<CloudAnswer, PortFailure> {
        let wrong = |why: &str| Err(PortFailure::WrongState(why.to_owned()));
        match *request {
            CloudRequest::Inspect(instance, machine) => {
                let place = *self.instance(instance, machine);
                return Ok(CloudAnswer::Machine(inspection(place)));
            }
            CloudRequest::CreateReplica(disk, _) => {
                return Ok(if self.replicas.insert(disk) { CloudAnswer::Done } else { CloudAnswer::Existed });
            }
            CloudRequest::CreateDisk(instance, disk, ..) => self.instance(instance, disk.machine).disks += 1,
            CloudRequest::Examine(_, ref profile, ref settings) => {
                return examine(profile, settings.as_deref());
            }
            CloudRequest::CreateMachine(instance, machine, _) => {
                let place = self.instance(instance, machine);
                if place.exists {
                    return Err(PortFailure::AlreadyExists);
                }
                place.exists = true;
            }
            CloudRequest::PrepareBoot(instance, machine) => {
                let place = self.instance(instance, machine);
                if !place.exists || place.running {
                    return wrong("it is not there, or runs");
                }
            }
            CloudRequest::StartMachine(instance, machine) => {
                let place = self.instance(instance, machine);
                if !place.exists || place.disks != 2 {
                    return wrong("it is not there, or not with its two disks");
                }
                place.running = true;
                let home = *self.place(machine, Site::Primary);
                let came_home = home.running && home.snapshot;
                assert!(instance == Instance::Test || !came_home, "it runs on both sides");
                self.boots_again(machine, instance);
            }
            CloudRequest::StopMachine(machine) => {
                if !self.place(machine, Site::Recovery).running {
                    return wrong("it does not run");
                }
                self.place(machine, Site::Recovery).running = false;
                self.last_marker(machine, Site::Recovery);
            }
            CloudRequest::DeleteMachine(instance, machine) => {
                *self.instance(instance, machine) = Place::default()
            }
            CloudRequest::DeleteReplica(disk) => {
                self.replicas.remove(&disk);
            }
            CloudRequest::RunScript(_) => {}
        }
        Ok(CloudAnswer::Done)
    }
}
