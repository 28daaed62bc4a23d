//! VMware's vSCSI trace records, binary.
//!
//! Version 1, 32 bytes, little endian: u32 serial number, u32 length in bytes, u32 scatter-gather count, u16
//! SCSI opcode, u16 version (256), u64 first sector, u64 time in microseconds.
//!
//! Version 2, 40 bytes: u16 opcode, u16 version (512), u32 serial number, u32 length, u32 scatter-gather count,
//! u64 first sector, u64 time in microseconds, u64 response time in microseconds (not used here).
//!
//! The version stands in every record, so that a reader that lost its step notices at once.

use crate::traces::check::{Builder, Claim};
use crate::traces::{BlockIo, Failure, IoKind, Place, Problem};

/// The two layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

const VERSION_1: u16 = 256;
const VERSION_2: u16 = 512;

/// Commands of a disk that move no data of the machine: test unit ready, inquiry, mode sense, start/stop, read
/// capacity, verify, synchronize cache, write same, unmap, log sense, reserve, release, service actions, report
/// luns.
const OTHER_OPCODES: &[u16] = &[
    0x00, 0x03, 0x12, 0x15, 0x16, 0x17, 0x1a, 0x1b, 0x1e, 0x25, 0x2f, 0x35, 0x41, 0x42, 0x4d, 0x55, 0x56,
    0x57, 0x5a, 0x5e, 0x5f, 0x83, 0x84, 0x89, 0x8f, 0x91, 0x93, 0x9e, 0x9f, 0xa0, 0xa3, 0xa4,
];

impl Version {
    fn record_bytes(self) -> usize {
        match self {
            Self::V1 => 32,
            Self::V2 => 40,
        }
    }
}

/// The direction of a READ or WRITE of 6, 10, 12 or 16 bytes, `None` for another command.
pub(super) fn direction(opcode: u32) -> Option<IoKind> {
    match opcode {
        0x08 | 0x28 | 0xa8 | 0x88 => Some(IoKind::Read),
        0x0a | 0x2a | 0xaa | 0x8a => Some(IoKind::Write),
        _ => None,
    }
}

/// Whether a command that neither reads nor writes is one of a disk.
pub(super) fn is_other(opcode: u32) -> bool {
    OTHER_OPCODES.iter().any(|known| u32::from(*known) == opcode)
}

/// The version the first record claims.
pub(super) fn version(bytes: &[u8]) -> Option<Version> {
    match (u16_at(bytes, 14), u16_at(bytes, 2)) {
        (Some(VERSION_1), _) => Some(Version::V1),
        (_, Some(VERSION_2)) => Some(Version::V2),
        _ => None,
    }
}

pub(super) fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), Failure> {
    let unknown = |found: u16, at: usize| {
        let found = format!("{found} in its record");
        (
            Place::Byte(at as u64),
            Problem::UnknownVersion { found, known: "256 (version 1) and 512 (version 2)" },
        )
    };
    let Some(version) = version(bytes) else {
        return Err(match u16_at(bytes, 14) {
            Some(found) => unknown(found, 14),
            None => (Place::Byte(0), Problem::Truncated { record: 32, found: bytes.len() as u64 }),
        });
    };
    let size = version.record_bytes();
    let mut records = bytes.chunks_exact(size);
    for (index, record) in records.by_ref().enumerate() {
        let start = index * size;
        let (stated_at, opcode_at, length_at) = match version {
            Version::V1 => (14, 12, 4),
            Version::V2 => (2, 0, 8),
        };
        let stated = u16_at(record, stated_at).unwrap_or(0);
        if stated != (if version == Version::V1 { VERSION_1 } else { VERSION_2 }) {
            return Err(unknown(stated, start + stated_at));
        }
        let place = Place::Byte(start as u64);
        let opcode = u32::from(u16_at(record, opcode_at).unwrap_or(0));
        let Some(kind) = direction(opcode) else {
            if is_other(opcode) {
                builder.skip();
                continue;
            }
            return Err((place, Problem::UnknownOpcode { found: opcode }));
        };
        let claim = Claim {
            clock_ns: u128::from(u64_at(record, 24)) * 1000,
            kind,
            sector: u64_at(record, 16),
            bytes: u64::from(u32_at(record, length_at)),
        };
        builder.push(&claim, place)?;
    }
    let rest = records.remainder().len();
    if rest != 0 {
        let place = Place::Byte((bytes.len() - rest) as u64);
        return Err((place, Problem::Truncated { record: size as u64, found: rest as u64 }));
    }
    Ok(())
}

/// Writes requests as version 1 records. Times are cut to microseconds.
pub fn encode(requests: &[BlockIo]) -> Vec<u8> {
    let mut out = Vec::with_capacity(requests.len() * 32);
    for (index, request) in requests.iter().enumerate() {
        let opcode: u16 = match request.kind {
            IoKind::Read => 0x28,
            IoKind::Write => 0x2a,
        };
        // The serial number wraps, as that of the real recorder does.
        out.extend_from_slice(&(index as u32).to_le_bytes());
        out.extend_from_slice(&u32::try_from(request.bytes()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&1u32.to_le_bytes());
        out.extend_from_slice(&opcode.to_le_bytes());
        out.extend_from_slice(&VERSION_1.to_le_bytes());
        out.extend_from_slice(&request.sector.to_le_bytes());
        out.extend_from_slice(&u64::try_from(request.at.as_micros()).unwrap_or(u64::MAX).to_le_bytes());
    }
    out
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    array_at(bytes, at).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    array_at(bytes, at).map_or(0, u64::from_le_bytes)
}
