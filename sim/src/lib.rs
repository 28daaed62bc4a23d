//! A deterministic discrete-event kernel: virtual time, chance, links, block devices, durable stores, trace.
//!
//! Owns everything a simulated world is made of that has no meaning of its own. Refuses to know what is
//! simulated with it: no clouds, no hypervisors, no machines, no replication. Nothing here reads a clock,
//! starts a thread, hashes into an unordered map, or lets a floating-point number decide. Everything is a
//! plain value: clone it, and you have a snapshot with the same future.
//!
//! Where to start, and when to go deeper:
//!
//! - `time`, `queue`, `kernel`: [`SimTime`], and the [`Kernel`] that hands out one event after the other. The
//!   loop around it is yours.
//! - `chance`, `ratio`, `zipf`: a [`Seed`] gives everybody a named [`Chance`] of their own; probabilities are
//!   [`Ratio`]s; [`Zipf`] is the popularity of blocks and files.
//! - `link`, `share`: a [`Link`] delays, shares, loses, doubles, reorders, and can be cut; [`FairShare`] is
//!   the bandwidth inside it, for whatever else has to be shared.
//! - `device`, `fate`: a [`Device`] says when a read, write or flush completes, and which of them go wrong.
//! - `store`: a [`DurableStore`] says which records a crash leaves.
//! - `clock`: a [`Clock`] is what one host believes the time to be.
//! - `faults`: [`Counters`] prove that faults fired.
//! - `trace`, `digest`, `chrome`: a [`Trace`] folds what happened into a [`Digest`] that two equal runs
//!   share; [`ChromeTrace`] draws it for a trace viewer.

mod chance;
mod chrome;
mod clock;
mod device;
mod digest;
mod fate;
mod faults;
mod fixed;
mod flat_map;
mod kernel;
mod link;
mod queue;
mod ratio;
mod share;
mod store;
mod time;
mod trace;
mod zipf;

pub use chance::{Chance, Seed};
pub use chrome::{ChromeTrace, TrackId};
pub use clock::Clock;
pub use device::{Device, DeviceFull, DeviceSpec, IoKind};
pub use digest::Digest;
pub use fate::{FaultCounters, FaultKind, ReadFate, WriteFate};
pub use faults::Counters;
pub use kernel::Kernel;
pub use link::{Link, LinkCounters, LinkSpec, SendOutcome};
pub use queue::{HeapQueue, Queue};
pub use ratio::{Ratio, RatioError};
pub use share::{Departure, FairShare};
pub use store::{DurableStore, StoreFull, SyncMark, Tail};
pub use time::SimTime;
pub use trace::{Entry, Fact, Trace, first_difference};
pub use zipf::Zipf;
