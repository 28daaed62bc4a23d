//! The sending side of a numbered stream: what is not acknowledged yet, and what of it to send now.
//!
//! The receiver takes items strictly in order and acknowledges cumulatively, so a loss costs going back to it.
//! After a time-out only the first item goes out again: if its copies had arrived after all, the acknowledgement
//! skips what need not be repeated, and a slow link is not buried under repetitions.
//!
//! How long to wait is learnt: twice what the last item took that was sent once. A large item may be on a slow line for
//! minutes, and a copy of it every few seconds would fill the line with nothing else. An item that was repeated tells
//! nothing (which copy was acknowledged?), so the longer wait stays until one comes through at the first go.

use core::time::Duration;
use std::collections::VecDeque;

use crate::time::Instant;

/// How long to wait at least for an acknowledgement before the first repetition. The wait doubles up to [`RETRY_MAX`]
/// while nothing comes.
const RETRY_FIRST: Duration = Duration::from_secs(2);
/// The longest pause between repetitions: an outage of hours costs a probe a minute, and its end is noticed soon.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// The longest wait that is learnt from a slow line.
const LEARNT_MAX: Duration = Duration::from_secs(15 * 60);

/// Unacknowledged items of a stream, numbered from 1 without gaps.
#[derive(Debug, Clone)]
pub(crate) struct Window<T> {
    items: VecDeque<(T, u64)>,
    /// The number of the first item, or of the next one when there is none.
    first: u64,
    /// How many items from the front are under way.
    sent: usize,
    sent_bytes: u64,
    held_bytes: u64,
    retry_at: Option<Instant>,
    retry_after: Duration,
    /// Nothing has been acknowledged since the last time-out.
    probing: bool,
    /// The highest number that was ever sent.
    sent_upto: u64,
    /// An item that is under way for the first time, and since when.
    timed: Option<(u64, Instant)>,
}

impl<T: Clone> Window<T> {
    /// An empty window whose next item has the number `next`.
    pub(crate) const fn new(next: u64) -> Self {
        Self {
            items: VecDeque::new(),
            first: next,
            sent: 0,
            sent_bytes: 0,
            held_bytes: 0,
            retry_at: None,
            retry_after: RETRY_FIRST,
            probing: false,
            sent_upto: 0,
            timed: None,
        }
    }

    /// The number of the oldest unacknowledged item, or of the next one when there is none.
    pub(crate) const fn first_number(&self) -> u64 {
        self.first
    }

    /// The number that the next item will have.
    pub(crate) fn next_number(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Adds an item that weighs `bytes`.
    pub(crate) fn push(&mut self, item: T, bytes: u64) {
        self.items.push_back((item, bytes));
        self.held_bytes += bytes;
    }

    /// Begins to send to somebody else: every item anew, with what it needs to know about the new way.
    pub(crate) fn begin_again(&mut self, mut change: impl FnMut(&mut T)) {
        self.items.iter_mut().for_each(|(item, _)| change(item));
        *self = Self {
            items: core::mem::take(&mut self.items),
            held_bytes: self.held_bytes,
            ..Self::new(self.first)
        };
    }

    /// Whether everything has been acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes of all items that are not acknowledged.
    pub(crate) const fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Bytes of the items that are under way.
    pub(crate) const fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Takes an acknowledgement of everything up to and with `upto` and gives the items that left the window.
    pub(crate) fn acknowledge(&mut self, now: Instant, upto: u64) -> impl Iterator<Item = T> {
        let acknowledged = upto.saturating_add(1).saturating_sub(self.first);
        let gone = self.items.len().min(usize::try_from(acknowledged).unwrap_or(usize::MAX));
        self.first += gone as u64;
        let bytes_of = |items: usize| self.items.iter().take(items).map(|(_, bytes)| bytes).sum::<u64>();
        let (bytes, sent_bytes) = (bytes_of(gone), bytes_of(gone.min(self.sent)));
        self.held_bytes -= bytes;
        self.sent -= gone.min(self.sent);
        self.sent_bytes -= sent_bytes;
        if gone > 0 {
            self.probing = false;
            if let Some((_, since)) = self.timed.take_if(|(number, _)| *number <= upto) {
                self.retry_after = (now.since(since) * 2).clamp(RETRY_FIRST, LEARNT_MAX);
            }
            self.retry_at = (self.sent > 0).then(|| now + self.retry_after);
        }
        self.items.drain(..gone).map(|(item, _)| item)
    }

    /// The next item to send, if one may go with no more than `limit_bytes` and `limit_items` under way. One item
    /// may always be under way, however large it is and however small the limit: that is how a stopped stream
    /// finds out that it may go on.
    pub(crate) fn next_to_send(&mut self, now: Instant, limit_items: usize, limit_bytes: u64) -> Option<T> {
        let (item, bytes) = self.items.get(self.sent)?;
        let fits = self.sent < limit_items && self.sent_bytes + bytes <= limit_bytes;
        if self.sent > 0 && !fits {
            return None;
        }
        let number = self.first + self.sent as u64;
        if number > self.sent_upto {
            self.sent_upto = number;
            self.timed.get_or_insert((number, now));
        }
        self.sent += 1;
        self.sent_bytes += bytes;
        if self.retry_at.is_none() {
            self.retry_at = Some(now + self.retry_after);
        }
        Some(item.clone())
    }

    /// When to call [`Window::time_out`].
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Takes back what was sent if its time is over, so that it goes out again from the front.
    pub(crate) fn time_out(&mut self, now: Instant) {
        if self.retry_at.is_none_or(|at| at > now) {
            return;
        }
        self.sent = 0;
        self.sent_bytes = 0;
        self.retry_at = None;
        self.retry_after = (self.retry_after * 2).min(RETRY_MAX.max(self.retry_after));
        self.probing = true;
        self.timed = None;
    }

    /// The receiver takes again what it did not take: what is under way goes out again from the front, without waiting for
    /// its time to be over. Nothing was lost, so as much may go as there is room for.
    pub(crate) const fn call_back(&mut self) {
        self.sent = 0;
        self.sent_bytes = 0;
        self.retry_at = None;
        self.probing = false;
        self.timed = None;
    }

    /// Whether the last thing that happened was a time-out: only a probe should go out.
    pub(crate) const fn is_probing(&self) -> bool {
        self.probing
    }

    /// All items, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().map(|(item, _)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant(0);

    fn three() -> Window<&'static str> {
        let mut window = Window::new(1);
        for item in ["a", "b", "c"] {
            window.push(item, 10);
        }
        window
    }

