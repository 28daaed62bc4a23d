//! What calls have made or borrowed and not given back. A judge says which of it should be gone.

use std::fmt;

use switchback_engine::MachineId;

use crate::snapshot::PORT_SNAPSHOT;
use crate::vcenter::VCenter;

/// What kind of thing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftoverKind {
    /// A machine that a call created.
    Machine,
    /// A disk that is still attached to a master target.
    AttachedDisk,
    /// A snapshot that a call took.
    Snapshot,
}

/// Something that a call made for a machine and that is still there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// For which machine.
    pub machine: MachineId,
    /// What it is.
    pub kind: LeftoverKind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            LeftoverKind::Machine => "virtual machine",
            LeftoverKind::AttachedDisk => "disk on a master target",
            LeftoverKind::Snapshot => "snapshot",
        };
        write!(f, "machine {}: {kind} {}", self.machine.0, self.name)
    }
}

impl VCenter {
    /// Everything that calls have made or borrowed and not given back, by machine.
    #[must_use]
    pub fn leftovers(&self) -> Vec<Leftover> {
        let mut left = Vec::new();
        for (machine, moid) in &self.by_machine {
            let Some(vm) = self.vm(*moid) else { continue };
            let mut found = |kind, name| left.push(Leftover { machine: *machine, kind, name });
            if self.created.contains(machine) {
                found(LeftoverKind::Machine, vm.name.clone());
            }
            if vm.has_port_snapshot() {
                found(LeftoverKind::Snapshot, PORT_SNAPSHOT.to_owned());
            }
            for (index, disk) in vm.disks.iter().enumerate() {
                if disk.attached_to != *moid {
                    found(LeftoverKind::AttachedDisk, format!("{}_{index}.vmdk", vm.name));
                }
            }
        }
        left
    }
}
