//! The properties of managed objects, one file per object. What the emulator does not know it does not make up: such
//! a property is answered as one that is not emulated.
//!
//! Some required fields are about things that do not exist here (processors, their load): those are constants, and
//! stand with their reason beside them.

mod compute;
mod datastore;
pub(crate) mod disk_files;
mod entity;
mod folder;
mod guest;
mod hardware;
mod host;
mod layout;
mod machine;
mod machine_config;
mod service;
mod snapshot;
mod task;

use super::object::{Known, Object};
use super::value::Value;
use super::world::World;

pub(crate) use guest::{host_name, system_of};
pub(crate) use hardware::{cpus as processors, place_of_key};
pub(crate) use machine_config::{HARDWARE_VERSION, instance_uuid, machine_of_uuid, uuid};
pub(crate) use service::service_content;

/// A property of an object, by its first name.
pub(crate) fn property(world: &World<'_>, object: &Object<'_>, name: &str) -> Known {
    let own = match object {
        Object::Service(kind) => service::property(world, kind, name),
        Object::Folder(folder) => folder::of_folder(world, *folder, name),
        Object::Datacenter => folder::of_datacenter(world, name),
        Object::Compute(compute) => compute::of_compute(world, *compute, name),
        Object::Pool(compute) => compute::of_pool(world, *compute, name),
        Object::Host(host) => host::property(world, host, name),
        Object::Datastore(store) => datastore::property(world, store, name),
        Object::Network => folder::of_network(world, name),
        Object::Machine(vm) => machine::property(world, vm, name),
        Object::Snapshot(vm, place) => snapshot::property(world, vm, *place, name),
        Object::Task(task) => task::property(world, task, name),
        Object::Browser(of) => datastore::of_browser(world, of, name),
        Object::Environment(of) => datastore::of_environment(of, name),
        Object::Collector(_, collector) => match name {
            "filter" => Value::refs(collector.filter_refs()).into(),
            _ => Known::NotEmulated,
        },
        Object::Filter(_, filter) => filter.property(name),
        Object::View(view) => view.property(world, name),
        Object::StorageSystem(_) => Known::NotEmulated,
        Object::Lease(id, lease) => lease.property(id, name),
        Object::History(_, history) => history.property(world, name),
    };
    match own {
        Known::NotEmulated => entity::property(world, object, name),
        known => known,
    }
}
