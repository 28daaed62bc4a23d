//! Agent, two process servers and the target behind each other, over a network that loses, repeats and overtakes, on hosts
//! that crash: whatever becomes a recovery point is a prefix of the write order, and in the end everything arrives.
//!
//! The judge is a list of the writes as they completed and a copy of the disks after each. It knows nothing of
//! batches, sessions or points.

mod common;

use core::time::Duration;

use common::disk::Disk;
use common::machine::{Machine, PLENTY};
use common::stream::{GENERATION, GROUP, SERVER, TARGET, agent, disk, spec, terms};
use common::{Bench, SECOND, only_answer};
use proptest::collection::vec;
use proptest::prelude::*;
use switchback_engine::message::{Answer, FirstCopy, Order, ResyncReason, Selector};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::process_server::{ProcessServer, ProcessServerConfig};
use switchback_engine::target::Target;
use switchback_engine::{Address, DiskRef, Effect, Input, MachineId, Message, PointId, Site, Stamp};

/// Three blocks of a comparison, the last one short.
const SECTORS: u64 = 4200;
/// Where writes go: few sectors, so that they meet, on both sides of the borders of blocks.
const ZONES: [(u64, u64); 3] = [(0, 24), (2040, 16), (4092, 100)];
const HOT_SECTORS: usize = 140;
/// The process servers; the machine begins at the first.
const SERVERS: [Address; 2] = [SERVER, Address::ProcessServer(2)];
/// Writes between two drains, so that no batch is larger than the smallest cache.
const WRITES_PER_DRAIN: u32 = 8;

/// What a disk holds in the zones.
type Picture = Vec<Stamp>;

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Write {
        disk: u8,
        at: usize,
        sectors: u32,
        zero: bool,
    },
    Wait {
        millis: u64,
    },
    Deliver(usize),
    DeliverAll,
    Drop(usize),
    Repeat(usize),
    /// The oldest thing of a kind that waits for hardware ends.
    Sync {
        who: u8,
        works: bool,
    },
    AgentRead {
        then: bool,
        works: bool,
    },
    TargetRead {
        then: bool,
        works: bool,
    },
    TargetWrite {
        works: bool,
    },
    Held,
    CrashAgent {
        kept: usize,
    },
    CrashServer {
        number: usize,
        kept: usize,
    },
    CrashTarget {
        kept: usize,
    },
    Resync,
    /// The machine is told to send through this process server.
    Move {
        number: usize,
    },
}

/// How a case is set up.
#[derive(Debug, Clone)]
struct Setup {
    pool_bytes: u64,
    cache_bytes: u64,
    retain_points: bool,
    syncs_at_once: bool,
    reads_at_once: bool,
    writes_at_once: bool,
    holds_at_once: bool,
    /// The replica is not blank but holds something else.
    old_replica: bool,
}

struct World {
    machine: Machine,
    servers: [Bench<ProcessServer<Stamp>>; 2],
    target: Bench<Target<Stamp>>,
    network: Vec<(Address, Address, Message<Stamp>)>,
    server_configs: [ProcessServerConfig; 2],
    /// Both disks before the first write and after each.
    pictures: Vec<[Picture; 2]>,
    /// Points that were seen and judged.
    judged: Vec<PointId>,
    is_held: bool,
    undrained: u32,
    requests: u64,
}

