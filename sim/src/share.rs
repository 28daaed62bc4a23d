//! A capacity shared fairly: every flow that has something waiting gets the same part of it.
//!
//! Owns who leaves when. Refuses to know what leaves, where it goes and how long it takes afterwards; the
//! [`Link`](crate::Link) puts latency and faults behind it.
//!
//! This is processor sharing computed exactly, by virtual time. Virtual time counts the bytes that *each*
//! waiting flow has been served, so it runs at the rate divided by the number of waiting flows. A message is
//! stamped on arrival with the virtual time at which its last byte leaves: its flow's previous stamp (or now,
//! for a flow with nothing waiting) plus its own bytes. Stamps never change, however many flows come and go;
//! only the speed of virtual time does. So a message costs `O(log n)`, where recomputing every flow on each
//! change costs `O(n)`.
//!
//! Virtual and real time carry 20 bits behind the point. What must be rounded is rounded against the flows,
//! so the rate is never exceeded, and a million changes of speed cost one byte.

use crate::SimTime;
use crate::flat_map::FlatMap;
use crate::queue::TieHeap;
use crate::time::NANOS_PER_SEC;

/// Bits behind the point of virtual time (bytes) and of real time (nanoseconds).
pub(crate) const FRACTION_BITS: u32 = 20;

/// What left a [`FairShare`], and when its last byte did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure<T> {
    /// When the last byte left, rounded up to a nanosecond.
    pub at: SimTime,
    /// The flow it belonged to.
    pub flow: u32,
    /// What left.
    pub item: T,
}

/// Items of many flows, served at one rate which waiting flows share equally. Within a flow, first in is
/// first out.
///
/// Before anything is pushed or the rate is changed at some instant, everything that departs until then must
/// have been taken out with [`pop_departed`](Self::pop_departed).
#[derive(Clone, Debug)]
pub struct FairShare<T> {
    bytes_per_sec: u64,
    /// The real time, in fractional nanoseconds, at which virtual time was `served`.
    since: u128,
    /// Fractional bytes served to each waiting flow, at `since`.
    served: u128,
    waiting: FlatMap<u32, Backlog>,
    queue: TieHeap<u128, (u32, T)>,
    /// The fractional real time at which the first of the queue departs: asked for far more often than it changes.
    next: Option<u128>,
}

#[derive(Clone, Copy, Debug)]
struct Backlog {
    last_finish: u128,
    items: usize,
}

impl<T> FairShare<T> {
    /// Nothing waiting. At a rate of zero everything waits until the rate is changed.
    #[must_use]
    pub fn new(bytes_per_sec: u64) -> Self {
        let (waiting, queue) = (FlatMap::new(), TieHeap::new());
        Self { bytes_per_sec, since: 0, served: 0, waiting, queue, next: None }
    }

    /// Puts an item behind what its flow already has waiting.
    pub fn push(&mut self, now: SimTime, flow: u32, bytes: u64, item: T) {
        let is_new = !self.waiting.contains_key(flow);
        if is_new {
            self.settle(now);
        }
        let fresh = Backlog { last_finish: self.served, items: 0 };
        let backlog = self.waiting.get_or_insert(flow, fresh);
        backlog.last_finish += u128::from(bytes) << FRACTION_BITS;
        backlog.items += 1;
        self.queue.push(backlog.last_finish, (flow, item));
        // Behind others of its flow it changes neither who is first nor how fast that is served.
        if is_new {
            self.next = self.first_departure();
        }
    }

    /// When the next item departs if nothing changes until then, rounded up to a nanosecond.
    #[must_use]
    pub fn next_departure(&self) -> Option<SimTime> {
        self.next.map(to_time)
    }

    /// Takes the next item that departs at `now` or before.
    pub fn pop_departed(&mut self, now: SimTime) -> Option<Departure<T>> {
        let at = self.next.filter(|at| *at <= from_time(now))?;
        let (finish, (flow, item)) = self.queue.pop()?;
        self.leave(flow, finish, at);
        self.next = self.first_departure();
        Some(Departure { at: to_time(at), flow, item })
    }

