//! The queue of future events: what happens next, and in which order when two things happen at once.
//!
//! Owns the order. Refuses to know what an event means or what time it is now (that is the
//! [`Kernel`](crate::Kernel)). A binary heap serves first; the trait is there so that a timing wheel can
//! replace it when a measurement on real load asks for one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::SimTime;

/// Future events in the order in which they are due.
///
/// Events due at the same instant come out in the order in which they were pushed: a tie is broken on
/// purpose, never by the shape of the structure.
pub trait Queue<E> {
    /// Adds an event due at `at`.
    fn push(&mut self, at: SimTime, event: E);

    /// Takes the event that is due first.
    fn pop(&mut self) -> Option<(SimTime, E)>;

    /// When the next event is due.
    fn peek_time(&self) -> Option<SimTime>;

    /// How many events wait.
    fn len(&self) -> usize;

    /// Whether no event waits.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A [`Queue`] ordered by time and then by sequence number. Push and pop are `O(log n)`.
///
/// It moves keys, not events, so what an event weighs costs one move in and one out.
#[derive(Clone, Debug)]
pub struct HeapQueue<E> {
    heap: TieHeap<SimTime, E>,
}

impl<E> HeapQueue<E> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self { heap: TieHeap::new() }
    }

    /// Forgets every event.
    pub fn clear(&mut self) {
        self.heap.clear();
    }

    /// The event that is due first, left where it is.
    #[must_use]
    pub fn peek(&self) -> Option<(SimTime, &E)> {
        self.heap.peek()
    }

    /// Every event that waits, in the order in which they will come out. Sorts what a heap keeps unsorted,
    /// `O(n log n)`: for people who look inside, not for a run.
    #[must_use]
    pub fn in_order(&self) -> Vec<(SimTime, &E)> {
        self.heap.in_order()
    }
}

impl<E> Default for HeapQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Queue<E> for HeapQueue<E> {
    fn push(&mut self, at: SimTime, event: E) {
        self.heap.push(at, event);
    }

    fn pop(&mut self) -> Option<(SimTime, E)> {
        self.heap.pop()
    }

    fn peek_time(&self) -> Option<SimTime> {
        self.heap.peek_key()
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}

/// How many entries are kept in order at most.
const NEAR_MAX: usize = 64;

/// A priority queue over any small key, in which equal keys keep their order of insertion.
///
/// It moves keys and places only; what they stand for lies still in a slot of its own until it is taken. The entries
/// that come out next are kept sorted, which is cheaper than a heap as long as they are few, and in most runs they are
/// all there are. The others wait in a heap.
#[derive(Clone, Debug)]
pub(crate) struct TieHeap<K, E> {
    /// Sorted, the first to come out last. Empty only if everything is.
    near: Vec<Entry<K>>,
    /// All come out after those that are near.
    far: BinaryHeap<Entry<K>>,
    slots: Vec<Option<E>>,
    /// Slots that are empty.
    free: Vec<u32>,
    next_sequence: u64,
}

impl<K: Ord + Copy, E> TieHeap<K, E> {
    pub(crate) fn new() -> Self {
        Self {
            near: Vec::new(),
            far: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            next_sequence: 0,
        }
    }

    pub(crate) fn push(&mut self, key: K, event: E) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let slot = self.put(event);
        let entry = Entry { key, sequence, slot };
        // It is the youngest, so it comes out after all with the same key.
        if self.far.peek().is_some_and(|first| first.key <= key) {
            return self.far.push(entry);
        }
        let place = self.near.partition_point(|other| other.key > key);
        self.near.insert(place, entry);
        if self.near.len() > NEAR_MAX {
            self.far.extend(self.near.drain(..NEAR_MAX / 2));
        }
    }

