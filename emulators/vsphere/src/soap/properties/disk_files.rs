//! How the files of a machine are called: `[datastore] folder/file`.
//!
//! No file is there; the names are those that a machine made in the usual way has, so that what reads them finds its
//! way. A snapshot puts one more file in front of each disk, `-000001` and so on, with the one before as its parent.

use super::super::world::World;
use crate::moid::DatastoreMoid;
use crate::virtual_machine::VirtualMachine;

/// The folder of a machine. One that was created in the place of another has its name, and so not its folder.
fn folder(world: &World<'_>, vm: &VirtualMachine) -> String {
    let others = vm.machine.map_or(0, |machine| world.vcenter.left_of(machine).count());
    if others == 0 { vm.name.clone() } else { format!("{}_{others}", vm.name) }
}

fn on(world: &World<'_>, datastore: DatastoreMoid, path: &str) -> String {
    let name = world.vcenter.datastore(datastore).map_or("", |store| store.name.as_str());
    format!("[{name}] {path}")
}

/// The folder, as it stands in paths.
pub(super) fn directory(world: &World<'_>, vm: &VirtualMachine) -> String {
    on(world, vm.datastore, &format!("{}/", folder(world, vm)))
}

/// A file of the machine itself, by its ending.
pub(super) fn file(world: &World<'_>, vm: &VirtualMachine, ending: &str) -> String {
    on(world, vm.datastore, &format!("{}/{}.{ending}", folder(world, vm), vm.name))
}

/// A file of one of its disks, behind so many snapshots; `kind` is empty, or says which of the files behind the
/// first one, such as `-flat`.
pub(super) fn disk(
    world: &World<'_>,
    vm: &VirtualMachine,
    index: usize,
    snapshots: usize,
    kind: &str,
) -> String {
    let datastore = vm.disks.get(index).map_or(vm.datastore, |disk| disk.datastore);
    let number = if index == 0 { String::new() } else { format!("_{index}") };
    let delta = if snapshots == 0 { String::new() } else { format!("-{snapshots:06}") };
    on(world, datastore, &format!("{}/{}{number}{delta}{kind}.vmdk", folder(world, vm), vm.name))
}
