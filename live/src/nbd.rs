//! Disks over the network block device protocol.
//!
//! [`Export`] is what stands behind a disk; nothing here knows what that is.
//!
//! | file | owns |
//! |---|---|
//! | `wire` | the numbers of the protocol and its headers |
//! | `socket`, `connection` | TCP and Unix sockets; reading ahead, and sending in bursts |
//! | `exports` | the disks of a server by name |
//! | `negotiation`, `options` | from the greeting to an export |
//! | `transmission`, `checks`, `reading`, `runs` | requests, what is wrong with them, and what they are answered |
//! | `server` | connections, their threads and their end |
//! | `memory_disk`, `file_disk` | disks in memory, in files and on devices |
//! | `client` | the other side: a disk that somebody else serves |

mod checks;
mod client;
mod connection;
mod exports;
mod file_disk;
mod memory_disk;
mod negotiation;
mod options;
mod reading;
mod runs;
mod server;
mod socket;
mod transmission;
mod uri;
mod wire;

pub use client::{Client, ClientError};
pub use exports::{ExportError, Exports};
pub use file_disk::{FileDisk, FileDiskError};
pub use memory_disk::MemoryDisk;
pub use server::{Server, ServerError, ServerLimits};
pub use socket::Address;
pub use uri::NoAddress;
pub use wire::ErrorNumber;

use std::io;

use bytes::Bytes;

/// A disk that is served. Called by several connections at once; each call returns when it is done.
pub trait Export: Send + Sync + 'static {
    /// How large it is, in bytes; a multiple of 512.
    fn size_bytes(&self) -> u64;

    /// Whether it takes no writes.
    fn is_read_only(&self) -> bool;

    /// Fills `into` with what it holds from `offset` on. The range lies inside the disk.
    ///
    /// # Errors
    /// Whatever stands in the way; the client is told the nearest error of NBD.
    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;

    /// Writes `data` at `offset`; with `durable`, it is durable when this returns. The range lies inside the disk.
    ///
    /// # Errors
    /// Whatever stands in the way; then nobody knows how much of it was written.
    fn write(&self, offset: u64, data: Bytes, durable: bool) -> io::Result<()>;

    /// Makes a range hold zeroes, with holes where `may_punch` allows and the disk can; otherwise as [`Export::write`].
    ///
    /// # Errors
    /// As [`Export::write`].
    fn zero(&self, offset: u64, bytes: u64, may_punch: bool, durable: bool) -> io::Result<()>;

    /// Makes everything durable whose write had returned before this was called.
    ///
    /// # Errors
    /// Whatever stands in the way.
    fn flush(&self) -> io::Result<()>;

    /// What a range is made of: runs in order that cover it, neighbours different.
    ///
    /// # Errors
    /// Whatever stands in the way.
    fn runs(&self, offset: u64, bytes: u64) -> io::Result<Vec<AllocatedRun>>;
}

/// A run of bytes of a disk, and how it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocatedRun {
    /// How long it is, in bytes.
    pub bytes: u64,
    /// Nothing is kept for it: it reads as zeroes.
    pub is_hole: bool,
}
