//! What calls have made and not deleted. A judge says which of it should be gone.

use std::fmt;

use switchback_engine::ports::Instance;
use switchback_engine::{Content, MachineId};

use crate::azure::Azure;
use crate::managed_disk::DiskRole;

/// What kind of thing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftoverKind {
    /// A recovered machine.
    Machine,
    /// Its network interface.
    NetworkInterface,
    /// Its public address.
    PublicIp,
    /// A disk made from a recovery point.
    RecoveredDisk,
    /// A replica disk.
    ReplicaDisk,
    /// A machine of a test failover, with its network interface.
    TestMachine,
    /// A disk of a test failover.
    TestDisk,
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
            LeftoverKind::NetworkInterface => "network interface",
            LeftoverKind::PublicIp => "public address",
            LeftoverKind::RecoveredDisk => "managed disk",
            LeftoverKind::ReplicaDisk => "replica disk",
            LeftoverKind::TestMachine => "test machine",
            LeftoverKind::TestDisk => "disk of a test failover",
        };
        write!(f, "machine {}: {kind} {}", self.machine.0, self.name)
    }
}

impl<C: Content> Azure<C> {
    /// Everything that calls have made and not deleted, by machine.
    #[must_use]
    pub fn leftovers(&self) -> Vec<Leftover> {
        let mut left = Vec::new();
        for ((instance, machine), vm) in &self.machines {
            if *instance == Instance::Test {
                let (kind, name) = (LeftoverKind::TestMachine, vm.name.clone());
                left.push(Leftover { machine: *machine, kind, name });
                continue;
            }
            let mut found =
                |kind, name: &str| left.push(Leftover { machine: *machine, kind, name: name.to_owned() });
            found(LeftoverKind::Machine, &vm.name);
            found(LeftoverKind::NetworkInterface, &vm.nic.name);
            vm.nic.public_ip.iter().for_each(|name| found(LeftoverKind::PublicIp, name));
        }
        for ((role, disk), managed) in &self.disks {
            let kind = match role {
                DiskRole::Replica => LeftoverKind::ReplicaDisk,
                DiskRole::Recovered => LeftoverKind::RecoveredDisk,
                DiskRole::Test => LeftoverKind::TestDisk,
            };
            left.push(Leftover { machine: disk.machine, kind, name: managed.name.clone() });
        }
        left.sort();
        left
    }
}
