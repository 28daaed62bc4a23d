//! Where a machine lies and what it takes: VirtualMachineFileLayout, VirtualMachineFileLayoutEx and
//! VirtualMachineStorageInfo.

use std::collections::{BTreeMap, BTreeSet};

use switchback_engine::content::SECTOR_BYTES;
use switchback_sim::SimTime;

use super::super::object::Object;
use super::super::store::DatastorePath;
use super::super::store::machine_files::{MachineFile, extent_kind};
use super::super::value::{Data, Ref, Value, long};
use super::super::world::World;
use super::{disk_files, hardware};
use crate::moid::DatastoreMoid;
use crate::snapshot::Snapshot;
use crate::virtual_machine::VirtualMachine;

/// Of its configuration and its own disks, each once.
pub(super) fn datastores(world: &World<'_>, vm: &VirtualMachine) -> Vec<Ref> {
    let files = vm.settings.disks.iter().map(|disk| disk.datastore);
    let own = vm.disks.iter().map(|disk| disk.datastore).chain(files);
    let all: BTreeSet<_> = [vm.datastore].into_iter().chain(own).collect();
    let found = all.into_iter().filter_map(|store| world.vcenter.datastore(store));
    found.map(|store| world.reference(&Object::Datastore(store))).collect()
}

/// When files last came or went, as far as it is known. It is not the present: whoever watches these is told of changes,
/// and time is none.
fn measured(vm: &VirtualMachine) -> SimTime {
    vm.snapshots.last().map_or(SimTime::ZERO, |snapshot| snapshot.created)
}

/// What its disks take, by datastore. They are thick, so nothing is left to grow.
fn usage(vm: &VirtualMachine) -> BTreeMap<DatastoreMoid, u64> {
    let mut usage = BTreeMap::from([(vm.datastore, 0)]);
    let files = vm.settings.disks.iter().map(|disk| (disk.datastore, disk.sectors * SECTOR_BYTES));
    for (store, bytes) in vm.disks.iter().map(|disk| (disk.datastore, disk.bytes())).chain(files) {
        *usage.entry(store).or_default() += bytes;
    }
    usage
}

pub(super) fn storage(vm: &VirtualMachine) -> Data {
    let on = |(store, bytes): (DatastoreMoid, u64)| {
        Data::new("VirtualMachineUsageOnDatastore")
            .with("datastore", Ref::new("Datastore", store))
            .with_each(&["committed", "unshared"], &long(bytes))
            .with("uncommitted", 0_i64)
    };
    Data::new("VirtualMachineStorageInfo")
        .with(
            "perDatastoreUsage",
            Value::list("VirtualMachineUsageOnDatastore", usage(vm).into_iter().map(on)),
        )
        .with("timestamp", measured(vm))
}

pub(super) fn storage_summary(vm: &VirtualMachine) -> Data {
    Data::new("VirtualMachineStorageSummary")
        .with_each(&["committed", "unshared"], &long(usage(vm).into_values().sum::<u64>()))
        .with("uncommitted", 0_i64)
        .with("timestamp", measured(vm))
}

/// The files, numbered as they are listed.
#[derive(Default)]
struct Files {
    listed: Vec<Data>,
}

impl Files {
    fn add(&mut self, name: String, kind: &'static str, bytes: u64) -> i32 {
        let key = i32::try_from(self.listed.len()).unwrap_or(i32::MAX);
        let file = Data::new("VirtualMachineFileLayoutExFileInfo")
            .with("key", key)
            .with("name", name)
            .with("type", kind)
            .with_each(&["size", "uniqueSize"], &long(bytes))
            .with("accessible", true);
        self.listed.push(file);
        key
    }
}

