//! Roles that crash and come up again, stores that are full, a site that is lost.

use core::time::Duration;

use switchback_engine::control::Control;
use switchback_engine::process_server::{ProcessServer, ProcessServerConfig};
use switchback_engine::role::{Address, Outbox};
use switchback_engine::target::Target;
use switchback_engine::{MachineId, Site};

use super::Fault;
use crate::content::Simulated;
use crate::world::build::control_config;
use crate::world::event::Event;
use crate::world::host::site_index;
use crate::world::spec::WorldSpec;
use crate::world::{Happening, World};

impl<C: Simulated> World<C> {
    /// Fills the durable store of a role for a while.
    pub fn fill_store(&mut self, address: Address, lasting: Duration) {
        self.begin_fault(Fault::StoreFull(address), Some(lasting));
        self.note(Happening::StoreFull { address, lasting });
    }

    pub(super) fn apply_to_store(&mut self, address: Address) {
        let full = self.under_way.iter().any(|fault| matches!(fault, Fault::StoreFull(of) if *of == address));
        self.hosts.set_store_full(address, full);
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

    /// A role that is down starts again, with what its store had kept. One that is up, or whose site is lost, does not.
    pub fn restart(&mut self, address: Address) {
        if self.hosts.is_up(address) || self.is_lost(address) {
            return;
        }
        self.note(Happening::Restarted { address });
        let now = self.now();
        match address {
            Address::Agent(machine, site) => self.restart_machine(machine, site),
            Address::Control => {
                let config = control_config(&self.spec);
                let host = &mut self.hosts.control;
                let role = Control::recover(config, host.store.to_vec());
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
                let every = self.spec.heartbeat_every();
                let host = &mut self.hosts.targets[site_index(site)];
                let role = Target::recover(site, &host.store.to_vec()).with_heartbeat_every(every);
                host.come_up(now, role, Outbox::default(), &mut self.kernel);
                // What it says it has must be there before anybody sends it more.
                self.judge_kept_points_at(site);
            }
        }
    }

    /// A crashed machine comes up again by itself, unless somebody has powered it off or removed it meanwhile.
    fn restart_machine(&mut self, machine: MachineId, site: Site) {
        let is_on = match site {
            Site::Primary => self.vcenter.is_on(machine),
            Site::Recovery => {
                self.azure.machine(machine).is_some_and(switchback_azure::VirtualMachine::is_running)
            }
        };
        if is_on && !self.is_running(machine, site) {
            self.boot(machine, site);
        }
    }

    pub(in crate::world) fn process_server_config_in(spec: &WorldSpec, number: u16) -> ProcessServerConfig {
        let cache_bytes = spec.caches().nth(usize::from(number)).unwrap_or(spec.cache_bytes);
        let config = ProcessServerConfig::with_cache(number, cache_bytes);
        if number > 1 {
            return config;
        }
        let (packs_bytes_per_sec, memory_bytes) = (spec.packs_bytes_per_sec, spec.server_memory_bytes);
        ProcessServerConfig { packs_bytes_per_sec, memory_bytes, ..config }
    }

    /// Whether the primary site is lost for good.
    #[must_use]
    pub fn site_is_lost(&self) -> bool {
        self.vcenter.reachability() == switchback_vsphere::Reachability::SiteLost
    }

    /// Whether a role's site is lost for good.
    fn is_lost(&self, address: Address) -> bool {
        let on_premises = match address {
            Address::Agent(_, site) | Address::Target(site) => site == Site::Primary,
            Address::ProcessServer(number) => self.spec.process_server_site(number) == Site::Primary,
            Address::Control => false,
        };
        on_premises && self.site_is_lost()
    }

    /// The primary site is lost for good: its machines, its process server, its master target, its vCenter.
    pub fn destroy_primary_site(&mut self) {
        self.note(Happening::SiteLost);
        let consequences = self.vcenter.lose_site();
        consequences.into_iter().for_each(|consequence| self.vsphere_consequence(consequence));
        let servers = (0..self.hosts.process_servers.len() as u16).map(Address::ProcessServer);
        let lost: Vec<_> = servers
            .chain([Address::Target(Site::Primary)])
            .filter(|address| self.is_lost(*address))
            .collect();
        for address in lost {
            self.hosts.die(address, &mut self.chance);
        }
    }
}
