//! What an operator does by hand, or fate: build the site, power machines, take snapshots, move things, lose things.
//!
//! Everything here happens at once. What it does to other machines comes back as consequences.

use switchback_engine::MachineId;
use switchback_sim::SimTime;

use crate::cluster_compute_resource::ClusterComputeResource;
use crate::consequence::Consequence;
use crate::datastore::{AccessMode, Datastore, DatastoreSpec};
use crate::faults::Fault;
use crate::host_system::{ConnectionState, HostSpec, HostSystem};
use crate::moid::{ClusterMoid, DatastoreMoid, HostMoid, SnapshotMoid, VmMoid};
use crate::snapshot::Snapshot;
use crate::vcenter::{Reachability, VCenter};
use crate::virtual_machine::{MachineSpec, PowerState, VirtualDiskDevice, VirtualMachine};

/// Building the site.
impl VCenter {
    /// Adds a cluster.
    pub fn add_cluster(&mut self, name: &str) -> ClusterMoid {
        let moid = ClusterMoid(self.new_moid());
        self.clusters.insert(moid, ClusterComputeResource { moid, name: name.to_owned() });
        moid
    }

    /// Adds a host, connected.
    ///
    /// # Errors
    /// [`Fault::DuplicateName`], or [`Fault::ManagedObjectNotFound`] for a cluster that is not there.
    pub fn add_host(&mut self, spec: HostSpec) -> Result<HostMoid, Fault> {
        if self.hosts.values().any(|host| host.name == spec.name) {
            return Err(Fault::DuplicateName(spec.name));
        }
        if spec.cluster.is_some_and(|cluster| !self.clusters.contains_key(&cluster)) {
            return Err(Fault::ManagedObjectNotFound);
        }
        let moid = HostMoid(self.new_moid());
        let HostSpec { name, cluster, memory_mib } = spec;
        let connection = ConnectionState::Connected;
        self.hosts.insert(moid, HostSystem { moid, name, cluster, connection, memory_mib });
        Ok(moid)
    }

    /// Adds an empty datastore.
    ///
    /// # Errors
    /// [`Fault::DuplicateName`], or [`Fault::ManagedObjectNotFound`] for a host that is not there.
    pub fn add_datastore(&mut self, spec: DatastoreSpec) -> Result<DatastoreMoid, Fault> {
        if self.datastores.values().any(|datastore| datastore.name == spec.name) {
            return Err(Fault::DuplicateName(spec.name));
        }
        if spec.mounted_on.iter().any(|host| !self.hosts.contains_key(host)) {
            return Err(Fault::ManagedObjectNotFound);
        }
        let moid = DatastoreMoid(self.new_moid());
        let DatastoreSpec { name, kind, capacity_bytes, mounted_on } = spec;
        let mounts = mounted_on.into_iter().map(|host| (host, AccessMode::ReadWrite)).collect();
        self.datastores.insert(
            moid,
            Datastore { moid, name, kind, capacity_bytes, used_bytes: 0, mounts, accessible: true },
        );
        Ok(moid)
    }

