//! What goes into the trace: everything that decides what happens next is in its digest, what people want to read
//! is kept as happenings.

use core::time::Duration;

use serde::Serialize;
use switchback_engine::control::{Command, JobId, Refused};
use switchback_engine::message::Observation;
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};
use switchback_sim::Digest;

use super::faults::SiteCall;
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
        /// For what.
        command: Command,
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
    /// An operator's wish was refused by the site.
    OperatorRefused {
        /// For which machine.
        machine: MachineId,
        /// In the site's words.
        reason: String,
    },
    /// The next calls of a kind will fail.
    CallsWillFail {
        /// Which.
        call: SiteCall,
        /// How many.
        times: u32,
    },
    /// A judge found something.
    Found(Finding),
}

impl switchback_sim::Fact for Fact {
    fn kind(&self) -> &'static str {
        match self {
            Self::Written { .. } => "written",
            Self::Arrived { .. } => "arrived",
            Self::Happened(_) => "happened",
        }
    }

    fn feed(&self, digest: &mut Digest) {
        match self {
            Self::Written { number } => digest.u64(u64::from(*number)),
            Self::Arrived { bytes } => digest.u64(*bytes),
            // Happenings are few, and their text says everything in them.
            Self::Happened(happening) => digest.str(&format!("{happening:?}")),
        }
    }
}
