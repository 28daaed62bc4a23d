//! Ways to draw.

use core::ops::RangeInclusive;
use core::time::Duration;

use switchback_sim::Chance;

/// One of a range, the small ones more often: the lesser of two draws.
pub(super) fn rather_small(chance: &mut Chance, range: &RangeInclusive<u32>) -> u32 {
    let mut draw = || chance.in_range(u64::from(*range.start())..=u64::from(*range.end()));
    draw().min(draw()) as u32
}

/// One of a range whose ends may lie orders of magnitude apart: every doubling is as likely as any other.
pub(super) fn by_magnitude(chance: &mut Chance, range: RangeInclusive<u64>) -> u64 {
    let (low, high) = (*range.start(), *range.end());
    let bits = |number: u64| u64::from(u64::BITS - number.leading_zeros());
    let magnitude = chance.in_range(bits(low)..=bits(high));
    let (floor, ceiling) = match magnitude {
        0 => (0, 0),
        bits => (1 << (bits - 1), ((1_u128 << bits) - 1) as u64),
    };
    chance.in_range(floor.max(low)..=ceiling.min(high))
}

/// A duration of a range by magnitude, in whole seconds where that is possible.
pub(super) fn span(chance: &mut Chance, range: RangeInclusive<Duration>) -> Duration {
    let nanos = |span: &Duration| span.as_nanos() as u64;
    let drawn = Duration::from_nanos(by_magnitude(chance, nanos(range.start())..=nanos(range.end())));
    if drawn >= Duration::from_secs(2) { Duration::from_secs(drawn.as_secs()) } else { drawn }
}

/// A duration below a bound, evenly, in whole seconds.
pub(super) fn seconds_below(chance: &mut Chance, bound: Duration) -> Duration {
    Duration::from_secs(chance.below(bound.as_secs().max(1)))
}

/// One of a range: the smallest in half of the cases, and each next one half as often.
pub(super) fn few(chance: &mut Chance, range: &RangeInclusive<u32>) -> u32 {
    let more = chance.next_u64().trailing_ones();
    range.start().saturating_add(more).min(*range.end())
}

/// One of some words.
pub(super) fn pick<T: Copy>(chance: &mut Chance, words: &[T]) -> T {
    words[chance.below(words.len() as u64) as usize]
}

/// One in so many.
pub(super) fn one_in(chance: &mut Chance, count: u64) -> bool {
    chance.below(count) == 0
}
