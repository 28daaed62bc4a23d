//! Numbers that two equal campaigns share, and the canonical bytes that they are made from.
//!
//! Refuses to be a defence against an adversary.

use std::fmt;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::coverage::Coverage;
use super::row::Row;

/// The rows of a set of seeds as one value, whatever their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RowSum {
    /// How many rows.
    pub(super) count: u64,
    /// Their hashes, each bit with each.
    pub(super) xor: u64,
    /// Their hashes, added with wrapping.
    pub(super) sum: u64,
}

impl RowSum {
    /// Of rows with distinct seeds.
    pub(super) fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        rows.into_iter().fold(Self::default(), |mut sum, row| {
            let hash = row.hash();
            sum.count += 1;
            sum.xor ^= hash;
            sum.sum = sum.sum.wrapping_add(hash);
            sum
        })
    }
}

/// A campaign as one number: its rows, its coverage and nothing else.
///
/// It does not depend on shards, threads, order, kills or repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CampaignDigest(u128);

impl CampaignDigest {
    /// Of all rows, of distinct seeds, and what they reached in all.
    pub(super) fn new(rows: RowSum, coverage: &Coverage) -> Self {
        let mut reached = Bytes::default();
        coverage.put(&mut reached);
        let mut bytes = Bytes::default();
        for part in [rows.count, rows.xor, rows.sum, xxh3_64(&reached.0)] {
            bytes.u64(part);
        }
        Self(bytes.hash())
    }
}

impl fmt::Display for CampaignDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Canonical bytes: numbers little-endian, text with its length before it, so that neighbours never blur.
#[derive(Debug, Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Bytes {
    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn str(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// 128 bits over all of it (xxh3).
    pub(super) fn hash(&self) -> u128 {
        xxh3_128(&self.0)
    }
}
