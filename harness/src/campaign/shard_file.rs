//! The file of a shard: the rows it has, sorted by seed, and what they reached in all.
//!
//! Owns the form on disk. Little-endian: magic, version, campaign, first seed and end, shard, number of rows, the
//! length of the coverage, the rows, the coverage, and xxh3 over everything before. Rows and coverage are one file because they must never be of
//! two different moments. The manifest beside it is for people and other programs; nothing here reads it back.
//! The bytes depend on the campaign, the shard and the rows, not on how they came to be.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fs, str};

use serde_json::json;
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use super::coverage::Coverage;
use super::digest::{Bytes, RowSum};
use super::file::{Campaign, CampaignId};
use super::row::{ROW_BYTES, Row, RowError, u32_at, u64_at};
use super::shard::{Shard, ShardError};
use super::store::{WriteError, replace};

const MAGIC: &[u8; 8] = b"SWBKROWS";
const VERSION: u32 = 1;
/// Magic, version, campaign, first, end, shard index and count, number of rows, length of the coverage.
const HEADER_BYTES: usize = 8 + 4 + 16 + 8 + 8 + 4 + 4 + 8 + 8;
const CHECKSUM_BYTES: usize = 8;
/// How the name of a shard's file ends.
pub(super) const EXTENSION: &str = "rows";

/// The rows of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardFile {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The campaign's first seed.
    pub first: u64,
    /// The seed after the campaign's last.
    pub end: u64,
    /// Which share.
    pub shard: Shard,
    /// The rows, sorted by seed, each once. Not all of the shard's seeds have to be there.
    pub rows: Vec<Row>,
    /// What these runs reached in all.
    pub coverage: Coverage,
}

/// A file that is not the rows of a shard, or no longer.
#[derive(Debug, Error)]
#[error("{}: {problem}", file.display())]
pub struct ShardFileError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: ShardProblem,
}

/// What is wrong with a file.
#[derive(Debug, Error)]
pub enum ShardProblem {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// It begins with something else.
    #[error("not a file of rows: it does not begin with SWBKROWS")]
    Foreign,
    /// Another program wrote it.
    #[error("rows of version {0}, this program reads version {VERSION}")]
    Version(u32),
    /// It is shorter or longer than it says.
    #[error("cut off or added to: {found} bytes, {expected} expected")]
    Length {
        /// How long it is.
        found: u64,
        /// How long it has to be.
        expected: u64,
    },
    /// Its bytes are not those that were written.
    #[error("damaged: its checksum is {stated:016x}, its contents give {actual:016x}")]
    Checksum {
        /// What it says.
        stated: u64,
        /// What is so.
        actual: u64,
    },
    /// There is no such shard.
    #[error("damaged: {0}")]
    Shard(#[from] ShardError),
    /// A row makes no sense.
    #[error("damaged: row {number}: {error}")]
    Row {
        /// Which, counted from 0.
        number: u64,
        /// What is wrong with it.
        error: RowError,
    },
    /// A seed that the shard does not have, or not in its place.
    #[error("damaged: row {number} has seed {seed}, which is out of order or not of this shard")]
    Seed {
        /// Which row, counted from 0.
        number: u64,
        /// Its seed.
        seed: u64,
    },
    /// What was reached cannot be read.
    #[error("damaged: the coverage cannot be read")]
    Coverage,
}

impl ShardFile {
    /// A shard that has run nothing yet.
    #[must_use]
    pub fn empty(campaign: &Campaign, shard: Shard) -> Self {
        let spec = campaign.spec();
        let (first, end) = (spec.first, spec.end);
        Self { campaign: campaign.id(), first, end, shard, rows: Vec::new(), coverage: Coverage::new() }
    }

    /// The name of a shard's file, such as `shard-00003-of-00064.rows`.
    #[must_use]
    pub fn name(shard: Shard) -> String {
        format!("shard-{:05}-of-{:05}.{EXTENSION}", shard.index(), shard.count())
    }

    /// The file as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Bytes(Vec::with_capacity(HEADER_BYTES + ROW_BYTES * self.rows.len()));
        bytes.0.extend_from_slice(MAGIC);
        bytes.u32(VERSION);
        bytes.0.extend_from_slice(&self.campaign.0.to_le_bytes());
        bytes.u64(self.first);
        bytes.u64(self.end);
        bytes.u32(self.shard.index());
        bytes.u32(self.shard.count());
        bytes.u64(self.rows.len() as u64);
        let mut coverage = Bytes::default();
        self.coverage.put(&mut coverage);
        bytes.u64(coverage.0.len() as u64);
        for row in &self.rows {
            bytes.0.extend_from_slice(&row.to_bytes());
        }
        bytes.0.extend_from_slice(&coverage.0);
        let checksum = xxh3_64(&bytes.0);
        bytes.u64(checksum);
        bytes.0
    }

