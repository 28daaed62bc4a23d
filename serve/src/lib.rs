//! The emulators of a scenario behind HTTP and HTTPS, on one port of loopback.
//!
//! A client's request is handed to the surface that it is for, which looks at the rehearsed world and asks it; only one request
//! is answered at a time, so that the world stands still for each. No operation is written here.
//!
//! | file | owns |
//! |---|---|
//! | `rehearsed` | the world of a scenario, as the surfaces reach it, and how its time passes; `wall` the clock that it may follow, `home` what of it a vSphere client reaches |
//! | `surfaces` | which surface a request is for; `waiting` how long a client is held that waits for something to change |
//! | `request_log`, `wire_faults` | what clients asked, and what goes wrong between them and the surfaces |
//! | `delivery` | how an answer goes out when a fault on the wire has met it |
//! | `control` | the surface that is Switchback's own |
//! | `listener` | connections: what is read of them, how much and how long; hosts that are answered |
//! | `files` | files of datastores and disks of leases, in pieces; `pieces` bodies that are made while they are sent |
//! | `certificate` | the authority that is made for a server, and its certificate |

mod certificate;
mod control;
mod delivery;
mod files;
mod home;
mod listener;
mod pieces;
mod rehearsed;
mod request_log;
mod surfaces;
mod waiting;
mod wall;
mod wire_faults;

pub use listener::{Options, ServeError, Server};
pub use rehearsed::{Pace, Rehearsed};
pub use wall::Wall;
