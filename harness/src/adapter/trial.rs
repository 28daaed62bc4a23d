//! One trial: a machine, a replicator's two sides, the links and logs between them, and faults.
//!
//! Owns the loop, and carries out what the sides ask for. Refuses to judge, and to decide anything for a side.

use std::collections::BTreeSet;

use switchback_sim::{Chance, DurableStore, Kernel, Link, LinkSpec, Ratio, Seed, SimTime, SyncMark};

use super::fault::{Fault, FaultKind};
use super::io::{Io, SyncId, Wish};
use super::machine::Machine;
use super::setup::{Setup, SetupError};
use super::verdict::{Look, Verdict};
use super::{Replicator, Side, Source, Start, Target, Written};
use crate::check::{Finding, Judge};

/// No honest trial of a minute takes as many; a side that wakes itself for ever does.
const EVENTS_MAX: u64 = 20_000_000;

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The first thing that was wrong; the trial ended there.
    pub finding: Option<Finding>,
    /// Writes that were acknowledged.
    pub writes: u64,
    /// Recovery points that were read back.
    pub points: u64,
    /// Messages that arrived, both ways.
    pub messages: u64,
    /// When it ended.
    pub ended_at: SimTime,
}

/// Runs the trial of a seed: its faults, and everything else that is drawn, follow from the number.
///
/// # Errors
/// [`SetupError`] when the setup makes no trial.
pub fn try_seed<R: Replicator>(replicator: &R, setup: &Setup, seed: u64) -> Result<Outcome, SetupError> {
    setup.check()?;
    Ok(run(replicator, setup, seed, &faults_of(setup, seed)))
}

/// As [`try_seed`], with these faults instead of those of the seed. They may overlap.
///
/// # Errors
/// [`SetupError`] when the setup makes no trial.
pub fn try_with<R: Replicator>(
    replicator: &R,
    setup: &Setup,
    seed: u64,
    faults: &[Fault],
) -> Result<Outcome, SetupError> {
    setup.check()?;
    Ok(run(replicator, setup, seed, faults))
}

pub(super) fn faults_of(setup: &Setup, seed: u64) -> Vec<Fault> {
    Fault::draw(setup, Seed(seed).chance("faults"))
}

/// Runs a trial of a setup that was checked.
pub(super) fn run<R: Replicator>(replicator: &R, setup: &Setup, seed: u64, faults: &[Fault]) -> Outcome {
    let mut trial = Trial::new(replicator, setup, Seed(seed), faults);
    trial.begin();
    trial.go_on();
    trial.end()
}

#[derive(Debug)]
enum Event {
    /// A workload of the machine's life number `life` writes.
    Due {
        workload: usize,
        life: u64,
    },
    Written(u32),
    LinkDue(Side),
    Synced {
        side: Side,
        sync: SyncId,
        mark: SyncMark,
        life: u64,
    },
    Wake(Side),
    FaultBegins(usize),
    FaultEnds(usize),
}

/// What a side has beside its program.
struct Host {
    log: DurableStore<Vec<u8>>,
    chance: Chance,
    next_sync: u64,
    /// Counts its starts.
    life: u64,
    alarm: Option<SimTime>,
    /// Faults that keep it down.
    held_down: u32,
}

/// The link to a side.
struct Inbound {
    link: Link<Vec<u8>>,
    /// The earliest delivery that is scheduled.
    armed: SimTime,
}

struct Trial<'a, R: Replicator> {
    replicator: &'a R,
    setup: &'a Setup,
    faults: &'a [Fault],
    kernel: Kernel<Event>,
    machine: Machine,
    source: Option<R::Source>,
    target: Option<R::Target>,
    hosts: [Host; 2],
    inbound: [Inbound; 2],
    active: BTreeSet<usize>,
    latency: Chance,
    healthy_since: SimTime,
    ends_at: SimTime,
    verdict: Verdict,
}

