//! Somebody else's replicator under our workloads, faults and judges.
//!
//! Owns the contract with a replicator that works on disks and bytes, and the trials that it is put through. Refuses
//! to know how it replicates: messages and records are bytes to everybody but the replicator.
//!
//! A replicator has two sides. The [`Source`] runs beside the machine and hears of every completed write. The
//! [`Target`] runs elsewhere and offers recovery points. They exchange messages over two simulated links, and each
//! has a durable log of its own. Neither has threads, sockets or a clock: each is called when something happens, and
//! says through [`Io`] what it wants done.
//!
//! | the replicator may rely on | it may not rely on |
//! |---|---|
//! | [`Source::written`] is called for every acknowledged write, in the order of acknowledgement | being called for a write that a crash of the source overtook: it is on the disk, see [`Io::read_disk`] |
//! | a record is durable when [`Source::synced`] or [`Target::synced`] says so | what was appended later: a crash keeps a front part of it, drawn by chance |
//! | a message arrives whole and unchanged | it arriving at all, once, or in order |
//! | a wake-up comes at the instant that was asked for | anything in memory after a crash: [`Replicator::source`] and [`Replicator::target`] make it anew |
//!
//! What is judged, after every call of the target and in the end ([`Judge`](crate::check::Judge)):
//!
//! - **Prefix**: every recovery point, read back in full, shows exactly the first *n* acknowledged writes of the
//!   machine on all its disks, and shows the same as long as it is kept.
//! - **Honest RPO**: a point holds everything acknowledged before the instant that it says it restores, and the newest
//!   instant that was offered stays restorable, also after a crash.
//! - **Application point**: a point that says so ends at a pause of the applications.
//! - **Convergence**: within [`Setup::settle`] after the last fault there is a point of an instant after it.
//!
//! Whoever implements the two sides calls [`search`]:
//!
//! ```
//! use switchback_harness::adapter::{
//!     Io, Point, Replicator, Setup, Source, Start, Target, Written, search,
//! };
//!
//! /// Sends nothing and offers nothing.
//! struct Asleep;
//!
//! impl Replicator for Asleep {
//!     type Source = Self;
//!     type Target = Self;
//!
//!     fn source(&self, _start: Start, _io: &mut Io<'_>) -> Self {
//!         Self
//!     }
//!
//!     fn target(&self, _start: Start, _io: &mut Io<'_>) -> Self {
//!         Self
//!     }
//! }
//!
//! impl Source for Asleep {
//!     fn written(&mut self, _write: Written<'_>, _io: &mut Io<'_>) {}
//!     fn message(&mut self, _message: &[u8], _io: &mut Io<'_>) {}
//! }
//!
//! impl Target for Asleep {
//!     fn message(&mut self, _message: &[u8], _io: &mut Io<'_>) {}
//!
//!     fn points(&self) -> Vec<Point> {
//!         Vec::new()
//!     }
//!
//!     fn read(&self, _point: u64, _disk: usize, _start: u64, _sectors: u32) -> Option<Vec<u8>> {
//!         None
//!     }
//! }
//!
//! let report = search(&Asleep, &Setup::small(), 0..3)?;
//! let counterexample = report.counterexample.expect("nothing is protected");
//! assert!(counterexample.finding.what.contains("no recovery point"));
//! assert!(counterexample.faults.is_empty());
//! # Ok::<(), switchback_harness::adapter::SetupError>(())
//! ```

mod fault;
mod io;
mod machine;
mod search;
mod setup;
mod trial;
mod verdict;

pub use fault::{Fault, FaultKind};
pub use io::{Io, ReadError, SyncId};
pub use search::{Counterexample, Report, search};
pub use setup::{Setup, SetupError};
pub use trial::{Outcome, try_seed, try_with};

use switchback_sim::SimTime;

/// One of the two sides of a replicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Beside the machine that is protected.
    Source,
    /// Where the recovery points are.
    Target,
}

/// A replicator: how its two sides come to life.
pub trait Replicator {
    /// The side beside the machine.
    type Source: Source;
    /// The side with the recovery points.
    type Target: Target;

    /// The source starts, for the first time or after a crash.
    fn source(&self, start: Start, io: &mut Io<'_>) -> Self::Source;

    /// The target starts, for the first time or after a crash.
    fn target(&self, start: Start, io: &mut Io<'_>) -> Self::Target;
}

/// What a side starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The size of each disk of the machine in sectors of 512 bytes.
    pub disks: Vec<u64>,
    /// What the side's durable log has kept, oldest first; empty the first time.
    pub records: Vec<Vec<u8>>,
}

/// A write of the machine that is on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'a> {
    /// Which disk, counted from 0.
    pub disk: usize,
    /// First sector.
    pub start: u64,
    /// What was written: a multiple of 512 bytes, never empty.
    pub data: &'a [u8],
}

/// The side beside the machine.
pub trait Source {
    /// A write was acknowledged to the application.
    fn written(&mut self, write: Written<'_>, io: &mut Io<'_>);

    /// A message of the target arrived.
    fn message(&mut self, message: &[u8], io: &mut Io<'_>);

    /// Everything appended before that [`Io::sync`] is durable.
    fn synced(&mut self, _sync: SyncId, _io: &mut Io<'_>) {}

    /// The instant of [`Io::wake_at`] has come.
    fn wake(&mut self, _io: &mut Io<'_>) {}

    /// The applications are paused, as asked by [`Io::pause_applications`]: every write is acknowledged, and none is
    /// issued before [`Io::resume_applications`].
    fn paused(&mut self, _io: &mut Io<'_>) {}
}

/// The side with the recovery points.
pub trait Target {
    /// A message of the source arrived.
    fn message(&mut self, message: &[u8], io: &mut Io<'_>);

    /// Everything appended before that [`Io::sync`] is durable.
    fn synced(&mut self, _sync: SyncId, _io: &mut Io<'_>) {}

    /// The instant of [`Io::wake_at`] has come.
    fn wake(&mut self, _io: &mut Io<'_>) {}

    /// The recovery points that somebody could restore now, in any order.
    fn points(&self) -> Vec<Point>;

    /// What `sectors` sectors of a disk hold at a point, from sector `start`: `sectors * 512` bytes, zeroes where
    /// nothing was ever written. `None` says that it cannot be read, and is a finding for a point that is offered.
    fn read(&self, point: u64, disk: usize, start: u64, sectors: u32) -> Option<Vec<u8>>;
}

/// A recovery point that the target offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Its number: never another point's, in the whole life of the replicator.
    pub id: u64,
    /// The instant it restores, in the time of [`Io::now`]: it holds every write acknowledged before.
    pub at: SimTime,
    /// Whether it says that it ends at a pause of the applications.
    pub is_application: bool,
}
