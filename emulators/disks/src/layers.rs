//! How contents are kept: a sorted base, a sorted layer of what is newer, and a tail of the newest writes in the
//! order they came.
//!
//! A write is one push. The tail is sorted when somebody reads or when it has grown to half of the base, so a
//! write pays for about three merged entries (30 million a second sort, several hundred million merge). A tree of
//! intervals would cost ten times that on every write and could not be shared between snapshots.

use std::sync::Arc;

use switchback_engine::extent::{clip, flatten, overlay, write_over};
use switchback_engine::{Change, Content, SectorRange};

/// The tail never makes the base be merged before it is this long, in writes.
const MERGE_WRITES_MIN: usize = 1024;
/// A reader walks a tail up to at least this length, in writes, before it sorts it.
const SCAN_WRITES_MIN: usize = 256;

#[derive(Debug, Clone)]
pub(crate) struct Layers<C> {
    /// Sorted, disjoint, without zeroes. Shared with snapshots.
    base: Arc<Vec<Change<C>>>,
    /// Sorted, disjoint, newer than the base. Zeroes hide what the base holds.
    recent: Vec<Change<C>>,
    /// In write order, newer than `recent`.
    tail: Vec<Change<C>>,
}

impl<C: Content> Layers<C> {
    pub(crate) fn blank() -> Self {
        Self::of(Arc::new(Vec::new()))
    }

    /// `base` must be sorted, disjoint and free of zeroes.
    pub(crate) const fn of(base: Arc<Vec<Change<C>>>) -> Self {
        Self { base, recent: Vec::new(), tail: Vec::new() }
    }

    #[inline]
    pub(crate) fn write(&mut self, change: Change<C>) {
        self.tail.push(change);
        if self.tail.len() >= MERGE_WRITES_MIN.max(self.base.len() / 2) {
            self.merge();
        }
    }

    /// What `range` holds: sorted, clipped; zeroes may be among it.
    pub(crate) fn read(&self, range: SectorRange) -> Vec<Change<C>> {
        let mut newest = touching(&self.tail, range);
        flatten(&mut newest);
        let older = clip(&self.recent, range);
        let newer = if older.is_empty() { newest } else { overlay(&newest, &older) };
        let oldest = clip(&self.base, range);
        if newer.is_empty() { oldest } else { overlay(&newer, &oldest) }
    }

    /// Makes the coming reads cheap, when the tail has grown long for walking.
    pub(crate) fn prepare_read(&mut self) {
        // Walking costs every reader the tail; sorting costs the whole recent layer. Where the two meet, the tail
        // is about as long as the root of that layer, times a factor for some writes between reads.
        if self.tail.len() > SCAN_WRITES_MIN.max(8 * self.recent.len().isqrt()) {
            self.sort_tail();
            if self.recent.len() >= MERGE_WRITES_MIN.max(self.base.len() / 2) {
                self.merge();
            }
        }
    }

    /// Everything: sorted, disjoint, without zeroes.
    pub(crate) fn whole(&mut self) -> Arc<Vec<Change<C>>> {
        self.merge();
        Arc::clone(&self.base)
    }

    fn sort_tail(&mut self) {
        let mut tail = std::mem::take(&mut self.tail);
        flatten(&mut tail);
        self.recent = if self.recent.is_empty() { tail } else { overlay(&tail, &self.recent) };
    }

    fn merge(&mut self) {
        if self.tail.is_empty() && self.recent.is_empty() {
            return;
        }
        self.sort_tail();
        let recent = std::mem::take(&mut self.recent);
        let merged = write_over(&recent, &self.base);
        self.base = Arc::new(merged);
    }
}

/// The parts of `writes` that lie in `range`, in the same order.
pub(crate) fn touching<C: Content>(writes: &[Change<C>], range: SectorRange) -> Vec<Change<C>> {
    writes.iter().filter_map(|write| cut(write, range)).collect()
}

/// The part of `write` that lies in `range`.
pub(crate) fn cut<C: Content>(write: &Change<C>, range: SectorRange) -> Option<Change<C>> {
    use switchback_engine::extent::Run;
    let common = write.range().intersection(&range);
    (!common.is_empty()).then(|| {
        if common == write.range() {
            write.clone()
        } else {
            write.part((common.start - write.start) as u32, common.sectors() as u32)
        }
    })
}
