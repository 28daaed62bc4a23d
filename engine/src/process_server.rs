//! The process server: takes batches from agents, keeps them in a cache on its own disk, coalesces, compresses,
//! and sends them on to the target.
//!
//! What it has acknowledged it keeps until the target has it: its cache is its durable store, and an agent hears
//! that a batch is stored only once it is durable there. When the cache is full it takes nothing more and says so,
//! and the agents' pools fill up instead.
//!
//! It refuses to know what a recovery point is: markers are freight.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::batch::{Batch, Frame, StreamKey};
use crate::content::Content;
use crate::health::ProcessServerStatus;
use crate::id::{DiskId, MachineId};
use crate::ledger::Ledger;
use crate::message::{Compare, Differs, Message, Observation};
use crate::role::{Address, Effect, Input, Outbox, Role};
use crate::time::Instant;
use crate::window::Window;

/// Frames of one disk under way to the target at once.
const FRAMES_IN_FLIGHT: usize = 16;
/// Bytes of one disk under way to the target at once: enough to fill a long, fast line.
const BYTES_IN_FLIGHT: u64 = 32 << 20;
/// What a small record weighs, in bytes.
const NOTE_BYTES: u64 = 64;
/// Of so many parts of the cache one stays free: with less than a fifth of it free, the server takes nothing more
/// (site-recovery 4.4).
const RESERVE_PARTS: u64 = 5;
/// It takes again when one of so many parts is free: what is no longer critical.
const RECOVERED_PARTS: u64 = 4;
/// How often control hears from it. Recorded heartbeats of the product's components are between half a minute and four
/// and a half minutes old.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(60);
/// The log is rewritten when it is this much heavier than what it still has to hold, or by more with many streams: to
/// rewrite it costs as much as there are.
const GARBAGE_BYTES: u64 = 256 << 20;
const GARBAGE_BYTES_A_STREAM: u64 = 8 << 20;

/// What a process server is told about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessServerConfig {
    /// Its number.
    pub number: u16,
    /// Room for frames that the target does not have yet, in bytes.
    pub cache_bytes: u64,
    /// What it can pack, in bytes a second. Only told, with its load: nothing is slower for it.
    pub packs_bytes_per_sec: Option<u64>,
    /// Its memory, in bytes. Only told, likewise.
    pub memory_bytes: Option<u64>,
    /// Whether it compresses what it packs: usually, unless line and disks are faster than that.
    pub compresses: bool,
}

impl ProcessServerConfig {
    /// One with such a cache, of which nobody has said how strong it is.
    #[must_use]
    pub const fn with_cache(number: u16, cache_bytes: u64) -> Self {
        Self { number, cache_bytes, packs_bytes_per_sec: None, memory_bytes: None, compresses: true }
    }
}

/// What a process server's durable store keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum ProcessServerRecord<C: Content> {
    /// The target has everything up to a frame.
    Forwarded(StreamKey, u64),
    /// A stream of an agent, and the number of its next batch.
    Stream(Address, StreamKey, u64),
    // What is not serialised stands last: formats that count variants would count them differently on both sides.
    /// A frame came from an agent. Serialised by who keeps it: the payload is most of it.
    #[serde(skip)]
    Frame(Address, Arc<Frame<C>>),
}

/// A process server.
#[derive(Debug, Clone)]
pub struct ProcessServer<C: Content> {
    config: ProcessServerConfig,
    streams: BTreeMap<DiskId, Stream<C>>,
    /// When streams want to be looked at, the first first.
    due: BTreeSet<(Instant, DiskId)>,
    ledger: Ledger<C, ProcessServerRecord<C>>,
    cached_bytes: u64,
    throttling: bool,
    /// Disks whose next batch was turned away because there was no room for it, and how large it was.
    turned_away: BTreeMap<DiskId, u64>,
    packed_bytes: u64,
    forwarded_bytes: u64,
    tokens: u64,
    /// When this life of it began.
    began: Option<Instant>,
    heartbeat_at: Instant,
}

