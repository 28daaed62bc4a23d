//! SearchIndex: entities by their identifiers, names and paths.

use super::object::{Folder, Known, Object};
use super::properties::{host_name, machine_of_uuid, property};
use super::value::{Ref, Value};
use super::world::World;

/// Machines or hosts of an identifier; of a machine the one that its guest sees, or that vCenter gave.
pub(crate) fn by_uuid(world: &World<'_>, wanted: &str, machines: bool, instance: bool) -> Vec<Ref> {
    if machines {
        // Identifiers are made from numbers, so nothing has to be searched.
        let machine = machine_of_uuid(world, wanted, instance).and_then(|vm| world.find(&vm.to_string()));
        return found(world, machine.into_iter());
    }
    let same = |found: &str| found.eq_ignore_ascii_case(wanted);
    let uuid_of = |object: &Object<'_>| match property(world, object, "summary") {
        Known::Is(Value::Data(summary)) => {
            let hardware = summary.get("hardware").and_then(Value::data);
            hardware.and_then(|hardware| hardware.get("uuid")).and_then(Value::text).cloned()
        }
        _ => None,
    };
    found(world, world.hosts().map(Object::Host).filter(|host| uuid_of(host).is_some_and(|uuid| same(&uuid))))
}

/// Machines whose guest says that it has that name, or hosts that have it.
pub(crate) fn by_dns_name(world: &World<'_>, wanted: &str, machines: bool) -> Vec<Ref> {
    let same = |found: &str| found.eq_ignore_ascii_case(wanted);
    if machines {
        return found(
            world,
            world.machines().filter(|vm| host_name(vm).is_some_and(same)).map(Object::Machine),
        );
    }
    found(world, world.hosts().filter(|host| same(&host.name)).map(Object::Host))
}

fn found<'a>(world: &World<'a>, objects: impl Iterator<Item = Object<'a>>) -> Vec<Ref> {
    objects.map(|object| world.reference(&object)).collect()
}

/// The child of that name.
pub(crate) fn child(world: &World<'_>, of: &Object<'_>, name: &str) -> Option<Ref> {
    children(world, of)
        .into_iter()
        .find(|child| is_called(world, child, name))
        .map(|found| world.reference(&found))
}

/// Down from the root by names. What a name may not hold is written by number: `%2f` for a slash.
pub(crate) fn by_path(world: &World<'_>, path: &str) -> Option<Ref> {
    let mut at = Object::Folder(Folder::Root);
    for name in path.trim_matches('/').split('/').filter(|name| !name.is_empty()) {
        let name = decoded(name);
        at = children(world, &at).into_iter().find(|child| is_called(world, child, &name))?;
    }
    Some(world.reference(&at))
}

/// A path does not lead through resource pools to machines: those have their folder.
fn children<'a>(world: &World<'a>, of: &Object<'a>) -> Vec<Object<'a>> {
    match of {
        Object::Pool(_) | Object::Host(_) => Vec::new(),
        other => world.children(other),
    }
}

fn is_called(world: &World<'_>, object: &Object<'_>, name: &str) -> bool {
    match property(world, object, "name") {
        Known::Is(Value::Text(own)) => own == name,
        _ => false,
    }
}

fn decoded(name: &str) -> String {
    [("%2f", "/"), ("%2F", "/"), ("%5c", "\\"), ("%5C", "\\"), ("%25", "%")]
        .iter()
        .fold(name.to_owned(), |name, (code, character)| name.replace(code, character))
}
