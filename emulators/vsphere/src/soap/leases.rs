//! HttpNfcLease: disks of a machine that go out or come in over HTTP, each as one stream. A lease ends by itself when nobody
//! has told of progress for five minutes; what was to come in is gone then.

pub(super) mod manifest;

use std::collections::BTreeMap;
use std::time::Duration;

use switchback_disks::vmdk::StreamWriter;
use switchback_engine::content::SECTOR_BYTES;
use switchback_sim::SimTime;

use super::context::{Arguments, Context};
use super::fault::{SoapFault, localized};
use super::folder::{FileAnswer, FileBody, fill};
use super::lifecycle;
use super::object::Known;
use super::operations::Outcome;
use super::tasks::{fault, machine};
use super::uploads::Upload;
use super::value::{Data, Ref, Value, long};
use crate::faults::Fault;
use crate::moid::VmMoid;
use crate::virtual_machine::VirtualMachine;
use manifest::Checksum;

/// How many leases there may be; the oldest is given up.
const LEASES_MAX: usize = 64;
/// After how many seconds without progress a lease ends.
const TIMEOUT: i32 = 300;
/// A stream is no file of any type that browsers know.
const STREAM: &str = "application/x-vnd.vmware-streamVmdk";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Done,
    Failed,
}

/// A disk of a lease.
#[derive(Debug, Clone)]
struct Device {
    place: usize,
    key: String,
    bytes: u64,
    /// A client has asked for it.
    was_sent: bool,
    checksum: Checksum,
}

/// A lease.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    vm: VmMoid,
    is_import: bool,
    state: State,
    why: Option<SoapFault>,
    progress: i32,
    /// When a client last told of progress.
    renewed: SimTime,
    devices: Vec<Device>,
    /// Scheme and authority that the client has used.
    address: String,
}

/// All leases.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leases {
    made: u64,
    pub(crate) open: BTreeMap<String, Lease>,
}

impl Leases {
    /// When the next of them ends by itself.
    pub(super) fn next_end(&self) -> Option<SimTime> {
        self.open.values().filter(|lease| lease.state == State::Ready).map(Lease::ends).min()
    }
}

/// Ends the leases that nobody has kept alive.
pub(super) fn expire(context: &mut Context<'_>) {
    let now = context.home.now();
    let is_over = |lease: &&mut Lease| lease.state == State::Ready && lease.ends() <= now;
    let mut unfinished = Vec::new();
    for lease in context.vim.leases.open.values_mut().filter(is_over) {
        lease.state = State::Failed;
        lease.why = Some(SoapFault::new(Data::new("Timedout"), "The lease has timed out."));
        unfinished.extend(lease.is_import.then_some(lease.vm));
    }
    for vm in unfinished {
        // Somebody may have deleted it before.
        let _ = lifecycle::destroy(context, vm);
    }
}

/// What the file of a disk is called.
fn name_of(number: usize) -> String {
    format!("disk-{number}.vmdk")
}

/// By what a client knows the disk of a machine.
pub(super) fn key_of(vm: VmMoid, place: usize) -> String {
    let (bus, unit) = super::vmx::unit_of(place);
    format!("/{vm}/ParaVirtualSCSIController{bus}:{unit}")
}

impl Lease {
    /// When it ends by itself.
    fn ends(&self) -> SimTime {
        self.renewed + Duration::from_secs(TIMEOUT.unsigned_abs().into())
    }

    fn new(vm: &VirtualMachine, is_import: bool, address: &str, now: SimTime) -> Self {
        let device = |place: usize| Device {
            place,
            key: key_of(vm.moid, place),
            bytes: vm.sectors_at(place).unwrap_or_default() * SECTOR_BYTES,
            was_sent: false,
            checksum: Checksum::default(),
        };
        let devices = vm.places().map(device).collect();
        let address = address.to_owned();
        let (state, renewed) = (State::Ready, now);
        Self { vm: vm.moid, is_import, state, why: None, progress: 0, renewed, devices, address }
    }

    /// What is told of it.
    pub(crate) fn property(&self, id: &str, name: &str) -> Known {
        match name {
            "state" => Value::Word(
                "HttpNfcLeaseState",
                match self.state {
                    State::Ready => "ready",
                    State::Done => "done",
                    State::Failed => "error",
                },
            )
            .into(),
            "initializeProgress" => 100.into(),
            "transferProgress" => self.progress.into(),
            "mode" => "pushOrGet".into(),
            "capabilities" => Data::new("HttpNfcLeaseCapabilities")
                .with("pullModeSupported", false)
                .with("corsSupported", false)
                .into(),
            "info" if self.state == State::Ready => self.info(id).into(),
            "error" => Known::some(self.why.as_ref().map(localized)),
            "info" => Known::Unset,
            _ => Known::NotEmulated,
        }
    }

    fn info(&self, id: &str) -> Data {
        let url = |(number, device): (usize, &Device)| {
            let name = name_of(number);
            Data::new("HttpNfcLeaseDeviceUrl")
                .with_each(&["key", "importKey"], &Value::Text(device.key.clone()))
                .with("url", format!("{}/nfc/{id}/{name}", self.address))
                .with("sslThumbprint", "")
                .with("disk", true)
                .with("targetId", name)
                .with_some("fileSize", (!self.is_import).then(|| long(device.bytes)))
        };
        let total: u64 = self.devices.iter().map(|device| device.bytes).sum();
        Data::new("HttpNfcLeaseInfo")
            .with("lease", Ref::new("HttpNfcLease", id))
            .with("entity", Ref::new("VirtualMachine", self.vm))
            .with("deviceUrl", Value::list("HttpNfcLeaseDeviceUrl", self.devices.iter().enumerate().map(url)))
            .with("totalDiskCapacityInKB", long(total / 1_024))
            .with("leaseTimeout", TIMEOUT)
    }
}