impl World {
    fn new(setup: &Setup) -> Self {
        let policy = ReplicationPolicy {
            crash_consistent_every: 5 * SECOND,
            retain_points_for: if setup.retain_points { Duration::from_secs(3600) } else { Duration::ZERO },
            ..common::stream::CRASH_ONLY
        };
        let server_configs = [1, 2].map(|number| ProcessServerConfig::with_cache(number, setup.cache_bytes));
        let mut world = Self {
            machine: Machine::installed(1, setup.pool_bytes),
            servers: server_configs.map(|config| Bench::new(ProcessServer::new(config))),
            target: Bench::new(Target::new(Site::Recovery)),
            network: Vec::new(),
            server_configs,
            pictures: Vec::new(),
            judged: Vec::new(),
            is_held: false,
            undrained: 0,
            requests: 2,
        };
        for index in 0..2 {
            world.machine.put(index, 2, 4, 1);
            world.machine.put(index, 2050, 3, 2);
        }
        world.machine.written = 2;
        if setup.old_replica {
            for index in 0..2 {
                let old = world.target.disk(replica(index));
                old.write(&[common::stream::change(1, 2, 2), common::stream::change(999_999, 4100, 9)]);
            }
        }
        let before = world.picture();
        world.pictures.push(before);
        let first = if setup.old_replica { FirstCopy::Compare } else { FirstCopy::Full };
        let replication =
            switchback_engine::message::Replication { first, ..terms(&[1], &[SECTORS, SECTORS], policy) };
        world.target.order(1, Order::OpenJournal(spec(&[(1, &[SECTORS, SECTORS])], policy)));
        world.machine.order(2, Order::StartReplication(replication));
        let [one, other] = &mut world.servers;
        let machine = &mut world.machine.bench;
        for at_once in [&mut machine.at_once, &mut one.at_once, &mut other.at_once, &mut world.target.at_once]
        {
            at_once.syncs = setup.syncs_at_once;
            at_once.reads = setup.reads_at_once;
            at_once.writes = setup.writes_at_once;
            at_once.holds = setup.holds_at_once;
        }
        world.collect();
        world
    }

