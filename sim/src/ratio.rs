//! Probabilities and factors as exact fractions.
//!
//! Owns the fraction. Refuses floating point: no decision of a simulated world may depend on how a processor
//! rounds.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A fraction of two integers, kept in lowest terms. As a probability, everything above one counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

/// Why a fraction was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatioError {
    /// The denominator is zero.
    #[error("a ratio of {numerator} to zero has no value")]
    ZeroDenominator {
        /// What was to be divided.
        numerator: u64,
    },
}

impl Ratio {
    /// Nothing; never.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// The whole; always.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator`.
    ///
    /// # Errors
    /// [`RatioError::ZeroDenominator`] when `denominator` is zero.
    pub const fn new(numerator: u64, denominator: u64) -> Result<Self, RatioError> {
        if denominator == 0 {
            return Err(RatioError::ZeroDenominator { numerator });
        }
        Ok(Self::reduced(numerator, denominator))
    }

    /// `percent` hundredths.
    #[must_use]
    pub const fn percent(percent: u64) -> Self {
        Self::reduced(percent, 100)
    }

    /// `parts` millionths.
    #[must_use]
    pub const fn per_million(parts: u64) -> Self {
        Self::reduced(parts, 1_000_000)
    }

    const fn reduced(numerator: u64, denominator: u64) -> Self {
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self { numerator: numerator / a, denominator: denominator / a }
    }

    /// The upper number, in lowest terms.
    #[must_use]
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// The lower number, in lowest terms; never zero.
    #[must_use]
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// Whether this is [`Ratio::ZERO`].
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// This fraction of `amount`, rounded down, at most `u64::MAX`.
    #[must_use]
    pub fn of(self, amount: u64) -> u64 {
        let product = u128::from(amount) * u128::from(self.numerator) / u128::from(self.denominator);
        u64::try_from(product).unwrap_or(u64::MAX)
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let ours = u128::from(self.numerator) * u128::from(other.denominator);
        let theirs = u128::from(other.numerator) * u128::from(self.denominator);
        ours.cmp(&theirs)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// How a ratio is written down; reading it back checks it.
#[derive(Serialize, Deserialize)]
struct Parts {
    numerator: u64,
    denominator: u64,
}

impl TryFrom<Parts> for Ratio {
    type Error = RatioError;

    fn try_from(parts: Parts) -> Result<Self, RatioError> {
        Self::new(parts.numerator, parts.denominator)
    }
}

impl From<Ratio> for Parts {
    fn from(ratio: Ratio) -> Self {
        Self { numerator: ratio.numerator, denominator: ratio.denominator }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_fractions_are_equal() {
        assert_eq!(Ratio::new(2, 4), Ratio::new(1, 2));
        assert_eq!(Ratio::percent(50), Ratio::per_million(500_000));
        assert_eq!(Ratio::new(0, 9), Ok(Ratio::ZERO));
        assert_eq!(Ratio::new(7, 7), Ok(Ratio::ONE));
        assert!(Ratio::percent(33) < Ratio::new(1, 3).unwrap());
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        assert_eq!(Ratio::new(3, 0), Err(RatioError::ZeroDenominator { numerator: 3 }));
        let read: Result<Ratio, _> = serde_json::from_str(r#"{"numerator":3,"denominator":0}"#);
        assert!(read.unwrap_err().to_string().contains("no value"));
    }

    #[test]
    fn a_part_of_an_amount_is_rounded_down() {
        assert_eq!(Ratio::percent(50).of(7), 3);
        assert_eq!(Ratio::new(3, 2).unwrap().of(7), 10);
        assert_eq!(Ratio::new(3, 1).unwrap().of(u64::MAX), u64::MAX);
    }

    #[test]
    fn survives_being_written_down() {
        let text = serde_json::to_string(&Ratio::percent(25)).unwrap();
        assert_eq!(text, r#"{"numerator":1,"denominator":4}"#);
        assert_eq!(serde_json::from_str::<Ratio>(&text).unwrap(), Ratio::percent(25));
    }
}