    /// Mounts a datastore on a host, changes how it is mounted, or (`None`) unmounts it.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn mount(
        &mut self,
        datastore: DatastoreMoid,
        host: HostMoid,
        access: Option<AccessMode>,
    ) -> Result<(), Fault> {
        if !self.hosts.contains_key(&host) {
            return Err(Fault::ManagedObjectNotFound);
        }
        let mounts = &mut self.datastores.get_mut(&datastore).ok_or(Fault::ManagedObjectNotFound)?.mounts;
        match access {
            Some(access) => mounts.insert(host, access),
            None => mounts.remove(&host),
        };
        Ok(())
    }

    /// Fills a datastore with something that is none of ours.
    ///
    /// # Errors
    /// [`Fault::NoDiskSpace`] or [`Fault::ManagedObjectNotFound`].
    pub fn occupy(&mut self, datastore: DatastoreMoid, bytes: u64) -> Result<(), Fault> {
        self.datastores.get_mut(&datastore).ok_or(Fault::ManagedObjectNotFound)?.take(bytes)
    }

    /// Takes such a filling away again.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn vacate(&mut self, datastore: DatastoreMoid, bytes: u64) -> Result<(), Fault> {
        self.datastores.get_mut(&datastore).ok_or(Fault::ManagedObjectNotFound)?.give_back(bytes);
        Ok(())
    }

    /// Adds a machine, powered off.
    ///
    /// # Errors
    /// [`Fault::AlreadyExists`], [`Fault::DuplicateName`], [`Fault::ManagedObjectNotFound`],
    /// [`Fault::DatastoreNotWritableOnHost`], [`Fault::NoDiskSpace`].
    pub fn add_machine(&mut self, spec: MachineSpec) -> Result<VmMoid, Fault> {
        if self.by_machine.contains_key(&spec.machine) {
            return Err(Fault::AlreadyExists);
        }
        let vm = VirtualMachine {
            moid: VmMoid(0),
            machine: Some(spec.machine),
            name: spec.name,
            host: spec.host,
            datastore: spec.datastore,
            power: PowerState::PoweredOff,
            disks: Vec::new(),
            snapshots: Vec::new(),
            memory_mib: spec.memory_mib,
            guest: spec.guest,
            tools: spec.tools,
        };
        self.place(vm, &spec.disk_sectors)
    }

    /// Gives a machine its id, its disks and its place in the inventory.
    pub(crate) fn place(&mut self, mut vm: VirtualMachine, disk_sectors: &[u64]) -> Result<VmMoid, Fault> {
        if self.by_name.contains_key(&vm.name) {
            return Err(Fault::DuplicateName(vm.name));
        }
        if !self.hosts.contains_key(&vm.host) {
            return Err(Fault::ManagedObjectNotFound);
        }
        vm.moid = VmMoid(self.new_moid());
        vm.disks = (0..).zip(disk_sectors).map(|(index, sectors)| disk_of(&vm, index, *sectors)).collect();
        let datastore = self.datastores.get_mut(&vm.datastore).ok_or(Fault::ManagedObjectNotFound)?;
        if !datastore.is_writable_from(vm.host) {
            return Err(Fault::DatastoreNotWritableOnHost(datastore.name.clone()));
        }
        datastore.take(vm.disk_bytes())?;
        if let Some(machine) = vm.machine {
            self.by_machine.insert(machine, vm.moid);
            self.former.remove(&machine);
        }
        self.by_name.insert(vm.name.clone(), vm.moid);
        let moid = vm.moid;
        self.machines.insert(moid, vm);
        Ok(moid)
    }
}

fn disk_of(vm: &VirtualMachine, index: u8, sectors: u64) -> VirtualDiskDevice {
    let disk = vm.machine.map(|machine| switchback_engine::DiskId { machine, index });
    VirtualDiskDevice { disk, sectors, datastore: vm.datastore, attached_to: vm.moid, available: true }
}

/// Running it.
impl VCenter {
    /// Powers a machine on.
    ///
    /// # Errors
    /// What vCenter would answer: [`Fault::InvalidPowerState`], [`Fault::HostNotConnected`], [`Fault::FileLocked`],
    /// [`Fault::DatastoreNotWritableOnHost`], [`Fault::InsufficientMemoryResources`],
    /// [`Fault::ManagedObjectNotFound`].
    pub fn power_on(&mut self, now: SimTime, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        let vm = self.known(machine)?.moid;
        let result = self.start(vm);
        self.record(now, "PowerOnVM_Task", vm, result.as_ref().copied());
        result.map(|()| vec![Consequence::MachineStarted(machine)])
    }

    pub(crate) fn start(&mut self, vm: VmMoid) -> Result<(), Fault> {
        self.check_start(vm)?;
        self.set_power(vm, PowerState::PoweredOn);
        Ok(())
    }

    pub(crate) fn check_start(&self, vm: VmMoid) -> Result<(), Fault> {
        let vm = self.machines.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        let host = self.connected_host(vm)?;
        if vm.is_on() {
            return Err(Fault::InvalidPowerState { on: true });
        }
        if let Some(lent) = vm.disks.iter().find(|disk| disk.attached_to != vm.moid) {
            return Err(Fault::FileLocked(lent.attached_to.to_string()));
        }
        for disk in &vm.disks {
            self.check_writable(disk.datastore, vm.host)?;
        }
        let running = self.machines.values().filter(|other| other.host == vm.host && other.is_on());
        let free_mib = host.memory_mib.saturating_sub(running.map(|other| other.memory_mib).sum());
        if vm.memory_mib > free_mib {
            return Err(Fault::InsufficientMemoryResources { free_mib, wanted_mib: vm.memory_mib });
        }
        Ok(())
    }

    /// Pulls a machine's power. Its guest is not asked.
    ///
    /// # Errors
    /// [`Fault::InvalidPowerState`], [`Fault::HostNotConnected`], [`Fault::ManagedObjectNotFound`].
    pub fn power_off(&mut self, now: SimTime, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        let vm = self.known(machine)?;
        let (moid, on) = (vm.moid, vm.is_on());
        let result = self
            .connected_host(vm)
            .and(if on { Ok(()) } else { Err(Fault::InvalidPowerState { on }) });
        self.record(now, "PowerOffVM_Task", moid, result.as_ref().copied());
        result?;
        self.set_power(moid, PowerState::PoweredOff);
        Ok(vec![Consequence::MachineStopped(machine)])
    }

