//! A role with its durable store, its timer, its life and its death.

use core::convert::Infallible;
use core::time::Duration;

use switchback_engine::agent::Agent;
use switchback_engine::control::Control;
use switchback_engine::process_server::ProcessServer;
use switchback_engine::role::{Address, Effect, Input, Outbox, Role, StorageError, StoreEffect};
use switchback_engine::target::Target;
use switchback_engine::time::Instant;
use switchback_engine::{MachineId, Site};
use switchback_sim::{Chance, DeviceSpec, DurableStore, IoKind, Kernel, SimTime, Tail};

use super::event::{Event, Synced};
use super::faults::{shown, when};
use super::late_device::LateDevice;
use crate::content::Simulated;

/// A role on its host. While it is down there is no role, only the store.
#[derive(Debug, Clone)]
pub(super) struct Host<R: Role> {
    pub(super) address: Address,
    /// Apart from the rest: most machines have a host away from home, and no agent there.
    pub(super) role: Option<Box<R>>,
    /// Grows with every end and beginning; what was meant for an earlier life is dropped.
    pub(super) life: u32,
    pub(super) store: DurableStore<R::Record>,
    device: LateDevice,
    out: Outbox<R::Content, R::Record>,
    /// The wake-ups under way, the last of them the next.
    armed: Vec<SimTime>,
    /// Bytes appended since the last sync began.
    unsynced_bytes: u64,
    /// An append did not fit.
    store_is_full: bool,
}

