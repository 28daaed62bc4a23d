//! Replication and failover as state machines that know no clock, no socket, no file, no thread and no chance.
//!
//! Four roles exchange messages: the [`agent`] captures writes on a protected machine, the [`process_server`]
//! caches and forwards them, the [`target`] journals them into recovery points, and [`control`] decides what is
//! protected, failed over, committed and brought home. Each role is a plain value that takes one [`Input`] at a
//! time and puts what it wants done into an [`Outbox`]; see [`role`] for the contract with whoever drives it.
//!
//! Start reading at [`role`], then [`message`] (what roles say to each other), then the role you care about.
//!
//! What is absent on purpose: the names of any cloud or hypervisor product, hash-ordered collections, and
//! every source of time or randomness. The simulator and a live driver run exactly this code.

pub mod agent;
pub mod batch;
pub mod conditions;
pub mod content;
pub mod control;
pub mod extent;
pub mod health;
pub mod id;
pub mod journal;
mod ledger;
pub mod message;
pub mod point;
pub mod policy;
pub mod ports;
pub mod process_server;
pub mod recovery;
pub mod role;
pub mod script;
pub mod target;
pub mod time;
mod window;

pub use batch::{Batch, Frame, StreamKey};
pub use content::{Block, Content, Stamp};
pub use extent::{Change, SectorRange};
pub use id::{DatastoreId, Direction, DiskId, GroupId, MachineId, MasterTargetId, Site};
pub use message::Message;
pub use point::{Consistency, Marker, PointId, RecoveryPoint, WriteOrder};
pub use role::{Address, DiskRef, Effect, Input, Outbox, Role};
pub use time::Instant;
