//! The other side: a disk that somebody else serves, read and written one request at a time.
//!
//! A server is no more trusted than a client: what it answers is checked, and held against what was asked.

mod greeting;
mod replies;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::connection::{Connection, Lost};
use super::socket::{Address, Socket};
use super::wire::{Request, SECTOR_BYTES, command, feature, flag};
use super::{AllocatedRun, ErrorNumber};
use greeting::Agreed;

/// How much of a disk one request may describe, trim or zero, in bytes: a number of 32 bits that is a multiple of all
/// block sizes.
const RANGE_BYTES_MAX: u64 = 1 << 30;

/// How long a server may take for its next word until an export is agreed on.
const GREETING_PATIENCE: Duration = Duration::from_secs(10);

/// Why a disk of a server could not be used.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where the server was to be.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// The connection failed. Whether a change that was asked for was made is not known.
    #[error("the connection to the NBD server is lost: {0}")]
    Lost(#[from] io::Error),
    /// Whoever answers says something else than the protocol has.
    #[error("{what}: {expected} was expected and {came} came")]
    Protocol {
        /// What was being read.
        what: &'static str,
        /// What the protocol has there.
        expected: String,
        /// What came.
        came: String,
    },
    /// The server does not let this client use that export.
    #[error("the server refuses export `{export}`: {why}")]
    Refused {
        /// The name that was asked for.
        export: String,
        /// What the server says.
        why: String,
    },
    /// The server could not do it.
    #[error("{what} at {offset}: {error}{}{why}", if why.is_empty() { "" } else { ": " })]
    Answered {
        /// What was asked.
        what: &'static str,
        /// Where, in bytes.
        offset: u64,
        /// What stood in the way.
        error: ErrorNumber,
        /// The server's own words, if it has any.
        why: String,
    },
    /// The server does not offer it.
    #[error("the server does not offer {what} for this export")]
    NotOffered {
        /// What was asked.
        what: &'static str,
    },
}

impl From<Lost> for ClientError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Socket(error) => Self::Lost(error),
            ended @ Lost::Ended { .. } => Self::Lost(io::Error::new(io::ErrorKind::UnexpectedEof, ended)),
        }
    }
}

/// A connection to one export of a server.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    agreed: Agreed,
    cookie: u64,
}

impl Client {
    /// Connects to an export; the empty name is the server's default.
    ///
    /// # Errors
    /// When nobody answers, no NBD server answers, or it has no such export.
    pub fn connect(address: &Address, export: &str) -> Result<Self, ClientError> {
        let refused = |source| ClientError::Connect { address: address.clone(), source };
        let socket = Socket::connect(address).map_err(refused)?;
        let mut connection = Connection::new(Arc::new(socket), Arc::default());
        // Whoever is no server of NBD may wait for us to speak first. Later a disk may take as long as it takes.
        connection.socket().set_patience(Some(GREETING_PATIENCE))?;
        let agreed = greeting::greet(&mut connection, export)?;
        connection.socket().set_patience(None)?;
        Ok(Self { connection, agreed, cookie: 0 })
    }

