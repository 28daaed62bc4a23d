//! Building the site: clusters, hosts, datastores, machines.

use switchback_engine::DiskId;

use crate::cluster_compute_resource::ClusterComputeResource;
use crate::datastore::{AccessMode, Datastore, DatastoreSpec};
use crate::faults::Fault;
use crate::host_system::{ConnectionState, HostSpec, HostSystem, Management};
use crate::moid::{ClusterMoid, DatastoreMoid, HostMoid, VmMoid};
use crate::settings::Settings;
use crate::vcenter::VCenter;
use crate::virtual_machine::{MachineSpec, PowerState, RawMapping, VirtualDiskDevice, VirtualMachine};

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
        let (connection, management) = (ConnectionState::Connected, Management::VCenter);
        self.hosts.insert(
            moid,
            HostSystem {
                moid,
                name,
                cluster,
                connection,
                management,
                memory_mib,
                is_in_maintenance: false,
                is_disconnected: false,
            },
        );
        Ok(moid)
    }

    /// Says who looks after a host. Every host is vCenter's at first.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn set_management(&mut self, host: HostMoid, management: Management) -> Result<(), Fault> {
        self.hosts.get_mut(&host).ok_or(Fault::ManagedObjectNotFound)?.management = management;
        Ok(())
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
        if self.machines.has_named(&spec.name) {
            return Err(Fault::DuplicateName(spec.name));
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
            current: None,
            memory_mib: spec.memory_mib,
            guest: spec.guest,
            firmware: spec.firmware,
            tools: spec.tools,
            settings: Settings::default(),
        };
        self.place(vm, &spec.disk_sectors)
    }

    /// Maps a disk to a raw device, which takes what it took of its datastore.
    ///
    /// # Errors
    /// [`Fault::ManagedObjectNotFound`].
    pub fn map_raw(&mut self, disk: DiskId, mapping: RawMapping) -> Result<(), Fault> {
        let vm = self.by_machine.get(&disk.machine).and_then(|vm| self.machines.get_mut(vm));
        let device = vm.and_then(|vm| vm.disks.get_mut(usize::from(disk.index)));
        let device = device.ok_or(Fault::ManagedObjectNotFound)?;
        let (datastore, bytes) = (device.datastore, device.bytes());
        device.raw = Some(mapping);
        self.vacate(datastore, bytes)
    }

    /// Whether a machine on the host has that name. A machine that replication creates may have the name of one on
    /// another host (site-recovery 3.8, 78052).
    pub(crate) fn is_taken(&self, name: &str, host: HostMoid) -> bool {
        self.machines.has_named(name) && self.machines.values().any(|vm| vm.host == host && vm.name == name)
    }

    /// Gives a machine its id, its disks and its place in the inventory.
    pub(crate) fn place(&mut self, mut vm: VirtualMachine, disk_sectors: &[u64]) -> Result<VmMoid, Fault> {
        if self.is_taken(&vm.name, vm.host) {
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
        let moid = vm.moid;
        self.machines.insert(moid, vm);
        Ok(moid)
    }
}

fn disk_of(vm: &VirtualMachine, index: u8, sectors: u64) -> VirtualDiskDevice {
    let disk = vm.machine.map(|machine| DiskId { machine, index });
    let (datastore, attached_to) = (vm.datastore, vm.moid);
    VirtualDiskDevice { disk, sectors, datastore, attached_to, available: true, raw: None }
}