/// The stream of one disk through the cache.
#[derive(Debug, Clone)]
struct Stream<C> {
    key: StreamKey,
    agent: Address,
    window: Window<Arc<Frame<C>>>,
    /// The target wants nothing more of it.
    is_over: bool,
    /// When something came from its agent, in this life of the server.
    heard: Option<Instant>,
    /// Since when its frames are refused where they land.
    refused: Option<Instant>,
    /// When it wants to be looked at, as it was last noted.
    due: Option<Instant>,
}

/// Where the frames of an agent go: to the target at the other site, wherever this process server stands.
const fn target_of(agent: Address) -> Address {
    match agent {
        Address::Agent(_, site) => Address::Target(site.other()),
        // Nobody else has a stream.
        other => other,
    }
}

/// Whole seconds since an instant, as many as a status can say.
fn seconds(now: Instant, since: Instant) -> u32 {
    u32::try_from(now.since(since).as_secs()).unwrap_or(u32::MAX)
}

/// What is said of the disks of a machine, of which there may be several in a row, as one figure of it.
fn by_machine(
    disks: impl Iterator<Item = (MachineId, u32)>,
    of_both: impl Fn(u32, u32) -> u32,
) -> Vec<(MachineId, u32)> {
    let mut machines: Vec<(MachineId, u32)> = Vec::new();
    for (machine, secs) in disks {
        match machines.last_mut().filter(|(of, _)| *of == machine) {
            Some((_, known)) => *known = of_both(*known, secs),
            None => machines.push((machine, secs)),
        }
    }
    machines
}

impl<C: Content> Stream<C> {
    /// Leaves out what another process server has kept; whether there was anything to leave out. What is still held of
    /// an earlier stay of the machine goes to the target first.
    fn open_at(&mut self, first: u64) -> bool {
        let leaves_out = self.window.is_empty() && self.window.next_number() < first;
        if leaves_out {
            self.window = Window::new(first);
        }
        leaves_out
    }
}

type Out<C> = Outbox<C, ProcessServerRecord<C>>;

impl<C: Content> Role for ProcessServer<C> {
    type Content = C;
    type Record = ProcessServerRecord<C>;

    fn handle(&mut self, now: Instant, input: Input<C>, out: &mut Out<C>) {
        match input {
            Input::Message { from, message: Message::Batch(batch) } => self.batch(now, from, &batch, out),
            Input::Message { message: Message::FrameStored { stream, upto }, .. } => {
                self.stored(now, stream, upto, out);
            }
            Input::Message { message: Message::FrameRefused { stream }, .. } => self.refused(now, stream),
            Input::Message { from, message: Message::Compare(compare) } => {
                self.relay(now, from, compare, out)
            }
            Input::Message { message: Message::Differs(differs), .. } => self.relay_back(differs, out),
            Input::Synced { token, result } => self.ledger.synced(now, token, result.is_ok(), out),
            Input::Wake => self.wake(now, out),
            _ => {}
        }
        self.report(now, out);
        self.compact_if_worth_it();
        self.ledger.settle(now, &mut self.tokens, out);
    }

    fn deadline(&self) -> Option<Instant> {
        let windows = self.due.first().map_or(Instant::MAX, |(at, _)| *at);
        Some(windows.min(self.ledger.deadline()).min(self.heartbeat_at))
    }
}

impl<C: Content> ProcessServer<C> {
    /// A process server with an empty cache.
    #[must_use]
    pub const fn new(config: ProcessServerConfig) -> Self {
        Self {
            config,
            streams: BTreeMap::new(),
            due: BTreeSet::new(),
            ledger: Ledger::new(0),
            cached_bytes: 0,
            throttling: false,
            turned_away: BTreeMap::new(),
            packed_bytes: 0,
            forwarded_bytes: 0,
            tokens: 0,
            began: None,
            heartbeat_at: Instant::ZERO,
        }
    }

    /// Whether its cache is full and it takes nothing more for now.
    #[must_use]
    pub const fn is_throttling(&self) -> bool {
        self.throttling
    }

