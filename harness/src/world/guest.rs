//! Machines: their applications issue writes, which are held while a barrier is up or the applications are paused,
//! reach the disk, are acknowledged, noted as true, and captured.

use core::time::Duration;

use switchback_engine::agent::{Agent, AgentConfig};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::role::{Address, Input, Outbox};
use switchback_engine::{Change, DiskId, MachineId, Site};
use switchback_sim::IoKind;

use super::event::{Event, WriteDone};
use super::{Happening, NoWrite, PhysicalDisk, Sabotage, World};
use crate::content::Simulated;
use crate::truth::IssuedWrite;
use crate::workload::Planned;

/// How long a driver takes to hold new writes.
const HOLD_AFTER: Duration = Duration::from_micros(20);
/// How long applications take to flush and pause once their writes are done.
const QUIESCE_AFTER: Duration = Duration::from_millis(200);
/// From power-on until applications write again.
pub const BOOT_TIME: Duration = Duration::from_secs(45);

/// A machine at a site. Each machine has two of these; at most one should run.
#[derive(Debug, Clone, Default)]
pub(super) struct Guest {
    pub(super) running: bool,
    pub(super) life: u32,
    /// A barrier is up.
    held: bool,
    /// Applications are pausing, or paused.
    quiesced: bool,
    /// Its applications write no more, it goes down.
    stopping: bool,
    /// The driver tells nobody of what is written.
    filter_lost: bool,
    in_flight: u32,
    waiting: Vec<(Planned, Option<(MachineId, u32)>)>,
}

impl Guest {
    /// Whether a barrier is up.
    pub(super) const fn is_held(&self) -> bool {
        self.held
    }

    /// Whether what is written now goes to the disk at once.
    pub(super) const fn takes_writes(&self) -> Result<(), NoWrite> {
        if !self.running {
            Err(NoWrite::Off)
        } else if self.stopping {
            Err(NoWrite::Stopping)
        } else if self.held || self.quiesced {
            Err(NoWrite::Held)
        } else {
            Ok(())
        }
    }
}

impl<C: Simulated> World<C> {
    pub(super) fn guest(&self, machine: MachineId, site: Site) -> &Guest {
        &self.guests[super::host::agent_index(machine, site)]
    }

    fn guest_mut(&mut self, machine: MachineId, site: Site) -> &mut Guest {
        &mut self.guests[super::host::agent_index(machine, site)]
    }

    /// Power is on: the guest boots, its agent starts, its applications go on writing.
    pub(super) fn boot(&mut self, machine: MachineId, site: Site) {
        self.note(Happening::MachineStarted { machine, site });
        self.judge_sides(machine, site);
        self.judge_room(machine, site);
        self.judge_start(machine, site);
        let guest = self.guest_mut(machine, site);
        *guest = Guest { running: true, life: guest.life + 1, ..Guest::default() };
        self.vcenter.driver_was_loaded(machine);
        self.start_agent(machine, site);
        self.tell_sizes(machine, site);
        self.start_workloads(machine, site, BOOT_TIME);
    }

    fn start_agent(&mut self, machine: MachineId, site: Site) {
        let now = self.now();
        let shown = super::faults::shown(now, self.clock_skew(Address::Agent(machine, site)));
        let spec = &self.spec.machines[machine.0 as usize];
        let (pool_bytes, tracking_bytes) = (spec.pool_bytes, spec.tracking_bytes);
        let config = AgentConfig {
            pool_bytes,
            tracking_bytes,
            drain_every: self.spec.drain_every,
            heartbeat_every: self.spec.heartbeat_every(),
            ..AgentConfig::for_memory(machine, site, 0)
        };
        let host = self.hosts.agent_mut(machine, site);
        let mut out = Outbox::default();
        let records = host.store.to_vec();
        let agent = Agent::boot(config, shown, &records, &mut out);
        host.come_up(now, agent, out, &mut self.kernel);
    }

    pub(super) fn start_workloads(&mut self, machine: MachineId, site: Site, after: Duration) {
        let now = self.now();
        let life = self.guest(machine, site).life;
        for (at, workload) in self.workloads[machine.0 as usize].iter_mut().enumerate() {
            if let Some(first) = workload.start(now + after) {
                let tick = Event::Tick { machine, workload: at as u16, life, site };
                self.kernel.schedule_at(first, tick);
            }
        }
    }

    /// Recorded traces begin to play now.
    pub fn release_traces(&mut self) {
        let now = self.now();
        for machine in 0..self.workloads.len() {
            let id = MachineId(machine as u32);
            let site = self.running_site(id);
            for at in 0..self.workloads[machine].len() {
                let workload = &mut self.workloads[machine][at];
                if !workload.release(now) {
                    continue;
                }
                if let (Some(first), Some(site)) = (workload.start(now), site) {
                    let life = self.guest(id, site).life;
                    let tick = Event::Tick { machine: id, workload: at as u16, life, site };
                    self.kernel.schedule_at(first, tick);
                }
            }
        }
    }

