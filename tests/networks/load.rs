//! A machine that writes to a real disk as one of the simulator does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use switchback_harness::workload::{Pattern, Synthetic, Workload, WorkloadSpec};
use switchback_live::nbd::Client;
use switchback_sim::{Seed, SimTime};

use crate::figures::BLOCK_BYTES;

const SECTOR_BYTES: u64 = 512;
/// The longest sleep: so soon a load that is told something does it.
const STEP: Duration = Duration::from_millis(20);

/// A load that can be changed.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// In bytes a second.
    pub(crate) rate: AtomicU64,
    pub(crate) is_over: AtomicBool,
}

impl Load {
    pub(crate) fn of(rate: u64) -> Self {
        Self { rate: AtomicU64::new(rate), is_over: AtomicBool::new(false) }
    }

    /// Writes until it is told to end.
    #[expect(clippy::disallowed_methods, reason = "a real disk is written to in real time")]
    pub(crate) fn write(&self, disk: &mut Client) {
        let began = Instant::now();
        let mut chance = Seed(0x5eed).chance("load");
        let mut content = Content(1);
        while !self.is_over.load(Ordering::Relaxed) {
            let rate = self.rate.load(Ordering::Relaxed);
            let mut workload = Workload::new(&spec(rate, disk.size_bytes() / SECTOR_BYTES), chance.fork());
            let now = SimTime::from_nanos(began.elapsed().as_nanos() as u64);
            let mut due = workload.start(now);
            while let Some(at) = due.filter(|_| self.goes_on_at(rate)) {
                let wait = Duration::from_nanos(at.as_nanos()).saturating_sub(began.elapsed());
                if wait > Duration::ZERO {
                    std::thread::sleep(wait.min(STEP));
                    continue;
                }
                // What comes next is counted from when this one was due: a late write delays no others.
                let Some((write, next)) = workload.next(at) else { break };
                let bytes = content.bytes(write.sectors as usize * SECTOR_BYTES as usize);
                disk.write(write.start * SECTOR_BYTES, &bytes, false).unwrap();
                due = next;
            }
        }
    }

    fn goes_on_at(&self, rate: u64) -> bool {
        self.rate.load(Ordering::Relaxed) == rate && !self.is_over.load(Ordering::Relaxed)
    }
}

fn spec(bytes_per_sec: u64, sectors: u64) -> WorkloadSpec {
    WorkloadSpec::Synthetic(Synthetic {
        disks: vec![(0, sectors)],
        bytes_per_sec,
        block_bytes: BLOCK_BYTES..=BLOCK_BYTES,
        pattern: Pattern::Uniform,
        follows: None,
        batch_every: None,
    })
}

/// Fills a disk with what no compressor makes smaller.
pub(crate) fn fill(disk: &mut Client) {
    const AT_ONCE: u64 = 1 << 20;
    let mut content = Content(2);
    for at in (0..disk.size_bytes()).step_by(AT_ONCE as usize) {
        disk.write(at, &content.bytes(AT_ONCE as usize), false).unwrap();
    }
    disk.flush().unwrap();
}

/// Bytes without a pattern.
struct Content(u64);

impl Content {
    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut word = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.to_le_bytes()
        };
        (0..length / 8).flat_map(|_| word()).collect()
    }
}
