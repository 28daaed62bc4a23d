//! What a machine's disks hold, for the operations that read and write them.

use std::sync::Arc;

use switchback_disks::{ByteFile, Image};
use switchback_engine::DiskId;

use super::contents::Now;
use super::fault::SoapFault;
use super::properties::disk_files;
use super::store::DatastorePath;
use super::{Home, Vim};
use crate::moid::SnapshotMoid;
use crate::virtual_machine::VirtualMachine;

/// `web.vmdk` has its bytes in `web-flat.vmdk`.
pub(super) fn extent_of(descriptor: &DatastorePath) -> DatastorePath {
    let name = descriptor.name();
    let stem = name.strip_suffix(".vmdk").unwrap_or(name);
    descriptor.beside(&format!("{stem}-flat.vmdk"))
}

/// The disk of a machine that the world keeps.
pub(super) fn known_disk(vm: &VirtualMachine, place: usize) -> Option<DiskId> {
    let machine = vm.machine.filter(|_| place < vm.disks.len())?;
    Some(DiskId { machine, index: u8::try_from(place).ok()? })
}

impl Vim {
    /// What a disk holds now.
    pub(super) fn now(
        &mut self,
        home: &mut dyn Home,
        vm: &VirtualMachine,
        place: usize,
    ) -> Result<Now, SoapFault> {
        if let Some(disk) = known_disk(vm, place) {
            // Another machine may have come into the place of one that was unregistered, and has the disks there.
            if home.vcenter().machine(disk.machine).is_some_and(|present| present.moid != vm.moid) {
                return Err(unknown(vm));
            }
            let contents = home.disk(disk).ok_or_else(|| unknown(vm))?;
            return Ok(Now::Known(contents));
        }
        let file = vm.settings.disks.iter().find(|disk| disk.place == place).ok_or_else(|| unknown(vm))?;
        let at = extent_of(&DatastorePath { store: file.datastore, path: file.path.clone() });
        let file = self.store.file_mut(&at).ok_or_else(|| SoapFault::file("FileNotFound", &at.path))?;
        Ok(Now::File(file.contents.image().contents().clone()))
    }

    /// What a disk holds now, or what a snapshot kept of it.
    pub(super) fn image(
        &mut self,
        home: &mut dyn Home,
        vm: &VirtualMachine,
        place: usize,
        snapshot: Option<SnapshotMoid>,
    ) -> Result<Arc<dyn Image>, SoapFault> {
        let contents = match snapshot {
            None => self.now(home, vm, place)?,
            Some(snapshot) => self.kept.kept(vm.moid, place, snapshot).ok_or_else(not_kept)?,
        };
        Ok(self.kept.image(contents, home.bytes_of()))
    }

    /// What the first file of a disk holds: the disk itself, or what the snapshot kept that stands on it.
    pub(super) fn base_image(
        &mut self,
        home: &mut dyn Home,
        vm: &VirtualMachine,
        place: usize,
    ) -> Result<Arc<dyn Image>, SoapFault> {
        let first = (0..vm.snapshots.len()).find(|at| disk_files::frozen(vm, *at) == 0);
        let first = first.and_then(|at| vm.snapshots.get(at)).map(|snapshot| snapshot.moid);
        self.image(home, vm, place, first)
    }

    /// Makes a disk hold that again.
    pub(super) fn restore(&mut self, home: &mut dyn Home, vm: &VirtualMachine, place: usize, contents: &Now) {
        match (contents, known_disk(vm, place)) {
            (Now::Known(contents), Some(disk)) => home.restore_disk(disk, contents),
            (Now::File(contents), None) => {
                let file = vm.settings.disks.iter().find(|disk| disk.place == place);
                let at = file
                    .map(|disk| extent_of(&DatastorePath { store: disk.datastore, path: disk.path.clone() }));
                if let Some(file) = at.and_then(|at| self.store.file_mut(&at)) {
                    file.contents = ByteFile::from_snapshot(contents);
                }
            }
            _ => {}
        }
    }
}

fn unknown(vm: &VirtualMachine) -> SoapFault {
    SoapFault::not_emulated(&format!(
        "What the disks hold of {}, which another machine is in the place of,",
        vm.name
    ))
}

fn not_kept() -> SoapFault {
    SoapFault::not_emulated("What a snapshot keeps that no client has taken")
}
