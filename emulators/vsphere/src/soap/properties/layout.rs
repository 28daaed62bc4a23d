//! Where a machine lies and what it takes: VirtualMachineFileLayout, VirtualMachineFileLayoutEx and
//! VirtualMachineStorageInfo.

use std::collections::{BTreeMap, BTreeSet};

use switchback_sim::SimTime;

use super::super::object::Object;
use super::super::value::{Data, Ref, Value, long};
use super::super::world::World;
use super::{disk_files, hardware};
use crate::moid::DatastoreMoid;
use crate::snapshot::Snapshot;
use crate::virtual_machine::VirtualMachine;

/// Of its configuration and its own disks, each once.
pub(super) fn datastores(world: &World<'_>, vm: &VirtualMachine) -> Vec<Ref> {
    let own = vm.disks.iter().map(|disk| disk.datastore);
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
    for disk in &vm.disks {
        *usage.entry(disk.datastore).or_default() += disk.bytes();
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
        .with_each(&["committed", "unshared"], &long(vm.disk_bytes()))
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
    files.add(disk_files::file(world, vm, "vmx"), "config", 0);
    let snapshots = vm.snapshots.len();
    let mut chains = Vec::new();
    for (index, disk) in vm.disks.iter().enumerate() {
        let mut chain = Vec::new();
        for level in 0..=snapshots {
            // A snapshot takes nothing of its datastore, so what lies behind the first file is the disk.
            let (bytes, kind) = if level == 0 { (disk.bytes(), "-flat") } else { (0, "-sesparse") };
            let descriptor = files.add(disk_files::disk(world, vm, index, level, ""), "diskDescriptor", 0);
            let extent = files.add(disk_files::disk(world, vm, index, level, kind), "diskExtent", bytes);
            chain.push((descriptor, extent));
        }
        chains.push((hardware::disk_key(index), chain));
    }
    let kept: Vec<_> = vm
        .snapshots
        .iter()
        .enumerate()
        .map(|(place, snapshot)| {
            let key = files.add(snapshot_file(world, vm, place), "snapshotData", 0);
            Data::new("VirtualMachineFileLayoutExSnapshotLayout")
                .with("key", Ref::new("VirtualMachineSnapshot", snapshot.moid))
                .with("dataKey", key)
                .with("memoryKey", -1)
                .with("disk", Value::list("VirtualMachineFileLayoutExDiskLayout", disks(&chains, place + 1)))
        })
        .collect();
    Data::new("VirtualMachineFileLayoutEx")
        .with("file", Value::list("VirtualMachineFileLayoutExFileInfo", files.listed))
        .with("disk", Value::list("VirtualMachineFileLayoutExDiskLayout", disks(&chains, snapshots + 1)))
        .with("snapshot", Value::list("VirtualMachineFileLayoutExSnapshotLayout", kept))
        .with("timestamp", measured(vm))
}

/// The same in the older form, which names the files and tells nothing of their sizes.
pub(super) fn old_layout(world: &World<'_>, vm: &VirtualMachine) -> Data {
    let snapshots = vm.snapshots.len();
    let disk = |index: usize| {
        let files = (0..=snapshots).map(|level| disk_files::disk(world, vm, index, level, ""));
        Data::new("VirtualMachineFileLayoutDiskLayout")
            .with("key", hardware::disk_key(index))
            .with("diskFile", Value::texts(files))
    };
    let snapshot = |(place, snapshot): (usize, &Snapshot)| {
        Data::new("VirtualMachineFileLayoutSnapshotLayout")
            .with("key", Ref::new("VirtualMachineSnapshot", snapshot.moid))
            .with("snapshotFile", Value::texts([snapshot_file(world, vm, place)]))
    };
    let kept = vm.snapshots.iter().enumerate().map(snapshot);
    Data::new("VirtualMachineFileLayout")
        .with("configFile", Value::texts([disk_files::file(world, vm, "vmx")]))
        .with("disk", Value::list("VirtualMachineFileLayoutDiskLayout", (0..vm.disks.len()).map(disk)))
        .with("snapshot", Value::list("VirtualMachineFileLayoutSnapshotLayout", kept))
}

fn snapshot_file(world: &World<'_>, vm: &VirtualMachine, place: usize) -> String {
    disk_files::file(world, vm, &format!("Snapshot{}.vmsn", place + 1))
}

/// The chains of all disks, of so many files each.
fn disks(chains: &[(i32, Vec<(i32, i32)>)], levels: usize) -> Vec<Data> {
    let unit = |(descriptor, extent): &(i32, i32)| {
        Data::new("VirtualMachineFileLayoutExDiskUnit").with("fileKey", Value::ints([*descriptor, *extent]))
    };
    let of = |(key, chain): &(i32, Vec<(i32, i32)>)| {
        let chain = chain.iter().take(levels).map(unit);
        Data::new("VirtualMachineFileLayoutExDiskLayout")
            .with("key", *key)
            .with("chain", Value::list("VirtualMachineFileLayoutExDiskUnit", chain))
    };
    chains.iter().map(of).collect()
}