    /// Both disks of the source, as they are.
    fn picture(&mut self) -> [Picture; 2] {
        [0, 1].map(|index| {
            let place = self.machine.disk_ref(index);
            picture_of(self.machine.bench.disk(place))
        })
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Write { disk, at, sectors, zero } => self.write(disk, at, sectors, zero),
            Step::Wait { millis } => self.wait(Duration::from_millis(millis)),
            Step::Deliver(i) => self.deliver(i),
            Step::DeliverAll => (0..self.network.len()).for_each(|_| self.deliver(0)),
            Step::Drop(i) => drop(self.pick(i)),
            Step::Repeat(i) => {
                if !self.network.is_empty() {
                    let again = self.network[i % self.network.len()].clone();
                    self.network.push(again);
                }
            }
            Step::Sync { who: 0, works } => drop(self.machine.finish_sync(works)),
            Step::Sync { who: who @ (1 | 2), works } => {
                self.servers[usize::from(who) - 1].finish_sync(works);
            }
            Step::Sync { works, .. } => drop(self.target.finish_sync(works)),
            Step::AgentRead { works: false, .. } => drop(self.machine.fail_read()),
            Step::AgentRead { then: true, .. } => drop(self.machine.finish_read_of_then()),
            Step::AgentRead { .. } => drop(self.machine.finish_read()),
            Step::TargetRead { works: false, .. } => drop(self.target.fail_read()),
            Step::TargetRead { then: true, .. } => drop(self.target.finish_read_of_then()),
            Step::TargetRead { .. } => drop(self.target.finish_read()),
            Step::TargetWrite { works } => drop(self.target.finish_write(works)),
            Step::Held if self.is_held => self.machine.feed(Input::WritesHeld),
            Step::Held => {}
            Step::CrashAgent { kept } => self.crash_agent(kept),
            Step::CrashServer { number, kept } => {
                let config = self.server_configs[number];
                let server = &mut self.servers[number];
                server.crash_keeping(kept, |_, records, _| ProcessServer::recover(config, records));
            }
            Step::CrashTarget { kept } => {
                self.target.crash_keeping(kept, |_, records, _| Target::recover(Site::Recovery, records));
            }
            Step::Resync => {
                self.requests += 1;
                let reason = ResyncReason::Manual;
                self.machine.bench.order(self.requests, Order::Resync { reason });
            }
            Step::Move { number } => {
                self.requests += 1;
                let order =
                    Order::UseProcessServer { generation: GENERATION, process_server: SERVERS[number] };
                self.machine.bench.order(self.requests, order);
            }
        }
        self.collect();
        self.judge_new_points();
    }

    fn write(&mut self, disk: u8, at: usize, sectors: u32, zero: bool) {
        if self.is_held {
            return;
        }
        let start = place(at);
        let sectors = sectors.min((SECTORS - start) as u32).min(sectors_left_in_zone(start));
        self.machine.written += 1;
        let write = if zero { 0 } else { self.machine.written };
        self.machine.write_stamped(disk, start, sectors, write);
        let picture = self.picture();
        self.pictures.push(picture);
        self.undrained += 1;
        if self.undrained >= WRITES_PER_DRAIN {
            self.wait(SECOND);
        }
    }

    fn wait(&mut self, span: Duration) {
        self.undrained = 0;
        self.machine.wait(span);
        self.servers.iter_mut().for_each(|server| server.wait(span));
        self.target.wait(span);
        self.collect();
    }

    fn crash_agent(&mut self, kept: usize) {
        // Held writes of a machine that dies were never written.
        self.is_held = false;
        let config = self.machine.config;
        self.machine.bench.crash_keeping(kept, |now, records, out| {
            switchback_engine::agent::Agent::boot(config, now, records, out)
        });
    }

    /// Puts what the roles said on the network.
    fn collect(&mut self) {
        for effect in self.machine.bench.take(|effect| Some(effect.clone())) {
            match effect {
                Effect::HoldWrites => self.is_held = true,
                Effect::ReleaseWrites => self.is_held = false,
                Effect::Send { to, message } if SERVERS.contains(&to) => {
                    self.network.push((agent(1), to, message));
                }
                _ => {}
            }
        }
        for (server, from) in self.servers.iter_mut().zip(SERVERS) {
            self.network.extend(server.sent().into_iter().map(|(to, message)| (from, to, message)));
        }
        let frames = self.target.take(|effect| match effect {
            Effect::Send { to, message } if SERVERS.contains(to) => Some((TARGET, *to, message.clone())),
            _ => None,
        });
        self.network.extend(frames);
    }

    fn pick(&mut self, i: usize) -> Option<(Address, Address, Message<Stamp>)> {
        (!self.network.is_empty()).then(|| self.network.remove(i % self.network.len()))
    }

    fn deliver(&mut self, i: usize) {
        let Some((from, to, message)) = self.pick(i) else { return };
        match to {
            Address::ProcessServer(number) => self.servers[usize::from(number) - 1].hear(from, message),
            TARGET => self.target.hear(from, message),
            _ => self.machine.hear(from, message),
        }
        self.collect();
    }

    /// What a disk holds at a point, or with everything received.
    fn recovered(&mut self, index: u8, at: Option<PointId>) -> Picture {
        let journal = self.target.role.journal(GROUP).expect("the journal is open");
        let view = match at {
            Some(point) => journal.view(disk(1, index), point),
            None => journal.head(disk(1, index)),
        };
        let view = view.expect("a point can be looked at");
        let base = self.target.disk(replica(index)).all();
        picture_of(&Disk::of(&view.materialise(&base)))
    }

    /// How many writes the point holds.
    fn prefix_at(&mut self, point: PointId) -> usize {
        let shown = [self.recovered(0, Some(point)), self.recovered(1, Some(point))];
        let prefix = self.pictures.iter().rposition(|picture| *picture == shown);
        prefix.unwrap_or_else(|| {
            let differs = differences(&shown, &self.picture());
            panic!("{point:?} is no prefix of the write order; from the source it differs in {differs}")
        })
    }

    fn points(&self) -> Vec<PointId> {
        let journal = self.target.role.journal(GROUP).expect("the journal is open");
        journal.points().iter().map(|point| point.id).collect()
    }

    fn judge_new_points(&mut self) {
        for point in self.points() {
            if !self.judged.contains(&point) {
                self.prefix_at(point);
                self.judged.push(point);
            }
        }
    }

    /// Every point there is, once more: folds and retention must not have touched it.
    fn judge_all_points(&mut self) {
        let prefixes: Vec<usize> = self.points().into_iter().map(|point| self.prefix_at(point)).collect();
        assert!(prefixes.is_sorted(), "a newer point holds less than an older one: {prefixes:?}");
    }

    /// Nothing fails any more: everything is delivered until the replica holds what the source holds.
    fn heal(&mut self) {
        self.machine.bench.at_once = common::AtOnce::ALL;
        self.servers.iter_mut().for_each(|server| server.at_once = common::AtOnce::ALL);
        self.target.at_once = common::AtOnce::ALL;
        self.finish_hardware();
        if self.is_held {
            self.machine.feed(Input::WritesHeld);
        }
        for _ in 0..200 {
            self.wait(SECOND);
            self.step(&Step::DeliverAll);
            self.step(&Step::DeliverAll);
            self.finish_hardware();
            if self.newest_point_is_the_source() {
                return;
            }
        }
        let source = self.picture();
        let head = [self.recovered(0, None), self.recovered(1, None)];
        let differs = differences(&head, &source);
        panic!("no point of what the source holds; the head differs in {differs}; {:?}", self.machine.role);
    }

    fn finish_hardware(&mut self) {
        while self.machine.finish_sync(true) || self.machine.finish_read() {}
        for server in &mut self.servers {
            while server.finish_sync(true) {}
        }
        while self.target.finish_sync(true) || self.target.finish_read() || self.target.finish_write(true) {}
        self.collect();
    }

    fn newest_point_is_the_source(&mut self) -> bool {
        let Some(newest) = self.points().last().copied() else { return false };
        let source = self.picture();
        [0, 1].into_iter().all(|index| self.recovered(index, Some(newest)) == source[usize::from(index)])
    }
}

