//! Recovery points: each is read back in full when it comes into being, and again while it is kept. It must show
//! exactly a prefix of each machine's write order, on all its disks; the prefixes of a group must be causal; an
//! application-consistent one must end at the pause of the applications.

use switchback_engine::{Consistency, DiskId, GroupId, MachineId, PointId, RecoveryPoint, Site};

use super::image::{Replay, cut_of, first_difference, stamps_of};
use super::{Judge, JudgedPoint};
use crate::content::Simulated;
use crate::world::{PhysicalDisk, World, sim_time};

impl<C: Simulated> World<C> {
    /// A point has come into being.
    pub(crate) fn judge_new_point(&mut self, site: Site, group: GroupId, point: RecoveryPoint) {
        if !self.judges.reads_back || self.judges.points.iter().any(|p| p.site == site && p.group == group && p.id == point.id) {
            return;
        }
        let positions = self.judge_point(site, group, point);
        let at = sim_time(point.at);
        let created_at = self.now();
        let (id, consistency) = (point.id, point.consistency);
        self.judges.points.push(JudgedPoint { site, group, id, consistency, at, created_at, positions });
    }

    /// Every point that is kept must still show what it showed when it was made.
    pub fn judge_kept_points(&mut self) {
        for site in [Site::Recovery, Site::Primary] {
            let groups: Vec<GroupId> = self.spec().groups.iter().map(|group| group.id).collect();
            for group in groups {
                let points = self.target(site).and_then(|target| target.journal(group)).map(|j| j.points().to_vec());
                for point in points.unwrap_or_default() {
                    self.judge_kept_point(site, group, point);
                }
            }
        }
    }

    fn judge_kept_point(&mut self, site: Site, group: GroupId, point: RecoveryPoint) {
        let before = self.positions_of(site, group, point.id);
        if before.is_none() {
            return self.judge_new_point(site, group, point);
        }
        let now = self.judge_point(site, group, point);
        if before.is_some_and(|before| before != now) {
            self.found(Judge::Prefix, format!("point {} of {group:?} shows another cut than when it was made", point.id.number));
        }
    }

    /// How many writes of each machine a point held when it was judged.
    pub(crate) fn positions_of(&self, site: Site, group: GroupId, id: PointId) -> Option<Vec<(MachineId, usize)>> {
        let judged = self.judges.points.iter().find(|p| p.site == site && p.group == group && p.id == id)?;
        Some(judged.positions.clone())
    }

    /// Reads a point back and holds it against the truth; the cut of each machine.
    fn judge_point(&mut self, site: Site, group: GroupId, point: RecoveryPoint) -> Vec<(MachineId, usize)> {
        let machines: Vec<usize> =
            self.spec().groups.iter().find(|g| g.id == group).map(|g| g.machines.clone()).unwrap_or_default();
        let mut positions = Vec::with_capacity(machines.len());
        for machine in machines {
            let machine = MachineId(machine as u32);
            self.judges.looked(Judge::Prefix);
            let Some(disks) = self.read_point(site, group, machine, point.id) else { continue };
            match self.judge_image(machine, site.other(), disks) {
                Ok(cut) => positions.push((machine, cut)),
                Err(what) => {
                    let name = &self.spec().machines[machine.0 as usize].name;
                    let what = format!("point {} shows no prefix of {name}'s writes: {what}", point.id.number);
                    self.found(Judge::Prefix, what);
                }
            }
        }
        if positions.len() > 1 {
            self.judge_causality(site.other(), point, &positions);
        }
        if point.consistency == Consistency::Application {
            self.judge_pause(site.other(), point, &positions);
        }
        positions
    }

    /// All disks of a machine at a point, as somebody who restores them would find them.
    fn read_point(
        &mut self,
        site: Site,
        group: GroupId,
        machine: MachineId,
        point: PointId,
    ) -> Option<Vec<Vec<switchback_engine::Change<switchback_engine::Stamp>>>> {
        let count = self.spec().machines[machine.0 as usize].disks.len();
        let mut disks = Vec::with_capacity(count);
        for index in 0..count {
            let disk = DiskId { machine, index: index as u8 };
            let view = self.target(site)?.journal(group)?.view(disk, point)?;
            let physical = if site == Site::Primary { PhysicalDisk::Home(disk) } else { PhysicalDisk::Replica(disk) };
            let base = self.disk_runs(physical).unwrap_or_default();
            disks.push(stamps_of(&view.materialise(&base)));
        }
        Some(disks)
    }

    /// The cut that a machine's disks show, if they show exactly a prefix of its line on the source side.
    pub(crate) fn judge_image(
        &mut self,
        machine: MachineId,
        source: Site,
        disks: Vec<Vec<switchback_engine::Change<switchback_engine::Stamp>>>,
    ) -> Result<usize, String> {
        let history = &self.truth[machine.0 as usize];
        let cut = cut_of(&disks, history, source)?;
        let spec = &self.spec;
        let replay = self.judges.replays.entry((machine, source)).or_insert_with(|| Replay::new(machine, spec));
        replay.go_to(cut, history, source, spec, machine);
        for (index, shown) in disks.iter().enumerate() {
            if let Some(difference) = first_difference(shown, &replay.runs(index)) {
                return Err(format!("with {cut} writes, {}", difference.describe(index)));
            }
        }
        Ok(cut)
    }

    /// No effect without its cause.
    fn judge_causality(&mut self, source: Site, point: RecoveryPoint, positions: &[(MachineId, usize)]) {
        self.judges.looked(Judge::CommonCut);
        for (machine, cut) in positions {
            let history = self.history(*machine);
            let orphan = (0..*cut).map(|place| history.at(source, place)).find_map(|number| {
                let (cause, cause_number) = history.write(number).cause?;
                let (_, cause_cut) = positions.iter().find(|(other, _)| *other == cause)?;
                let of_cause = self.history(cause);
                let place = of_cause.place_of(source, of_cause.stamp(cause_number)).flatten();
                place.is_none_or(|place| place >= *cause_cut).then_some((number, cause, cause_number))
            });
            if let Some((number, cause, cause_number)) = orphan {
                let what = format!(
                    "point {} holds write {number} of machine {} and not its cause, write {cause_number} of machine {}",
                    point.id.number, machine.0, cause.0
                );
                return self.found(Judge::CommonCut, what);
            }
        }
    }

    /// Everything acknowledged before the pause, nothing after.
    fn judge_pause(&mut self, source: Site, point: RecoveryPoint, positions: &[(MachineId, usize)]) {
        self.judges.looked(Judge::ApplicationPoint);
        let at = sim_time(point.at);
        for (machine, cut) in positions {
            let pause = self.history(*machine).pauses(source).iter().rfind(|pause| pause.from <= at).copied();
            let position = pause.map(|pause| pause.position);
            if position != Some(*cut) {
                let what = format!(
                    "application-consistent point {} holds {cut} writes of machine {}, and at the pause there were {position:?}",
                    point.id.number, machine.0
                );
                self.found(Judge::ApplicationPoint, what);
            }
        }
    }
}
