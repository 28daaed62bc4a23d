//! What clients send to files and leases.

use switchback_disks::ByteFile;
use switchback_disks::vmdk::StreamReader;
use switchback_engine::content::SECTOR_BYTES;

use super::super::disks::known_disk;
use super::super::fault::SoapFault;
use super::super::store::look::{self, Found};
use super::super::store::machine_files::MachineFile;
use super::super::store::{DatastorePath, Stored};
use super::super::uploads::{Target, Upload};
use super::super::{Context, Home, Vim, filing};
use super::request::{Place, place};
use super::{FileAnswer, FileBody, FileRequest, PLAIN};
use crate::virtual_machine::VirtualMachine;

/// How much of a stream is unpacked at a time, in bytes.
const PACKED_PIECE: usize = 64 << 10;

impl Vim {
    /// A client begins to send. The number says what it goes on with.
    ///
    /// # Errors
    /// What it is answered when it may not; nothing more is to be read then.
    pub fn begin_upload(
        &mut self,
        request: &FileRequest<'_>,
        home: &mut dyn Home,
    ) -> Result<u64, FileAnswer> {
        let mut context = self.context(request, home)?;
        let upload = match place(&context, request)? {
            Place::At(at) if request.method == "PUT" => to_file(&mut context, at)?,
            Place::Lease(lease, number) if matches!(request.method, "PUT" | "POST") => {
                let room = context.lease_room(&lease, number)?;
                // What does not shrink has markers beside it.
                let limit = room.saturating_mul(2).saturating_add(1 << 20);
                let (target, stream) = (Target::Lease(lease, number), Some((StreamReader::new(), room)));
                Upload { target, contents: ByteFile::new(0), came: 0, limit, stream }
            }
            _ => {
                return Err(FileAnswer::text(405, "Nothing can be sent there.")
                    .with("Allow", "GET, HEAD, PUT, DELETE"));
            }
        };
        if request.length.is_some_and(|length| length > upload.limit) {
            return Err(too_long());
        }
        Ok(context.vim.uploads.begin(upload))
    }

    /// More of it.
    ///
    /// # Errors
    /// As [`Self::begin_upload`].
    pub fn continue_upload(&mut self, number: u64, bytes: &[u8]) -> Result<(), FileAnswer> {
        if !self.has_room(bytes.len() as u64) {
            return Err(too_long());
        }
        let upload = self.uploads.get_mut(number).ok_or_else(given_up)?;
        if upload.came + bytes.len() as u64 > upload.limit {
            return Err(too_long());
        }
        match &mut upload.stream {
            None => upload.contents.write(upload.came, bytes),
            Some((stream, room)) => {
                // What little comes may unpack to much: it is taken in small parts, and none lies behind the disk.
                for part in bytes.chunks(PACKED_PIECE) {
                    let grains = stream.push(part).map_err(|why| FileAnswer::text(400, why.to_string()))?;
                    if stream.disk_bytes().is_some_and(|bytes| bytes > *room) {
                        return Err(FileAnswer::text(400, format!("The disk has {room} bytes.")));
                    }
                    grains.iter().for_each(|grain| upload.contents.write(grain.at, &grain.bytes));
                }
            }
        }
        upload.came += bytes.len() as u64;
        Ok(())
    }

    /// All of it has come.
    pub fn end_upload(&mut self, number: u64, request: &FileRequest<'_>, home: &mut dyn Home) -> FileAnswer {
        self.try_end(number, request, home).unwrap_or_else(|refused| refused)
    }

    fn try_end(
        &mut self,
        number: u64,
        request: &FileRequest<'_>,
        home: &mut dyn Home,
    ) -> Result<FileAnswer, FileAnswer> {
        let upload = self.uploads.take(number).ok_or_else(given_up)?;
        if let Some((stream, _)) = &upload.stream {
            stream.finish().map_err(|why| FileAnswer::text(400, why.to_string()))?;
        }
        let mut context = self.context(request, home)?;
        let refused = |fault: SoapFault| FileAnswer::refused(&fault);
        let status = match upload.target.clone() {
            Target::File(at) => put(&mut context, &at, upload.contents).map_err(refused)?,
            Target::Disk(vm, place) => {
                let vm = context.home.vcenter().vm(vm).cloned().ok_or_else(given_up)?;
                check_disk(&vm).map_err(refused)?;
                fill(&mut context, &vm, place, upload.contents).map_err(refused)?
            }
            Target::Lease(lease, number) => context.receive_disk(&lease, number, upload)?,
        };
        Ok(FileAnswer {
            status,
            content_type: PLAIN,
            headers: Vec::new(),
            body: FileBody::Text(String::new()),
        })
    }