fn open(context: &mut Context<'_>, vm: &VirtualMachine, is_import: bool) -> Outcome {
    let lease = Lease::new(vm, is_import, &context.address, context.home.now());
    let leases = &mut context.vim.leases;
    leases.made += 1;
    // The form is that of the real thing; the number only counts.
    let id =
        format!("session[52000000-0000-0000-0000-000000000000]52000000-0000-0000-0001-{:012}", leases.made);
    let id = id.replace(['[', ']'], "-");
    leases.open.insert(id.clone(), lease);
    if leases.open.len() > LEASES_MAX {
        leases.open.pop_first();
    }
    Outcome::Is(Ref::new("HttpNfcLease", id).into())
}

pub(super) fn export(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    if vm.is_on() {
        return Err(fault(context, vm.moid, &Fault::InvalidPowerState { on: true }));
    }
    if vm.lends_disks() {
        return Err(fault(context, vm.moid, &Fault::FileLocked(vm.name.clone())));
    }
    Ok(open(context, &vm, false))
}

pub(super) fn import(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let spec = arguments.data("spec").filter(|spec| spec.kind == "VirtualMachineImportSpec");
    let spec = spec.ok_or_else(|| SoapFault::not_emulated("Importing what is no single machine"))?;
    let config =
        spec.get("configSpec").and_then(Value::data).ok_or_else(|| SoapFault::invalid_argument("spec"))?;
    let pool = context.receiver.clone();
    let host = lifecycle::host(context, arguments.reference("host"), Some(&pool))?;
    let vm = lifecycle::create(context, config, host)?;
    let vm = context.home.vcenter().vm(vm).cloned().ok_or_else(|| SoapFault::not_found(&pool))?;
    Ok(open(context, &vm, true))
}

/// The lease that is called.
fn called<'c>(context: &'c mut Context<'_>) -> Result<&'c mut Lease, SoapFault> {
    let receiver = context.receiver.clone();
    let lease =
        context.vim.leases.open.get_mut(&receiver.id).ok_or_else(|| SoapFault::not_found(&receiver))?;
    match &lease.why {
        _ if lease.state == State::Ready => Ok(lease),
        Some(why) if why.data.kind == "Timedout" => Err(why.clone()),
        _ => Err(SoapFault::new(Data::new("InvalidState"), "The lease is over.")),
    }
}

pub(super) fn progress(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let percent = match arguments.get("percent") {
        Some(Value::Int(percent)) if (0..=100).contains(percent) => *percent,
        _ => return Err(SoapFault::invalid_argument("percent")),
    };
    let now = context.home.now();
    let lease = called(context)?;
    (lease.progress, lease.renewed) = (percent, now);
    Ok(Outcome::Done)
}

pub(super) fn complete(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    called(context)?.state = State::Done;
    Ok(Outcome::Done)
}

/// What was to come in is gone with it.
pub(super) fn abort(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let lease = called(context)?;
    let (vm, is_import) = (lease.vm, lease.is_import);
    lease.state = State::Failed;
    lease.why = Some(SoapFault::new(Data::new("RequestCanceled"), "The lease was aborted."));
    if is_import {
        lifecycle::destroy(context, vm)?;
    }
    Ok(Outcome::Done)
}

impl Context<'_> {
    fn lease(
        &self,
        id: &str,
        number: usize,
        is_import: bool,
    ) -> Result<(VirtualMachine, Device), FileAnswer> {
        let gone = || FileAnswer::text(404, "There is no such lease, or it is over.");
        let lease =
            self.vim.leases.open.get(id).filter(|lease| lease.state == State::Ready).ok_or_else(gone)?;
        if lease.is_import != is_import {
            return Err(FileAnswer::text(405, "The lease is for the other way."));
        }
        let device = lease.devices.get(number).cloned().ok_or_else(gone)?;
        let vm = self.home.vcenter().vm(lease.vm).cloned().ok_or_else(gone)?;
        Ok((vm, device))
    }

    /// A disk that goes out.
    pub(super) fn lease_disk(
        &mut self,
        id: &str,
        number: usize,
        is_sent: bool,
    ) -> Result<FileAnswer, FileAnswer> {
        let (vm, device) = self.lease(id, number, false)?;
        let lease = self.vim.leases.open.get_mut(id);
        if let Some(device) = lease.and_then(|lease| lease.devices.get_mut(number)) {
            device.was_sent |= is_sent;
        }
        let image = self.vim.image(self.home, &vm, device.place, None);
        let image = image.map_err(|fault| FileAnswer::refused(&fault))?;
        let body = FileBody::Stream(Box::new(StreamWriter::new(image, &name_of(number))));
        Ok(FileAnswer { status: 200, content_type: STREAM, headers: Vec::new(), body })
    }

    /// How long the disk is that comes in.
    pub(super) fn lease_room(&self, id: &str, number: usize) -> Result<u64, FileAnswer> {
        self.lease(id, number, true).map(|(_, device)| device.bytes)
    }

    /// A disk has come in.
    pub(super) fn receive_disk(
        &mut self,
        id: &str,
        number: usize,
        upload: Upload,
    ) -> Result<u16, FileAnswer> {
        let (vm, device) = self.lease(id, number, true)?;
        fill(self, &vm, device.place, upload.contents).map_err(|fault| FileAnswer::refused(&fault))?;
        let lease = self.vim.leases.open.get_mut(id);
        if let Some(lease) = lease {
            let done = i32::try_from((number + 1) * 100 / lease.devices.len().max(1)).unwrap_or(100);
            lease.progress = lease.progress.max(done);
        }
        Ok(201)
    }
}
