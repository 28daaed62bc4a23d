//! What clients do beside what operators of a drill do: machines that replication does not know, machines that leave the
//! inventory and come back, single snapshots, names, hosts.

use switchback_engine::recovery::Firmware;
use switchback_sim::SimTime;

use crate::faults::Fault;
use crate::host_system::HostSystem;
use crate::moid::{DatastoreMoid, HostMoid, SnapshotMoid, TaskMoid, VmMoid};
use crate::settings::Settings;
use crate::task::TaskState;
use crate::vcenter::VCenter;
use crate::virtual_machine::{GuestOs, PowerState, VirtualMachine};

/// A machine as a client wants it. It has no disks at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMachine {
    /// Its name.
    pub name: String,
    /// The host it is to run on.
    pub host: HostMoid,
    /// The datastore of its configuration.
    pub datastore: DatastoreMoid,
    /// Memory it takes when it runs, in MiB.
    pub memory_mib: u64,
    /// The family of its system.
    pub guest: GuestOs,
    /// How it starts.
    pub firmware: Firmware,
    /// Whether VMware Tools are installed.
    pub tools: bool,
    /// The rest.
    pub settings: Settings,
}

impl VCenter {
    /// Makes a machine that replication does not know, powered off.
    ///
    /// # Errors
    /// [`Fault::DuplicateName`], [`Fault::HostNotConnected`], [`Fault::DatastoreNotWritableOnHost`],
    /// [`Fault::ManagedObjectNotFound`].
    pub fn make_machine(&mut self, new: NewMachine) -> Result<VmMoid, Fault> {
        let NewMachine { name, host, datastore, memory_mib, guest, firmware, tools, settings } = new;
        self.check_name(&name, None)?;
        let vm = VirtualMachine {
            moid: VmMoid(0),
            machine: None,
            name,
            host,
            datastore,
            power: PowerState::PoweredOff,
            disks: Vec::new(),
            snapshots: Vec::new(),
            current: None,
            memory_mib,
            guest,
            firmware,
            tools,
            settings: Settings { is_made: true, ..settings },
        };
        self.connected_host(&vm)?;
        self.place(vm, &[])
    }

    /// Names are unique in the folder of machines.
    fn check_name(&self, name: &str, but: Option<VmMoid>) -> Result<(), Fault> {
        let mut others = self.machines.values().filter(|vm| Some(vm.moid) != but);
        let is_taken = self.machines.has_named(name) && others.any(|vm| vm.name == name);
        if is_taken { Err(Fault::DuplicateName(name.to_owned())) } else { Ok(()) }
    }

    fn at_rest(&self, vm: VmMoid) -> Result<&VirtualMachine, Fault> {
        let machine = self.machines.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        match machine {
            vm if vm.is_on() => Err(Fault::InvalidPowerState { on: true }),
            vm if vm.lends_disks() => Err(Fault::FileLocked(vm.name.clone())),
            vm => Ok(vm),
        }
    }

    /// Takes a machine out of the inventory. Its files stay where they are, and take what they took.
    ///
    /// # Errors
    /// [`Fault::InvalidPowerState`] when it runs; [`Fault::FileLocked`] while a disk is attached elsewhere;
    /// [`Fault::ManagedObjectNotFound`].
    pub fn unregister(&mut self, vm: VmMoid) -> Result<(), Fault> {
        self.at_rest(vm)?;
        let Some(machine) = self.machines.remove(&vm) else { return Ok(()) };
        if let Some(known) = machine.machine {
            self.by_machine.remove(&known);
        }
        self.unregistered.insert(vm, machine);
        Ok(())
    }

    /// Machines that are in no inventory, and whose files are there.
    pub fn unregistered(&self) -> impl Iterator<Item = &VirtualMachine> {
        self.unregistered.values()
    }

    /// Nobody knows a machine any more that was unregistered: who keeps its files does.
    pub fn forget_unregistered(&mut self, vm: VmMoid) {
        self.unregistered.remove(&vm);
    }

