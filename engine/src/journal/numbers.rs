//! Arrays of numbers as narrow as the largest of them allows, and how they are kept: as the bytes that they are, because an index
//! of tens of millions of runs must be read as fast as a disk gives it.

use serde::{Deserialize, Serialize};

/// Numbers of 32, 64 or 128 bits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Numbers {
    Narrow(#[serde(with = "words")] Box<[u32]>),
    Wide(#[serde(with = "doubles")] Box<[u64]>),
    Widest(#[serde(with = "quads")] Box<[u128]>),
}

impl Numbers {
    /// One for each of `items`, none of more than `bits` bits.
    pub(super) fn of<T>(items: &[T], bits: u32, number: impl Fn(&T) -> u128) -> Self {
        match bits {
            0..=32 => Self::Narrow(items.iter().map(|item| number(item) as u32).collect()),
            33..=64 => Self::Wide(items.iter().map(|item| number(item) as u64).collect()),
            _ => Self::Widest(items.iter().map(number).collect()),
        }
    }

    /// How many.
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Narrow(numbers) => numbers.len(),
            Self::Wide(numbers) => numbers.len(),
            Self::Widest(numbers) => numbers.len(),
        }
    }

    /// What they weigh in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Narrow(numbers) => size_of_val(&**numbers),
            Self::Wide(numbers) => size_of_val(&**numbers),
            Self::Widest(numbers) => size_of_val(&**numbers),
        }
    }

    /// How many bits each has.
    pub(super) const fn width(&self) -> u32 {
        match self {
            Self::Narrow(_) => u32::BITS,
            Self::Wide(_) => u64::BITS,
            Self::Widest(_) => u128::BITS,
        }
    }

    /// One of them, as [`Number::split`] gives it.
    pub(super) fn split(&self, at: usize, bits: u32) -> (u32, u64) {
        match self {
            Self::Narrow(numbers) => numbers[at].split(bits),
            Self::Wide(numbers) => numbers[at].split(bits),
            Self::Widest(numbers) => numbers[at].split(bits),
        }
    }
}

/// A number of some width.
pub(super) trait Number: Copy {
    /// What is above its lower `bits` bits, and what is in them: fewer than it has, and at most 64.
    fn split(self, bits: u32) -> (u32, u64);
}

impl Number for u32 {
    fn split(self, bits: u32) -> (u32, u64) {
        (self >> bits, u64::from(self & !(Self::MAX << bits)))
    }
}

impl Number for u64 {
    fn split(self, bits: u32) -> (u32, u64) {
        ((self >> bits) as u32, self & !(Self::MAX << bits))
    }
}

impl Number for u128 {
    fn split(self, bits: u32) -> (u32, u64) {
        ((self >> bits) as u32, (self & !(Self::MAX << bits)) as u64)
    }
}

/// How arrays of one width are kept: their bytes, little-endian.
macro_rules! kept_as_bytes {
    ($module:ident, $number:ty) => {
        pub(super) mod $module {
            use core::fmt;

            use serde::de::{Error, Visitor};
            use serde::{Deserializer, Serializer};

            const BYTES: usize = size_of::<$number>();

            pub(in crate::journal) fn serialize<S: Serializer>(
                numbers: &[$number],
                to: S,
            ) -> Result<S::Ok, S::Error> {
                let mut bytes = Vec::with_capacity(numbers.len() * BYTES);
                numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
                to.serialize_bytes(&bytes)
            }

            pub(in crate::journal) fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<Box<[$number]>, D::Error> {
                from.deserialize_bytes(Bytes)
            }

            struct Bytes;

            impl Visitor<'_> for Bytes {
                type Value = Box<[$number]>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "numbers of {BYTES} bytes each")
                }

                fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                    let (numbers, []) = bytes.as_chunks::<BYTES>() else {
                        return Err(E::invalid_length(bytes.len(), &self));
                    };
                    Ok(numbers.iter().map(|number| <$number>::from_le_bytes(*number)).collect())
                }
            }
        }
    };
}

kept_as_bytes!(halves, u16);
kept_as_bytes!(words, u32);
kept_as_bytes!(doubles, u64);
kept_as_bytes!(quads, u128);
