//! The server side of the NBD protocol, as far as one client that reads, writes and flushes needs it: fixed newstyle handshake, simple
//! replies. Requests of a connection are served one after the other.
//!
//! Knows nothing of the recording's format.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use crate::recording::{Recording, locked};

const OPTION_MAGIC: u64 = u64::from_be_bytes(*b"IHAVEOPT");
const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const REQUEST_MAGIC: u32 = 0x2560_9513;
const REPLY_MAGIC: u32 = 0x6744_6698;

/// Fixed newstyle, and no zeroes after an export's description.
const HANDSHAKE_FLAGS: u16 = 0b11;
/// Flags are there; flush and forced unit access are understood.
const EXPORT_FLAGS: u16 = 0b1101;

const OPTION_EXPORT_NAME: u32 = 1;
const OPTION_ABORT: u32 = 2;
const OPTION_INFO: u32 = 6;
const OPTION_GO: u32 = 7;

const REPLY_ACK: u32 = 1;
const REPLY_INFO: u32 = 3;
const REPLY_UNSUPPORTED: u32 = (1 << 31) | 1;
const REPLY_UNKNOWN: u32 = (1 << 31) | 6;

const READ: u16 = 0;
const WRITE: u16 = 1;
const DISCONNECT: u16 = 2;
const FLUSH: u16 = 3;
const FORCED: u16 = 1;

const INVALID: u32 = 22;
/// No option and no request is larger.
const LENGTH_MAX: u32 = 64 << 20;

/// Serves one client to its end.
///
/// # Errors
/// Of the connection or the recording, and requests that are none.
pub fn serve(mut client: UnixStream, recording: &Mutex<Recording>) -> io::Result<()> {
    client.write_all(b"NBDMAGIC")?;
    client.write_all(&OPTION_MAGIC.to_be_bytes())?;
    client.write_all(&HANDSHAKE_FLAGS.to_be_bytes())?;
    read::<4>(&mut client)?;
    while let Some(negotiated) = negotiate(&mut client, recording)? {
        if let Some(disk) = negotiated {
            while transmit(&mut client, recording, disk)? {}
            return Ok(());
        }
    }
    Ok(())
}

/// One option: the disk, once the client has chosen one; the outer `None` when it goes away.
fn negotiate(client: &mut UnixStream, recording: &Mutex<Recording>) -> io::Result<Option<Option<usize>>> {
    if u64::from_be_bytes(read(client)?) != OPTION_MAGIC {
        return Err(invalid("expected an option"));
    }
    let option = u32::from_be_bytes(read(client)?);
    let length = u32::from_be_bytes(read(client)?);
    let data = read_bytes(client, length)?;
    match option {
        OPTION_EXPORT_NAME => {
            let (disk, size) = find(&data, recording)?.ok_or_else(|| invalid("expected a known export"))?;
            client.write_all(&size.to_be_bytes())?;
            client.write_all(&EXPORT_FLAGS.to_be_bytes())?;
            Ok(Some(Some(disk)))
        }
        OPTION_INFO | OPTION_GO => {
            let name_bytes = data.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
            let name = data.get(4..).and_then(|rest| rest.get(..name_bytes));
            let Some((disk, size)) = find(name.unwrap_or_default(), recording)? else {
                answer(client, option, REPLY_UNKNOWN, &[])?;
                return Ok(Some(None));
            };
            let info = [&[0, 0], &size.to_be_bytes()[..], &EXPORT_FLAGS.to_be_bytes()].concat();
            answer(client, option, REPLY_INFO, &info)?;
            answer(client, option, REPLY_ACK, &[])?;
            Ok(Some((option == OPTION_GO).then_some(disk)))
        }
        OPTION_ABORT => answer(client, option, REPLY_ACK, &[]).map(|()| None),
        _ => answer(client, option, REPLY_UNSUPPORTED, &[]).map(|()| Some(None)),
    }
}

/// The disk of a name, and its size in bytes.
fn find(name: &[u8], recording: &Mutex<Recording>) -> io::Result<Option<(usize, u64)>> {
    let number = std::str::from_utf8(name).ok().and_then(|name| name.strip_prefix("disk"));
    let Some(disk) = number.and_then(|number| number.parse().ok()) else { return Ok(None) };
    Ok(locked(recording)?.size(disk).map(|size| (disk, size)))
}

fn answer(client: &mut UnixStream, option: u32, reply: u32, data: &[u8]) -> io::Result<()> {
    client.write_all(&OPTION_REPLY_MAGIC.to_be_bytes())?;
    for number in [option, reply, data.len() as u32] {
        client.write_all(&number.to_be_bytes())?;
    }
    client.write_all(data)
}

/// One request; false when it was the last.
fn transmit(client: &mut UnixStream, recording: &Mutex<Recording>, disk: usize) -> io::Result<bool> {
    if u32::from_be_bytes(read(client)?) != REQUEST_MAGIC {
        return Err(invalid("expected a request"));
    }
    let flags = u16::from_be_bytes(read(client)?);
    let kind = u16::from_be_bytes(read(client)?);
    let handle: [u8; 8] = read(client)?;
    let from = u64::from_be_bytes(read(client)?);
    let length = u32::from_be_bytes(read(client)?);
    match kind {
        READ => {
            let found = locked(recording)?.read(disk, from, length).map(<[u8]>::to_vec);
            reply(client, handle, found.is_some())?;
            client.write_all(&found.unwrap_or_default())?;
        }
        WRITE => {
            let payload = read_bytes(client, length)?;
            let mut recording = locked(recording)?;
            let is_written = recording.write(disk, from, &payload)?;
            if is_written && flags & FORCED != 0 {
                recording.flush(disk)?;
            }
            drop(recording);
            reply(client, handle, is_written)?;
        }
        FLUSH => {
            locked(recording)?.flush(disk)?;
            reply(client, handle, true)?;
        }
        DISCONNECT => return Ok(false),
        _ => reply(client, handle, false)?,
    }
    Ok(true)
}

fn reply(client: &mut UnixStream, handle: [u8; 8], is_done: bool) -> io::Result<()> {
    let error = if is_done { 0 } else { INVALID };
    client.write_all(&[&REPLY_MAGIC.to_be_bytes()[..], &error.to_be_bytes(), &handle].concat())
}

fn read<const N: usize>(client: &mut UnixStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_bytes(client: &mut UnixStream, length: u32) -> io::Result<Vec<u8>> {
    if length > LENGTH_MAX {
        return Err(invalid("expected at most 64 MiB"));
    }
    let mut bytes = vec![0; length as usize];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
