//! VirtualDiskManager: disks that are files, a descriptor and a flat extent beside it.

use switchback_disks::ByteFile;
use switchback_disks::vmdk::Descriptor;
use switchback_engine::content::SECTOR_BYTES;

use super::context::{Arguments, Context};
use super::disks::extent_of;
use super::fault::SoapFault;
use super::filing::{
    check_accessible, check_free, check_parent, check_unused, clear, full, occupy, path, remove, shown,
    transfer, vacate,
};
use super::operations::Outcome;
use super::properties::disk_files::spaced;
use super::store::DatastorePath;
use super::store::look::{self, Found};
use super::tasks::task;
use super::value::Value;

/// The longest descriptor that is read.
const DESCRIPTOR_MAX: u64 = 64 << 10;
/// The largest disk: 62 TiB.
const SECTORS_MAX: u64 = (62 << 40) / SECTOR_BYTES;

/// Makes a disk of that content: its two files.
pub(super) fn create(
    context: &mut Context<'_>,
    at: &DatastorePath,
    contents: ByteFile,
    uuid: &str,
) -> Result<u64, SoapFault> {
    if !at.name().ends_with(".vmdk") {
        return Err(SoapFault::invalid_argument("name"));
    }
    check_accessible(context, at.store)?;
    check_free(context, at)?;
    let extent = extent_of(at);
    check_free(context, &extent)?;
    let sectors = contents.bytes().div_ceil(SECTOR_BYTES);
    if sectors == 0 || sectors > SECTORS_MAX {
        return Err(SoapFault::invalid_argument("capacityKb"));
    }
    if !context.vim.store.has_room(contents.written()) {
        return Err(full(context, at));
    }
    let descriptor = Descriptor::flat(u32::MAX - 1, sectors, extent.name(), Some(&spaced(uuid)));
    let text = descriptor.written();
    occupy(context, at.store, contents.bytes() + text.len() as u64)?;
    let now = context.home.now();
    context.vim.store.put(at.clone(), ByteFile::of(text.as_bytes()), now);
    context.vim.store.put(extent, contents, now);
    Ok(sectors)
}

/// An identifier for a disk of which nothing else is known: from its place.
fn uuid_at(at: &DatastorePath) -> String {
    // FNV-1a: equal places have equal identifiers, and others hardly ever.
    let hash = at.path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!(
        "6000C29f-{:04x}-{:04x}-{:04x}-{:012x}",
        at.store.0 & 0xffff,
        hash >> 48,
        hash >> 32 & 0xffff,
        hash & 0xffff_ffff
    )
}

/// What a descriptor says of a disk that is there.
pub(super) fn describe(context: &mut Context<'_>, at: &DatastorePath) -> Result<Descriptor, SoapFault> {
    check_accessible(context, at.store)?;
    let name = shown(context, at);
    let world = context.world();
    let text = match look::find(&world, at) {
        Some(Found::OfMachine(vm, file)) => file.text(&world, vm),
        Some(Found::Stored(_)) => {
            let file = context.vim.store.file_mut(at).filter(|file| file.contents.bytes() <= DESCRIPTOR_MAX);
            file.and_then(|file| String::from_utf8(bytes(&mut file.contents)).ok())
        }
        Some(Found::Folder) | None => return Err(SoapFault::file("FileNotFound", &name)),
    };
    let read = text.and_then(|text| Descriptor::read(&text).ok());
    read.ok_or_else(|| SoapFault::file("InvalidDiskFormat", &name))
}

/// All of a short file.
pub(super) fn bytes(file: &mut ByteFile) -> Vec<u8> {
    use switchback_disks::Image;
    let image = file.image();
    let mut bytes = vec![0; usize::try_from(image.bytes()).unwrap_or_default()];
    image.read(0, &mut bytes);
    bytes
}

/// How many sectors a disk of files has that is whole, and that no machine uses.
pub(super) fn check_attachable(context: &mut Context<'_>, at: &DatastorePath) -> Result<u64, SoapFault> {
    let descriptor = describe(context, at)?;
    check_unused(context, at)?;
    let extent = extent_of(at);
    let file = context.vim.store.file(&extent).map(|file| file.contents.bytes());
    match file {
        Some(bytes) if bytes == descriptor.bytes() => Ok(descriptor.sectors()),
        Some(_) => Err(SoapFault::file("InvalidDiskFormat", &shown(context, at))),
        None => Err(SoapFault::file("FileNotFound", &shown(context, &extent))),
    }
}

/// Deletes both files of a disk.
pub(super) fn delete_files(context: &mut Context<'_>, at: &DatastorePath) -> Result<(), SoapFault> {
    remove(context, at)?;
    let extent = extent_of(at);
    let freed = context.vim.store.remove(&extent);
    vacate(context, extent.store, freed);
    Ok(())
}

pub(super) fn create_disk(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let at = path(context, arguments.text("name"))?;
    let capacity = arguments.data("spec").and_then(|spec| spec.get("capacityKb"));
    let kib = match capacity {
        Some(Value::Long(kib)) => u64::try_from(*kib).ok(),
        _ => None,
    };
    let kib = kib
        .filter(|kib| *kib <= SECTORS_MAX / 2)
        .ok_or_else(|| SoapFault::invalid_argument("spec.capacityKb"))?;
    Ok(task(context, "CreateVirtualDisk_Task", None, |context| {
        create(context, &at, ByteFile::new(kib << 10), &uuid_at(&at))?;
        Ok(Some(shown(context, &at).into()))
    }))
}

