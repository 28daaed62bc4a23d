//! The site away: replica disks, and machines that are made of recovery points.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use switchback_engine::journal::View;
use switchback_engine::ports::{CloudAnswer, CloudRequest, Inspection, Instance, PortFailure};
use switchback_engine::recovery::{MachineProfile, RecoverySettings};
use switchback_engine::role::DiskRef;
use switchback_engine::{DiskId, MachineId, PointId, Site};

use crate::attached::write_out;
use crate::clock::Clock;
use crate::content::Data;
use crate::disks::{Disk, Disks};
use crate::machine::{Machine, MachineSpec};
use crate::seat::World;

/// What is known of the site.
#[derive(Debug, Clone)]
pub struct AwaySpec {
    /// Where replica disks are, and the disks of machines that are made.
    pub directory: PathBuf,
    /// Where the disks of each recovered machine are served.
    pub exports: BTreeMap<MachineId, crate::nbd::Address>,
    /// What the agent of a recovered machine keeps in memory, in bytes.
    pub pool_bytes: u64,
    /// How often it closes batches that do not fill up.
    pub drain_every: Duration,
}

/// The site away.
pub struct Away {
    spec: AwaySpec,
    clock: Clock,
    disks: Arc<Disks>,
    world: Arc<dyn World>,
    machines: Mutex<BTreeMap<MachineId, Arc<Machine>>>,
    /// One call at a time changes what is there.
    changes: Mutex<()>,
}

/// Opens a disk at a recovery point, by name.
pub(super) type OpenView<'v> = &'v dyn Fn(DiskId, PointId) -> Option<View<Data>>;

