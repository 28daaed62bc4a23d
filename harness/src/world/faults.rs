//! What an operator or fate does to a world.

use core::time::Duration;

use switchback_azure::Azure;
use switchback_engine::control::{Control, ControlConfig};
use switchback_engine::ports::PortFailure;
use switchback_engine::process_server::{ProcessServer, ProcessServerConfig};
use switchback_engine::role::{Address, Outbox};
use switchback_engine::target::Target;
use switchback_engine::{MachineId, Site};
use switchback_sim::LinkSpec;

use super::event::Event;
use super::network::LinkName;
use super::spec::WorldSpec;
use super::{Happening, World};
use crate::content::Simulated;

/// A kind of role, as a scenario names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    /// The machine with its agent.
    Agent,
    /// The process server on premises.
    ProcessServer,
    /// The process server in Azure.
    AzureProcessServer,
    /// The target in the cloud.
    Target,
    /// The master target.
    MasterTarget,
    /// The vault.
    Control,
}

/// A call to a site that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum SiteCall {
    /// Shutting a machine down on premises.
    ShutDown,
    /// Creating a disk in the cloud.
    CreateDisk,
    /// Creating a machine in the cloud.
    CreateMachine,
    /// Starting a machine in the cloud.
    StartMachine,
}

/// How such a call fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallFailure {
    /// Turned away for now.
    Throttled,
    /// It fails for good in that way.
    Fail(PortFailure),
    /// It is done, and the reply is lost.
    ReplyLost,
}

/// A fault that ends by itself.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The line, or the network inside the primary site, is cut.
    Cut(Vec<LinkName>),
    /// It is slow: what it was before.
    Slow(Vec<(LinkName, LinkSpec)>),
    /// A store is full.
    StoreFull(Address),
}

impl RoleKind {
    /// Where the role of this kind is reached.
    #[must_use]
    pub fn address(self, agent: Option<(MachineId, Site)>) -> Option<Address> {
        Some(match self {
            Self::Agent => {
                let (machine, site) = agent?;
                Address::Agent(machine, site)
            }
            Self::ProcessServer => Address::ProcessServer(0),
            Self::AzureProcessServer => Address::ProcessServer(1),
            Self::Target => Address::Target(Site::Recovery),
            Self::MasterTarget => Address::Target(Site::Primary),
            Self::Control => Address::Control,
        })
    }
}

/// The links of the line between the sites.
pub const WAN: [LinkName; 2] = [LinkName::WanUp, LinkName::WanDown];

impl<C: Simulated> World<C> {
    /// Cuts links for a while.
    pub fn cut(&mut self, links: &[LinkName], lasting: Duration) {
        let now = self.now();
        links.iter().for_each(|name| self.network.link(*name).cut(now));
        self.note(Happening::LinkCut { wan: links.contains(&LinkName::WanUp), lasting });
        self.kernel.schedule_in(lasting, Event::FaultEnds(Fault::Cut(links.to_vec())));
    }

    /// Limits the rate of links for a while.
    pub fn slow(&mut self, links: &[LinkName], bytes_per_sec: u64, lasting: Duration) {
        let now = self.now();
        let mut before = Vec::new();
        for name in links {
            let link = self.network.link(*name);
            let spec = link.spec().clone();
            let slow = LinkSpec { bandwidth_bytes_per_sec: Some(bytes_per_sec), ..spec.clone() };
            link.set_spec(now, slow);
            before.push((*name, spec));
            self.arm_link(*name);
        }
        self.note(Happening::LinkSlow { wan: links.contains(&LinkName::WanUp), bytes_per_sec, lasting });
        self.kernel.schedule_in(lasting, Event::FaultEnds(Fault::Slow(before)));
    }

    /// Fills the durable store of a role for a while.
    pub fn fill_store(&mut self, address: Address, lasting: Duration) {
        self.hosts.set_store_full(address, true);
        self.note(Happening::StoreFull { address, lasting });
        self.kernel.schedule_in(lasting, Event::FaultEnds(Fault::StoreFull(address)));
    }

    pub(super) fn fault_ends(&mut self, fault: Fault) {
        let now = self.now();
        match fault {
            Fault::Cut(links) => links.into_iter().for_each(|name| self.network.link(name).heal()),
            Fault::Slow(before) => {
                for (name, spec) in before {
                    self.network.link(name).set_spec(now, spec);
                    self.arm_link(name);
                }
            }
            Fault::StoreFull(address) => self.hosts.set_store_full(address, false),
        }
        self.note(Happening::FaultEnded);
    }

    /// A role's host loses power, with everything that was not durable, and starts again after a while.
    pub fn crash(&mut self, address: Address, down_for: Duration) {
        self.note(Happening::Crashed { address });
        match address {
            Address::Agent(machine, site) => {
                if !self.is_running(machine, site) {
                    return;
                }
                self.cut_power(machine, site);
            }
            Address::Target(site) => {
                self.hosts.die(address, &mut self.chance);
                self.crash_replicas(site);
            }
            Address::Control | Address::ProcessServer(_) => self.hosts.die(address, &mut self.chance),
        }
        self.kernel.schedule_in(down_for, Event::Restart(address));
    }

