//! What a client has said of a machine, beside what replication needs to know of it.

use crate::moid::{DatastoreMoid, VmMoid};
use crate::vcenter::VCenter;
use crate::virtual_machine::VirtualMachine;

/// Processors of a machine of which nothing is said.
const CPUS: u32 = 2;

/// A disk that is a file of a datastore and that replication knows nothing of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDisk {
    /// Its place among all disks of the machine, which it keeps when others go.
    pub place: usize,
    /// Where its file lies.
    pub datastore: DatastoreMoid,
    /// Its descriptor, such as `web/data.vmdk`.
    pub path: String,
    /// Its size, in sectors.
    pub sectors: u64,
}

/// Settings of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A client has made it, and nobody else may run it.
    pub is_made: bool,
    /// How many processors it has.
    pub cpus: u32,
    /// What is written about it.
    pub annotation: String,
    /// The guest's system, where it is not the usual one of its family.
    pub guest_id: Option<String>,
    /// The folder of its configuration, where that is not called as the machine is.
    pub directory: Option<String>,
    /// What its files are called, where that is not as the folder is.
    pub stem: Option<String>,
    /// The identifier that the guest sees, where it brought one with it.
    pub uuid: Option<String>,
    /// The identifier that vCenter gave it, where it brought one with it.
    pub instance_uuid: Option<String>,
    /// Whether changed blocks are to be tracked.
    pub change_tracking: bool,
    /// It is a template, and does not run.
    pub is_template: bool,
    /// Disks that are files.
    pub disks: Vec<FileDisk>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_made: false,
            cpus: CPUS,
            annotation: String::new(),
            guest_id: None,
            directory: None,
            stem: None,
            uuid: None,
            instance_uuid: None,
            change_tracking: false,
            is_template: false,
            disks: Vec::new(),
        }
    }
}

impl VirtualMachine {
    /// The place of the next disk of its own.
    #[must_use]
    pub fn free_place(&self) -> usize {
        let files = self.settings.disks.iter().map(|disk| disk.place + 1);
        files.chain([self.disks.len()]).max().unwrap_or_default()
    }

    /// The size of one of its own disks, in sectors, by its place.
    #[must_use]
    pub fn sectors_at(&self, place: usize) -> Option<u64> {
        let file = self.settings.disks.iter().find(|disk| disk.place == place);
        self.disks.get(place).map(|disk| disk.sectors).or_else(|| file.map(|disk| disk.sectors))
    }

    /// The places of all its own disks.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.disks.len()).chain(self.settings.disks.iter().map(|disk| disk.place))
    }
}

impl VCenter {
    /// What clients have said of a machine, to say something else.
    pub fn settings_mut(&mut self, vm: VmMoid) -> Option<&mut Settings> {
        self.machines.get_mut(&vm).map(|vm| &mut vm.settings)
    }
}
