//! The site at home: its machines, which can be turned on and off, and whose disks can be given to the target here.

use std::collections::BTreeMap;
use std::sync::Arc;

use switchback_engine::ports::{
    DatastoreFound, DatastoreKind, Drive, DriveUse, HypervisorAnswer, HypervisorRequest, Inspection,
    Installed, MasterTargetFound, PortFailure,
};
use switchback_engine::recovery::MachineProfile;
use switchback_engine::role::DiskRef;
use switchback_engine::{DatastoreId, MachineId, Site};

use crate::disks::{Disk, Disks};
use crate::machine::Machine;

/// The only place for disks that a node has: the directory that they are in.
const DATASTORE: DatastoreId = DatastoreId(0);

/// The machines at home.
pub struct Home {
    machines: BTreeMap<MachineId, Arc<Machine>>,
    disks: Arc<Disks>,
}

impl Home {
    /// These.
    #[must_use]
    pub const fn new(machines: BTreeMap<MachineId, Arc<Machine>>, disks: Arc<Disks>) -> Self {
        Self { machines, disks }
    }

    /// A machine.
    #[must_use]
    pub fn machine(&self, machine: MachineId) -> Option<&Arc<Machine>> {
        self.machines.get(&machine)
    }

    /// All of them.
    pub fn machines(&self) -> impl Iterator<Item = &Arc<Machine>> {
        self.machines.values()
    }

    /// Does what control asks, and waits for it.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn call(&self, request: &HypervisorRequest) -> Result<HypervisorAnswer, PortFailure> {
        match request {
            HypervisorRequest::Inspect(machine) => self.inspect(*machine).map(HypervisorAnswer::Machine),
            HypervisorRequest::ShutDown(machine) => self.known(*machine)?.stop().map_err(failed).map(done),
            HypervisorRequest::PowerOn(machine) => self.known(*machine)?.start().map_err(failed).map(done),
            HypervisorRequest::InstallAgent(machine) => {
                self.known(*machine)?;
                Ok(HypervisorAnswer::Installed(Installed { updated: false, restart_needed: false }))
            }
            HypervisorRequest::AttachDisks(machine) => self.attach(*machine).map(done),
            HypervisorRequest::DetachDisks(machine) => {
                let found = self.known(*machine)?;
                let taken: Vec<_> = found
                    .disk_ids()
                    .filter_map(|disk| self.disks.take_away(DiskRef::Replica(disk, Site::Primary)))
                    .collect();
                if !taken.is_empty() {
                    found.take_disks_back();
                }
                Ok(HypervisorAnswer::Done)
            }
            HypervisorRequest::InspectMasterTarget(..) => {
                Ok(HypervisorAnswer::MasterTarget(MasterTargetFound {
                    running: true,
                    registered: true,
                    same_family: true,
                    drives: vec![Drive {
                        capacity_bytes: u64::MAX,
                        holds: DriveUse::Nothing,
                        is_fat: false,
                        is_locked: false,
                    }],
                }))
            }
            HypervisorRequest::AssignMasterTarget(..) => Ok(HypervisorAnswer::Done),
            HypervisorRequest::CreateMachine(machine, ..) => match self.machines.contains_key(machine) {
                true => Err(PortFailure::AlreadyExists),
                // Where its disks would be is for the file that describes the node to say.
                false => Err(PortFailure::NotFound),
            },
            // What comes home by a snapshot is another stack's; a node has none.
            HypervisorRequest::TakeSnapshot(_)
            | HypervisorRequest::RevertSnapshot(_)
            | HypervisorRequest::RemoveSnapshot(_) => {
                Err(PortFailure::WrongState("the disks of a node have no snapshots".to_owned()))
            }
        }
    }

    fn known(&self, machine: MachineId) -> Result<&Arc<Machine>, PortFailure> {
        self.machines.get(&machine).ok_or(PortFailure::NotFound)
    }

    fn inspect(&self, machine: MachineId) -> Result<Inspection, PortFailure> {
        let Some(found) = self.machines.get(&machine) else { return Ok(Inspection::ABSENT) };
        let sectors = found.disk_sectors().map_err(|error| PortFailure::WrongState(error.to_string()))?;
        let first = found.disk_ids().next();
        let attached = first.is_some_and(|id| self.disks.get(DiskRef::Replica(id, Site::Primary)).is_some());
        Ok(Inspection {
            exists: true,
            running: found.is_on(),
            disks_attached: attached,
            profile: Some(MachineProfile::plain(&format!("machine-{}", machine.0), sectors)),
            datastores: vec![DatastoreFound { id: DATASTORE, kind: DatastoreKind::Vmfs }],
            ..Inspection::ABSENT
        })
    }

    /// Gives the disks of a machine that is off to the target.
    fn attach(&self, machine: MachineId) -> Result<(), PortFailure> {
        let found = self.known(machine)?;
        if found.is_on() {
            return Err(PortFailure::WrongState("its disks are in use: the machine is on".to_owned()));
        }
        let names = || found.disk_ids().map(|id| DiskRef::Replica(id, Site::Primary));
        if names().all(|name| self.disks.get(name).is_some()) {
            return Ok(());
        }
        let wrong = |error: &dyn ToString| PortFailure::WrongState(error.to_string());
        let opened = found.spec().images.iter().map(|image| Disk::open(image).map(Arc::new));
        let opened: Vec<_> = opened.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
        found.check_disks(&opened).map_err(|error| wrong(&error))?;
        names().zip(opened).for_each(|(name, disk)| self.disks.put(name, disk));
        Ok(())
    }
}

const fn done((): ()) -> HypervisorAnswer {
    HypervisorAnswer::Done
}

fn failed(error: crate::machine::MachineError) -> PortFailure {
    match error {
        crate::machine::MachineError::DidNotStop(_) => PortFailure::GuestUnresponsive,
        other => PortFailure::WrongState(other.to_string()),
    }
}