impl<R: Role> Host<R>
where
    R::Content: Simulated,
{
    pub(super) fn new(address: Address, role: Option<R>, device: LateDevice) -> Self {
        Self {
            address,
            role: role.map(Box::new),
            life: 1,
            store: DurableStore::new(),
            device,
            out: Outbox::default(),
            armed: Vec::new(),
            unsynced_bytes: 0,
            store_is_full: false,
        }
    }

    /// Hands the role an input; what is for the store is done here, the rest is given back.
    pub(super) fn handle(
        &mut self,
        now: SimTime,
        skew: i64,
        input: Input<R::Content>,
        effects: &mut Vec<Effect<R::Content, Infallible>>,
        kernel: &mut Kernel<Event<R::Content>>,
    ) {
        let Some(role) = &mut self.role else { return };
        role.handle(shown(now, skew), input, &mut self.out);
        self.settle(now, skew, effects, kernel);
    }

    /// Carries out what is for the store, gives back the rest, and arms the timer.
    fn settle(
        &mut self,
        now: SimTime,
        skew: i64,
        effects: &mut Vec<Effect<R::Content, Infallible>>,
        kernel: &mut Kernel<Event<R::Content>>,
    ) {
        if !self.out.is_empty() {
            let mut out = core::mem::take(&mut self.out);
            for effect in out.drain() {
                match effect.for_world() {
                    Ok(effect) => effects.push(effect),
                    Err(effect) => self.store_effect(now, effect, kernel),
                }
            }
            self.out = out;
        }
        let deadline = self.role.as_deref().and_then(Role::deadline).filter(|at| *at < Instant::MAX);
        if let Some(at) = deadline.map(|at| when(at, skew).max(now)) {
            self.arm(at, kernel);
        }
    }

    /// Wants the role to be woken at an instant, unless an earlier wake-up is under way: that one looks further.
    fn arm(&mut self, at: SimTime, kernel: &mut Kernel<Event<R::Content>>) {
        if self.armed.last().is_none_or(|next| at < *next) {
            self.armed.push(at);
            kernel.schedule_at(at, Event::RoleDue(self.address));
        }
    }

    fn store_effect(
        &mut self,
        now: SimTime,
        effect: StoreEffect<R::Record>,
        kernel: &mut Kernel<Event<R::Content>>,
    ) {
        match effect {
            StoreEffect::Append(record, bytes) => {
                self.unsynced_bytes += bytes;
                self.store_is_full |= self.store.append(record, bytes).is_err();
            }
            StoreEffect::Compact(records) => {
                self.unsynced_bytes += records.len() as u64 * 64;
                self.store.compact(records);
            }
            StoreEffect::Sync(token) => {
                let bytes = core::mem::take(&mut self.unsynced_bytes);
                self.device.get().submit(now, IoKind::Write, bytes);
                let at = self.device.get().submit(now, IoKind::Flush, 0);
                let mark = (!core::mem::take(&mut self.store_is_full)).then(|| self.store.sync_begin());
                let synced = Synced { address: self.address, life: self.life, token, mark };
                kernel.schedule_at(at, Event::Synced(synced));
            }
        }
    }

    /// A sync ended: what the role is to hear of it. A store that lies says so too and keeps nothing.
    fn synced(&mut self, synced: Synced, lies: bool) -> Input<R::Content> {
        let result = match synced.mark {
            Some(_) if lies => Ok(()),
            Some(mark) => {
                self.store.sync_complete(mark);
                Ok(())
            }
            None => {
                self.store.crash_keeping(Tail::None);
                Err(StorageError::Full)
            }
        };
        Input::Synced { token: synced.token, result }
    }

    /// The wake-up that was armed has come; whether the role wanted it.
    fn is_due(&mut self, now: SimTime, skew: i64, kernel: &mut Kernel<Event<R::Content>>) -> bool {
        if self.armed.pop_if(|next| *next <= now).is_none() {
            return false;
        }
        let deadline = self.role.as_deref().and_then(Role::deadline);
        let due = deadline.is_some_and(|at| at <= shown(now, skew));
        if !due {
            self.settle(now, skew, &mut Vec::new(), kernel);
        }
        due
    }

    /// The host dies: what was not synced may be gone.
    pub(super) fn die(&mut self, chance: &mut Chance) {
        self.role = None;
        self.life += 1;
        self.out = Outbox::default();
        self.armed.clear();
        self.unsynced_bytes = 0;
        self.store_is_full = false;
        self.store.crash(chance);
        self.device.get().power_cycle();
    }

    /// The host comes up with a role in it, which may want something at once.
    pub(super) fn come_up(
        &mut self,
        now: SimTime,
        role: R,
        out: Outbox<R::Content, R::Record>,
        kernel: &mut Kernel<Event<R::Content>>,
    ) {
        self.role = Some(Box::new(role));
        self.life += 1;
        self.out = out;
        self.armed.clear();
        self.arm(now, kernel);
    }

    /// The clock goes differently from now on: the role looks at it.
    fn look_at_clock(&mut self, now: SimTime, kernel: &mut Kernel<Event<R::Content>>) {
        if self.role.is_some() {
            self.armed.clear();
            self.arm(now, kernel);
        }
    }

    /// The store lies on a device that is as fast as that from now on.
    pub(super) fn set_timing(&mut self, spec: &DeviceSpec) {
        self.device.get().set_spec(spec.clone());
    }

    /// Limits the store to what it holds now, or lifts the limit.
    pub(super) fn set_full(&mut self, full: bool) {
        self.store.set_capacity(full.then(|| self.store.bytes_used()));
    }
}

/// All hosts.
#[derive(Debug, Clone)]
pub(super) struct Hosts<C: Simulated> {
    pub(super) control: Host<Control<C>>,
    pub(super) process_servers: Vec<Host<ProcessServer<C>>>,
    pub(super) targets: [Host<Target<C>>; 2],
    /// Two for each machine: at home and away.
    pub(super) agents: Vec<Host<Agent<C>>>,
}

/// Does the same with the host of an address, whatever role it has.
macro_rules! on_host {
    ($hosts:expr, $address:expr, $host:ident => $do:expr) => {
        match $address {
            Address::Control => {
                let $host = &mut $hosts.control;
                $do
            }
            Address::ProcessServer(number) => {
                let $host = &mut $hosts.process_servers[usize::from(number)];
                $do
            }
            Address::Target(site) => {
                let $host = &mut $hosts.targets[site_index(site)];
                $do
            }
            Address::Agent(machine, site) => {
                let $host = &mut $hosts.agents[agent_index(machine, site)];
                $do
            }
        }
    };
}