    /// The power goes, or the machine's system crashes.
    pub(super) fn cut_power(&mut self, machine: MachineId, site: Site) {
        if !self.guest(machine, site).running {
            return;
        }
        self.note(Happening::MachineStopped { machine, site });
        let now = self.now();
        self.truth[machine.0 as usize].resume(site, now);
        let guest = self.guest_mut(machine, site);
        *guest = Guest { life: guest.life + 1, ..Guest::default() };
        self.hosts.die(Address::Agent(machine, site), &mut self.chance);
    }

    /// A workload wants to write.
    pub(super) fn tick(&mut self, machine: MachineId, site: Site, workload: u16, life: u32) {
        let guest = self.guest(machine, site);
        if guest.life != life || guest.stopping {
            return;
        }
        let now = self.now();
        let source = &mut self.workloads[machine.0 as usize][usize::from(workload)];
        let Some((planned, next)) = source.next(now) else { return };
        if let Some(next) = next {
            self.kernel.schedule_at(next, Event::Tick { machine, workload, life, site });
        }
        self.issue(machine, site, planned, None);
    }

    /// An application issues a write: to the disk at once, or later if writes are held.
    pub(super) fn issue(
        &mut self,
        machine: MachineId,
        site: Site,
        planned: Planned,
        cause: Option<(MachineId, u32)>,
    ) {
        let ignores_barrier = self.sabotage == Some(Sabotage::IgnoreBarrier(machine));
        let ignores_quiesce = self.sabotage == Some(Sabotage::IgnoreQuiesce);
        let guest = self.guest_mut(machine, site);
        if (guest.held && !ignores_barrier) || (guest.quiesced && !ignores_quiesce) {
            return guest.waiting.push((planned, cause));
        }
        guest.in_flight += 1;
        let life = guest.life;
        let now = self.now();
        let bytes = u64::from(planned.sectors) * SECTOR_BYTES;
        let write = IssuedWrite {
            disk: planned.disk,
            sectors: planned.sectors,
            start: planned.start,
            issued_at: now,
            cause,
        };
        let number = self.truth[machine.0 as usize].issue(write);
        let at = self.storage.submit_for_machine(now, machine, site, IoKind::Write, bytes);
        self.kernel.schedule_at(at, Event::WriteDone(WriteDone { machine, life, number, site }));
    }

    /// A write has reached the disk: it is acknowledged, and captured.
    pub(super) fn write_done(&mut self, done: WriteDone) {
        let WriteDone { machine, life, number, site } = done;
        if self.guest(machine, site).life != life {
            return;
        }
        let now = self.now();
        let history = &mut self.truth[machine.0 as usize];
        let write = *history.write(number);
        let content = C::of_write(history.stamp(number), write.sectors);
        history.acknowledge(site, number, now);
        self.trace.record(now, machine.0 + 1, super::Fact::Written { number });
        let disk = DiskId { machine, index: write.disk };
        let physical =
            if site == Site::Primary { PhysicalDisk::Home(disk) } else { PhysicalDisk::Recovered(disk) };
        let change = Change { start: write.start, sectors: write.sectors, content };
        if let Some(disk) = self.storage.disk_mut(physical) {
            let written = disk.write(change.clone());
            debug_assert!(written.is_ok(), "workloads write inside their disks");
        }
        let is_unseen = self.guest(machine, site).filter_lost
            || self.sabotage.is_some_and(|sabotage| sabotage.hides_write(number));
        if !is_unseen {
            self.input(Address::Agent(machine, site), Input::Written { disk: write.disk, change });
        }
        if self.guest(machine, site).life != life {
            // It crashed in that very moment.
            return;
        }
        self.cause(machine, site, number);
        self.write_has_ended(machine, site);
    }

    /// Machines whose writes are caused by this one's write at once: those that run on the same side. After a failover
    /// whose shutdown failed a machine goes on at home, and nobody on the other side hears of what it writes there.
    fn cause(&mut self, machine: MachineId, site: Site, number: u32) {
        for at in 0..self.followers[machine.0 as usize].len() {
            let (effect, workload) = self.followers[machine.0 as usize][at];
            let guest = self.guest(effect, site);
            if !guest.running || guest.stopping {
                continue;
            }
            let now = self.now();
            if let Some(planned) = self.workloads[effect.0 as usize][workload].follow(now) {
                self.issue(effect, site, planned, Some((machine, number)));
            }
        }
    }

    /// The driver of a machine that runs follows its disks no more, until the machine restarts.
    pub(super) fn lose_filter(&mut self, machine: MachineId, site: Site) {
        self.guest_mut(machine, site).filter_lost = true;
    }

    /// Whether nobody follows the disks of a machine that runs at a site, and nobody will until it restarts.
    #[must_use]
    pub fn is_unfollowed(&self, machine: MachineId, site: Site) -> bool {
        self.guest(machine, site).filter_lost
    }

