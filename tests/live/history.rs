//! A machine that writes, what it has written, and what a disk must therefore hold.

use std::sync::atomic::{AtomicBool, Ordering};

use switchback_live::nbd::Client;

/// What is written at once, in bytes.
const BLOCK: u64 = 4096;
/// Blocks do not begin where those of file systems do: sector 1.
const FIRST: u64 = 512;

/// Everything that was written, in order: each write is known by its number, from 1, and is of one block.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    blocks: Vec<u64>,
}

/// What a disk holds, block by block: the number of the write that put it there, 0 for none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held(Vec<u64>);

impl History {
    /// Writes until it is told to end. A write whose answer is lost is made again until it is answered.
    #[expect(
        clippy::disallowed_methods,
        reason = "a machine that has lost its disk tries again a moment later"
    )]
    pub(crate) fn write(
        &mut self,
        disk_bytes: u64,
        connect: impl Fn() -> Option<Client>,
        is_over: &AtomicBool,
    ) {
        let blocks = (disk_bytes - FIRST) / BLOCK;
        let mut disk = None;
        while !is_over.load(Ordering::Relaxed) {
            let number = self.blocks.len() as u64 + 1;
            let block = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % blocks;
            let bytes = number.to_le_bytes().repeat(BLOCK as usize / 8);
            disk = disk.or_else(&connect);
            let written = disk.as_mut().is_some_and(|disk: &mut Client| {
                disk.write(FIRST + block * BLOCK, &bytes, number.is_multiple_of(64)).is_ok()
            });
            if written {
                self.blocks.push(block);
            } else {
                disk = None;
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }

    /// How many writes there were.
    pub(crate) fn len(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// What a disk holds after so many writes.
    fn after(&self, writes: u64, blocks: usize) -> Held {
        let mut held = vec![0; blocks];
        for (block, number) in self.blocks.iter().zip(1..=writes) {
            held[*block as usize] = number;
        }
        Held(held)
    }

    /// Holds what a disk holds against what was written: everything up to some write and nothing after it. Says up to which.
    pub(crate) fn judge(&self, held: &Held) -> u64 {
        let newest = held.0.iter().copied().max().unwrap_or(0);
        assert!(newest <= self.len(), "write {newest} was never made");
        let expected = self.after(newest, held.0.len());
        let differs = held.0.iter().zip(&expected.0).position(|(held, expected)| held != expected);
        if let Some(block) = differs {
            panic!(
                "a point holds write {newest}, but in block {block} it holds {} where {} was written before that",
                held.0[block], expected.0[block]
            );
        }
        newest
    }
}

impl Held {
    /// What a disk holds now. A block of which a part is of another write is damaged.
    pub(crate) fn on(disk: &mut Client) -> Self {
        let blocks = (disk.size_bytes() - FIRST) / BLOCK;
        let mut bytes = vec![0; (blocks * BLOCK) as usize];
        for (number, part) in bytes.chunks_mut(1 << 20).enumerate() {
            disk.read(FIRST + (number as u64 * (1 << 20)), part).unwrap();
        }
        let number = |word: &[u8]| u64::from_le_bytes(word.try_into().unwrap());
        let block = |bytes: &[u8]| {
            let first = number(&bytes[..8]);
            assert!(bytes.chunks(8).all(|word| number(word) == first), "a block holds parts of two writes");
            first
        };
        Self(bytes.chunks(BLOCK as usize).map(block).collect())
    }

    /// The same, with what a block holds changed: to show that it is noticed.
    pub(crate) fn with(mut self, block: usize, number: u64) -> Self {
        self.0[block] = number;
        self
    }
}

#[test]
fn a_prefix_of_the_writes_is_accepted_and_nothing_else() {
    let history = History { blocks: vec![3, 1, 3, 2] };
    assert_eq!(history.judge(&Held(vec![0, 2, 0, 1])), 2);
    assert_eq!(history.judge(&Held(vec![0; 4])), 0);
    let judged = |held: Held| std::panic::catch_unwind(|| history.judge(&held));
    assert!(judged(Held(vec![0, 0, 0, 3])).is_err(), "write 2 is missing");
    assert!(judged(Held(vec![0, 2, 4, 1])).is_err(), "write 3 is missing, and write 4 is there");
    assert!(judged(Held(vec![0, 2, 0, 1]).with(0, 9)).is_err(), "a write that was never made");
}
