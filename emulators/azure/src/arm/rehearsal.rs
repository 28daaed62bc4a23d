//! What the surface needs of the world that is rehearsed: to look at it, to ask its vault for something, and to wait.

use core::time::Duration;

use switchback_engine::control::{Command, Control, JobId, Refused, Stack};
use switchback_engine::ports::Drive;
use switchback_engine::role::CommandId;
use switchback_engine::{Content, MachineId};
use switchback_sim::SimTime;

use crate::Azure;
use crate::errors::Code;

/// A world with a vault.
pub trait Rehearsal {
    /// What its disks hold.
    type Content: Content;

    /// The time in it.
    fn now(&self) -> SimTime;
    /// The cloud.
    fn cloud(&self) -> &Azure<Self::Content>;
    /// The vault; none while it is down.
    fn vault(&self) -> Option<&Control<Self::Content>>;
    /// The site that is protected.
    fn premises(&self) -> &Premises;
    /// A machine of it as it is now.
    fn source(&self, machine: MachineId) -> Source;
    /// Everything that was raised and cleared so far, oldest first.
    fn events(&self) -> Vec<Raised>;
    /// What protects a machine under a policy of this cadence, through a process server.
    fn enable(
        &self,
        machine: MachineId,
        policy: switchback_engine::policy::ReplicationPolicy,
    ) -> Option<Command>;
    /// Asks the vault for something.
    fn ask(&mut self, command: Command) -> CommandId;
    /// What the vault has said to that, if it has.
    fn reply(&self, id: CommandId) -> Option<Result<JobId, Refused>>;
    /// A client waits for something to happen: where nobody has to sit through it, time passes until something does, at
    /// most so long. Whether time has passed.
    fn wait(&mut self, at_most: Duration) -> bool;
    /// Lets time pass, whoever sits through it: for what takes the service milliseconds.
    fn pass(&mut self, span: Duration);
}

/// A code was raised or cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    /// When.
    pub at: SimTime,
    /// For which machine; none for what is wrong with the whole site.
    pub machine: Option<MachineId>,
    /// Which.
    pub code: Code,
    /// Whether its condition is gone, rather than there.
    pub cleared: bool,
    /// Whether it is what a job that failed shows.
    pub of_job: bool,
}

/// The site that is protected, as far as it does not change.
#[derive(Debug, Clone)]
pub struct Premises {
    /// Its name: that of the configuration server or appliance.
    pub name: String,
    /// What protects it.
    pub stack: Stack,
    /// Its machines, by number.
    pub machines: Vec<SourceSpec>,
    /// Its process servers and those in the cloud, by number, with their names.
    pub process_servers: Vec<String>,
    /// Its master targets, by number.
    pub master_targets: Vec<MasterTargetSpec>,
    /// Its datastores, by number: name and size in bytes.
    pub datastores: Vec<(String, u64)>,
}

/// A master target of the site.
#[derive(Debug, Clone)]
pub struct MasterTargetSpec {
    /// Its name.
    pub name: String,
    /// Its drives with their names, in the order in which they are offered.
    pub drives: Vec<(String, Drive)>,
}

/// A machine of the site, as far as it does not change.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// Its name.
    pub name: String,
    /// Whether it runs Windows; Linux otherwise.
    pub windows: bool,
    /// Whether it is a physical server.
    pub physical: bool,
    /// Its memory, in bytes.
    pub memory_bytes: u64,
    /// The names of its disks.
    pub disks: Vec<String>,
}

/// A machine of the site as it is now.
#[derive(Debug, Clone)]
pub struct Source {
    /// Whether it runs there.
    pub is_on: bool,
    /// The sizes of its disks, in bytes.
    pub disk_bytes: Vec<u64>,
}
