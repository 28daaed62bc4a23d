//! Disks at home as somebody reaches them who comes past the machine: a client of vCenter reads them, writes to them while
//! the machine is off, and puts back what a snapshot kept. The machine's agent hears of none of it, as in the real thing:
//! what is changed under a protected machine is found by the next comparison of its disks.

use switchback_disks::{Snapshot, VirtualDisk};
use switchback_engine::{Change, DiskId, MachineId, Site, Stamp};

use super::{PhysicalDisk, World};
use crate::content::Simulated;
use crate::truth::IssuedWrite;

impl<C: Simulated> World<C> {
    /// What a disk at home holds now; none where there is no such disk.
    pub fn home_disk(&mut self, disk: DiskId) -> Option<Snapshot<C>> {
        self.storage.snapshot(PhysicalDisk::Home(disk))
    }

    /// A disk at home holds that from now on, durably. Where there is none, nothing happens.
    pub fn restore_home_disk(&mut self, disk: DiskId, contents: &Snapshot<C>) {
        if self.storage.disk(PhysicalDisk::Home(disk)).is_some() {
            let contents = VirtualDisk::from_snapshot(contents).with_write_through();
            self.storage.set(PhysicalDisk::Home(disk), Some(contents));
        }
    }

    /// Somebody writes to a disk at home: the stamp that the sectors carry then. None, and nothing happens, where there is no such place.
    pub fn write_home_disk(&mut self, disk: DiskId, start: u64, sectors: u32) -> Option<Stamp> {
        let DiskId { machine: MachineId(machine), index } = disk;
        let now = self.now();
        let home = self.storage.disk(PhysicalDisk::Home(disk))?;
        if start.checked_add(u64::from(sectors)).is_none_or(|end| end > home.sectors()) || sectors == 0 {
            return None;
        }
        let history = self.truth.get_mut(machine as usize)?;
        let write = IssuedWrite { disk: index, sectors, start, issued_at: now, cause: None };
        let number = history.issue(write);
        let stamp = history.stamp(number);
        history.acknowledge(Site::Primary, number, now);
        let content = C::of_write(stamp, sectors);
        let home = self.storage.disk_mut(PhysicalDisk::Home(disk))?;
        home.write(Change { start, sectors, content }).ok().map(|()| stamp)
    }
}