fn replica(index: u8) -> DiskRef {
    DiskRef::Replica(disk(1, index), Site::Recovery)
}

/// Where two pictures differ, for people.
fn differences(shown: &[Picture; 2], source: &[Picture; 2]) -> String {
    let sectors = (0..2).flat_map(|disk| (0..HOT_SECTORS).map(move |at| (disk, at)));
    let differs = sectors.filter(|(disk, at)| shown[*disk][*at] != source[*disk][*at]);
    let line = |(disk, at): (usize, usize)| {
        let (shown, source) = (shown[disk][at], source[disk][at]);
        format!("disk {disk} at {at}: {}+{} for {}+{}; ", shown.write, shown.skip, source.write, source.skip)
    };
    differs.map(line).collect()
}

fn picture_of(disk: &Disk<Stamp>) -> Picture {
    let sectors = ZONES.iter().flat_map(|(start, sectors)| *start..start + sectors);
    let picture: Picture = sectors.map(|at| disk.sector(at)).collect();
    let shown = picture.iter().filter(|stamp| stamp.write != 0).count();
    assert_eq!(disk.all().len(), shown, "something lies where nobody wrote");
    picture
}

fn place(at: usize) -> u64 {
    let mut at = (at % HOT_SECTORS) as u64;
    for (start, sectors) in ZONES {
        if at < sectors {
            return start + at;
        }
        at -= sectors;
    }
    unreachable!("the zones have {HOT_SECTORS} sectors")
}

fn sectors_left_in_zone(at: u64) -> u32 {
    let zone = ZONES.iter().find(|(start, sectors)| (*start..start + sectors).contains(&at));
    zone.map_or(0, |(start, sectors)| (start + sectors - at) as u32)
}

