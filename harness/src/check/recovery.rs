//! Recovered machines: what they start from must be exactly the chosen cut, on every disk, sector by sector, in both
//! directions; and a failover to the latest point must hold everything the target had acknowledged.

use switchback_engine::{Change, DiskId, MachineId, Site, Stamp};

use super::image::stamps_of;
use super::{Judge, JudgedRecovery};
use crate::content::Simulated;
use crate::world::{Happening, PhysicalDisk, World};

impl<C: Simulated> World<C> {
    /// A machine starts at a site. If its disks were replaced, it goes on from a recovered state: judge that.
    pub(crate) fn judge_start(&mut self, machine: MachineId, site: Site) {
        if !self.judges.replaced.remove(&(machine, site)).unwrap_or(false) {
            return;
        }
        self.judges.looked(Judge::NothingResurrected);
        let disks = self.read_machine(machine, site);
        match self.judge_image(machine, site.other(), disks) {
            Ok(position) => {
                self.judge_choice(machine, site, position);
                self.judge_latest(machine, position);
                self.go_on_from(machine, site, position);
            }
            Err(what) => {
                let name = self.spec().machines[machine.0 as usize].name.clone();
                self.found(Judge::NothingResurrected, format!("{name} came up with other disks than any cut: {what}"));
                // Whatever it is, the machine writes on; from here its history is followed as if nothing was lost.
                let position = self.history(machine).len(site.other());
                self.go_on_from(machine, site, position);
            }
        }
    }

    fn read_machine(&mut self, machine: MachineId, site: Site) -> Vec<Vec<Change<Stamp>>> {
        let count = self.spec().machines[machine.0 as usize].disks.len();
        let physical = |disk| if site == Site::Primary { PhysicalDisk::Home(disk) } else { PhysicalDisk::Recovered(disk) };
        let disks = (0..count).map(|index| physical(DiskId { machine, index: index as u8 }));
        disks.map(|disk| stamps_of(&self.disk_runs(disk).unwrap_or_default())).collect()
    }

    /// The machine holds what the point held that the vault says it recovered.
    fn judge_choice(&mut self, machine: MachineId, site: Site, position: usize) {
        let chosen = self.control().and_then(|control| control.item(machine)).and_then(|item| item.chosen_point());
        let Some(group) = self.spec().group_of(machine.0 as usize).map(|group| group.id) else { return };
        let Some(point) = chosen else { return };
        let promised = self
            .positions_of(site, group, point.id)
            .and_then(|positions| positions.iter().find(|(m, _)| *m == machine).map(|(_, position)| *position));
        if promised.is_some_and(|promised| promised != position) {
            let what = format!("point {} held {promised:?} writes, the recovered machine has {position}", point.id.number);
            self.found(Judge::NothingResurrected, what);
        }
    }

    fn judge_latest(&mut self, machine: MachineId, position: usize) {
        let Some(floor) = self.judges.tap.take_floor(machine) else { return };
        self.judges.looked(Judge::LatestMeansLatest);
        if position < floor {
            let what = format!("the target had acknowledged {floor} writes of a common round, latest recovered {position}");
            self.found(Judge::LatestMeansLatest, what);
        }
    }

    fn go_on_from(&mut self, machine: MachineId, site: Site, position: usize) {
        let history = &mut self.truth[machine.0 as usize];
        let loss = history.loss_after(site.other(), position);
        history.recover(site, position);
        self.judges.replays.remove(&(machine, site));
        self.judges.tap.forget(machine);
        let at = self.now();
        self.judges.recoveries.push(JudgedRecovery { machine, site, at, position, loss });
        self.note(Happening::Recovered { machine, site, loss });
    }
}
