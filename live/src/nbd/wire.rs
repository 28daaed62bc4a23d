//! The numbers of the protocol, and its small headers. Nothing here reads or sends.
//!
//! Everything is big-endian. Names are those of the protocol's own document without their prefix.

use std::fmt;
use std::io;

/// What a server says first.
pub(super) const GREETING_MAGIC: u64 = 0x4e42_444d_4147_4943;
/// Before each option, and after the greeting.
pub(super) const OPTION_MAGIC: u64 = 0x4948_4156_454f_5054;
pub(super) const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
pub(super) const REQUEST_MAGIC: u32 = 0x2560_9513;
pub(super) const SIMPLE_REPLY_MAGIC: u32 = 0x6744_6698;
pub(super) const STRUCTURED_REPLY_MAGIC: u32 = 0x668e_33ef;

/// What a request's range must be a multiple of, in bytes.
pub(super) const SECTOR_BYTES: u32 = 512;
/// What requests had better be a multiple of, in bytes.
pub(super) const PREFERRED_BYTES: u32 = 4096;
/// The most that one request may carry, in bytes: what every server takes when nothing else was said.
pub(super) const PAYLOAD_BYTES_MAX: u32 = 32 << 20;
/// The longest a name or a message may be, in bytes.
pub(super) const STRING_BYTES_MAX: usize = 4096;

pub(super) const REQUEST_BYTES: usize = 28;
pub(super) const OPTION_BYTES: usize = 16;
pub(super) const OPTION_REPLY_BYTES: usize = 20;
pub(super) const SIMPLE_REPLY_BYTES: usize = 16;
pub(super) const CHUNK_BYTES: usize = 20;

/// The context that tells holes from data.
pub(super) const ALLOCATION_CONTEXT: &str = "base:allocation";

/// Flags of the handshake; the client answers with the same numbers.
pub(super) mod handshake {
    pub(in crate::nbd) const FIXED_NEWSTYLE: u16 = 1;
    pub(in crate::nbd) const NO_ZEROES: u16 = 1 << 1;
}

/// Options that a client may ask for.
pub(super) mod option {
    pub(in crate::nbd) const EXPORT_NAME: u32 = 1;
    pub(in crate::nbd) const ABORT: u32 = 2;
    pub(in crate::nbd) const LIST: u32 = 3;
    pub(in crate::nbd) const STARTTLS: u32 = 5;
    pub(in crate::nbd) const INFO: u32 = 6;
    pub(in crate::nbd) const GO: u32 = 7;
    pub(in crate::nbd) const STRUCTURED_REPLY: u32 = 8;
    pub(in crate::nbd) const LIST_META_CONTEXT: u32 = 9;
    pub(in crate::nbd) const SET_META_CONTEXT: u32 = 10;
}

/// How a server answers an option.
pub(super) mod reply {
    pub(in crate::nbd) const ACK: u32 = 1;
    pub(in crate::nbd) const SERVER: u32 = 2;
    pub(in crate::nbd) const INFO: u32 = 3;
    pub(in crate::nbd) const META_CONTEXT: u32 = 4;
    /// Set in every answer that refuses.
    pub(in crate::nbd) const ERROR: u32 = 1 << 31;
    pub(in crate::nbd) const UNSUPPORTED: u32 = ERROR | 1;
    pub(in crate::nbd) const POLICY: u32 = ERROR | 2;
    pub(in crate::nbd) const INVALID: u32 = ERROR | 3;
    pub(in crate::nbd) const UNKNOWN: u32 = ERROR | 6;
    pub(in crate::nbd) const TOO_BIG: u32 = ERROR | 9;
}

/// What a server tells of an export.
pub(super) mod info {
    pub(in crate::nbd) const EXPORT: u16 = 0;
    pub(in crate::nbd) const NAME: u16 = 1;
    pub(in crate::nbd) const DESCRIPTION: u16 = 2;
    pub(in crate::nbd) const BLOCK_SIZE: u16 = 3;
}

