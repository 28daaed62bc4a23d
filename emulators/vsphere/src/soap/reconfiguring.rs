//! ReconfigVM_Task, and what of a configuration a new machine is given: names, memory, processors, disks, tracking.
//!
//! What of it is not emulated is refused by its name: nothing is taken silently, but for controllers and interfaces, of
//! which every machine has what it needs.

use switchback_disks::ByteFile;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::recovery::Firmware;

use super::context::{Arguments, Context};
use super::disks::known_disk;
use super::fault::SoapFault;
use super::filing::path;
use super::operations::Outcome;
use super::properties::{disk_files, place_of_key};
use super::store::DatastorePath;
use super::store::look;
use super::tasks::{fault, machine, machine_of, task};
use super::types::types;
use super::value::{Data, Ref, Value};
use super::virtual_disks;
use crate::faults::Fault;
use crate::moid::VmMoid;
use crate::settings::FileDisk;
use crate::virtual_machine::VirtualMachine;

/// How many disks a machine can have: four controllers of fifteen.
const DISKS_MAX: usize = 60;
/// How many processors, and how much memory.
const CPUS_MAX: i32 = 768;
const MEMORY_MIB_MAX: i64 = 24 << 20;

/// Fields that are understood, and those that mean nothing here and that clients send all the same.
const UNDERSTOOD: [&str; 17] = [
    "name",
    "files",
    "numCPUs",
    "memoryMB",
    "guestId",
    "annotation",
    "firmware",
    "changeTrackingEnabled",
    "deviceChange",
    "uuid",
    "instanceUuid",
    "version",
    "numCoresPerSocket",
    "changeVersion",
    "tools",
    "flags",
    "extraConfig",
];

/// What a client wants of a machine.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Wish {
    pub(super) name: Option<String>,
    pub(super) memory_mib: Option<u64>,
    pub(super) cpus: Option<u32>,
    pub(super) guest_id: Option<String>,
    pub(super) annotation: Option<String>,
    pub(super) firmware: Option<Firmware>,
    pub(super) tracking: Option<bool>,
    pub(super) uuid: Option<String>,
    pub(super) devices: Vec<Data>,
}

impl Wish {
    pub(super) fn read(config: &Data) -> Result<Self, SoapFault> {
        if let Some((field, _)) = config.fields.iter().find(|(field, _)| !UNDERSTOOD.contains(field)) {
            return Err(SoapFault::not_emulated(&format!("{field} of a configuration")));
        }
        let text = |field: &str| config.get(field).and_then(Value::text).cloned();
        let memory_mib = match config.get("memoryMB") {
            None => None,
            Some(Value::Long(mib)) if (4..=MEMORY_MIB_MAX).contains(mib) => u64::try_from(*mib).ok(),
            Some(_) => return Err(SoapFault::invalid_argument("memoryMB")),
        };
        let cpus = match config.get("numCPUs") {
            None => None,
            Some(Value::Int(cpus)) if (1..=CPUS_MAX).contains(cpus) => u32::try_from(*cpus).ok(),
            Some(_) => return Err(SoapFault::invalid_argument("numCPUs")),
        };
        let firmware = match text("firmware").as_deref() {
            None => None,
            Some("bios") => Some(Firmware::Bios),
            Some("efi") => Some(Firmware::Uefi),
            Some(_) => return Err(SoapFault::invalid_argument("firmware")),
        };
        let tracking = match config.get("changeTrackingEnabled") {
            Some(Value::Bool(wanted)) => Some(*wanted),
            _ => None,
        };
        let devices = config.get("deviceChange").map_or(&[][..], Value::items).iter();
        Ok(Self {
            name: text("name"),
            memory_mib,
            cpus,
            guest_id: text("guestId"),
            annotation: text("annotation"),
            firmware,
            tracking,
            uuid: text("uuid"),
            devices: devices.filter_map(Value::data).cloned().collect(),
        })
    }
}

pub(super) fn reconfigure(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    let spec = arguments.data("spec").ok_or_else(|| SoapFault::invalid_argument("spec"))?;
    let wish = Wish::read(spec)?;
    Ok(task(context, "ReconfigVM_Task", Some(vm.moid), |context| {
        apply(context, vm.moid, wish).map(|()| None)
    }))
}

fn current(context: &Context<'_>, vm: VmMoid) -> Result<VirtualMachine, SoapFault> {
    machine_of(context, &Ref::new("VirtualMachine", vm))
}