    /// Changes the rate from `now` on.
    pub fn set_rate(&mut self, now: SimTime, bytes_per_sec: u64) {
        self.settle(now);
        self.bytes_per_sec = bytes_per_sec;
        self.next = self.first_departure();
    }

    /// Takes out everything that waits, in the order in which it would have left.
    pub fn drain(&mut self) -> Vec<(u32, T)> {
        self.waiting.clear();
        self.next = None;
        std::iter::from_fn(|| self.queue.pop()).map(|(_, entry)| entry).collect()
    }

    /// Everything that waits, in the order in which it leaves if nothing changes until then.
    #[must_use]
    pub fn in_order(&self) -> Vec<(u32, &T)> {
        self.queue.in_order().into_iter().map(|(_, (flow, item))| (*flow, item)).collect()
    }

    /// Everything that waits, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.queue.iter().map(|(_, (_, item))| item)
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A flow that has nothing left waiting stops taking its part, which changes the speed of virtual time.
    fn leave(&mut self, flow: u32, finish: u128, at: u128) {
        let Some(backlog) = self.waiting.get_mut(flow) else {
            return;
        };
        backlog.items -= 1;
        if backlog.items == 0 {
            self.waiting.remove(flow);
            self.served = finish;
            self.since = at;
        }
    }

    /// Brings virtual time to `now`, before the number of waiting flows or the rate changes.
    fn settle(&mut self, now: SimTime) {
        debug_assert!(
            self.next_departure().is_none_or(|at| at > now),
            "an item had departed by {now} and was not taken"
        );
        let now = from_time(now).max(self.since);
        let flows = self.waiting.len() as u128;
        if flows > 0 {
            let passed = (now - self.since).saturating_mul(u128::from(self.bytes_per_sec));
            self.served += passed / (flows * u128::from(NANOS_PER_SEC));
        }
        self.since = now;
    }

    /// The fractional real time at which virtual time reaches the end of the first of the queue, if it ever does.
    fn first_departure(&self) -> Option<u128> {
        let to_serve = self.queue.peek_key()?.saturating_sub(self.served);
        if to_serve == 0 {
            return Some(self.since);
        }
        let flows = self.waiting.len() as u128;
        let scaled = to_serve.saturating_mul(flows * u128::from(NANOS_PER_SEC));
        let rounded = scaled.checked_add(u128::from(self.bytes_per_sec.checked_sub(1)?))?;
        self.since.checked_add(divided(rounded, self.bytes_per_sec))
    }
}

/// A quotient. What is small enough is divided the short way: the long one is a call, for each message that leaves.
fn divided(dividend: u128, divisor: u64) -> u128 {
    u64::try_from(dividend)
        .map_or_else(|_| dividend / u128::from(divisor), |short| u128::from(short / divisor))
}

pub(crate) fn from_time(at: SimTime) -> u128 {
    u128::from(at.as_nanos()) << FRACTION_BITS
}

