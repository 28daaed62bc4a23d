//! Machines that come and go: made, cloned, registered, unregistered, deleted, renamed.
//!
//! A machine that a client makes is vCenter's alone: replication does not know it.

use switchback_disks::ByteFile;
use switchback_engine::recovery::Firmware;

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::filing::{self, check_accessible, path, shown};
use super::moving;
use super::object::{Compute, Object};
use super::operations::Outcome;
use super::properties::disk_files;
use super::reconfiguring::{self, Wish};
use super::running::switch;
use super::store::DatastorePath;
use super::store::look::{self, Found};
use super::store::machine_files::MachineFile;
use super::tasks::{fault, machine, machine_of, task};
use super::value::{Data, Ref, Value};
use super::virtual_disks;
use super::vmx::{self, Vmx};
use crate::faults::Fault;
use crate::moid::{DatastoreMoid, HostMoid, VmMoid};
use crate::operator::NewMachine;
use crate::settings::{FileDisk, Settings};
use crate::virtual_machine::{GuestOs, VirtualMachine};

/// Memory of a machine of which nothing is said, in MiB.
const MEMORY_MIB: u64 = 1_024;
/// How often a folder of the wanted name may be taken.
const NAMES_MAX: usize = 1_000;

/// The host that is named, or one of those of a pool.
pub(super) fn host(
    context: &Context<'_>,
    named: Option<&Ref>,
    pool: Option<&Ref>,
) -> Result<HostMoid, SoapFault> {
    let world = context.world();
    if let Some(named) = named {
        return match world.find(&named.id) {
            Some(Object::Host(host)) => Ok(host.moid),
            _ => Err(SoapFault::not_found(named)),
        };
    }
    let of_pool = match pool {
        None => None,
        Some(pool) => match world.find(&pool.id) {
            Some(Object::Pool(compute)) => Some(compute),
            _ => return Err(SoapFault::not_found(pool)),
        },
    };
    let found = context.home.vcenter().host_for(|host| match of_pool {
        Some(Compute::Cluster(cluster)) => host.cluster == Some(cluster.moid),
        Some(Compute::Lone(lone)) => host.moid == lone.moid,
        None => context.vim.host.is_none_or(|alone| host.moid == alone),
    });
    found.ok_or_else(|| SoapFault::of(&Fault::HostNotConnected, VmMoid(0), context.home.vcenter()))
}

fn family(guest_id: &str) -> GuestOs {
    if guest_id.to_lowercase().starts_with("win") { GuestOs::Windows } else { GuestOs::Linux }
}

/// A folder for a machine of that name, that is not there yet.
fn free_folder(context: &Context<'_>, store: DatastoreMoid, name: &str) -> Result<DatastorePath, SoapFault> {
    // A slash in a name is none in a path.
    let name = name.replace(['/', '\\', '%'], "_");
    let names =
        (0..NAMES_MAX).map(|number| if number == 0 { name.clone() } else { format!("{name}_{number}") });
    let world = context.world();
    let mut free = names.map(|name| DatastorePath { store, path: name });
    let found = free.find(|folder| look::find(&world, folder).is_none());
    found.ok_or_else(|| SoapFault::limit("folder", NAMES_MAX))
}

/// Where a new machine is to lie: as it is wished, or in a folder of its name.
fn home_of(context: &Context<'_>, config: &Data, name: &str) -> Result<DatastorePath, SoapFault> {
    let files = config.get("files").and_then(Value::data);
    let wished = files.and_then(|files| files.get("vmPathName")).and_then(Value::text);
    let wished = wished.ok_or_else(|| SoapFault::invalid_argument("config.files.vmPathName"))?;
    let wished = path(context, wished)?;
    check_accessible(context, wished.store)?;
    if wished.is_root() {
        return free_folder(context, wished.store, name);
    }
    let folder = if wished.name().ends_with(".vmx") { wished.parent().unwrap_or(wished) } else { wished };
    match look::find(&context.world(), &folder) {
        Some(_) if folder.is_root() => Err(SoapFault::invalid_argument("config.files.vmPathName")),
        Some(_) => Err(SoapFault::file("FileAlreadyExists", &shown(context, &folder))),
        None => Ok(folder),
    }
}