    /// Takes a machine that was unregistered into the inventory again, on that host. Replication knows it again.
    ///
    /// # Errors
    /// [`Fault::AlreadyExists`] when another is in its place; [`Fault::DuplicateName`];
    /// [`Fault::ManagedObjectNotFound`]; what keeps the host from its files.
    pub fn register_again(
        &mut self,
        vm: VmMoid,
        name: Option<&str>,
        host: HostMoid,
    ) -> Result<VmMoid, Fault> {
        let machine = self.unregistered.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        let mut machine = machine.clone();
        machine.host = host;
        if let Some(name) = name.filter(|name| *name != machine.name) {
            machine.settings.directory.get_or_insert_with(|| machine.name.clone());
            name.clone_into(&mut machine.name);
        }
        self.check_name(&machine.name, None)?;
        self.connected_host(&machine)?;
        self.check_writable(machine.datastore, host)?;
        if let Some(known) = machine.machine {
            if self.by_machine.contains_key(&known) {
                return Err(Fault::AlreadyExists);
            }
            self.by_machine.insert(known, vm);
        }
        self.unregistered.remove(&vm);
        self.machines.insert(vm, machine);
        Ok(vm)
    }

    /// Deletes a machine that replication does not know. Its files are for who keeps them to delete.
    ///
    /// # Errors
    /// As [`Self::unregister`].
    pub fn remove_made(&mut self, vm: VmMoid) -> Result<(), Fault> {
        self.at_rest(vm)?;
        self.machines.remove(&vm);
        Ok(())
    }

