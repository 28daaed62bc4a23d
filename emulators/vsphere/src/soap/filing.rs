//! FileManager: files and folders of datastores.

use switchback_disks::ByteFile;

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::operations::Outcome;
use super::store::DatastorePath;
use super::store::look::{self, Found};
use super::tasks::task;
use super::value::Data;
use crate::faults::Fault;
use crate::moid::{DatastoreMoid, VmMoid};

pub(super) fn path(context: &Context<'_>, text: &str) -> Result<DatastorePath, SoapFault> {
    DatastorePath::read(text, context.home.vcenter())
}

/// How a path is told of in a fault.
pub(super) fn shown(context: &Context<'_>, at: &DatastorePath) -> String {
    at.written(context.home.vcenter())
}

/// Whether a datastore answers.
pub(super) fn check_accessible(context: &Context<'_>, store: DatastoreMoid) -> Result<(), SoapFault> {
    match context.home.vcenter().datastore(store) {
        Some(found) if found.accessible => Ok(()),
        Some(found) => {
            let data = Data::new("InaccessibleDatastore").with("name", found.name.as_str());
            Err(SoapFault::new(data, format!("The datastore {} cannot be reached.", found.name)))
        }
        None => Err(SoapFault::file("FileNotFound", "")),
    }
}

/// Takes room for so many more bytes.
pub(super) fn occupy(context: &mut Context<'_>, store: DatastoreMoid, bytes: u64) -> Result<(), SoapFault> {
    let taken = context.home.vcenter_mut().occupy(store, bytes);
    taken.map_err(|fault| SoapFault::of(&fault, VmMoid(0), context.home.vcenter()))
}

pub(super) fn vacate(context: &mut Context<'_>, store: DatastoreMoid, bytes: u64) {
    let given_back = context.home.vcenter_mut().vacate(store, bytes);
    debug_assert!(given_back.is_ok(), "a datastore on which there are files is there");
}

/// Nothing may be there yet, and what it is to lie in has to be.
pub(super) fn check_free(context: &Context<'_>, at: &DatastorePath) -> Result<(), SoapFault> {
    let world = context.world();
    if look::find(&world, at).is_some() {
        return Err(SoapFault::file("FileAlreadyExists", &shown(context, at)));
    }
    check_parent(context, at)
}

pub(super) fn check_parent(context: &Context<'_>, at: &DatastorePath) -> Result<(), SoapFault> {
    let parent = at.parent().unwrap_or_else(|| DatastorePath::root(at.store));
    match look::find(&context.world(), &parent) {
        Some(Found::Folder) => Ok(()),
        _ => Err(SoapFault::file("FileNotFound", &shown(context, &parent))),
    }
}

/// What no machine needs may be changed.
pub(super) fn check_unused(context: &Context<'_>, at: &DatastorePath) -> Result<(), SoapFault> {
    match look::owner(&context.world(), at) {
        Some(vm) => {
            let fault = Fault::FileLocked(shown(context, at));
            Err(SoapFault {
                message: format!("{} belongs to {}.", at.path, vm.name),
                ..SoapFault::of(&fault, vm.moid, context.home.vcenter())
            })
        }
        None => Ok(()),
    }
}

pub(super) fn make_directory(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let at = path(context, arguments.text("name"))?;
    check_accessible(context, at.store)?;
    if look::find(&context.world(), &at).is_some() {
        return Err(SoapFault::file("FileAlreadyExists", &shown(context, &at)));
    }
    if !arguments.flag("createParentDirectories") {
        check_parent(context, &at)?;
    }
    context.vim.store.make_folders(&at);
    Ok(Outcome::Done)
}

/// Deletes a file, or a folder with all that is in it, that no machine needs.
pub(super) fn remove(context: &mut Context<'_>, at: &DatastorePath) -> Result<(), SoapFault> {
    check_accessible(context, at.store)?;
    check_unused(context, at)?;
    match look::find(&context.world(), at) {
        None => Err(SoapFault::file("FileNotFound", &shown(context, at))),
        Some(_) if at.is_root() => Err(SoapFault::file("CannotDeleteFile", &shown(context, at))),
        Some(Found::OfMachine(..)) => {
            Err(SoapFault::not_emulated("Deleting files of a machine that was unregistered"))
        }
        Some(Found::Folder | Found::Stored(_)) => {
            let freed = context.vim.store.remove(at);
            vacate(context, at.store, freed);
            Ok(())
        }
    }
}

