//! What a machine has written, in order, and what its disks must therefore hold.

use switchback_engine::{Change, Content, Stamp};

use crate::driver::{Driver, Runs};

/// Every write of a machine, in the order in which they were answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writes(Vec<Write>);

#[derive(Debug, Clone, Copy)]
struct Write {
    disk: u8,
    start: u64,
    sectors: u32,
    stamp: Stamp,
}

/// What the disks hold, sector by sector.
type Held = Vec<Vec<Stamp>>;

impl Writes {
    /// Has the machine write.
    pub(crate) fn write(&mut self, driver: &mut impl Driver, disk: u8, start: u64, sectors: u32) {
        let stamp = driver.write(disk, start, sectors);
        self.0.push(Write { disk, start, sectors, stamp });
    }

    /// Has it write so many times all over its disks: from one sector to 64, at any sector, often where it wrote before.
    pub(crate) fn write_many(&mut self, driver: &mut impl Driver, count: u64) {
        let sizes = driver.sectors();
        for _ in 0..count {
            let number = (self.0.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let disk = (number >> 8) % sizes.len() as u64;
            let sectors = 1 + (number >> 16) % 64;
            // A quarter of the disk is written to over and over.
            let start = (number >> 24) % (sizes[disk as usize] / 4);
            self.write(driver, disk as u8, start, sectors as u32);
        }
    }

    /// How many there were.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What the disks hold after the first so many.
    fn after(&self, count: usize, sizes: &[u64]) -> Held {
        let mut held: Held = sizes.iter().map(|sectors| vec![Stamp::zero(); *sectors as usize]).collect();
        for write in &self.0[..count] {
            for skip in 0..write.sectors {
                held[usize::from(write.disk)][write.start as usize + skip as usize] =
                    Stamp { write: write.stamp.write, skip };
            }
        }
        held
    }

    /// Says after how many writes the disks held what they hold here.
    ///
    /// # Panics
    /// They never did.
    pub(crate) fn position_of(&self, runs: &[Runs], sizes: &[u64]) -> usize {
        let held = spread(runs, sizes);
        let seen = |write: &Write| held.iter().flatten().any(|stamp| stamp.write == write.stamp.write);
        let position = self.0.iter().rposition(seen).map_or(0, |at| at + 1);
        let expected = self.after(position, sizes);
        for (disk, (held, expected)) in held.iter().zip(&expected).enumerate() {
            if let Some(sector) = held.iter().zip(expected).position(|(held, expected)| held != expected) {
                panic!(
                    "that is no state that the disks ever had: with write {position} there, sector {sector} of disk {disk} holds {:?} and not {:?}",
                    held[sector], expected[sector]
                );
            }
        }
        position
    }
}

/// Runs as sectors. What no write of the machine's history put there stays as it is and is equal to nothing.
fn spread(runs: &[Runs], sizes: &[u64]) -> Held {
    let mut held: Held = sizes.iter().map(|sectors| vec![Stamp::zero(); *sectors as usize]).collect();
    for (disk, run) in
        runs.iter().enumerate().flat_map(|(disk, runs)| runs.iter().map(move |run| (disk, run)))
    {
        for skip in 0..run.sectors {
            held[disk][run.start as usize + skip as usize] = run.content.part(skip, 1);
        }
    }
    held
}

#[test]
fn a_prefix_is_told_from_what_never_was() {
    let write =
        |number: u64, start| Write { disk: 0, start, sectors: 2, stamp: Stamp { write: number, skip: 0 } };
    let writes = Writes(vec![write(11, 0), write(12, 1), write(13, 6)]);
    let run = |start, sectors, write, skip| Change { start, sectors, content: Stamp { write, skip } };
    let sizes = [8];
    assert_eq!(writes.position_of(&[vec![]], &sizes), 0);
    assert_eq!(writes.position_of(&[vec![run(0, 1, 11, 0), run(1, 2, 12, 0)]], &sizes), 2);
    let judged = |runs: Runs| std::panic::catch_unwind(|| writes.position_of(&[runs], &sizes));
    assert!(judged(vec![run(6, 2, 13, 0)]).is_err(), "earlier ones are missing");
    assert!(judged(vec![run(0, 2, 11, 0), run(1, 2, 12, 1)]).is_err(), "a sector is that of another place");
    assert!(judged(vec![run(0, 2, 99, 0)]).is_err(), "nobody wrote that");
}