    /// Reads a file's bytes. The checksum is looked at before anything is believed.
    ///
    /// # Errors
    /// [`ShardProblem`] saying what is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShardProblem> {
        check_envelope(bytes)?;
        let campaign = CampaignId(u128::from(u64_at(bytes, 12)) | u128::from(u64_at(bytes, 20)) << 64);
        let (first, end) = (u64_at(bytes, 28), u64_at(bytes, 36));
        let shard = Shard::new(u64::from(u32_at(bytes, 44)), u64::from(u32_at(bytes, 48)))?;
        let rows_end = HEADER_BYTES + u64_at(bytes, 52) as usize * ROW_BYTES;
        let mut file = Self { campaign, first, end, shard, rows: Vec::new(), coverage: Coverage::new() };
        file.rows = file.read_rows(&bytes[HEADER_BYTES..rows_end])?;
        file.coverage =
            read_coverage(&bytes[rows_end..bytes.len() - CHECKSUM_BYTES]).ok_or(ShardProblem::Coverage)?;
        Ok(file)
    }

    fn read_rows(&self, bytes: &[u8]) -> Result<Vec<Row>, ShardProblem> {
        let (chunks, _) = bytes.as_chunks::<ROW_BYTES>();
        let mut rows: Vec<Row> = Vec::with_capacity(chunks.len());
        for (number, chunk) in (0..).zip(chunks) {
            let row = Row::from_bytes(chunk).map_err(|error| ShardProblem::Row { number, error })?;
            let is_in_order = rows.last().is_none_or(|before| before.seed < row.seed);
            let is_in_range = (self.first..self.end).contains(&row.seed);
            if !is_in_order || !is_in_range || !self.shard.takes(self.first, row.seed) {
                return Err(ShardProblem::Seed { number, seed: row.seed });
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ShardFileError`] with the file and what is wrong with it.
    pub fn read(file: &Path) -> Result<Self, ShardFileError> {
        let bytes = fs::read(file).map_err(ShardProblem::Read);
        let read = bytes.and_then(|bytes| Self::from_bytes(&bytes));
        read.map_err(|problem| ShardFileError { file: file.to_owned(), problem })
    }

    /// Writes the rows, then the manifest, each whole or not at all. `host` is what is worth noting about the machine.
    ///
    /// # Errors
    /// [`WriteError`]; what was there before is still there.
    pub fn write(&self, folder: &Path, host: &BTreeMap<String, String>) -> Result<(), WriteError> {
        let file = folder.join(Self::name(self.shard));
        let bytes = self.to_bytes();
        replace(&file, |out| out.write_all(&bytes))?;
        let manifest = self.manifest(host);
        replace(&file.with_extension("json"), |out: &mut dyn Write| {
            serde_json::to_writer_pretty(&mut *out, &manifest)?;
            out.write_all(b"\n")
        })
    }

    fn manifest(&self, host: &BTreeMap<String, String>) -> serde_json::Value {
        let sum = RowSum::of(&self.rows);
        let coverage: BTreeMap<&str, u64> = self.coverage.iter().collect();
        json!({
            "format": "switchback shard 1",
            "campaign": self.campaign.to_string(),
            "results": {
                "shard": self.shard.index(),
                "shards": self.shard.count(),
                "seeds": self.shard.len(self.first, self.end),
                "rows": sum.count,
                "min_seed": self.rows.first().map(|row| row.seed),
                "max_seed": self.rows.last().map(|row| row.seed),
                "row_hash_xor": format!("{:016x}", sum.xor),
                "row_hash_sum": format!("{:016x}", sum.sum),
                "coverage": coverage,
            },
            "host": host,
        })
    }
}

/// Magic, version, length and checksum, in the order in which people want to hear of them.
fn check_envelope(bytes: &[u8]) -> Result<(), ShardProblem> {
    let length = |expected: u64| ShardProblem::Length { found: bytes.len() as u64, expected };
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
        return Err(ShardProblem::Foreign);
    }
    let least = HEADER_BYTES + CHECKSUM_BYTES;
    if bytes.len() < least {
        return Err(length(least as u64));
    }
    let version = u32_at(bytes, 8);
    if version != VERSION {
        return Err(ShardProblem::Version(version));
    }
    let rows = u64_at(bytes, 52).saturating_mul(ROW_BYTES as u64);
    let expected = rows.saturating_add(u64_at(bytes, 60)).saturating_add(least as u64);
    if bytes.len() as u64 != expected {
        return Err(length(expected));
    }
    let end = bytes.len() - CHECKSUM_BYTES;
    let (stated, actual) = (u64_at(bytes, end), xxh3_64(&bytes[..end]));
    if stated == actual { Ok(()) } else { Err(ShardProblem::Checksum { stated, actual }) }
}

/// All of the bytes as coverage, in its canonical form and no other.
fn read_coverage(mut bytes: &[u8]) -> Option<Coverage> {
    let mut coverage = Coverage::new();
    let mut before = None;
    for _ in 0..take_u64(&mut bytes)? {
        let length = usize::try_from(take_u64(&mut bytes)?).ok()?;
        let (name, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        let name = str::from_utf8(name).ok()?;
        let count = take_u64(&mut bytes)?;
        if count == 0 || before.is_some_and(|before| before >= name) {
            return None;
        }
        coverage.add(name, count);
        before = Some(name);
    }
    bytes.is_empty().then_some(coverage)
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}
