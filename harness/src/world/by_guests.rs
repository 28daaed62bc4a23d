//! Writes that somebody in a machine makes, beside what its applications write: they go the way of all writes of the machine,
//! and are captured, acknowledged and replicated like those.

use switchback_engine::{DiskId, MachineId, Site, Stamp};
use switchback_sim::SimTime;
use thiserror::Error;

use super::{PhysicalDisk, World};
use crate::content::Simulated;
use crate::workload::Planned;

/// Why a machine does not write that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoWrite {
    /// It runs nowhere.
    #[error("the machine is off")]
    Off,
    /// It is shutting down.
    #[error("the machine is shutting down")]
    Stopping,
    /// It runs, and its writes are held for now: there is a barrier, or its applications pause.
    #[error("the machine's writes are held")]
    Held,
    /// There is no such place.
    #[error("sectors {start} to {end} do not lie on the disk, which has {sectors}")]
    Outside {
        /// The first sector.
        start: u64,
        /// The one behind the last.
        end: u64,
        /// How many the disk has.
        sectors: u64,
    },
}

/// A write that a machine has issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestWrite {
    /// Its number among those of its machine.
    pub number: u32,
    /// What its sectors carry.
    pub stamp: Stamp,
    machine: MachineId,
    site: Site,
    life: u32,
}

impl<C: Simulated> World<C> {
    /// Somebody in a machine writes to one of its disks, wherever it runs.
    ///
    /// # Errors
    /// [`NoWrite`]; nothing was written.
    pub fn write_as_guest(&mut self, disk: DiskId, start: u64, sectors: u32) -> Result<GuestWrite, NoWrite> {
        let DiskId { machine, index } = disk;
        let site = self.running_site(machine).ok_or(NoWrite::Off)?;
        self.guest(machine, site).takes_writes()?;
        let physical = match site {
            Site::Primary => PhysicalDisk::Home(disk),
            Site::Recovery => PhysicalDisk::Recovered(disk),
        };
        let size = self.storage.disk(physical).map_or(0, |disk| disk.sectors());
        let end = start.saturating_add(u64::from(sectors));
        if sectors == 0 || end > size {
            return Err(NoWrite::Outside { start, end, sectors: size });
        }
        let life = self.guest(machine, site).life;
        self.issue(machine, site, Planned { disk: index, start, sectors }, None);
        let history = &self.truth[machine.0 as usize];
        let number = history.issued() as u32;
        Ok(GuestWrite { number, stamp: history.stamp(number), machine, site, life })
    }

    /// When a write was acknowledged, if it was; none at all when it will never be, because its machine went off before.
    #[must_use]
    pub fn acknowledgement(&self, write: &GuestWrite) -> Option<Option<SimTime>> {
        let history = &self.truth[write.machine.0 as usize];
        match history.place_of(write.site, write.stamp).flatten() {
            Some(place) => Some(Some(history.acknowledged_at(write.site, place))),
            None => (self.guest(write.machine, write.site).life == write.life).then_some(None),
        }
    }
}
