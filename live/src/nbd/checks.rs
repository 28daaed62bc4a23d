//! Whether a request can be done, decided before anything of it is.

use std::io;

use thiserror::Error;

use super::negotiation::Agreed;
use super::wire::{ErrorNumber, PAYLOAD_BYTES_MAX, Request, SECTOR_BYTES, command, flag};

/// Why a request is not done. The text goes to the client where it can be told one.
#[derive(Debug, Error)]
pub(super) enum Refused {
    #[error("command {0} is not emulated")]
    UnknownCommand(u16),
    #[error("flags {came:#x} of command {command}: at most {known:#x} were expected")]
    UnknownFlags { command: u16, came: u16, known: u16 },
    #[error("an empty range")]
    Empty,
    #[error("{length} bytes at {offset}: multiples of {SECTOR_BYTES} were expected")]
    NotWholeSectors { offset: u64, length: u32 },
    #[error("{length} bytes at {offset} of a disk of {size} bytes")]
    Outside { offset: u64, length: u32, size: u64, writes: bool },
    #[error("{length} bytes at once: at most {PAYLOAD_BYTES_MAX} were expected")]
    TooLong { length: u32 },
    #[error("the disk takes no writes")]
    ReadOnly,
    #[error("a flush has no range: {length} bytes at {offset} came")]
    RangeOfFlush { offset: u64, length: u32 },
    #[error("context base:allocation was not set for this export")]
    NoContext,
    #[error("the disk: {0}")]
    Disk(#[from] io::Error),
}

impl Refused {
    /// The nearest error of the protocol.
    pub(super) fn number(&self) -> ErrorNumber {
        match self {
            Self::Outside { writes: true, .. } => ErrorNumber::NoSpace,
            Self::ReadOnly => ErrorNumber::NotPermitted,
            Self::Disk(error) => ErrorNumber::nearest(error),
            _ => ErrorNumber::Invalid,
        }
    }
}

/// Checks a request against what was agreed.
pub(super) fn check(request: &Request, agreed: &Agreed) -> Result<(), Refused> {
    let known = known_flags(request.command, agreed).ok_or(Refused::UnknownCommand(request.command))?;
    if request.flags & !known != 0 {
        return Err(Refused::UnknownFlags { command: request.command, came: request.flags, known });
    }
    match request.command {
        command::FLUSH if request.offset != 0 || request.length != 0 => {
            Err(Refused::RangeOfFlush { offset: request.offset, length: request.length })
        }
        command::FLUSH => Ok(()),
        command::BLOCK_STATUS if !agreed.allocation => Err(Refused::NoContext),
        _ => check_range(request, agreed),
    }
}

fn check_range(request: &Request, agreed: &Agreed) -> Result<(), Refused> {
    let Request { command, offset, length, .. } = *request;
    let writes = matches!(command, command::WRITE | command::TRIM | command::WRITE_ZEROES);
    let carries = matches!(command, command::READ | command::WRITE);
    if writes && agreed.is_read_only {
        return Err(Refused::ReadOnly);
    }
    if carries && length > PAYLOAD_BYTES_MAX {
        return Err(Refused::TooLong { length });
    }
    if length == 0 {
        return Err(Refused::Empty);
    }
    if !offset.is_multiple_of(SECTOR_BYTES.into()) || !length.is_multiple_of(SECTOR_BYTES) {
        return Err(Refused::NotWholeSectors { offset, length });
    }
    let end = offset.checked_add(length.into());
    if end.is_none_or(|end| end > agreed.size_bytes) {
        return Err(Refused::Outside { offset, length, size: agreed.size_bytes, writes });
    }
    Ok(())
}

/// The flags of a command; `None` for a command that is not known.
fn known_flags(command: u16, agreed: &Agreed) -> Option<u16> {
    let own = match command {
        command::READ if agreed.structured => flag::DF,
        command::READ | command::WRITE | command::FLUSH | command::TRIM | command::CACHE => 0,
        command::WRITE_ZEROES => flag::NO_HOLE,
        command::BLOCK_STATUS => flag::REQ_ONE,
        _ => return None,
    };
    // Where it was offered, this one may stand beside any command.
    Some(if agreed.is_read_only { own } else { own | flag::FUA })
}
