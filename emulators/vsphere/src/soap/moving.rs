//! RelocateVM_Task and MigrateVM_Task: to another datastore, to another host, or to both.

use super::context::{Arguments, Context};
use super::disks::extent_of;
use super::fault::SoapFault;
use super::filing::{occupy, transfer};
use super::lifecycle;
use super::object::Object;
use super::operations::Outcome;
use super::store::DatastorePath;
use super::store::look;
use super::tasks::{fault, machine, task};
use super::value::{Data, Ref, Value};
use crate::faults::Fault;
use crate::moid::{DatastoreMoid, HostMoid};
use crate::virtual_machine::VirtualMachine;

/// Of a wish where something is to be, what is understood.
const UNDERSTOOD: [&str; 5] = ["datastore", "host", "pool", "folder", "diskMoveType"];

/// Where something is to be that is now where a machine is.
pub(super) fn destination(
    context: &Context<'_>,
    vm: &VirtualMachine,
    location: Option<&Data>,
) -> Result<(DatastoreMoid, HostMoid), SoapFault> {
    let fields = location.map_or(&[][..], |location| &location.fields);
    if let Some((field, _)) = fields.iter().find(|(field, _)| !UNDERSTOOD.contains(field)) {
        return Err(SoapFault::not_emulated(&format!("{field} of a location")));
    }
    let reference = |field| location.and_then(|location| location.get(field)).and_then(Value::reference);
    let store = match reference("datastore") {
        None => vm.datastore,
        Some(wanted) => match context.world().find(&wanted.id) {
            Some(Object::Datastore(store)) => store.moid,
            _ => return Err(SoapFault::not_found(wanted)),
        },
    };
    let host = match (reference("host"), reference("pool")) {
        (None, None) => vm.host,
        (None, Some(pool)) if pool_of(context, vm).as_ref() == Some(pool) => vm.host,
        (host, pool) => lifecycle::host(context, host, pool)?,
    };
    Ok((store, host))
}

fn pool_of(context: &Context<'_>, vm: &VirtualMachine) -> Option<Ref> {
    let world = context.world();
    let host = world.vcenter.host(vm.host)?;
    Some(world.reference(&Object::Pool(world.compute_of(host))))
}

pub(super) fn relocate(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    let (store, host) = destination(context, &vm, arguments.data("spec"))?;
    Ok(task(context, "RelocateVM_Task", Some(vm.moid), |context| {
        if host != vm.host {
            migrate_to(context, &vm, host)?;
        }
        if store != vm.datastore {
            move_to(context, &vm, store)?;
        }
        Ok(None)
    }))
}

pub(super) fn migrate(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    let host = lifecycle::host(context, arguments.reference("host"), arguments.reference("pool"))?;
    Ok(task(context, "MigrateVM_Task", Some(vm.moid), |context| {
        migrate_to(context, &vm, host).map(|()| None)
    }))
}

fn migrate_to(context: &mut Context<'_>, vm: &VirtualMachine, host: HostMoid) -> Result<(), SoapFault> {
    let is_in_maintenance = context.home.vcenter().host(host).is_some_and(|host| host.is_in_maintenance);
    let migrated = match vm.machine {
        _ if is_in_maintenance => Err(Fault::InvalidState(vm.name.clone())),
        Some(known) => context.home.migrate_machine(known, host),
        None => {
            let now = context.home.now();
            context.home.vcenter_mut().migrate_machine(now, vm.moid, host)
        }
    };
    migrated.map_err(|why| fault(context, vm.moid, &why))
}

/// All files of the machine go with it.
fn move_to(context: &mut Context<'_>, vm: &VirtualMachine, store: DatastoreMoid) -> Result<(), SoapFault> {
    let files = moves(context, vm, store)?;
    let moved = match vm.machine {
        Some(known) => context.home.move_machine(known, store),
        None => {
            let now = context.home.now();
            context.home.vcenter_mut().move_machine(now, vm.moid, store).map(|_| ())
        }
    };
    moved.map_err(|why| fault(context, vm.moid, &why))?;
    for (place, from, to) in files {
        if let Some(folder) = to.parent() {
            context.vim.store.make_folders(&folder);
        }
        transfer(context, &from, &to)?;
        transfer(context, &extent_of(&from), &extent_of(&to))?;
        let disks = context.home.vcenter_mut().settings_mut(vm.moid).map(|settings| &mut settings.disks);
        let disk = disks.into_iter().flatten().find(|disk| disk.place == place);
        disk.into_iter().for_each(|disk| (disk.datastore, disk.path) = (to.store, to.path.clone()));
    }
    context.vim.kept.relocate(vm.moid);
    Ok(())
}

/// Which files go where. Nothing is begun for which there is no room.
fn moves(
    context: &mut Context<'_>,
    vm: &VirtualMachine,
    store: DatastoreMoid,
) -> Result<Vec<(usize, DatastorePath, DatastorePath)>, SoapFault> {
    let mut moves = Vec::new();
    for disk in vm.settings.disks.iter().filter(|disk| disk.datastore != store) {
        let from = DatastorePath { store: disk.datastore, path: disk.path.clone() };
        let to = DatastorePath { store, path: disk.path.clone() };
        if look::find(&context.world(), &to).is_some() {
            return Err(SoapFault::file("FileAlreadyExists", &to.path));
        }
        moves.push((disk.place, from, to));
    }
    let files = moves.iter().map(|(_, from, _)| from);
    let bytes = |at: &DatastorePath| context.vim.store.bytes_below(at);
    let wanted: u64 = files.map(|from| bytes(from) + bytes(&extent_of(from))).sum();
    let wanted = wanted + vm.disk_bytes();
    occupy(context, store, wanted)?;
    super::filing::vacate(context, store, wanted);
    Ok(moves)
}
