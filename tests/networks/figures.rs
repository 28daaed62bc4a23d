//! What is held against each other: the numbers that a line and a load have, and what is said of them.

use std::time::Duration;

use crate::namespaces::Line;

/// How often a recovery point is made.
pub(crate) const POINTS_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at the age of the newest recovery point.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// From when a machine is protected until its recovery points are looked at.
pub(crate) const SETTLES: Duration = Duration::from_secs(10);
/// From then until there is trouble.
pub(crate) const BEFORE_TROUBLE: Duration = Duration::from_secs(5);
/// What is written at once, in bytes.
pub(crate) const BLOCK_BYTES: u64 = 8 << 10;
/// How often an agent closes batches that do not fill up; the files of the nodes say the same.
pub(crate) const DRAIN_EVERY: Duration = Duration::from_millis(100);
/// What an agent keeps in memory, in bytes, likewise.
pub(crate) const POOL_BYTES: u64 = 32 << 20;
/// What a process server keeps, in bytes, likewise.
pub(crate) const CACHE_BYTES: u64 = 256 << 20;
/// What may lie between what was said and what is measured.
const TOLERANCE: f64 = 0.15;

/// A line and a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) line: Line,
    /// The size of the disk; all of it holds something that no compressor makes smaller.
    pub(crate) disk_bytes: u64,
    pub(crate) load_bytes_per_sec: u64,
    pub(crate) trouble: Trouble,
    /// For how long recovery points are looked at.
    pub(crate) watched: Duration,
}

/// What happens meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// More is written than the line carries.
    Burst {
        bytes_per_sec: u64,
        lasting: Duration,
    },
    /// Nothing passes.
    Cut {
        lasting: Duration,
    },
}

/// What is said, or measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// The first copy, while the load goes on, in MB/s.
    pub(crate) copy_mb_per_sec: f64,
    /// The age of the newest recovery point, in seconds.
    pub(crate) rpo_mean: f64,
    pub(crate) rpo_most: f64,
}

impl Figures {
    /// From how long the first copy took, and the ages that were seen.
    pub(crate) fn new(row: &Row, copied_in: Duration, ages: &[Duration]) -> Self {
        let sum: f64 = ages.iter().map(Duration::as_secs_f64).sum();
        Self {
            copy_mb_per_sec: row.disk_bytes as f64 / 1e6 / copied_in.as_secs_f64(),
            rpo_mean: sum / ages.len() as f64,
            rpo_most: ages.iter().max().map_or(0.0, Duration::as_secs_f64),
        }
    }

    fn each(self) -> [(&'static str, f64); 3] {
        [
            ("MB/s of the first copy", self.copy_mb_per_sec),
            ("seconds of RPO", self.rpo_mean),
            ("seconds of RPO at most", self.rpo_most),
        ]
    }

    /// Each figure with what the other says of it, and how far it is from that as a part of it.
    pub(crate) fn beside(self, predicted: Self) -> [(&'static str, f64, f64, f64); 3] {
        let (own, others) = (self.each(), predicted.each());
        std::array::from_fn(|at| (own[at].0, own[at].1, others[at].1, own[at].1 / others[at].1 - 1.0))
    }

    /// What is further away than it may be.
    pub(crate) fn off(self, predicted: Self) -> Vec<String> {
        let off =
            self.beside(predicted).into_iter().filter(|(_, _, _, off)| off.is_nan() || off.abs() > TOLERANCE);
        off.map(|(what, own, other, off)| {
            format!("{own:.2} {what}, predicted {other:.2}: {:+.0} %", off * 100.0)
        })
        .collect()
    }
}

#[test]
fn what_is_far_from_what_was_said_is_told() {
    let said = Figures { copy_mb_per_sec: 2.0, rpo_mean: 4.0, rpo_most: 6.0 };
    assert_eq!(Figures { copy_mb_per_sec: 2.2, rpo_mean: 3.5, rpo_most: 6.8 }.off(said), [""; 0]);
    let slow = Figures { copy_mb_per_sec: 1.6, ..said };
    assert_eq!(slow.off(said), ["1.60 MB/s of the first copy, predicted 2.00: -20 %"]);
    let nothing = Figures { rpo_mean: f64::NAN, ..said };
    assert_eq!(nothing.off(said).len(), 1, "no figure is no agreement");
}
