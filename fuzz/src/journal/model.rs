//! What a journal should do, told by full copies: which points there are, and what every disk holds at each.

use std::collections::BTreeMap;
use std::time::Duration;

use switchback_engine::batch::RoundEnd;
use switchback_engine::message::Selector;
use switchback_engine::time::Instant;
use switchback_engine::{
    Change, Consistency, Content, DiskId, Frame, MachineId, PointId, RecoveryPoint, Stamp,
};

use super::{GENERATION, SECTORS};

/// A whole disk, sector by sector.
pub(super) type Image = Vec<Stamp>;
/// Session and round of a cut.
type CutKey = (u32, u64);

/// A disk at a cut after the newest point.
#[derive(Clone)]
struct Cut {
    image: Image,
    end: RoundEnd,
    /// Frames with changes between the newest point and the cut.
    changing: u64,
}

/// One disk.
pub(super) struct Disk {
    /// The disk below the journal.
    pub(super) base: Image,
    /// Everything that arrived.
    pub(super) delivered: Image,
    /// Frames with changes since the newest point.
    changing: u64,
    cuts: BTreeMap<CutKey, Cut>,
}

/// A point and every disk at it.
pub(super) struct Point {
    pub(super) point: RecoveryPoint,
    pub(super) images: BTreeMap<DiskId, Image>,
}

/// A group.
pub(super) struct Model {
    pub(super) disks: BTreeMap<DiskId, Disk>,
    /// Oldest first.
    pub(super) points: Vec<Point>,
    pub(super) promoted: BTreeMap<MachineId, PointId>,
    /// The highest number of a marker or point that arrived or was made.
    pub(super) highest: u64,
    /// How long the policy keeps points.
    keep_for: Duration,
}

impl Model {
    pub(super) fn new(ids: &[DiskId], keep_for: Duration) -> Self {
        let blank = || vec![Stamp::zero(); SECTORS as usize];
        let disk = || Disk { base: blank(), delivered: blank(), changing: 0, cuts: BTreeMap::new() };
        Self {
            disks: ids.iter().map(|id| (*id, disk())).collect(),
            points: Vec::new(),
            promoted: BTreeMap::new(),
            highest: 0,
            keep_for,
        }
    }

    fn disk(&mut self, id: DiskId) -> &mut Disk {
        self.disks.get_mut(&id).expect("the disk is of the group")
    }

    /// A frame arrives; gives the point that exists from now on.
    pub(super) fn append(
        &mut self,
        frame: &Frame<Stamp>,
        changes: &[Change<Stamp>],
    ) -> Option<RecoveryPoint> {
        let id = frame.stream.disk;
        if self.promoted.contains_key(&id.machine) {
            return None;
        }
        let disk = self.disk(id);
        put(&mut disk.delivered, changes);
        disk.changing += u64::from(!changes.is_empty());
        let end = frame.round_end?;
        let newest = self.points.last().map(|point| point.point.id);
        let news =
            end.marker.map(|marker| marker.point).filter(|id| newest.is_none_or(|newest| newest < *id));
        self.highest = self.highest.max(news.map_or(0, |id| id.number));
        if !end.consistent {
            return None;
        }
        let disk = self.disk(id);
        let cut = Cut { image: disk.delivered.clone(), end, changing: disk.changing };
        disk.cuts.insert((frame.stream.session, end.round), cut);
        self.complete(news?)
    }

    /// The point of a marker that every disk carries.
    fn complete(&mut self, id: PointId) -> Option<RecoveryPoint> {
        let carries = |cut: &Cut| cut.end.marker.is_some_and(|marker| marker.point == id);
        if !self.disks.values().all(|disk| disk.cuts.values().any(carries)) {
            return None;
        }
        let marker =
            self.disks.values().flat_map(|disk| disk.cuts.values()).find(|cut| carries(cut))?.end.marker?;
        let point = RecoveryPoint { id, consistency: marker.consistency, at: marker.at };
        self.make(point, |disk| *disk.cuts.iter().find(|(_, cut)| carries(cut)).expect("it is carried").0);
        Some(point)
    }

