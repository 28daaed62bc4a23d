//! Replication for real: processes, sockets and files, killed while they work.

mod estate;
mod history;
mod kills;
mod operators;
