//! One disk.

use std::sync::Arc;

use switchback_engine::extent::{Run, clip, flatten, overlay, without_zeroes, write_over};
use switchback_engine::journal::View;
use switchback_engine::{Change, Content, SectorRange};
use switchback_sim::Chance;

use crate::crash::CrashReport;
use crate::error::DiskError;
use crate::fault::{Armed, FaultCounts, ReadFault, WriteFault};
use crate::layers::{Layers, cut, touching};
use crate::snapshot::Snapshot;

/// How many writes a disk keeps in its cache before it makes room by writing the oldest half back. The order of
/// magnitude of a storage controller's queue and cache; a guest that flushes at all stays far below.
pub const CACHED_WRITES_MAX: usize = 4096;

/// The contents of one disk.
///
/// A new disk keeps writes in its cache until [`flush`](Self::flush); a [`crash`](Self::crash) loses or tears a
/// chance-drawn part of them. [`with_write_through`](Self::with_write_through) makes every write durable at once.
#[derive(Debug, Clone)]
pub struct VirtualDisk<C: Content> {
    sectors: u64,
    durable: Layers<C>,
    /// In write order; always empty with `write_through`.
    unflushed: Vec<Change<C>>,
    write_through: bool,
    armed: Armed<C>,
}

impl<C: Content> VirtualDisk<C> {
    /// A blank disk of `sectors` sectors.
    #[must_use]
    pub fn new(sectors: u64) -> Self {
        Self::of(sectors, Layers::blank())
    }

    /// A disk of `sectors` sectors whose first `used_sectors` sectors hold what `content` says, durably. `content`
    /// is asked once, for all of them; it answers in write order, and what lies outside is left out.
    #[must_use]
    pub fn initial(
        sectors: u64,
        used_sectors: u64,
        content: impl FnOnce(SectorRange) -> Vec<Change<C>>,
    ) -> Self {
        let used = SectorRange::new(0, used_sectors.min(sectors));
        let mut runs = touching(&content(used), used);
        flatten(&mut runs);
        without_zeroes(&mut runs);
        Self::of(sectors, Layers::of(Arc::new(runs)))
    }

    /// A disk of `sectors` sectors that holds what `view` shows over `base`. What lies behind its end is left out.
    #[must_use]
    pub fn from_view(view: &View<C>, base: &Snapshot<C>, sectors: u64) -> Self {
        let mut runs = view.materialise(base.runs());
        let whole = SectorRange::new(0, sectors);
        if runs.last().is_some_and(|run| run.end() > sectors) {
            runs = clip(&runs, whole);
        }
        Self::of(sectors, Layers::of(Arc::new(runs)))
    }

    /// A disk that holds what another held at a moment.
    #[must_use]
    pub fn from_snapshot(snapshot: &Snapshot<C>) -> Self {
        Self::of(snapshot.sectors, Layers::of(Arc::clone(&snapshot.runs)))
    }

    fn of(sectors: u64, durable: Layers<C>) -> Self {
        Self { sectors, durable, unflushed: Vec::new(), write_through: false, armed: Armed::none() }
    }

    /// The same disk with every write durable at once.
    #[must_use]
    pub fn with_write_through(mut self) -> Self {
        self.flush();
        self.write_through = true;
        self
    }

    /// Its size, in sectors.
    #[must_use]
    pub const fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Writes that a crash could lose.
    #[must_use]
    pub const fn unflushed_writes(&self) -> usize {
        self.unflushed.len()
    }

    /// Writes.
    ///
    /// # Errors
    /// [`DiskError::OutOfRange`] when not all of it lies on the disk.
    #[inline]
    pub fn write(&mut self, change: Change<C>) -> Result<(), DiskError> {
        let range = place(&change);
        self.check(range)?;
        match self.armed.strike_write(range) {
            None => self.put(change),
            Some(fault) => self.put_wrongly(&change, fault),
        }
        Ok(())
    }

    /// Writes all of `changes`, in order.
    ///
    /// # Errors
    /// [`DiskError::OutOfRange`] when one of them does not lie on the disk; then none is written. [`DiskError::Medium`]
    /// when the medium fails; then the front half of them is.
    pub fn write_all(&mut self, changes: &[Change<C>]) -> Result<(), DiskError> {
        changes.iter().try_for_each(|change| self.check(place(change)))?;
        if self.armed.strike_together() {
            let front = &changes[..changes.len() / 2];
            front.iter().try_for_each(|change| self.write(change.clone()))?;
            return Err(DiskError::Medium);
        }
        changes.iter().try_for_each(|change| self.write(change.clone()))
    }

    #[inline]
    fn put(&mut self, change: Change<C>) {
        if self.write_through {
            self.durable.write(change);
            return;
        }
        self.unflushed.push(change);
        if self.unflushed.len() > CACHED_WRITES_MAX {
            for oldest in self.unflushed.drain(..CACHED_WRITES_MAX / 2) {
                self.durable.write(oldest);
            }
        }
    }