    /// Gives a machine another name. Its files keep theirs.
    ///
    /// # Errors
    /// [`Fault::DuplicateName`], [`Fault::ManagedObjectNotFound`].
    pub fn rename_machine(&mut self, vm: VmMoid, name: &str) -> Result<(), Fault> {
        self.check_name(name, Some(vm))?;
        let before = self.machines.rename(vm, name).ok_or(Fault::ManagedObjectNotFound)?;
        let machine = self.machines.get_mut(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        machine.settings.directory.get_or_insert(before);
        Ok(())
    }

    /// Gives a machine other memory.
    ///
    /// # Errors
    /// [`Fault::InvalidPowerState`] while it runs; [`Fault::ManagedObjectNotFound`].
    pub fn set_memory(&mut self, vm: VmMoid, memory_mib: u64) -> Result<(), Fault> {
        let machine = self.machines.get_mut(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        if machine.is_on() {
            return Err(Fault::InvalidPowerState { on: true });
        }
        machine.memory_mib = memory_mib;
        Ok(())
    }

    /// Starts or stops a machine that a client has made.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    pub fn power_made(&mut self, vm: VmMoid, on: bool) -> Result<(), Fault> {
        let machine = self.machines.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        self.connected_host(machine)?;
        if machine.is_on() == on {
            return Err(Fault::InvalidPowerState { on });
        }
        if !on {
            self.set_power(vm, PowerState::PoweredOff);
            return Ok(());
        }
        for disk in &machine.settings.disks {
            self.check_writable(disk.datastore, machine.host)?;
        }
        self.start(vm)
    }

    /// The machine's disks stand on a snapshot of it; what they hold is for who keeps contents. The machine is off then,
    /// as no snapshot holds memory.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`]; [`Fault::FileLocked`] while a disk is attached elsewhere.
    pub fn stand_on(&mut self, vm: VmMoid, snapshot: SnapshotMoid) -> Result<(), Fault> {
        let machine = self.machines.get_mut(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        if machine.lends_disks() {
            return Err(Fault::FileLocked(machine.name.clone()));
        }
        if !machine.snapshots.iter().any(|kept| kept.moid == snapshot) {
            return Err(Fault::ManagedObjectNotFound);
        }
        machine.current = Some(snapshot);
        Ok(())
    }

    /// Gives up a snapshot, or it and all that stand on it: which.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`]; [`Fault::FileLocked`] while a disk is attached elsewhere.
    pub fn remove_snapshot(
        &mut self,
        vm: VmMoid,
        snapshot: SnapshotMoid,
        with_all_on_it: bool,
    ) -> Result<Vec<SnapshotMoid>, Fault> {
        let machine = self.machines.get_mut(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        if machine.lends_disks() {
            return Err(Fault::FileLocked(machine.name.clone()));
        }
        if !machine.snapshots.iter().any(|kept| kept.moid == snapshot) {
            return Err(Fault::ManagedObjectNotFound);
        }
        let gone = if with_all_on_it { machine.snapshots_from(snapshot) } else { vec![snapshot] };
        gone.iter().for_each(|snapshot| machine.drop_snapshot(*snapshot));
        Ok(gone)
    }

    /// Gives a snapshot another name.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn rename_snapshot(&mut self, vm: VmMoid, snapshot: SnapshotMoid, name: &str) -> Result<(), Fault> {
        let snapshots = self.machines.get_mut(&vm).into_iter().flat_map(|vm| &mut vm.snapshots);
        let kept = snapshots.into_iter().find(|kept| kept.moid == snapshot);
        name.clone_into(&mut kept.ok_or(Fault::ManagedObjectNotFound)?.name);
        Ok(())
    }

    /// Puts a host into maintenance, or ends that. Machines that run stand in its way.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`]; [`Fault::HostNotConnected`]; [`Fault::ResourceInUse`] where machines run on it.
    pub fn set_maintenance(&mut self, host: HostMoid, is_wanted: bool) -> Result<(), Fault> {
        let running = self.machines.values().find(|vm| vm.host == host && vm.is_on());
        let in_the_way = running.map(|vm| vm.name.clone()).filter(|_| is_wanted);
        let is_lost = self.is_disconnected(host);
        let host = self.hosts.get_mut(&host).ok_or(Fault::ManagedObjectNotFound)?;
        match in_the_way {
            _ if is_lost || !host.is_connected() => Err(Fault::HostNotConnected),
            Some(name) => Err(Fault::ResourceInUse(name)),
            None => {
                host.is_in_maintenance = is_wanted;
                Ok(())
            }
        }
    }

    /// vCenter turns from a host, or to it again; the host and what runs there go on.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`]; [`Fault::HostNotConnected`] for one that does not answer.
    pub fn set_disconnected(&mut self, host: HostMoid, is_wanted: bool) -> Result<(), Fault> {
        let host = self.hosts.get_mut(&host).ok_or(Fault::ManagedObjectNotFound)?;
        if !host.is_connected() {
            return Err(Fault::HostNotConnected);
        }
        host.is_disconnected = is_wanted;
        Ok(())
    }

    /// Gives a datastore another name.
    ///
    /// # Errors
    /// [`Fault::DuplicateName`], [`Fault::ManagedObjectNotFound`].
    pub fn rename_datastore(&mut self, datastore: DatastoreMoid, name: &str) -> Result<(), Fault> {
        if self.datastores.values().any(|other| other.name == name && other.moid != datastore) {
            return Err(Fault::DuplicateName(name.to_owned()));
        }
        let store = self.datastores.get_mut(&datastore).ok_or(Fault::ManagedObjectNotFound)?;
        name.clone_into(&mut store.name);
        Ok(())
    }

    /// Shows what a client did as a task that is over, about a machine or about none.
    pub fn show_task(
        &mut self,
        now: SimTime,
        name: &'static str,
        entity: Option<VmMoid>,
        result: Result<(), (&'static str, String)>,
    ) -> TaskMoid {
        let task = self.tasks.queue(name, entity, now, now);
        let state = match result {
            Ok(()) => TaskState::Success { completed: now },
            Err((fault, message)) => TaskState::Error { completed: now, fault, message },
        };
        self.tasks.end(task, state);
        task
    }

    /// The host that a client means when it names a cluster and no host: the first there that answers and takes machines.
    #[must_use]
    pub fn host_for(&self, is_among: impl Fn(&HostSystem) -> bool) -> Option<HostMoid> {
        let takes = |host: &&HostSystem| {
            host.is_managed()
                && host.is_connected()
                && !host.is_in_maintenance
                && !self.is_disconnected(host.moid)
        };
        self.hosts.values().filter(takes).find(|host| is_among(host)).map(|host| host.moid)
    }
}
