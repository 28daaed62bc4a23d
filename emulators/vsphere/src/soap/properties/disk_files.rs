//! How the files of a machine are called: `[datastore] folder/file`.
//!
//! The names are those that a machine made in the usual way has. A snapshot puts one more file in front of each disk, `-000001`
//! and so on, with the one that it froze as its parent; which file is in front of which is said by levels, of which 0 is
//! the disk as it was made.

use super::super::store::DatastorePath;
use super::super::world::World;
use crate::moid::SnapshotMoid;
use crate::virtual_machine::VirtualMachine;

/// The folder of a machine. One that was created in the place of another has its name, and so not its folder.
fn folder(world: &World<'_>, vm: &VirtualMachine) -> String {
    if let Some(directory) = &vm.settings.directory {
        return directory.clone();
    }
    let others = vm.machine.map_or(0, |machine| world.vcenter.left_of(machine).count());
    if others == 0 { vm.name.clone() } else { format!("{}_{others}", vm.name) }
}

/// What the files of a machine are called: as its folder, unless that says that there is another.
fn stem(vm: &VirtualMachine) -> &str {
    if let Some(stem) = &vm.settings.stem {
        return stem;
    }
    vm.settings
        .directory
        .as_deref()
        .map_or(vm.name.as_str(), |folder| folder.rsplit('/').next().unwrap_or(folder))
}

fn in_folder(world: &World<'_>, vm: &VirtualMachine, name: &str) -> DatastorePath {
    DatastorePath { store: vm.datastore, path: format!("{}/{name}", folder(world, vm)) }
}

/// The configuration.
pub(crate) fn config(world: &World<'_>, vm: &VirtualMachine) -> DatastorePath {
    in_folder(world, vm, &format!("{}.vmx", stem(vm)))
}

/// What a snapshot keeps beside the disks, by its place.
pub(crate) fn snapshot_path(world: &World<'_>, vm: &VirtualMachine, place: usize) -> DatastorePath {
    in_folder(world, vm, &format!("{}-Snapshot{}.vmsn", stem(vm), place + 1))
}

/// The folder, as it stands in paths.
pub(super) fn directory(world: &World<'_>, vm: &VirtualMachine) -> String {
    let path = DatastorePath { store: vm.datastore, path: folder(world, vm) };
    format!("{}/", path.written(world.vcenter))
}

/// A file of one of its disks, at a level; `kind` is empty, or says which of the files behind the first one, such as
/// `-flat`.
pub(crate) fn disk_path(
    world: &World<'_>,
    vm: &VirtualMachine,
    place: usize,
    level: usize,
    kind: &str,
) -> DatastorePath {
    let delta = if level == 0 { String::new() } else { format!("-{level:06}") };
    if let Some(file) = vm.settings.disks.iter().find(|disk| disk.place == place) {
        let stem = file.path.strip_suffix(".vmdk").unwrap_or(&file.path);
        return DatastorePath { store: file.datastore, path: format!("{stem}{delta}{kind}.vmdk") };
    }
    let store = vm.disks.get(place).map_or(vm.datastore, |disk| disk.datastore);
    let number = if place == 0 { String::new() } else { format!("_{place}") };
    DatastorePath { store, path: format!("{}/{}{number}{delta}{kind}.vmdk", folder(world, vm), stem(vm)) }
}

/// The level in front of the newest snapshot that a machine stands on.
pub(crate) fn live(vm: &VirtualMachine) -> usize {
    if vm.current.is_some() { vm.snapshots.len() } else { 0 }
}

/// The level that a snapshot froze, by its place.
pub(crate) fn frozen(vm: &VirtualMachine, place: usize) -> usize {
    if vm.snapshots.get(place).is_some_and(|snapshot| snapshot.parent.is_some()) { place } else { 0 }
}

/// The level that lies below one.
pub(crate) fn level_below(vm: &VirtualMachine, level: usize) -> Option<usize> {
    let place_of = |moid: SnapshotMoid| vm.snapshots.iter().position(|snapshot| snapshot.moid == moid);
    let on = match level {
        0 => None,
        level if level >= vm.snapshots.len() => vm.current,
        level => vm.snapshots.get(level)?.parent,
    };
    on.and_then(place_of).map(|place| frozen(vm, place))
}

/// From a level down to the first.
pub(crate) fn chain(vm: &VirtualMachine, level: usize) -> Vec<usize> {
    let mut chain = vec![level];
    // Each lies below the one before, so there is an end; a number that is there twice would be none.
    while let Some(below) = level_below(vm, chain[chain.len() - 1]).filter(|below| !chain.contains(below)) {
        chain.push(below);
    }
    chain
}

/// All levels of which there are files.
pub(crate) fn levels(vm: &VirtualMachine) -> Vec<usize> {
    let mut levels: Vec<usize> = (0..vm.snapshots.len()).map(|place| frozen(vm, place)).collect();
    levels.extend([0, live(vm)]);
    levels.sort_unstable();
    levels.dedup();
    levels
}

/// The identifier that a disk keeps wherever it lies.
pub(crate) fn disk_uuid(owner: &VirtualMachine, place: usize) -> String {
    format!("6000C290-0000-0000-0000-{:08x}{place:04x}", owner.moid.0)
}

/// The same as descriptors have it: `60 00 C2 90 00 00 00 00-00 00 ...`
pub(crate) fn spaced(uuid: &str) -> String {
    let digits: Vec<char> = uuid.chars().filter(|digit| *digit != '-').collect();
    let mut text = String::new();
    for (at, pair) in digits.chunks(2).enumerate() {
        let before = match at {
            0 => "",
            8 => "-",
            _ => " ",
        };
        text.push_str(before);
        text.extend(pair);
    }
    text
}
