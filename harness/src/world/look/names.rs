//! The words for machines, disks and roles, as a person types and reads them. It knows the inventory and nothing of
//! what goes on in it.

use switchback_engine::role::Address;
use switchback_engine::{DiskId, MachineId, Site};

use crate::world::spec::WorldSpec;

/// The words of one world.
#[derive(Debug, Clone, Copy)]
pub struct Names<'w> {
    spec: &'w WorldSpec,
}

/// Where a machine or a role is.
pub(super) const fn site(site: Site) -> &'static str {
    match site {
        Site::Primary => "on premises",
        Site::Recovery => "in Azure",
    }
}

impl<'w> Names<'w> {
    pub(super) const fn new(spec: &'w WorldSpec) -> Self {
        Self { spec }
    }

    /// A machine's name.
    #[must_use]
    pub fn machine(self, machine: MachineId) -> &'w str {
        self.spec.machines.get(machine.0 as usize).map_or("?", |machine| machine.name.as_str())
    }

    /// A disk, after its machine: `web-01 os`.
    #[must_use]
    pub fn disk(self, disk: DiskId) -> String {
        let machine = self.spec.machines.get(disk.machine.0 as usize);
        let name = machine.and_then(|machine| machine.disks.get(usize::from(disk.index)));
        format!("{} {}", self.machine(disk.machine), name.map_or("?", |disk| disk.name.as_str()))
    }

    /// A role, in the words with which it is asked for: `agent web-01`, `agent web-01 azure`, `process-server`,
    /// `azure-process-server`, `target`, `master-target`, `vault`.
    #[must_use]
    pub fn role(self, address: Address) -> String {
        match address {
            Address::Control => "vault".to_owned(),
            Address::Agent(machine, Site::Primary) => format!("agent {}", self.machine(machine)),
            Address::Agent(machine, Site::Recovery) => format!("agent {} azure", self.machine(machine)),
            Address::ProcessServer(0) => "process-server".to_owned(),
            Address::ProcessServer(1) => "azure-process-server".to_owned(),
            Address::ProcessServer(number) => format!("process-server {number}"),
            Address::Target(Site::Primary) => "master-target".to_owned(),
            Address::Target(Site::Recovery) => "target".to_owned(),
        }
    }

    /// Every role of the world.
    #[must_use]
    pub fn roles(self) -> Vec<Address> {
        let machines = 0..self.spec.machines.len() as u32;
        let agents = machines.flat_map(|machine| {
            [Site::Primary, Site::Recovery].map(|site| Address::Agent(MachineId(machine), site))
        });
        let others = [
            Address::ProcessServer(0),
            Address::ProcessServer(1),
            Address::Target(Site::Recovery),
            Address::Target(Site::Primary),
            Address::Control,
        ];
        agents.chain(others).collect()
    }

    /// The role of that name; `None` if there is none.
    #[must_use]
    pub fn role_named(self, name: &str) -> Option<Address> {
        self.roles().into_iter().find(|role| self.role(*role) == name)
    }

    /// The machine of that name; `None` if there is none.
    #[must_use]
    pub fn machine_named(self, name: &str) -> Option<MachineId> {
        let at = self.spec.machines.iter().position(|machine| machine.name == name)?;
        Some(MachineId(at as u32))
    }

    /// The disk of those names; `None` if there is none.
    #[must_use]
    pub fn disk_named(self, machine: &str, disk: &str) -> Option<DiskId> {
        let machine = self.machine_named(machine)?;
        let disks = &self.spec.machines.get(machine.0 as usize)?.disks;
        let index = disks.iter().position(|candidate| candidate.name == disk)?;
        Some(DiskId { machine, index: u8::try_from(index).ok()? })
    }
}