    pub(super) fn restart(&mut self, address: Address) {
        if self.hosts.is_up(address) || self.is_lost(address) {
            return;
        }
        self.note(Happening::Restarted { address });
        let now = self.now();
        match address {
            Address::Agent(machine, site) => self.restart_machine(machine, site),
            Address::Control => {
                let host = &mut self.hosts.control;
                let role = Control::recover(ControlConfig::STANDARD, host.store.to_vec());
                host.come_up(now, role, Outbox::default(), &mut self.kernel);
                self.judge_vault_restart();
            }
            Address::ProcessServer(number) => {
                let config = Self::process_server_config_in(&self.spec, number);
                let host = &mut self.hosts.process_servers[usize::from(number)];
                let role = ProcessServer::recover(config, &host.store.to_vec());
                host.come_up(now, role, Outbox::default(), &mut self.kernel);
            }
            Address::Target(site) => {
                let host = &mut self.hosts.targets[super::host::site_index(site)];
                let role = Target::recover(site, &host.store.to_vec());
                host.come_up(now, role, Outbox::default(), &mut self.kernel);
            }
        }
    }

    /// A crashed machine comes up again by itself, unless somebody has powered it off or removed it meanwhile.
    fn restart_machine(&mut self, machine: MachineId, site: Site) {
        let is_on = match site {
            Site::Primary => {
                self.vcenter.machine(machine).is_some_and(switchback_vsphere::VirtualMachine::is_on)
            }
            Site::Recovery => {
                self.azure.machine(machine).is_some_and(switchback_azure::VirtualMachine::is_running)
            }
        };
        if is_on && !self.is_running(machine, site) {
            self.boot(machine, site);
        }
    }

    pub(super) const fn process_server_config_in(spec: &WorldSpec, number: u16) -> ProcessServerConfig {
        let target = Address::Target(spec.process_server_site(number).other());
        ProcessServerConfig { number, target, cache_bytes: spec.cache_bytes }
    }

    /// Whether a role's site is lost for good.
    fn is_lost(&self, address: Address) -> bool {
        let on_premises = matches!(
            address,
            Address::Agent(_, Site::Primary) | Address::Target(Site::Primary) | Address::ProcessServer(0)
        );
        on_premises && self.vcenter.reachability() == switchback_vsphere::Reachability::SiteLost
    }

    /// The primary site is lost for good: its machines, its process server, its master target, its vCenter.
    pub fn destroy_primary_site(&mut self) {
        self.note(Happening::SiteLost);
        let consequences = self.vcenter.lose_site();
        consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        for address in [Address::ProcessServer(0), Address::Target(Site::Primary)] {
            self.hosts.die(address, &mut self.chance);
        }
    }

    /// An operator powers the machine at home on.
    pub fn operator_starts(&mut self, machine: MachineId) {
        let now = self.now();
        match self.vcenter.power_on(now, machine) {
            Ok(consequences) => {
                self.note(Happening::OperatorStarted { machine });
                consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
            }
            Err(fault) => self.note(Happening::OperatorRefused { machine, reason: fault.to_string() }),
        }
    }

    /// An operator shuts the machine at home down in order.
    pub fn operator_stops(&mut self, machine: MachineId) {
        self.note(Happening::OperatorStopped { machine });
        self.shut_down_guest(machine, Site::Primary);
    }

    /// Makes the next calls of a kind fail.
    pub fn fail_calls(&mut self, call: SiteCall, failure: &CallFailure, times: u32) {
        use switchback_azure as azure;
        use switchback_vsphere as vsphere;
        const RETRY_AFTER: Duration = Duration::from_secs(30);
        let lay = |azure: &mut Azure<C>, kind| {
            let mode = match failure {
                CallFailure::Throttled => azure::FaultMode::Throttle { retry_after: RETRY_AFTER },
                CallFailure::Fail(failure) => azure::FaultMode::Fail(failure.clone()),
                CallFailure::ReplyLost => azure::FaultMode::LoseReply,
            };
            azure.add_rule(azure::FaultRule { kind: Some(kind), machine: None, mode, times });
        };
        match call {
            SiteCall::ShutDown => {
                let mode = match failure {
                    CallFailure::Throttled => vsphere::FaultMode::Throttle { retry_after: RETRY_AFTER },
                    CallFailure::Fail(failure) => vsphere::FaultMode::Fail(failure.clone()),
                    CallFailure::ReplyLost => vsphere::FaultMode::LoseReply,
                };
                let kind = Some(vsphere::RequestKind::ShutDown);
                self.vcenter.add_rule(vsphere::FaultRule { kind, machine: None, mode, times });
            }
            SiteCall::CreateDisk => lay(&mut self.azure, azure::RequestKind::CreateDisk),
            SiteCall::CreateMachine => lay(&mut self.azure, azure::RequestKind::CreateMachine),
            SiteCall::StartMachine => lay(&mut self.azure, azure::RequestKind::StartMachine),
        }
        self.note(Happening::CallsWillFail { call, times });
    }
}
