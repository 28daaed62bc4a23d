//! From the greeting to an export: the haggling over options, on the side of the server.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::Export;
use super::connection::{Connection, Lost};
use super::exports::{Exports, Served};
use super::options::{
    ContextsAsked, InfoAsked, block_size_info, context, export_info, listed, reply_header, text_info,
};
use super::wire::{
    GREETING_MAGIC, OPTION_BYTES, OPTION_MAGIC, STRING_BYTES_MAX, handshake, info, option, reply,
};

/// The number of the one context, on every connection.
pub(super) const ALLOCATION_ID: u32 = 1;
/// The longest option, in bytes: a name of full length and some dozens of queries.
const OPTION_BYTES_MAX: u32 = 64 << 10;
/// How long a client may take for its next word. Afterwards it may be idle for as long as it likes.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the answer to EXPORT_NAME is padded with for a client that has not asked to leave that out.
const PADDING_BYTES: usize = 124;

/// Why it came to nothing.
#[derive(Debug, Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Lost(#[from] Lost),
    #[error("flags of the handshake {came:#x}: at most 3 were expected")]
    Flags { came: u32 },
    #[error("an option begins with {came:#018x}: {OPTION_MAGIC:#018x} was expected")]
    Magic { came: u64 },
    #[error("an option of {came} bytes: at most {OPTION_BYTES_MAX} were expected")]
    TooBig { came: u32 },
    /// The old way to choose an export has no way to refuse one.
    #[error("no export is called `{name}`")]
    NoExport { name: String },
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(error.into())
    }
}

/// What was agreed.
pub(super) struct Agreed {
    pub(super) disk: Arc<dyn Export>,
    /// Its size and whether it takes no writes, as the client was told.
    pub(super) size_bytes: u64,
    pub(super) is_read_only: bool,
    pub(super) structured: bool,
    /// Whether the client may ask for holes and data.
    pub(super) allocation: bool,
}

/// What an option leads to.
enum Next {
    More,
    Serve(Agreed),
    End,
}

/// Greets a client and answers its options; `None` when it went in good order.
pub(super) fn negotiate(connection: &mut Connection, exports: &Exports) -> Result<Option<Agreed>, Failed> {
    connection.socket().set_patience(Some(PATIENCE))?;
    connection.put(&GREETING_MAGIC.to_be_bytes());
    connection.put(&OPTION_MAGIC.to_be_bytes());
    connection.put(&(handshake::FIXED_NEWSTYLE | handshake::NO_ZEROES).to_be_bytes());
    let flags = u32::from_be_bytes(connection.expect()?);
    if flags > u32::from(handshake::FIXED_NEWSTYLE | handshake::NO_ZEROES) {
        return Err(Failed::Flags { came: flags });
    }
    let padded = flags & u32::from(handshake::NO_ZEROES) == 0;
    let mut haggling = Haggling { connection, exports, padded, structured: false, allocation_of: None };
    let agreed = haggling.run()?;
    connection.flush()?;
    connection.socket().set_patience(None)?;
    Ok(agreed)
}

struct Haggling<'a> {
    connection: &'a mut Connection,
    exports: &'a Exports,
    padded: bool,
    structured: bool,
    /// The export for which the context was set last.
    allocation_of: Option<Arc<str>>,
}

