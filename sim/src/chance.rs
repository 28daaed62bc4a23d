//! Chance: the only place where a random number is drawn.
//!
//! Owns seeds, the generators that grow from them and the ways to draw. Refuses entropy from outside:
//! everything follows from one 64-bit seed, alike on every machine and in every build.
//!
//! Every actor, and every kind of fault, draws from a generator of its own that is named after it. A name is
//! hashed together with the seed, so adding an actor or removing a fault leaves what all the others draw as
//! it was.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use rand::Rng;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::Ratio;
use crate::time::Spans;

/// Where all chance comes from: a number, and every number below it by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of the part called `name`. The same name gives the same seed, whoever else has asked.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(xxh3_64_with_seed(name.as_bytes(), self.0))
    }

    /// A fresh generator for `name`. Asking twice gives two generators that draw the same numbers.
    #[must_use]
    pub fn chance(&self, name: &str) -> Chance {
        Chance { generator: Pcg64Mcg::new(xxh3_128_with_seed(name.as_bytes(), self.0)) }
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stream of random numbers (PCG XSL-RR 128/64 MCG, value-stable). A clone continues with the same numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chance {
    generator: Pcg64Mcg,
}

impl Chance {
    /// Any number.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// A number in `0..bound`, every one equally likely (Lemire's multiplication with rejection).
    ///
    /// # Panics
    /// When `bound` is zero: there is no such number.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number lies below zero");
        let mut product = u128::from(self.next_u64()) * u128::from(bound);
        if (product as u64) < bound {
            let unfair = bound.wrapping_neg() % bound;
            while (product as u64) < unfair {
                product = u128::from(self.next_u64()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// A number of `range`, every one equally likely.
    ///
    /// # Panics
    /// When the range is empty.
    #[inline]
    pub fn in_range(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        assert!(low <= high, "no number lies in {low}..={high}");
        match (high - low).checked_add(1) {
            Some(width) => low + self.below(width),
            None => self.next_u64(),
        }
    }

    /// Whether something of this probability happens. Draws exactly one number whatever the ratio, so a
    /// probability set to zero does not shift what is drawn later.
    #[inline]
    pub fn happens(&mut self, ratio: Ratio) -> bool {
        let scaled = (u128::from(self.next_u64()) * u128::from(ratio.denominator())) >> 64;
        scaled < u128::from(ratio.numerator())
    }

    /// A span of `range`, to the nanosecond, every one equally likely.
    ///
    /// # Panics
    /// When the range is empty.
    #[inline]
    pub fn duration(&mut self, range: RangeInclusive<Duration>) -> Duration {
        Duration::from_nanos(self.nanos(Spans::of(&range)))
    }

    /// As [`duration`](Self::duration), of spans that are counted already, in nanoseconds.
    #[inline]
    pub(crate) fn nanos(&mut self, spans: Spans) -> u64 {
        self.in_range(spans.shortest..=spans.longest)
    }

    /// One of `items`, every one equally likely; `None` when there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            return None;
        }
        items.get(self.below(items.len() as u64) as usize)
    }

    /// Puts `items` in a random order, every one equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// A generator of its own, seeded by two draws of this one. For a component that is handed one generator
    /// and has several things to decide which should not disturb each other.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        let (high, low) = (self.next_u64(), self.next_u64());
        Self { generator: Pcg64Mcg::new(u128::from(high) << 64 | u128::from(low)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draws(mut chance: Chance, count: usize) -> Vec<u64> {
        (0..count).map(|_| chance.next_u64()).collect()
    }

    /// Recorded once: the generator, the hash and the way they are joined may never change, or every stored
    /// seed would mean something else.
    #[test]
    fn the_numbers_of_a_seed_are_the_same_forever() {
        let seed = Seed(42);
        assert_eq!(seed.child("site"), Seed(CHILD_OF_42));
        assert_eq!(draws(seed.chance("link"), 3), LINK_OF_42);
    }

    const CHILD_OF_42: u64 = 12_552_411_692_171_838_136;
    const LINK_OF_42: [u64; 3] =
        [16_902_131_890_869_718_785, 7_595_394_250_807_758_429, 17_829_399_936_797_376_403];

    #[test]
    fn names_and_seeds_set_generators_apart() {
        let seed = Seed(7);
        assert_eq!(draws(seed.chance("a"), 8), draws(seed.chance("a"), 8));
        assert_ne!(draws(seed.chance("a"), 8), draws(seed.chance("b"), 8));
        assert_ne!(draws(seed.chance("a"), 8), draws(Seed(8).chance("a"), 8));
        assert_ne!(seed.child("a"), seed.child("b"));
    }

    #[test]
    fn a_fork_does_not_draw_from_its_parent() {
        let mut parent = Seed(1).chance("parent");
        let mut left = parent.fork();
        let untouched = parent.clone();
        left.next_u64();
        assert_eq!(parent, untouched);
        assert_ne!(draws(left, 4), draws(parent, 4));
    }

    #[test]
    fn what_cannot_happen_does_not_and_what_must_does() {
        let mut chance = Seed(3).chance("coin");
        assert!((0..1000).all(|_| !chance.happens(Ratio::ZERO)));
        assert!((0..1000).all(|_| chance.happens(Ratio::ONE)));
        assert!((0..1000).all(|_| chance.happens(Ratio::percent(250))));
    }

    #[test]
    fn a_quarter_is_about_a_quarter() {
        let mut chance = Seed(3).chance("coin");
        let hits = (0..100_000).filter(|_| chance.happens(Ratio::percent(25))).count();
        assert!((24_000..26_000).contains(&hits), "{hits} of 100000");
    }

    #[test]
    fn every_face_of_a_die_comes_up_alike() {
        let mut chance = Seed(3).chance("die");
        let mut faces = [0u32; 6];
        for _ in 0..60_000 {
            faces[chance.below(6) as usize] += 1;
        }
        assert!(faces.iter().all(|count| (9_500..10_500).contains(count)), "{faces:?}");
    }

    /// Four draws fall on three numbers of so large a bound: without rejection one of the three would come twice.
    #[test]
    fn a_huge_bound_is_as_fair_as_a_small_one() {
        let mut chance = Seed(3).chance("huge");
        let mut residues = [0u32; 3];
        for _ in 0..30_000 {
            residues[(chance.below(3 << 62) % 3) as usize] += 1;
        }
        assert!(residues.iter().all(|count| (9_500..10_500).contains(count)), "{residues:?}");
    }

    #[test]
    fn nobody_is_picked_from_an_empty_room() {
        let mut chance = Seed(3).chance("room");
        assert_eq!(chance.pick::<u8>(&[]), None);
        assert_eq!(chance.pick(&["only"]), Some(&"only"));
    }

    #[test]
    #[should_panic(expected = "no number lies below zero")]
    fn below_zero_is_a_bug() {
        Seed(0).chance("bug").below(0);
    }

    proptest! {
        #[test]
        fn draws_stay_in_their_range(seed: u64, a: u64, b: u64) {
            let mut chance = Seed(seed).chance("range");
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!((low..=high).contains(&chance.in_range(low..=high)));
            prop_assert_eq!(chance.in_range(a..=a), a);
            let span = Duration::from_nanos(low)..=Duration::from_nanos(high);
            prop_assert!(span.contains(&chance.duration(span.clone())));
            chance.in_range(0..=u64::MAX);
        }

        #[test]
        fn a_shuffle_loses_nobody(seed: u64, count in 0usize..100) {
            let mut items: Vec<_> = (0..count).collect();
            Seed(seed).chance("deck").shuffle(&mut items);
            items.sort_unstable();
            prop_assert!(items.into_iter().eq(0..count));
        }
    }
}
