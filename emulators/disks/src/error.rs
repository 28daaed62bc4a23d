//! Why a disk refuses.

use switchback_engine::SectorRange;
use switchback_engine::role::StorageError;
use thiserror::Error;

/// Why a disk refused what was asked. Nothing was changed, but for [`DiskError::Medium`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DiskError {
    /// Part of the range lies behind the end of the disk, or the range holds no sector.
    #[error("sectors {}..{} are not all on a disk of {sectors} sectors", range.start, range.end)]
    OutOfRange {
        /// What was asked for, in sectors.
        range: SectorRange,
        /// The size of the disk, in sectors.
        sectors: u64,
    },
    /// The medium failed: of the writes that were asked for together the front half is there.
    #[error("the medium failed")]
    Medium,
    /// A disk cannot become smaller: the service does not replicate a disk that shrank.
    #[error("a disk of {sectors} sectors cannot shrink to {wanted}")]
    Shrink {
        /// The size it has, in sectors.
        sectors: u64,
        /// The size it should get, in sectors.
        wanted: u64,
    },
}

/// What a role is told: the device answered with an error, or has no such place.
impl From<DiskError> for StorageError {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::OutOfRange { .. } => Self::Gone,
            DiskError::Medium | DiskError::Shrink { .. } => Self::Failed,
        }
    }
}