pub(crate) fn to_time(at: u128) -> SimTime {
    let nanos = at.div_ceil(1 << FRACTION_BITS);
    SimTime::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// Everything that departs, with its instant, in order.
    fn run_dry<T>(share: &mut FairShare<T>) -> Vec<(SimTime, u32)> {
        std::iter::from_fn(|| share.pop_departed(share.next_departure()?))
            .map(|departure| (departure.at, departure.flow))
            .collect()
    }

    #[test]
    fn a_flow_alone_has_everything() {
        let mut share = FairShare::new(MIB);
        share.push(SimTime::ZERO, 0, MIB, ());
        share.push(SimTime::ZERO, 0, MIB, ());
        assert_eq!(run_dry(&mut share), [(SimTime::from_secs(1), 0), (SimTime::from_secs(2), 0)]);
    }

    #[test]
    fn a_small_message_does_not_wait_for_a_large_one_of_another_flow() {
        let mut share = FairShare::new(MIB);
        share.push(SimTime::ZERO, 1, 9 * MIB, ());
        share.push(SimTime::ZERO, 2, MIB, ());
        assert_eq!(run_dry(&mut share), [(SimTime::from_secs(2), 2), (SimTime::from_secs(10), 1)]);
    }

    #[test]
    fn a_latecomer_takes_its_part_from_when_it_comes() {
        let mut share = FairShare::new(MIB);
        share.push(SimTime::ZERO, 1, 2 * MIB, ());
        share.push(SimTime::from_secs(1), 2, 2 * MIB, ());
        // One second alone, two seconds shared, then the rest of flow 2 alone.
        assert_eq!(run_dry(&mut share), [(SimTime::from_secs(3), 1), (SimTime::from_secs(4), 2)]);
    }

    #[test]
    fn a_rate_of_zero_waits_for_better_times() {
        let mut share = FairShare::new(MIB);
        share.push(SimTime::ZERO, 1, 2 * MIB, ());
        share.set_rate(SimTime::from_secs(1), 0);
        assert_eq!(share.next_departure(), None);
        share.set_rate(SimTime::from_secs(5), 2 * MIB);
        assert_eq!(share.next_departure(), Some(SimTime::from_millis(5_500)));
    }

    /// The same sharing by brute force: all flows served step by step with exact fractions of a byte (scaled
    /// by the number of flows possible at once).
    fn brute_force(messages: &[(u32, u64)], bytes_per_sec: u64) -> Vec<u64> {
        const SCALE: u64 = 2 * 3 * 4 * 5;
        let mut left: Vec<(u32, u64)> = messages.iter().map(|&(flow, bytes)| (flow, bytes * SCALE)).collect();
        let mut finished = vec![0; messages.len()];
        let mut now = 0;
        while finished.contains(&0) {
            now += 1; // one microsecond
            let mut heads = std::collections::BTreeMap::new();
            for (index, &(flow, _)) in left.iter().enumerate().filter(|(_, (_, left))| *left > 0) {
                heads.entry(flow).or_insert(index);
            }
            let each = bytes_per_sec / 1_000_000 * SCALE / heads.len() as u64;
            for index in heads.into_values() {
                left[index].1 = left[index].1.saturating_sub(each);
                if left[index].1 == 0 {
                    finished[index] = now;
                }
            }
        }
        finished
    }

    proptest! {
        /// Brute force loses at most a microsecond at each head of a flow, so many messages long may it be
        /// off.
        #[test]
        fn agrees_with_serving_byte_by_byte(messages in prop::collection::vec((0u32..5, 1u64..3_000), 1..20)) {
            let rate = 20_000_000;
            let mut share = FairShare::new(rate);
            for (index, &(flow, bytes)) in messages.iter().enumerate() {
                share.push(SimTime::ZERO, flow, bytes, index);
            }
            let expected = brute_force(&messages, rate);
            while let Some(departure) = share.next_departure().and_then(|at| share.pop_departed(at)) {
                let micros = departure.at.as_nanos() / 1_000;
                let slack = 2 * messages.len() as u64 + 2;
                prop_assert!(micros.abs_diff(expected[departure.item]) <= slack,
                    "message {} left at {micros}, not {}", departure.item, expected[departure.item]);
            }
        }

        /// However messages come in, a share that is never idle moves exactly its rate.
        #[test]
        fn no_capacity_is_lost_or_invented(
            messages in prop::collection::vec((0u32..8, 0u64..100_000, 0u64..50_000), 1..60),
            rate in 1_000_000u64..10_000_000_000,
        ) {
            let mut share = FairShare::new(rate);
            let mut now = SimTime::ZERO;
            let mut total = u128::from(rate); // one second of work at the front keeps it busy
            share.push(now, 99, rate, ());
            let mut last = SimTime::ZERO;
            for (flow, bytes, gap) in messages {
                now += std::time::Duration::from_nanos(gap);
                while let Some(departure) = share.pop_departed(now) {
                    last = departure.at;
                }
                share.push(now, flow, bytes, ());
                total += u128::from(bytes);
            }
            last = run_dry(&mut share).last().map_or(last, |&(at, _)| at);
            let ideal = (total * 1_000_000_000).div_ceil(u128::from(rate)) as u64;
            prop_assert!(last.as_nanos() >= ideal, "faster than the rate");
            prop_assert!(last.as_nanos() - ideal <= 2, "{} ns lost", last.as_nanos() - ideal);
        }
    }
}
