//! The engine's second hand: a scenario's steps walked through the interface of Resource Manager, at any endpoint: the
//! served emulator, or a real vault with a real token.
//!
//! Start reading at [`walk`]. A [`plan`] says what of a scenario can be walked, before anything is asked. A [`client`] asks one thing
//! as a careful client does, a [`poller`] follows what takes time, a [`journal`] keeps what was asked, so that a drill that was stopped
//! goes on. What came is set beside a [`rehearsal`], in process and in simulated time, by a [`report`].
//!
//! Nothing here knows what protection, failover or failback do; words, operations and names are those of the emulator, written once.
//! There is no clock either: whoever walks brings one ([`clock::Clock`]), and a transport ([`transport::Transport`]).

pub mod bodies;
pub mod client;
pub mod clock;
pub mod error;
pub mod http;
pub mod journal;
pub mod lists;
pub mod operation;
pub mod paths;
pub mod patience;
pub mod plan;
pub mod poller;
pub mod rehearsal;
pub mod report;
pub mod requests;
pub mod seen;
pub mod site;
pub mod transport;
pub mod walk;