/// What an export can do.
pub(super) mod feature {
    pub(in crate::nbd) const HAS_FLAGS: u16 = 1;
    pub(in crate::nbd) const READ_ONLY: u16 = 1 << 1;
    pub(in crate::nbd) const FLUSH: u16 = 1 << 2;
    pub(in crate::nbd) const FUA: u16 = 1 << 3;
    pub(in crate::nbd) const TRIM: u16 = 1 << 5;
    pub(in crate::nbd) const WRITE_ZEROES: u16 = 1 << 6;
    pub(in crate::nbd) const DF: u16 = 1 << 7;
    pub(in crate::nbd) const MULTI_CONN: u16 = 1 << 8;
    pub(in crate::nbd) const CACHE: u16 = 1 << 10;
}

/// What a client may want done.
pub(super) mod command {
    pub(in crate::nbd) const READ: u16 = 0;
    pub(in crate::nbd) const WRITE: u16 = 1;
    pub(in crate::nbd) const DISCONNECT: u16 = 2;
    pub(in crate::nbd) const FLUSH: u16 = 3;
    pub(in crate::nbd) const TRIM: u16 = 4;
    pub(in crate::nbd) const CACHE: u16 = 5;
    pub(in crate::nbd) const WRITE_ZEROES: u16 = 6;
    pub(in crate::nbd) const BLOCK_STATUS: u16 = 7;
}

/// How it wants that done.
pub(super) mod flag {
    pub(in crate::nbd) const FUA: u16 = 1;
    pub(in crate::nbd) const NO_HOLE: u16 = 1 << 1;
    pub(in crate::nbd) const DF: u16 = 1 << 2;
    pub(in crate::nbd) const REQ_ONE: u16 = 1 << 3;
}

/// Pieces of structured replies.
pub(super) mod chunk {
    /// The flag of the last piece of a reply.
    pub(in crate::nbd) const DONE: u16 = 1;
    pub(in crate::nbd) const NONE: u16 = 0;
    pub(in crate::nbd) const OFFSET_DATA: u16 = 1;
    pub(in crate::nbd) const OFFSET_HOLE: u16 = 2;
    pub(in crate::nbd) const BLOCK_STATUS: u16 = 5;
    /// Set in every piece that tells of an error.
    pub(in crate::nbd) const ERROR_BIT: u16 = 1 << 15;
    pub(in crate::nbd) const ERROR: u16 = ERROR_BIT | 1;
}

/// Flags of a run in an answer to BLOCK_STATUS: nothing is kept for it, and it reads as zeroes.
pub(super) const STATE_HOLE: u32 = 1;
pub(super) const STATE_ZERO: u32 = 1 << 1;

/// The errors that the protocol knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorNumber {
    /// The disk takes no writes.
    NotPermitted,
    /// The disk has failed.
    Failed,
    /// There is no memory for it.
    NoMemory,
    /// The request is wrong.
    Invalid,
    /// There is no room for it, or it lies beyond the end.
    NoSpace,
    /// It is too long.
    TooLong,
    /// The disk cannot do that.
    NotSupported,
    /// The server is about to stop.
    Stopping,
    /// A number that the protocol does not know; to be taken as [`ErrorNumber::Invalid`].
    Other(u32),
}

