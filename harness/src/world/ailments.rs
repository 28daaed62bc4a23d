//! What is the matter with the systems of machines, and with the servers that look after them: brought about and repaired
//! by operators, and felt by whoever installs an agent, asks applications to pause or follows disks.

use serde::Serialize;
use switchback_engine::conditions::{FilterLoss, InstallObstacle, PauseObstacle};
use switchback_engine::control::ItemState;
use switchback_engine::role::{Address, Input};
use switchback_engine::{Direction, MachineId};
use switchback_vsphere::{GuestCondition, Installer, Misreading};

use super::network::LinkName;
use super::{Happening, World};
use crate::content::Simulated;

/// Something that is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Ailment {
    /// No agent can be installed.
    TakesNoAgent(InstallObstacle),
    /// Applications cannot pause.
    CannotPause(PauseObstacle),
    /// A new driver works only after a restart.
    DriverInUse,
    /// The driver does not follow the disks until the machine restarts.
    FilterLost(FilterLoss),
    /// The cache account takes nothing.
    CacheAccountBlocked,
    /// The account of the vault may look at the site and not change it.
    ReadOnlyAccount,
    /// Another machine with the identifier of this one is listed in its place.
    SameIdentifier,
    /// The disks have the identifiers of the master target's.
    DisksOfMasterTarget,
    /// The vCenter has lost the host of the machine, which runs on.
    HostDisconnected,
}

impl Ailment {
    /// What the site knows of it; nothing of a driver, which is the running system's own, and of what is in Azure.
    pub(super) const fn condition(self) -> Option<GuestCondition> {
        Some(match self {
            Self::TakesNoAgent(why) => GuestCondition::TakesNoAgent(why),
            Self::CannotPause(why) => GuestCondition::CannotPause(why),
            Self::DriverInUse => GuestCondition::DriverInUse,
            Self::ReadOnlyAccount => GuestCondition::Misread(Misreading::ReadOnlyAccount),
            Self::SameIdentifier => GuestCondition::Misread(Misreading::SameIdentifier),
            Self::HostDisconnected => GuestCondition::Misread(Misreading::HostDisconnected),
            Self::DisksOfMasterTarget => GuestCondition::Misread(Misreading::DisksOfMasterTarget),
            Self::FilterLost(_) | Self::CacheAccountBlocked => return None,
        })
    }
}

impl<C: Simulated> World<C> {
    /// Something is the matter with a machine from now on; with nobody's, with the servers.
    pub fn bring_about(&mut self, machine: Option<MachineId>, ailment: Ailment) {
        if ailment == Ailment::DisksOfMasterTarget && self.is_being_attached(machine) {
            return;
        }
        self.note(Happening::FellIll { machine, ailment });
        if ailment == Ailment::CacheAccountBlocked {
            self.azure.cache_mut().is_blocked = true;
        }
        if let Some(condition) = ailment.condition() {
            return self.vcenter.bring_about(machine, condition);
        }
        let running = machine.and_then(|machine| Some((machine, self.running_site(machine)?)));
        if let (Ailment::FilterLost(why), Some((machine, site))) = (ailment, running) {
            self.lose_filter(machine, site);
            self.input(Address::Agent(machine, site), Input::FilterLost(why));
        }
    }

    /// Whether the disks of a machine are about to be lent to a master target, which has looked at them: they keep the
    /// identifiers that they have.
    fn is_being_attached(&self, machine: Option<MachineId>) -> bool {
        machine.is_some_and(|machine| self.judges.state(machine) == ItemState::Enabling(Direction::Reverse))
    }

    /// It no longer is.
    pub fn repair(&mut self, machine: Option<MachineId>, ailment: Ailment) {
        let was = match ailment.condition() {
            Some(condition) => self.vcenter.repair(machine, condition),
            None if ailment == Ailment::CacheAccountBlocked => {
                core::mem::take(&mut self.azure.cache_mut().is_blocked)
            }
            None => false,
        };
        if was {
            self.judges.something_was_set_right();
            self.note(Happening::Repaired { machine, ailment });
        }
    }

    /// The process server is what installs agents: it has to run, and to reach the machines.
    pub(super) fn look_at_installer(&mut self) {
        let installer = if !self.hosts.is_up(Address::ProcessServer(0)) {
            Installer::Down
        } else if self.network.is_cut(LinkName::Lan) {
            Installer::CutOff
        } else {
            Installer::Ready
        };
        self.vcenter.set_installer(installer);
    }
}
