//! Datastore, and the browsers of datastores.

use super::super::object::{Known, Object};
use super::super::value::{Data, Value, long};
use super::super::world::World;
use crate::datastore::{AccessMode, Datastore, DatastoreKind};
use crate::virtual_machine::VirtualMachine;

/// The largest file of VMFS: 62 TiB.
const FILE_BYTES_MAX: u64 = 62 << 40;

pub(super) fn property(world: &World<'_>, store: &Datastore, name: &str) -> Known {
    match name {
        "name" => store.name.as_str().into(),
        "info" => info(store).into(),
        "summary" => summary(world, store).into(),
        "host" => Value::list("DatastoreHostMount", mounts(world, store)).into(),
        "vm" => {
            let machines = world.machines().filter(|vm| lies_on(vm, store));
            Value::refs(machines.map(|vm| world.reference(&Object::Machine(vm)))).into()
        }
        "browser" => world.reference(&Object::Browser(Box::new(Object::Datastore(store)))).into(),
        "capability" => capability(store).into(),
        _ => Known::NotEmulated,
    }
}

fn lies_on(vm: &VirtualMachine, store: &Datastore) -> bool {
    vm.datastore == store.moid
        || vm.disks.iter().any(|disk| disk.datastore == store.moid)
        || vm.settings.disks.iter().any(|disk| disk.datastore == store.moid)
}

const fn kind(store: &Datastore) -> (&'static str, &'static str) {
    match store.kind {
        DatastoreKind::Vmfs => ("VMFS", "VmfsDatastoreInfo"),
        DatastoreKind::Vsan => ("vsan", "VsanDatastoreInfo"),
        DatastoreKind::Nfs => ("NFS", "NasDatastoreInfo"),
    }
}

fn uuid(store: &Datastore) -> String {
    format!("5f000000-{:08x}-0000-000000000000", store.moid.0)
}

fn path(store: &Datastore) -> String {
    format!("/vmfs/volumes/{}/", uuid(store))
}

fn url(store: &Datastore) -> String {
    format!("ds://{}", path(store))
}

/// What can be told of free space: nothing is while the storage does not answer.
const fn free(store: &Datastore) -> u64 {
    if store.accessible { store.free_bytes() } else { 0 }
}

fn info(store: &Datastore) -> Data {
    let (_, kind) = kind(store);
    let info = Data::new(kind)
        .with("name", store.name.as_str())
        .with("url", url(store))
        .with("freeSpace", long(free(store)))
        .with_each(&["maxFileSize", "maxMemoryFileSize", "maxVirtualDiskCapacity"], &long(FILE_BYTES_MAX));
    match store.kind {
        DatastoreKind::Vmfs => info
            .with_each(&["maxPhysicalRDMFileSize", "maxVirtualRDMFileSize"], &long(FILE_BYTES_MAX))
            .with("vmfs", volume(store)),
        DatastoreKind::Vsan => info.with("membershipUuid", uuid(store)),
        DatastoreKind::Nfs => info.with(
            "nas",
            Data::new("HostNasVolume")
                .with("type", "NFS")
                .with("name", store.name.as_str())
                .with("capacity", long(store.capacity_bytes))
                .with("remoteHost", "nfs")
                .with("remotePath", format!("/{}", store.name)),
        ),
    }
}

fn volume(store: &Datastore) -> Data {
    let extent = Data::new("HostScsiDiskPartition")
        .with("diskName", format!("naa.{}", store.moid.0))
        .with("partition", 1);
    Data::new("HostVmfsVolume")
        .with("type", "VMFS")
        .with("name", store.name.as_str())
        .with("capacity", long(store.capacity_bytes))
        .with("blockSizeMb", 1)
        .with("maxBlocks", i32::MAX)
        .with("majorVersion", 6)
        .with("version", "6.82")
        .with("uuid", uuid(store))
        .with("extent", Value::list("HostScsiDiskPartition", [extent]))
        .with("vmfsUpgradable", false)
}

fn summary(world: &World<'_>, store: &Datastore) -> Data {
    Data::new("DatastoreSummary")
        .with("datastore", world.reference(&Object::Datastore(store)))
        .with("name", store.name.as_str())
        .with("url", url(store))
        .with("capacity", long(store.capacity_bytes))
        .with("freeSpace", long(free(store)))
        .with("uncommitted", 0_i64)
        .with("accessible", store.accessible)
        .with("multipleHostAccess", store.mounts.len() > 1)
        .with("type", kind(store).0)
        .with("maintenanceMode", "normal")
}

fn mounts(world: &World<'_>, store: &Datastore) -> Vec<Data> {
    let shown = store.mounts.iter().filter_map(|(host, mode)| Some((world.vcenter.host(*host)?, mode)));
    let shown = shown.filter(|(host, _)| host.is_managed());
    shown
        .map(|(host, mode)| {
            let mode = match mode {
                AccessMode::ReadWrite => "readWrite",
                AccessMode::ReadOnly => "readOnly",
            };
            let mount = Data::new("HostMountInfo")
                .with("path", path(store))
                .with("accessMode", mode)
                .with("mounted", true)
                .with("accessible", store.accessible && host.is_connected());
            Data::new("DatastoreHostMount")
                .with("key", world.reference(&Object::Host(host)))
                .with("mountInfo", mount)
        })
        .collect()
}

fn capability(store: &Datastore) -> Data {
    Data::new("DatastoreCapability")
        .with("directoryHierarchySupported", true)
        .with("rawDiskMappingsSupported", store.kind == DatastoreKind::Vmfs)
        // Disks take their whole size.
        .with_each(&["perFileThinProvisioningSupported", "storageIORMSupported"], &false.into())
        .with("nativeSnapshotSupported", false)
}

pub(super) fn of_browser(world: &World<'_>, of: &Object<'_>, name: &str) -> Known {
    match name {
        "datastore" => {
            let reached = |store: &&Datastore| match of {
                Object::Datastore(one) => one.moid == store.moid,
                Object::Host(host) => store.mounts.contains_key(&host.moid),
                Object::Machine(vm) => store.mounts.contains_key(&vm.host),
                Object::Compute(compute) => {
                    world.hosts_of(*compute).any(|host| store.mounts.contains_key(&host.moid))
                }
                _ => false,
            };
            let stores = world.datastores().filter(reached);
            Value::refs(stores.map(|store| world.reference(&Object::Datastore(store)))).into()
        }
        _ => Known::NotEmulated,
    }
}

pub(super) fn of_environment(of: &Object<'_>, name: &str) -> Known {
    match name {
        "datastoreBrowser" => {
            let browser = Object::Browser(Box::new(of.clone()));
            super::super::value::Ref::new(browser.kind(), browser.id()).into()
        }
        _ => Known::NotEmulated,
    }
}