/// Makes a machine as a client describes it. What cannot be made whole is not made.
pub(super) fn create(context: &mut Context<'_>, config: &Data, host: HostMoid) -> Result<VmMoid, SoapFault> {
    let wish = Wish::read(config)?;
    let name = wish.name.clone().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| SoapFault::invalid_argument("config.name"))?;
    let folder = home_of(context, config, &name)?;
    let guest_id = wish.guest_id.clone().unwrap_or_else(|| "otherLinux64Guest".to_owned());
    let settings = Settings { directory: Some(folder.path.clone()), ..Settings::default() };
    let new = NewMachine {
        host,
        datastore: folder.store,
        memory_mib: wish.memory_mib.unwrap_or(MEMORY_MIB),
        guest: family(&guest_id),
        firmware: wish.firmware.unwrap_or(Firmware::Bios),
        tools: false,
        settings,
        name,
    };
    let vm = make(context, new)?;
    context.vim.store.make_folders(&folder);
    // Its name and memory it has already.
    let rest = Wish { name: None, memory_mib: None, guest_id: Some(guest_id), ..wish };
    if let Err(fault) = reconfiguring::apply(context, vm, rest) {
        destroy(context, vm)?;
        return Err(fault);
    }
    Ok(vm)
}

fn make(context: &mut Context<'_>, new: NewMachine) -> Result<VmMoid, SoapFault> {
    let name = new.name.clone();
    let made = context.home.vcenter_mut().make_machine(new);
    made.map_err(|why| {
        let taken =
            context.home.vcenter().machines().find(|vm| vm.name == name).map_or(VmMoid(0), |vm| vm.moid);
        fault(context, taken, &why)
    })
}

pub(super) fn create_machine(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let config = arguments.data("config").ok_or_else(|| SoapFault::invalid_argument("config"))?;
    let host = host(context, arguments.reference("host"), arguments.reference("pool"))?;
    Ok(task(context, "CreateVM_Task", None, |context| {
        let vm = create(context, config, host)?;
        Ok(Some(Ref::new("VirtualMachine", vm).into()))
    }))
}

/// Deletes a machine with all its files.
pub(super) fn destroy(context: &mut Context<'_>, vm: VmMoid) -> Result<(), SoapFault> {
    let machine = context.home.vcenter().vm(vm).cloned();
    let machine = machine.ok_or_else(|| SoapFault::not_found(&Ref::new("VirtualMachine", vm)))?;
    let folder = disk_files::config(&context.world(), &machine).parent();
    let removed = match machine.machine {
        Some(known) => context.home.delete_machine(known),
        None if machine.settings.is_made => context.home.vcenter_mut().remove_made(vm),
        None => return Err(SoapFault::not_emulated("Deleting a machine that replication needs")),
    };
    removed.map_err(|why| fault(context, vm, &why))?;
    for disk in &machine.settings.disks {
        // One that is not there any more need not be deleted.
        let at = DatastorePath { store: disk.datastore, path: disk.path.clone() };
        let _ = virtual_disks::delete_files(context, &at);
    }
    context.vim.kept.forget(vm, None);
    // A folder in which somebody else has put something stays.
    if let Some(folder) = folder.filter(|folder| look::children(&context.world(), folder).is_empty()) {
        context.vim.store.remove(&folder);
    }
    Ok(())
}

pub(super) fn destroy_entity(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    if context.receiver.kind != "VirtualMachine" {
        return Err(SoapFault::not_emulated(&format!("Deleting a {}", context.receiver.kind)));
    }
    let vm = machine(context)?;
    Ok(task(context, "Destroy_Task", Some(vm.moid), |context| destroy(context, vm.moid).map(|()| None)))
}

pub(super) fn rename_entity(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let name = arguments.text("newName").to_owned();
    if name.is_empty() {
        return Err(SoapFault::invalid_argument("newName"));
    }
    match context.receiver.kind {
        "VirtualMachine" => {
            let vm = machine(context)?;
            Ok(task(context, "Rename_Task", Some(vm.moid), |context| {
                let renamed = context.home.vcenter_mut().rename_machine(vm.moid, &name);
                renamed.map(|()| None).map_err(|why| fault(context, vm.moid, &why))
            }))
        }
        "Datastore" => Ok(task(context, "Rename_Task", None, |context| {
            super::hosting::rename_store(context, &name).map(|()| None)
        })),
        other => Err(SoapFault::not_emulated(&format!("Renaming a {other}"))),
    }
}

/// Has no task. The files stay; those of a client's machine become files like others.
pub(super) fn unregister(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    if vm.machine.is_none() && !vm.settings.is_made {
        return Err(SoapFault::not_emulated("Unregistering a machine that replication needs"));
    }
    if vm.settings.is_made && !vm.snapshots.is_empty() {
        return Err(SoapFault::not_emulated("Unregistering a machine of a client with snapshots"));
    }
    let world = context.world();
    let (config, text) = (disk_files::config(&world, &vm), vmx::written(&world, &vm));
    context.home.vcenter_mut().unregister(vm.moid).map_err(|why| fault(context, vm.moid, &why))?;
    if vm.settings.is_made {
        context.home.vcenter_mut().forget_unregistered(vm.moid);
        filing::occupy(context, config.store, text.len() as u64)?;
        let now = context.home.now();
        context.vim.store.put(config, ByteFile::of(text.as_bytes()), now);
        context.vim.kept.forget(vm.moid, None);
    }
    Ok(Outcome::Done)
}

