//! Recovery points: each is read back in full when it comes into being, and again while it is kept. It must show
//! exactly a prefix of each machine's write order, on all its disks; the prefixes of a group must be causal; an
//! application-consistent one must end at the pause of the applications; and it must hold everything that was
//! acknowledged before the instant it says it restores, because the reported lag is counted from there.
//!
//! A look costs time linear in what a disk holds and in the writes since the last look.

use core::ops::Range;

use switchback_engine::control::ItemState;
use switchback_engine::{
    Change, Consistency, Direction, DiskId, GroupId, MachineId, PointId, RecoveryPoint, Site, Stamp,
};
use switchback_sim::SimTime;
use switchback_vsphere::VirtualMachine;

use super::image::{Image, Replay, cut_of, first_difference};
use super::{Judge, JudgedPoint};
use crate::content::Simulated;
use crate::truth::Pause;
use crate::world::{PhysicalDisk, World, sim_time};

/// How many writes of a machine a point holds.
type Positions = Vec<(MachineId, usize)>;

impl<C: Simulated> World<C> {
    /// A point has come into being, or was chosen. What retention gave up before it was announced, or the journal of
    /// another generation has replaced, cannot be read any more.
    pub(crate) fn judge_new_point(&mut self, site: Site, group: GroupId, point: RecoveryPoint) {
        if !self.judges.reads_back {
            return;
        }
        let journal = self.target(site).and_then(|target| target.journal(group));
        // It is nearly always the newest.
        if !journal.is_some_and(|journal| journal.points().iter().rev().any(|kept| *kept == point)) {
            return;
        }
        if self.judged_point(site, group, point.id).is_some() {
            return self.judge_kept_point(site, group, point);
        }
        let positions = self.judge_point(site, group, point);
        self.judge_instant(site.other(), point, &positions);
        let at = sim_time(point.at);
        let created_at = self.now();
        let (id, consistency) = (point.id, point.consistency);
        self.judges.note_point(JudgedPoint { site, group, id, consistency, at, created_at, positions });
    }

    /// Every point that is kept must still show what it showed when it was made.
    pub fn judge_kept_points(&mut self) {
        [Site::Recovery, Site::Primary].into_iter().for_each(|site| self.judge_kept_points_at(site));
    }

    /// The same of the target of one site.
    pub(crate) fn judge_kept_points_at(&mut self, site: Site) {
        let groups: Vec<GroupId> =
            self.target(site).into_iter().flat_map(|target| target.journals()).map(|(id, _)| id).collect();
        for group in groups {
            let points =
                self.target(site).and_then(|target| target.journal(group)).map(|j| j.points().to_vec());
            for point in points.unwrap_or_default() {
                self.judge_new_point(site, group, point);
            }
        }
    }

    fn judge_kept_point(&mut self, site: Site, group: GroupId, point: RecoveryPoint) {
        let before = self.positions_of(site, group, point.id).unwrap_or_default();
        let now = self.judge_point(site, group, point);
        let was = |machine| before.iter().find(|(m, _)| *m == machine).map(|(_, cut)| *cut);
        let changed = now.iter().find(|(machine, cut)| was(*machine).is_some_and(|was| was != *cut)).copied();
        if let Some((machine, cut)) = changed {
            let what = format!(
                "point {} held {:?} writes of machine {} when it was made, and now holds {cut}",
                point.id.number,
                was(machine),
                machine.0
            );
            self.found_about(machine, Judge::Prefix, what);
        }
    }

    fn judged_point(&self, site: Site, group: GroupId, id: PointId) -> Option<&JudgedPoint> {
        // The newest are asked for most.
        let of_group = self.judges.point_places.get(&(site, group.whole()))?.iter().rev();
        of_group.map(|place| &self.judges.points[*place]).find(|point| point.id == id)
    }

    /// How many writes of each machine a point held when it was judged.
    pub(crate) fn positions_of(&self, site: Site, group: GroupId, id: PointId) -> Option<Positions> {
        Some(self.judged_point(site, group, id)?.positions.clone())
    }

    /// Reads a point back and holds it against the truth; the cut of each machine.
    fn judge_point(&mut self, site: Site, group: GroupId, point: RecoveryPoint) -> Positions {
        let mut machines = self.machines_of(site, group);
        // What one has written that has come back since is another line.
        let at = sim_time(point.at);
        machines.retain(|machine| !self.has_come_to(site.other(), MachineId(*machine as u32), at));
        let mut positions = Vec::with_capacity(machines.len());
        for machine in &machines {
            let machine = MachineId(*machine as u32);
            match self.cut_shown(site, group, machine, point.id) {
                Ok(cut) => positions.extend(cut.map(|cut| (machine, cut))),
                Err(what) => {
                    let name = &self.spec().machines[machine.0 as usize].name;
                    let what =
                        format!("point {} shows no prefix of {name}'s writes: {what}", point.id.number);
                    self.found_about(machine, Judge::Prefix, what);
                }
            }
        }
        if positions.len() > 1 {
            self.judge_causality(group, site.other(), point, &positions, positions.len() == machines.len());
        }
        if point.consistency == Consistency::Application {
            self.judge_pause(site.other(), point, &positions);
        }
        positions
    }

