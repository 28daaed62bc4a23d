//! A simulated world around the real engine: two sites, a network, machines that write, and the roles.
//!
//! The world hands roles their inputs and carries out their effects; it decides nothing about replication or
//! failover. It is a value: clone it, and both copies go on from the same moment in the same way.
//!
//! | file | owns |
//! |---|---|
//! | `spec` | what a world is made of |
//! | `event` | what can happen next |
//! | `host` | a role with its durable store, its timer, its life and death |
//! | `late_device` | devices that are made when they are used |
//! | `moments` | moments of the workflow that somebody waits for |
//! | `hydration` | machines that have to be prepared to start in Azure |
//! | `look` | views into a world that stands still |
//! | `network` | links between places |
//! | `guest` | machines: writes issued, held, paused, acknowledged; `by_guests` what somebody in one writes |
//! | `storage` | the disks of both sites and their devices |
//! | `sites` | vCenter and the cloud: calls and their consequences |
//! | `fact` | what goes into the trace's digest |
//! | `faults` | what an operator or fate does |
//! | `sabotage` | deliberate breakage, for showing that judges see |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use switchback_azure::Azure;
use switchback_engine::agent::Agent;
use switchback_engine::control::{Command, Control, JobId, Refused};
use switchback_engine::process_server::ProcessServer;
use switchback_engine::role::{Address, CommandId, Effect, Input};
use switchback_engine::target::Target;
use switchback_engine::time::Instant;
use switchback_engine::{MachineId, Site};
use switchback_sim::{Chance, Kernel, SimTime, Trace};
use switchback_vsphere::VCenter;

use crate::check::{Judge, Judges};
use crate::content::Simulated;
use crate::outside::{Outside, ScriptReallyRan, ScriptRunner};
use crate::truth::History;

mod ailments;
mod build;
mod by_clients;
mod by_guests;
mod event;
mod fact;
mod faults;
mod growth;
mod guest;
mod host;
mod hydration;
mod late_device;
pub mod look;
mod moments;
mod network;
pub mod sabotage;
mod sites;
pub mod spec;
mod storage;

pub use ailments::Ailment;
pub use by_guests::{GuestWrite, NoWrite};
pub use event::Event;
pub use fact::{Fact, Happening};
pub use faults::{CallFailure, DiskLie, FaultId, Impairment, RoleKind, SiteCall, SlowDevice, WAN};
pub use guest::BOOT_TIME;
pub use moments::Moment;
pub use network::LinkName;
pub use sabotage::Sabotage;
pub use spec::WorldSpec;
pub use storage::PhysicalDisk;

use faults::{Clocks, UnderWay};
use guest::Guest;
use host::Hosts;
use moments::Watches;
use network::Network;
use storage::Storage;

/// The simulated world.
#[derive(Debug, Clone)]
pub struct World<C: Simulated> {
    kernel: Kernel<Event<C>>,
    pub(crate) spec: Arc<WorldSpec>,
    hosts: Hosts<C>,
    network: Network<C>,
    guests: Vec<Guest>,
    workloads: Vec<Vec<crate::workload::Workload>>,
    /// For each machine, the workloads (machine and place) that write because it wrote.
    followers: Vec<Vec<(MachineId, usize)>>,
    storage: Storage<C>,
    pub(crate) vcenter: VCenter,
    azure: Azure<C>,
    /// Machines whose disks at home were prepared in Azure.
    came_home_prepared: BTreeSet<MachineId>,
    pub(crate) truth: Vec<History>,
    pub(crate) judges: Judges<C>,
    trace: Trace<Fact>,
    happenings: Vec<(SimTime, Happening)>,
    replies: BTreeMap<CommandId, Result<JobId, Refused>>,
    commands: u64,
    /// Everything that was asked for, oldest first.
    asked: Vec<(CommandId, Command)>,
    /// Inputs handed to roles so far.
    inputs: u64,
    /// Crash the role that is about to get this input, before it gets it.
    crash_at_input: Option<(u64, core::time::Duration)>,
    /// Who was hit by that crash, about to get which kind of input.
    crashed_before: Option<(Address, &'static str)>,
    sabotage: Option<Sabotage>,
    outside: Outside,
    under_way: UnderWay,
    clocks: Clocks,
    watches: Watches,
    bustle: Bustle,
    chance: Chance,
    /// Effects of the role that is being served, reused.
    effects: Vec<Effect<C, core::convert::Infallible>>,
}

/// More events than this within a simulated second are roles or sites that go round in circles: a machine that writes as
/// fast as its disk takes it makes a tenth of them.
const EVENTS_A_SECOND_MAX: u64 = 2_000_000;

/// How much has happened within the second that it is.
#[derive(Debug, Clone, Copy, Default)]
struct Bustle {
    /// When that second is over.
    over_at: SimTime,
    events: u64,
    is_stuck: bool,
}

/// What [`World::run_until_seen`] stopped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The time that was given has come.
    Nothing,
    /// There is something new that people see.
    Happening,
    /// A moment that is waited for.
    Moment,
}