    fn put_wrongly(&mut self, change: &Change<C>, fault: WriteFault) {
        match fault {
            // What is refused is refused before it comes here.
            WriteFault::Lost | WriteFault::Refused | WriteFault::Torn { keep_sectors: 0 } => {}
            WriteFault::Torn { keep_sectors } => self.put(change.part(0, keep_sectors)),
            WriteFault::Misdirected { to } if to >= self.sectors => {}
            WriteFault::Misdirected { to } => {
                let stray = Change { start: to, ..change.clone() };
                if let Some(landed) = cut(&stray, self.range()) {
                    self.put(landed);
                }
            }
        }
    }

    /// What `range` holds: sorted, clipped, without zeroes.
    ///
    /// # Errors
    /// [`DiskError::OutOfRange`] when not all of it lies on the disk.
    pub fn read(&mut self, range: SectorRange) -> Result<Vec<Change<C>>, DiskError> {
        self.check(range)?;
        self.durable.prepare_read();
        match self.armed.strike_read(range) {
            None => Ok(self.look(range)),
            Some(ReadFault::Misdirected { from }) => Ok(self.look_wrongly(range, from)),
            Some(ReadFault::Rot(decayed)) => {
                self.decay(&decayed);
                Ok(self.look(range))
            }
        }
    }

    /// What `range` holds, for a judge: as [`read`](Self::read), but no fault fires. Slower on a disk that is much
    /// written and little read.
    ///
    /// # Errors
    /// [`DiskError::OutOfRange`] when not all of it lies on the disk.
    pub fn peek(&self, range: SectorRange) -> Result<Vec<Change<C>>, DiskError> {
        self.check(range)?;
        Ok(self.look(range))
    }

    fn look(&self, range: SectorRange) -> Vec<Change<C>> {
        let mut runs = self.durable.read(range);
        if !self.unflushed.is_empty() {
            let mut newer = touching(&self.unflushed, range);
            flatten(&mut newer);
            runs = overlay(&newer, &runs);
        }
        without_zeroes(&mut runs);
        runs
    }

    fn look_wrongly(&self, range: SectorRange, from: u64) -> Vec<Change<C>> {
        if from >= self.sectors {
            return Vec::new();
        }
        let mut runs = self.look(SectorRange::new(from, range.sectors()).intersection(&self.range()));
        for run in &mut runs {
            run.start = run.start - from + range.start;
        }
        runs
    }

    /// Decay is of the medium and of what is cached alike: nothing in front of it hides it.
    fn decay(&mut self, decayed: &Change<C>) {
        self.flush();
        if let Some(decayed) = cut(decayed, self.range()) {
            self.durable.write(decayed);
        }
    }

    /// Makes every write so far durable.
    pub fn flush(&mut self) {
        for write in self.unflushed.drain(..) {
            self.durable.write(write);
        }
    }

    /// The power goes: what was not flushed is kept, torn or lost, as `chance` draws.
    pub fn crash(&mut self, chance: &mut Chance) -> CrashReport {
        let unflushed = std::mem::take(&mut self.unflushed);
        CrashReport::settle(unflushed, chance, |write| self.durable.write(write))
    }

    /// Everything a reader would see now: sorted, disjoint, without zeroes. Shared, not copied.
    pub fn runs(&mut self) -> Arc<Vec<Change<C>>> {
        let durable = self.durable.whole();
        if self.unflushed.is_empty() {
            return durable;
        }
        let mut newer = self.unflushed.clone();
        flatten(&mut newer);
        Arc::new(write_over(&newer, &durable))
    }

    /// What a reader would see now, to keep. It holds unflushed writes too, and makes none of them durable.
    pub fn snapshot(&mut self) -> Snapshot<C> {
        Snapshot { sectors: self.sectors, runs: self.runs() }
    }

    /// Makes the disk larger; the new sectors hold zeroes.
    ///
    /// # Errors
    /// [`DiskError::Shrink`] when it would become smaller.
    pub const fn resize(&mut self, sectors: u64) -> Result<(), DiskError> {
        if sectors < self.sectors {
            return Err(DiskError::Shrink { sectors: self.sectors, wanted: sectors });
        }
        self.sectors = sectors;
        Ok(())
    }

    /// Makes the next write that `fault` fits go wrong.
    pub fn arm_write(&mut self, fault: WriteFault) {
        self.armed.arm_write(fault);
    }

    /// Makes the next read that `fault` fits go wrong.
    pub fn arm_read(&mut self, fault: ReadFault<C>) {
        self.armed.arm_read(fault);
    }

    /// How many armed faults have not fired yet.
    #[must_use]
    pub const fn faults_waiting(&self) -> usize {
        self.armed.waiting()
    }

    /// How often each fault has fired.
    #[must_use]
    pub const fn faults_fired(&self) -> FaultCounts {
        self.armed.fired
    }

    const fn range(&self) -> SectorRange {
        SectorRange::new(0, self.sectors)
    }

    #[inline]
    const fn check(&self, range: SectorRange) -> Result<(), DiskError> {
        if range.is_empty() || range.end > self.sectors {
            return Err(DiskError::OutOfRange { range, sectors: self.sectors });
        }
        Ok(())
    }
}

/// Where a change lies, also when it ends behind the last sector that can be counted.
#[inline]
fn place<C: Content>(change: &Change<C>) -> SectorRange {
    SectorRange { start: change.start, end: change.start.saturating_add(u64::from(change.sectors)) }
}