    /// The machines that a journal is about: all of a group, or of a part of it those that share points with one of them.
    fn machines_of(&self, site: Site, group: GroupId) -> Vec<usize> {
        let all = self.spec().group(group).map_or(&[][..], |group| &group.machines);
        let takes = |machine: &usize| {
            let taken_by = self.target(site)?.group_of_machine(MachineId(*machine as u32));
            (taken_by == Some(group)).then_some(MachineId(*machine as u32))
        };
        let one = all.iter().find_map(takes);
        one.map_or_else(|| all.to_vec(), |one| self.sharing(one, site).into_owned())
    }

    /// The cut of a machine that a point shows; `None` if the machine has no part in it.
    fn cut_shown(
        &mut self,
        site: Site,
        group: GroupId,
        machine: MachineId,
        point: PointId,
    ) -> Result<Option<usize>, String> {
        if self.runs_from_replica(machine, site) || self.has_left(machine, site) {
            return Ok(None);
        }
        let Some(disks) = self.read_point(site, group, machine, point)? else { return Ok(None) };
        self.judges.looked(Judge::Prefix);
        self.judge_image(machine, site.other(), &disks).map(Some)
    }

    /// At home the replica disks are the machine's own: once it is brought home they follow the machine, not the point.
    /// It may be home before the vault has heard that it is.
    fn runs_from_replica(&self, machine: MachineId, site: Site) -> bool {
        let is_home = !matches!(
            self.judges.state(machine),
            ItemState::Enabling(Direction::Reverse)
                | ItemState::Synchronising(Direction::Reverse)
                | ItemState::Protected(Direction::Reverse)
                | ItemState::FailingOver(Direction::Reverse)
        );
        let is_attached = || self.vcenter().machine(machine).is_some_and(VirtualMachine::lends_disks);
        site == Site::Primary && (is_home || !is_attached())
    }

    /// A machine whose protection is ended, or being ended, has no replica disks any more, also while others of its
    /// group still have the journal. A commit away gives the points up and leaves the chosen one on the replica disks.
    fn has_left(&self, machine: MachineId, site: Site) -> bool {
        match self.judges.state(machine) {
            ItemState::Disabling | ItemState::Unprotected => true,
            ItemState::Committing(direction) | ItemState::Committed(direction) => direction.target() == site,
            _ => false,
        }
    }

    /// All disks of a machine at a point, as somebody who restores them would find them: for each disk its sorted
    /// runs, without zeroes. `None` if the machine has no part in the point, or its disks cannot all be read.
    pub fn point_image(
        &mut self,
        site: Site,
        group: GroupId,
        machine: MachineId,
        point: PointId,
    ) -> Option<Vec<Vec<Change<Stamp>>>> {
        self.read_point(site, group, machine, point).ok().flatten()
    }

    /// All disks of a machine at a point; `None` if the machine has no part in it.
    ///
    /// # Errors
    /// Disks that are missing although others are there, or although the machine replicates to that journal.
    fn read_point(
        &mut self,
        site: Site,
        group: GroupId,
        machine: MachineId,
        point: PointId,
    ) -> Result<Option<Image>, String> {
        let count = self.spec().machines[machine.0 as usize].disks.len();
        let disk = |index| DiskId { machine, index: index as u8 };
        let journal = self.target(site).and_then(|target| target.journal(group));
        let views: Vec<_> = (0..count).filter_map(|index| journal?.view(disk(index), point)).collect();
        if views.len() < count {
            let state = self.judges.state(machine);
            let away = |direction: Direction| direction.target() == site;
            let has_part = matches!(state, ItemState::Synchronising(d) | ItemState::Protected(d) if away(d));
            let is_lost = has_part || !views.is_empty();
            return if is_lost {
                Err(format!("{} of {count} disks can be read", views.len()))
            } else {
                Ok(None)
            };
        }
        let mut image = Vec::with_capacity(count);
        for view in views {
            let disk = view.disk();
            let physical =
                if site == Site::Primary { PhysicalDisk::Home(disk) } else { PhysicalDisk::Replica(disk) };
            let base = self.disk_runs(physical).unwrap_or_default();
            image.push(C::into_stamps(view.materialise(&base)));
        }
        Ok(Some(image))
    }

