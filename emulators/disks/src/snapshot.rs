//! What a disk held at one moment, shared and immutable.

use std::sync::Arc;

use switchback_engine::extent::clip;
use switchback_engine::{Change, Content, SectorRange};

/// What a disk held at one moment. Cloning one copies nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot<C> {
    pub(crate) sectors: u64,
    pub(crate) runs: Arc<Vec<Change<C>>>,
}

impl<C: Content> Snapshot<C> {
    /// A disk of `sectors` sectors that was never written.
    #[must_use]
    pub fn blank(sectors: u64) -> Self {
        Self { sectors, runs: Arc::new(Vec::new()) }
    }

    /// The size of the disk then, in sectors.
    #[must_use]
    pub const fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Everything it held: sorted, disjoint, without zeroes.
    #[must_use]
    pub fn runs(&self) -> &[Change<C>] {
        &self.runs
    }

    /// What `range` held: sorted, clipped, without zeroes. Behind the end there is nothing.
    #[must_use]
    pub fn read(&self, range: SectorRange) -> Vec<Change<C>> {
        clip(&self.runs, range)
    }
}