impl<'a, R: Replicator> Trial<'a, R> {
    fn new(replicator: &'a R, setup: &'a Setup, seed: Seed, faults: &'a [Fault]) -> Self {
        let host = |name| Host {
            log: DurableStore::new(),
            chance: seed.chance(name),
            next_sync: 0,
            life: 0,
            alarm: None,
            held_down: 0,
        };
        let inbound =
            |name| Inbound { link: Link::new(setup.link.clone(), seed.chance(name)), armed: SimTime::MAX };
        let healthy_since = faults.iter().map(Fault::end).max().unwrap_or(SimTime::ZERO);
        Self {
            replicator,
            setup,
            faults,
            kernel: Kernel::new(),
            machine: Machine::new(setup, seed),
            source: None,
            target: None,
            hosts: [host("source"), host("target")],
            inbound: [inbound("link to the source"), inbound("link to the target")],
            active: BTreeSet::new(),
            latency: seed.chance("latency"),
            healthy_since,
            ends_at: healthy_since.max(SimTime::ZERO + setup.run) + setup.settle,
            verdict: Verdict::new(setup),
        }
    }

    fn begin(&mut self) {
        for (index, fault) in self.faults.iter().enumerate() {
            self.kernel.schedule_at(SimTime::ZERO + fault.at, Event::FaultBegins(index));
            self.kernel.schedule_at(fault.end(), Event::FaultEnds(index));
        }
        self.start(Side::Target);
        self.start(Side::Source);
    }

    fn go_on(&mut self) {
        while self.verdict.finding.is_none() {
            let Some(event) = self.kernel.next_until(self.ends_at) else { break };
            if self.kernel.events_delivered() > EVENTS_MAX {
                let what = format!("after {EVENTS_MAX} events the trial has not come to its end");
                return self.verdict.found(Judge::Convergence, self.kernel.now(), what);
            }
            self.happen(event);
        }
    }

    fn end(mut self) -> Outcome {
        if self.verdict.finding.is_none() {
            self.kernel.advance_to(self.ends_at);
            self.look_again();
            let look = Look { now: self.kernel.now(), setup: self.setup, history: &self.machine.history };
            self.verdict.judge_convergence(look, self.healthy_since);
        }
        let delivered = |inbound: &Inbound| inbound.link.counters().delivered;
        Outcome {
            writes: self.machine.history.len(super::machine::SITE) as u64,
            points: self.verdict.points,
            messages: self.inbound.iter().map(delivered).sum(),
            ended_at: self.kernel.now(),
            finding: self.verdict.finding,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Due { workload, life } => self.write_due(workload, life),
            Event::Written(number) => self.written(number),
            Event::LinkDue(side) => self.link_due(side),
            Event::Synced { side, sync, mark, life } => self.synced(side, sync, mark, life),
            Event::Wake(side) => self.wake(side),
            Event::FaultBegins(fault) => self.fault_begins(fault),
            Event::FaultEnds(fault) => self.fault_ends(fault),
        }
    }

    // The machine.

    fn write_due(&mut self, workload: usize, life: u64) {
        if life != self.hosts[Side::Source as usize].life {
            return;
        }
        let Some((number, next)) = self.machine.issue(workload, self.kernel.now()) else { return };
        let latency = self.latency.duration(self.setup.write_latency.clone());
        self.kernel.schedule_in(latency, Event::Written(number));
        if let Some(at) = next {
            self.kernel.schedule_at(at, Event::Due { workload, life });
        }
    }

    fn written(&mut self, number: u32) {
        let Some(write) = self.machine.complete(number, self.kernel.now()) else { return };
        self.call_source(|source, io| {
            source.written(Written { disk: write.disk, start: write.start, data: &write.data.0 }, io);
        });
        self.begin_pause();
    }

    fn begin_pause(&mut self) {
        if self.machine.begins_pause(self.kernel.now()) {
            self.call_source(|source, io| source.paused(io));
        }
    }

    fn resume(&mut self) {
        let life = self.hosts[Side::Source as usize].life;
        for workload in self.machine.resume(self.kernel.now()) {
            self.kernel.schedule_at(self.kernel.now(), Event::Due { workload, life });
        }
    }

    // The two sides.