    /// The cut that a machine's disks show, if they show exactly a prefix of its line on the source side.
    pub(crate) fn judge_image(
        &mut self,
        machine: MachineId,
        source: Site,
        disks: &Image,
    ) -> Result<usize, String> {
        let history = &self.truth[machine.0 as usize];
        let cut = cut_of(disks, history, source)?;
        let spec = &self.spec;
        let replay =
            self.judges.replays.entry((machine, source)).or_insert_with(|| Replay::new(machine, spec));
        replay.go_to(cut, history, source, spec, machine);
        for (index, shown) in disks.iter().enumerate() {
            if let Some(difference) = first_difference(shown, &replay.runs(index)) {
                return Err(format!("with {cut} writes, {}", difference.describe(index)));
            }
        }
        Ok(cut)
    }

    /// No effect without its cause. Looks at what is new since the last point in which all machines had a part.
    fn judge_causality(
        &mut self,
        group: GroupId,
        source: Site,
        point: RecoveryPoint,
        positions: &Positions,
        is_whole: bool,
    ) {
        let known = self.judges.causal.get(&(group, source));
        let known_of = |machine: MachineId| {
            known.and_then(|known| known.iter().find(|(m, _)| *m == machine)).map_or(0, |(_, cut)| *cut)
        };
        let has_grown = positions.iter().all(|(machine, cut)| known_of(*machine) <= *cut);
        let from = |machine| if has_grown { known_of(machine) } else { 0 };
        let news: Vec<_> = positions.iter().map(|(machine, cut)| (*machine, from(*machine)..*cut)).collect();
        let mut effects = 0;
        let orphan = news.into_iter().find_map(|(machine, places)| {
            self.effect_without_cause(source, machine, places, positions, &mut effects)
        });
        // Machines that have nothing to do with each other show nothing.
        if effects > 0 {
            self.judges.looked(Judge::CommonCut);
        }
        match orphan {
            Some(what) => {
                let machine = positions[0].0;
                self.found_about(machine, Judge::CommonCut, format!("point {} {what}", point.id.number));
            }
            None if has_grown && is_whole => {
                self.judges.causal.insert((group, source), positions.clone());
            }
            None => {}
        }
    }

    /// The first effect at some places of a machine's line whose cause is not in the cut, and how many effects there
    /// are up to it.
    fn effect_without_cause(
        &self,
        source: Site,
        machine: MachineId,
        places: Range<usize>,
        positions: &Positions,
        effects: &mut u64,
    ) -> Option<String> {
        let history = self.history(machine);
        places.map(|place| history.at(source, place)).find_map(|number| {
            let (cause, cause_number) = history.write(number).cause?;
            let (_, cause_cut) = positions.iter().find(|(other, _)| *other == cause)?;
            let of_cause = self.history(cause);
            // A cause that is not in the line was lost by a failover: no cut can bring it back.
            let place = of_cause.place_of(source, of_cause.stamp(cause_number)).flatten()?;
            *effects += 1;
            (place >= *cause_cut).then(|| {
                format!(
                    "holds write {number} of machine {} and not its cause, write {cause_number} of machine {}",
                    machine.0, cause.0
                )
            })
        })
    }

    /// Whether a machine has gone on at a site from recovered disks since: its line there is another one.
    fn has_come_to(&self, site: Site, machine: MachineId, since: SimTime) -> bool {
        let mut recoveries = self.judges.recoveries.iter().rev();
        recoveries.any(|recovery| (recovery.machine, recovery.site) == (machine, site) && recovery.at > since)
    }

    /// Everything acknowledged before the pause, nothing after.
    fn judge_pause(&mut self, source: Site, point: RecoveryPoint, positions: &Positions) {
        self.judges.looked(Judge::ApplicationPoint);
        let at = sim_time(point.at);
        for (machine, cut) in positions {
            // The instant is that of a clock, which may be off.
            let (from, until) = (at.saturating_sub(self.clock_spread()), at + self.clock_spread());
            let fits = |pause: &&Pause| pause.from <= until && pause.until.is_none_or(|over| from <= over);
            let mut pauses = self.history(*machine).pauses(source).iter().rev().filter(fits);
            let position = pauses.clone().next().map(|pause| pause.position);
            if !pauses.any(|pause| pause.position == *cut) {
                let what = format!(
                    "application-consistent point {} holds {cut} writes of machine {}, and at the pause there were {position:?}",
                    point.id.number, machine.0
                );
                self.found_about(*machine, Judge::ApplicationPoint, what);
            }
        }
    }

    /// Everything acknowledged before the instant that the point says it restores.
    fn judge_instant(&mut self, source: Site, point: RecoveryPoint, positions: &Positions) {
        self.judges.looked(Judge::HonestRpo);
        let before = SimTime::from_nanos(point.at.0.saturating_sub(1)).saturating_sub(self.clock_spread());
        for (machine, cut) in positions {
            let due = self.history(*machine).position_at(source, before);
            if *cut < due {
                let what = format!(
                    "point {} says it restores {}, when machine {} had {due} writes; it holds {cut}",
                    point.id.number,
                    sim_time(point.at),
                    machine.0
                );
                self.found_about(*machine, Judge::HonestRpo, what);
            }
        }
    }
}
