//! The kernel: the clock of a simulated world and the events that move it.
//!
//! Owns "now" and the promise that it never goes backwards. Refuses to know what an event is and who handles
//! it: the caller takes one event at a time and acts on it, so there is nothing to register and nothing to
//! call back.
//!
//! ```
//! use std::time::Duration;
//! use switchback_sim::{Kernel, SimTime};
//!
//! let mut kernel = Kernel::new();
//! kernel.schedule_in(Duration::from_secs(1), "tick");
//! while let Some(event) = kernel.next() {
//!     if kernel.now() < SimTime::from_secs(3) {
//!         kernel.schedule_in(Duration::from_secs(1), event);
//!     }
//! }
//! assert_eq!(kernel.now(), SimTime::from_secs(3));
//! assert_eq!(kernel.events_delivered(), 3);
//! ```

use std::marker::PhantomData;
use std::time::Duration;

use crate::{HeapQueue, Queue, SimTime};

/// Virtual time and the queue of what is to come.
#[derive(Clone, Debug)]
pub struct Kernel<E, Q = HeapQueue<E>> {
    now: SimTime,
    queue: Q,
    delivered: u64,
    event: PhantomData<E>,
}

impl<E> Kernel<E> {
    /// A kernel at time zero with an empty [`HeapQueue`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_queue(HeapQueue::new())
    }

    /// The next event and when it is due, left where it is.
    #[must_use]
    pub fn peek(&self) -> Option<(SimTime, &E)> {
        self.queue.peek()
    }

    /// Every event that waits, in the order in which they will be delivered. Sorts the queue: for people who look
    /// inside, not for a run.
    #[must_use]
    pub fn upcoming(&self) -> Vec<(SimTime, &E)> {
        self.queue.in_order()
    }
}

impl<E> Default for Kernel<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, Q: Queue<E>> Kernel<E, Q> {
    /// A kernel at time zero over a queue of the caller's choice.
    #[must_use]
    pub fn with_queue(queue: Q) -> Self {
        Self { now: SimTime::ZERO, queue, delivered: 0, event: PhantomData }
    }

    /// The instant of the event delivered last, or the one [`advance_to`](Self::advance_to) reached.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Schedules `event` at `at`. An instant in the past means now: after what is already due now.
    #[inline]
    pub fn schedule_at(&mut self, at: SimTime, event: E) {
        self.queue.push(at.max(self.now), event);
    }

    /// Schedules `event` after `delay`; beyond the end of time it is due at [`SimTime::MAX`].
    #[inline]
    pub fn schedule_in(&mut self, delay: Duration, event: E) {
        self.queue.push(self.now + delay, event);
    }

    /// Takes the next event and advances the clock to it. `None`, and an unmoved clock, when nothing is left.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would borrow the kernel for the whole loop"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<E> {
        let (at, event) = self.queue.pop()?;
        debug_assert!(at >= self.now, "an event is due at {at}, before now ({})", self.now);
        self.now = at;
        self.delivered += 1;
        Some(event)
    }

    /// As [`next`](Self::next), for events due strictly before `limit`. The clock stays at the last event
    /// delivered; [`advance_to`](Self::advance_to) moves it on.
    pub fn next_before(&mut self, limit: SimTime) -> Option<E> {
        if self.next_time()? < limit { self.next() } else { None }
    }

    /// As [`next`](Self::next), for events due at `limit` or before.
    pub fn next_until(&mut self, limit: SimTime) -> Option<E> {
        if self.next_time()? <= limit { self.next() } else { None }
    }

    /// When the next event is due.
    #[must_use]
    pub fn next_time(&self) -> Option<SimTime> {
        self.queue.peek_time()
    }

    /// Moves an idle clock forward to `at`, but never past an event that still waits and never backwards.
    /// Returns the time it is now.
    pub fn advance_to(&mut self, at: SimTime) -> SimTime {
        let limit = self.next_time().unwrap_or(SimTime::MAX);
        self.now = self.now.max(at.min(limit));
        self.now
    }

    /// How many events wait.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// How many events have been delivered since the start.
    #[must_use]
    pub fn events_delivered(&self) -> u64 {
        self.delivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_follows_the_events() {
        let mut kernel = Kernel::new();
        kernel.schedule_at(SimTime::from_secs(5), "late");
        kernel.schedule_in(Duration::from_secs(2), "early");
        assert_eq!((kernel.next(), kernel.now()), (Some("early"), SimTime::from_secs(2)));
        assert_eq!((kernel.next(), kernel.now()), (Some("late"), SimTime::from_secs(5)));
        assert_eq!((kernel.next(), kernel.now()), (None, SimTime::from_secs(5)));
        assert_eq!(kernel.events_delivered(), 2);
    }

    #[test]
    fn the_past_means_now_and_waits_its_turn() {
        let mut kernel = Kernel::new();
        kernel.schedule_at(SimTime::from_secs(5), "one");
        kernel.schedule_at(SimTime::from_secs(5), "two");
        assert_eq!(kernel.next(), Some("one"));
        kernel.schedule_at(SimTime::from_secs(1), "from the past");
        assert_eq!(kernel.next(), Some("two"));
        assert_eq!(kernel.next(), Some("from the past"));
        assert_eq!(kernel.now(), SimTime::from_secs(5));
    }

    #[test]
    fn what_is_to_come_can_be_seen_without_moving_the_clock() {
        let mut kernel = Kernel::new();
        kernel.schedule_at(SimTime::from_secs(2), "late");
        kernel.schedule_at(SimTime::from_secs(1), "early");
        let upcoming: Vec<_> = kernel.upcoming().into_iter().map(|(_, event)| *event).collect();
        assert_eq!(upcoming, ["early", "late"]);
        assert_eq!(kernel.peek(), Some((SimTime::from_secs(1), &"early")));
        assert_eq!((kernel.now(), kernel.pending()), (SimTime::ZERO, 2));
    }

    #[test]
    fn a_limit_holds_events_back() {
        let mut kernel = Kernel::new();
        let (one, two) = (SimTime::from_secs(1), SimTime::from_secs(2));
        kernel.schedule_at(one, 1);
        kernel.schedule_at(two, 2);
        assert_eq!(kernel.next_before(one), None);
        assert_eq!(kernel.next_before(two), Some(1));
        assert_eq!(kernel.next_before(two), None);
        assert_eq!(kernel.now(), one);
        assert_eq!(kernel.next_until(two), Some(2));
    }

    #[test]
    fn an_idle_clock_can_be_moved_but_not_past_an_event() {
        let mut kernel = Kernel::new();
        kernel.schedule_at(SimTime::from_secs(4), ());
        assert_eq!(kernel.advance_to(SimTime::from_secs(3)), SimTime::from_secs(3));
        assert_eq!(kernel.advance_to(SimTime::from_secs(9)), SimTime::from_secs(4));
        assert_eq!(kernel.advance_to(SimTime::from_secs(1)), SimTime::from_secs(4));
        assert_eq!(kernel.pending(), 1);
    }
}