pub(super) fn register(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let at = path(context, arguments.text("path"))?;
    if arguments.flag("asTemplate") {
        return Err(SoapFault::not_emulated("Registering a template"));
    }
    let host = host(context, arguments.reference("host"), arguments.reference("pool"))?;
    let name = arguments.get("name").and_then(Value::text).cloned();
    Ok(task(context, "RegisterVM_Task", None, |context| {
        let vm = register_at(context, &at, name.as_deref(), host)?;
        Ok(Some(Ref::new("VirtualMachine", vm).into()))
    }))
}

fn register_at(
    context: &mut Context<'_>,
    at: &DatastorePath,
    name: Option<&str>,
    host: HostMoid,
) -> Result<VmMoid, SoapFault> {
    check_accessible(context, at.store)?;
    let world = context.world();
    match look::find(&world, at) {
        Some(Found::OfMachine(vm, MachineFile::Config)) => {
            let vm = vm.moid;
            if context.home.vcenter().vm(vm).is_some() {
                let data = Data::new("AlreadyExists").with("name", shown(context, at));
                return Err(SoapFault::new(data, "The machine is registered already."));
            }
            let registered = context.home.vcenter_mut().register_again(vm, name, host);
            registered.map_err(|why| fault(context, vm, &why))
        }
        Some(Found::Stored(file)) if file.contents.bytes() <= vmx::TEXT_MAX => {
            let mut contents = file.contents.clone();
            let text = String::from_utf8(virtual_disks::bytes(&mut contents)).ok();
            let read = text.and_then(|text| vmx::read(&text));
            let read = read.ok_or_else(|| SoapFault::file("InvalidVmConfig", &shown(context, at)))?;
            register_read(context, at, read, name, host)
        }
        Some(_) => Err(SoapFault::file("InvalidVmConfig", &shown(context, at))),
        None => Err(SoapFault::file("FileNotFound", &shown(context, at))),
    }
}

/// A machine from a configuration that was uploaded. All its disks have to be there.
fn register_read(
    context: &mut Context<'_>,
    at: &DatastorePath,
    read: Vmx,
    name: Option<&str>,
    host: HostMoid,
) -> Result<VmMoid, SoapFault> {
    let folder = at.parent().unwrap_or_else(|| at.clone());
    let mut disks = Vec::new();
    for (place, file) in &read.disks {
        let there =
            if file.starts_with('[') { path(context, file)? } else { beside(context, &folder, file)? };
        let sectors = virtual_disks::check_attachable(context, &there)?;
        disks.push(FileDisk { place: *place, datastore: there.store, path: there.path, sectors });
    }
    let stem = at.name().strip_suffix(".vmx").unwrap_or_else(|| at.name()).to_owned();
    let name = name.map(str::to_owned).or(read.name).unwrap_or_else(|| stem.clone());
    let guest_id = read.guest_id.unwrap_or_else(|| "otherGuest64".to_owned());
    let settings = Settings {
        cpus: read.cpus.unwrap_or(1),
        annotation: read.annotation.unwrap_or_default(),
        directory: Some(folder.path),
        stem: Some(stem),
        uuid: read.uuid,
        instance_uuid: None,
        change_tracking: read.change_tracking,
        disks,
        guest_id: Some(guest_id.clone()),
        ..Settings::default()
    };
    let new = NewMachine {
        name,
        host,
        datastore: at.store,
        memory_mib: read.memory_mib.unwrap_or(MEMORY_MIB),
        guest: family(&guest_id),
        firmware: read.firmware.unwrap_or(Firmware::Bios),
        tools: false,
        settings,
    };
    let vm = make(context, new)?;
    // From here on its configuration is made from what is known of it.
    let freed = context.vim.store.remove(at);
    filing::vacate(context, at.store, freed);
    Ok(vm)
}

/// A disk that a configuration names by its name, or by where hosts have it.
fn beside(context: &Context<'_>, folder: &DatastorePath, file: &str) -> Result<DatastorePath, SoapFault> {
    let invalid = || SoapFault::file("FileNotFound", file);
    if let Some(mounted) = file.strip_prefix("/vmfs/volumes/") {
        let (store, below) = mounted.split_once('/').ok_or_else(invalid)?;
        let stores = || context.home.vcenter().datastores();
        let found = stores().find(|found| found.moid.to_string() == store || found.name == store);
        let path = super::store::path::clean(below).ok_or_else(invalid)?;
        return Ok(DatastorePath { store: found.ok_or_else(invalid)?.moid, path });
    }
    let name = super::store::path::clean(file).filter(|name| !name.contains('/')).ok_or_else(invalid)?;
    Ok(folder.child(&name))
}

