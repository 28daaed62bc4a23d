//! Flattening: from a list in write order, which may overlap, to the sorted list in which the last write of every
//! sector is left.
//!
//! Order lives in the list and nowhere else: a run carries no number, so nothing can be flattened twice in the
//! wrong order. Neighbours are not joined; what they hold differs, and this module refuses to look at it.

use std::collections::BinaryHeap;

use super::Run;

/// How many runs are looked up before any of them is swept. In order of place they are scattered over the list,
/// and lookups that do not wait for each other hide each other's way to memory.
const FETCHED_AT_ONCE: usize = 64;

/// Fewer keys are sorted by comparing them: counting digits costs the same however few there are.
const FEW_KEYS: usize = 1024;

/// Sorts runs given in write order by place and keeps, on every sector, the last one.
///
/// The result is sorted and does not overlap; runs that are partly hidden are cut, runs that are wholly hidden
/// are gone. A list that is already sorted without overlaps is left untouched.
///
/// # Panics
/// With more than `u32::MAX` runs.
pub fn flatten<R: Run>(runs: &mut Vec<R>) {
    if runs.is_sorted_by(|left, right| left.end() <= right.start()) {
        return;
    }
    let mut sweep = Sweep::over(runs);
    let mut places = Vec::with_capacity(FETCHED_AT_ONCE);
    for writes in writes_by_place(runs).chunks(FETCHED_AT_ONCE) {
        places.clear();
        places
            .extend(writes.iter().map(|write| (runs[*write as usize].start(), runs[*write as usize].end())));
        for (write, (start, end)) in writes.iter().zip(&places) {
            sweep.enter(*start, Active { write: *write, end: *end });
        }
    }
    *runs = sweep.finish();
}

/// The places of the runs in the write order, sorted by start and, for equal starts, by write order.
///
/// Sorting bare keys is several times faster than moving the runs about. Start and order nearly always fit one
/// word together; the wide key is for disks that nobody has yet.
fn writes_by_place<R: Run>(runs: &[R]) -> Vec<u32> {
    let count = u32::try_from(runs.len()).expect("a list of runs is shorter than 2^32");
    let order_bits = u32::BITS - count.leading_zeros();
    let last_start = runs.iter().map(Run::start).max().unwrap_or(0);
    if last_start.leading_zeros() >= order_bits {
        let key = |(order, run): (u32, &R)| (run.start() << order_bits) | u64::from(order);
        let mut keys: Vec<u64> = (0..count).zip(runs).map(key).collect();
        if keys.len() < FEW_KEYS {
            keys.sort_unstable();
        } else {
            sort_by_digits(&mut keys, order_bits, u64::BITS - (last_start << order_bits).leading_zeros());
        }
        let order_mask = (1 << order_bits) - 1;
        keys.into_iter().map(|key| (key & order_mask) as u32).collect()
    } else {
        let key = |(order, run): (u32, &R)| (run.start(), order);
        let mut keys: Vec<(u64, u32)> = (0..count).zip(runs).map(key).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, order)| order).collect()
    }
}

/// Sorts keys by their bits from `low` up to `high`, digit by digit from the lowest on: a few passes over all of them, where
/// comparing takes as many as their number has digits. Keys that have these bits in common stay in the order in which they come,
/// and that is the order of their lower bits.
fn sort_by_digits(keys: &mut Vec<u64>, low: u32, high: u32) {
    const DIGIT_BITS: u32 = 11;
    let mut sorted = vec![0; keys.len()];
    for shift in (low..high).step_by(DIGIT_BITS as usize) {
        let digit = |key: u64| (key >> shift) as usize & ((1 << DIGIT_BITS) - 1);
        let mut places = [0u32; 1 << DIGIT_BITS];
        for key in keys.iter() {
            places[digit(*key)] += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += core::mem::replace(place, before);
        }
        for key in keys.iter() {
            let place = &mut places[digit(*key)];
            sorted[*place as usize] = *key;
            *place += 1;
        }
        core::mem::swap(keys, &mut sorted);
    }
}

/// A run that the sweep line is inside of. The later write compares greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Active {
    write: u32,
    end: u64,
}

/// Walks the starts from left to right, knowing at each moment which write shows.
struct Sweep<'a, R> {
    runs: &'a [R],
    /// The write that shows from `from` on.
    shown: Option<Active>,
    from: u64,
    /// Earlier writes that reach beyond the end of the one that shows, and some that no longer do.
    hidden: BinaryHeap<Active>,
    out: Vec<R>,
}

impl<'a, R: Run> Sweep<'a, R> {
    fn over(runs: &'a [R]) -> Self {
        Self { runs, shown: None, from: 0, hidden: BinaryHeap::new(), out: Vec::with_capacity(runs.len()) }
    }

    fn enter(&mut self, start: u64, entered: Active) {
        self.advance(start);
        match self.shown {
            None => self.show(entered, start),
            Some(shown) if shown.write < entered.write => {
                self.emit(shown, start);
                if shown.end > entered.end {
                    self.hidden.push(shown);
                }
                self.show(entered, start);
            }
            Some(shown) if shown.end < entered.end => self.hidden.push(entered),
            Some(_) => {}
        }
    }

    /// Emits what ends at or before `place`.
    fn advance(&mut self, place: u64) {
        while let Some(shown) = self.shown
            && shown.end <= place
        {
            self.emit(shown, shown.end);
            self.from = shown.end;
            self.shown = self.uncover(shown.end);
        }
    }

    /// The latest hidden write that still covers `place`.
    fn uncover(&mut self, place: u64) -> Option<Active> {
        while let Some(hidden) = self.hidden.pop() {
            if hidden.end > place {
                return Some(hidden);
            }
        }
        None
    }

    fn show(&mut self, active: Active, from: u64) {
        self.shown = Some(active);
        self.from = from;
    }

    fn emit(&mut self, active: Active, until: u64) {
        if self.from < until {
            self.out.push(self.runs[active.write as usize].between(self.from, until));
        }
    }

    fn finish(mut self) -> Vec<R> {
        self.advance(u64::MAX);
        self.out
    }
}
