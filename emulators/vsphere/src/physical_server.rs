//! Physical servers of the site: known by their agents, and out of vCenter's hands.
//!
//! vCenter can neither shut one down nor attach anything to it. It stands here because it is found where machines are
//! found, and because the virtual machine that is created in its place belongs to vCenter.

use switchback_engine::MachineId;
use switchback_engine::ports::{Guest, Inspection};
use switchback_engine::recovery::MachineProfile;

use crate::consequence::Consequence;
use crate::faults::Fault;
use crate::moid::VmMoid;
use crate::settings::Settings;
use crate::vcenter::{Reachability, VCenter};
use crate::virtual_machine::{GuestOs, MachineSpec, PowerState, VirtualMachine};

/// A physical server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhysicalServer {
    /// Whether its power is on.
    pub running: bool,
    /// What it is like.
    pub profile: MachineProfile,
}

impl VCenter {
    /// Adds a physical server, switched off. Host, datastore and memory are what a virtual machine in its place would
    /// be made after; that one is created where the master target is.
    ///
    /// # Errors
    /// [`Fault::AlreadyExists`] for a machine that is known.
    pub fn add_physical_server(&mut self, spec: MachineSpec) -> Result<(), Fault> {
        let machine = spec.machine;
        if self.machine(machine).is_some() || self.physical.contains_key(&machine) {
            return Err(Fault::AlreadyExists);
        }
        self.physical.insert(machine, PhysicalServer { running: false, profile: spec.profile() });
        self.former.insert(
            machine,
            VirtualMachine {
                moid: VmMoid(0),
                machine: Some(machine),
                name: spec.name,
                host: spec.host,
                datastore: spec.datastore,
                power: PowerState::PoweredOff,
                disks: Vec::new(),
                snapshots: Vec::new(),
                current: None,
                memory_mib: spec.memory_mib,
                guest: spec.guest,
                firmware: spec.firmware,
                tools: true,
                settings: Settings::default(),
            },
        );
        Ok(())
    }

    /// The physical server of that number of the engine's; none once a virtual machine is in its place.
    #[must_use]
    pub fn physical_server(&self, machine: MachineId) -> Option<&PhysicalServer> {
        self.physical.get(&machine)
    }

    /// Whether a machine of the site, of either kind, is there and switched on.
    #[must_use]
    pub fn is_on(&self, machine: MachineId) -> bool {
        self.machine(machine).is_some_and(VirtualMachine::is_on)
            || self.physical_server(machine).is_some_and(|server| server.running)
    }

    /// Says what of a machine decides how it starts elsewhere. Whether it is physical follows from what it is.
    pub fn set_guest(&mut self, machine: MachineId, guest: Guest) {
        self.guests.insert(machine, guest);
    }

    /// What of a machine decides how it starts elsewhere: what was said, else what its system is.
    pub(crate) fn guest_of(&self, machine: MachineId) -> Guest {
        let vm = self.machine(machine).or_else(|| self.former.get(&machine));
        let linux = vm.is_some_and(|vm| vm.guest == GuestOs::Linux);
        let said = self.guests.get(&machine).copied().unwrap_or(Guest { linux, ..Guest::READY });
        let raw_disks = vm.is_some_and(VirtualMachine::has_raw_disks);
        Guest { physical: self.physical.contains_key(&machine), raw_disks, ..said }
    }

    /// Somebody presses the button of a physical server.
    pub(crate) fn switch_on(&mut self, machine: MachineId) -> Option<Result<Vec<Consequence>, Fault>> {
        let server = self.physical.get_mut(&machine)?;
        if server.running {
            return Some(Err(Fault::InvalidPowerState { on: true }));
        }
        if self.reachability == Reachability::SiteLost {
            return Some(Err(Fault::HostCommunication));
        }
        server.running = true;
        Some(Ok(vec![Consequence::MachineStarted(machine)]))
    }

    pub(crate) fn inspect_physical(&self, machine: MachineId) -> Option<Inspection> {
        let PhysicalServer { running, profile } = self.physical.get(&machine)?.clone();
        let (guest, profile) = (self.guest_of(machine), Some(profile));
        Some(Inspection { exists: true, running, guest, profile, ..Inspection::ABSENT })
    }

    /// Whether the machine itself reaches its disks, if it is a physical server.
    pub(crate) fn physical_reaches(&self, machine: MachineId) -> Option<bool> {
        self.physical.get(&machine).map(|_| self.reachability != Reachability::SiteLost)
    }

    /// The site has lost its power.
    pub(crate) fn stop_physical_servers(&mut self) -> Vec<Consequence> {
        let running = self.physical.iter_mut().filter(|(_, server)| server.running);
        running
            .map(|(machine, server)| {
                server.running = false;
                Consequence::MachineStopped(*machine)
            })
            .collect()
    }

    /// A virtual machine takes the place of a physical server, which is switched off for good.
    pub(crate) fn retire_physical(&mut self, machine: MachineId) -> Option<Consequence> {
        let server = self.physical.remove(&machine)?;
        server.running.then_some(Consequence::MachineStopped(machine))
    }
}
