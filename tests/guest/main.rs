//! A real machine: a Linux that QEMU runs, with a database on a disk that is replicated.
//!
//! It is killed while it works, started from a recovery point, failed over, and brought home again. What it must find on its disk is
//! known from what it has acknowledged to the host, line by line. QEMU, a kernel and the programs in the machine are Debian's: they
//! are installed if they are not there and that can be done, and else the test says that it is skipped;
//! with `SWITCHBACK_REQUIRE_GUEST=1` it fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[path = "../common/debian.rs"]
mod debian;
#[path = "../live/estate.rs"]
mod estate;
mod guest;
mod initramfs;
mod journey;
#[path = "../live/layout.rs"]
mod layout;
mod ledger;
#[path = "../common/ports.rs"]
mod ports;
mod programs;