pub(super) fn layout(world: &World<'_>, vm: &VirtualMachine) -> Data {
    let mut files = Files::default();
    let written = |path: &DatastorePath| path.written(world.vcenter);
    let config = disk_files::config(world, vm);
    files.add(written(&config), "config", MachineFile::Config.bytes(world, vm));
    let mut chains = Vec::new();
    for place in vm.places() {
        let mut chain = BTreeMap::new();
        for level in disk_files::levels(vm) {
            let path = |kind| written(&disk_files::disk_path(world, vm, place, level, kind));
            let bytes = |file: MachineFile| file.bytes(world, vm);
            let text = bytes(MachineFile::Descriptor { place, level });
            let descriptor = files.add(path(""), "diskDescriptor", text);
            let taken = bytes(MachineFile::Extent { place, level });
            let extent = files.add(path(extent_kind(level)), "diskExtent", taken);
            chain.insert(level, (descriptor, extent));
        }
        chains.push((hardware::disk_key(place), chain));
    }
    let kept: Vec<_> = vm
        .snapshots
        .iter()
        .enumerate()
        .map(|(place, snapshot)| {
            let key = files.add(written(&disk_files::snapshot_path(world, vm, place)), "snapshotData", 0);
            let levels = disk_files::chain(vm, disk_files::frozen(vm, place));
            Data::new("VirtualMachineFileLayoutExSnapshotLayout")
                .with("key", Ref::new("VirtualMachineSnapshot", snapshot.moid))
                .with("dataKey", key)
                .with("memoryKey", -1)
                .with("disk", Value::list("VirtualMachineFileLayoutExDiskLayout", disks(&chains, &levels)))
        })
        .collect();
    let live = disk_files::chain(vm, disk_files::live(vm));
    Data::new("VirtualMachineFileLayoutEx")
        .with("file", Value::list("VirtualMachineFileLayoutExFileInfo", files.listed))
        .with("disk", Value::list("VirtualMachineFileLayoutExDiskLayout", disks(&chains, &live)))
        .with("snapshot", Value::list("VirtualMachineFileLayoutExSnapshotLayout", kept))
        .with("timestamp", measured(vm))
}

/// The same in the older form, which names the files and tells nothing of their sizes.
pub(super) fn old_layout(world: &World<'_>, vm: &VirtualMachine) -> Data {
    let written = |path: DatastorePath| path.written(world.vcenter);
    let disk = |place: usize| {
        let levels = disk_files::chain(vm, disk_files::live(vm)).into_iter().rev();
        let files = levels.map(|level| written(disk_files::disk_path(world, vm, place, level, "")));
        Data::new("VirtualMachineFileLayoutDiskLayout")
            .with("key", hardware::disk_key(place))
            .with("diskFile", Value::texts(files))
    };
    let snapshot = |(place, snapshot): (usize, &Snapshot)| {
        Data::new("VirtualMachineFileLayoutSnapshotLayout")
            .with("key", Ref::new("VirtualMachineSnapshot", snapshot.moid))
            .with("snapshotFile", Value::texts([written(disk_files::snapshot_path(world, vm, place))]))
    };
    let kept = vm.snapshots.iter().enumerate().map(snapshot);
    Data::new("VirtualMachineFileLayout")
        .with("configFile", Value::texts([written(disk_files::config(world, vm))]))
        .with("disk", Value::list("VirtualMachineFileLayoutDiskLayout", vm.places().map(disk)))
        .with("snapshot", Value::list("VirtualMachineFileLayoutSnapshotLayout", kept))
}

/// The key of a disk, and for each level the keys of its descriptor and its extent.
type Chain = (i32, BTreeMap<usize, (i32, i32)>);

/// The chains of all disks, with these levels from the newest to the first.
fn disks(chains: &[Chain], levels: &[usize]) -> Vec<Data> {
    let unit = |(descriptor, extent): &(i32, i32)| {
        Data::new("VirtualMachineFileLayoutExDiskUnit").with("fileKey", Value::ints([*descriptor, *extent]))
    };
    let of = |(key, chain): &Chain| {
        let chain = levels.iter().rev().filter_map(|level| chain.get(level)).map(unit);
        Data::new("VirtualMachineFileLayoutExDiskLayout")
            .with("key", *key)
            .with("chain", Value::list("VirtualMachineFileLayoutExDiskUnit", chain))
    };
    chains.iter().map(of).collect()
}
