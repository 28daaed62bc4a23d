//! The words of health: what of a machine's replication wants to be looked at, and how a process server is.

use serde::{Deserialize, Serialize};

use crate::id::MachineId;

/// Something that is wrong with the replication of a machine, as the vault sees it: from what it has heard, and from
/// what it has not (site-recovery 3.8). It goes when its cause does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Symptom {
    /// The machine has not been heard of.
    MachineSilent,
    /// The process server of the machine has not been heard of.
    ProcessServerSilent,
    /// The master target, to which the machine replicates home, has not been heard of.
    MasterTargetSilent,
    /// The machine says that its process server does not answer, so that there is no point of either kind.
    ProcessServerUnreached,
    /// The machine has something to send, and its process server says that nothing of it comes.
    UploadsBlocked,
    /// There has been no application-consistent point for long.
    NoApplicationPoint,
    /// The place that its changes land in on their way to the target takes nothing (site-recovery 1.8).
    UploadsRefused,
    /// It changes more than can be sent, and says so (site-recovery 4.2).
    TooMuchChurn,
    /// Its disks have to be compared, and nothing is compared before the hours in which that is allowed.
    ResyncRequired,
    /// No test failover of it has succeeded since its replication began. Says nothing about the replication.
    NeverTested,
}

impl Symptom {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::MachineSilent,
        Self::ProcessServerSilent,
        Self::MasterTargetSilent,
        Self::ProcessServerUnreached,
        Self::UploadsBlocked,
        Self::NoApplicationPoint,
        Self::UploadsRefused,
        Self::TooMuchChurn,
        Self::ResyncRequired,
        Self::NeverTested,
    ];
}

/// How bad something is. The worst of several is the greatest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// All is well.
    #[default]
    Normal,
    /// Somebody should look.
    Warning,
    /// Somebody must look.
    Critical,
}

/// What is watched of a process server (site-recovery 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ServerFigure {
    /// Whether it is heard of.
    Heartbeat,
    /// How much of its cache is free.
    CacheSpace,
    /// How long it would take to send on what is in the cache.
    DrainTime,
    /// How busy its processors are.
    Processor,
    /// How full its memory is.
    Memory,
}

/// What a process server says of itself, every heartbeat. Counts begin with each of its lives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessServerStatus {
    /// Its number.
    pub number: u16,
    /// The size of its cache, in bytes.
    pub cache_bytes: u64,
    /// What of it is in use, in bytes.
    pub cached_bytes: u64,
    /// What it has packed, in bytes as they were sent on.
    pub packed_bytes: u64,
    /// What the target has acknowledged, in bytes.
    pub forwarded_bytes: u64,
    /// What is under way to the target, in bytes: it is held in memory.
    pub under_way_bytes: u64,
    /// What it can pack, in bytes a second; `None` when nobody has said.
    pub packs_bytes_per_sec: Option<u64>,
    /// Its memory, in bytes; `None` when nobody has said.
    pub memory_bytes: Option<u64>,
    /// For each machine that has a stream through it, in order, how many seconds ago something came from it.
    pub silent_secs: Vec<(MachineId, u32)>,
    /// For each machine whose frames are refused where they land, in order, for how many seconds that has been so.
    pub refused_secs: Vec<(MachineId, u32)>,
}

impl ProcessServerStatus {
    /// How many seconds ago something came from a machine; `None` for one that has no stream here.
    #[must_use]
    pub fn silence_of(&self, machine: MachineId) -> Option<u32> {
        of_machine(&self.silent_secs, machine)
    }

    /// For how many seconds frames of a machine have been refused; `None` when they are not.
    #[must_use]
    pub fn refusal_of(&self, machine: MachineId) -> Option<u32> {
        of_machine(&self.refused_secs, machine)
    }
}

fn of_machine(secs: &[(MachineId, u32)], machine: MachineId) -> Option<u32> {
    let at = secs.binary_search_by_key(&machine, |(of, _)| *of).ok()?;
    secs.get(at).map(|(_, secs)| *secs)
}
