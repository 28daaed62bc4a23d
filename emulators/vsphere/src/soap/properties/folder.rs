//! Folder, Datacenter and the one Network.

use super::super::object::{Folder, Known, NETWORK, Object};
use super::super::standalone::ROOT;
use super::super::value::{Data, Value};
use super::super::world::World;

pub(super) fn of_folder(world: &World<'_>, folder: Folder, name: &str) -> Known {
    match name {
        "name" => match (world.alone, folder) {
            (Some(_), Folder::Root) => ROOT.into(),
            _ => folder.name().into(),
        },
        "childType" => Value::texts(folder.child_types().iter().map(ToString::to_string)).into(),
        "childEntity" => {
            let children = world.children(&Object::Folder(folder));
            Value::refs(children.iter().map(|child| world.reference(child))).into()
        }
        "namespace" | "externallyManagedFolderInfo" => Known::Unset,
        _ => Known::NotEmulated,
    }
}

pub(super) fn of_datacenter(world: &World<'_>, name: &str) -> Known {
    let folder = |folder| world.reference(&Object::Folder(folder)).into();
    match name {
        "name" => world.datacenter_name().into(),
        "vmFolder" => folder(Folder::Machines),
        "hostFolder" => folder(Folder::Hosts),
        "datastoreFolder" => folder(Folder::Datastores),
        "networkFolder" => folder(Folder::Networks),
        "datastore" => {
            Value::refs(world.datastores().map(|store| world.reference(&Object::Datastore(store)))).into()
        }
        "network" => Value::refs([world.reference(&Object::Network)]).into(),
        "configuration" => Data::new("DatacenterConfigInfo").into(),
        _ => Known::NotEmulated,
    }
}

/// Every machine has one interface and there is nothing to connect it to but this; no traffic goes through it.
pub(super) fn of_network(world: &World<'_>, name: &str) -> Known {
    match name {
        "name" => NETWORK.into(),
        "summary" => Data::new("NetworkSummary")
            .with("network", world.reference(&Object::Network))
            .with("name", NETWORK)
            .with("accessible", true)
            .with("ipPoolName", "")
            .into(),
        "host" => Value::refs(world.hosts().map(|host| world.reference(&Object::Host(host)))).into(),
        "vm" => Value::refs(world.machines().map(|vm| world.reference(&Object::Machine(vm)))).into(),
        _ => Known::NotEmulated,
    }
}
