//! What simulated disks hold, and how a judge reads it back as the identity of writes.
//!
//! Stamps are identities as they are. Real bytes are made from the same identities: every sector names its write
//! and its place in it and fills the rest with text that follows from them, so bytes that went through
//! compression, a wire and a journal are recognised or found damaged, sector by sector.

use bytes::Bytes;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Block, Change, Content, Stamp};

/// Content that a simulated world can write, and a judge can read back.
pub trait Simulated: Content {
    /// What `sectors` sectors hold after a write, from sector `skip` of it.
    fn of_write(stamp: Stamp, sectors: u32) -> Self;

    /// A sector that holds what nobody wrote.
    fn damage() -> Self;

    /// Which writes a run shows; sectors that are none of ours come as [`DAMAGED`].
    fn stamps(run: &Change<Self>, into: &mut Vec<Change<Stamp>>);

    /// Which writes a whole disk shows, without its zeroes.
    fn into_stamps(runs: Vec<Change<Self>>) -> Vec<Change<Stamp>> {
        let mut stamps = Vec::with_capacity(runs.len());
        runs.iter().filter(|run| !run.content.is_zero()).for_each(|run| Self::stamps(run, &mut stamps));
        stamps.retain(|run| !run.content.is_zero());
        stamps
    }
}

/// The write that a judge reads where a sector holds what nobody wrote.
pub const DAMAGED: u64 = u64::MAX;

impl Simulated for Stamp {
    fn of_write(stamp: Stamp, _sectors: u32) -> Self {
        stamp
    }

    fn damage() -> Self {
        Self { write: DAMAGED, skip: 0 }
    }

    fn stamps(run: &Change<Self>, into: &mut Vec<Change<Stamp>>) {
        into.push(run.clone());
    }

    /// They are what is read: nothing is copied.
    fn into_stamps(mut runs: Vec<Change<Self>>) -> Vec<Change<Stamp>> {
        runs.retain(|run| !run.content.is_zero());
        runs
    }
}

/// "SWBK" and the layout's version; little-endian at the head of a sector, then the write, then its place in it.
const MAGIC: u32 = 0x4b42_5753;
const HEAD_BYTES: usize = 16;
const SECTOR: usize = SECTOR_BYTES as usize;

impl Simulated for Block {
    fn of_write(stamp: Stamp, sectors: u32) -> Self {
        if stamp.write == 0 {
            return Self::zero();
        }
        let mut bytes = vec![0; sectors as usize * SECTOR];
        for (at, sector) in (0..).zip(bytes.chunks_exact_mut(SECTOR)) {
            fill(sector, stamp.write, stamp.skip.wrapping_add(at));
        }
        Self(Bytes::from(bytes))
    }

    fn damage() -> Self {
        Self(Bytes::from_static(&[0x5a; SECTOR]))
    }

    fn stamps(run: &Change<Self>, into: &mut Vec<Change<Stamp>>) {
        for (start, sector) in (run.start..).zip(run.content.0.chunks(SECTOR)) {
            let stamp = identify(sector);
            let continues = |last: &Change<Stamp>| {
                last.start + u64::from(last.sectors) == start
                    && last.content.write == stamp.write
                    && (stamp.write == DAMAGED || last.content.skip.wrapping_add(last.sectors) == stamp.skip)
            };
            match into.last_mut() {
                Some(last) if continues(last) => last.sectors += 1,
                _ => into.push(Change { start, sectors: 1, content: stamp }),
            }
        }
    }
}

/// Half noise that does not compress, half words that do: what a database page looks like to a compressor.
fn fill(sector: &mut [u8], write: u64, skip: u32) {
    sector[..4].copy_from_slice(&MAGIC.to_le_bytes());
    sector[4..12].copy_from_slice(&write.to_le_bytes());
    sector[12..HEAD_BYTES].copy_from_slice(&skip.to_le_bytes());
    // Turned, not shifted: every bit of the place counts, so none of it can flip unnoticed.
    let mut noise = write ^ u64::from(skip).rotate_left(40) ^ 0x9e37_79b9_7f4a_7c15;
    for (i, word) in sector[HEAD_BYTES..].chunks_exact_mut(8).enumerate() {
        if i % 2 == 0 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            word.copy_from_slice(&noise.to_le_bytes());
        } else {
            word.copy_from_slice(b"rehearse");
        }
    }
}

fn identify(sector: &[u8]) -> Stamp {
    const DAMAGE: Stamp = Stamp { write: DAMAGED, skip: 0 };
    if sector.len() != SECTOR {
        return DAMAGE;
    }
    let mut write = [0; 8];
    write.copy_from_slice(&sector[4..12]);
    let mut skip = [0; 4];
    skip.copy_from_slice(&sector[12..HEAD_BYTES]);
    let (write, skip) = (u64::from_le_bytes(write), u32::from_le_bytes(skip));
    let mut expected = [0; SECTOR];
    fill(&mut expected, write, skip);
    if sector == expected { Stamp { write, skip } } else { zero_or(sector, DAMAGE) }
}

fn zero_or(sector: &[u8], otherwise: Stamp) -> Stamp {
    if sector.iter().all(|byte| *byte == 0) { Stamp::zero() } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(run: &Change<Block>) -> Vec<Change<Stamp>> {
        let mut stamps = Vec::new();
        Block::stamps(run, &mut stamps);
        stamps
    }

    #[test]
    fn bytes_say_which_write_they_are() {
        let stamp = Stamp { write: 77, skip: 3 };
        let run = Change { start: 1000, sectors: 5, content: Block::of_write(stamp, 5) };
        assert_eq!(read_back(&run), [Change { start: 1000, sectors: 5, content: stamp }]);
    }

    /// A disk may hold anything, also what looks like a write of ours with the highest number there is.
    #[test]
    fn the_last_sector_that_a_write_can_have_is_recognised() {
        let sectors = [u32::MAX - 1, u32::MAX, 0];
        let bytes = sectors.map(|skip| Block::of_write(Stamp { write: 77, skip }, 1).0);
        let run = Change { start: 0, sectors: 3, content: Block(Bytes::from(bytes.concat())) };
        assert_eq!(
            read_back(&run),
            [Change { start: 0, sectors: 3, content: Stamp { write: 77, skip: u32::MAX - 1 } }]
        );
        assert_eq!(run.content, Block::of_write(Stamp { write: 77, skip: u32::MAX - 1 }, 3));
    }

    #[test]
    fn one_flipped_bit_is_damage_and_only_its_sector() {
        let mut bytes = Block::of_write(Stamp { write: 77, skip: 0 }, 3).0.to_vec();
        bytes[SECTOR + 300] ^= 4;
        let run = Change { start: 0, sectors: 3, content: Block(Bytes::from(bytes)) };
        let writes: Vec<u64> = read_back(&run).iter().map(|run| run.content.write).collect();
        assert_eq!(writes, [77, DAMAGED, 77]);
    }

    #[test]
    fn every_flipped_bit_of_a_sector_is_damage() {
        let whole = Block::of_write(Stamp { write: 77, skip: 3 }, 1).0;
        for bit in 0..SECTOR * 8 {
            let mut bytes = whole.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let run = Change { start: 0, sectors: 1, content: Block(Bytes::from(bytes)) };
            assert_eq!(read_back(&run)[0].content.write, DAMAGED, "bit {bit}");
        }
    }
}
