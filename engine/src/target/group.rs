//! The journal of one group with its streams, and what has been chosen from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::batch::{RoundEnd, StreamKey};
use crate::content::Content;
use crate::id::{DiskId, MachineId};
use crate::journal::GroupJournal;
use crate::message::{JournalSpec, Selector};
use crate::point::{PointId, RecoveryPoint};

/// One group.
#[derive(Debug, Clone)]
pub(super) struct Group<C: Content> {
    pub(super) journal: GroupJournal<C>,
    pub(super) streams: BTreeMap<DiskId, Stream>,
    /// Machines that take nothing more, and the point that is recovered of each.
    pub(super) finished: BTreeMap<MachineId, Finished>,
    /// Points that are kept for machines that go on replicating, each with the number it is pinned by.
    pub(super) pinned: BTreeMap<MachineId, (u64, RecoveryPoint)>,
    /// The newest point that was pinned for several machines, and the number that they have in common.
    pub(super) shared: Option<(u64, PointId)>,
    /// Disks that did not take a write, and the stream under which that was: what they hold is in doubt.
    pub(super) doubts: BTreeMap<DiskId, StreamKey>,
    /// Control has not heard of the newest change.
    pub(super) has_news: bool,
    /// The points as control was told of them last: most statuses have nothing new to say about them.
    pub(super) told: Arc<[RecoveryPoint]>,
    /// When that was, as the journal counts changes; none before the first time.
    pub(super) told_at: Option<u64>,
    /// Payload bytes received since a fold was last planned.
    pub(super) unfolded_bytes: u64,
}

/// The choice made when replication of a machine stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished {
    pub(super) selector: Selector,
    pub(super) point: RecoveryPoint,
}

/// Under which numbers a point is pinned.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Pin {
    /// The pin's own.
    pub(super) by: u64,
    /// That of all pins of the group that are to have the same point.
    pub(super) with: Option<u64>,
}

/// How far the stream of one disk has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub(super) key: StreamKey,
    /// The number of the next frame.
    pub(super) next: u64,
    /// The newest round end was the last before an orderly shutdown.
    pub(super) is_shut_down: bool,
}

impl<C: Content> Group<C> {
    /// An empty journal over replica disks as they are.
    pub(super) fn open(spec: &JournalSpec) -> Self {
        Self {
            journal: GroupJournal::new(spec),
            streams: BTreeMap::new(),
            finished: BTreeMap::new(),
            pinned: BTreeMap::new(),
            shared: None,
            doubts: BTreeMap::new(),
            has_news: true,
            told: Arc::default(),
            told_at: None,
            unfolded_bytes: 0,
        }
    }

    /// Whether the disk belongs to the group.
    pub(super) fn has(&self, disk: DiskId) -> bool {
        let machine = self.journal.spec().machines.iter().find(|(machine, _)| *machine == disk.machine);
        machine.is_some_and(|(_, disks)| usize::from(disk.index) < disks.len())
    }

    /// The stream with this key; a newer key begins a new stream, an older one is none.
    pub(super) fn stream(&mut self, key: StreamKey) -> Option<&mut Stream> {
        let fresh = Stream { key, next: 1, is_shut_down: false };
        let stream = self.streams.entry(key.disk).or_insert(fresh);
        if key > stream.key {
            *stream = fresh;
            // A later session begins with a comparison, which finds whatever the disk lacks.
            if self.doubts.remove(&key.disk).is_some() {
                self.has_news = true;
            }
        }
        (stream.key == key).then_some(stream)
    }

    /// A disk did not take what was to be written to it. A write that was cut short leaves nobody knows what, so what is
    /// there is compared with its source. Nothing without a stream, and nothing twice under the same.
    pub(super) fn doubt(&mut self, disk: DiskId) -> Option<StreamKey> {
        let key = self.streams.get(&disk)?.key;
        if self.finished.contains_key(&disk.machine) || self.doubts.insert(disk, key) == Some(key) {
            return None;
        }
        self.has_news = true;
        Some(key)
    }

    /// The machines whose disks are in doubt, in order, each with the latest session in which one came to that.
    pub(super) fn doubtful(&self) -> Vec<(MachineId, u32)> {
        let mut machines: Vec<(MachineId, u32)> = Vec::new();
        for (disk, key) in &self.doubts {
            match machines.last_mut().filter(|(machine, _)| *machine == disk.machine) {
                Some((_, session)) => *session = key.session.max(*session),
                None => machines.push((disk.machine, key.session)),
            }
        }
        machines
    }

    /// Settles on a point for a machine. The first machine of a group that is finished chooses for those that want
    /// the same, but not when all that was received is wanted and more was: a planned failover that was taken back and
    /// asked for again has come after the other's point.
    pub(super) fn choose(&mut self, machine: MachineId, selector: Selector) -> Option<RecoveryPoint> {
        let is_behind = selector == Selector::Drained && !self.journal.is_drained();
        let chosen = self.finished.values().find(|finished| finished.selector == selector && !is_behind);
        let point = chosen.map(|finished| finished.point).or_else(|| self.journal.choose(selector))?;
        self.finished.insert(machine, Finished { selector, point });
        Some(point)
    }

    /// Chooses a point and keeps it; the same number gives the same point. The first of those that share one chooses for
    /// all; who comes when that was given up gets none, because another would not be the same.
    pub(super) fn pin(&mut self, machine: MachineId, selector: Selector, pin: Pin) -> Option<RecoveryPoint> {
        if let Some((_, point)) = self.pinned.get(&machine).filter(|(number, _)| *number >= pin.by) {
            return Some(*point);
        }
        let shared = self.shared.filter(|(number, _)| Some(*number) == pin.with);
        let point = self.journal.choose(shared.map_or(selector, |(_, point)| Selector::Exactly(point)))?;
        self.shared = pin.with.map(|number| (number, point.id)).or(self.shared);
        self.pinned.insert(machine, (pin.by, point));
        Some(point)
    }

    pub(super) fn unpin(&mut self, machine: MachineId, by: u64) {
        if self.pinned.get(&machine).is_some_and(|(pin, _)| *pin <= by) {
            self.pinned.remove(&machine);
        }
    }

    /// The points that retention must leave.
    pub(super) fn kept_points(&self) -> Vec<PointId> {
        let pinned = self.pinned.values().map(|(_, point)| point.id);
        self.finished.values().map(|finished| finished.point.id).chain(pinned).collect()
    }

    /// The points, shared with every status that tells the same of them.
    pub(super) fn points_to_tell(&mut self) -> Arc<[RecoveryPoint]> {
        let now = Some(self.journal.points_changed());
        if self.told_at != now {
            self.told_at = now;
            self.told = self.journal.points().into();
        }
        Arc::clone(&self.told)
    }

    /// Machines whose source was shut down in order and whose last writes are all here.
    pub(super) fn shut_down(&self) -> Vec<MachineId> {
        let machines = self.journal.spec().machines.iter();
        let all_disks = |machine: MachineId, disks: usize| {
            let streams = self.streams.values().filter(|stream| stream.key.disk.machine == machine);
            streams.filter(|stream| stream.is_shut_down).count() == disks
        };
        machines
            .filter(|(machine, disks)| all_disks(*machine, disks.len()))
            .map(|(machine, _)| *machine)
            .collect()
    }
}

impl Stream {
    /// Takes note of a frame that was taken.
    pub(super) fn advance(&mut self, round_end: Option<RoundEnd>) {
        self.next += 1;
        self.is_shut_down = round_end.is_some_and(|end| end.marker.is_some_and(|marker| marker.last));
    }
}