    /// # Panics
    /// With more than `u32::MAX` events at once.
    fn put(&mut self, event: E) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(event);
            return slot;
        }
        self.slots.push(Some(event));
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 events wait at once")
    }

    pub(crate) fn pop(&mut self) -> Option<(K, E)> {
        let entry = self.near.pop()?;
        if self.near.is_empty() {
            self.near.extend(std::iter::from_fn(|| self.far.pop()).take(NEAR_MAX / 2));
            self.near.reverse();
        }
        self.free.push(entry.slot);
        let event = self.slots[entry.slot as usize].take()?;
        Some((entry.key, event))
    }

    pub(crate) fn peek_key(&self) -> Option<K> {
        self.near.last().map(|entry| entry.key)
    }

    pub(crate) fn peek(&self) -> Option<(K, &E)> {
        self.near.last().and_then(|entry| self.shown(entry))
    }

    /// In no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &E)> {
        self.entries().filter_map(|entry| self.shown(entry))
    }

    /// First what comes out first.
    pub(crate) fn in_order(&self) -> Vec<(K, &E)> {
        let mut entries: Vec<_> = self.entries().collect();
        entries.sort_unstable_by_key(|entry| (entry.key, entry.sequence));
        entries.into_iter().filter_map(|entry| self.shown(entry)).collect()
    }

    fn entries(&self) -> impl Iterator<Item = &Entry<K>> {
        self.near.iter().chain(&self.far)
    }

    fn shown(&self, entry: &Entry<K>) -> Option<(K, &E)> {
        Some((entry.key, self.slots[entry.slot as usize].as_ref()?))
    }

    pub(crate) fn len(&self) -> usize {
        self.near.len() + self.far.len()
    }

    pub(crate) fn clear(&mut self) {
        self.near.clear();
        self.far.clear();
        self.slots.clear();
        self.free.clear();
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry<K> {
    key: K,
    sequence: u64,
    slot: u32,
}

/// Reversed, because the standard heap gives its greatest element first.
impl<K: Ord> Ord for Entry<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then_with(|| other.sequence.cmp(&self.sequence))
    }
}

impl<K: Ord> PartialOrd for Entry<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord> PartialEq for Entry<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K: Ord> Eq for Entry<K> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn things_that_happen_at_once_keep_their_order() {
        let mut queue = HeapQueue::new();
        let noon = SimTime::from_secs(12);
        for event in ["first", "second", "third"] {
            queue.push(noon, event);
        }
        queue.push(SimTime::ZERO, "earlier");
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, event)| event).collect();
        assert_eq!(order, ["earlier", "first", "second", "third"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_cloned_queue_lives_a_life_of_its_own() {
        let mut queue = HeapQueue::new();
        queue.push(SimTime::ZERO, 1);
        let mut snapshot = queue.clone();
        queue.clear();
        assert_eq!(queue.pop(), None);
        assert_eq!(snapshot.pop(), Some((SimTime::ZERO, 1)));
    }

    #[test]
    fn looking_at_what_waits_shows_the_order_and_takes_nothing() {
        let mut queue = HeapQueue::new();
        for (at, event) in [(5, "late"), (1, "first"), (1, "second"), (3, "third")] {
            queue.push(SimTime::from_secs(at), event);
        }
        assert_eq!(queue.peek(), Some((SimTime::from_secs(1), &"first")));
        let seen: Vec<_> = queue.in_order().into_iter().map(|(at, event)| (at, *event)).collect();
        let taken: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(seen, taken);
        assert_eq!(queue.peek(), None);
    }

    proptest! {
        /// Against a model: a vector that is sorted stably each time somebody takes from it.
        #[test]
        fn pops_like_a_stably_sorted_list(
            steps in prop::collection::vec(prop::option::weighted(0.7, 0u64..20), 0..600),
        ) {
            let mut queue = HeapQueue::new();
            let mut model: Vec<(u64, usize)> = Vec::new();
            for (label, step) in steps.into_iter().enumerate() {
                if let Some(at) = step {
                    queue.push(SimTime::from_nanos(at), label);
                    model.push((at, label));
                } else {
                    model.sort_by_key(|&(at, _)| at);
                    let expected = if model.is_empty() { None } else { Some(model.remove(0)) };
                    prop_assert_eq!(queue.peek_time().map(SimTime::as_nanos), expected.map(|(at, _)| at));
                    prop_assert_eq!(queue.pop().map(|(at, label)| (at.as_nanos(), label)), expected);
                }
                prop_assert_eq!(queue.len(), model.len());
            }
        }
    }
}
