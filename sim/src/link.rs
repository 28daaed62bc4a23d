//! A one-way connection between two hosts: when what is sent arrives, in which order, and whether it arrives
//! at all.
//!
//! Owns latency, bandwidth, loss, duplication, reordering and the cut. Refuses to know what is sent and who
//! sends it. Two directions are two links.
//!
//! Faults it may suffer: a message is lost (it then takes no bandwidth); it arrives twice; it is held back so
//! that later ones overtake it; the link is cut, which loses everything under way and everything sent until
//! it is healed; the link becomes slow or stalls. Excluded: a message changed on the way, because transports
//! have checksums.
//!
//! A message first waits for its share of the bandwidth ([`FairShare`]), then travels for the latency drawn
//! when it was sent. Messages of one flow arrive in the order sent, whatever their latencies, unless one is
//! held back.
//!
//! ```
//! use std::time::Duration;
//! use switchback_sim::{Link, LinkSpec, Seed, SimTime};
//!
//! let latency = Duration::from_millis(20);
//! let spec = LinkSpec::reliable(latency..=latency, Some(1_000_000));
//! let mut link = Link::new(spec, Seed(1).chance("link/a-b"));
//! link.send(SimTime::ZERO, 0, 500_000, "half a second of bandwidth");
//! let due = link.deadline().expect("something is in flight");
//! assert_eq!(due, SimTime::from_millis(520));
//! let mut arrived = Vec::new();
//! link.poll(due, &mut arrived);
//! assert_eq!(arrived, ["half a second of bandwidth"]);
//! ```

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use crate::flat_map::FlatMap;
use crate::time::Spans;
use crate::{Chance, FairShare, HeapQueue, Queue, Ratio, SimTime};

/// Of so many waiting messages each is looked at to say when something may arrive; of more, the shortest latency is taken.
const FEW: usize = 8;

/// How good or bad a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSpec {
    /// How long a message travels after its last byte has left. Must not be empty.
    pub latency: RangeInclusive<Duration>,
    /// What all flows together may send; `None` for no limit, zero for a link that stalls.
    pub bandwidth_bytes_per_sec: Option<u64>,
    /// How likely a message is lost.
    pub loss: Ratio,
    /// How likely a message is held back, by up to one more greatest latency, so that later ones overtake it.
    pub reorder: Ratio,
    /// How likely a message arrives a second time.
    pub duplicate: Ratio,
}

impl LinkSpec {
    /// A link without faults.
    #[must_use]
    pub fn reliable(latency: RangeInclusive<Duration>, bandwidth_bytes_per_sec: Option<u64>) -> Self {
        Self {
            latency,
            bandwidth_bytes_per_sec,
            loss: Ratio::ZERO,
            reorder: Ratio::ZERO,
            duplicate: Ratio::ZERO,
        }
    }
}

/// What became of a message at the moment it was sent. A sender in the real world would not learn it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// It is under way.
    Sent,
    /// It will never arrive.
    Dropped,
}

/// What a link did so far. `sent + duplicated` equals `delivered + lost + cut` plus what is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkCounters {
    /// Messages handed to the link, whatever became of them.
    pub sent: u64,
    /// Messages that arrived, copies included.
    pub delivered: u64,
    /// Messages lost by chance.
    pub lost: u64,
    /// Copies the link made.
    pub duplicated: u64,
    /// Messages that arrived after a later one of their flow: overtaken in fact, not only held back.
    pub reordered: u64,
    /// Messages lost because the link was cut, copies included.
    pub cut: u64,
}

/// A one-way link with messages in flight.
#[derive(Clone, Debug)]
pub struct Link<T> {
    spec: LinkSpec,
    /// The latency of the specification.
    latency: Spans,
    cut: bool,
    dice: Dice,
    /// No message that waits for bandwidth travels faster than this, in nanoseconds.
    latency_floor: u64,
    /// Messages that wait for bandwidth; none without a limit.
    waiting: Option<FairShare<Parcel<T>>>,
    /// Messages whose last byte has left.
    travelling: HeapQueue<Traveller<T>>,
    flows: FlatMap<u32, Flow>,
    in_flight: usize,
    bytes_in_flight: u64,
    counters: LinkCounters,
}

/// A generator for each kind of fault, so that switching one off does not disturb the others.
#[derive(Clone, Debug)]
struct Dice {
    latency: Chance,
    loss: Chance,
    reorder: Chance,
    duplicate: Chance,
    copy: Chance,
}

/// How long one message travels, in nanoseconds, all drawn when it was sent.
#[derive(Clone, Copy, Debug)]
struct Journey {
    latency: u64,
    held_back: Option<u64>,
}

#[derive(Clone, Debug)]
struct Parcel<T> {
    bytes: u64,
    number: u64,
    journey: Journey,
    copy: Option<Journey>,
    item: T,
}