    /// Takes a snapshot. To keep what the disks hold is for whoever keeps contents.
    ///
    /// # Errors
    /// [`Fault::FileLocked`] while a disk is attached elsewhere; [`Fault::ManagedObjectNotFound`].
    pub fn take_snapshot(&mut self, now: SimTime, vm: VmMoid, name: &str) -> Result<SnapshotMoid, Fault> {
        let moid = SnapshotMoid(self.new_moid());
        let machine = self.machines.get_mut(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        if machine.lends_disks() {
            return Err(Fault::FileLocked(machine.name.clone()));
        }
        machine.snapshots.push(Snapshot { moid, name: name.to_owned(), created: now });
        self.record(now, "CreateSnapshot_Task", vm, Ok(()));
        Ok(moid)
    }

    /// Removes all snapshots of a machine, and says how many there were.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn remove_all_snapshots(&mut self, now: SimTime, vm: VmMoid) -> Result<u32, Fault> {
        let machine = self.machines.get_mut(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        let count = std::mem::take(&mut machine.snapshots).len() as u32;
        self.record(now, "RemoveAllSnapshots_Task", vm, Ok(()));
        Ok(count)
    }

    /// Deletes a machine with its disks.
    ///
    /// # Errors
    /// [`Fault::InvalidPowerState`] when it runs; [`Fault::FileLocked`] while a disk is attached elsewhere;
    /// [`Fault::ManagedObjectNotFound`].
    pub fn remove_machine(&mut self, now: SimTime, machine: MachineId) -> Result<Vec<Consequence>, Fault> {
        let vm = self.known(machine)?;
        let moid = vm.moid;
        let result = match vm {
            vm if vm.is_on() => Err(Fault::InvalidPowerState { on: true }),
            vm if vm.lends_disks() => Err(Fault::FileLocked(vm.name.clone())),
            _ => Ok(()),
        };
        self.record(now, "Destroy_Task", moid, result.as_ref().copied());
        result?;
        self.forget(moid);
        Ok(vec![Consequence::MachineRemoved(machine)])
    }

    fn forget(&mut self, moid: VmMoid) {
        let Some(vm) = self.machines.remove(&moid) else { return };
        self.by_name.remove(&vm.name);
        for disk in &vm.disks {
            if let Some(datastore) = self.datastores.get_mut(&disk.datastore) {
                datastore.give_back(disk.bytes());
            }
        }
        if let Some(machine) = vm.machine {
            self.by_machine.remove(&machine);
            self.created.remove(&machine);
            self.former.insert(machine, vm);
        }
    }

    /// Storage vMotion: moves a machine's disks to another datastore. The disks that a master target has attached
    /// stay where they are, and it loses them.
    ///
    /// # Errors
    /// [`Fault::FileLocked`], [`Fault::DatastoreNotWritableOnHost`], [`Fault::NoDiskSpace`],
    /// [`Fault::ManagedObjectNotFound`].
    pub fn move_machine(
        &mut self,
        now: SimTime,
        vm: VmMoid,
        datastore: DatastoreMoid,
    ) -> Result<Vec<Consequence>, Fault> {
        let result = self.relocate(vm, datastore);
        self.record(now, "RelocateVM_Task", vm, result.as_ref().copied());
        result?;
        Ok(self.lose_attached(vm).into_iter().map(Consequence::DisksUnavailable).collect())
    }

    fn relocate(&mut self, vm: VmMoid, target: DatastoreMoid) -> Result<(), Fault> {
        let machine = self.machines.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        if machine.lends_disks() {
            return Err(Fault::FileLocked(machine.name.clone()));
        }
        self.check_writable(target, machine.host)?;
        let bytes = machine.disk_bytes();
        self.datastores.get_mut(&target).ok_or(Fault::ManagedObjectNotFound)?.take(bytes)?;
        let Some(machine) = self.machines.get_mut(&vm) else { return Ok(()) };
        machine.datastore = target;
        for disk in &mut machine.disks {
            let source = std::mem::replace(&mut disk.datastore, target);
            if let Some(source) = self.datastores.get_mut(&source) {
                source.give_back(disk.bytes());
            }
        }
        Ok(())
    }

    /// vMotion: moves a machine to another host.
    ///
    /// # Errors
    /// [`Fault::HostNotConnected`], [`Fault::DatastoreNotWritableOnHost`], [`Fault::ManagedObjectNotFound`].
    pub fn migrate_machine(&mut self, now: SimTime, vm: VmMoid, host: HostMoid) -> Result<(), Fault> {
        let result = self.check_migration(vm, host);
        self.record(now, "MigrateVM_Task", vm, result.as_ref().copied());
        result?;
        if let Some(machine) = self.machines.get_mut(&vm) {
            machine.host = host;
        }
        Ok(())
    }

    fn check_migration(&self, vm: VmMoid, host: HostMoid) -> Result<(), Fault> {
        let machine = self.machines.get(&vm).ok_or(Fault::ManagedObjectNotFound)?;
        let target = self.hosts.get(&host).ok_or(Fault::ManagedObjectNotFound)?;
        self.connected_host(machine)?;
        if !target.is_connected() {
            return Err(Fault::HostNotConnected);
        }
        machine.disks.iter().try_for_each(|disk| self.check_writable(disk.datastore, host))
    }

    /// A host goes down with every machine on it.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn lose_host(&mut self, host: HostMoid) -> Result<Vec<Consequence>, Fault> {
        self.hosts.get_mut(&host).ok_or(Fault::ManagedObjectNotFound)?.connection = ConnectionState::NotResponding;
        Ok(self.stop_all(|vm| vm.host == host))
    }

