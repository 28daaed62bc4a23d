//! A digest of a stream of values: one 64-bit number that two equal runs share.
//!
//! Owns how values become bytes. The result is the same on every machine: numbers go in little-endian, and
//! whatever has a length goes in with its length, so that neighbours never blur. Refuses to be a defence
//! against an adversary.

use std::fmt;

use postcard::ser_flavors::Flavor;
use postcard::serialize_with_flavor;
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3Default;

/// Bytes that are collected before the hash takes them: a stream of small values costs it much for each, and a run has
/// thousands.
const COLLECTED: usize = 256;

/// A streaming xxh3 of 64 bits.
#[derive(Clone)]
pub struct Digest {
    state: Xxh3Default,
    collected: [u8; COLLECTED],
    len: usize,
}

impl Digest {
    /// The digest of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Xxh3Default::new(), collected: [0; COLLECTED], len: 0 }
    }

    /// Adds a number.
    #[inline]
    pub fn u64(&mut self, value: u64) {
        self.take(&value.to_le_bytes());
    }

    /// Adds bytes, and how many there are.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.take(bytes);
    }

    /// Adds text as its UTF-8 bytes, and how many there are.
    #[inline]
    pub fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds a value as [postcard](https://postcard.jamesmunns.com/wire-format) writes it: numbers, variants and lengths
    /// of a type that both sides know, so neighbours do not blur.
    ///
    /// # Panics
    /// With a value that does not say how long its lists are, which no derived form does.
    pub fn value_of(&mut self, value: &impl Serialize) {
        serialize_with_flavor(value, Fed(self)).expect("a derived value can be written");
    }

    /// The digest of everything added so far. More can be added afterwards.
    #[must_use]
    pub fn value(&self) -> u64 {
        let mut state = self.state.clone();
        state.update(&self.collected[..self.len]);
        state.digest()
    }

    #[inline]
    fn take(&mut self, bytes: &[u8]) {
        if self.len + bytes.len() > COLLECTED {
            self.state.update(&self.collected[..self.len]);
            self.len = 0;
            if bytes.len() > COLLECTED {
                return self.state.update(bytes);
            }
        }
        self.collected[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

/// A digest as a place to write to.
struct Fed<'a>(&'a mut Digest);

impl Flavor for Fed<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.take(&[byte]);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.take(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({:016x})", self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(feed: impl Fn(&mut Digest)) -> u64 {
        let mut digest = Digest::new();
        feed(&mut digest);
        digest.value()
    }

    #[test]
    fn neighbours_do_not_blur() {
        let one = digest_of(|digest| {
            digest.str("ab");
            digest.str("c");
        });
        let other = digest_of(|digest| {
            digest.str("a");
            digest.str("bc");
        });
        assert_ne!(one, other);
    }

    #[test]
    fn values_do_not_blur_either() {
        let digest_of_all =
            |values: &[&str]| digest_of(|digest| values.iter().for_each(|v| digest.value_of(v)));
        assert_eq!(digest_of_all(&["ab", "c"]), digest_of_all(&["ab", "c"]));
        assert_ne!(digest_of_all(&["ab", "c"]), digest_of_all(&["a", "bc"]));
        assert_ne!(
            digest_of(|digest| digest.value_of(&Some(0))),
            digest_of(|digest| digest.value_of(&None::<i32>))
        );
    }

    /// Recorded once: stored golden digests would all change with it.
    #[test]
    fn a_digest_is_the_same_everywhere() {
        let value = digest_of(|digest| {
            digest.u64(1);
            digest.str("fact");
            digest.bytes(&[0; 300]);
        });
        assert_eq!(value, GOLDEN);
    }

    const GOLDEN: u64 = 10_465_587_245_458_348_587;

    #[test]
    fn a_look_in_between_changes_nothing() {
        let plain = digest_of(|digest| (0..100).for_each(|value| digest.u64(value)));
        let looked = digest_of(|digest| {
            for value in 0..100 {
                digest.u64(value);
                let _ = digest.value();
            }
        });
        assert_eq!(plain, looked);
    }
}