#[derive(Clone, Debug)]
struct Traveller<T> {
    flow: u32,
    bytes: u64,
    number: u64,
    item: T,
}

/// What keeps the messages of one flow in order. Forgotten when the flow has nothing in flight.
#[derive(Clone, Debug, Default)]
struct Flow {
    in_flight: usize,
    next_number: u64,
    last_arrival: SimTime,
    newest_delivered: u64,
}

impl<T: Clone> Link<T> {
    /// An idle link. Give every link a generator of its own.
    #[must_use]
    pub fn new(spec: LinkSpec, mut chance: Chance) -> Self {
        let latency = Spans::of(&spec.latency);
        let dice = Dice {
            latency: chance.fork(),
            loss: chance.fork(),
            reorder: chance.fork(),
            duplicate: chance.fork(),
            copy: chance.fork(),
        };
        Self {
            waiting: spec.bandwidth_bytes_per_sec.map(FairShare::new),
            latency,
            latency_floor: latency.shortest,
            spec,
            cut: false,
            dice,
            travelling: HeapQueue::new(),
            flows: FlatMap::new(),
            in_flight: 0,
            bytes_in_flight: 0,
            counters: LinkCounters::default(),
        }
    }

    /// Sends `item`, which is `bytes` long, after everything its flow has sent before.
    pub fn send(&mut self, now: SimTime, flow: u32, bytes: u64, item: T) -> SendOutcome {
        self.advance(now);
        self.counters.sent += 1;
        // Everything is drawn before anything is decided: what happens to one message shifts nothing for the
        // next.
        let journey = self.dice.journey(&self.spec, self.latency);
        let copy = self.dice.copy(&self.spec, self.latency);
        let lost = self.dice.loss.happens(self.spec.loss);
        if self.cut {
            self.counters.cut += 1;
            return SendOutcome::Dropped;
        }
        if lost {
            self.counters.lost += 1;
            return SendOutcome::Dropped;
        }
        let number = self.enter(flow, bytes, 1 + usize::from(copy.is_some()));
        let parcel = Parcel { bytes, number, journey, copy, item };
        match &mut self.waiting {
            Some(share) => share.push(now, flow, bytes, parcel),
            None => self.launch(now, flow, parcel),
        }
        SendOutcome::Sent
    }

    /// When to poll next. Something arrives then, or, with a limited bandwidth and a varying latency, it is
    /// the earliest instant at which something could.
    #[must_use]
    pub fn deadline(&self) -> Option<SimTime> {
        let travelling = self.travelling.peek_time();
        let Some(share) = &self.waiting else { return travelling };
        let Some(leaving) = share.next_departure() else { return travelling };
        let arriving = leaving.later(self.shortest_way(share));
        Some(travelling.map_or(arriving, |at| at.min(arriving)))
    }

    /// What waits for bandwidth travels no faster than this. Of a few messages it is known, so that nobody looks for
    /// them too early.
    fn shortest_way(&self, share: &FairShare<Parcel<T>>) -> u64 {
        if share.len() > FEW {
            return self.latency_floor;
        }
        share.iter().map(Parcel::shortest_way).min().unwrap_or(self.latency_floor)
    }

    /// Appends everything that has arrived by `now` to `out`, in the order of arrival.
    pub fn poll(&mut self, now: SimTime, out: &mut Vec<T>) {
        self.advance(now);
        while self.travelling.peek_time().is_some_and(|at| at <= now) {
            let Some((_, traveller)) = self.travelling.pop() else {
                break;
            };
            self.arrive(&traveller);
            out.push(traveller.item);
        }
    }

    /// Cuts the link: everything in flight is lost, also what arrives at this very instant and was not polled
    /// yet, and so is everything sent until [`heal`](Self::heal).
    pub fn cut(&mut self, now: SimTime) {
        self.advance(now);
        self.cut = true;
        self.counters.cut += self.in_flight as u64;
        self.waiting = self.spec.bandwidth_bytes_per_sec.map(FairShare::new);
        self.travelling.clear();
        self.flows.clear();
        self.in_flight = 0;
        self.bytes_in_flight = 0;
    }

    /// Joins a cut link again. What was lost stays lost.
    pub fn heal(&mut self) {
        self.cut = false;
    }

    /// Whether the link is cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Makes the link better or worse from `now` on. What was already sent keeps the latency it has drawn;
    /// what still waits is served at the new bandwidth.
    pub fn set_spec(&mut self, now: SimTime, spec: LinkSpec) {
        self.advance(now);
        match (&mut self.waiting, spec.bandwidth_bytes_per_sec) {
            (Some(share), Some(rate)) => share.set_rate(now, rate),
            (waiting @ None, Some(rate)) => *waiting = Some(FairShare::new(rate)),
            (_, None) => {
                for (flow, parcel) in self.waiting.take().map(|mut share| share.drain()).unwrap_or_default() {
                    self.launch(now, flow, parcel);
                }
            }
        }
        // What still waits keeps the latency it has drawn, which may be shorter than any drawn from now on.
        self.latency = Spans::of(&spec.latency);
        let shortest = self.latency.shortest;
        let none_wait = self.waiting.as_ref().is_none_or(FairShare::is_empty);
        self.latency_floor = if none_wait { shortest } else { self.latency_floor.min(shortest) };
        self.spec = spec;
    }

