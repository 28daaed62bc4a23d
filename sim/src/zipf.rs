//! Zipf's law: a few things are asked for often and most of them hardly ever.
//!
//! Owns the shape of such a popularity. Refuses to know what the ranks stand for and where they lie: whoever
//! wants the popular ones scattered permutes the ranks.
//!
//! The weight of the item at position `p` (rank plus one) is `p^-exponent`. Positions up to 16 have a weight
//! each. Beyond, every doubling is divided into eight equal steps and all positions within a step share the
//! weight of its middle. So the shape is a staircase whose steps are at most an eighth of their height wide:
//! never rising, within about 6 % times the exponent of the true curve at any position, and a few kilobytes
//! for any number of items.

use crate::fixed::{self, InverseExp2, LOG_BITS};
use crate::{Chance, Ratio};

/// Steps to a doubling, as a power of two.
const STEP_BITS: u32 = 3;
const STEPS: u64 = 1 << STEP_BITS;
/// Enough steps for every position a `u64` can hold.
const STEPS_MAX: u64 = 495;
/// The heaviest step weighs two to this power. There are fewer than 512 steps, so the sum stays below 2^63.
const TOP_WEIGHT_BITS: u32 = 53;

/// Draws ranks by Zipf's law. Less than 4 KiB, whatever the number of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zipf {
    items: u64,
    /// Entry `i` is the sum of the weights of steps `1..=i + 1`.
    cumulative: Vec<u64>,
}

impl Zipf {
    /// A law over ranks `0..items`. An exponent of zero makes all alike; about one is common for files and
    /// blocks. Exact enough for exponents up to four or so; beyond, nearly everything falls on rank zero
    /// anyway.
    ///
    /// # Panics
    /// When `items` is zero: there is nothing to draw.
    #[must_use]
    pub fn new(items: u64, exponent: Ratio) -> Self {
        assert!(items > 0, "nothing can be drawn from no items");
        let steps: Vec<(u64, u64)> = (1..=STEPS_MAX)
            .map(step)
            .take_while(|&(first, _)| first <= items)
            .map(|s| clip(s, items))
            .collect();
        let logs: Vec<i128> =
            steps.iter().map(|&(first, width)| log_weight(first, width, exponent)).collect();
        let top = logs.iter().copied().max().unwrap_or(0);
        let inverse = InverseExp2::new();
        let (mut total, mut before) = (0, (u64::MAX, 1));
        let cumulative = steps
            .iter()
            .zip(logs)
            .map(|(&(_, width), log)| {
                let below_top = u64::try_from(top - log).unwrap_or(u64::MAX);
                let weight = inverse.at(below_top, TOP_WEIGHT_BITS).max(1).min(level(before, width));
                before = (weight, width);
                total += weight;
                total
            })
            .collect();
        Self { items, cumulative }
    }

    /// How many ranks there are.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// A rank in `0..items`; zero is the most popular. Two draws.
    #[inline]
    pub fn sample(&self, chance: &mut Chance) -> u64 {
        let total = self.cumulative.last().copied().unwrap_or(1);
        let at = chance.below(total);
        let index = self.cumulative.partition_point(|&sum| sum <= at);
        let (first, width) = clip(step(index as u64 + 1), self.items);
        first - 1 + chance.below(width)
    }
}

/// The first position and the width of step `index`, which counts from one to [`STEPS_MAX`].
fn step(index: u64) -> (u64, u64) {
    if index < STEPS {
        return (index, 1);
    }
    let shift = index / STEPS - 1;
    ((index % STEPS + STEPS) << shift, 1 << shift)
}

/// A step without what lies beyond the last item.
fn clip((first, width): (u64, u64), items: u64) -> (u64, u64) {
    (first, width.min(items - first + 1))
}

