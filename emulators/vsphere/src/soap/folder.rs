//! Files over HTTP: `/folder/PATH?dcPath=..&dsName=..`, and the disks of leases at `/nfc/LEASE/disk-0.vmdk`.
//!
//! What is asked for is found here, and given as something that can be read piece by piece; what is sent is taken piece by
//! piece ([`uploads`](super::uploads)). Nobody is answered who is not logged in, but for a lease, whose address is the
//! permission.

mod listing;
mod receiving;
mod request;

use std::ops::Range;
use std::sync::Arc;

use switchback_disks::vmdk::StreamWriter;
use switchback_disks::{ByteFile, Image};

use super::fault::SoapFault;
use super::store::DatastorePath;
use super::store::look::{self, Found};
use super::store::machine_files::MachineFile;
use super::types::Rank;
use super::value::Ref;
use super::{Context, Home, Vim, filing, leases};
use crate::virtual_machine::VirtualMachine;
pub(super) use receiving::fill;
pub use request::FileRequest;
use request::{Asked, Place, asked_range, place};

/// What is answered.
#[derive(Debug)]
pub struct FileAnswer {
    /// Such as 200, or 206 for a part.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// Others.
    pub headers: Vec<(&'static str, String)>,
    /// What follows.
    pub body: FileBody,
}

/// What follows the head of an answer.
#[derive(Debug)]
pub enum FileBody {
    /// That text.
    Text(String),
    /// So much of that, which is read while it is sent.
    Part(Arc<dyn Image>, Range<u64>),
    /// Its pieces, one after the other; nobody knows how long it will be.
    Stream(Box<StreamWriter>),
}

pub(super) const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const BYTES: &str = "application/octet-stream";

impl FileAnswer {
    pub(super) fn text(status: u16, text: impl Into<String>) -> Self {
        let body = FileBody::Text(format!("{}\n", text.into()));
        Self { status, content_type: PLAIN, headers: Vec::new(), body }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What a fault of an operation is here.
    pub(super) fn refused(fault: &SoapFault) -> Self {
        let status = match fault.data.kind {
            "FileNotFound" | "NotFound" | "InvalidDatastorePath" | "ManagedObjectNotFound" => 404,
            "FileLocked" | "FileAlreadyExists" | "InvalidPowerState" | "InvalidState" => 409,
            "NoDiskSpace" => 507,
            "NotSupported" => 501,
            "InaccessibleDatastore" => 503,
            _ => 400,
        };
        Self::text(status, fault.message.as_str())
    }
}

/// Whether a path is for files.
#[must_use]
pub fn is_for_files(path: &str) -> bool {
    ["/folder", "/nfc"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

impl Vim {
    /// Answers what sends nothing: reading, looking, deleting.
    pub fn file(&mut self, request: &FileRequest<'_>, home: &mut dyn Home) -> FileAnswer {
        self.try_file(request, home).unwrap_or_else(|refused| refused)
    }

    fn try_file(&mut self, request: &FileRequest<'_>, home: &mut dyn Home) -> Result<FileAnswer, FileAnswer> {
        let mut context = self.context(request, home)?;
        let is_reading = matches!(request.method, "GET" | "HEAD");
        match place(&context, request)? {
            Place::Stores if is_reading => Ok(html(listing::stores(&context.world()))),
            Place::Lease(lease, number) if is_reading => {
                context.lease_disk(&lease, number, request.method == "GET")
            }
            Place::At(at) if is_reading => read(&mut context, &at, request),
            Place::At(at) if request.method == "DELETE" => {
                filing::remove(&mut context, &at).map_err(|fault| FileAnswer::refused(&fault))?;
                let body = FileBody::Text(String::new());
                Ok(FileAnswer { status: 204, content_type: PLAIN, headers: Vec::new(), body })
            }
            _ => {
                Err(FileAnswer::text(405, "That cannot be done here.")
                    .with("Allow", "GET, HEAD, PUT, DELETE"))
            }
        }
    }

    /// A context for a request, if whoever sends it may.
    fn context<'c>(
        &'c mut self,
        request: &FileRequest<'_>,
        home: &'c mut dyn Home,
    ) -> Result<Context<'c>, FileAnswer> {
        if let Some(silent) = self.silent(home.vcenter()) {
            return Err(FileAnswer::text(503, silent));
        }
        let session = self.sessions.of(request.cookie);
        let is_open = request.path.starts_with("/nfc") || request.names_a_user();
        if session.is_none() && !is_open {
            let refused = FileAnswer::text(401, "Nobody is logged in.");
            return Err(refused.with("WWW-Authenticate", "Basic realm=\"VMware HTTP server\""));
        }
        let receiver = Ref::new("FileManager", "FileManager");
        let (rank, waited) = (Rank::MAX, std::time::Duration::ZERO);
        let address = String::new();
        let mut context = Context { vim: self, home, session, rank, receiver, waited, opened: None, address };
        leases::expire(&mut context);
        Ok(context)
    }

    /// What a file of a machine holds that is no text.
    pub(super) fn file_of_machine(
        &mut self,
        home: &mut dyn Home,
        vm: &VirtualMachine,
        file: MachineFile,
    ) -> Result<Arc<dyn Image>, SoapFault> {
        match file {
            MachineFile::Extent { place, level: 0 } if vm.is_on() && vm.snapshots.is_empty() => {
                let locked = SoapFault::file("FileLocked", &vm.name);
                Err(SoapFault {
                    message: format!("Disk {place} is in use by {}, which runs.", vm.name),
                    ..locked
                })
            }
            MachineFile::Extent { place, level: 0 } => self.base_image(home, vm, place),
            _ => Err(SoapFault::not_emulated("What a file holds that a snapshot has made")),
        }
    }
}

fn html(text: String) -> FileAnswer {
    FileAnswer { status: 200, content_type: HTML, headers: Vec::new(), body: FileBody::Text(text) }
}

fn read(
    context: &mut Context<'_>,
    at: &DatastorePath,
    request: &FileRequest<'_>,
) -> Result<FileAnswer, FileAnswer> {
    let refused = |fault: SoapFault| FileAnswer::refused(&fault);
    filing::check_accessible(context, at.store).map_err(refused)?;
    let world = context.world();
    let (vm, file) = match look::find(&world, at) {
        None => {
            return Err(FileAnswer::text(404, format!("There is nothing at {}.", at.written(world.vcenter))));
        }
        Some(Found::Folder) => return Ok(html(listing::folder(&world, at))),
        Some(Found::Stored(_)) => {
            let file = context.vim.store.file_mut(at);
            let image = file.map(|file| file.contents.image());
            let image = image.ok_or_else(|| FileAnswer::text(404, "It is gone."))?;
            return part(Arc::new(image), request);
        }
        Some(Found::OfMachine(vm, file)) => (vm.clone(), file),
    };
    if let Some(text) = file.text(&world, &vm) {
        return part(Arc::new(ByteFile::of(text.as_bytes()).image()), request);
    }
    let image = context.vim.file_of_machine(context.home, &vm, file).map_err(refused)?;
    part(image, request)
}

/// All of it, or the part that is asked for.
fn part(image: Arc<dyn Image>, request: &FileRequest<'_>) -> Result<FileAnswer, FileAnswer> {
    let bytes = image.bytes();
    let (status, range) = match asked_range(request.range, bytes) {
        Asked::All => (200, 0..bytes),
        Asked::Part(range) => (206, range),
        Asked::Nothing => {
            let refused = FileAnswer::text(416, "The file is not that long.");
            return Err(refused.with("Content-Range", format!("bytes */{bytes}")));
        }
    };
    let shown = format!("bytes {}-{}/{bytes}", range.start, range.end.saturating_sub(1));
    let body = FileBody::Part(image, range);
    let answer = FileAnswer { status, content_type: BYTES, headers: Vec::new(), body };
    let answer = answer.with("Accept-Ranges", "bytes");
    Ok(if status == 206 { answer.with("Content-Range", shown) } else { answer })
}
