//! What is the matter with the systems of machines, and what it means to whoever installs an agent there.
//!
//! It belongs to the machine and goes where the machine goes. An operator brings it about and repairs it.

use switchback_engine::MachineId;
use switchback_engine::conditions::{InstallObstacle, PauseObstacle};
use switchback_engine::ports::Installed;

use crate::faults::Fault;
use crate::moid::HostMoid;
use crate::vcenter::VCenter;

/// Something that is the matter with a machine's system, or with the servers that look after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuestCondition {
    /// No agent can be installed.
    TakesNoAgent(InstallObstacle),
    /// Applications cannot pause.
    CannotPause(PauseObstacle),
    /// The driver that is there is in use: a new one works only after a restart.
    DriverInUse,
    /// How the site is seen from outside is not how it should be.
    Misread(Misreading),
}

/// What is wrong with how the inventory is seen by whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Misreading {
    /// The account may look at everything and change nothing (site-recovery 3.7). It is nobody's.
    ReadOnlyAccount,
    /// Another machine of the vCenter has the identifier of this one and stands before it: a clone that kept it.
    SameIdentifier,
    /// The machine was made from the template of the master target, and their disks have the same identifiers.
    DisksOfMasterTarget,
    /// vCenter has lost the host of the machine: what is on it runs on, and nothing can be asked of it.
    HostDisconnected,
}

/// How the server that installs agents is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Installer {
    /// It reaches the machines.
    #[default]
    Ready,
    /// It reaches none of them.
    CutOff,
    /// It does not answer.
    Down,
}

impl VCenter {
    /// Something is the matter with a machine from now on; with nobody's, with the servers.
    pub fn bring_about(&mut self, machine: Option<MachineId>, condition: GuestCondition) {
        self.conditions.insert((machine, condition));
    }

    /// It no longer is. Whether it was.
    pub fn repair(&mut self, machine: Option<MachineId>, condition: GuestCondition) -> bool {
        self.conditions.remove(&(machine, condition))
    }

    /// Says how the server that installs agents is.
    pub const fn set_installer(&mut self, installer: Installer) {
        self.installer = installer;
    }

    /// A machine was started: its newest driver is the one that works, if it has one.
    pub fn driver_was_loaded(&mut self, machine: MachineId) {
        if self.agents.contains(&machine) {
            self.conditions.remove(&(Some(machine), GuestCondition::DriverInUse));
        }
    }

    /// Whether something is wrong with how a machine, or with nobody the whole site, is seen from outside.
    #[must_use]
    pub fn is_misread(&self, machine: Option<MachineId>, how: Misreading) -> bool {
        self.conditions.contains(&(machine, GuestCondition::Misread(how)))
    }

    /// Whether vCenter has lost a host that runs.
    #[must_use]
    pub fn is_disconnected(&self, host: HostMoid) -> bool {
        if self.host(host).is_some_and(|host| host.is_disconnected) {
            return true;
        }
        let mut lost = self.conditions.iter().filter_map(|(machine, condition)| {
            let is_lost = *condition == GuestCondition::Misread(Misreading::HostDisconnected);
            machine.filter(|_| is_lost)
        });
        lost.any(|machine| self.machine(machine).is_some_and(|vm| vm.host == host))
    }

    /// Why the applications of a machine cannot pause, if they cannot.
    #[must_use]
    pub fn pause_obstacle(&self, machine: MachineId) -> Option<PauseObstacle> {
        self.conditions.iter().find_map(|(of, condition)| match condition {
            GuestCondition::CannotPause(why) if *of == Some(machine) => Some(*why),
            _ => None,
        })
    }

    /// Everything that stands in the way of an agent for a machine.
    #[must_use]
    pub fn install_obstacles(&self, machine: MachineId) -> Vec<InstallObstacle> {
        let is_out_of_reach = self.installer == Installer::CutOff || !self.is_on(machine);
        let concerns = |of: &Option<MachineId>| of.is_none_or(|of| of == machine);
        let standing = self.conditions.iter().filter_map(|(of, condition)| match condition {
            GuestCondition::TakesNoAgent(why) if concerns(of) => Some(*why),
            _ => None,
        });
        is_out_of_reach.then_some(InstallObstacle::Unreachable).into_iter().chain(standing).collect()
    }

    /// Installs the agent in a machine, or brings the one that is there up to date.
    pub(crate) fn install(&mut self, machine: MachineId) -> Result<Installed, Fault> {
        if self.installer == Installer::Down {
            return Err(Fault::HostCommunication);
        }
        let met = InstallObstacle::met(self.install_obstacles(machine));
        if !met.is_empty() {
            return Err(Fault::AgentNotInstalled(met));
        }
        let restart_needed = self.conditions.contains(&(Some(machine), GuestCondition::DriverInUse));
        Ok(Installed { updated: !self.agents.insert(machine), restart_needed })
    }
}
