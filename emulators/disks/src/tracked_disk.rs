//! A disk of a machine as vSphere has it: with snapshots that keep what it held, and with changed-block tracking.
//!
//! What a task of vCenter takes, and whether it is allowed, is for a vCenter; here is what it does to a disk. Switching
//! tracking on or off works from the next time on that the machine is stunned: when a snapshot is taken or removed, or
//! the machine is switched off and on. These begin another epoch of it: going back to a snapshot, losing power with
//! writes that were not flushed, switching it off and on, and moving the disk to another datastore.

use std::collections::BTreeMap;

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Change, Content, SectorRange};
use switchback_sim::Chance;
use thiserror::Error;

use crate::change_tracking::{ChangeId, ChangeTracking, Since, TRACKED_SECTORS, ranges};
use crate::crash::CrashReport;
use crate::difference::differences;
use crate::disk::VirtualDisk;
use crate::error::DiskError;
use crate::snapshot::Snapshot;

/// How many areas one answer names; who asks goes on behind it. Estimated: answers of vSphere are bounded.
pub const AREAS_MAX: usize = 2000;

/// A snapshot of a disk, by the number that whoever took it gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub u32);

/// How a disk takes room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provisioning {
    /// As it is written: what was never written is not in use.
    Thin,
    /// All of it at once: everything is in use.
    Thick,
}

/// Part of a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedArea {
    /// Where it begins.
    pub start: u64,
    /// How long it is.
    pub length: u64,
}

/// An answer about changes, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskChangeInfo {
    /// Where it begins.
    pub start: u64,
    /// How much of the disk it tells of: up to the end, or as far as [`AREAS_MAX`] goes.
    pub length: u64,
    /// What may have changed there: sorted, and none touches the next.
    pub areas: Vec<ChangedArea>,
}

/// Why nothing can be said about changes, or a snapshot does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TrackingFault {
    /// There is no such snapshot, or there is one of that number already.
    #[error("no such snapshot, or one of that number already")]
    Snapshot,
    /// Tracking was off when the snapshot was taken.
    #[error("changes were not tracked when the snapshot was taken")]
    NotTracked,
    /// The change id is of another epoch, or of a later snapshot: everything has to be read.
    #[error("the change id says nothing about this snapshot")]
    StaleChangeId,
    /// The answer was to begin behind the end of the disk.
    #[error("the disk ends before that")]
    BehindTheEnd,
}

#[derive(Debug, Clone)]
struct Kept<C> {
    contents: Snapshot<C>,
    change: Option<ChangeId>,
}

/// A disk with its snapshots and its tracking, which is off at first.
#[derive(Debug, Clone)]
pub struct TrackedDisk<C: Content> {
    disk: VirtualDisk<C>,
    provisioning: Provisioning,
    snapshots: BTreeMap<SnapshotId, Kept<C>>,
    is_wanted: bool,
    tracking: Option<ChangeTracking>,
}

impl<C: Content> TrackedDisk<C> {
    /// That disk, without a snapshot.
    #[must_use]
    pub const fn new(disk: VirtualDisk<C>, provisioning: Provisioning) -> Self {
        Self { disk, provisioning, snapshots: BTreeMap::new(), is_wanted: false, tracking: None }
    }

    /// What it holds, and what of that is durable.
    #[must_use]
    pub const fn disk(&self) -> &VirtualDisk<C> {
        &self.disk
    }

    /// Writes. What a lying disk does with the write is not tracked: it is believed to be where it was wanted.
    ///
    /// # Errors
    /// [`DiskError::OutOfRange`] when not all of it lies on the disk.
    pub fn write(&mut self, change: Change<C>) -> Result<(), DiskError> {
        let range = SectorRange::new(change.start, u64::from(change.sectors));
        self.disk.write(change)?;
        if let Some(tracking) = &mut self.tracking {
            tracking.mark(range);
        }
        Ok(())
    }

    /// Somebody else writes the disk: it holds what `now` holds from here on. What differs counts as written; where the
    /// size differs, the disk has grown.
    ///
    /// # Errors
    /// [`DiskError::Shrink`] when it would become smaller.
    pub fn follow(&mut self, now: &Snapshot<C>) -> Result<(), DiskError> {
        self.disk.resize(now.sectors())?;
        let before = self.disk.snapshot();
        for change in differences(before.runs(), now.runs()) {
            self.write(change)?;
        }
        Ok(())
    }

    /// Makes every write so far durable.
    pub fn flush(&mut self) {
        self.disk.flush();
    }

    /// Wants changes tracked, or not any more, from the next stun on.
    pub const fn want_tracking(&mut self, is_wanted: bool) {
        self.is_wanted = is_wanted;
    }

    /// Whether changes are tracked now.
    #[must_use]
    pub const fn is_tracked(&self) -> bool {
        self.tracking.is_some()
    }

    /// The machine is switched off in order, and on again.
    pub fn power_cycle(&mut self, chance: &mut Chance) {
        self.disk.flush();
        self.stun(chance);
    }

    /// Keeps what the disk holds, and says from when on changes can be asked for, if they are tracked.
    ///
    /// # Errors
    /// [`TrackingFault::Snapshot`] when there is one of that number.
    pub fn take_snapshot(
        &mut self,
        id: SnapshotId,
        chance: &mut Chance,
    ) -> Result<Option<ChangeId>, TrackingFault> {
        if self.snapshots.contains_key(&id) {
            return Err(TrackingFault::Snapshot);
        }
        self.stun(chance);
        let change = self.tracking.as_mut().map(ChangeTracking::cut);
        self.snapshots.insert(id, Kept { contents: self.disk.snapshot(), change });
        Ok(change)
    }

