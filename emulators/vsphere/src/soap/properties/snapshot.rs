//! VirtualMachineSnapshotInfo and VirtualMachineSnapshot. Every snapshot stands on the one before: there is no going
//! back to an older one, so there are no branches.

use super::super::object::{Known, Object};
use super::super::value::{Data, Ref, Value, int};
use super::super::world::World;
use super::machine_config;
use crate::moid::SnapshotMoid;
use crate::virtual_machine::VirtualMachine;

pub(super) fn property(world: &World<'_>, vm: &VirtualMachine, place: usize, name: &str) -> Known {
    match name {
        "config" => machine_config::info(world, vm, place).into(),
        "childSnapshot" => {
            let next = vm.snapshots.get(place + 1);
            Value::refs(next.map(|next| Ref::new("VirtualMachineSnapshot", next.moid))).into()
        }
        "vm" => world.reference(&Object::Machine(vm)).into(),
        _ => Known::NotEmulated,
    }
}

/// None while there is none, as in the real thing.
pub(super) fn info(world: &World<'_>, vm: &VirtualMachine) -> Option<Data> {
    let current = vm.snapshots.last()?;
    let root = tree(world, vm)?;
    Some(
        Data::new("VirtualMachineSnapshotInfo")
            .with("currentSnapshot", Ref::new("VirtualMachineSnapshot", current.moid))
            .with("rootSnapshotList", Value::list("VirtualMachineSnapshotTree", [root])),
    )
}

pub(super) fn roots(vm: &VirtualMachine) -> Value {
    Value::refs(vm.snapshots.first().map(|first| Ref::new("VirtualMachineSnapshot", first.moid)))
}

/// From the newest to the oldest, each holding the one that stands on it.
fn tree(world: &World<'_>, vm: &VirtualMachine) -> Option<Data> {
    let numbered = vm.snapshots.iter().enumerate().rev();
    numbered.fold(None, |newer: Option<Data>, (place, snapshot)| {
        let newer = newer.map(|newer| Value::list("VirtualMachineSnapshotTree", [newer]));
        Some(
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
                .with_some("childSnapshotList", newer),
        )
    })
}

fn description<'a>(world: &World<'a>, snapshot: SnapshotMoid) -> &'a str {
    world.descriptions.get(&snapshot).map_or("", String::as_str)
}
