//! What a step does to the world itself: faults, and what operators do by hand.

use core::time::Duration;

use switchback_engine::ports::PortFailure;
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};
use switchback_scenarios::model::Action;
use switchback_scenarios::model::words::{Component, DiskOwner, LinkName, OutsideCall, OutsideFailure};

use super::Drill;
use crate::content::Simulated;
use crate::world::{self, CallFailure, RoleKind, SiteCall, WAN};

/// A role that crashes is down for this long, if the scenario does not say.
const DOWN_FOR: Duration = Duration::from_secs(30);

impl<C: Simulated> Drill<C> {
    /// Does what a step does to the world, and how long that lasts; `None` for a step that asks the vault.
    pub(super) fn do_fault(&mut self, action: &Action) -> Option<Duration> {
        match action {
            Action::Cut { link, lasts } => {
                self.world.cut(links(*link), *lasts);
                Some(*lasts)
            }
            Action::Slow { link, bandwidth, lasts } => {
                self.world.slow(links(*link), (*bandwidth / 8).max(1), *lasts);
                Some(*lasts)
            }
            Action::Crash { who, vm, down_for } => {
                Some(self.crash(*who, vm.map(|vm| MachineId(vm.0 as u32)), *down_for))
            }
            Action::Destroy => {
                self.world.destroy_primary_site();
                Some(Duration::ZERO)
            }
            Action::Stop(vm) => {
                self.world.operator_stops(MachineId(vm.0 as u32));
                Some(Duration::ZERO)
            }
            Action::Start(vm) => {
                self.world.operator_starts(MachineId(vm.0 as u32));
                Some(Duration::ZERO)
            }
            Action::Fail { call, times, with } => {
                self.world.fail_calls(site_call(*call), &call_failure(*with), *times);
                Some(Duration::ZERO)
            }
            Action::DiskFull { who, lasts } => {
                let address = match who {
                    DiskOwner::ProcessServer => Address::ProcessServer(0),
                    DiskOwner::Target => Address::Target(Site::Recovery),
                };
                self.world.fill_store(address, *lasts);
                Some(*lasts)
            }
            _ => None,
        }
    }

    fn crash(&mut self, who: Component, vm: Option<MachineId>, down_for: Option<Duration>) -> Duration {
        let kind = match who {
            Component::Agent => RoleKind::Agent,
            Component::ProcessServer => RoleKind::ProcessServer,
            Component::Target => RoleKind::Target,
            Component::MasterTarget => RoleKind::MasterTarget,
            Component::Control => RoleKind::Control,
        };
        let usual = if kind == RoleKind::ProcessServer {
            self.scenario.process_server.crash_restart
        } else {
            DOWN_FOR
        };
        let down_for = down_for.unwrap_or(usual);
        let agent = vm.map(|vm| (vm, self.world.running_site(vm).unwrap_or(Site::Primary)));
        if let Some(address) = kind.address(agent) {
            self.world.crash(address, down_for);
        }
        down_for
    }
}

const fn links(link: LinkName) -> &'static [world::LinkName] {
    match link {
        LinkName::Wan => &WAN,
        LinkName::Lan => &[world::LinkName::Lan],
    }
}

const fn site_call(call: OutsideCall) -> SiteCall {
    match call {
        OutsideCall::Shutdown => SiteCall::ShutDown,
        OutsideCall::CreateDisk => SiteCall::CreateDisk,
        OutsideCall::CreateMachine => SiteCall::CreateMachine,
        OutsideCall::StartMachine => SiteCall::StartMachine,
    }
}

const fn call_failure(with: OutsideFailure) -> CallFailure {
    match with {
        OutsideFailure::Throttled => CallFailure::Throttled,
        OutsideFailure::Unavailable => CallFailure::Fail(PortFailure::Unavailable),
        OutsideFailure::TimeoutAfterSuccess => CallFailure::ReplyLost,
    }
}