    /// How good or bad the link is now.
    #[must_use]
    pub fn spec(&self) -> &LinkSpec {
        &self.spec
    }

    /// Messages that were sent and have neither arrived nor been lost, copies included.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The bytes of the messages in flight, copies included.
    #[must_use]
    pub fn bytes_in_flight(&self) -> u64 {
        self.bytes_in_flight
    }

    /// Messages whose last byte has left, with the instant at which they arrive, in that order. For people who look
    /// inside.
    #[must_use]
    pub fn travelling(&self) -> Vec<(SimTime, &T)> {
        self.travelling.in_order().into_iter().map(|(at, traveller)| (at, &traveller.item)).collect()
    }

    /// Messages that wait for bandwidth, in the order in which they leave: when they arrive is not known yet. For
    /// people who look inside.
    #[must_use]
    pub fn waiting(&self) -> Vec<&T> {
        let share = self.waiting.iter().flat_map(FairShare::in_order);
        share.map(|(_, parcel)| &parcel.item).collect()
    }

    /// What the link did so far.
    #[must_use]
    pub fn counters(&self) -> LinkCounters {
        self.counters
    }

    /// Lets leave what has got its share of the bandwidth by `now`.
    fn advance(&mut self, now: SimTime) {
        while let Some(departure) = self.waiting.as_mut().and_then(|share| share.pop_departed(now)) {
            self.launch(departure.at, departure.flow, departure.item);
        }
    }

    fn enter(&mut self, flow: u32, bytes: u64, pieces: usize) -> u64 {
        self.in_flight += pieces;
        self.bytes_in_flight += bytes * pieces as u64;
        self.counters.duplicated += pieces as u64 - 1;
        let flow = self.flows.get_or_insert(flow, Flow::default());
        flow.in_flight += pieces;
        let number = flow.next_number;
        flow.next_number += 1;
        number
    }

    fn launch(&mut self, departed: SimTime, flow: u32, parcel: Parcel<T>) {
        let Parcel { bytes, number, journey, copy, item } = parcel;
        let twin = copy.map(|copy| (copy, item.clone()));
        self.travel(departed, journey, Traveller { flow, bytes, number, item });
        if let Some((copy, item)) = twin {
            self.travel(departed, copy, Traveller { flow, bytes, number, item });
        }
    }

    /// In its place behind the flow's earlier messages, unless it is held back: then later ones need not
    /// wait.
    fn travel(&mut self, departed: SimTime, journey: Journey, traveller: Traveller<T>) {
        let flow = self.flows.get_or_insert(traveller.flow, Flow::default());
        let at = departed.later(journey.latency).max(flow.last_arrival);
        let at = match journey.held_back {
            Some(extra) => at.later(extra),
            None => {
                flow.last_arrival = at;
                at
            }
        };
        self.travelling.push(at, traveller);
    }

    fn arrive(&mut self, traveller: &Traveller<T>) {
        self.in_flight -= 1;
        self.bytes_in_flight -= traveller.bytes;
        self.counters.delivered += 1;
        let Some(flow) = self.flows.get_mut(traveller.flow) else {
            return;
        };
        if traveller.number < flow.newest_delivered {
            self.counters.reordered += 1;
        }
        flow.newest_delivered = flow.newest_delivered.max(traveller.number);
        flow.in_flight -= 1;
        if flow.in_flight == 0 {
            self.flows.remove(traveller.flow);
        }
    }
}

impl<T> Parcel<T> {
    fn shortest_way(&self) -> u64 {
        self.copy.map_or(self.journey.latency, |copy| copy.latency.min(self.journey.latency))
    }
}

impl Dice {
    fn journey(&mut self, spec: &LinkSpec, latency: Spans) -> Journey {
        let way = self.latency.nanos(latency);
        let held_back = self.reorder.happens(spec.reorder);
        let extra = self.reorder.in_range(0..=latency.longest);
        Journey { latency: way, held_back: held_back.then_some(extra) }
    }

    fn copy(&mut self, spec: &LinkSpec, latency: Spans) -> Option<Journey> {
        if !self.duplicate.happens(spec.duplicate) {
            return None;
        }
        let way = self.copy.nanos(latency);
        let held_back = self.copy.happens(spec.reorder);
        let extra = self.copy.in_range(0..=latency.longest);
        Some(Journey { latency: way, held_back: held_back.then_some(extra) })
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