    #[test]
    fn limits_hold_but_one_item_may_always_go() {
        let mut window = three();
        assert_eq!(window.next_to_send(START, 8, 0), Some("a"));
        assert_eq!(window.next_to_send(START, 8, 15), None);
        assert_eq!(window.next_to_send(START, 1, 99), None);
        assert_eq!(window.next_to_send(START, 8, 20), Some("b"));
    }

    #[test]
    fn a_cumulative_acknowledgement_frees_everything_before_it() {
        let mut window = three();
        while window.next_to_send(START, 8, 99).is_some() {}
        assert!(window.acknowledge(START, 2).eq(["a", "b"]));
        assert_eq!(window.held_bytes(), 10);
        assert_eq!(window.acknowledge(START, 2).count(), 0);
        assert!(window.acknowledge(START, u64::MAX).eq(["c"]));
        assert_eq!(window.deadline(), None);
        assert_eq!(window.next_number(), 4);
    }

    #[test]
    fn silence_repeats_from_the_front_and_waits_longer_each_time() {
        let mut window = three();
        while window.next_to_send(START, 8, 99).is_some() {}
        let first = window.deadline().unwrap();
        window.time_out(Instant(first.0 - 1));
        assert_eq!(window.next_to_send(START, 8, 99), None, "too early to repeat");
        window.time_out(first);
        assert!(window.is_probing());
        assert_eq!(window.next_to_send(first, 1, 99), Some("a"));
        let second = window.deadline().unwrap();
        assert_eq!(second.since(first), RETRY_FIRST * 2);
        assert!(window.acknowledge(second, 1).eq(["a"]));
        assert!(!window.is_probing());
        assert_eq!(window.next_to_send(second, 8, 99), Some("b"));
    }

    #[test]
    fn who_was_waited_for_in_vain_is_tried_at_once_when_there_is_room_again() {
        let mut window = three();
        assert_eq!(window.next_to_send(START, 8, 0), Some("a"));
        assert_eq!(window.next_to_send(START, 8, 0), None);
        window.call_back();
        assert_eq!(window.next_to_send(START, 8, 20), Some("a"));
        assert_eq!(window.next_to_send(START, 8, 20), Some("b"));
        assert_eq!(window.deadline().unwrap().since(START), RETRY_FIRST, "nothing was lost");
    }

    #[test]
    fn who_begins_again_sends_everything_anew() {
        let mut window = three();
        while window.next_to_send(START, 8, 99).is_some() {}
        assert!(window.acknowledge(START, 1).eq(["a"]));
        window.begin_again(|item| *item = if *item == "b" { "b'" } else { "c'" });
        assert_eq!((window.first_number(), window.next_number(), window.held_bytes()), (2, 4, 20));
        assert_eq!(window.deadline(), None, "nothing is under way yet");
        assert_eq!(window.next_to_send(START, 8, 99), Some("b'"));
        assert_eq!(window.next_to_send(START, 8, 99), Some("c'"));
    }

    #[test]
    fn a_slow_line_is_given_the_time_that_it_needs() {
        const SLOW: Duration = Duration::from_secs(10);
        let mut window = three();
        assert_eq!(window.next_to_send(START, 1, 99), Some("a"));
        let first = window.deadline().unwrap();
        window.time_out(first);
        assert_eq!(window.next_to_send(first, 1, 99), Some("a"));
        let now = START + SLOW;
        assert_eq!(window.acknowledge(now, 1).count(), 1);
        assert_eq!(window.next_to_send(now, 1, 99), Some("b"));
        assert_eq!(window.deadline(), Some(now + RETRY_FIRST * 2), "a repeated item tells nothing new");
        let now = now + RETRY_FIRST;
        assert_eq!(window.acknowledge(now, 2).count(), 1);
        assert_eq!(window.next_to_send(now, 1, 99), Some("c"));
        assert_eq!(
            window.deadline(),
            Some(now + RETRY_FIRST * 2),
            "twice what an item took that was sent once"
        );
    }
}
