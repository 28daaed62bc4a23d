//! Recovered machines: what they start from must be exactly the chosen cut, on every disk, sector by sector, in both
//! directions; and a failover to the latest point must hold everything the target had acknowledged.

use switchback_engine::control::{Command, JobKind, PlanCommand, PlanOperation, PlannedPoint};
use switchback_engine::message::Selector;
use switchback_engine::{
    Change, Consistency, DiskId, GroupId, MachineId, PointId, RecoveryPoint, Site, Stamp,
};

use super::{Judge, JudgedRecovery};
use crate::content::Simulated;
use crate::world::{Happening, PhysicalDisk, World};

impl<C: Simulated> World<C> {
    /// A machine starts at a site. If its disks were replaced, it goes on from a recovered state: judge that.
    pub(crate) fn judge_start(&mut self, machine: MachineId, site: Site) {
        if !self.judges.replaced.remove(&(machine, site)) {
            return;
        }
        self.judges.looked(Judge::NothingResurrected);
        let disks = self.machine_image(machine, site);
        match self.judge_image(machine, site.other(), &disks) {
            Ok(position) => {
                self.judge_latest(machine, position);
                self.judge_planned(machine, site, position);
                self.judge_shared_point(machine, site, position);
                self.judges.started_from.insert(machine, position);
                self.find_out_how_it_ended(machine, site, position);
                self.go_on_from(machine, site, position);
            }
            Err(what) => {
                let name = self.spec().machines[machine.0 as usize].name.clone();
                self.found_about(
                    machine,
                    Judge::NothingResurrected,
                    format!("{name} came up with other disks than any cut: {what}"),
                );
                self.judges.started_from.remove(&machine);
                // Whatever it is, the machine writes on; from here its history is followed as if nothing was lost.
                let position = self.history(machine).len(site.other());
                self.go_on_from(machine, site, position);
            }
        }
    }

    /// The system's own log says at its first start whether it was shut down in order before (Windows event 6008).
    fn find_out_how_it_ended(&mut self, machine: MachineId, site: Site, position: usize) {
        let ended = self.judges.shut_down_at.get(&(machine, site.other()));
        let is_windows = self.spec().machines[machine.0 as usize].windows;
        if site == Site::Recovery && is_windows && ended != Some(&position) {
            self.note(Happening::FoundUnclean { machine });
        }
    }

    /// A system has shut itself down in order: everything it wrote is on its disks.
    pub(crate) fn ended_in_order(&mut self, machine: MachineId, site: Site) {
        let position = self.history(machine).len(site);
        self.judges.shut_down_at.insert((machine, site), position);
    }

    /// All disks of a machine at a site as they are now: for each disk its sorted runs, without zeroes.
    pub fn machine_image(&mut self, machine: MachineId, site: Site) -> Vec<Vec<Change<Stamp>>> {
        match site {
            Site::Primary => self.image_of(machine, PhysicalDisk::Home),
            Site::Recovery => self.image_of(machine, PhysicalDisk::Recovered),
        }
    }

    /// What one kind of a machine's disks hold.
    fn image_of(&mut self, machine: MachineId, kind: fn(DiskId) -> PhysicalDisk) -> Vec<Vec<Change<Stamp>>> {
        let count = self.spec().machines[machine.0 as usize].disks.len();
        let disks = (0..count).map(|index| kind(DiskId { machine, index: index as u8 }));
        disks.map(|disk| C::into_stamps(self.disk_runs(disk).unwrap_or_default().to_vec())).collect()
    }

    /// The vault says that a machine was recovered at a site: it must say which point, that must be one of those the
    /// user asked for, and the machine must have been started from what that point held when it was made.
    pub(super) fn judge_choice(&mut self, machine: MachineId, site: Site) {
        let chosen =
            self.control().and_then(|control| control.item(machine)).and_then(|item| item.chosen_point());
        let group = self.spec().group_of(machine.0 as usize).map(|group| group.id);
        let (Some(point), Some(group)) = (chosen, group) else { return };
        if !self.is_as_asked(machine, point) {
            let what = format!(
                "machine {} was recovered to point {point:?}, which is not what was asked for",
                machine.0
            );
            self.found_about(machine, Judge::NothingResurrected, what);
        }
        let promised = self.position_of(machine, site, group, point.id);
        let started_from = self.judges.started_from.get(&machine).copied();
        let (Some(promised), Some(position)) = (promised, started_from) else { return };
        self.judges.looked(Judge::NothingResurrected);
        if promised != position {
            let what = format!(
                "point {} held {promised} writes, the recovered machine has {position}",
                point.id.number
            );
            self.found_about(machine, Judge::NothingResurrected, what);
        }
    }

    /// A test machine boots: its disks hold exactly what its point held when it was chosen.
    pub(crate) fn judge_test_machine(&mut self, machine: MachineId) {
        if !self.judges.reads_back {
            return;
        }
        self.judges.looked(Judge::NothingResurrected);
        let disks = self.image_of(machine, PhysicalDisk::Test);
        let promised = self.promised_to_test(machine);
        let image = self.judge_image(machine, Site::Primary, &disks);
        if let Ok(position) = image {
            self.judge_shared_point(machine, Site::Recovery, position);
        }
        let what = match (image, promised) {
            (Ok(position), Some(promised)) if position != promised => {
                format!("the point of the test held {promised} writes, the test machine has {position}")
            }
            (Ok(_), _) => return,
            (Err(what), _) => format!("a test machine came up with other disks than any cut: {what}"),
        };
        self.found_about(machine, Judge::NothingResurrected, what);
    }

