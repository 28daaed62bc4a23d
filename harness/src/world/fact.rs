//! What goes into the trace: everything that decides what happens next is in its digest, what people want to read
//! is kept as happenings.

use core::time::Duration;

use serde::Serialize;
use switchback_engine::control::{Command, JobId, Refused};
use switchback_engine::message::Observation;
use switchback_engine::role::Address;
use switchback_engine::{DiskId, MachineId, Site};
use switchback_sim::Digest;

use super::ailments::Ailment;
use super::faults::{DiskLie, Impairment, SiteCall, SlowDevice};
use super::storage::PhysicalDisk;
use crate::check::Finding;
use crate::truth::Loss;

/// A fact of the trace.
#[derive(Debug, Clone)]
pub enum Fact {
    /// A write was acknowledged.
    Written {
        /// Its number.
        number: u32,
    },
    /// A message arrived.
    Arrived {
        /// Its weight.
        bytes: u64,
    },
    /// Something people want to see.
    Happened(Happening),
}

/// Something people want to see in a timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Happening {
    /// The engine reports something.
    Observed(Observation),
    /// A user asks the vault.
    Asked {
        /// For what. Boxed: commands are large and rare, and of happenings a long run has millions.
        command: Box<Command>,
    },
    /// The vault replied.
    Replied {
        /// With the job, or the reason of a refusal.
        result: Result<JobId, Refused>,
    },
    /// A machine's power is on.
    MachineStarted {
        /// Which.
        machine: MachineId,
        /// Where.
        site: Site,
    },
    /// A machine of a test failover runs, apart from everything else.
    TestMachineStarted {
        /// Of which.
        machine: MachineId,
    },
    /// A machine's power is off.
    MachineStopped {
        /// Which.
        machine: MachineId,
        /// Where.
        site: Site,
    },
    /// A machine goes on from a recovered state.
    Recovered {
        /// Which.
        machine: MachineId,
        /// Where.
        site: Site,
        /// What it lost.
        loss: Loss,
    },
    /// Links were cut.
    LinkCut {
        /// The line between the sites, or the network inside the primary site.
        wan: bool,
        /// For how long.
        lasting: Duration,
    },
    /// Links became slow.
    LinkSlow {
        /// The line between the sites, or the network inside the primary site.
        wan: bool,
        /// At which rate.
        bytes_per_sec: u64,
        /// For how long.
        lasting: Duration,
    },
    /// Links lose, reorder and duplicate.
    LinkImpaired {
        /// The line between the sites, or the network inside the primary site.
        wan: bool,
        /// How much.
        impairment: Impairment,
        /// For how long.
        lasting: Duration,
    },
    /// The clock of a role's host jumped.
    ClockJumped {
        /// Whose.
        address: Address,
        /// By so many nanoseconds; back when negative.
        nanos: i64,
        /// For how long, if it jumps back.
        lasting: Option<Duration>,
    },
    /// A disk will lie, or has decayed.
    DiskLies {
        /// Which.
        disk: PhysicalDisk,
        /// In which way.
        lie: DiskLie,
    },
    /// A device became slow.
    DeviceSlow {
        /// Which.
        device: SlowDevice,
        /// By how much every request is later.
        by: Duration,
        /// For how long.
        lasting: Duration,
    },
    /// A role's store is full.
    StoreFull {
        /// Whose.
        address: Address,
        /// For how long.
        lasting: Duration,
    },
    /// A fault is over.
    FaultEnded,
    /// A role's host lost power.
    Crashed {
        /// Whose.
        address: Address,
    },
    /// A role runs again.
    Restarted {
        /// Which.
        address: Address,
    },
    /// The primary site is gone.
    SiteLost,
    /// An operator started a machine at home.
    OperatorStarted {
        /// Which.
        machine: MachineId,
    },
    /// An operator shuts a machine at home down.
    OperatorStopped {
        /// Which.
        machine: MachineId,
    },
    /// Somebody started a machine in the cloud again.
    StartedInAzure {
        /// Which.
        machine: MachineId,
    },
    /// Somebody shuts a machine in the cloud down.
    StoppedInAzure {
        /// Which.
        machine: MachineId,
    },
    /// The system of a machine that starts in the cloud finds that it was not shut down in order.
    FoundUnclean {
        /// Which.
        machine: MachineId,
    },
    /// A script of a recovery plan has ended.
    ScriptRan {
        /// Its path or address.
        place: String,
        /// Its exit code.
        exit: u8,
        /// The JSON it was told.
        context: String,
    },
    /// An operator took a snapshot of a machine at home.
    OperatorSnapshot {
        /// Of which.
        machine: MachineId,
    },
    /// An operator removed the snapshots of a machine at home.
    OperatorRemovedSnapshots {
        /// Of which.
        machine: MachineId,
        /// How many there were.
        count: u32,
    },
    /// An operator made a disk of a machine at home larger.
    DiskGrew {
        /// Which.
        disk: DiskId,
        /// Its size now, in sectors.
        sectors: u64,
    },
    /// An operator deleted a machine at home.
    OperatorDeleted {
        /// Which.
        machine: MachineId,
    },
    /// An operator moved a machine at home to another datastore; the master target if it is nobody's.
    OperatorMoved {
        /// Which.
        machine: Option<MachineId>,
    },
    /// An operator moved a machine at home to another host (vMotion).
    OperatorMigrated {
        /// Which.
        machine: MachineId,
        /// To which host, counted from 0.
        host: u32,
    },
    /// Somebody has opened the data port of a process server with a browser.
    DataPortOpened {
        /// Which server, by number.
        number: u16,
        /// Whether it answered, as a healthy one does: with 400.
        answered: bool,
    },
    /// An operator's wish was refused by the site.
    OperatorRefused {
        /// For which machine; the master target if it is nobody's.
        machine: Option<MachineId>,
        /// In the site's words.
        reason: String,
    },
    /// Something is the matter with a machine's system; with the servers if it is nobody's.
    FellIll {
        /// Whose.
        machine: Option<MachineId>,
        /// What it is.
        ailment: Ailment,
    },
    /// It no longer is.
    Repaired {
        /// Whose.
        machine: Option<MachineId>,
        /// What it was.
        ailment: Ailment,
    },
    /// The next calls of a kind will fail.
    CallsWillFail {
        /// Which.
        call: SiteCall,
        /// How many.
        times: u32,
    },
    /// A call to a site met a rule that makes it fail, or late.
    CallFailed {
        /// Which.
        call: SiteCall,
    },
    /// A judge found what a fault was known to cause, and why that is no finding.
    Excused(Finding, &'static str),
    /// A judge found something.
    Found(Finding),
}

impl switchback_sim::Fact for Fact {
    fn kind(&self) -> u8 {
        match self {
            Self::Written { .. } => 0,
            Self::Arrived { .. } => 1,
            Self::Happened(_) => 2,
        }
    }

    fn feed(&self, digest: &mut Digest) {
        match self {
            Self::Written { number } => digest.u64(u64::from(*number)),
            Self::Arrived { bytes } => digest.u64(*bytes),
            Self::Happened(happening) => digest.value_of(happening),
        }
    }
}