    /// A host comes back. Its machines stay off.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn restore_host(&mut self, host: HostMoid) -> Result<(), Fault> {
        self.hosts.get_mut(&host).ok_or(Fault::ManagedObjectNotFound)?.connection = ConnectionState::Connected;
        Ok(())
    }

    /// The storage behind a datastore stops to answer, or answers again. Machines on it go on and hang.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn set_accessible(&mut self, datastore: DatastoreMoid, accessible: bool) -> Result<(), Fault> {
        self.datastores.get_mut(&datastore).ok_or(Fault::ManagedObjectNotFound)?.accessible = accessible;
        Ok(())
    }

    /// The whole site loses its power. Nothing answers until [`restore_site`](Self::restore_site).
    pub fn lose_site(&mut self) -> Vec<Consequence> {
        self.reachability = Reachability::SiteLost;
        self.set_hosts(ConnectionState::NotResponding);
        self.stop_all(|_| true)
    }

    /// The site comes back; its machines stay off, all but the master targets, which start by themselves.
    pub fn restore_site(&mut self) {
        self.reachability = Reachability::Answering;
        self.set_hosts(ConnectionState::Connected);
        for master_target in self.master_targets.clone() {
            self.set_power(master_target, PowerState::PoweredOn);
        }
    }

    /// vCenter stops to answer; hosts and machines go on.
    pub fn lose_vcenter(&mut self) {
        if self.reachability == Reachability::Answering {
            self.reachability = Reachability::VCenterLost;
        }
    }

    /// vCenter answers again.
    pub fn restore_vcenter(&mut self) {
        if self.reachability == Reachability::VCenterLost {
            self.reachability = Reachability::Answering;
        }
    }

    fn set_hosts(&mut self, connection: ConnectionState) {
        for host in self.hosts.values_mut() {
            host.connection = connection;
        }
    }

    fn stop_all(&mut self, which: impl Fn(&VirtualMachine) -> bool) -> Vec<Consequence> {
        let mut stopped = Vec::new();
        for vm in self.machines.values_mut().filter(|vm| vm.is_on() && which(vm)) {
            vm.power = PowerState::PoweredOff;
            stopped.extend(vm.machine.map(Consequence::MachineStopped));
        }
        stopped
    }

    pub(crate) fn set_power(&mut self, vm: VmMoid, power: PowerState) {
        if let Some(vm) = self.machines.get_mut(&vm) {
            vm.power = power;
        }
    }

    pub(crate) fn known(&self, machine: MachineId) -> Result<&VirtualMachine, Fault> {
        self.machine(machine).ok_or(Fault::ManagedObjectNotFound)
    }

    pub(crate) fn connected_host(&self, vm: &VirtualMachine) -> Result<&HostSystem, Fault> {
        let host = self.hosts.get(&vm.host).ok_or(Fault::ManagedObjectNotFound)?;
        if host.is_connected() { Ok(host) } else { Err(Fault::HostNotConnected) }
    }

    pub(crate) fn check_writable(&self, datastore: DatastoreMoid, host: HostMoid) -> Result<(), Fault> {
        let datastore = self.datastores.get(&datastore).ok_or(Fault::ManagedObjectNotFound)?;
        if datastore.is_writable_from(host) {
            Ok(())
        } else {
            Err(Fault::DatastoreNotWritableOnHost(datastore.name.clone()))
        }
    }
}