    /// How many writes the point of a machine's test failover held, if the vault can be asked for it.
    fn promised_to_test(&self, machine: MachineId) -> Option<usize> {
        let point = self.last_job(machine, JobKind::TestFailover)?.point()?;
        let group = self.spec().group_of(machine.0 as usize)?.id;
        self.position_of(machine, Site::Recovery, group, point.id)
    }

    /// How many writes of a machine a point held when it was judged.
    fn position_of(&self, machine: MachineId, site: Site, group: GroupId, point: PointId) -> Option<usize> {
        let positions = self.positions_of(site, group, point)?;
        positions.iter().find(|(m, _)| *m == machine).map(|(_, position)| *position)
    }

    /// Whether a point is of the kind that the user asked for last.
    fn is_as_asked(&self, machine: MachineId, point: RecoveryPoint) -> bool {
        let wishes = self.wishes_of(machine);
        wishes.is_empty()
            || wishes.iter().any(|wanted| match wanted {
                Selector::LatestApplication => point.consistency == Consistency::Application,
                Selector::LatestCrash => point.consistency == Consistency::Crash,
                // A change of point that failed leaves the machine at the point it had.
                Selector::Exactly(id) => point.id == *id || self.last_change_failed(machine),
                Selector::Latest | Selector::LatestProcessed | Selector::Drained => true,
            })
    }

    /// The points that the user may have been promised last: by the newest request that was accepted, or by one after
    /// it that nobody has answered. A refused one promises nothing.
    fn wishes_of(&self, machine: MachineId) -> Vec<Selector> {
        let mut wishes = Vec::new();
        for (id, command) in self.asked().iter().rev() {
            let wanted = match command {
                Command::Failover { machine: of, to, .. } if *of == machine => *to,
                Command::ChangePoint { machine: of, to } if *of == machine => Selector::Exactly(*to),
                Command::PlannedFailover { machine: of, to } if *of == machine => planned(*to),
                Command::Plan(PlanCommand::Start(plan, PlanOperation::Failover { to, .. }))
                    if self
                        .plan_as_asked(*plan)
                        .is_some_and(|plan| plan.machines().any(|of| of == machine)) =>
                {
                    *to
                }
                Command::Plan(PlanCommand::Start(plan, PlanOperation::PlannedFailover { to }))
                    if self
                        .plan_as_asked(*plan)
                        .is_some_and(|plan| plan.machines().any(|of| of == machine)) =>
                {
                    planned(*to)
                }
                _ => continue,
            };
            match self.reply(*id) {
                Some(Err(_)) => {}
                Some(Ok(_)) => {
                    wishes.push(wanted);
                    break;
                }
                None => wishes.push(wanted),
            }
        }
        wishes
    }

    /// A planned failover to what the machine has written loses nothing, whatever was written when.
    fn judge_planned(&mut self, machine: MachineId, site: Site, position: usize) {
        if site != Site::Primary || !self.wishes_of(machine).iter().all(|wish| *wish == Selector::Drained) {
            return;
        }
        self.judges.looked(Judge::LatestMeansLatest);
        let written = self.history(machine).len(site.other());
        if position < written {
            let what = format!(
                "machine {} had written {written} times, a planned failover brought {position} home",
                machine.0
            );
            self.found_about(machine, Judge::LatestMeansLatest, what);
        }
    }

    fn judge_latest(&mut self, machine: MachineId, position: usize) {
        let Some(floor) = self.judges.tap.take_floor(machine) else { return };
        self.judges.looked(Judge::LatestMeansLatest);
        if position < floor {
            let what = format!(
                "the target had acknowledged {floor} writes of a common cut, latest recovered {position}"
            );
            self.found_about(machine, Judge::LatestMeansLatest, what);
        }
    }

    fn go_on_from(&mut self, machine: MachineId, site: Site, position: usize) {
        let history = &mut self.truth[machine.0 as usize];
        let loss = history.loss_between(site.other(), position, usize::MAX);
        history.recover(site, position);
        self.judges.replays.remove(&(machine, site));
        // The line of this side is another one from now on.
        if let Some(group) = self.spec.group_of(machine.0 as usize) {
            self.judges.causal.retain(|(of, at), _| (of.whole(), *at) != (group.id, site));
        }
        let at = self.now();
        self.judges.recoveries.push(JudgedRecovery { machine, site, at, position, loss });
        self.note(Happening::Recovered { machine, site, loss });
    }
}

/// What a planned failover is asked for.
const fn planned(to: PlannedPoint) -> Selector {
    match to {
        PlannedPoint::CrashConsistent => Selector::Drained,
        PlannedPoint::ApplicationConsistent => Selector::LatestApplication,
    }
}