    /// Nothing more comes.
    pub fn abort_upload(&mut self, number: u64) {
        self.uploads.take(number);
    }
}

fn given_up() -> FileAnswer {
    FileAnswer::text(409, "The upload was given up.")
}

fn too_long() -> FileAnswer {
    FileAnswer::text(507, "There is no room for that.")
}

/// What is sent to a place becomes a file there, or what a disk holds.
fn to_file(context: &mut Context<'_>, at: DatastorePath) -> Result<Upload, FileAnswer> {
    let refused = |fault: SoapFault| FileAnswer::refused(&fault);
    filing::check_accessible(context, at.store).map_err(refused)?;
    let world = context.world();
    let (target, limit) = match look::find(&world, &at) {
        Some(Found::Folder) => return Err(FileAnswer::text(409, "A folder is there.")),
        Some(Found::OfMachine(vm, MachineFile::Extent { place, level: 0 })) => {
            check_disk(vm).map_err(refused)?;
            (Target::Disk(vm.moid, place), vm.sectors_at(place).unwrap_or_default() * SECTOR_BYTES)
        }
        Some(Found::OfMachine(vm, _)) => {
            return Err(FileAnswer::text(409, format!("It belongs to {}.", vm.name)));
        }
        found => {
            let before = found.map_or(0, |found| found.bytes(&world));
            let vm = look::owner(&world, &at);
            if let Some(vm) = vm.filter(|vm| vm.is_on() || !vm.snapshots.is_empty()) {
                return Err(FileAnswer::text(409, format!("It belongs to {}.", vm.name)));
            }
            let free = world.vcenter.datastore(at.store).map_or(0, |store| store.free_bytes());
            let limit = if vm.is_some() { before } else { free + before };
            (Target::File(at.clone()), limit)
        }
    };
    if matches!(target, Target::File(_)) {
        filing::check_parent(context, &at).map_err(refused)?;
    }
    Ok(Upload { target, contents: ByteFile::new(0), came: 0, limit, stream: None })
}

/// Whether anybody may write to the disks of a machine: it is off, and no snapshot stands on them.
fn check_disk(vm: &VirtualMachine) -> Result<(), SoapFault> {
    let locked = vm.is_on() || vm.lends_disks() || !vm.snapshots.is_empty();
    let message = format!("The disks of {} are in use.", vm.name);
    if locked { Err(SoapFault { message, ..SoapFault::file("FileLocked", &vm.name) }) } else { Ok(()) }
}

fn put(context: &mut Context<'_>, at: &DatastorePath, mut contents: ByteFile) -> Result<u16, SoapFault> {
    let before = match context.vim.store.get(at) {
        Some(Stored::File(file)) => Some(file.contents.bytes()),
        Some(Stored::Folder) => return Err(SoapFault::file("FileAlreadyExists", &at.path)),
        None => None,
    };
    // A disk keeps its size, whatever is sent.
    if look::owner(&context.world(), at).is_some() {
        contents.grow(before.unwrap_or_default());
    }
    filing::vacate(context, at.store, before.unwrap_or_default());
    if let Err(fault) = filing::occupy(context, at.store, contents.bytes()) {
        filing::occupy(context, at.store, before.unwrap_or_default())?;
        return Err(fault);
    }
    let now = context.home.now();
    context.vim.store.put(at.clone(), contents, now);
    Ok(if before.is_some() { 200 } else { 201 })
}

/// A disk holds what was sent, and zeroes behind it.
pub(in super::super) fn fill(
    context: &mut Context<'_>,
    vm: &VirtualMachine,
    place: usize,
    mut contents: ByteFile,
) -> Result<u16, SoapFault> {
    let bytes = vm.sectors_at(place).unwrap_or_default() * SECTOR_BYTES;
    contents.grow(bytes);
    let gone = || SoapFault::file("FileNotFound", &vm.name);
    match known_disk(vm, place) {
        Some(disk) => {
            let image = contents.image();
            context.vim.kept.fill(context.home, disk, &image).ok_or_else(gone)?;
        }
        None => {
            let file = vm.settings.disks.iter().find(|disk| disk.place == place).ok_or_else(gone)?;
            let at = DatastorePath { store: file.datastore, path: file.path.clone() };
            let now = context.home.now();
            context.vim.store.put(super::super::disks::extent_of(&at), contents, now);
        }
    }
    Ok(200)
}