    /// Gives a snapshot up. What the disk holds does not change, and changes can be asked for from its change id on, until
    /// a later snapshot.
    ///
    /// # Errors
    /// [`TrackingFault::Snapshot`].
    pub fn remove_snapshot(&mut self, id: SnapshotId, chance: &mut Chance) -> Result<(), TrackingFault> {
        self.snapshots.remove(&id).ok_or(TrackingFault::Snapshot)?;
        self.stun(chance);
        Ok(())
    }

    /// The disk holds again what it held then, durably. The snapshot stays, and tracking begins anew.
    ///
    /// # Errors
    /// [`TrackingFault::Snapshot`].
    pub fn revert(&mut self, id: SnapshotId, chance: &mut Chance) -> Result<(), TrackingFault> {
        let kept = self.snapshots.get(&id).ok_or(TrackingFault::Snapshot)?;
        self.disk = VirtualDisk::from_snapshot(&kept.contents);
        self.lose_track(chance);
        Ok(())
    }

    /// The disk is moved to another datastore.
    pub fn relocate(&mut self, chance: &mut Chance) {
        self.lose_track(chance);
    }

    /// The power goes. With writes that were not flushed nobody knows any more what was tracked.
    pub fn crash(&mut self, chance: &mut Chance) -> CrashReport {
        let was_flushed = self.disk.unflushed_writes() == 0;
        let report = self.disk.crash(chance);
        if was_flushed {
            self.stun(chance)
        } else {
            self.lose_track(chance)
        }
        report
    }

    /// What a snapshot holds.
    ///
    /// # Errors
    /// [`TrackingFault::Snapshot`].
    pub fn snapshot(&self, id: SnapshotId) -> Result<&Snapshot<C>, TrackingFault> {
        self.snapshots.get(&id).map(|kept| &kept.contents).ok_or(TrackingFault::Snapshot)
    }

    /// From when on changes can be asked for, if they were tracked when the snapshot was taken.
    #[must_use]
    pub fn change_id(&self, id: SnapshotId) -> Option<ChangeId> {
        self.snapshots.get(&id)?.change
    }

    /// What of a snapshot, from a byte on, has changed since then.
    ///
    /// # Errors
    /// Any [`TrackingFault`].
    pub fn changed_areas(
        &self,
        id: SnapshotId,
        start: u64,
        since: Since,
    ) -> Result<DiskChangeInfo, TrackingFault> {
        let kept = self.snapshots.get(&id).ok_or(TrackingFault::Snapshot)?;
        let sectors = kept.contents.sectors();
        if start >= sectors * SECTOR_BYTES {
            return Err(TrackingFault::BehindTheEnd);
        }
        let until = kept.change.ok_or(TrackingFault::NotTracked)?;
        let changed = match since {
            Since::Ever => self.in_use(&kept.contents),
            Since::Change(since) => {
                let tracking = self.tracking.as_ref().ok_or(TrackingFault::StaleChangeId)?;
                let blocks = tracking.between(since, until).ok_or(TrackingFault::StaleChangeId)?;
                ranges(blocks, sectors)
            }
        };
        Ok(answer(&changed, start, sectors * SECTOR_BYTES))
    }

    fn in_use(&self, contents: &Snapshot<C>) -> Vec<SectorRange> {
        let sectors = contents.sectors();
        match self.provisioning {
            Provisioning::Thick => vec![SectorRange { start: 0, end: sectors }],
            Provisioning::Thin => {
                let blocks = contents.runs().iter().flat_map(|run| {
                    let range = run.range();
                    range.start / TRACKED_SECTORS..range.end.div_ceil(TRACKED_SECTORS)
                });
                let mut blocks: Vec<u64> = blocks.collect();
                blocks.dedup();
                ranges(blocks, sectors)
            }
        }
    }

    /// The machine stands still for a moment: what was wanted of tracking happens.
    fn stun(&mut self, chance: &mut Chance) {
        match (self.is_wanted, &self.tracking) {
            (true, None) => self.tracking = Some(ChangeTracking::begin(chance)),
            (false, Some(_)) => self.tracking = None,
            _ => {}
        }
    }

    fn lose_track(&mut self, chance: &mut Chance) {
        self.tracking = self.is_wanted.then(|| ChangeTracking::begin(chance));
    }
}

/// The part of what has changed that lies behind `start`, as far as one answer goes.
fn answer(changed: &[SectorRange], start: u64, end: u64) -> DiskChangeInfo {
    let bytes = |range: &SectorRange| (range.start * SECTOR_BYTES).max(start)..range.end * SECTOR_BYTES;
    let mut behind = changed.iter().map(bytes).filter(|area| !area.is_empty());
    let areas: Vec<_> = behind.by_ref().take(AREAS_MAX).collect();
    let told = if behind.next().is_some() { areas.last().map_or(end, |last| last.end) } else { end };
    let area = |area: core::ops::Range<u64>| ChangedArea { start: area.start, length: area.end - area.start };
    DiskChangeInfo { start, length: told - start, areas: areas.into_iter().map(area).collect() }
}
