//! The SOAP surface: what a vSphere client reaches at `/sdk`. One exchange at a time, already read from its
//! connection; nothing here listens, waits or looks at a clock.
//!
//! Start reading at [`Vim::answer`]. A request is opened (`envelope`), its operation looked up in the one table of those
//! there are ([`OPERATIONS`]), its arguments read by the table of types (`types`, `read`), and the answer written by the
//! same table (`write`). What clients see of the inventory is in `world`, `object` and `properties`; how they read and
//! watch it in `collector`. [`check_answer`] says whether an answer is what the interface promises.
//!
//! Unlike the real thing: any name and password do; a session does not expire; there are no roles, events, alarms,
//! custom fields, performance counters or tags; every host has the same processors and every machine two; files have
//! names and no contents; addresses are not told. What is not emulated says so with `NotSupported` and its name.

mod check;
mod collecting;
mod collector;
mod context;
mod envelope;
mod fault;
mod looking_up;
mod object;
mod operations;
mod properties;
mod read;
mod running;
mod search;
mod session;
mod sessions_of;
mod types;
mod value;
mod view;
mod vim;
mod wall_clock;
mod world;
mod write;
mod xml;

use std::time::Duration;

use switchback_engine::MachineId;
use switchback_sim::SimTime;

use crate::faults::Fault;
use crate::vcenter::VCenter;

pub use check::{Unfit, check_answer};
pub use envelope::called;
pub use operations::{OPERATIONS, Operation};
pub use vim::Vim;

/// A request of HTTP, already read.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Such as `POST`.
    pub method: &'a str,
    /// Without what follows a question mark.
    pub path: &'a str,
    /// The value of `Cookie`.
    pub cookie: Option<&'a str>,
    /// The value of `SOAPAction`, which says what version of the interface the client speaks.
    pub soap_action: Option<&'a str>,
    /// Not compressed.
    pub body: &'a [u8],
    /// Whether it came over TLS.
    pub https: bool,
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200, or 500 for a fault.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// Others beside those that HTTP itself needs.
    pub headers: Vec<(&'static str, String)>,
    /// Not compressed.
    pub body: Vec<u8>,
}

/// What an attempt to answer came to.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A client waits: lets time pass until something changes, at most so long. Whether anything did.
    fn wait(&mut self, at_most: Duration) -> bool;
}
