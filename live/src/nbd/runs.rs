//! What a disk says about holes, made fit to be sent: it covers what was asked and nothing else, and asking costs
//! about as much as is answered.

use std::io;

use super::{AllocatedRun, Export};

/// What is asked first. A client that wants one run after another would otherwise have the whole range looked
/// through each time.
const FIRST_LOOK_BYTES: u64 = 1 << 20;

/// The runs from `offset` on: at least one, at most `runs_max`, together at most `bytes`, neighbours different.
pub(super) fn leading_runs(
    disk: &dyn Export,
    offset: u64,
    bytes: u64,
    runs_max: usize,
) -> io::Result<Vec<AllocatedRun>> {
    let mut runs: Vec<AllocatedRun> = Vec::new();
    let (mut seen, mut look) = (0, FIRST_LOOK_BYTES);
    while seen < bytes && runs.len() <= runs_max {
        let length = look.min(bytes - seen);
        for run in clipped(disk.runs(offset + seen, length)?, length) {
            append(&mut runs, run);
        }
        seen += length;
        look *= 2;
    }
    runs.truncate(runs_max.max(1));
    Ok(runs)
}

/// The runs of a range, which they cover. What a disk says nothing about is data: that is always true.
pub(super) fn all_runs(disk: &dyn Export, offset: u64, bytes: u64) -> io::Result<Vec<AllocatedRun>> {
    let mut runs = Vec::new();
    for run in clipped(disk.runs(offset, bytes)?, bytes) {
        append(&mut runs, run);
    }
    Ok(runs)
}

fn clipped(runs: Vec<AllocatedRun>, bytes: u64) -> impl Iterator<Item = AllocatedRun> {
    let mut left = bytes;
    let rest = AllocatedRun { bytes: u64::MAX, is_hole: false };
    runs.into_iter().chain([rest]).map_while(move |run| {
        let bytes = run.bytes.min(left);
        left -= bytes;
        (bytes > 0 || left > 0).then_some(AllocatedRun { bytes, ..run })
    })
}

fn append(runs: &mut Vec<AllocatedRun>, run: AllocatedRun) {
    match runs.last_mut() {
        Some(last) if last.is_hole == run.is_hole => last.bytes += run.bytes,
        _ if run.bytes == 0 => {}
        _ => runs.push(run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::sync::Mutex;

    /// A disk that says what it is told to, and remembers how much it was asked.
    struct Says {
        runs: Vec<AllocatedRun>,
        asked: Mutex<Vec<(u64, u64)>>,
    }

    impl Says {
        fn new(runs: &[(u64, bool)]) -> Self {
            let runs = runs.iter().map(|(bytes, is_hole)| AllocatedRun { bytes: *bytes, is_hole: *is_hole });
            Self { runs: runs.collect(), asked: Mutex::new(Vec::new()) }
        }
    }

    impl Export for Says {
        fn size_bytes(&self) -> u64 {
            1 << 40
        }

        fn is_read_only(&self) -> bool {
            true
        }

        fn read(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn write(&self, _: u64, _: Bytes, _: bool) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn zero(&self, _: u64, _: u64, _: bool, _: bool) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }

        /// What lies in the range of what it was told, and then nothing.
        fn runs(&self, offset: u64, bytes: u64) -> io::Result<Vec<AllocatedRun>> {
            self.asked.lock().unwrap().push((offset, bytes));
            let (mut at, mut runs) = (0, Vec::new());
            for run in &self.runs {
                let (begin, end) = (at.max(offset), (at + run.bytes).min(offset + bytes));
                if begin < end {
                    runs.push(AllocatedRun { bytes: end - begin, ..*run });
                }
                at += run.bytes;
            }
            Ok(runs)
        }
    }

    fn pairs(runs: Vec<AllocatedRun>) -> Vec<(u64, bool)> {
        runs.into_iter().map(|run| (run.bytes, run.is_hole)).collect()
    }

    #[test]
    fn a_run_is_followed_beyond_the_first_look_and_no_further_than_wanted() {
        const MIB: u64 = 1 << 20;
        let disk = Says::new(&[(40 * MIB, true), (MIB, false), (500 * MIB, true)]);
        assert_eq!(pairs(leading_runs(&disk, 0, 500 * MIB, 1).unwrap()), [(40 * MIB, true)]);
        let looked: u64 = disk.asked.lock().unwrap().iter().map(|(_, bytes)| bytes).sum();
        assert!(looked < 2 * 40 * MIB, "it looked through {looked} bytes to find 40 MiB");
        assert_eq!(pairs(leading_runs(&disk, 0, 10 * MIB, 9).unwrap()), [(10 * MIB, true)]);
    }

    #[test]
    fn a_disk_that_says_too_little_or_too_much_misleads_nobody() {
        assert_eq!(pairs(all_runs(&Says::new(&[]), 0, 1024).unwrap()), [(1024, false)]);
        assert_eq!(
            pairs(all_runs(&Says::new(&[(512, true)]), 0, 1024).unwrap()),
            [(512, true), (512, false)]
        );
        let same_twice = Says::new(&[(512, true), (512, true), (512, false)]);
        assert_eq!(pairs(all_runs(&same_twice, 0, 1536).unwrap()), [(1024, true), (512, false)]);
        let too_much = vec![AllocatedRun { bytes: 4096, is_hole: true }];
        assert_eq!(pairs(clipped(too_much, 1024).collect()), [(1024, true)]);
    }
}
