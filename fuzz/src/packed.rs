//! Packed changes, which are the bodies of frames and the segments of a journal: read or refused, and neither
//! larger nor other than what they were packed from.

use bytes::Bytes;
use switchback_engine::batch::{Corrupt, Packed};
use switchback_engine::content::{Body, SECTOR_BYTES};
use switchback_engine::{Block, Change, Content};

/// LZ4 makes at most so many bytes of one.
const EXPANSION_MAX: usize = 255;

/// A body under the checksum that belongs to it, as somebody would send it who means harm.
#[must_use]
pub fn sealed(body: Vec<u8>) -> Packed<Block> {
    let (wire_bytes, checksum) = (body.len() as u64, crc32c::crc32c(&body));
    Packed { body: Body::Bytes(body.into()), raw_bytes: 0, wire_bytes, checksum }
}

/// Unpacks bytes that nobody packed.
///
/// # Panics
/// If they unpack to more than they can hold, or to changes that are not the same once packed and unpacked.
pub fn unpack(body: &[u8]) {
    let packed = sealed(body.to_vec());
    let mut wrong = packed.clone();
    wrong.checksum ^= 1;
    assert!(matches!(Block::unpack(&wrong), Err(Corrupt::Checksum { .. })), "a wrong checksum was believed");
    match Block::unpack(&packed) {
        Ok(changes) => {
            let payload: usize = changes.iter().map(|change| change.content.0.len()).sum();
            assert!(payload <= EXPANSION_MAX * body.len(), "{payload} bytes came out of {}", body.len());
            assert!(changes.iter().all(is_whole));
            ends_where_it_ends(body);
            let again =
                Block::unpack(&Block::pack(changes.to_vec())).expect("what was packed can be unpacked");
            assert_eq!(again[..], changes.iter().cloned().map(zeroes_named).collect::<Vec<_>>());
        }
        Err(Corrupt::Malformed { at }) => assert!(at <= body.len(), "malformed behind its end"),
        Err(other) => panic!("the checksum is right and the content bytes, not {other}"),
    }
}

/// A body that can be read is refused when its last byte is missing and when one follows it.
fn ends_where_it_ends(body: &[u8]) {
    let longer = [body, &[0]].concat();
    let shorter = body[..body.len() - 1].to_vec();
    for other in [longer, shorter] {
        assert!(
            matches!(Block::unpack(&sealed(other)), Err(Corrupt::Malformed { .. })),
            "its end is not known"
        );
    }
}

/// Whether a change has bytes for its sectors and ends before the end of the numbers.
fn is_whole(change: &Change<Block>) -> bool {
    let bytes = change.content.0.len() as u64;
    let fits = change.start.checked_add(u64::from(change.sectors)).is_some();
    change.sectors > 0 && fits && (bytes == 0 || bytes == u64::from(change.sectors) * SECTOR_BYTES)
}

/// Bytes that are all zero travel as zeroes.
#[must_use]
pub fn zeroes_named(change: Change<Block>) -> Change<Block> {
    let content =
        if change.content.0.iter().all(|byte| *byte == 0) { Block(Bytes::new()) } else { change.content };
    Change { content, ..change }
}
