//! What lies at a place of a datastore, whoever's it is.

use std::collections::BTreeMap;

use switchback_sim::SimTime;

use super::super::properties::disk_files;
use super::super::world::World;
use super::machine_files::{MachineFile, files};
use super::{DatastorePath, Stored, StoredFile, within};
use crate::moid::DatastoreMoid;
use crate::virtual_machine::VirtualMachine;

/// What is found at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    Folder,
    Stored(&'a StoredFile),
    OfMachine(&'a VirtualMachine, MachineFile),
}

impl Found<'_> {
    /// How long it is.
    pub(crate) fn bytes(&self, world: &World<'_>) -> u64 {
        match self {
            Self::Folder => 0,
            Self::Stored(file) => file.contents.bytes(),
            Self::OfMachine(vm, file) => file.bytes(world, vm),
        }
    }

    /// When it was last written, as far as it is known.
    pub(crate) fn modified(&self) -> SimTime {
        match self {
            Self::Folder | Self::OfMachine(..) => SimTime::ZERO,
            Self::Stored(file) => file.modified,
        }
    }
}

/// Machines that may have files on a datastore, in the inventory or not.
fn machines<'a>(
    world: &World<'a>,
    store: DatastoreMoid,
) -> impl Iterator<Item = &'a VirtualMachine> + use<'a> {
    let all = world.machines().chain(world.vcenter.unregistered());
    all.filter(move |vm| vm.datastore == store || vm.disks.iter().any(|disk| disk.datastore == store))
}

/// Whether files of a machine may lie in a folder: a look at its own folder saves a look at all of them.
fn may_lie(world: &World<'_>, vm: &VirtualMachine, at: &DatastorePath) -> bool {
    let home = disk_files::config(world, vm).parent().unwrap_or_else(|| DatastorePath::root(at.store));
    !vm.settings.disks.is_empty() || within(&home.path, &at.path) || within(&at.path, &home.path)
}

/// Everything on a datastore that lies within a folder, by its path.
pub(crate) fn all_below<'a>(world: &World<'a>, folder: &DatastorePath) -> BTreeMap<String, Found<'a>> {
    let mut found = BTreeMap::new();
    for vm in machines(world, folder.store).filter(|vm| may_lie(world, vm, folder)) {
        for (at, file) in files(world, vm) {
            if at.store == folder.store && within(&at.path, &folder.path) {
                let mut parent = at.parent();
                found.insert(at.path, Found::OfMachine(vm, file));
                while let Some(here) =
                    parent.filter(|here| !here.is_root() && within(&here.path, &folder.path))
                {
                    parent = here.parent();
                    found.insert(here.path, Found::Folder);
                }
            }
        }
    }
    for (path, entry) in world.store.on(folder.store).filter(|(path, _)| within(path, &folder.path)) {
        match entry {
            Stored::Folder => found.entry(path.to_owned()).or_insert(Found::Folder),
            Stored::File(file) => found.entry(path.to_owned()).or_insert(Found::Stored(file)),
        };
    }
    found
}

/// What lies at a place. The datastore itself is a folder.
pub(crate) fn find<'a>(world: &World<'a>, at: &DatastorePath) -> Option<Found<'a>> {
    if at.is_root() {
        return Some(Found::Folder);
    }
    match world.store.get(at) {
        Some(Stored::File(file)) => Some(Found::Stored(file)),
        Some(Stored::Folder) => Some(Found::Folder),
        None => all_below(world, at).remove(&at.path),
    }
}

/// What lies directly in a folder, by its name.
pub(crate) fn children<'a>(world: &World<'a>, folder: &DatastorePath) -> Vec<(String, Found<'a>)> {
    let begins = if folder.is_root() { 0 } else { folder.path.len() + 1 };
    let below = all_below(world, folder).into_iter().filter(|(path, _)| path.len() > begins);
    let direct = below.filter(|(path, _)| !path[begins..].contains('/'));
    direct.map(|(path, found)| (path[begins..].to_owned(), found)).collect()
}

/// The machine whose file that is, if it may not be touched: it is registered, and what it needs.
pub(crate) fn owner<'a>(world: &World<'a>, at: &DatastorePath) -> Option<&'a VirtualMachine> {
    let stored = |vm: &&VirtualMachine| {
        let descriptors = vm.settings.disks.iter().map(|disk| (disk.datastore, disk.path.as_str()));
        let mut files = descriptors.flat_map(|(store, path)| {
            let extent = path.strip_suffix(".vmdk").map(|stem| format!("{stem}-flat.vmdk"));
            [Some(path.to_owned()), extent].into_iter().flatten().map(move |path| (store, path))
        });
        files.any(|(store, path)| store == at.store && within(&path, &at.path))
    };
    if let Some(vm) = world.machines().find(stored) {
        return Some(vm);
    }
    let is_registered = |vm: &VirtualMachine| world.vcenter.vm(vm.moid).is_some();
    all_below(world, at).into_values().find_map(|found| match found {
        Found::OfMachine(vm, _) if is_registered(vm) => Some(vm),
        _ => None,
    })
}