/// The engine's word for an instant of the simulation.
#[must_use]
pub const fn instant(at: SimTime) -> Instant {
    Instant(at.as_nanos())
}

/// The simulation's word for an instant of the engine.
#[must_use]
pub const fn sim_time(at: Instant) -> SimTime {
    SimTime::from_nanos(at.0)
}

impl<C: Simulated> World<C> {
    /// The time.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.kernel.now()
    }

    /// What the world is made of.
    #[must_use]
    pub fn spec(&self) -> &WorldSpec {
        &self.spec
    }

    /// The vault.
    #[must_use]
    pub fn control(&self) -> Option<&Control<C>> {
        self.hosts.control.role.as_deref()
    }

    /// The target of a site.
    #[must_use]
    pub fn target(&self, site: Site) -> Option<&Target<C>> {
        self.hosts.target(site).role.as_deref()
    }

    /// A machine's agent at a site.
    #[must_use]
    pub fn agent(&self, machine: MachineId, site: Site) -> Option<&Agent<C>> {
        self.hosts.agent(machine, site).role.as_deref()
    }

    /// A process server.
    #[must_use]
    pub fn process_server(&self, number: u16) -> Option<&ProcessServer<C>> {
        self.hosts.process_servers.get(usize::from(number)).and_then(|host| host.role.as_deref())
    }

    /// The vCenter.
    #[must_use]
    pub const fn vcenter(&self) -> &VCenter {
        &self.vcenter
    }

    /// The vCenter, for those who do something with what the engine knows nothing of.
    pub const fn vcenter_mut(&mut self) -> &mut VCenter {
        &mut self.vcenter
    }

    /// The cloud.
    #[must_use]
    pub const fn azure(&self) -> &Azure<C> {
        &self.azure
    }

    /// What really happened on a machine.
    #[must_use]
    pub fn history(&self, machine: MachineId) -> &History {
        &self.truth[machine.0 as usize]
    }

    /// The judges, with what they have found.
    #[must_use]
    pub const fn judges(&self) -> &Judges<C> {
        &self.judges
    }

    /// Lets the judges read disks and recovery points back, or not: off only to measure what judging costs.
    pub const fn set_judging(&mut self, on: bool) {
        self.judges.reads_back = on;
    }

    /// What people want to see, in order.
    #[must_use]
    pub fn happenings(&self) -> &[(SimTime, Happening)] {
        &self.happenings
    }

    /// A digest of everything that has happened.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.trace.digest()
    }

    /// Events handled so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.kernel.events_delivered()
    }

    /// Inputs handed to roles so far.
    #[must_use]
    pub const fn inputs(&self) -> u64 {
        self.inputs
    }

    /// Whether the machine runs at a site.
    #[must_use]
    pub fn is_running(&self, machine: MachineId, site: Site) -> bool {
        self.guest(machine, site).running
    }

    /// From now on scripts of recovery plans are really run. Copies of this world run none.
    pub fn run_scripts_by(&mut self, runner: Arc<dyn ScriptRunner>) {
        self.outside = Outside::with(runner);
    }

    /// The scripts that were really run, in order; none where none were to be.
    #[must_use]
    pub fn scripts_really_ran(&self) -> Option<&[ScriptReallyRan]> {
        self.outside.ran()
    }

    /// Breaks something on purpose.
    pub fn sabotage(&mut self, sabotage: Sabotage) {
        self.sabotage = Some(sabotage);
    }

    /// Asks the vault for something; the reply comes with time, see [`World::reply`].
    pub fn command(&mut self, command: Command) -> CommandId {
        self.commands += 1;
        let id = CommandId(self.commands);
        self.asked.push((id, command.clone()));
        self.note(Happening::Asked { command: Box::new(command.clone()) });
        self.kernel.schedule_at(self.now(), Event::Command(Box::new((id, command))));
        id
    }

    /// Everything that was asked of the vault, oldest first, each once.
    #[must_use]
    pub fn asked(&self) -> &[(CommandId, Command)] {
        &self.asked
    }

    /// What became of a command, if the vault has said so.
    #[must_use]
    pub fn reply(&self, id: CommandId) -> Option<&Result<JobId, Refused>> {
        self.replies.get(&id)
    }

    /// Asks once more, under the same number: what a user does who has heard nothing.
    pub fn repeat_command(&mut self, id: CommandId, command: Command) {
        self.note(Happening::Asked { command: Box::new(command.clone()) });
        self.kernel.schedule_at(self.now(), Event::Command(Box::new((id, command))));
    }

    /// Lets time pass until `until`, handling everything that happens up to and with it.
    pub fn run_until(&mut self, until: SimTime) {
        while let Some(event) = self.next(until) {
            self.happen(event);
        }
        self.kernel.advance_to(until);
    }

    /// Lets time pass until `until`, or until a moment comes that is waited for. With `or_happening` also until there is
    /// something new that people see. The time is then still that of what it stopped for.
    pub fn run_until_seen(&mut self, until: SimTime, or_happening: bool) -> Seen {
        let before = self.happenings.len();
        while let Some(event) = self.next(until) {
            self.happen(event);
            if self.watches.take_news() {
                return Seen::Moment;
            }
            if or_happening && self.happenings.len() > before {
                return Seen::Happening;
            }
        }
        self.kernel.advance_to(until);
        Seen::Nothing
    }

    /// Handles the next event, if it comes no later than `until`.
    pub fn step(&mut self, until: SimTime) -> bool {
        let Some(event) = self.next(until) else { return false };
        self.happen(event);
        true
    }

    /// Makes the role that is about to get input number `input` crash instead, and start again after `down_for`.
    pub fn crash_at_input(&mut self, input: u64, down_for: core::time::Duration) {
        self.crash_at_input = Some((input, down_for));
    }

    /// Who was hit by [`World::crash_at_input`], and which kind of input it was about to get.
    #[must_use]
    pub const fn crashed_before(&self) -> Option<(Address, &'static str)> {
        self.crashed_before
    }

    /// Whether roles or sites go round in circles, so that the run was given up.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        self.bustle.is_stuck
    }

    /// The next thing that is due; nothing any more once the run was given up.
    fn next(&mut self, until: SimTime) -> Option<Event<C>> {
        if self.bustle.is_stuck {
            return None;
        }
        let event = self.kernel.next_until(until)?;
        let now = self.now();
        if now >= self.bustle.over_at {
            self.bustle.over_at = SimTime::from_secs(now.as_secs() + 1);
            self.bustle.events = 0;
        }
        self.bustle.events += 1;
        if self.bustle.events > EVENTS_A_SECOND_MAX {
            self.bustle.is_stuck = true;
            let what = format!("more than {EVENTS_A_SECOND_MAX} events within a second");
            self.found(Judge::RunsThrough, what);
        }
        Some(event)
    }

    /// Does one thing that was due now.
    fn happen(&mut self, event: Event<C>) {
        match event {
            Event::Tick { machine, workload, life, site } => self.tick(machine, site, workload, life),
            Event::WriteDone(done) => self.write_done(done),
            Event::RoleDue(address) => self.role_due(address),
            Event::LinkDue(link) => self.link_due(link),
            Event::Synced(synced) => self.store_synced(synced),
            Event::Input { to, life, input } => {
                if self.hosts.life(to) == life {
                    self.input(to, *input);
                }
            }
            Event::DiskFlushed { to, life, disk, token } => self.replica_flushed(to, life, disk, token),
            Event::Command(command) => {
                let (id, mut command) = *command;
                if let Some(sabotage) = self.sabotage {
                    sabotage.tamper_command(&mut command);
                }
                self.input(Address::Control, Input::Command { id, command });
            }
            Event::HypervisorDone(call) => self.hypervisor_done(call),
            Event::CloudDone(call) => self.cloud_done(call),
            Event::Restart(address) => self.restart(address),
            Event::FaultEnds(fault) => self.fault_ends(fault),
            Event::Sample => self.sample(),
        }
    }

    /// Hands a role an input and carries out what it wants.
    fn input(&mut self, to: Address, input: Input<C>) {
        self.inputs += 1;
        if self.crash_at_input.is_some_and(|(at, _)| at == self.inputs) {
            let down_for = self.crash_at_input.take().map_or(core::time::Duration::ZERO, |(_, down)| down);
            self.crashed_before = Some((to, event::kind_of(&input)));
            // Copies of a world that crash at different inputs must not all lose the same part of what was unsynced.
            self.chance = self.spec.seed.chance(&format!("crash at input {}", self.inputs));
            return self.crash(to, down_for);
        }
        let now = self.now();
        let mut effects = core::mem::take(&mut self.effects);
        let skew = self.clock_skew(to);
        self.hosts.handle(to, now, skew, input, &mut effects, &mut self.kernel);
        self.carry_out(to, &mut effects);
        self.effects = effects;
    }

    /// Carries out effects in order. Carrying one out may hand inputs to other roles only through events, so the
    /// list does not grow meanwhile.
    fn carry_out(&mut self, from: Address, effects: &mut Vec<Effect<C, core::convert::Infallible>>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, message } => self.send(from, to, message),
                Effect::ReadDisk { disk, range, token } => self.read_disk(from, disk, range, token),
                Effect::WriteDisk { disk, changes, token } => self.write_replica(from, disk, &changes, token),
                Effect::GrowReplica { disk, sectors } => self.grow_replica(from, disk, sectors),
                Effect::HoldWrites => self.hold_writes(from),
                Effect::ReleaseWrites => self.release_writes(from),
                Effect::Quiesce => self.quiesce(from),
                Effect::Unquiesce => self.unquiesce(from),
                Effect::ReadyToStop => self.ready_to_stop(from),
                Effect::Hypervisor { call, request } => self.ask_hypervisor(call, request),
                Effect::Cloud { call, request } => self.ask_cloud(call, request),
                Effect::Reply { id, result } => self.replied(id, result),
                Effect::Observe(observation) => {
                    self.watch_observation(&observation);
                    self.observe(from, observation);
                }
                // Taken out by the host, and of a type without values.
                Effect::Append(never, _) => match never {},
                Effect::Compact(_) | Effect::Sync(_) => {}
            }
        }
    }

    fn replied(&mut self, id: CommandId, result: Result<JobId, Refused>) {
        if self.replies.contains_key(&id) {
            return;
        }
        let result = match self.sabotage {
            Some(sabotage) => sabotage.tamper_reply(result),
            None => result,
        };
        self.note(Happening::Replied { result: result.clone() });
        self.replies.insert(id, result);
    }

    /// Lets an event come after a while.
    pub(crate) fn schedule(&mut self, after: core::time::Duration, event: Event<C>) {
        self.kernel.schedule_in(after, event);
    }

    /// Adds a line to the timeline and to the digest.
    pub(crate) fn note(&mut self, happening: Happening) {
        let now = self.now();
        self.trace.record(now, 0, Fact::Happened(happening.clone()));
        self.happenings.push((now, happening));
    }
}
