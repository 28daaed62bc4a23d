//! Disks that an operator makes larger, and what follows from it for the machine and for the replica.

use switchback_engine::role::{Address, Input};
use switchback_engine::{Change, DiskId, MachineId, SectorRange, Site};

use super::{Happening, PhysicalDisk, World};
use crate::content::Simulated;

impl<C: Simulated> World<C> {
    /// An operator makes a disk of the machine at home larger.
    pub fn operator_grows_disk(&mut self, disk: DiskId, sectors: u64) {
        if let Err(fault) = self.grow_disk(disk, sectors) {
            self.operator_refused(Some(disk.machine), &fault);
        }
    }

    /// A disk of the machine at home is made larger.
    ///
    /// # Errors
    /// What the vCenter says to that.
    pub fn grow_disk(&mut self, disk: DiskId, sectors: u64) -> Result<(), switchback_vsphere::Fault> {
        let now = self.now();
        let consequences = self.vcenter.grow_disk(now, disk.machine, disk.index, sectors)?;
        self.note(Happening::DiskGrew { disk, sectors });
        consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        Ok(())
    }

    /// How large the disks of a machine are, in sectors: as at home, or as they were made where there is none.
    #[must_use]
    pub fn disk_sizes(&self, machine: MachineId) -> Vec<u64> {
        let made = self.spec.machines[machine.0 as usize].disks.iter().map(|disk| disk.sectors);
        let sizes = (0..).zip(made).map(|(index, made)| {
            self.storage
                .disk(PhysicalDisk::Home(DiskId { machine, index }))
                .map_or(made, |disk| disk.sectors())
        });
        sizes.collect()
    }

    /// A disk of a machine whose replica is smaller than the disk at home.
    #[must_use]
    pub fn too_small_replica(&self, machine: MachineId) -> Option<DiskId> {
        let disks = 0..self.spec.machines[machine.0 as usize].disks.len() as u8;
        disks.map(|index| DiskId { machine, index }).find(|disk| {
            let size = |disk| self.storage.disk(disk).map(|disk| disk.sectors());
            let replica = size(PhysicalDisk::Replica(*disk));
            replica.zip(size(PhysicalDisk::Home(*disk))).is_some_and(|(replica, home)| replica < home)
        })
    }

    /// A disk at home has grown. A machine that runs sees it at once: its applications write there from now on, and its
    /// agent is told.
    pub(super) fn home_disk_grew(&mut self, disk: DiskId, sectors: u64) {
        self.disk_grows(PhysicalDisk::Home(disk), sectors);
        if self.is_running(disk.machine, Site::Primary) {
            self.tell_size(disk, Site::Primary);
        }
    }

    pub(super) fn disk_grows(&mut self, disk: PhysicalDisk, sectors: u64) {
        if let Some(disk) = self.storage.disk_mut(disk) {
            let grown = disk.resize(sectors);
            debug_assert!(grown.is_ok(), "whoever lets a disk grow knows how large it was");
        }
    }

    /// A target lets a replica disk grow. At home the disk is the machine's own, and an operator's to make larger.
    pub(super) fn grow_replica(&mut self, from: Address, disk: DiskId, sectors: u64) {
        if from == Address::Target(Site::Recovery) {
            let consequences = self.azure.grow_replica(disk, sectors);
            consequences.into_iter().for_each(|consequence| self.azure_consequence(consequence));
        }
    }

    /// A machine has started: it sees how large its disks are.
    pub(super) fn tell_sizes(&mut self, machine: MachineId, site: Site) {
        for index in 0..self.spec.machines[machine.0 as usize].disks.len() {
            self.tell_size(DiskId { machine, index: index as u8 }, site);
        }
    }

    fn tell_size(&mut self, disk: DiskId, site: Site) {
        let made = self.spec.machines[disk.machine.0 as usize].disks[usize::from(disk.index)].sectors;
        let Some(sectors) = self.size_at(disk, site) else { return };
        let running = [Site::Primary, Site::Recovery].into_iter();
        let running = running.filter(|site| self.is_running(disk.machine, *site));
        // While two copies run, the applications of both are on what the smaller disk has.
        let least = running.filter_map(|site| self.size_at(disk, site)).min().unwrap_or(sectors);
        let workloads = &mut self.workloads[disk.machine.0 as usize];
        workloads.iter_mut().for_each(|workload| workload.fit(disk.index, least));
        if sectors != made {
            self.input(Address::Agent(disk.machine, site), Input::DiskGrew { disk: disk.index, sectors });
        }
    }

    fn size_at(&self, disk: DiskId, site: Site) -> Option<u64> {
        let physical =
            if site == Site::Primary { PhysicalDisk::Home(disk) } else { PhysicalDisk::Recovered(disk) };
        self.storage.disk(physical).map(|disk| disk.sectors())
    }

    /// A machine begins to come home to a disk that is larger than the one it has away: it grew so shortly before the
    /// failover that nobody away heard of it. What lies behind is in no file system of the machine any more, and nobody
    /// reads it. Here it is zeroes.
    pub(super) fn forget_behind(&mut self, disk: DiskId) {
        let away = self.size_at(disk, Site::Recovery);
        let home = self.size_at(disk, Site::Primary);
        let behind = away.zip(home).map(|(away, home)| SectorRange { start: away, end: home.max(away) });
        let Some(home) = self.storage.disk_mut(PhysicalDisk::Home(disk)) else { return };
        for change in behind.into_iter().flat_map(Change::zeroes) {
            let written = home.write(change);
            debug_assert!(written.is_ok(), "it lies on the disk");
        }
        home.flush();
    }
}
