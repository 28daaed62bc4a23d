//! Bytes of a disk as a judge reads them: every sector is recognised as the write that put it there, or found
//! damaged.

use arbitrary::Arbitrary;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Block, Change, Content, Stamp};
use switchback_harness::Simulated;
use switchback_harness::content::DAMAGED;

/// A sector as the fuzzer draws it.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Sector {
    /// As a write left it.
    Written { write: u64, skip: u32 },
    /// As a write left it, but for one bit.
    Flipped { write: u64, skip: u32, byte: u16, bit: u8 },
    /// The next one of the write before it.
    Next,
    /// Never written.
    Zeroes,
}

/// Sectors of a run, and where it lies.
#[derive(Debug, Arbitrary)]
pub struct Input {
    start: u32,
    sectors: Vec<Sector>,
}

/// Reads a run of sectors back.
///
/// # Panics
/// If a sector is taken for what it is not, or the sectors do not add up.
pub fn read_back(input: &Input) {
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for sector in &input.sectors {
        let (stamp, mut content) = sector.made(expected.last().copied());
        if let Sector::Flipped { byte, bit, .. } = *sector {
            content[usize::from(byte) % SECTOR_BYTES as usize] ^= 1 << (bit % 8);
        }
        bytes.extend_from_slice(&content);
        expected.push(stamp);
    }
    if expected.is_empty() {
        return;
    }
    let run = Change {
        start: u64::from(input.start),
        sectors: expected.len() as u32,
        content: Block(bytes.into()),
    };
    let mut found = Vec::new();
    Block::stamps(&run, &mut found);
    let mut at = run.start;
    let mut seen = Vec::new();
    for part in &found {
        assert_eq!(part.start, at, "the sectors do not follow each other");
        assert!(part.sectors > 0);
        at += u64::from(part.sectors);
        let each =
            |skip| if part.content.write == DAMAGED { part.content } else { part.content.part(skip, 1) };
        seen.extend((0..part.sectors).map(each));
    }
    assert_eq!(seen, expected);
}

impl Sector {
    /// What is to be recognised, and the bytes before any damage.
    fn made(self, before: Option<Stamp>) -> (Stamp, Vec<u8>) {
        let written = |write: u64, skip: u32| {
            let stamp = Stamp { write: write % DAMAGED, skip };
            if stamp.write == 0 { Stamp::zero() } else { stamp }
        };
        let (shown, stamp) = match self {
            Self::Written { write, skip } => (written(write, skip), written(write, skip)),
            Self::Flipped { write, skip, .. } => (Stamp { write: DAMAGED, skip: 0 }, written(write, skip)),
            Self::Next => {
                let before = before.filter(|stamp| stamp.write != DAMAGED && stamp.write != 0);
                let next =
                    before.map_or_else(Stamp::zero, |stamp| written(stamp.write, stamp.skip.wrapping_add(1)));
                (next, next)
            }
            Self::Zeroes => (Stamp::zero(), Stamp::zero()),
        };
        let Block(bytes) = Block::of_write(stamp, 1);
        (shown, if bytes.is_empty() { vec![0; SECTOR_BYTES as usize] } else { bytes.to_vec() })
    }
}