/// The weight a step of `width` would have at the height of the step before. Where weights are so small that
/// rounding shows, it keeps the staircase from rising.
fn level((weight, before_width): (u64, u64), width: u64) -> u64 {
    let level = u128::from(weight) * u128::from(width) / u128::from(before_width);
    u64::try_from(level).unwrap_or(u64::MAX)
}

/// The logarithm of the weight of a whole step: its width times the weight of its middle.
fn log_weight(first: u64, width: u64, exponent: Ratio) -> i128 {
    let doubled_middle = u128::from(first) * 2 + u128::from(width) - 1;
    let middle = i128::from(fixed::log2(doubled_middle)) - (1 << LOG_BITS);
    let scaled = middle * i128::from(exponent.numerator()) / i128::from(exponent.denominator());
    i128::from(fixed::log2(u128::from(width))) - scaled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Seed;

    fn counts(zipf: &Zipf, draws: u32) -> Vec<u32> {
        let mut chance = Seed(11).chance("zipf");
        let mut counts = vec![0; zipf.items() as usize];
        for _ in 0..draws {
            counts[zipf.sample(&mut chance) as usize] += 1;
        }
        counts
    }

    /// The weight of one position of each step, in units so fine that rounding does not show.
    fn densities(zipf: &Zipf) -> Vec<u128> {
        let mut before = 0;
        (1u64..)
            .zip(&zipf.cumulative)
            .map(|(index, &sum)| {
                let weight = u128::from(sum - before);
                before = sum;
                (weight << 64) / u128::from(clip(step(index), zipf.items).1)
            })
            .collect()
    }

    #[test]
    fn the_second_is_asked_for_half_as_often_as_the_first() {
        let counts = counts(&Zipf::new(100, Ratio::ONE), 200_000);
        // H(100) = 5.187, so the first of a hundred gets 19.3 % and the second 9.6 %.
        assert!((37_500..39_600).contains(&counts[0]), "{}", counts[0]);
        assert!((18_500..20_000).contains(&counts[1]), "{}", counts[1]);
        assert!(counts.iter().all(|&count| count > 0));
    }

    #[test]
    fn an_exponent_of_zero_makes_all_alike() {
        let counts = counts(&Zipf::new(50, Ratio::ZERO), 100_000);
        assert!(counts.iter().all(|count| (1_800..2_200).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_steps_cover_every_position_once() {
        let mut expected = 1;
        for index in 1..=STEPS_MAX {
            let (first, width) = step(index);
            assert_eq!(first, expected);
            expected = first.saturating_add(width);
        }
        assert_eq!(expected, u64::MAX);
    }

    #[test]
    fn a_huge_law_is_small() {
        for items in [1 << 40, u64::MAX] {
            let zipf = Zipf::new(items, Ratio::percent(90));
            assert!(
                zipf.cumulative.capacity() * 8 + size_of::<Zipf>() < 4096,
                "{}",
                zipf.cumulative.capacity()
            );
        }
    }

    #[test]
    fn a_single_item_is_always_drawn() {
        assert_eq!(Zipf::new(1, Ratio::ONE).sample(&mut Seed(1).chance("one")), 0);
    }

    #[test]
    #[should_panic(expected = "no items")]
    fn no_items_are_a_bug() {
        let _ = Zipf::new(0, Ratio::ONE);
    }

    proptest! {
        #[test]
        fn popularity_never_rises_with_rank(items in 1u64..=u64::MAX, percent in 0u64..400) {
            let densities = densities(&Zipf::new(items, Ratio::percent(percent)));
            for pair in densities.windows(2) {
                prop_assert!(pair[1] <= pair[0], "{} rises to {}", pair[0], pair[1]);
            }
        }

        #[test]
        fn ranks_stay_in_range(seed: u64, items in 1u64..=u64::MAX, percent in 0u64..300) {
            let zipf = Zipf::new(items, Ratio::percent(percent));
            let mut chance = Seed(seed).chance("zipf");
            for _ in 0..50 {
                prop_assert!(zipf.sample(&mut chance) < items);
            }
        }
    }
}