impl Haggling<'_> {
    fn run(&mut self) -> Result<Option<Agreed>, Failed> {
        loop {
            let Some((option, payload)) = self.receive()? else { return Ok(None) };
            match self.answer(option, &payload)? {
                // A client may ask for much more than it asks in.
                Next::More => self.connection.flush_when_full()?,
                Next::Serve(agreed) => return Ok(Some(agreed)),
                Next::End => return Ok(None),
            }
        }
    }

    fn receive(&mut self) -> Result<Option<(u32, Vec<u8>)>, Failed> {
        let Some(header) = self.connection.next::<OPTION_BYTES>()? else { return Ok(None) };
        let [magic @ .., o0, o1, o2, o3, l0, l1, l2, l3] = header;
        let came = u64::from_be_bytes(magic);
        if came != OPTION_MAGIC {
            return Err(Failed::Magic { came });
        }
        let (option, length) = (u32::from_be_bytes([o0, o1, o2, o3]), u32::from_be_bytes([l0, l1, l2, l3]));
        if length > OPTION_BYTES_MAX {
            self.refuse(option, reply::TOO_BIG, "the option is too long");
            self.connection.flush()?;
            return Err(Failed::TooBig { came: length });
        }
        let payload = self.connection.payload(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(Some((option, payload)))
    }

    fn answer(&mut self, option: u32, payload: &[u8]) -> Result<Next, Failed> {
        match option {
            option::EXPORT_NAME => return self.export_name(payload),
            option::ABORT => {
                self.reply(option, reply::ACK, &[]);
                return Ok(Next::End);
            }
            option::LIST => self.list(payload),
            option::INFO | option::GO => return Ok(self.info(option, payload)),
            option::STRUCTURED_REPLY if payload.is_empty() => {
                self.structured = true;
                self.reply(option, reply::ACK, &[]);
            }
            option::STRUCTURED_REPLY => self.refuse(option, reply::INVALID, "the option carries nothing"),
            option::LIST_META_CONTEXT | option::SET_META_CONTEXT => self.contexts(option, payload),
            option::STARTTLS => {
                self.refuse(option, reply::POLICY, "this server has no TLS");
            }
            _ => self.refuse(option, reply::UNSUPPORTED, &format!("option {option} is not emulated")),
        }
        Ok(Next::More)
    }

    fn export_name(&mut self, payload: &[u8]) -> Result<Next, Failed> {
        let exports = self.exports;
        let name = String::from_utf8_lossy(payload);
        let Some(served) = exports.find(&name) else {
            let name = name.chars().take(STRING_BYTES_MAX).collect();
            return Err(Failed::NoExport { name });
        };
        let agreed = self.agree(served);
        self.connection.put(&agreed.size_bytes.to_be_bytes());
        self.connection.put(&served.features(self.structured).to_be_bytes());
        if self.padded {
            self.connection.put(&[0; PADDING_BYTES]);
        }
        Ok(Next::Serve(agreed))
    }

    fn list(&mut self, payload: &[u8]) {
        if !payload.is_empty() {
            return self.refuse(option::LIST, reply::INVALID, "the option carries nothing");
        }
        let exports = self.exports;
        for served in exports.iter() {
            self.reply(option::LIST, reply::SERVER, &listed(served));
        }
        self.reply(option::LIST, reply::ACK, &[]);
    }

    fn info(&mut self, option: u32, payload: &[u8]) -> Next {
        let exports = self.exports;
        let Some(asked) = InfoAsked::decode(payload) else {
            self.refuse(option, reply::INVALID, "a name and numbers of two bytes were expected");
            return Next::More;
        };
        let Some(served) = exports.find(asked.name) else {
            self.refuse_unknown(option, asked.name);
            return Next::More;
        };
        self.reply(option, reply::INFO, &export_info(served, self.structured));
        self.reply(option, reply::INFO, &block_size_info());
        for (kind, text) in [(info::NAME, &served.name), (info::DESCRIPTION, &served.description)] {
            if asked.kinds.contains(&kind) {
                self.reply(option, reply::INFO, &text_info(kind, text));
            }
        }
        self.reply(option, reply::ACK, &[]);
        if option == option::GO { Next::Serve(self.agree(served)) } else { Next::More }
    }

    fn contexts(&mut self, option: u32, payload: &[u8]) {
        let sets = option == option::SET_META_CONTEXT;
        if sets {
            // What was set before is gone, whatever becomes of this.
            self.allocation_of = None;
        }
        if !self.structured {
            return self.refuse(option, reply::INVALID, "structured replies were to be agreed first");
        }
        let Some(asked) = ContextsAsked::decode(payload) else {
            return self.refuse(option, reply::INVALID, "a name and queries were expected");
        };
        let exports = self.exports;
        let Some(served) = exports.find(asked.name) else { return self.refuse_unknown(option, asked.name) };
        if sets && asked.sets_allocation() {
            self.allocation_of = Some(Arc::clone(&served.name));
            self.reply(option, reply::META_CONTEXT, &context(ALLOCATION_ID));
        } else if !sets && asked.lists_allocation() {
            self.reply(option, reply::META_CONTEXT, &context(0));
        }
        self.reply(option, reply::ACK, &[]);
    }

    fn agree(&self, served: &Served) -> Agreed {
        Agreed {
            disk: Arc::clone(&served.disk),
            size_bytes: served.disk.size_bytes(),
            is_read_only: served.disk.is_read_only(),
            structured: self.structured,
            allocation: self.allocation_of.as_ref() == Some(&served.name),
        }
    }

    fn refuse_unknown(&mut self, option: u32, name: &str) {
        self.refuse(option, reply::UNKNOWN, &format!("no export is called `{name}`"));
    }

    fn refuse(&mut self, option: u32, reply: u32, why: &str) {
        let end = why.floor_char_boundary(STRING_BYTES_MAX);
        self.reply(option, reply, &why.as_bytes()[..end]);
    }

    fn reply(&mut self, option: u32, reply: u32, payload: &[u8]) {
        self.connection.put(&reply_header(option, reply, payload.len()));
        self.connection.put(payload);
    }
}
