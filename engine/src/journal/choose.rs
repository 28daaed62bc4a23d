//! Where recovery points come from: markers that every disk carries, and, for a machine alone, the newest round
//! that all its disks have ended.

use std::collections::BTreeMap;

use super::GroupJournal;
use super::disk::DiskLog;
use super::tail::{Cut, CutId};
use crate::content::Content;
use crate::id::MachineId;
use crate::message::Selector;
use crate::point::{Consistency, PointId, RecoveryPoint};

impl<C: Content> GroupJournal<C> {
    /// The point that a selector means; `None` if there is none.
    ///
    /// [`Selector::Latest`] may create a point: the rounds of a machine alone are cuts that all its disks share,
    /// so the newest round ended everywhere can be recovered even if it carries no marker. What was received
    /// after it stays out. Rounds of different machines share nothing, so in a larger group the newest common
    /// marker is the latest there is.
    ///
    /// With nothing appended in between, the same selector gives the same point.
    pub fn choose(&mut self, selector: Selector) -> Option<RecoveryPoint> {
        match selector {
            Selector::Latest => self.latest(),
            Selector::LatestProcessed => self.points.last().copied(),
            Selector::LatestApplication => {
                self.points.iter().rfind(|point| point.consistency == Consistency::Application).copied()
            }
            Selector::LatestCrash => {
                self.points.iter().rfind(|point| point.consistency == Consistency::Crash).copied()
            }
            Selector::Exactly(id) => self.point(id).copied(),
            Selector::Drained => self.is_drained().then(|| self.latest()).flatten(),
        }
    }

    fn latest(&mut self) -> Option<RecoveryPoint> {
        let newest = self.points.last().copied();
        match self.newest_common_cut() {
            Some(cut) if newest.is_none() || self.holds_before(cut.id) => Some(self.point_at_round(cut)),
            _ => newest,
        }
    }

    fn point_at_round(&mut self, cut: Cut) -> RecoveryPoint {
        self.highest_number += 1;
        let id = PointId { generation: self.spec.generation, number: self.highest_number };
        let point = RecoveryPoint { id, consistency: Consistency::Crash, at: cut.end.at };
        self.seal(point, |disk| disk.tail.cut(cut.id).copied());
        point
    }

    /// Seals the point whose marker was just seen, if that was the last disk to carry it.
    pub(super) fn complete(&mut self, id: PointId) -> Option<RecoveryPoint> {
        let point = self.point_of_marker(id)?;
        self.seal(point, |disk| disk.tail.marker(id).copied());
        Some(point)
    }

    /// The point of a marker that every disk carries, at the same cut on all disks of a machine.
    fn point_of_marker(&self, id: PointId) -> Option<RecoveryPoint> {
        let mut cuts: BTreeMap<MachineId, CutId> = BTreeMap::new();
        let mut point: Option<RecoveryPoint> = None;
        for (disk, log) in &self.disks {
            let cut = log.tail.marker(id)?;
            if *cuts.entry(disk.machine).or_insert(cut.id) != cut.id {
                return None;
            }
            let marker = cut.marker()?;
            // Machines promise for themselves; a point promises what all of them do.
            let promised =
                point.map_or(marker.consistency, |point| point.consistency.min(marker.consistency));
            point = Some(RecoveryPoint { id, consistency: promised, at: marker.at });
        }
        point
    }

    /// The newest round that all disks of a machine alone have ended, after the newest point. One disk may be far
    /// ahead of another, so the search steps from the newest that each has to the newest that none lacks.
    pub(super) fn newest_common_cut(&self) -> Option<Cut> {
        if !self.is_one_machine() {
            return None;
        }
        let mut bound = CutId::MAX;
        loop {
            let newest = |disk: &DiskLog<C>| disk.tail.cut_until(bound).copied();
            let lower = |one: Option<Cut>, other: Option<Cut>| {
                let (one, other) = (one?, other?);
                Some(if other.id < one.id { other } else { one })
            };
            let lowest = self.disks.values().map(newest).reduce(lower)??;
            if lowest.id == bound {
                return Some(lowest);
            }
            bound = lowest.id;
        }
    }

    /// Whether nothing that was received lies behind the newest point, or behind the one that could be made.
    pub(crate) fn is_drained(&self) -> bool {
        let common = self.newest_common_cut();
        self.disks.values().all(|disk| disk.tail.ends_at(common))
    }

    fn holds_before(&self, id: CutId) -> bool {
        let cuts = self.disks.values().filter_map(|disk| Some((disk, disk.tail.cut(id)?)));
        cuts.into_iter().any(|(disk, cut)| disk.tail.holds_before(cut))
    }
}