    /// The streams through it: whose, the first frame that the target has not acknowledged, and the next one to come.
    pub fn streams(&self) -> impl Iterator<Item = (StreamKey, Address, u64, u64)> {
        let held = |stream: &Stream<C>| {
            (stream.key, stream.agent, stream.window.first_number(), stream.window.next_number())
        };
        self.streams.values().map(held)
    }

    /// A process server that starts again, with what its durable store had kept, in order.
    #[must_use]
    pub fn recover(config: ProcessServerConfig, records: &[ProcessServerRecord<C>]) -> Self {
        let mut server = Self::new(config);
        for record in records {
            server.replay(record);
        }
        let disks: Vec<DiskId> = server.streams.keys().copied().collect();
        disks.into_iter().for_each(|disk| server.note_due(disk));
        server.ledger = Ledger::new(server.cached_bytes);
        server.forwarded_bytes = 0;
        server
    }

    fn replay(&mut self, record: &ProcessServerRecord<C>) {
        match record {
            ProcessServerRecord::Frame(agent, frame) => {
                if let Some(stream) = self.stream(*agent, frame.stream, frame.number) {
                    stream.window.push(Arc::clone(frame), frame.wire_bytes());
                    self.cached_bytes += frame.wire_bytes();
                }
            }
            ProcessServerRecord::Forwarded(key, upto) => {
                self.forget_upto(Instant::ZERO, *key, *upto);
            }
            ProcessServerRecord::Stream(agent, key, next) => {
                self.reopen(*agent, *key, *next);
            }
        }
    }

    /// A stream begins, or goes on at a later batch: by then the target had everything before that was held here.
    fn reopen(&mut self, agent: Address, key: StreamKey, next: u64) {
        let Some(stream) = self.stream(agent, key, next) else { return };
        if stream.window.next_number() < next {
            let held = stream.window.held_bytes();
            stream.window = Window::new(next);
            self.cached_bytes -= held;
        }
    }

    /// Bytes of frames that the target does not have yet.
    #[must_use]
    pub const fn cached_bytes(&self) -> u64 {
        self.cached_bytes
    }

    /// The stream with this key; a newer key replaces the disk's old stream and what was cached of it, an older one
    /// is none.
    fn stream(&mut self, agent: Address, key: StreamKey, next: u64) -> Option<&mut Stream<C>> {
        let fresh = || Stream {
            key,
            agent,
            window: Window::new(next),
            is_over: false,
            due: None,
            heard: None,
            refused: None,
        };
        let stream = self.streams.entry(key.disk).or_insert_with(fresh);
        if key > stream.key {
            self.cached_bytes -= stream.window.held_bytes();
            *stream = Stream { due: stream.due, ..fresh() };
        }
        (stream.key == key).then_some(stream)
    }

    fn batch(&mut self, now: Instant, agent: Address, batch: &Batch<C>, out: &mut Out<C>) {
        let has_room = self.has_room(batch.wire_bytes());
        let Some(stream) = self.stream(agent, batch.stream, batch.opens_at) else { return };
        stream.agent = agent;
        stream.heard = Some(now);
        if stream.open_at(batch.opens_at) {
            self.ledger.append(ProcessServerRecord::Stream(agent, batch.stream, batch.opens_at), NOTE_BYTES);
        }
        let Some(stream) = self.streams.get_mut(&batch.stream.disk) else { return };
        let is_next = batch.number == stream.window.next_number();
        let is_turned_away = is_next && !has_room && !stream.is_over;
        if is_next && has_room && !stream.is_over {
            let frame = if self.config.compresses { Frame::seal(batch) } else { Frame::seal_plainly(batch) };
            let frame = Arc::new(frame);
            let bytes = frame.wire_bytes();
            stream.window.push(Arc::clone(&frame), bytes);
            self.cached_bytes += bytes;
            self.packed_bytes += bytes;
            self.ledger.append(ProcessServerRecord::Frame(agent, frame), bytes);
        } else if is_turned_away {
            self.turned_away.insert(batch.stream.disk, batch.wire_bytes());
        }
        self.note_throttling(has_room, out);
        // Whoever is turned away is to wait until it is called back, be there room for something smaller.
        self.acknowledge(agent, batch.stream, if is_turned_away { 0 } else { self.credit_bytes() });
        self.send(now, batch.stream.disk, out);
    }