pub(super) fn delete_disk(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let at = path(context, arguments.text("name"))?;
    Ok(task(context, "DeleteVirtualDisk_Task", None, |context| {
        describe(context, &at)?;
        delete_files(context, &at).map(|()| None)
    }))
}

pub(super) fn move_disk(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (from, to) =
        (path(context, arguments.text("sourceName"))?, path(context, arguments.text("destName"))?);
    let force = arguments.flag("force");
    Ok(task(context, "MoveVirtualDisk_Task", None, |context| {
        check_attachable(context, &from)?;
        clear(context, &to, force)?;
        clear(context, &extent_of(&to), force)?;
        transfer(context, &from, &to)?;
        transfer(context, &extent_of(&from), &extent_of(&to))?;
        rewrite(context, &to)?;
        Ok(Some(shown(context, &to).into()))
    }))
}

/// The descriptor names the extent as it is called now.
fn rewrite(context: &mut Context<'_>, at: &DatastorePath) -> Result<(), SoapFault> {
    let mut descriptor = describe(context, at)?;
    let name = extent_of(at).name().to_owned();
    descriptor.extents.iter_mut().for_each(|extent| extent.file.clone_from(&name));
    let (text, now) = (descriptor.written(), context.home.now());
    let before = context.vim.store.remove(at);
    vacate(context, at.store, before);
    occupy(context, at.store, text.len() as u64)?;
    context.vim.store.put(at.clone(), ByteFile::of(text.as_bytes()), now);
    Ok(())
}

pub(super) fn copy_disk(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (from, to) =
        (path(context, arguments.text("sourceName"))?, path(context, arguments.text("destName"))?);
    let force = arguments.flag("force");
    Ok(task(context, "CopyVirtualDisk_Task", None, |context| {
        describe(context, &from)?;
        let contents = contents(context, &from)?;
        clear(context, &to, force)?;
        create(context, &to, contents, &uuid_at(&to))?;
        Ok(Some(shown(context, &to).into()))
    }))
}

/// What a disk holds that a descriptor names, a client's or a machine's.
fn contents(context: &mut Context<'_>, at: &DatastorePath) -> Result<ByteFile, SoapFault> {
    use super::store::machine_files::MachineFile;
    let world = context.world();
    let of_machine = match look::find(&world, at) {
        Some(Found::OfMachine(vm, MachineFile::Descriptor { place, level: 0 })) => Some((vm.clone(), place)),
        Some(Found::OfMachine(..)) => {
            return Err(SoapFault::not_emulated("Copying what stands on a snapshot"));
        }
        _ => None,
    };
    if let Some((vm, place)) = of_machine {
        let file = MachineFile::Extent { place, level: 0 };
        return Ok(ByteFile::from_image(&*context.vim.file_of_machine(context.home, &vm, file)?));
    }
    let extent = extent_of(at);
    let file = context.vim.store.file(&extent).map(|file| file.contents.clone());
    file.ok_or_else(|| SoapFault::file("FileNotFound", &shown(context, &extent)))
}

pub(super) fn extend_disk(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let at = path(context, arguments.text("name"))?;
    let kib = match arguments.get("newCapacityKb") {
        Some(Value::Long(kib)) => u64::try_from(*kib).ok().filter(|kib| *kib <= SECTORS_MAX / 2),
        _ => None,
    };
    let kib = kib.ok_or_else(|| SoapFault::invalid_argument("newCapacityKb"))?;
    Ok(task(context, "ExtendVirtualDisk_Task", None, |context| {
        check_attachable(context, &at)?;
        grow(context, &at, kib * 1_024 / SECTOR_BYTES).map(|()| None)
    }))
}

/// Makes a disk of files larger.
pub(super) fn grow(context: &mut Context<'_>, at: &DatastorePath, sectors: u64) -> Result<(), SoapFault> {
    let mut descriptor = describe(context, at)?;
    let before = descriptor.sectors();
    if sectors < before {
        return Err(SoapFault::invalid_argument("capacity"));
    }
    check_parent(context, at)?;
    occupy(context, at.store, (sectors - before) * SECTOR_BYTES)?;
    if let [extent] = descriptor.extents.as_mut_slice() {
        extent.sectors = sectors;
    }
    let (text, now) = (descriptor.written(), context.home.now());
    context.vim.store.put(at.clone(), ByteFile::of(text.as_bytes()), now);
    if let Some(file) = context.vim.store.file_mut(&extent_of(at)) {
        file.contents.grow(sectors * SECTOR_BYTES);
    }
    Ok(())
}

pub(super) fn query_uuid(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let at = path(context, arguments.text("name"))?;
    let uuid = describe(context, &at)?.uuid;
    uuid.map(|uuid| Outcome::Is(uuid.into()))
        .ok_or_else(|| SoapFault::file("FileFault", &shown(context, &at)))
}
