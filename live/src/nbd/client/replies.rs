//! What a server answers to a request, held against what was asked.

use std::ops::Range;

use super::super::connection::Connection;
use super::super::wire::{
    Fields, Request, SIMPLE_REPLY_MAGIC, STATE_HOLE, STATE_ZERO, STRUCTURED_REPLY_MAGIC, chunk, command,
};
use super::super::{AllocatedRun, ErrorNumber};
use super::ClientError;
use super::greeting::wrong;

/// The longest piece of a reply that is no data, in bytes: a million runs.
const PIECE_BYTES_MAX: u32 = 8 << 20;

/// The beginning of a reply, or of a piece of one.
enum Reply {
    Simple { error: u32 },
    Piece(Piece),
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    is_last: bool,
    kind: u16,
    length: u32,
}

/// Waits for a reply that brings nothing.
pub(super) fn done(connection: &mut Connection, request: &Request) -> Result<(), ClientError> {
    let mut error = None;
    loop {
        match reply(connection, request)? {
            Reply::Simple { error: 0 } => return Ok(()),
            Reply::Simple { error } => return Err(answered(request, error, String::new())),
            Reply::Piece(piece) => {
                let content = content(connection, piece)?;
                note_error(request, piece, &content, &mut error)?;
                if piece.is_last {
                    return error.map_or(Ok(()), Err);
                }
            }
        }
    }
}

/// Waits for what was read.
pub(super) fn read(
    connection: &mut Connection,
    request: &Request,
    into: &mut [u8],
) -> Result<(), ClientError> {
    let (mut filled, mut error) = (Filled::default(), None);
    loop {
        let piece = match reply(connection, request)? {
            Reply::Simple { error: 0 } => return Ok(connection.fill(into)?),
            Reply::Simple { error } => return Err(answered(request, error, String::new())),
            Reply::Piece(piece) => piece,
        };
        match piece.kind {
            chunk::OFFSET_DATA => filled.note(read_data(connection, request, piece, into)?),
            chunk::OFFSET_HOLE => filled.note(read_hole(connection, request, piece, into)?),
            _ => note_error(request, piece, &content(connection, piece)?, &mut error)?,
        }
        if piece.is_last {
            return error.map_or_else(|| filled.check(into.len()), Err);
        }
        if filled.parts.len() > into.len() {
            return Err(wrong("what was read", "pieces of some bytes", "more pieces than bytes"));
        }
    }
}

/// Which parts of a buffer were filled: a server may send them in any order, but each byte once.
#[derive(Default)]
struct Filled {
    parts: Vec<Range<usize>>,
}

impl Filled {
    fn note(&mut self, part: Range<usize>) {
        match self.parts.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => self.parts.push(part),
        }
    }

    fn check(mut self, length: usize) -> Result<(), ClientError> {
        self.parts.sort_by_key(|part| part.start);
        let mut at = 0;
        for part in self.parts {
            if part.start != at {
                let came = format!("something at {}", part.start);
                return Err(wrong("what was read", format!("byte {at} next, and once"), came));
            }
            at = part.end;
        }
        if at == length { Ok(()) } else { Err(wrong("what was read", format!("{length} bytes"), at)) }
    }
}

/// Waits for runs of a context.
pub(super) fn runs(
    connection: &mut Connection,
    request: &Request,
    context: u32,
) -> Result<Vec<AllocatedRun>, ClientError> {
    let (mut runs, mut error) = (Vec::new(), None);
    loop {
        let piece = match reply(connection, request)? {
            Reply::Simple { error } => return Err(answered(request, error, String::new())),
            Reply::Piece(piece) => piece,
        };
        let content = content(connection, piece)?;
        match piece.kind {
            chunk::BLOCK_STATUS => runs.extend(read_runs(&content, context)?),
            _ => note_error(request, piece, &content, &mut error)?,
        }
        if piece.is_last {
            break;
        }
    }
    match error {
        Some(error) => Err(error),
        None if runs.is_empty() => Err(wrong("what the disk is made of", "at least one run", "none")),
        None => Ok(runs),
    }
}

fn read_data(
    connection: &mut Connection,
    request: &Request,
    piece: Piece,
    into: &mut [u8],
) -> Result<Range<usize>, ClientError> {
    let length = piece.length.checked_sub(8).filter(|length| *length > 0);
    let length = length.ok_or_else(|| wrong("a piece of data", "at least 9 bytes", piece.length))?;
    let offset = u64::from_be_bytes(connection.expect()?);
    let part = part(request, offset, length, into.len())?;
    connection.fill(&mut into[part.clone()])?;
    Ok(part)
}