    /// Tells the agent how far its stream is kept, once that is durable.
    fn acknowledge(&mut self, agent: Address, stream: StreamKey, credit_bytes: u64) {
        let Some(kept) = self.streams.get(&stream.disk) else { return };
        let upto = if kept.is_over { u64::MAX } else { kept.window.next_number() - 1 };
        self.ledger.send(agent, Message::BatchStored { stream, upto, credit_bytes });
    }

    /// Tells those that were turned away, as soon as there is room for what each of them came with: who only tried again now
    /// and then might find the cache full each time, by whoever comes at the same times.
    fn call_back(&mut self) {
        if self.turned_away.is_empty() || !self.takes() {
            return;
        }
        for (disk, bytes) in core::mem::take(&mut self.turned_away) {
            match self.streams.get(&disk) {
                Some(stream) if self.has_room(bytes) => {
                    self.acknowledge(stream.agent, stream.key, self.credit_bytes());
                }
                Some(_) => {
                    self.turned_away.insert(disk, bytes);
                }
                None => {}
            }
        }
    }

    /// What it can still take before too little of the cache is free; nothing when it takes nothing.
    const fn credit_bytes(&self) -> u64 {
        let reserve = self.config.cache_bytes / RESERVE_PARTS;
        if self.takes() { (self.config.cache_bytes - reserve).saturating_sub(self.cached_bytes) } else { 0 }
    }

    /// Whether anything may come in. Who has stopped taking begins again only when there is some room to speak of.
    const fn takes(&self) -> bool {
        !self.throttling
            || self.cached_bytes <= self.config.cache_bytes - self.config.cache_bytes / RECOVERED_PARTS
    }

    /// Whether a batch may come in.
    const fn has_room(&self, bytes: u64) -> bool {
        // An empty cache takes any batch, or one that is larger than the cache would never get through.
        self.cached_bytes == 0 || bytes <= self.credit_bytes()
    }

    fn note_throttling(&mut self, has_room: bool, out: &mut Out<C>) {
        if self.throttling == has_room {
            self.throttling = !has_room;
            let by = Address::ProcessServer(self.config.number);
            out.push(Effect::Observe(match self.throttling {
                true => Observation::Throttled { by },
                false => Observation::TakesAgain { by },
            }));
        }
    }

    fn stored(&mut self, now: Instant, key: StreamKey, upto: u64, out: &mut Out<C>) {
        if self.forget_upto(now, key, upto) {
            // Should it be lost, the target gets the frames once more and says that it has them.
            self.ledger.append_lazily(ProcessServerRecord::Forwarded(key, upto), NOTE_BYTES);
            self.call_back();
        }
        self.send(now, key.disk, out);
    }

    /// Frames of a stream are refused. They come again as those do that were lost on the way.
    fn refused(&mut self, now: Instant, key: StreamKey) {
        if let Some(stream) = self.streams.get_mut(&key.disk).filter(|stream| stream.key == key) {
            stream.refused.get_or_insert(now);
        }
    }

    /// Drops what the target has; whether that was anything.
    fn forget_upto(&mut self, now: Instant, key: StreamKey, upto: u64) -> bool {
        let Some(stream) = self.streams.get_mut(&key.disk).filter(|stream| stream.key == key) else {
            return false;
        };
        stream.refused = None;
        let ended = upto == u64::MAX && !stream.is_over;
        stream.is_over |= upto == u64::MAX;
        let before = stream.window.held_bytes();
        let gone = stream.window.acknowledge(now, upto).count();
        let forwarded = before - stream.window.held_bytes();
        self.cached_bytes -= forwarded;
        self.forwarded_bytes += forwarded;
        ended || gone > 0
    }

    fn relay(&mut self, now: Instant, agent: Address, compare: Arc<Compare>, out: &mut Out<C>) {
        let disk = compare.stream.disk;
        if let Some(stream) = self.stream(agent, compare.stream, 1) {
            stream.agent = agent;
            stream.heard = Some(now);
            out.send(target_of(agent), Message::Compare(compare));
        }
        self.note_due(disk);
    }

