//! VirtualMachineSnapshotInfo and VirtualMachineSnapshot. Whoever goes back to a snapshot and takes another has a branch.

use super::super::object::{Known, Object};
use super::super::value::{Data, Ref, Value, int};
use super::super::world::World;
use super::{disk_files, machine_config};
use crate::moid::SnapshotMoid;
use crate::snapshot::Snapshot;
use crate::virtual_machine::VirtualMachine;

pub(super) fn property(world: &World<'_>, vm: &VirtualMachine, place: usize, name: &str) -> Known {
    match name {
        "config" => machine_config::info(world, vm, disk_files::frozen(vm, place)).into(),
        "childSnapshot" => {
            let own = vm.snapshots.get(place).map(|snapshot| snapshot.moid);
            Value::refs(on(vm, own).map(|(_, next)| Ref::new("VirtualMachineSnapshot", next.moid))).into()
        }
        "vm" => world.reference(&Object::Machine(vm)).into(),
        _ => Known::NotEmulated,
    }
}

/// What stands on a snapshot, or on none, with its place.
fn on(vm: &VirtualMachine, parent: Option<SnapshotMoid>) -> impl Iterator<Item = (usize, &Snapshot)> {
    vm.snapshots.iter().enumerate().filter(move |(_, snapshot)| snapshot.parent == parent)
}

/// None while there is none, as in the real thing.
pub(super) fn info(world: &World<'_>, vm: &VirtualMachine) -> Option<Data> {
    if vm.snapshots.is_empty() {
        return None;
    }
    let current = vm.current.map(|current| Ref::new("VirtualMachineSnapshot", current));
    Some(
        Data::new("VirtualMachineSnapshotInfo")
            .with_some("currentSnapshot", current)
            .with("rootSnapshotList", trees(world, vm)),
    )
}

pub(super) fn roots(vm: &VirtualMachine) -> Value {
    Value::refs(on(vm, None).map(|(_, first)| Ref::new("VirtualMachineSnapshot", first.moid)))
}

/// Those that stand on none, each holding those that stand on it.
fn trees(world: &World<'_>, vm: &VirtualMachine) -> Value {
    let mut trees: Vec<Option<Data>> = vm.snapshots.iter().map(|_| None).collect();
    // What stands on another was taken after it: going backwards, every tree is whole when it is needed.
    for (place, snapshot) in vm.snapshots.iter().enumerate().rev() {
        let above: Vec<Data> = on(vm, Some(snapshot.moid)).filter_map(|(at, _)| trees[at].take()).collect();
        trees[place] = Some(tree(world, vm, (place, snapshot), above));
    }
    Value::list("VirtualMachineSnapshotTree", trees.into_iter().flatten())
}

fn tree(
    world: &World<'_>,
    vm: &VirtualMachine,
    (place, snapshot): (usize, &Snapshot),
    above: Vec<Data>,
) -> Data {
    let above = (!above.is_empty()).then(|| Value::list("VirtualMachineSnapshotTree", above));
    Data::new("VirtualMachineSnapshotTree")
        .with("snapshot", Ref::new("VirtualMachineSnapshot", snapshot.moid))
        .with("vm", world.reference(&Object::Machine(vm)))
        .with("name", snapshot.name.as_str())
        .with("description", description(world, snapshot.moid))
        .with("id", int(place + 1))
        .with("createTime", snapshot.created)
        // No snapshot holds memory: whoever goes back to one finds the machine off.
        .with("state", Value::Word("VirtualMachinePowerState", "poweredOff"))
        .with("quiesced", false)
        .with("replaySupported", false)
        .with_some("childSnapshotList", above)
}

fn description<'a>(world: &World<'a>, snapshot: SnapshotMoid) -> &'a str {
    world.descriptions.get(&snapshot).map_or("", String::as_str)
}
