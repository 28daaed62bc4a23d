//! Changes that are packed, damaged and unpacked: what comes out is what went in, or nothing.

use arbitrary::Arbitrary;
use bytes::Bytes;
use switchback_engine::batch::{Corrupt, Packed};
use switchback_engine::content::{Body, SECTOR_BYTES};
use switchback_engine::{Block, Change, Content};

use crate::packed::zeroes_named;

/// Changes of one body: more make it slow and no more telling.
const CHANGES_MAX: usize = 24;

/// What a change holds.
#[derive(Debug, Clone, Arbitrary)]
enum Payload {
    /// Nothing: named zeroes.
    Zeroes,
    /// Bytes that are all zero.
    ZeroBytes,
    /// The same bytes over and over.
    Pattern([u8; 3]),
    /// Bytes that do not compress.
    Noise(u32),
}

/// A change as the fuzzer draws it.
#[derive(Debug, Clone, Arbitrary)]
pub struct Drawn {
    start: u64,
    sectors: u8,
    payload: Payload,
}

impl Drawn {
    /// Mostly short, which is fast; now and then longer than a frame of 128 sectors.
    fn length(&self) -> u32 {
        match self.sectors {
            short @ ..=247 => 1 + u32::from(short % 8),
            long => u32::from(long),
        }
    }
}

/// What happens to a body on its way.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Damage {
    /// A bit is flipped.
    Flip { at: u32, bit: u8 },
    /// The end is missing.
    Cut { at: u32 },
    /// A stretch is there twice.
    Repeat { at: u32, bytes: u8 },
    /// A number is another one.
    Number { at: u32, number: u32 },
}

/// Changes and what is done to them.
#[derive(Debug, Arbitrary)]
pub struct Input {
    changes: Vec<Drawn>,
    damage: Vec<Damage>,
}

/// Packs changes, damages the body, and unpacks it under the old checksum and under a new one.
///
/// # Panics
/// If an undamaged body is not what was packed, or a damaged one is believed.
pub fn travel(input: &Input) {
    let changes: Vec<Change<Block>> = input.changes.iter().take(CHANGES_MAX).map(change).collect();
    let expected: Vec<Change<Block>> = changes.iter().cloned().map(zeroes_named).collect();
    let packed = Block::pack(changes);
    assert_eq!(Block::unpack(&packed).as_deref(), Ok(&expected[..]));
    let raw_bytes: usize = expected.iter().map(|change| change.content.0.len()).sum();
    assert_eq!(packed.raw_bytes, raw_bytes as u64);
    let Body::Bytes(whole) = &packed.body else { panic!("blocks are packed to bytes") };
    assert_eq!(packed.wire_bytes, whole.len() as u64);
    let mut body = whole.to_vec();
    input.damage.iter().for_each(|damage| damage.befall(&mut body));
    crate::packed::unpack(&body);
    // Another body with the same sum is not a finding: 32 bits are no proof against malice.
    if crc32c::crc32c(&body) != packed.checksum {
        let damaged = Packed { body: Body::Bytes(body.into()), ..packed };
        assert!(matches!(Block::unpack(&damaged), Err(Corrupt::Checksum { .. })));
    }
}

fn change(drawn: &Drawn) -> Change<Block> {
    let sectors = drawn.length();
    let length = sectors as usize * SECTOR_BYTES as usize;
    let bytes: Bytes = match drawn.payload {
        Payload::Zeroes => Bytes::new(),
        Payload::ZeroBytes => vec![0; length].into(),
        Payload::Pattern(pattern) => pattern.iter().copied().cycle().take(length).collect(),
        Payload::Noise(seed) => noise(seed).take(length).collect(),
    };
    Change { start: drawn.start.min(u64::MAX - u64::from(sectors)), sectors, content: Block(bytes) }
}

/// Bytes that follow from a number and look like chance to a compressor.
fn noise(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = u64::from(seed) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
}

impl Damage {
    fn befall(self, body: &mut Vec<u8>) {
        let place = |at: u32| at as usize % body.len().max(1);
        match self {
            _ if body.is_empty() => {}
            Self::Flip { at, bit } => {
                let at = place(at);
                body[at] ^= 1 << (bit % 8);
            }
            Self::Cut { at } => body.truncate(place(at)),
            Self::Repeat { at, bytes } => {
                let at = place(at);
                let end = (at + usize::from(bytes)).min(body.len());
                let twice = body[at..end].to_vec();
                body.splice(at..at, twice);
            }
            Self::Number { at, number } => {
                let at = place(at);
                body.splice(at..(at + 4).min(body.len()), number.to_le_bytes());
            }
        }
    }
}
