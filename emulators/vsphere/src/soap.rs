//! The SOAP surface: what a vSphere client reaches at `/sdk`, and the same as JSON below it (`json`). One exchange at a
//! time, already read from its connection; nothing here listens, waits or looks at a clock.
//!
//! Start reading at [`Vim::answer`]. A request is opened (`envelope`), its operation looked up in the one table of those
//! there are ([`OPERATIONS`]), its arguments read by the table of types (`types`, `read`), and the answer written by the
//! same table (`write`). What clients see of the inventory is in `world`, `object` and `properties`; how they read and
//! watch it in `collector`; what is long goes out in pieces, as `course` and `rest` have it. [`check_answer`] says whether an answer is what the interface promises.
//!
//! What is done to machines is in `running`, `keeping`, `lifecycle`, `reconfiguring` and `moving`; files of datastores are in
//! `store`, and what does something with them in `filing`, `virtual_disks`, `browsing` and, over HTTP, `folder`; what disks
//! hold is in `contents` and `disks`, and goes out and comes in by `leases`; `ovf` describes a machine that goes out.
//!
//! One ESXi host answers for itself in the same way (`standalone`): what is shown is what is on it.
//!
//! Unlike the real thing: any name and password do; a session does not expire; there are no roles, alarms, custom fields,
//! performance counters or tags; every host has the same processors; addresses are not told; events follow from tasks. What
//! is not emulated says so with `NotSupported` and its name.

mod browsing;
mod check;
mod collecting;
mod collector;
mod contents;
mod context;
mod course;
mod disks;
mod envelope;
mod events;
mod fault;
mod filing;
mod folder;
mod hosting;
mod json;
mod keeping;
mod leases;
mod lifecycle;
mod looking_up;
mod moving;
mod object;
mod operations;
mod ovf;
mod properties;
mod read;
mod reconfiguring;
mod rest;
mod running;
mod search;
mod session;
mod sessions_of;
mod standalone;
mod store;
mod tasks;
mod types;
mod uploads;
mod value;
mod view;
mod vim;
mod virtual_disks;
mod vmx;
mod wall_clock;
mod world;
mod write;
mod xml;

use std::time::Duration;

use switchback_disks::Snapshot as Contents;
use switchback_engine::{DiskId, MachineId, Stamp};
use switchback_sim::SimTime;

use crate::faults::Fault;
use crate::moid::{DatastoreMoid, HostMoid};
use crate::vcenter::VCenter;

pub use check::{Unfit, check_answer};
pub use contents::BytesOf;
pub(crate) use context::Context;
pub use folder::{FileAnswer, FileBody, FileRequest, is_for_files};
pub use json::check_json_answer;
pub use operations::{OPERATIONS, Operation};
pub use rest::{BrokenOff, Rest};
pub use vim::Vim;

/// A request of HTTP, already read.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Such as `POST`.
    pub method: &'a str,
    /// Without what follows a question mark.
    pub path: &'a str,
    /// What follows it.
    pub query: &'a str,
    /// The value of `Cookie`.
    pub cookie: Option<&'a str>,
    /// The value of `vmware-api-session-id`, which carries the session of a client of VI JSON.
    pub session_id: Option<&'a str>,
    /// The value of `SOAPAction`, which says what version of the interface the client speaks.
    pub soap_action: Option<&'a str>,
    /// Not compressed.
    pub body: &'a [u8],
    /// Whether it came over TLS.
    pub https: bool,
    /// The value of `Host`.
    pub authority: Option<&'a str>,
}

/// Which method a request calls, as far as it can be told without reading it: for who counts and counterfeits calls.
#[must_use]
pub fn called<'a>(method: &str, path: &'a str, body: &'a [u8]) -> Option<&'a str> {
    if json::is_for_json(path) { json::called(method, path) } else { envelope::called(body) }
}

/// Whether a path belongs to this surface, files apart.
#[must_use]
pub fn is_for_vsphere(path: &str) -> bool {
    ["sdk", "api"].contains(&path.split('/').nth(1).unwrap_or_default())
}

/// What to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// 200, or 500 for a fault; VI JSON has 204 too.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// Others beside those that HTTP itself needs.
    pub headers: Vec<(&'static str, String)>,
    /// Not compressed; the beginning of it, if there is more.
    pub body: Vec<u8>,
    /// What is not written yet, for [`Vim::go_on`].
    pub rest: Option<Rest>,
}

/// What an attempt to answer came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// That is the answer.
    Answered(Response),
    /// The client waits for something to change, at most so much longer.
    Waits(Duration),
}

/// What the surface needs of the running world; whoever runs the world implements it.
pub trait Home {
    /// Virtual time.
    fn now(&self) -> SimTime;
    /// The vCenter, to look at.
    fn vcenter(&self) -> &VCenter;
    /// The vCenter, to change what has no consequences beyond it.
    fn vcenter_mut(&mut self) -> &mut VCenter;
    /// Powers a machine on, as an operator would.
    ///
    /// # Errors
    /// What vCenter says; nothing was changed.
    fn power_on(&mut self, machine: MachineId) -> Result<(), Fault>;
    /// Pulls a machine's power.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    fn power_off(&mut self, machine: MachineId) -> Result<(), Fault>;
    /// Asks the guest of a machine, which runs with VMware Tools, to shut down, and does not wait for it.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    fn shut_down_guest(&mut self, machine: MachineId) -> Result<(), Fault>;
    /// Takes a snapshot of a machine.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    fn take_snapshot(&mut self, machine: MachineId, name: &str) -> Result<(), Fault>;
    /// Merges all snapshots of a machine into its disks.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    fn remove_all_snapshots(&mut self, machine: MachineId) -> Result<(), Fault>;
    /// Deletes a machine with its disks.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    fn delete_machine(&mut self, machine: MachineId) -> Result<(), Fault>;
    /// Makes a disk of a machine larger.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    fn grow_disk(&mut self, disk: DiskId, sectors: u64) -> Result<(), Fault>;
    /// Moves the disks of a machine to another datastore.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    fn move_machine(&mut self, machine: MachineId, datastore: DatastoreMoid) -> Result<(), Fault>;
    /// Moves a machine to another host.
    ///
    /// # Errors
    /// As [`Self::power_on`].
    fn migrate_machine(&mut self, machine: MachineId, host: HostMoid) -> Result<(), Fault>;
    /// What a disk of a machine holds now, as a reader from outside finds it; none where it is not known.
    fn disk(&mut self, disk: DiskId) -> Option<Contents<Stamp>>;
    /// A disk of a machine holds that from now on. The machine is off.
    fn restore_disk(&mut self, disk: DiskId, contents: &Contents<Stamp>);
    /// Writes to a disk of a machine that is off: what the sectors hold then is known by the stamp. None where there is no
    /// such place.
    fn write_disk(&mut self, disk: DiskId, start: u64, sectors: u32) -> Option<Stamp>;
    /// How the bytes of a write follow from its stamp, where nobody knows better.
    fn bytes_of(&self) -> BytesOf;
    /// A client waits: lets time pass until something changes, at most so long. Whether anything did.
    fn wait(&mut self, at_most: Duration) -> bool;
}