    /// Where a machine runs, if it does.
    #[must_use]
    pub fn running_site(&self, machine: MachineId) -> Option<Site> {
        [Site::Recovery, Site::Primary].into_iter().find(|site| self.is_running(machine, *site))
    }

    fn write_has_ended(&mut self, machine: MachineId, site: Site) {
        let guest = self.guest_mut(machine, site);
        guest.in_flight -= 1;
        if guest.in_flight == 0 {
            self.writes_have_ended(machine, site);
        }
    }

    /// No write is in flight: what waited for that goes on.
    fn writes_have_ended(&mut self, machine: MachineId, site: Site) {
        let guest = self.guest(machine, site);
        let address = Address::Agent(machine, site);
        if guest.stopping {
            self.input_after(Duration::ZERO, address, Input::ShuttingDown);
        } else if guest.quiesced {
            if let Some(why) = self.vcenter.pause_obstacle(machine) {
                return self.input_after(QUIESCE_AFTER, address, Input::Quiesced(Err(why)));
            }
            let now = self.now();
            self.truth[machine.0 as usize].pause(site, now);
            self.input_after(QUIESCE_AFTER, address, Input::Quiesced(Ok(())));
        }
    }

    pub(super) fn hold_writes(&mut self, agent: Address) {
        let Address::Agent(machine, site) = agent else { return };
        self.watch_hold(machine);
        self.guest_mut(machine, site).held = true;
        self.input_after(HOLD_AFTER, agent, Input::WritesHeld);
    }

    pub(super) fn release_writes(&mut self, agent: Address) {
        let Address::Agent(machine, site) = agent else { return };
        self.guest_mut(machine, site).held = false;
        self.issue_waiting(machine, site);
    }

    pub(super) fn quiesce(&mut self, agent: Address) {
        let Address::Agent(machine, site) = agent else { return };
        let guest = self.guest_mut(machine, site);
        guest.quiesced = true;
        if guest.in_flight == 0 {
            self.writes_have_ended(machine, site);
        }
    }

    pub(super) fn unquiesce(&mut self, agent: Address) {
        let Address::Agent(machine, site) = agent else { return };
        let now = self.now();
        self.truth[machine.0 as usize].resume(site, now);
        self.guest_mut(machine, site).quiesced = false;
        self.issue_waiting(machine, site);
    }

    fn issue_waiting(&mut self, machine: MachineId, site: Site) {
        let guest = self.guest_mut(machine, site);
        if guest.held || guest.quiesced {
            return;
        }
        for (planned, cause) in core::mem::take(&mut guest.waiting) {
            self.issue(machine, site, planned, cause);
        }
    }

    /// The guest is asked to shut down: its applications stop, then its agent sends what it has.
    pub(super) fn shut_down_guest(&mut self, machine: MachineId, site: Site) {
        let agent = Address::Agent(machine, site);
        let agent_is_up = self.hosts.is_up(agent);
        let guest = self.guest_mut(machine, site);
        if !guest.running || guest.stopping {
            return;
        }
        guest.stopping = true;
        guest.waiting.clear();
        if !agent_is_up {
            self.guest_is_down(machine, site);
        } else if self.guest(machine, site).in_flight == 0 {
            self.writes_have_ended(machine, site);
        }
    }

    pub(super) fn ready_to_stop(&mut self, agent: Address) {
        if let Address::Agent(machine, site) = agent {
            self.judge_endings(machine, site);
            self.guest_is_down(machine, site);
        }
    }

    /// The guest has shut itself down: the machine is off.
    fn guest_is_down(&mut self, machine: MachineId, site: Site) {
        if self.sabotage == Some(Sabotage::KeepRunning) {
            let guest = self.guest_mut(machine, site);
            guest.stopping = false;
            self.machine_is_off(machine, site);
            return self.start_workloads(machine, site, Duration::ZERO);
        }
        self.cut_power(machine, site);
        self.ended_in_order(machine, site);
        self.machine_is_off(machine, site);
    }

    /// What a machine does at a site, for people who look inside.
    pub(super) fn guest_words(&self, machine: MachineId, site: Site) -> String {
        let guest = self.guest(machine, site);
        let states = [
            (guest.running, "runs"),
            (!guest.running, "is off"),
            (guest.held, "writes are held"),
            (guest.quiesced, "applications pause"),
            (guest.stopping, "is shutting down"),
            (guest.filter_lost, "its disks are not followed"),
        ];
        let words = states.iter().filter(|(is_so, _)| *is_so).map(|(_, word)| *word);
        let words: Vec<&str> = words.collect();
        let (in_flight, waiting) = (guest.in_flight, guest.waiting.len());
        format!("{}; {in_flight} writes under way, {waiting} waiting", words.join(", "))
    }

    /// How long writes of a machine have been waiting, for people who look inside.
    #[must_use]
    pub fn waiting_writes(&self, machine: MachineId, site: Site) -> usize {
        self.guest(machine, site).waiting.len()
    }
}