impl ErrorNumber {
    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            Self::NotPermitted => 1,
            Self::Failed => 5,
            Self::NoMemory => 12,
            Self::Invalid => 22,
            Self::NoSpace => 28,
            Self::TooLong => 75,
            Self::NotSupported => 95,
            Self::Stopping => 108,
            Self::Other(number) => number,
        }
    }

    pub(super) fn from_number(number: u32) -> Self {
        match number {
            1 => Self::NotPermitted,
            5 => Self::Failed,
            12 => Self::NoMemory,
            22 => Self::Invalid,
            28 => Self::NoSpace,
            75 => Self::TooLong,
            95 => Self::NotSupported,
            108 => Self::Stopping,
            other => Self::Other(other),
        }
    }

    /// The nearest to what stood in the way of an export. Its own "invalid argument" is a failure of the disk: what
    /// the client asked was in order.
    pub(super) fn nearest(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotPermitted,
            io::ErrorKind::OutOfMemory => Self::NoMemory,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace
            }
            io::ErrorKind::Unsupported => Self::NotSupported,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for ErrorNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted => f.write_str("the disk takes no writes (EPERM)"),
            Self::Failed => f.write_str("the disk has failed (EIO)"),
            Self::NoMemory => f.write_str("no memory (ENOMEM)"),
            Self::Invalid => f.write_str("the request is wrong (EINVAL)"),
            Self::NoSpace => f.write_str("no room (ENOSPC)"),
            Self::TooLong => f.write_str("too long (EOVERFLOW)"),
            Self::NotSupported => f.write_str("not supported (ENOTSUP)"),
            Self::Stopping => f.write_str("the server stops (ESHUTDOWN)"),
            Self::Other(number) => write!(f, "error {number}"),
        }
    }
}

/// The header of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) flags: u16,
    pub(super) command: u16,
    /// Chosen by the client; stands in the reply.
    pub(super) cookie: u64,
    pub(super) offset: u64,
    pub(super) length: u32,
}

impl Request {
    /// Reads a header; the error is what stands in the place of its magic.
    pub(super) fn decode(bytes: &[u8; REQUEST_BYTES]) -> Result<Self, u32> {
        let [m0, m1, m2, m3, f0, f1, c0, c1, rest @ ..] = *bytes;
        let magic = u32::from_be_bytes([m0, m1, m2, m3]);
        if magic != REQUEST_MAGIC {
            return Err(magic);
        }
        let [k0, k1, k2, k3, k4, k5, k6, k7, o0, o1, o2, o3, o4, o5, o6, o7, length @ ..] = rest;
        Ok(Self {
            flags: u16::from_be_bytes([f0, f1]),
            command: u16::from_be_bytes([c0, c1]),
            cookie: u64::from_be_bytes([k0, k1, k2, k3, k4, k5, k6, k7]),
            offset: u64::from_be_bytes([o0, o1, o2, o3, o4, o5, o6, o7]),
            length: u32::from_be_bytes(length),
        })
    }

    pub(super) fn encode(&self) -> [u8; REQUEST_BYTES] {
        let mut bytes = [0; REQUEST_BYTES];
        bytes[..4].copy_from_slice(&REQUEST_MAGIC.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.flags.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.command.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.cookie.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.offset.to_be_bytes());
        bytes[24..].copy_from_slice(&self.length.to_be_bytes());
        bytes
    }
}

/// The header of a simple reply.
pub(super) fn simple_reply(error: u32, cookie: u64) -> [u8; SIMPLE_REPLY_BYTES] {
    let mut bytes = [0; SIMPLE_REPLY_BYTES];
    bytes[..4].copy_from_slice(&SIMPLE_REPLY_MAGIC.to_be_bytes());
    bytes[4..8].copy_from_slice(&error.to_be_bytes());
    bytes[8..].copy_from_slice(&cookie.to_be_bytes());
    bytes
}

/// The header of one piece of a structured reply, whose own content has `length` bytes.
pub(super) fn chunk_header(flags: u16, kind: u16, cookie: u64, length: u32) -> [u8; CHUNK_BYTES] {
    let mut bytes = [0; CHUNK_BYTES];
    bytes[..4].copy_from_slice(&STRUCTURED_REPLY_MAGIC.to_be_bytes());
    bytes[4..6].copy_from_slice(&flags.to_be_bytes());
    bytes[6..8].copy_from_slice(&kind.to_be_bytes());
    bytes[8..16].copy_from_slice(&cookie.to_be_bytes());
    bytes[16..].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// Numbers and strings in the order in which they stand; `None` where there is less than is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A length and a text of that length.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let count = usize::try_from(self.u32()?).ok().filter(|count| *count <= STRING_BYTES_MAX)?;
        std::str::from_utf8(self.bytes(count)?).ok()
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}