    fn start(&mut self, side: Side) {
        let host = &mut self.hosts[side as usize];
        host.life += 1;
        let (life, next_sync) = (host.life, host.next_sync);
        let disks = self.setup.disks.iter().map(|disk| disk.sectors).collect();
        let start = Start { disks, records: host.log.to_vec() };
        let mut io = Io::new(self.kernel.now(), disks_of(side, &self.machine), next_sync);
        match side {
            Side::Source => self.source = Some(self.replicator.source(start, &mut io)),
            Side::Target => self.target = Some(self.replicator.target(start, &mut io)),
        }
        let (wishes, next_sync) = io.into_wishes();
        self.carry_out(side, wishes, next_sync);
        match side {
            Side::Source => {
                for (workload, at) in self.machine.boot(self.kernel.now()) {
                    self.kernel.schedule_at(at, Event::Due { workload, life });
                }
            }
            Side::Target => self.look_again(),
        }
    }

    fn stop(&mut self, side: Side) {
        let host = &mut self.hosts[side as usize];
        host.log.crash(&mut host.chance);
        host.alarm = None;
        host.life += 1;
        match side {
            Side::Source => {
                self.source = None;
                self.machine.crash(self.kernel.now());
            }
            Side::Target => self.target = None,
        }
    }

    fn call_source(&mut self, call: impl FnOnce(&mut R::Source, &mut Io<'_>)) {
        let Some(source) = &mut self.source else { return };
        let next_sync = self.hosts[Side::Source as usize].next_sync;
        let mut io = Io::new(self.kernel.now(), disks_of(Side::Source, &self.machine), next_sync);
        call(source, &mut io);
        let (wishes, next_sync) = io.into_wishes();
        self.carry_out(Side::Source, wishes, next_sync);
    }

    fn call_target(&mut self, call: impl FnOnce(&mut R::Target, &mut Io<'_>)) {
        let Some(target) = &mut self.target else { return };
        let next_sync = self.hosts[Side::Target as usize].next_sync;
        let mut io = Io::new(self.kernel.now(), None, next_sync);
        call(target, &mut io);
        let (wishes, next_sync) = io.into_wishes();
        self.carry_out(Side::Target, wishes, next_sync);
        self.look();
    }

    fn carry_out(&mut self, side: Side, wishes: Vec<Wish>, next_sync: u64) {
        self.hosts[side as usize].next_sync = next_sync;
        for wish in wishes {
            match wish {
                Wish::Send(message) => self.send(side, message),
                Wish::Append(record) => {
                    let bytes = record.len() as u64;
                    let appended = self.hosts[side as usize].log.append(record, bytes);
                    debug_assert!(appended.is_ok(), "the log has no limit");
                }
                Wish::Compact(records) => {
                    let sized = records.into_iter().map(|record| (record.len() as u64, record));
                    let sized = sized.map(|(bytes, record)| (record, bytes)).collect();
                    self.hosts[side as usize].log.compact(sized);
                }
                Wish::Sync(sync) => self.sync(side, sync),
                Wish::WakeAt(at) => {
                    self.hosts[side as usize].alarm = Some(at);
                    self.kernel.schedule_at(at, Event::Wake(side));
                }
                Wish::Pause if side == Side::Source => {
                    self.machine.ask_for_pause();
                    self.begin_pause();
                }
                Wish::Resume if side == Side::Source => self.resume(),
                Wish::Pause | Wish::Resume => {}
            }
        }
    }

    fn sync(&mut self, side: Side, sync: SyncId) {
        let host = &mut self.hosts[side as usize];
        let (mark, life) = (host.log.sync_begin(), host.life);
        let latency = self.latency.duration(self.setup.sync_latency.clone());
        self.kernel.schedule_in(latency, Event::Synced { side, sync, mark, life });
    }

    fn synced(&mut self, side: Side, sync: SyncId, mark: SyncMark, life: u64) {
        let host = &mut self.hosts[side as usize];
        if life != host.life {
            return;
        }
        host.log.sync_complete(mark);
        match side {
            Side::Source => self.call_source(|source, io| source.synced(sync, io)),
            Side::Target => self.call_target(|target, io| target.synced(sync, io)),
        }
    }

    fn wake(&mut self, side: Side) {
        let alarm = &mut self.hosts[side as usize].alarm;
        if alarm.is_none_or(|at| at > self.kernel.now()) {
            return;
        }
        *alarm = None;
        match side {
            Side::Source => self.call_source(|source, io| source.wake(io)),
            Side::Target => self.call_target(|target, io| target.wake(io)),
        }
    }

    // The links.

    fn send(&mut self, from: Side, message: Vec<u8>) {
        let to = match from {
            Side::Source => Side::Target,
            Side::Target => Side::Source,
        };
        let bytes = message.len() as u64;
        self.inbound[to as usize].link.send(self.kernel.now(), 0, bytes, message);
        self.arm(to);
    }

    fn arm(&mut self, side: Side) {
        let inbound = &mut self.inbound[side as usize];
        if let Some(at) = inbound.link.deadline().filter(|at| *at < inbound.armed) {
            inbound.armed = at;
            self.kernel.schedule_at(at, Event::LinkDue(side));
        }
    }

    fn link_due(&mut self, side: Side) {
        let now = self.kernel.now();
        let inbound = &mut self.inbound[side as usize];
        if now < inbound.armed {
            return;
        }
        inbound.armed = SimTime::MAX;
        let mut arrived = Vec::new();
        inbound.link.poll(now, &mut arrived);
        for message in arrived {
            match side {
                Side::Source => self.call_source(|source, io| source.message(&message, io)),
                Side::Target => self.call_target(|target, io| target.message(&message, io)),
            }
        }
        self.arm(side);
    }

    // Faults.

    fn fault_begins(&mut self, index: usize) {
        self.active.insert(index);
        match self.faults[index].kind {
            FaultKind::SourceCrash => self.hold_down(Side::Source),
            FaultKind::TargetCrash => self.hold_down(Side::Target),
            _ => self.weather(),
        }
    }

    fn fault_ends(&mut self, index: usize) {
        self.active.remove(&index);
        match self.faults[index].kind {
            FaultKind::SourceCrash => self.let_up(Side::Source),
            FaultKind::TargetCrash => self.let_up(Side::Target),
            _ => self.weather(),
        }
    }

    fn hold_down(&mut self, side: Side) {
        self.hosts[side as usize].held_down += 1;
        if self.hosts[side as usize].held_down == 1 {
            self.stop(side);
        }
    }

    fn let_up(&mut self, side: Side) {
        self.hosts[side as usize].held_down -= 1;
        if self.hosts[side as usize].held_down == 0 {
            self.start(side);
        }
    }

    /// Makes both links what the active faults say.
    fn weather(&mut self) {
        let now = self.kernel.now();
        let is_active = |kind| self.active.iter().any(|fault| self.faults[*fault].kind == kind);
        let spec = link_under(&self.setup.link, is_active);
        let is_cut = is_active(FaultKind::Cut);
        for Inbound { link, .. } in &mut self.inbound {
            link.set_spec(now, spec.clone());
            match is_cut {
                true if !link.is_cut() => link.cut(now),
                true => {}
                false => link.heal(),
            }
        }
        self.arm(Side::Source);
        self.arm(Side::Target);
    }

    // The judge.

    fn look(&mut self) {
        let Some(target) = &self.target else { return };
        let look = Look { now: self.kernel.now(), setup: self.setup, history: &self.machine.history };
        self.verdict.look(look, target);
    }

    fn look_again(&mut self) {
        let Some(target) = &self.target else { return };
        let look = Look { now: self.kernel.now(), setup: self.setup, history: &self.machine.history };
        self.verdict.look_again(look, target);
    }
}

/// Only the source has the machine's disks beside it.
fn disks_of(side: Side, machine: &Machine) -> Option<&crate::check::Replay> {
    (side == Side::Source).then_some(&machine.disks)
}

fn link_under(well: &LinkSpec, is_active: impl Fn(FaultKind) -> bool) -> LinkSpec {
    let fifth = |kind, well: Ratio| if is_active(kind) { Ratio::percent(20) } else { well };
    let slow = Some(well.bandwidth_bytes_per_sec.map_or(64 << 10, |rate| rate / 10));
    LinkSpec {
        latency: well.latency.clone(),
        bandwidth_bytes_per_sec: if is_active(FaultKind::Slow) { slow } else { well.bandwidth_bytes_per_sec },
        loss: fifth(FaultKind::Loss, well.loss),
        reorder: fifth(FaultKind::Reorder, well.reorder),
        duplicate: fifth(FaultKind::Duplicate, well.duplicate),
    }
}
