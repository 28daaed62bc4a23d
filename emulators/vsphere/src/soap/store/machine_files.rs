//! The files of a machine, as they would lie there: its configuration, and for each disk and each snapshot below it a
//! descriptor and an extent.

use switchback_disks::vmdk::Descriptor;
use switchback_engine::content::SECTOR_BYTES;

use super::super::properties::disk_files;
use super::super::vmx;
use super::super::world::World;
use super::DatastorePath;
use crate::virtual_machine::VirtualMachine;

/// Which file of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineFile {
    /// `.vmx`
    Config,
    /// The descriptor of the disk at a place, in front of which so many snapshots were taken.
    Descriptor { place: usize, level: usize },
    /// What it describes.
    Extent { place: usize, level: usize },
    /// Of the snapshot at a place.
    Snapshot,
}

/// What is beside the descriptors of a machine's disks.
pub(crate) const fn extent_kind(level: usize) -> &'static str {
    if level == 0 { "-flat" } else { "-sesparse" }
}

/// All files that are made from what is known of a machine. Disks that are files of their own are among the stored ones.
pub(crate) fn files(world: &World<'_>, vm: &VirtualMachine) -> Vec<(DatastorePath, MachineFile)> {
    let mut files = vec![(disk_files::config(world, vm), MachineFile::Config)];
    for place in vm.places() {
        for level in disk_files::levels(vm) {
            let is_stored = level == 0 && place >= vm.disks.len();
            if !is_stored {
                let path = |kind| disk_files::disk_path(world, vm, place, level, kind);
                files.push((path(""), MachineFile::Descriptor { place, level }));
                files.push((path(extent_kind(level)), MachineFile::Extent { place, level }));
            }
        }
    }
    let kept = 0..vm.snapshots.len();
    files.extend(kept.map(|place| (disk_files::snapshot_path(world, vm, place), MachineFile::Snapshot)));
    files
}

impl MachineFile {
    /// What it holds, where that is text.
    pub(crate) fn text(self, world: &World<'_>, vm: &VirtualMachine) -> Option<String> {
        match self {
            Self::Config => Some(vmx::written(world, vm)),
            Self::Descriptor { place, level } => descriptor(world, vm, place, level),
            Self::Extent { .. } | Self::Snapshot => None,
        }
    }

    /// How long it is.
    pub(crate) fn bytes(self, world: &World<'_>, vm: &VirtualMachine) -> u64 {
        match self {
            Self::Extent { place, level: 0 } => vm.sectors_at(place).unwrap_or_default() * SECTOR_BYTES,
            // A snapshot takes nothing of its datastore here.
            Self::Extent { .. } | Self::Snapshot => 0,
            Self::Config | Self::Descriptor { .. } => {
                self.text(world, vm).map_or(0, |text| text.len() as u64)
            }
        }
    }
}

fn descriptor(world: &World<'_>, vm: &VirtualMachine, place: usize, level: usize) -> Option<String> {
    let sectors = vm.sectors_at(place)?;
    let name = |level, kind| disk_files::disk_path(world, vm, place, level, kind).name().to_owned();
    let uuid = disk_files::spaced(&disk_files::disk_uuid(vm, place));
    let cid = |level: usize| (vm.moid.0 << 12) | ((place as u32) << 6) | level as u32;
    let mut descriptor = Descriptor::flat(cid(level), sectors, &name(level, extent_kind(level)), Some(&uuid));
    if let Some(below) = disk_files::level_below(vm, level) {
        descriptor.parent = Some((cid(below), name(below, "")));
        "seSparse".clone_into(&mut descriptor.create_type);
        for extent in &mut descriptor.extents {
            extent.kind = switchback_disks::vmdk::ExtentKind::SeSparse;
        }
    }
    Some(descriptor.written())
}
