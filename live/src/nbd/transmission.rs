//! After the haggling: requests in, replies out, one after the other in the order in which they came.
//!
//! A disk is asked for nothing of a request before all of it is here and it was found in order. So a client that goes
//! away in the middle of one leaves nothing half done.
//!
//! Reads are in `reading`.

use bytes::Bytes;
use thiserror::Error;

use super::checks::{Refused, check};
use super::connection::{Connection, Lost};
use super::negotiation::{ALLOCATION_ID, Agreed};
use super::runs::leading_runs;
use super::wire::{
    REQUEST_BYTES, REQUEST_MAGIC, Request, STATE_HOLE, STATE_ZERO, STRING_BYTES_MAX, chunk, chunk_header,
    command, flag, simple_reply,
};
use super::{AllocatedRun, Export};

/// How much of a disk one BLOCK_STATUS describes at most, in bytes. Its lengths are numbers of 32 bits.
const STATUS_BYTES_MAX: u64 = 1 << 30;
/// And in how many runs. A client asks on where the answer ends.
const STATUS_RUNS_MAX: usize = 4096;

/// Why a client was left.
#[derive(Debug, Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Lost(#[from] Lost),
    /// After this nobody knows where the next request begins.
    #[error("a request begins with {came:#010x}: {REQUEST_MAGIC:#010x} was expected")]
    Magic { came: u32 },
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(error.into())
    }
}

/// Does what a client asks until it says goodbye or is gone.
pub(super) fn transmit(connection: &mut Connection, agreed: &Agreed) -> Result<(), Broken> {
    let mut transmission = Transmission { connection, agreed, disk: &*agreed.disk };
    let end = transmission.run();
    // What was done is answered, however it ends.
    let sent = connection.flush();
    end?;
    Ok(sent?)
}

pub(super) struct Transmission<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) agreed: &'a Agreed,
    pub(super) disk: &'a dyn Export,
}

impl Transmission<'_> {
    fn run(&mut self) -> Result<(), Broken> {
        while let Some(header) = self.connection.next::<REQUEST_BYTES>()? {
            let request = Request::decode(&header).map_err(|came| Broken::Magic { came })?;
            if request.command == command::DISCONNECT {
                break;
            }
            self.answer(&request)?;
            self.connection.flush_when_full()?;
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request) -> Result<(), Broken> {
        let checked = check(request, self.agreed);
        match (request.command, checked) {
            (command::WRITE, checked) => return self.write(request, checked),
            (_, Err(refused)) => self.refuse(request, &refused),
            (command::READ, Ok(())) => return self.read(request),
            (command::BLOCK_STATUS, Ok(())) => self.status(request),
            (_, Ok(())) => {
                let done = self.change(request);
                self.reply(request, done);
            }
        }
        Ok(())
    }

    /// The payload follows whatever is wrong with the request.
    fn write(&mut self, request: &Request, checked: Result<(), Refused>) -> Result<(), Broken> {
        let length = usize::try_from(request.length).unwrap_or(usize::MAX);
        if let Err(refused) = checked {
            self.connection.discard(length)?;
            self.refuse(request, &refused);
            return Ok(());
        }
        let payload = Bytes::from(self.connection.payload(length)?);
        let done = self.disk.write(request.offset, payload, request.flags & flag::FUA != 0);
        self.reply(request, done.map_err(Refused::Disk));
        Ok(())
    }

    /// What carries nothing in either direction.
    fn change(&self, request: &Request) -> Result<(), Refused> {
        let (offset, bytes) = (request.offset, u64::from(request.length));
        let durable = request.flags & flag::FUA != 0;
        match request.command {
            command::FLUSH => self.disk.flush()?,
            command::TRIM => self.disk.zero(offset, bytes, true, durable)?,
            command::WRITE_ZEROES => {
                self.disk.zero(offset, bytes, request.flags & flag::NO_HOLE == 0, durable)?;
            }
            // Whether something is cached nobody can see.
            command::CACHE => {}
            other => return Err(Refused::UnknownCommand(other)),
        }
        Ok(())
    }

    fn status(&mut self, request: &Request) {
        let runs_max = if request.flags & flag::REQ_ONE != 0 { 1 } else { STATUS_RUNS_MAX };
        let bytes = u64::from(request.length).min(STATUS_BYTES_MAX);
        match leading_runs(self.disk, request.offset, bytes, runs_max) {
            Ok(runs) => self.put_runs(request.cookie, &runs),
            Err(error) => self.refuse(request, &error.into()),
        }
    }

    fn put_runs(&mut self, cookie: u64, runs: &[AllocatedRun]) {
        let mut content = ALLOCATION_ID.to_be_bytes().to_vec();
        for run in runs {
            let bytes = u32::try_from(run.bytes).unwrap_or(u32::MAX);
            let state = if run.is_hole { STATE_HOLE | STATE_ZERO } else { 0 };
            content.extend_from_slice(&bytes.to_be_bytes());
            content.extend_from_slice(&state.to_be_bytes());
        }
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        self.connection.put(&chunk_header(chunk::DONE, chunk::BLOCK_STATUS, cookie, length));
        self.connection.put(&content);
    }

    /// The answer of a command that brings nothing back.
    fn reply(&mut self, request: &Request, done: Result<(), Refused>) {
        match done {
            Ok(()) => self.connection.put(&simple_reply(0, request.cookie)),
            Err(refused) => self.refuse(request, &refused),
        }
    }

    /// An error, in words too where the client can take them.
    pub(super) fn refuse(&mut self, request: &Request, refused: &Refused) {
        tracing::debug!(command = request.command, "refused: {refused}");
        let number = refused.number().number();
        if !self.agreed.structured {
            return self.connection.put(&simple_reply(number, request.cookie));
        }
        let text = refused.to_string();
        let text = &text.as_bytes()[..text.floor_char_boundary(STRING_BYTES_MAX)];
        let text_length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        let length = u32::from(text_length) + 6;
        self.connection.put(&chunk_header(chunk::DONE, chunk::ERROR, request.cookie, length));
        self.connection.put(&number.to_be_bytes());
        self.connection.put(&text_length.to_be_bytes());
        self.connection.put(text);
    }
}
