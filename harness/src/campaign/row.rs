//! A row: what is kept of one run, as plain integers of fixed width.
//!
//! Owns the canonical bytes of a row, which are also what is hashed and what is written to files: fields in the order
//! of [`Row`], little-endian, but the highest byte of `judges` after `faults`. Refuses to know which judge a bit stands for.

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

/// How many bytes a row is.
pub const ROW_BYTES: usize = 80;

/// How a run came out, in the numbers of the command's exit codes.
pub mod result {
    /// All expectations held.
    pub const HELD: u8 = 0;
    /// A safety property failed.
    pub const SAFETY_FAILED: u8 = 20;
    /// Something did not converge.
    pub const DID_NOT_CONVERGE: u8 = 21;
    /// An objective was missed.
    pub const OBJECTIVE_MISSED: u8 = 22;

    /// All of them with their names, the best first.
    pub const ALL: [(u8, &str); 4] = [
        (HELD, "held"),
        (OBJECTIVE_MISSED, "objective missed"),
        (DID_NOT_CONVERGE, "did not converge"),
        (SAFETY_FAILED, "safety failed"),
    ];
}

/// What is kept of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row {
    /// Which run it was.
    pub seed: u64,
    /// How it came out: one of [`result`].
    pub result: u8,
    /// The judges that found something: bit *n* is the *n*-th judge, of 24 at most.
    pub judges: u32,
    /// How many machines there were.
    pub machines: u8,
    /// How many disks they had in all.
    pub disks: u8,
    /// Steps of the timeline.
    pub steps: u8,
    /// Faults that were planned.
    pub faults: u8,
    /// Simulated time, in nanoseconds.
    pub simulated_nanos: u64,
    /// Events of the simulation.
    pub events: u64,
    /// Writes that applications issued.
    pub writes: u64,
    /// Recovery points.
    pub points: u32,
    /// Failovers that were carried out.
    pub failovers: u32,
    /// Acknowledged writes that failovers lost.
    pub lost_writes: u64,
    /// The worst recovery point objective of a failover, in nanoseconds. Means something when there was one.
    pub rpo_nanos: u64,
    /// The worst recovery time of a failover, in nanoseconds. Means something when there was one.
    pub rto_nanos: u64,
    /// The digest of the run.
    pub digest: u64,
}

/// Bytes that are not a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RowError {
    /// A result that nobody writes.
    #[error("result {0} is none of 0, 20, 21 and 22")]
    UnknownResult(u8),
}

impl Row {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ROW_BYTES] {
        let mut bytes = [0; ROW_BYTES];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        };
        put(&self.seed.to_le_bytes());
        put(&[self.result]);
        let judges = self.judges.to_le_bytes();
        put(&judges[..2]);
        put(&[self.machines, self.disks, self.steps, self.faults, judges[2]]);
        for figure in [self.simulated_nanos, self.events, self.writes] {
            put(&figure.to_le_bytes());
        }
        put(&self.points.to_le_bytes());
        put(&self.failovers.to_le_bytes());
        for figure in [self.lost_writes, self.rpo_nanos, self.rto_nanos, self.digest] {
            put(&figure.to_le_bytes());
        }
        bytes
    }

    /// Reads the canonical bytes.
    ///
    /// # Errors
    /// [`RowError`] for bytes that [`Row::to_bytes`] never gives.
    pub fn from_bytes(bytes: &[u8; ROW_BYTES]) -> Result<Self, RowError> {
        if !result::ALL.iter().any(|(code, _)| *code == bytes[8]) {
            return Err(RowError::UnknownResult(bytes[8]));
        }
        Ok(Self {
            seed: u64_at(bytes, 0),
            result: bytes[8],
            judges: u32::from_le_bytes([bytes[9], bytes[10], bytes[15], 0]),
            machines: bytes[11],
            disks: bytes[12],
            steps: bytes[13],
            faults: bytes[14],
            simulated_nanos: u64_at(bytes, 16),
            events: u64_at(bytes, 24),
            writes: u64_at(bytes, 32),
            points: u32_at(bytes, 40),
            failovers: u32_at(bytes, 44),
            lost_writes: u64_at(bytes, 48),
            rpo_nanos: u64_at(bytes, 56),
            rto_nanos: u64_at(bytes, 64),
            digest: u64_at(bytes, 72),
        })
    }

    /// The hash of the canonical bytes (xxh3).
    #[must_use]
    pub fn hash(&self) -> u64 {
        xxh3_64(&self.to_bytes())
    }

    /// Whether all expectations held.
    #[must_use]
    pub const fn held(&self) -> bool {
        self.result == result::HELD
    }
}

/// Eight little-endian bytes. The place is within the bytes.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Four little-endian bytes. The place is within the bytes.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            seed: 1,
            result: result::DID_NOT_CONVERGE,
            judges: 0x8001,
            machines: 2,
            disks: 3,
            steps: 4,
            faults: 5,
            simulated_nanos: 6,
            events: 7,
            writes: 8,
            points: 9,
            failovers: 10,
            lost_writes: 11,
            rpo_nanos: 12,
            rto_nanos: u64::MAX,
            digest: 14,
        }
    }

    #[test]
    fn a_row_comes_back_from_its_bytes() {
        assert_eq!(Row::from_bytes(&row().to_bytes()), Ok(row()));
    }

    #[test]
    fn every_byte_changes_the_hash() {
        for at in (0..ROW_BYTES).filter(|at| *at != 8) {
            let mut bytes = row().to_bytes();
            bytes[at] ^= 1;
            assert_ne!(Row::from_bytes(&bytes).unwrap().hash(), row().hash(), "byte {at}");
        }
    }

    #[test]
    fn bytes_that_nobody_writes_are_no_row() {
        let mut bytes = row().to_bytes();
        bytes[8] = 7;
        assert_eq!(Row::from_bytes(&bytes), Err(RowError::UnknownResult(7)));
    }

    #[test]
    fn the_last_of_many_judges_comes_back_too() {
        let row = Row { judges: 0x80_0001, ..row() };
        assert_eq!(Row::from_bytes(&row.to_bytes()), Ok(row));
    }

    /// Recorded once: stored campaigns would no longer merge with new ones if it changed.
    #[test]
    fn the_hash_is_the_same_everywhere() {
        assert_eq!(row().hash(), GOLDEN);
    }

    const GOLDEN: u64 = 17_286_719_525_291_922_967;
}
