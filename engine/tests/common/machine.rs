//! A machine with its agent: it writes, it is drained, it crashes.

use core::ops::{Deref, DerefMut};
use std::sync::Arc;

use switchback_engine::agent::{Agent, AgentConfig};
use switchback_engine::extent::Change;
use switchback_engine::message::{Barrier, Compare, Differs, Order, Replication};
use switchback_engine::role::DiskRef;
use switchback_engine::{Address, Batch, Effect, Input, MachineId, Message, Site, Stamp, StreamKey};

use super::stream::{self, SERVER};
use super::{Bench, SECOND};

/// Room for any test that does not want to run out of it.
pub(crate) const PLENTY: u64 = 256 << 20;

/// A machine and its agent, drained every second.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) bench: Bench<Agent<Stamp>>,
    pub(crate) config: AgentConfig,
    /// Writes of the machine so far; also the stamp of the last one.
    pub(crate) written: u64,
}

impl Deref for Machine {
    type Target = Bench<Agent<Stamp>>;

    fn deref(&self) -> &Self::Target {
        &self.bench
    }
}

impl DerefMut for Machine {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.bench
    }
}

impl Machine {
    /// Machine `number`, whose agent was installed and replicates nothing.
    pub(crate) fn installed(number: u32, pool_bytes: u64) -> Self {
        let machine = MachineId(number);
        let usual = AgentConfig::for_memory(machine, Site::Primary, 0);
        let config = AgentConfig { pool_bytes, drain_every: SECOND, ..usual };
        Self { bench: Bench::new(Agent::install(config)), config, written: 0 }
    }

    /// Machine 1 with empty disks, whose first copy is complete, whose first marker is in, and of which everything
    /// was acknowledged. It leaves nothing to look at.
    pub(crate) fn replicating(disk_sectors: &[u64], pool_bytes: u64) -> Self {
        Self::replicating_under(stream::terms(&[1], disk_sectors, stream::CRASH_ONLY), pool_bytes)
    }

    pub(crate) fn replicating_under(terms: Replication, pool_bytes: u64) -> Self {
        let mut machine = Self::installed(terms.members[0].0, pool_bytes);
        machine.order(1, Order::StartReplication(terms));
        machine.drain();
        machine.bench.wanted.clear();
        machine
    }

    pub(crate) fn disk_ref(&self, disk: u8) -> DiskRef {
        DiskRef::Machine(stream::disk(self.config.machine.0, disk), Site::Primary)
    }

    /// A write that completes; its stamp.
    pub(crate) fn write(&mut self, disk: u8, start: u64, sectors: u32) -> u64 {
        self.written += 1;
        self.write_stamped(disk, start, sectors, self.written)
    }

    /// A write with a stamp of the test's choice; 0 writes zeroes.
    pub(crate) fn write_stamped(&mut self, disk: u8, start: u64, sectors: u32, write: u64) -> u64 {
        let change = Change { start, sectors, content: Stamp { write, skip: 0 } };
        let place = self.disk_ref(disk);
        self.bench.disk(place).write(core::slice::from_ref(&change));
        self.feed(Input::Written { disk, change });
        write
    }

    /// Something that is on the disk before anybody watches.
    pub(crate) fn put(&mut self, disk: u8, start: u64, sectors: u32, write: u64) {
        let place = self.disk_ref(disk);
        self.bench.disk(place).write(&[Change { start, sectors, content: Stamp { write, skip: 0 } }]);
    }

    /// Takes the batches sent.
    pub(crate) fn batches(&mut self) -> Vec<Arc<Batch<Stamp>>> {
        self.take(|effect| match effect {
            Effect::Send { to, message: Message::Batch(batch) } => {
                assert_eq!(*to, SERVER);
                Some(Arc::clone(batch))
            }
            _ => None,
        })
    }

    /// Takes the questions of a comparison.
    pub(crate) fn questions(&mut self) -> Vec<Arc<Compare>> {
        self.take(|effect| match effect {
            Effect::Send { message: Message::Compare(compare), .. } => Some(Arc::clone(compare)),
            _ => None,
        })
    }

    /// Takes what it says to other agents.
    pub(crate) fn barriers(&mut self) -> Vec<(Address, Barrier)> {
        self.take(|effect| match effect {
            Effect::Send { to, message: Message::Barrier(barrier) } => Some((*to, *barrier)),
            _ => None,
        })
    }

    /// The process server has kept everything up to a number and has room for so much.
    pub(crate) fn stored(&mut self, stream: StreamKey, upto: u64, credit_bytes: u64) {
        self.hear(SERVER, Message::BatchStored { stream, upto, credit_bytes });
    }

    pub(crate) fn acknowledge(&mut self, batches: &[Arc<Batch<Stamp>>]) {
        for batch in batches {
            self.stored(batch.stream, batch.number, u64::MAX);
        }
    }

    /// Answers a question of a comparison: these blocks differ.
    pub(crate) fn differs(&mut self, question: &Compare, ranges: Vec<switchback_engine::SectorRange>) {
        let differs = Differs { stream: question.stream, range: question.range, ranges };
        self.hear(SERVER, Message::Differs(Arc::new(differs)));
    }

    /// Two drains' time: everything pending is sent and acknowledged. What was sent.
    pub(crate) fn drain(&mut self) -> Vec<Arc<Batch<Stamp>>> {
        let mut all = Vec::new();
        for _ in 0..4 {
            self.wait(SECOND / 2);
            let batches = self.batches();
            self.acknowledge(&batches);
            all.extend(batches);
        }
        all
    }

    /// The machine goes down without a word and comes back.
    pub(crate) fn crash_and_boot(&mut self) {
        let config = self.config;
        self.bench.crash(|now, records, out| Agent::boot(config, now, records, out));
    }
}

/// The stamps of changes, in the order in which they stand.
pub(crate) fn stamps(batches: &[Arc<Batch<Stamp>>]) -> Vec<u64> {
    batches.iter().flat_map(|batch| batch.changes.iter().map(|change| change.content.write)).collect()
}