impl Away {
    /// A site with what its directory holds: replicas are known again, and a machine that was on runs again.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn open(spec: AwaySpec, clock: Clock, disks: Arc<Disks>, world: Arc<dyn World>) -> io::Result<Self> {
        std::fs::create_dir_all(&spec.directory)?;
        let away = Self { spec, clock, disks, world, machines: Mutex::default(), changes: Mutex::default() };
        for entry in std::fs::read_dir(&away.spec.directory)? {
            away.know(&entry?.file_name().to_string_lossy())?;
        }
        Ok(away)
    }

    /// Takes up what a file of the directory says.
    fn know(&self, name: &str) -> io::Result<()> {
        if let Some(disk) = name.strip_suffix(".replica").and_then(disk_of) {
            let opened = Disk::open(self.replica(disk))?;
            self.disks.put(DiskRef::Replica(disk, Site::Recovery), Arc::new(opened));
        }
        if let Some(machine) =
            name.strip_prefix("recovered-").and_then(|name| name.parse().ok()).map(MachineId)
        {
            let images = self.images(machine)?;
            if !images.is_empty() {
                self.make(machine, images)?;
            }
        }
        Ok(())
    }

    /// Machines that were on run again.
    pub fn resume(&self) {
        for machine in self.machines_there() {
            if let Ok(Some(true)) = machine.was_on()
                && let Err(error) = machine.start()
            {
                tracing::error!(machine = machine.spec().machine.0, %error, "a recovered machine does not start again");
            }
        }
    }

    /// The node goes down, and its machines with it; they count as on.
    pub fn pause(&self) {
        for machine in self.machines_there() {
            if let Err(error) = machine.pause() {
                tracing::warn!(machine = machine.spec().machine.0, %error, "a recovered machine did not stop in order");
            }
        }
    }

    /// The machines that were recovered.
    #[must_use]
    pub fn machines_there(&self) -> Vec<Arc<Machine>> {
        self.machines().values().cloned().collect()
    }

    /// A machine that was recovered.
    #[must_use]
    pub fn machine(&self, machine: MachineId) -> Option<Arc<Machine>> {
        self.machines().get(&machine).cloned()
    }

    /// The base of a disk's recovery points.
    #[must_use]
    pub fn base(&self, disk: DiskId) -> Option<Arc<Disk>> {
        self.disks.get(DiskRef::Replica(disk, Site::Recovery))
    }

    /// Where scratch files go.
    #[must_use]
    pub fn scratch(&self) -> &std::path::Path {
        &self.spec.directory
    }

    /// Does what control asks, and waits for it.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn call(&self, request: &CloudRequest<Data>, open: OpenView<'_>) -> Result<CloudAnswer, PortFailure> {
        let _one_at_a_time = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        match request {
            CloudRequest::Inspect(Instance::Recovered, machine) => {
                Ok(CloudAnswer::Machine(self.inspect(*machine)))
            }
            CloudRequest::Inspect(Instance::Test, _) => Ok(CloudAnswer::Machine(Inspection::ABSENT)),
            CloudRequest::Examine(machine, profile, settings) => {
                self.examine(*machine, profile, settings.as_deref())
            }
            CloudRequest::CreateReplica(disk, sectors) => {
                self.create_replica(*disk, *sectors).map_err(refused)
            }
            CloudRequest::CreateDisk(Instance::Recovered, disk, view, sectors) => {
                let point = view.point().ok_or(PortFailure::NotFound)?;
                let view = open(*disk, point).ok_or(PortFailure::NotFound)?;
                self.create_disk(*disk, &view, *sectors).map(done).map_err(refused)
            }
            CloudRequest::CreateMachine(Instance::Recovered, machine, _) => {
                let images = self.images(*machine).map_err(refused)?;
                self.make(*machine, images).map(done).map_err(refused)
            }
            CloudRequest::PrepareBoot(..) => Ok(CloudAnswer::Done),
            CloudRequest::StartMachine(Instance::Recovered, machine) => {
                let machine = self.machine(*machine).ok_or(PortFailure::NotFound)?;
                machine.start().map(done).map_err(|error| PortFailure::WrongState(error.to_string()))
            }
            CloudRequest::StopMachine(machine) => match self.machine(*machine) {
                Some(machine) => machine.stop().map(done).map_err(|_| PortFailure::GuestUnresponsive),
                None => Ok(CloudAnswer::Done),
            },
            CloudRequest::DeleteMachine(Instance::Recovered, machine) => {
                self.delete_machine(*machine).map(done).map_err(refused)
            }
            CloudRequest::DeleteReplica(disk) => self.delete_replica(*disk).map(done).map_err(refused),
            // A test is what `attach` is for; a plan's scripts are for whoever runs the plan.
            CloudRequest::CreateDisk(Instance::Test, ..)
            | CloudRequest::CreateMachine(Instance::Test, ..)
            | CloudRequest::StartMachine(Instance::Test, _)
            | CloudRequest::RunScript(_) => Err(PortFailure::Disallowed(
                "a node makes no machines for tests and runs no scripts".to_owned(),
            )),
            CloudRequest::DeleteMachine(Instance::Test, _) => Ok(CloudAnswer::Done),
        }
    }

    fn inspect(&self, machine: MachineId) -> Inspection {
        match self.machine(machine) {
            Some(found) => Inspection { exists: true, running: found.is_on(), ..Inspection::ABSENT },
            None => Inspection::ABSENT,
        }
    }

    /// A machine can run here when there is a place to serve its disks at.
    fn examine(
        &self,
        machine: MachineId,
        profile: &MachineProfile,
        settings: Option<&RecoverySettings>,
    ) -> Result<CloudAnswer, PortFailure> {
        if !self.spec.exports.contains_key(&machine) {
            let why = format!("no export is configured for machine {} at the recovery site", machine.0);
            return Err(PortFailure::Disallowed(why));
        }
        let chosen = settings.cloned().unwrap_or_else(|| RecoverySettings {
            name: profile.name.clone(),
            resource_group: String::new(),
            size: String::new(),
            availability_set: None,
            managed_disks: true,
            network: String::new(),
            subnet: None,
            address: None,
            public_address: false,
            test_network: None,
        });
        Ok(CloudAnswer::Suits(Box::new(chosen)))
    }

    fn create_replica(&self, disk: DiskId, sectors: u64) -> io::Result<CloudAnswer> {
        let name = DiskRef::Replica(disk, Site::Recovery);
        if let Some(known) = self.disks.get(name) {
            known.grow(sectors)?;
            return Ok(CloudAnswer::Existed);
        }
        let (made, was_there) = Disk::create(self.replica(disk), sectors)?;
        self.disks.put(name, Arc::new(made));
        Ok(if was_there { CloudAnswer::Existed } else { CloudAnswer::Done })
    }

    fn delete_replica(&self, disk: DiskId) -> io::Result<()> {
        self.disks.take_away(DiskRef::Replica(disk, Site::Recovery));
        gone(std::fs::remove_file(self.replica(disk)))
    }

    /// Makes the disk of a recovered machine. Under its name it is only when it is whole.
    fn create_disk(&self, disk: DiskId, view: &View<Data>, sectors: u64) -> io::Result<()> {
        let directory = self.recovered(disk.machine);
        std::fs::create_dir_all(&directory)?;
        let (image, unfinished) =
            (directory.join(image_name(disk)), directory.join(format!("{}.unfinished", disk.index)));
        if image.exists() {
            return Ok(());
        }
        gone(std::fs::remove_file(&unfinished))?;
        let base = self
            .base(disk)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the replica disk is gone"))?;
        let (made, _) = Disk::create(&unfinished, sectors)?;
        write_out(view, &base, sectors, &made)?;
        std::fs::rename(&unfinished, &image)?;
        std::fs::File::open(&directory)?.sync_all()
    }

    fn make(&self, machine: MachineId, images: Vec<PathBuf>) -> io::Result<()> {
        let mut machines = self.machines();
        if machines.contains_key(&machine) {
            return Ok(());
        }
        let export = self.spec.exports.get(&machine).cloned();
        let export = export
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no export is configured for it"))?;
        let spec = MachineSpec {
            machine,
            site: Site::Recovery,
            images,
            export,
            pool_bytes: self.spec.pool_bytes,
            drain_every: self.spec.drain_every,
            directory: self.recovered(machine),
        };
        let made = Machine::new(spec, self.clock, Arc::clone(&self.disks), Arc::clone(&self.world));
        machines.insert(machine, Arc::new(made.map_err(io::Error::other)?));
        Ok(())
    }

    fn delete_machine(&self, machine: MachineId) -> io::Result<()> {
        if let Some(found) = self.machine(machine) {
            found.stop().or_else(|error| match error {
                crate::machine::MachineError::DidNotStop(_) => Ok(()),
                other => Err(io::Error::other(other)),
            })?;
        }
        self.machines().remove(&machine);
        gone(std::fs::remove_dir_all(self.recovered(machine)))
    }

    /// The images of a recovered machine, in order.
    fn images(&self, machine: MachineId) -> io::Result<Vec<PathBuf>> {
        let directory = self.recovered(machine);
        let images = (0u8..=u8::MAX).map(|index| directory.join(image_name(DiskId { machine, index })));
        Ok(images.take_while(|image| image.exists()).collect())
    }

    fn replica(&self, disk: DiskId) -> PathBuf {
        self.spec.directory.join(format!("{}-{}.replica", disk.machine.0, disk.index))
    }

    fn recovered(&self, machine: MachineId) -> PathBuf {
        self.spec.directory.join(format!("recovered-{}", machine.0))
    }

    fn machines(&self) -> MutexGuard<'_, BTreeMap<MachineId, Arc<Machine>>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn image_name(disk: DiskId) -> String {
    format!("{}.raw", disk.index)
}

/// `3-0` is the first disk of the third machine.
fn disk_of(name: &str) -> Option<DiskId> {
    let (machine, index) = name.split_once('-')?;
    Some(DiskId { machine: MachineId(machine.parse().ok()?), index: index.parse().ok()? })
}

/// Something that was not there is gone as well.
fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

const fn done((): ()) -> CloudAnswer {
    CloudAnswer::Done
}

fn refused(error: io::Error) -> PortFailure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            PortFailure::OutOfCapacity(error.to_string())
        }
        _ => PortFailure::WrongState(error.to_string()),
    }
}
