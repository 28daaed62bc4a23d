//! What the journal should do: the points it should have, by looking for the marker or the round on every disk, and
//! what every disk should hold at them, by full copies.

use super::*;

impl<C: Sample> World<C> {
    pub(super) fn model_append(&mut self, frame: &Frame<C>, changes: &[Change<C>]) -> Option<RecoveryPoint> {
        let disk = self.disks.get_mut(&frame.stream.disk).unwrap();
        put(&mut disk.delivered, changes);
        disk.changing += u64::from(!changes.is_empty());
        let marker = frame.round_end.and_then(|end| end.marker);
        self.seen = self.seen.max(marker.map_or(0, |marker| marker.point.number));
        let end = frame.round_end.filter(|end| end.consistent)?;
        let copy = (disk.delivered.clone(), end, disk.changing);
        disk.cuts.insert((frame.stream.session, end.round), copy);
        let marker =
            marker.filter(|marker| self.points.last().is_none_or(|(last, _)| last.id < marker.point))?;
        let carries = |(_, end, _): &&(Copied<C>, RoundEnd, u64)| {
            end.marker.is_some_and(|other| other.point == marker.point)
        };
        if !self.disks.values().all(|disk| disk.cuts.values().any(|cut| carries(&cut))) {
            return None;
        }
        let point = RecoveryPoint { id: marker.point, consistency: marker.consistency, at: marker.at };
        self.model_point(point, |disk| *disk.cuts.iter().find(|(_, cut)| carries(cut)).unwrap().0);
        Some(point)
    }

    fn model_point(&mut self, point: RecoveryPoint, cut_of: impl Fn(&Disk<C>) -> CutKey) {
        let mut copies = BTreeMap::new();
        for (id, disk) in &mut self.disks {
            let key = cut_of(disk);
            let (copy, _, changing) = disk.cuts[&key].clone();
            copies.insert(*id, copy);
            disk.changing -= changing;
            disk.cuts.retain(|other, _| *other > key);
            for (_, _, before) in disk.cuts.values_mut() {
                *before -= changing;
            }
        }
        self.points.push((point, copies));
    }

    pub(super) fn model_latest(&mut self) -> Option<RecoveryPoint> {
        let newest = self.points.last().map(|(point, _)| *point);
        let common = |key: &&CutKey| self.disks.values().all(|disk| disk.cuts.contains_key(*key));
        let first = self.disks.values().next().filter(|_| self.sessions.len() == 1);
        let Some(key) = first.and_then(|disk| disk.cuts.keys().rev().find(common)).copied() else {
            return newest;
        };
        let changed = self.disks.values().any(|disk| disk.cuts[&key].2 > 0);
        if !changed && newest.is_some() {
            return newest;
        }
        self.seen += 1;
        let at = self.disks.values().next().unwrap().cuts[&key].1.at;
        let point = RecoveryPoint { id: point_id(self.seen), consistency: Consistency::Crash, at };
        self.model_point(point, |_| key);
        Some(point)
    }
}