fn read_hole(
    connection: &mut Connection,
    request: &Request,
    piece: Piece,
    into: &mut [u8],
) -> Result<Range<usize>, ClientError> {
    if piece.length != 12 {
        return Err(wrong("a hole", "12 bytes", piece.length));
    }
    let offset = u64::from_be_bytes(connection.expect()?);
    let length = u32::from_be_bytes(connection.expect()?);
    let part = part(request, offset, length, into.len())?;
    into[part.clone()].fill(0);
    Ok(part)
}

/// The part of a buffer that a piece fills.
fn part(request: &Request, offset: u64, length: u32, buffer: usize) -> Result<Range<usize>, ClientError> {
    let begin = offset.checked_sub(request.offset).and_then(|begin| usize::try_from(begin).ok());
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let end = begin.and_then(|begin| begin.checked_add(length)).filter(|end| length > 0 && *end <= buffer);
    begin.zip(end).map(|(begin, end)| begin..end).ok_or_else(|| {
        let asked = format!("a part of {buffer} bytes at {}", request.offset);
        wrong("a piece of what was read", asked, format!("{length} bytes at {offset}"))
    })
}

fn read_runs(content: &[u8], context: u32) -> Result<Vec<AllocatedRun>, ClientError> {
    let broken =
        || wrong("what the disk is made of", "a context and runs", format!("{} bytes", content.len()));
    let mut fields = Fields(content);
    let came = fields.u32().ok_or_else(broken)?;
    if came != context {
        return Err(wrong("the context of runs", context, came));
    }
    let mut runs = Vec::new();
    while !fields.is_at_end() {
        let (bytes, state) = fields.u32().zip(fields.u32()).ok_or_else(broken)?;
        if bytes == 0 {
            return Err(wrong("a run", "some bytes", "none"));
        }
        let both = STATE_HOLE | STATE_ZERO;
        runs.push(AllocatedRun { bytes: bytes.into(), is_hole: state & both == both });
    }
    Ok(runs)
}

/// Remembers the first error of a reply in pieces.
fn note_error(
    request: &Request,
    piece: Piece,
    content: &[u8],
    first: &mut Option<ClientError>,
) -> Result<(), ClientError> {
    if piece.kind == chunk::NONE && piece.is_last && content.is_empty() {
        return Ok(());
    }
    if piece.kind & chunk::ERROR_BIT == 0 {
        return Err(wrong("a piece of a reply", "one that belongs to the request", piece.kind));
    }
    let mut fields = Fields(content);
    let text = |fields: &mut Fields<'_>| {
        let (number, length) = fields.u32().zip(fields.u16())?;
        let text = fields.bytes(length.into())?;
        Some((number, String::from_utf8_lossy(text).into_owned()))
    };
    let (number, why) = text(&mut fields).ok_or_else(|| wrong("an error", "a number and a text", "less"))?;
    first.get_or_insert_with(|| answered(request, number, why));
    Ok(())
}

fn content(connection: &mut Connection, piece: Piece) -> Result<Vec<u8>, ClientError> {
    if piece.length > PIECE_BYTES_MAX {
        return Err(wrong("a piece of a reply", format!("at most {PIECE_BYTES_MAX} bytes"), piece.length));
    }
    Ok(connection.payload(usize::try_from(piece.length).unwrap_or(usize::MAX))?)
}

fn reply(connection: &mut Connection, request: &Request) -> Result<Reply, ClientError> {
    let magic = u32::from_be_bytes(connection.expect()?);
    let reply = match magic {
        SIMPLE_REPLY_MAGIC => Reply::Simple { error: u32::from_be_bytes(connection.expect()?) },
        STRUCTURED_REPLY_MAGIC => {
            let [f0, f1, k0, k1] = connection.expect()?;
            let is_last = u16::from_be_bytes([f0, f1]) & chunk::DONE != 0;
            Reply::Piece(Piece { is_last, kind: u16::from_be_bytes([k0, k1]), length: 0 })
        }
        came => return Err(wrong("a reply", "the beginning of one", format!("{came:#010x}"))),
    };
    let cookie = u64::from_be_bytes(connection.expect()?);
    if cookie != request.cookie {
        return Err(wrong("the number of a reply", request.cookie, cookie));
    }
    Ok(match reply {
        Reply::Piece(piece) => {
            Reply::Piece(Piece { length: u32::from_be_bytes(connection.expect()?), ..piece })
        }
        simple @ Reply::Simple { .. } => simple,
    })
}

fn answered(request: &Request, error: u32, why: String) -> ClientError {
    let what = match request.command {
        command::READ => "a read",
        command::WRITE => "a write",
        command::FLUSH => "a flush",
        command::TRIM => "a trim",
        command::WRITE_ZEROES => "zeroes",
        command::BLOCK_STATUS => "a question for holes",
        _ => "a request",
    };
    ClientError::Answered { what, offset: request.offset, error: ErrorNumber::from_number(error), why }
}