pub(super) fn clone(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let source = machine(context)?;
    let spec = arguments.data("spec").ok_or_else(|| SoapFault::invalid_argument("spec"))?;
    if spec.get("customization").is_some() {
        return Err(SoapFault::not_emulated("Customising a clone"));
    }
    let name = arguments.text("name").to_owned();
    Ok(task(context, "CloneVM_Task", Some(source.moid), |context| {
        let vm = clone_as(context, &source, &name, spec)?;
        Ok(Some(Ref::new("VirtualMachine", vm).into()))
    }))
}

fn clone_as(
    context: &mut Context<'_>,
    source: &VirtualMachine,
    name: &str,
    spec: &Data,
) -> Result<VmMoid, SoapFault> {
    let location = spec.get("location").and_then(Value::data);
    let (store, host) = moving::destination(context, source, location)?;
    let snapshot = match spec.get("snapshot").and_then(Value::reference) {
        Some(reference) => {
            let kept = source.snapshots.iter().find(|kept| kept.moid.to_string() == reference.id);
            Some(kept.ok_or_else(|| SoapFault::not_found(reference))?.moid)
        }
        None => None,
    };
    let folder = free_folder(context, store, name)?;
    let settings = Settings {
        directory: Some(folder.path.clone()),
        stem: None,
        uuid: None,
        instance_uuid: None,
        disks: Vec::new(),
        ..source.settings.clone()
    };
    let new = NewMachine {
        name: name.to_owned(),
        host,
        datastore: store,
        memory_mib: source.memory_mib,
        guest: source.guest,
        firmware: source.firmware,
        tools: source.tools,
        settings,
    };
    let vm = make(context, new)?;
    context.vim.store.make_folders(&folder);
    let finished =
        copy_disks(context, source, snapshot, vm, &folder).and_then(|()| finish_clone(context, vm, spec));
    if let Err(fault) = finished {
        destroy(context, vm)?;
        return Err(fault);
    }
    Ok(vm)
}

fn copy_disks(
    context: &mut Context<'_>,
    source: &VirtualMachine,
    snapshot: Option<crate::moid::SnapshotMoid>,
    vm: VmMoid,
    folder: &DatastorePath,
) -> Result<(), SoapFault> {
    for place in source.places() {
        let image = context.vim.image(context.home, source, place, snapshot)?;
        let name = reconfiguring::file_name(folder, place);
        let contents = ByteFile::from_image(&*image);
        let uuid = format!("6000C290-0000-0000-0000-{:08x}{place:04x}", vm.0);
        let sectors = virtual_disks::create(context, &name, contents, &uuid)?;
        if let Some(settings) = context.home.vcenter_mut().settings_mut(vm) {
            settings.disks.push(FileDisk { place, datastore: name.store, path: name.path, sectors });
        }
    }
    Ok(())
}

fn finish_clone(context: &mut Context<'_>, vm: VmMoid, spec: &Data) -> Result<(), SoapFault> {
    if let Some(config) = spec.get("config").and_then(Value::data) {
        reconfiguring::apply(context, vm, Wish::read(config)?)?;
    }
    if let Some(settings) = context.home.vcenter_mut().settings_mut(vm) {
        settings.is_template = spec.get("template") == Some(&Value::Bool(true));
    }
    if spec.get("powerOn") == Some(&Value::Bool(true)) {
        let made = machine_of(context, &Ref::new("VirtualMachine", vm))?;
        switch(context, &made, true).map_err(|why| fault(context, vm, &why))?;
    }
    Ok(())
}

/// Has no task.
pub(super) fn mark_as_template(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    match vm {
        ref vm if vm.is_on() => Err(fault(context, vm.moid, &Fault::InvalidPowerState { on: true })),
        ref vm if !vm.settings.is_made => {
            Err(SoapFault::not_emulated("A template of a machine that replication knows"))
        }
        vm => {
            if let Some(settings) = context.home.vcenter_mut().settings_mut(vm.moid) {
                settings.is_template = true;
            }
            Ok(Outcome::Done)
        }
    }
}

/// Has no task. The template becomes a machine, on a host of that pool.
pub(super) fn mark_as_machine(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    host(context, arguments.reference("host"), arguments.reference("pool"))?;
    if let Some(settings) = context.home.vcenter_mut().settings_mut(vm.moid) {
        settings.is_template = false;
    }
    Ok(Outcome::Done)
}