/// Gives a machine what is wished. Devices come first: those are what may be refused.
pub(super) fn apply(context: &mut Context<'_>, vm: VmMoid, wish: Wish) -> Result<(), SoapFault> {
    let before = current(context, vm)?;
    let told = |context: &Context<'_>, why: Fault| fault(context, vm, &why);
    let needs_rest = wish.cpus.is_some() || wish.memory_mib.is_some() || wish.firmware.is_some();
    if needs_rest && before.is_on() {
        return Err(told(context, Fault::InvalidPowerState { on: true }));
    }
    if wish.firmware.is_some_and(|firmware| firmware != before.firmware) {
        return Err(SoapFault::not_emulated("Another firmware"));
    }
    for (number, change) in wish.devices.iter().enumerate() {
        let vm = current(context, vm)?;
        device(context, &vm, change).map_err(|fault| at_device(fault, number))?;
    }
    if let Some(name) = wish.name.filter(|name| *name != before.name) {
        let renamed = context.home.vcenter_mut().rename_machine(vm, &name);
        renamed.map_err(|why| told(context, why))?;
    }
    if let Some(memory) = wish.memory_mib {
        let set = context.home.vcenter_mut().set_memory(vm, memory);
        set.map_err(|why| told(context, why))?;
    }
    if let Some(settings) = context.home.vcenter_mut().settings_mut(vm) {
        settings.cpus = wish.cpus.unwrap_or(settings.cpus);
        settings.guest_id = wish.guest_id.or_else(|| settings.guest_id.take());
        settings.annotation = wish.annotation.unwrap_or_else(|| core::mem::take(&mut settings.annotation));
        settings.uuid = wish.uuid.or_else(|| settings.uuid.take());
        settings.change_tracking = wish.tracking.unwrap_or(settings.change_tracking);
    }
    if let Some(wanted) = wish.tracking {
        let after = current(context, vm)?;
        for place in after.places() {
            let contents = context.vim.now(context.home, &after, place)?;
            context.vim.kept.want_tracking(vm, place, contents, wanted);
        }
    }
    Ok(())
}

/// A fault about a device says which one it is about.
fn at_device(fault: SoapFault, number: usize) -> SoapFault {
    match fault.data.kind {
        // Of what vCenter itself says it is not known which device it is about.
        "InvalidDeviceSpec" | "InvalidVmConfig" => {
            let data = Data::new("InvalidDeviceSpec").with("property", "deviceChange.device");
            SoapFault::new(data.with("deviceIndex", super::value::int(number)), fault.message)
        }
        _ => fault,
    }
}

fn invalid_device(message: &str) -> SoapFault {
    SoapFault::new(Data::new("InvalidDeviceSpec"), message)
}

fn word(change: &Data, field: &str) -> Option<&'static str> {
    match change.get(field) {
        Some(Value::Word(_, word)) => Some(word),
        _ => None,
    }
}

fn device(context: &mut Context<'_>, vm: &VirtualMachine, change: &Data) -> Result<(), SoapFault> {
    let device =
        change.get("device").and_then(Value::data).ok_or_else(|| invalid_device("There is no device."))?;
    let operation = word(change, "operation");
    let is = |kind| types().is_a(device.kind, kind);
    match operation {
        _ if is("VirtualDisk") => {}
        Some("add") if is("VirtualSCSIController") || is("VirtualEthernetCard") => return Ok(()),
        _ => {
            let what = format!("{} of a {}", operation.unwrap_or("edit"), device.kind);
            return Err(SoapFault::not_emulated(&what));
        }
    }
    match (operation, word(change, "fileOperation")) {
        (Some("add"), Some("create")) => add_new(context, vm, device),
        (Some("add"), None) => add_existing(context, vm, device),
        (Some("remove"), file @ (None | Some("destroy"))) => remove(context, vm, device, file.is_some()),
        (Some("edit"), None) => edit(context, vm, device),
        _ => Err(invalid_device("That cannot be done with a disk.")),
    }
}

fn file_name_of(device: &Data) -> Option<&str> {
    let backing = device.get("backing").and_then(Value::data)?;
    backing.get("fileName").and_then(Value::text).map(String::as_str).filter(|name| !name.is_empty())
}

/// How large a disk is to be, in sectors.
fn sectors_of(device: &Data) -> Option<u64> {
    let positive = |value: &Value| match value {
        Value::Long(number) => u64::try_from(*number).ok().filter(|number| *number > 0),
        _ => None,
    };
    let bytes = device.get("capacityInBytes").and_then(positive);
    let bytes = bytes.or_else(|| device.get("capacityInKB").and_then(positive)?.checked_mul(1_024))?;
    Some(bytes.div_ceil(SECTOR_BYTES))
}

/// `folder/folder.vmdk`, and `folder/folder_1.vmdk` for the next.
pub(super) fn file_name(folder: &DatastorePath, place: usize) -> DatastorePath {
    let number = if place == 0 { String::new() } else { format!("_{place}") };
    folder.child(&format!("{}{number}.vmdk", folder.name()))
}

fn attach(context: &mut Context<'_>, vm: VmMoid, disk: FileDisk) -> Result<(), SoapFault> {
    let place = disk.place;
    if let Some(settings) = context.home.vcenter_mut().settings_mut(vm) {
        settings.disks.push(disk);
    }
    let after = current(context, vm)?;
    if after.settings.change_tracking {
        let contents = context.vim.now(context.home, &after, place)?;
        context.vim.kept.want_tracking(vm, place, contents, true);
    }
    Ok(())
}

fn free_place(vm: &VirtualMachine) -> Result<usize, SoapFault> {
    let place = vm.free_place();
    if place < DISKS_MAX { Ok(place) } else { Err(SoapFault::limit("disk", DISKS_MAX)) }
}