    /// Says how it is, every heartbeat.
    fn report(&mut self, now: Instant, out: &mut Out<C>) {
        let began = *self.began.get_or_insert(now);
        if now < self.heartbeat_at {
            return;
        }
        self.heartbeat_at = now + HEARTBEAT_EVERY;
        let streams = || self.streams.iter().filter(|(_, stream)| !stream.is_over);
        let silence = |(disk, stream): (&DiskId, &Stream<C>)| {
            (disk.machine, seconds(now, stream.heard.unwrap_or(began)))
        };
        let refusal = |(disk, stream): (&DiskId, &Stream<C>)| {
            stream.refused.map(|since| (disk.machine, seconds(now, since)))
        };
        let silent_secs = by_machine(streams().map(silence), u32::min);
        let refused_secs = by_machine(streams().filter_map(refusal), u32::max);
        let status = ProcessServerStatus {
            number: self.config.number,
            cache_bytes: self.config.cache_bytes,
            cached_bytes: self.cached_bytes,
            packed_bytes: self.packed_bytes,
            forwarded_bytes: self.forwarded_bytes,
            under_way_bytes: self.streams.values().map(|stream| stream.window.sent_bytes()).sum(),
            packs_bytes_per_sec: self.config.packs_bytes_per_sec,
            memory_bytes: self.config.memory_bytes,
            silent_secs,
            refused_secs,
        };
        out.send(Address::Control, Message::ProcessServerStatus(Box::new(status)));
    }

    fn relay_back(&self, differs: Arc<Differs>, out: &mut Out<C>) {
        if let Some(stream) = self.streams.get(&differs.stream.disk).filter(|s| s.key == differs.stream) {
            out.send(stream.agent, Message::Differs(differs));
        }
    }

    fn wake(&mut self, now: Instant, out: &mut Out<C>) {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        let disks: BTreeSet<DiskId> = due.map(|(_, disk)| *disk).collect();
        for disk in disks {
            self.send(now, disk, out);
        }
    }

    fn send(&mut self, now: Instant, disk: DiskId, out: &mut Out<C>) {
        let Some(stream) = self.streams.get_mut(&disk) else { return };
        stream.window.time_out(now);
        let limit_items = if stream.window.is_probing() { 1 } else { FRAMES_IN_FLIGHT };
        while let Some(frame) = stream.window.next_to_send(now, limit_items, BYTES_IN_FLIGHT) {
            out.send(target_of(stream.agent), Message::Frame(frame));
        }
        self.note_due(disk);
    }

    /// A stream has changed: when it wants to be looked at. After a restart there are frames that were never sent in
    /// this life.
    fn note_due(&mut self, disk: DiskId) {
        let Some(stream) = self.streams.get_mut(&disk) else { return };
        let unsent = (!stream.window.is_empty()).then_some(Instant::ZERO);
        let due = stream.window.deadline().or(unsent);
        if due == stream.due {
            return;
        }
        if let Some(before) = stream.due {
            self.due.remove(&(before, disk));
        }
        self.due.extend(due.map(|at| (at, disk)));
        stream.due = due;
    }

    fn compact_if_worth_it(&mut self) {
        let garbage_bytes = GARBAGE_BYTES.max(self.streams.len() as u64 * GARBAGE_BYTES_A_STREAM);
        if self.ledger.log_bytes() < self.cached_bytes + garbage_bytes {
            return;
        }
        let mut records = Vec::new();
        for stream in self.streams.values() {
            let first = stream.window.first_number();
            records.push((ProcessServerRecord::Stream(stream.agent, stream.key, first), NOTE_BYTES));
            if stream.is_over {
                records.push((ProcessServerRecord::Forwarded(stream.key, u64::MAX), NOTE_BYTES));
            }
            for frame in stream.window.iter() {
                let bytes = frame.wire_bytes();
                records.push((ProcessServerRecord::Frame(stream.agent, Arc::clone(frame)), bytes));
            }
        }
        self.ledger.compact(records);
    }
}
