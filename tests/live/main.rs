//! Replication for real: processes, sockets and files, killed while they work.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod bad_input;
mod estate;
mod history;
mod kills;
mod layout;
mod operators;
#[path = "../common/ports.rs"]
mod ports;
