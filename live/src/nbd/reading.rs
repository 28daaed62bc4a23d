//! Answers to READ: in one piece to clients that know no other, else in pieces, holes without their zeroes.

use std::io;

use super::AllocatedRun;
use super::connection::SEND_BYTES;
use super::runs::all_runs;
use super::transmission::{Broken, Transmission};
use super::wire::{Request, chunk, chunk_header, flag, simple_reply};

/// A shorter read is answered without looking for holes: the looking would cost more than it saves.
const SPARSE_BYTES_MIN: u32 = 64 << 10;
/// How much one piece carries at most, in bytes: the client takes one while the next is read.
const PIECE_BYTES_MAX: u64 = SEND_BYTES as u64;
/// An offset stands before the data of each piece.
const OFFSET_BYTES: u32 = 8;
/// All that the piece of a hole carries.
const HOLE_BYTES: u32 = 12;

impl Transmission<'_> {
    pub(super) fn read(&mut self, request: &Request) -> Result<(), Broken> {
        let is_whole = request.length < SPARSE_BYTES_MIN || request.flags & flag::DF != 0;
        let begin = self.connection.unsent();
        let read = match (self.agreed.structured, is_whole) {
            (false, _) => self.simple(request),
            (true, true) => self.data(request, request.offset, request.length),
            (true, false) => return self.sparse(request),
        };
        if let Err(error) = read {
            self.connection.take_back(begin);
            self.refuse(request, &error.into());
        }
        Ok(())
    }

    fn simple(&mut self, request: &Request) -> io::Result<()> {
        self.connection.put(&simple_reply(0, request.cookie));
        let length = usize::try_from(request.length).unwrap_or(usize::MAX);
        self.disk.read(request.offset, self.connection.room(length))
    }

    /// What was sent of a reply stands, and an error may come after it.
    fn sparse(&mut self, request: &Request) -> Result<(), Broken> {
        let runs = match all_runs(self.disk, request.offset, request.length.into()) {
            Ok(runs) => runs,
            Err(error) => {
                self.refuse(request, &error.into());
                return Ok(());
            }
        };
        for (offset, piece) in pieces(request.offset, runs) {
            self.connection.flush_when_full()?;
            let begin = self.connection.unsent();
            // No longer than the request, whose length has 32 bits.
            let length = u32::try_from(piece.bytes).unwrap_or(u32::MAX);
            if piece.is_hole {
                self.hole(request, offset, length);
            } else if let Err(error) = self.data(request, offset, length) {
                self.connection.take_back(begin);
                self.refuse(request, &error.into());
                return Ok(());
            }
        }
        Ok(())
    }

    fn hole(&mut self, request: &Request, offset: u64, length: u32) {
        let flags = done(request, offset, length);
        self.connection.put(&chunk_header(flags, chunk::OFFSET_HOLE, request.cookie, HOLE_BYTES));
        self.connection.put(&offset.to_be_bytes());
        self.connection.put(&length.to_be_bytes());
    }

    fn data(&mut self, request: &Request, offset: u64, length: u32) -> io::Result<()> {
        let flags = done(request, offset, length);
        self.connection.put(&chunk_header(flags, chunk::OFFSET_DATA, request.cookie, length + OFFSET_BYTES));
        self.connection.put(&offset.to_be_bytes());
        self.disk.read(offset, self.connection.room(usize::try_from(length).unwrap_or(usize::MAX)))
    }
}

/// The flag of the last piece of a reply.
fn done(request: &Request, offset: u64, length: u32) -> u16 {
    let is_last = offset + u64::from(length) == request.offset + u64::from(request.length);
    if is_last { chunk::DONE } else { 0 }
}

/// Runs cut to pieces, each with its place. Holes are not cut: they carry nothing.
fn pieces(begin: u64, runs: Vec<AllocatedRun>) -> impl Iterator<Item = (u64, AllocatedRun)> {
    let mut at = begin;
    runs.into_iter().flat_map(move |run| {
        let (begin, end) = (at, at + run.bytes);
        at = end;
        let step = if run.is_hole { run.bytes.max(1) } else { PIECE_BYTES_MAX };
        (begin..end)
            .step_by(usize::try_from(step).unwrap_or(usize::MAX))
            .map(move |offset| (offset, AllocatedRun { bytes: step.min(end - offset), is_hole: run.is_hole }))
    })
}