    /// How large the disk is, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.agreed.size_bytes
    }

    /// Whether it takes no writes.
    pub fn is_read_only(&self) -> bool {
        self.offers(feature::READ_ONLY)
    }

    /// Whether several connections see each other's writes, and a flush of one is a flush of all.
    pub fn takes_several_connections(&self) -> bool {
        self.offers(feature::MULTI_CONN)
    }

    /// The sizes that the server wants requests to have: the least, the best and the most, in bytes.
    pub fn block_sizes(&self) -> [u32; 3] {
        self.agreed.block_sizes
    }

    /// Fills `into` with what the disk holds from `offset` on.
    ///
    /// # Errors
    /// When the server refuses, or the connection fails.
    pub fn read(&mut self, offset: u64, into: &mut [u8]) -> Result<(), ClientError> {
        let mut at = offset;
        for piece in into.chunks_mut(self.payload_bytes_max()) {
            let request = self.request(command::READ, 0, at, piece.len() as u64)?;
            replies::read(&mut self.connection, &request, piece)?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    /// Writes `data` at `offset`; with `durable`, it is durable when this returns.
    ///
    /// # Errors
    /// As [`Client::read`]; then nobody knows how much of it was written.
    pub fn write(&mut self, offset: u64, data: &[u8], durable: bool) -> Result<(), ClientError> {
        let flags = self.durably(durable)?;
        let mut at = offset;
        for piece in data.chunks(self.payload_bytes_max()) {
            let request = self.put(command::WRITE, flags, at, piece.len() as u64);
            self.connection.send(piece)?;
            replies::done(&mut self.connection, &request)?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    /// Makes a range hold zeroes, with holes where `may_punch` allows.
    ///
    /// # Errors
    /// As [`Client::write`], and when the server does not offer it.
    pub fn zero(
        &mut self,
        offset: u64,
        bytes: u64,
        may_punch: bool,
        durable: bool,
    ) -> Result<(), ClientError> {
        self.need(feature::WRITE_ZEROES, "zeroes")?;
        let flags = self.durably(durable)? | if may_punch { 0 } else { flag::NO_HOLE };
        self.change_range(command::WRITE_ZEROES, flags, offset, bytes)
    }

    /// Says that a range is no longer needed; what it holds afterwards is the server's affair.
    ///
    /// # Errors
    /// As [`Client::zero`].
    pub fn trim(&mut self, offset: u64, bytes: u64) -> Result<(), ClientError> {
        self.need(feature::TRIM, "trim")?;
        self.change_range(command::TRIM, 0, offset, bytes)
    }

    /// Makes everything durable that was answered before.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub fn flush(&mut self) -> Result<(), ClientError> {
        self.need(feature::FLUSH, "flush")?;
        let request = self.request(command::FLUSH, 0, 0, 0)?;
        replies::done(&mut self.connection, &request)
    }

    /// What a range is made of; all data when the server does not say.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub fn runs(&mut self, offset: u64, bytes: u64) -> Result<Vec<AllocatedRun>, ClientError> {
        let Some(context) = self.agreed.allocation_id else {
            return Ok(vec![AllocatedRun { bytes, is_hole: false }]);
        };
        let mut runs: Vec<AllocatedRun> = Vec::new();
        let mut covered = 0;
        while covered < bytes {
            let asked = (bytes - covered).min(RANGE_BYTES_MAX);
            let request = self.request(command::BLOCK_STATUS, 0, offset + covered, asked)?;
            for run in replies::runs(&mut self.connection, &request, context)? {
                // The last run of an answer may reach beyond what was asked.
                let run = AllocatedRun { bytes: run.bytes.min(bytes - covered), ..run };
                covered += run.bytes;
                match runs.last_mut() {
                    Some(last) if last.is_hole == run.is_hole => last.bytes += run.bytes,
                    _ if run.bytes == 0 => {}
                    _ => runs.push(run),
                }
            }
        }
        Ok(runs)
    }

    /// Says goodbye. A client that is dropped just goes.
    ///
    /// # Errors
    /// When the connection is lost already.
    pub fn disconnect(mut self) -> Result<(), ClientError> {
        self.put(command::DISCONNECT, 0, 0, 0);
        Ok(self.connection.flush()?)
    }

    fn change_range(&mut self, command: u16, flags: u16, offset: u64, bytes: u64) -> Result<(), ClientError> {
        let mut done = 0;
        while done < bytes {
            let piece = (bytes - done).min(RANGE_BYTES_MAX);
            let request = self.request(command, flags, offset + done, piece)?;
            replies::done(&mut self.connection, &request)?;
            done += piece;
        }
        Ok(())
    }

    fn request(&mut self, command: u16, flags: u16, offset: u64, bytes: u64) -> Result<Request, ClientError> {
        let request = self.put(command, flags, offset, bytes);
        self.connection.flush()?;
        Ok(request)
    }

    fn put(&mut self, command: u16, flags: u16, offset: u64, bytes: u64) -> Request {
        self.cookie += 1;
        // Every caller cuts its range to far less than this.
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        let request = Request { flags, command, cookie: self.cookie, offset, length };
        self.connection.put(&request.encode());
        request
    }

    fn payload_bytes_max(&self) -> usize {
        let [_, _, most] = self.agreed.block_sizes;
        usize::try_from(most - most % SECTOR_BYTES).unwrap_or(usize::MAX).max(SECTOR_BYTES as usize)
    }

    fn offers(&self, what: u16) -> bool {
        self.agreed.features & what != 0
    }

    fn need(&self, feature: u16, what: &'static str) -> Result<(), ClientError> {
        if self.offers(feature) { Ok(()) } else { Err(ClientError::NotOffered { what }) }
    }

    fn durably(&self, durable: bool) -> Result<u16, ClientError> {
        if !durable {
            return Ok(0);
        }
        self.need(feature::FUA, "durable writes")?;
        Ok(flag::FUA)
    }
}