fn add_new(context: &mut Context<'_>, vm: &VirtualMachine, device: &Data) -> Result<(), SoapFault> {
    let place = free_place(vm)?;
    let sectors = sectors_of(device).ok_or_else(|| invalid_device("A disk has to have a size."))?;
    let folder = disk_files::config(&context.world(), vm).parent();
    let folder = folder.ok_or_else(|| invalid_device("The machine has no folder."))?;
    let at = match file_name_of(device).map(|name| path(context, name)).transpose()? {
        Some(at) if !at.is_root() => at,
        wished => {
            let store = wished.map_or(vm.datastore, |wished| wished.store);
            let folder = DatastorePath { store, ..folder };
            context.vim.store.make_folders(&folder);
            free_file(context, &folder, place)
        }
    };
    let uuid = disk_files::disk_uuid(vm, place);
    let bytes = sectors.checked_mul(SECTOR_BYTES).ok_or_else(|| invalid_device("No disk is so large."))?;
    let sectors = virtual_disks::create(context, &at, ByteFile::new(bytes), &uuid)?;
    attach(context, vm.moid, FileDisk { place, datastore: at.store, path: at.path, sectors })
}

/// The file of a place, or the next that is not there.
fn free_file(context: &Context<'_>, folder: &DatastorePath, place: usize) -> DatastorePath {
    let world = context.world();
    let mut names = (place..).map(|number| file_name(folder, number)).take(DISKS_MAX * 2);
    let free = names.find(|at| look::find(&world, at).is_none());
    free.unwrap_or_else(|| file_name(folder, place))
}

fn add_existing(context: &mut Context<'_>, vm: &VirtualMachine, device: &Data) -> Result<(), SoapFault> {
    let place = free_place(vm)?;
    let name = file_name_of(device).ok_or_else(|| invalid_device("A disk has to have a file."))?;
    let at = path(context, name)?;
    let sectors = virtual_disks::check_attachable(context, &at)?;
    attach(context, vm.moid, FileDisk { place, datastore: at.store, path: at.path, sectors })
}

/// The place of the disk that is meant.
fn place(vm: &VirtualMachine, device: &Data) -> Result<usize, SoapFault> {
    let place = match device.get("key") {
        Some(Value::Int(key)) => place_of_key(*key),
        _ => None,
    };
    let own = place.filter(|place| vm.sectors_at(*place).is_some());
    own.ok_or_else(|| invalid_device("The machine has no such disk."))
}

fn remove(
    context: &mut Context<'_>,
    vm: &VirtualMachine,
    device: &Data,
    destroy: bool,
) -> Result<(), SoapFault> {
    let place = place(vm, device)?;
    if known_disk(vm, place).is_some() {
        return Err(SoapFault::not_emulated("Removing a disk that replication knows"));
    }
    if !vm.snapshots.is_empty() {
        return Err(fault(context, vm.moid, &Fault::SnapshotFault(vm.snapshots.len() as u32)));
    }
    let disk = vm.settings.disks.iter().find(|disk| disk.place == place).cloned();
    if let Some(settings) = context.home.vcenter_mut().settings_mut(vm.moid) {
        settings.disks.retain(|disk| disk.place != place);
    }
    context.vim.kept.forget(vm.moid, Some(place));
    match disk.filter(|_| destroy) {
        Some(disk) => {
            let at = DatastorePath { store: disk.datastore, path: disk.path };
            virtual_disks::delete_files(context, &at)
        }
        None => Ok(()),
    }
}

/// Of a disk only its size can become another.
fn edit(context: &mut Context<'_>, vm: &VirtualMachine, device: &Data) -> Result<(), SoapFault> {
    let place = place(vm, device)?;
    let before = vm.sectors_at(place).unwrap_or_default();
    let wanted = sectors_of(device).unwrap_or(before);
    if wanted == before {
        return Ok(());
    }
    if let Some(disk) = known_disk(vm, place) {
        let grown = context.home.grow_disk(disk, wanted);
        return grown.map_err(|why| fault(context, vm.moid, &why));
    }
    match vm {
        _ if wanted < before => {
            return Err(fault(context, vm.moid, &Fault::InvalidDeviceSpec { sectors: before, wanted }));
        }
        vm if !vm.snapshots.is_empty() => {
            return Err(fault(context, vm.moid, &Fault::SnapshotFault(vm.snapshots.len() as u32)));
        }
        _ => {}
    }
    let Some(file) = vm.settings.disks.iter().find(|disk| disk.place == place) else { return Ok(()) };
    let at = DatastorePath { store: file.datastore, path: file.path.clone() };
    virtual_disks::grow(context, &at, wanted)?;
    let disks = context.home.vcenter_mut().settings_mut(vm.moid).map(|settings| &mut settings.disks);
    let disk = disks.into_iter().flatten().find(|disk| disk.place == place);
    disk.into_iter().for_each(|disk| disk.sectors = wanted);
    Ok(())
}
