//! The haggling over options, on the side of the client: structured replies and holes if they are to be had, and the
//! export in any case.

use super::super::connection::Connection;
use super::super::options::reply_header;
use super::super::wire::{
    ALLOCATION_CONTEXT, Fields, GREETING_MAGIC, OPTION_MAGIC, OPTION_REPLY_BYTES, PAYLOAD_BYTES_MAX,
    PREFERRED_BYTES, handshake, info, option, reply,
};
use super::ClientError;

/// The longest answer to an option, in bytes: names and messages have 4 KiB at most.
const REPLY_BYTES_MAX: u32 = 64 << 10;
/// What holds for a server that says nothing about it: any size, as in the protocol.
const USUAL_SIZES: [u32; 3] = [1, PREFERRED_BYTES, PAYLOAD_BYTES_MAX];

/// What was agreed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agreed {
    pub(super) size_bytes: u64,
    pub(super) features: u16,
    /// The least, the best and the most, in bytes.
    pub(super) block_sizes: [u32; 3],
    /// The number under which the server tells holes from data.
    pub(super) allocation_id: Option<u32>,
}

/// One answer to an option.
struct Answer {
    kind: u32,
    content: Vec<u8>,
}

pub(super) fn greet(connection: &mut Connection, export: &str) -> Result<Agreed, ClientError> {
    expect_magic(connection, "the greeting", GREETING_MAGIC)?;
    expect_magic(connection, "the style of the greeting", OPTION_MAGIC)?;
    let flags = u16::from_be_bytes(connection.expect()?);
    if flags & handshake::FIXED_NEWSTYLE == 0 {
        return Err(wrong("the style of the greeting", "fixed newstyle", format!("flags {flags:#x}")));
    }
    let known = flags & (handshake::FIXED_NEWSTYLE | handshake::NO_ZEROES);
    connection.put(&u32::from(known).to_be_bytes());
    let allocation_id = if ask_structured(connection)? { ask_allocation(connection, export)? } else { None };
    ask_export(connection, export, allocation_id)
}

fn ask_structured(connection: &mut Connection) -> Result<bool, ClientError> {
    ask(connection, option::STRUCTURED_REPLY, &[])?;
    Ok(answer(connection, option::STRUCTURED_REPLY)?.kind == reply::ACK)
}

fn ask_allocation(connection: &mut Connection, export: &str) -> Result<Option<u32>, ClientError> {
    let content = [&counted(export)[..], &1_u32.to_be_bytes(), &counted(ALLOCATION_CONTEXT)].concat();
    ask(connection, option::SET_META_CONTEXT, &content)?;
    let mut id = None;
    loop {
        let answer = answer(connection, option::SET_META_CONTEXT)?;
        match answer.kind {
            reply::META_CONTEXT => {
                let mut fields = Fields(&answer.content);
                let number = fields.u32();
                if fields.0 == ALLOCATION_CONTEXT.as_bytes() {
                    id = number;
                }
            }
            reply::ACK => return Ok(id),
            // A server may refuse this; then everything is data.
            kind if kind & reply::ERROR != 0 => return Ok(None),
            kind => return Err(wrong("the answer about contexts", "a context or the end", kind)),
        }
    }
}

fn ask_export(
    connection: &mut Connection,
    export: &str,
    allocation_id: Option<u32>,
) -> Result<Agreed, ClientError> {
    let content = [&counted(export)[..], &1_u16.to_be_bytes(), &info::BLOCK_SIZE.to_be_bytes()].concat();
    ask(connection, option::GO, &content)?;
    let (mut told, mut block_sizes) = (None, USUAL_SIZES);
    loop {
        let answer = answer(connection, option::GO)?;
        match (answer.kind, told) {
            (reply::INFO, _) => match read_info(&answer.content) {
                Some(Told::Export(size_bytes, features)) => told = Some((size_bytes, features)),
                Some(Told::Sizes(sizes)) => block_sizes = sizes,
                Some(Told::Other) => {}
                None => return Err(wrong("what is told of the export", "a whole answer", "part of one")),
            },
            (reply::ACK, Some((size_bytes, features))) => {
                return Ok(Agreed { size_bytes, features, block_sizes, allocation_id });
            }
            (reply::ACK, None) => return Err(wrong("what is told of the export", "its size", "the end")),
            (kind, _) if kind & reply::ERROR != 0 => {
                let why = String::from_utf8_lossy(&answer.content).into_owned();
                let why = if why.is_empty() { format!("error {}", kind & !reply::ERROR) } else { why };
                return Err(ClientError::Refused { export: export.to_owned(), why });
            }
            (kind, _) => return Err(wrong("what is told of the export", "an answer or the end", kind)),
        }
    }
}

/// What a server tells of an export.
enum Told {
    Export(u64, u16),
    Sizes([u32; 3]),
    Other,
}

fn read_info(content: &[u8]) -> Option<Told> {
    let mut fields = Fields(content);
    match fields.u16()? {
        info::EXPORT => Some(Told::Export(fields.u64()?, fields.u16()?)),
        info::BLOCK_SIZE => Some(Told::Sizes([fields.u32()?, fields.u32()?, fields.u32()?])),
        _ => Some(Told::Other),
    }
}

fn ask(connection: &mut Connection, option: u32, content: &[u8]) -> Result<(), ClientError> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    connection.put(&OPTION_MAGIC.to_be_bytes());
    connection.put(&option.to_be_bytes());
    connection.put(&length.to_be_bytes());
    connection.put(content);
    Ok(connection.flush()?)
}

fn answer(connection: &mut Connection, option: u32) -> Result<Answer, ClientError> {
    let header: [u8; OPTION_REPLY_BYTES] = connection.expect()?;
    let mut fields = Fields(&header[12..]);
    let (kind, length) = (fields.u32().unwrap_or_default(), fields.u32().unwrap_or_default());
    let due = reply_header(option, kind, usize::try_from(length).unwrap_or(usize::MAX));
    if header != due {
        return Err(wrong("an answer to an option", format!("{due:02x?}"), format!("{header:02x?}")));
    }
    if length > REPLY_BYTES_MAX {
        return Err(wrong("an answer to an option", format!("at most {REPLY_BYTES_MAX} bytes"), length));
    }
    let content = connection.payload(usize::try_from(length).unwrap_or(usize::MAX))?;
    Ok(Answer { kind, content })
}

fn expect_magic(connection: &mut Connection, what: &'static str, magic: u64) -> Result<(), ClientError> {
    let came = u64::from_be_bytes(connection.expect()?);
    if came == magic {
        return Ok(());
    }
    Err(wrong(what, format!("{magic:#018x}"), format!("{came:#018x}")))
}

/// A text behind its length.
fn counted(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

pub(super) fn wrong(what: &'static str, expected: impl ToString, came: impl ToString) -> ClientError {
    ClientError::Protocol { what, expected: expected.to_string(), came: came.to_string() }
}
