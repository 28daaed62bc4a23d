//! Disks that lie, and devices that are slow.

use core::time::Duration;

use switchback_disks::{ReadFault, WriteFault};
use switchback_engine::role::Address;
use switchback_engine::{Change, MachineId, Site};

use super::Fault;
use crate::content::Simulated;
use crate::world::storage::device_spec;
use crate::world::{Happening, PhysicalDisk, World};

/// A way a disk can lie, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum DiskLie {
    /// Only the first sector of the next longer write arrives.
    Torn,
    /// The next write does not arrive.
    Lost,
    /// The next write lands elsewhere.
    Misdirected,
    /// A place that holds something has decayed.
    Rotten,
    /// The next writes of who keeps it up to date are answered with an error: it says so, and that is no lie.
    Refused,
}

/// A device that can be slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum SlowDevice {
    /// What the disks of a machine lie on, wherever it runs, and with them what its agent writes down.
    Machine(MachineId),
    /// What the replica disks lie on, and the log of the target that has them.
    Replica,
}

impl<C: Simulated> World<C> {
    /// Makes a disk lie once, or fail; false when there is no such disk now, or nothing on it that could decay.
    pub fn disk_lies(&mut self, disk: PhysicalDisk, lie: DiskLie) -> bool {
        let mut chance = self.chance.fork();
        let Some(virtual_disk) = self.storage.disk_mut(disk) else { return false };
        match lie {
            DiskLie::Torn => virtual_disk.arm_write(WriteFault::Torn { keep_sectors: 1 }),
            DiskLie::Lost => virtual_disk.arm_write(WriteFault::Lost),
            DiskLie::Misdirected => {
                let to = chance.below(virtual_disk.sectors());
                virtual_disk.arm_write(WriteFault::Misdirected { to });
            }
            DiskLie::Rotten => {
                let runs = virtual_disk.runs();
                let Some(run) = chance.pick(&runs) else { return false };
                let decayed = Change { start: run.start, sectors: 1, content: C::damage() };
                virtual_disk.arm_read(ReadFault::Rot(decayed));
            }
            DiskLie::Refused => virtual_disk.arm_write(WriteFault::Refused),
        }
        if lie != DiskLie::Refused {
            self.judges.expect_damage(disk.id().machine);
        }
        self.note(Happening::DiskLies { disk, lie });
        true
    }

    /// Makes every request to a device take so much longer for a while.
    pub fn slow_device(&mut self, device: SlowDevice, by: Duration, lasting: Duration) {
        self.begin_fault(Fault::SlowDevice(device, by), Some(lasting));
        self.note(Happening::DeviceSlow { device, by, lasting });
    }

    pub(super) fn apply_to_device(&mut self, device: SlowDevice) {
        let slower = self.under_way.iter().filter_map(|fault| match fault {
            Fault::SlowDevice(of, by) if *of == device => Some(*by),
            _ => None,
        });
        let slower: Duration = slower.sum();
        let timing = match device {
            SlowDevice::Machine(_) => &self.spec.machine_disk,
            SlowDevice::Replica => &self.spec.backend_disk,
        };
        let timing = timing.slower_by(slower);
        self.storage.set_timing(device, &timing);
        let stores = match device {
            SlowDevice::Machine(machine) => {
                vec![Address::Agent(machine, Site::Primary), Address::Agent(machine, Site::Recovery)]
            }
            SlowDevice::Replica => vec![Address::Target(Site::Recovery)],
        };
        let spec = device_spec(&timing);
        stores.into_iter().for_each(|store| self.hosts.set_store_timing(store, &spec));
    }
}
