//! A machine that writes, what it has written, and what a disk must therefore hold.

#![allow(dead_code, reason = "each test program uses its part of this")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use switchback_live::nbd::{Client, ClientError};

/// What is written at once, in bytes.
const BLOCK: u64 = 4096;
/// Blocks do not begin where those of file systems do: sector 1.
const FIRST: u64 = 512;

/// Every so manieth write is durable when it is answered, and after every so manieth everything before it is made durable.
const DURABLE_EVERY: u64 = 64;
const FLUSH_EVERY: u64 = 256;

/// Everything that was written, in order: each write is known by its number, from 1, and is of one block.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The blocks of all writes that were begun.
    blocks: Mutex<Vec<u64>>,
    /// How many of them were answered: all but the last.
    answered: AtomicU64,
    durable: Mutex<Durable>,
}

/// What was acknowledged as durable: everything up to a write, and later ones one by one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Durable {
    upto: u64,
    /// By block, the newest that was written durably by itself.
    alone: BTreeMap<u64, u64>,
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
    pub(crate) fn write(&self, disk_bytes: u64, connect: impl Fn() -> Option<Client>, is_over: &AtomicBool) {
        let blocks = (disk_bytes - FIRST) / BLOCK;
        let mut disk = None;
        while !is_over.load(Ordering::Relaxed) || self.begun() > self.len() {
            let number = self.len() + 1;
            let block = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % blocks;
            if self.begun() < number {
                self.blocks.lock().unwrap().push(block);
            }
            disk = disk.or_else(&connect);
            let written = disk.as_mut().is_some_and(|disk| self.write_one(disk, number, block).is_ok());
            if !written {
                disk = None;
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }

    fn write_one(&self, disk: &mut Client, number: u64, block: u64) -> Result<(), ClientError> {
        let bytes = number.to_le_bytes().repeat(BLOCK as usize / 8);
        let is_durable = number.is_multiple_of(DURABLE_EVERY);
        disk.write(FIRST + block * BLOCK, &bytes, is_durable)?;
        self.answered.store(number, Ordering::Relaxed);
        if is_durable {
            self.durable.lock().unwrap().alone.insert(block, number);
        }
        if number.is_multiple_of(FLUSH_EVERY) {
            disk.flush()?;
            self.durable.lock().unwrap().upto = number;
        }
        Ok(())
    }

    /// How many writes were answered.
    pub(crate) fn len(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    fn begun(&self) -> u64 {
        self.blocks.lock().unwrap().len() as u64
    }

    /// What was acknowledged as durable until now.
    pub(crate) fn durable(&self) -> Durable {
        self.durable.lock().unwrap().clone()
    }

    /// Holds what a disk holds, that may have been written to meanwhile, against what had been acknowledged as durable before:
    /// every block holds that or something later.
    pub(crate) fn judge_durable(&self, durable: &Durable, held: &Held) {
        let mut expected = self.after(durable.upto, held.0.len()).0;
        for (block, number) in &durable.alone {
            expected[*block as usize] = expected[*block as usize].max(*number);
        }
        let lost = held.0.iter().zip(&expected).position(|(held, expected)| held < expected);
        if let Some(block) = lost {
            panic!("write {} was durable in block {block}, which holds {}", expected[block], held.0[block]);
        }
    }

    /// What a disk holds after so many writes.
    fn after(&self, writes: u64, blocks: usize) -> Held {
        let mut held = vec![0; blocks];
        for (block, number) in self.blocks.lock().unwrap().iter().zip(1..=writes) {
            held[*block as usize] = number;
        }
        Held(held)
    }

    /// Holds what a disk holds against what was written: everything up to some write and nothing after it. Says up to which.
    pub(crate) fn judge(&self, held: &Held) -> u64 {
        let newest = held.0.iter().copied().max().unwrap_or(0);
        assert!(newest <= self.begun(), "write {newest} was never made");
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
        Self::read(disk, |numbers| {
            assert!(numbers.iter().all(|number| *number == numbers[0]), "a block holds parts of two writes");
            numbers[0]
        })
    }

    /// What a disk holds that is written to meanwhile: of a block of two writes, the older one.
    pub(crate) fn on_busy(disk: &mut Client) -> Self {
        Self::read(disk, |numbers| numbers.iter().copied().min().unwrap_or(0))
    }

    fn read(disk: &mut Client, of_block: impl Fn(&[u64]) -> u64) -> Self {
        let blocks = (disk.size_bytes() - FIRST) / BLOCK;
        let mut bytes = vec![0; (blocks * BLOCK) as usize];
        for (number, part) in bytes.chunks_mut(1 << 20).enumerate() {
            disk.read(FIRST + (number as u64 * (1 << 20)), part).unwrap();
        }
        let block = |bytes: &[u8]| {
            let words = bytes.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
            of_block(&words.collect::<Vec<_>>())
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
    let history = History { blocks: Mutex::new(vec![3, 1, 3, 2]), ..History::default() };
    assert_eq!(history.judge(&Held(vec![0, 2, 0, 1])), 2);
    assert_eq!(history.judge(&Held(vec![0; 4])), 0);
    let judged = |held: Held| std::panic::catch_unwind(|| history.judge(&held));
    assert!(judged(Held(vec![0, 0, 0, 3])).is_err(), "write 2 is missing");
    assert!(judged(Held(vec![0, 2, 4, 1])).is_err(), "write 3 is missing, and write 4 is there");
    assert!(judged(Held(vec![0, 2, 0, 1]).with(0, 9)).is_err(), "a write that was never made");
}

#[test]
fn what_was_durable_must_be_there_and_what_is_newer_may_be() {
    let history = History { blocks: Mutex::new(vec![3, 1, 3, 2]), ..History::default() };
    let durable = Durable { upto: 2, alone: BTreeMap::from([(2, 4)]) };
    history.judge_durable(&durable, &Held(vec![0, 2, 4, 1]));
    history.judge_durable(&durable, &Held(vec![0, 2, 4, 3]));
    let judged = |held| std::panic::catch_unwind(|| history.judge_durable(&durable, &Held(held)));
    assert!(judged(vec![0, 0, 4, 1]).is_err(), "write 2 was flushed");
    assert!(judged(vec![0, 2, 0, 1]).is_err(), "write 4 was durable by itself");
}