pub(super) const fn site_index(site: Site) -> usize {
    match site {
        Site::Primary => 0,
        Site::Recovery => 1,
    }
}

pub(super) const fn agent_index(machine: MachineId, site: Site) -> usize {
    machine.0 as usize * 2 + site_index(site)
}

impl<C: Simulated> Hosts<C> {
    pub(super) fn target(&self, site: Site) -> &Host<Target<C>> {
        &self.targets[site_index(site)]
    }

    pub(super) fn agent(&self, machine: MachineId, site: Site) -> &Host<Agent<C>> {
        &self.agents[agent_index(machine, site)]
    }

    pub(super) fn agent_mut(&mut self, machine: MachineId, site: Site) -> &mut Host<Agent<C>> {
        &mut self.agents[agent_index(machine, site)]
    }

    /// The process servers are up from the beginning, and say how they are, whether anybody sends there or not.
    pub(super) fn start_servers(&mut self, now: SimTime, kernel: &mut Kernel<Event<C>>) {
        self.process_servers.iter_mut().for_each(|host| host.arm(now, kernel));
    }

    pub(super) fn life(&mut self, address: Address) -> u32 {
        on_host!(self, address, host => host.life)
    }

    pub(super) fn is_up(&mut self, address: Address) -> bool {
        on_host!(self, address, host => host.role.is_some())
    }

    pub(super) fn handle(
        &mut self,
        to: Address,
        now: SimTime,
        skew: i64,
        input: Input<C>,
        effects: &mut Vec<Effect<C, Infallible>>,
        kernel: &mut Kernel<Event<C>>,
    ) {
        on_host!(self, to, host => host.handle(now, skew, input, effects, kernel));
    }

    pub(super) fn is_due(
        &mut self,
        address: Address,
        now: SimTime,
        skew: i64,
        kernel: &mut Kernel<Event<C>>,
    ) -> bool {
        on_host!(self, address, host => host.is_due(now, skew, kernel))
    }

    /// A sync ended, of a life that may be over.
    pub(super) fn synced(&mut self, synced: Synced, lies: bool) -> Option<Input<C>> {
        on_host!(self, synced.address, host => (host.life == synced.life).then(|| host.synced(synced, lies)))
    }

    pub(super) fn die(&mut self, address: Address, chance: &mut Chance) {
        on_host!(self, address, host => host.die(chance));
    }

    pub(super) fn look_at_clock(&mut self, address: Address, now: SimTime, kernel: &mut Kernel<Event<C>>) {
        on_host!(self, address, host => host.look_at_clock(now, kernel));
    }

    pub(super) fn set_store_timing(&mut self, address: Address, spec: &DeviceSpec) {
        on_host!(self, address, host => host.set_timing(spec));
    }

    pub(super) fn set_store_full(&mut self, address: Address, full: bool) {
        on_host!(self, address, host => host.set_full(full));
    }
}

impl<C: Simulated> super::World<C> {
    pub(super) fn role_due(&mut self, address: Address) {
        let now = self.now();
        let skew = self.clock_skew(address);
        if self.hosts.is_due(address, now, skew, &mut self.kernel) {
            self.input(address, Input::Wake);
        }
    }

    pub(super) fn store_synced(&mut self, synced: Synced) {
        let lies = self.sabotage.is_some_and(|sabotage| sabotage.lies_about_syncs(synced.address));
        if let Some(input) = self.hosts.synced(synced, lies) {
            self.input(synced.address, input);
        }
    }

    /// An input that comes to a role later, if it still lives then.
    pub(super) fn input_after(&mut self, delay: Duration, to: Address, input: Input<C>) {
        let life = self.hosts.life(to);
        self.kernel.schedule_in(delay, Event::Input { to, life, input: Box::new(input) });
    }

    /// An input that comes to a role at an instant, if it still lives then.
    pub(super) fn input_at(&mut self, at: SimTime, to: Address, input: Input<C>) {
        let life = self.hosts.life(to);
        self.kernel.schedule_at(at, Event::Input { to, life, input: Box::new(input) });
    }
}
