//! What all entities of the inventory have.

use super::super::object::{Known, Object};
use super::super::types::types;
use super::super::value::{Ref, Value};
use super::super::world::World;
use crate::moid::VmMoid;

pub(super) fn property(world: &World<'_>, object: &Object<'_>, name: &str) -> Known {
    let extensible = types().is_a(object.kind(), "ExtensibleManagedObject");
    match name {
        // Nobody can define fields of their own.
        "value" if extensible => Value::List("CustomFieldValue", Vec::new()).into(),
        "availableField" if extensible => Value::List("CustomFieldDef", Vec::new()).into(),
        _ if types().is_a(object.kind(), "ManagedEntity") => of_entity(world, object, name),
        _ => Known::NotEmulated,
    }
}

fn of_entity(world: &World<'_>, object: &Object<'_>, name: &str) -> Known {
    match name {
        "parent" => Known::some(world.parent(object).map(|parent| world.reference(&parent))),
        "customValue" => Value::List("CustomFieldValue", Vec::new()).into(),
        "overallStatus" => status(world, object).into(),
        "configStatus" => green().into(),
        "configIssue" => Value::List("Event", Vec::new()).into(),
        // Everybody is an administrator, whose role has this number.
        "effectiveRole" => Value::ints([-1]).into(),
        "permission" => Value::List("Permission", Vec::new()).into(),
        "disabledMethod" => Value::texts([]).into(),
        "recentTask" => recent_tasks(world, object).into(),
        "declaredAlarmState" | "triggeredAlarmState" => Value::List("AlarmState", Vec::new()).into(),
        "alarmActionsEnabled" => true.into(),
        "tag" => Value::List("Tag", Vec::new()).into(),
        _ => Known::NotEmulated,
    }
}

pub(super) const fn green() -> Value {
    Value::Word("ManagedEntityStatus", "green")
}

/// How an entity is: red while it cannot be reached.
pub(super) fn status(world: &World<'_>, object: &Object<'_>) -> Value {
    let well = match object {
        Object::Host(host) => host.is_connected() && !world.vcenter.is_disconnected(host.moid),
        Object::Datastore(store) => store.accessible,
        _ => true,
    };
    if well { green() } else { Value::Word("ManagedEntityStatus", "red") }
}

/// Tasks about it that are not over, or were not ten minutes ago: so long does vCenter show them.
fn recent_tasks(world: &World<'_>, object: &Object<'_>) -> Value {
    let machine = match object {
        Object::Machine(vm) => vm.moid,
        _ => return Value::refs([]),
    };
    Value::refs(recent(world, Some(machine)))
}

pub(super) fn recent(world: &World<'_>, machine: Option<VmMoid>) -> Vec<Ref> {
    const SHOWN: std::time::Duration = std::time::Duration::from_secs(600);
    let about = world.tasks().filter(|task| machine.is_none() || task.entity == machine);
    let recent = about.filter(|task| match super::task::completed(task, world.now) {
        Some(completed) => world.now.saturating_since(completed) < SHOWN,
        None => true,
    });
    recent.map(|task| Ref::new("Task", task.moid)).collect()
}