pub(super) fn delete(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let at = path(context, arguments.text("name"))?;
    Ok(task(context, "DeleteDatastoreFile_Task", None, |context| remove(context, &at).map(|()| None)))
}

/// From where to where, and whether what is there may go.
fn both(
    context: &Context<'_>,
    arguments: &Arguments,
    destination: &str,
) -> Result<(DatastorePath, DatastorePath), SoapFault> {
    Ok((path(context, arguments.text("sourceName"))?, path(context, arguments.text(destination))?))
}

/// Makes room at a place, by force if that is wanted.
pub(super) fn clear(context: &mut Context<'_>, at: &DatastorePath, force: bool) -> Result<(), SoapFault> {
    check_accessible(context, at.store)?;
    if force && look::find(&context.world(), at).is_some() {
        remove(context, at)?;
    }
    check_free(context, at)
}

pub(super) fn copy(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (from, to) = both(context, arguments, "destinationName")?;
    let force = arguments.flag("force");
    Ok(task(context, "CopyDatastoreFile_Task", None, |context| {
        copy_one(context, &from, &to, force).map(|()| None)
    }))
}

fn copy_one(
    context: &mut Context<'_>,
    from: &DatastorePath,
    to: &DatastorePath,
    force: bool,
) -> Result<(), SoapFault> {
    check_accessible(context, from.store)?;
    let contents = read(context, from)?;
    clear(context, to, force)?;
    if !context.vim.store.has_room(contents.written()) {
        return Err(full(context, to));
    }
    occupy(context, to.store, contents.bytes())?;
    let now = context.home.now();
    context.vim.store.put(to.clone(), contents, now);
    Ok(())
}

/// What a file holds, to have it twice.
fn read(context: &mut Context<'_>, at: &DatastorePath) -> Result<ByteFile, SoapFault> {
    let world = context.world();
    let (vm, file) = match look::find(&world, at) {
        Some(Found::Stored(file)) => return Ok(file.contents.clone()),
        Some(Found::OfMachine(vm, file)) => (vm.clone(), file),
        Some(Found::Folder) => return Err(SoapFault::file("NotAFile", &shown(context, at))),
        None => return Err(SoapFault::file("FileNotFound", &shown(context, at))),
    };
    if let Some(text) = file.text(&world, &vm) {
        return Ok(ByteFile::of(text.as_bytes()));
    }
    Ok(ByteFile::from_image(&*context.vim.file_of_machine(context.home, &vm, file)?))
}

/// There is room on the datastore and none here.
pub(super) fn full(context: &Context<'_>, at: &DatastorePath) -> SoapFault {
    let name = context.home.vcenter().datastore(at.store).map_or("", |store| store.name.as_str());
    let data = Data::new("NoDiskSpace").with("file", shown(context, at)).with("datastore", name);
    SoapFault::new(data, "There is no room for more contents of files.")
}

pub(super) fn rename(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (from, to) = both(context, arguments, "destinationName")?;
    let force = arguments.flag("force");
    Ok(task(context, "MoveDatastoreFile_Task", None, |context| {
        check_accessible(context, from.store)?;
        check_unused(context, &from)?;
        let is_within = from.store == to.store && super::store::within(&to.path, &from.path);
        match look::find(&context.world(), &from) {
            None => return Err(SoapFault::file("FileNotFound", &shown(context, &from))),
            Some(Found::OfMachine(..)) => {
                return Err(SoapFault::not_emulated("Moving files of a machine that was unregistered"));
            }
            Some(_) if from.is_root() || is_within => {
                return Err(SoapFault::invalid_argument("destinationName"));
            }
            Some(_) => {}
        }
        clear(context, &to, force)?;
        transfer(context, &from, &to).map(|()| None)
    }))
}

/// Moves what is stored at one place to another, where nothing is.
pub(super) fn transfer(
    context: &mut Context<'_>,
    from: &DatastorePath,
    to: &DatastorePath,
) -> Result<(), SoapFault> {
    let bytes = context.vim.store.bytes_below(from);
    if from.store != to.store {
        occupy(context, to.store, bytes)?;
        vacate(context, from.store, bytes);
    }
    let now = context.home.now();
    context.vim.store.copy(from, to, now);
    context.vim.store.remove(from);
    Ok(())
}