fn setups() -> impl Strategy<Value = Setup> {
    let pools = prop_oneof![Just(2 << 10), Just(16 << 10), Just(PLENTY)];
    let caches = prop_oneof![Just(96 << 10), Just(PLENTY)];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (pools, caches, flags).prop_map(|(pool_bytes, cache_bytes, flags)| Setup {
        pool_bytes,
        cache_bytes,
        retain_points: flags.0,
        syncs_at_once: flags.1,
        reads_at_once: flags.2,
        writes_at_once: flags.3,
        holds_at_once: flags.4,
        old_replica: flags.5,
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let works = || prop::bool::weighted(0.8);
    prop_oneof![
        10 => (0..2u8, 0..HOT_SECTORS, 1..=8u32, prop::bool::weighted(0.2))
            .prop_map(|(disk, at, sectors, zero)| Step::Write { disk, at, sectors, zero }),
        6 => prop_oneof![Just(10), Just(300), Just(1000), Just(2500), Just(6000)]
            .prop_map(|millis| Step::Wait { millis }),
        8 => (0..64usize).prop_map(Step::Deliver),
        4 => Just(Step::DeliverAll),
        3 => (0..64usize).prop_map(Step::Drop),
        3 => (0..64usize).prop_map(Step::Repeat),
        6 => (0..4u8, works()).prop_map(|(who, works)| Step::Sync { who, works }),
        3 => (any::<bool>(), works()).prop_map(|(then, works)| Step::AgentRead { then, works }),
        2 => (any::<bool>(), works()).prop_map(|(then, works)| Step::TargetRead { then, works }),
        2 => works().prop_map(|works| Step::TargetWrite { works }),
        2 => Just(Step::Held),
        1 => (0..3usize).prop_map(|kept| Step::CrashAgent { kept }),
        1 => (0..2usize, 0..4usize).prop_map(|(number, kept)| Step::CrashServer { number, kept }),
        1 => (0..4usize).prop_map(|kept| Step::CrashTarget { kept }),
        1 => Just(Step::Resync),
        2 => (0..2usize).prop_map(|number| Step::Move { number }),
    ]
}

/// Steps of a case; `PIPE_STEPS` asks for longer ones.
fn length() -> usize {
    std::env::var("PIPE_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(120)
}

fn config() -> ProptestConfig {
    // `PROPTEST_CASES` asks for more.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64);
    ProptestConfig { cases, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_point_is_a_prefix_and_in_the_end_the_newest_is_the_source(
        setup in setups(),
        steps in vec(steps(), 1..length()),
    ) {
        let mut world = World::new(&setup);
        for step in &steps {
            world.step(step);
        }
        world.judge_all_points();
        world.heal();
        world.judge_all_points();
    }

    #[test]
    fn a_machine_lost_at_any_moment_comes_back_as_a_prefix(
        setup in setups(),
        steps in vec(steps(), 1..length()),
        selector in prop_oneof![Just(Selector::Latest), Just(Selector::LatestProcessed)],
    ) {
        let mut world = World::new(&setup);
        for step in &steps {
            world.step(step);
        }
        world.target.at_once = common::AtOnce::ALL;
        while world.target.finish_sync(true) || world.target.finish_read() || world.target.finish_write(true) {}
        world.target.wait(10 * SECOND);
        world.target.wanted.clear();
        let machine = MachineId(1);
        world.target.order(900, Order::Finish { group: GROUP, generation: GENERATION, machine, selector });
        let answer = only_answer(&mut world.target, 900);
        let Answer::Chosen(chosen) = answer else {
            prop_assert!(matches!(answer, Answer::NoSuchPoint), "{answer:?}");
            return Ok(());
        };
        let prefix = world.prefix_at(chosen.id);
        world.target.order(901, Order::Promote { group: GROUP, machine, point: chosen.id });
        let answer = only_answer(&mut world.target, 901);
        prop_assert!(matches!(answer, Answer::Done), "{answer:?}");
        for index in 0..2 {
            let promoted = picture_of(world.target.disk(replica(index)));
            prop_assert_eq!(&promoted, &world.pictures[prefix][usize::from(index)]);
        }
    }
}