    /// Makes a point of one cut on every disk. What lies before those cuts cannot become a point any more.
    fn make(&mut self, point: RecoveryPoint, cut_of: impl Fn(&Disk) -> CutKey) {
        let mut images = BTreeMap::new();
        for (id, disk) in &mut self.disks {
            let key = cut_of(disk);
            let later = disk.cuts.split_off(&(key.0, key.1 + 1));
            let Cut { image, changing, .. } = disk.cuts.remove(&key).expect("the cut is there");
            images.insert(*id, image);
            disk.changing -= changing;
            disk.cuts = later;
            disk.cuts.values_mut().for_each(|cut| cut.changing -= changing);
        }
        self.points.push(Point { point, images });
    }

    pub(super) fn choose(&mut self, selector: Selector) -> Option<RecoveryPoint> {
        let mut newest_first = self.points.iter().rev().map(|point| point.point);
        match selector {
            Selector::Latest => self.latest(),
            Selector::LatestProcessed => newest_first.next(),
            Selector::LatestApplication => {
                newest_first.find(|point| point.consistency == Consistency::Application)
            }
            Selector::LatestCrash => newest_first.find(|point| point.consistency == Consistency::Crash),
            Selector::Exactly(id) => newest_first.find(|point| point.id == id),
            // Not among the questions that are put here.
            Selector::Drained => None,
        }
    }

    /// For a machine alone, the newest round that all its disks have ended, if it holds anything new.
    fn latest(&mut self) -> Option<RecoveryPoint> {
        let newest = self.points.last().map(|point| point.point);
        let machines = self.disks.keys().map(|id| id.machine);
        let is_alone = machines.clone().min() == machines.max();
        let common = |key: &&CutKey| self.disks.values().all(|disk| disk.cuts.contains_key(*key));
        let keys = self.disks.values().next().filter(|_| is_alone).map(|disk| disk.cuts.keys());
        let Some(key) = keys.and_then(|keys| keys.rev().find(common)).copied() else { return newest };
        let is_new = self.disks.values().any(|disk| disk.cuts[&key].changing > 0);
        if newest.is_some() && !is_new {
            return newest;
        }
        self.highest += 1;
        let at = self.disks.values().next().map(|disk| disk.cuts[&key].end.at).unwrap_or_default();
        let id = PointId { generation: GENERATION, number: self.highest };
        let point = RecoveryPoint { id, consistency: Consistency::Crash, at };
        self.make(point, |_| key);
        Some(point)
    }

    /// Forgets points, except the newest, and says how many.
    pub(super) fn give_up(&mut self, points: &[PointId]) -> u32 {
        let newest = self.points.last().map(|point| point.point.id);
        let before = self.points.len();
        self.points.retain(|kept| Some(kept.point.id) == newest || !points.contains(&kept.point.id));
        (before - self.points.len()) as u32
    }

    /// No policy gives up the newest point, and none but "the newest only" one of the last two hours.
    pub(super) fn judge_expired(&self, expired: &[PointId], now: Instant) {
        const UNTHINNED: Duration = Duration::from_hours(2);
        assert!(expired.is_sorted_by(|left, right| left < right), "named twice: {expired:?}");
        let newest = self.points.last().map(|point| point.point.id);
        assert!(expired.iter().all(|id| Some(*id) != newest), "the newest point expired");
        for id in expired {
            let point = self.points.iter().find(|point| point.point.id == *id);
            assert!(point.is_some(), "a point expired that does not exist: {id:?}");
        }
        let young = |point: &&Point| now.since(point.point.at) <= UNTHINNED;
        if self.keep_for >= UNTHINNED {
            assert!(!self.points.iter().filter(young).any(|point| expired.contains(&point.point.id)));
        }
    }

    pub(super) fn write_base(&mut self, id: DiskId, changes: &[Change<Stamp>]) {
        put(&mut self.disk(id).base, changes);
    }

    /// The base disks of a machine are the point from now on, and nothing more arrives.
    pub(super) fn promote(&mut self, machine: MachineId, point: PointId) {
        let images = self.points.iter().find(|other| other.point.id == point).map(|point| &point.images);
        for (id, disk) in self.disks.iter_mut().filter(|(id, _)| id.machine == machine) {
            if let Some(image) = images.and_then(|images| images.get(id)) {
                disk.delivered.clone_from(image);
            }
            disk.cuts.clear();
            disk.changing = 0;
        }
        self.promoted.insert(machine, point);
    }
}

pub(super) fn put(image: &mut Image, changes: &[Change<Stamp>]) {
    for change in changes {
        for skip in 0..change.sectors {
            image[change.start as usize + skip as usize] = change.content.part(skip, 1);
        }
    }
}
