//! Writes to the same place, one after the other; writes to different places at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use switchback_engine::SectorRange;

/// The ranges that are being written. A queue in front of a disk is short, so a list is enough.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    taken: Mutex<Vec<SectorRange>>,
    given_back: Condvar,
}

/// A range that nobody else writes meanwhile.
#[derive(Debug)]
pub(super) struct Taken<'r> {
    ranges: &'r Ranges,
    range: SectorRange,
}

impl Ranges {
    /// Waits until nobody writes any of a range, and takes it.
    pub(super) fn take(&self, range: SectorRange) -> Taken<'_> {
        let overlaps = |taken: &mut Vec<SectorRange>| {
            taken.iter().any(|other| other.start < range.end && range.start < other.end)
        };
        let taken = self.given_back.wait_while(self.taken(), overlaps);
        taken.unwrap_or_else(PoisonError::into_inner).push(range);
        Taken { ranges: self, range }
    }

    fn taken(&self) -> MutexGuard<'_, Vec<SectorRange>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut taken = self.ranges.taken();
        if let Some(at) = taken.iter().position(|range| *range == self.range) {
            taken.swap_remove(at);
        }
        drop(taken);
        self.ranges.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn writes_to_different_places_do_not_wait_and_writes_to_the_same_do() {
        let ranges = Ranges::default();
        let first = ranges.take(SectorRange::new(8, 8));
        drop(ranges.take(SectorRange::new(0, 8)));
        drop(ranges.take(SectorRange::new(16, 1)));
        let (told, heard) = channel();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let _taken = ranges.take(SectorRange::new(15, 2));
                let _ = told.send(ranges.taken().len());
            });
            // It may not have come so far yet; it must not have got past.
            assert!(heard.try_recv().is_err(), "it overlaps with what is taken");
            drop(first);
            assert_eq!(heard.recv_timeout(PATIENCE), Ok(1), "it is alone then");
        });
    }
}
