//! Putting the shards of a campaign together: what belongs, what is missing, what contradicts.
//!
//! Any set of shard files will do: of different numbers of shards, repeated, unfinished. All rows are held in memory,
//! about 200 bytes for each while merging. Refuses to know what a run is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

use super::coverage::Coverage;
use super::digest::{CampaignDigest, RowSum};
use super::file::{Campaign, CampaignId};
use super::missing::{Missing, missing};
use super::row::Row;
use super::shard_file::{EXTENSION, ShardFile, ShardFileError};

/// A campaign, put together from its shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Which campaign.
    pub campaign: CampaignId,
    /// The rows, sorted by seed, each once.
    pub rows: Vec<Row>,
    /// What the runs reached in all; at least that when [`Merged::uncounted`] has files.
    pub coverage: Coverage,
    /// Files that share some of their seeds, but not all, with others. A file knows only the sum of what its runs
    /// reached, so what these reached is not in the coverage, and the campaign has no digest.
    pub uncounted: Vec<PathBuf>,
    /// Seeds that have no row.
    pub missing: Vec<Missing>,
    /// How many files were read.
    pub files: usize,
    /// Rows that were there already, equal in everything.
    pub repeated: u64,
}

/// Files that cannot be put together.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A folder cannot be listed, or there is no such file.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing to put together.
    #[error("{}: no file of rows (*.{EXTENSION}) there", path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
    },
    /// No path was given.
    #[error("no folder and no file was given, expected at least one")]
    NoPath,
    /// Some files are damaged or belong to another campaign.
    #[error("{}", lines("refused", .0))]
    Refused(Vec<Refusal>),
    /// A seed has two results, so that results depend on more than the seed and the campaign.
    #[error("{}", lines("not deterministic", .0))]
    NotDeterministic(Vec<Disagreement>),
}

/// A file that is refused.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It cannot be read as the rows of a shard.
    #[error(transparent)]
    Damaged(#[from] ShardFileError),
    /// It belongs to another campaign.
    #[error("{}: belongs to campaign {found}, {told_by} is of campaign {expected}", file.display())]
    Stranger {
        /// The file.
        file: PathBuf,
        /// Its campaign.
        found: CampaignId,
        /// The campaign that is put together.
        expected: CampaignId,
        /// Who says so: the campaign file, or the first file.
        told_by: String,
    },
    /// It has the identity of the campaign, but other seeds.
    #[error("{}: seeds {} to before {}, expected {} to before {}", file.display(), found.0, found.1, expected.0, expected.1)]
    Range {
        /// The file.
        file: PathBuf,
        /// Its first seed and the one after the last.
        found: (u64, u64),
        /// Those of the campaign.
        expected: (u64, u64),
    },
}

/// Two results for the same runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The seed; `None` when all rows agree and what was reached does not.
    pub seed: Option<u64>,
    /// One file.
    pub one: PathBuf,
    /// The other file.
    pub other: PathBuf,
}

/// How many findings of a kind are told one by one.
const TOLD_MAX: usize = 20;

fn lines<T: fmt::Display>(what: &str, findings: &[T]) -> String {
    let told = findings.iter().take(TOLD_MAX).map(|finding| format!("{what}: {finding}"));
    let more = findings.len().saturating_sub(TOLD_MAX);
    let rest = (more > 0).then(|| format!("{what}: and {more} more"));
    told.chain(rest).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, other) = (self.one.display(), self.other.display());
        match self.seed {
            Some(seed) => write!(f, "seed {seed} has one result in {one} and another in {other}"),
            None => write!(f, "the same seeds reached one thing in {one} and another in {other}"),
        }
    }
}

impl Merged {
    /// Whether every seed has a row.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// The campaign as one number; `None` when what was reached is not known exactly. Of an incomplete campaign it
    /// is that of the rows there are.
    #[must_use]
    pub fn digest(&self) -> Option<CampaignDigest> {
        let rows = RowSum::of(&self.rows);
        self.uncounted.is_empty().then(|| CampaignDigest::new(rows, &self.coverage))
    }
}

/// Puts shards together. Each path is a file of rows, or a folder that is searched for them with all folders in it.
/// Without a campaign, the first file says which one it is.
///
/// # Errors
/// [`MergeError`]: a path cannot be read or has nothing, files are damaged or strangers, or results contradict.
pub fn merge(paths: &[PathBuf], campaign: Option<&Campaign>) -> Result<Merged, MergeError> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        collect(path, &mut found)?;
        if found.len() == before {
            return Err(MergeError::Nothing { path: path.clone() });
        }
    }
    let mut files = admit(found, campaign)?;
    let (all, rows, repeated, overlaps) = unite(&mut files)?;
    let chosen = choose(&files, &overlaps);
    agree_on_coverage(&files, &overlaps)?;
    let mut coverage = Coverage::new();
    chosen.taken.iter().for_each(|file| coverage.merge(&files[*file].shard.coverage));
    let uncounted = chosen.overlapping.iter().map(|file| files[*file].path.clone()).collect();
    let missing = missing(&rows, all.first, all.end, common_count(&files));
    Ok(Merged { campaign: all.campaign, rows, coverage, uncounted, missing, files: files.len(), repeated })
}

/// What all files say alike.
#[derive(Clone, Copy)]
struct Identity {
    campaign: CampaignId,
    first: u64,
    end: u64,
}

/// A file, and how many rows it has. The rows themselves move to those of all files.
struct Input {
    path: PathBuf,
    shard: ShardFile,
    count: u64,
}

/// Files of rows at a path, by name.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), MergeError> {
    let failed = |source| MergeError::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries: Result<Vec<_>, _> = fs::read_dir(path).map_err(failed)?.collect();
    let mut entries = entries.map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // Links to folders are not followed: they could lead in a circle.
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads the files and refuses those that do not belong, all of them at once.
fn admit(found: Vec<PathBuf>, campaign: Option<&Campaign>) -> Result<Vec<Input>, MergeError> {
    let told = |campaign: &Campaign| {
        let (first, end) = (campaign.spec().first, campaign.spec().end);
        (Identity { campaign: campaign.id(), first, end }, "the campaign file".to_owned())
    };
    let mut expected = campaign.map(told);
    let (mut files, mut refused) = (Vec::new(), Vec::new());
    for path in found {
        let shard = match ShardFile::read(&path) {
            Ok(shard) => shard,
            Err(error) => {
                refused.push(Refusal::Damaged(error));
                continue;
            }
        };
        let own = Identity { campaign: shard.campaign, first: shard.first, end: shard.end };
        let (identity, told_by) = expected.get_or_insert_with(|| (own, path.display().to_string()));
        match compare(&path, own, *identity, told_by) {
            Some(refusal) => refused.push(refusal),
            None => files.push(Input { path, count: shard.rows.len() as u64, shard }),
        }
    }
    if refused.is_empty() { Ok(files) } else { Err(MergeError::Refused(refused)) }
}

fn compare(file: &Path, own: Identity, expected: Identity, told_by: &str) -> Option<Refusal> {
    let (file, told_by) = (file.to_owned(), told_by.to_owned());
    let (found, right) = ((own.first, own.end), (expected.first, expected.end));
    if own.campaign != expected.campaign {
        return Some(Refusal::Stranger { file, found: own.campaign, expected: expected.campaign, told_by });
    }
    (found != right).then_some(Refusal::Range { file, found, expected: right })
}

/// How many seeds two files share; the smaller number first.
type Overlaps = BTreeMap<(usize, usize), u64>;

/// The rows of all files, each seed once, and how much of them was there more than once.
fn unite(files: &mut [Input]) -> Result<(Identity, Vec<Row>, u64, Overlaps), MergeError> {
    let Some(file) = files.first() else { return Err(MergeError::NoPath) };
    let identity = Identity { campaign: file.shard.campaign, first: file.shard.first, end: file.shard.end };
    let mut all: Vec<(Row, usize)> = Vec::new();
    for (number, file) in files.iter_mut().enumerate() {
        all.extend(std::mem::take(&mut file.shard.rows).into_iter().map(|row| (row, number)));
    }
    all.sort_unstable_by_key(|(row, file)| (row.seed, *file));
    let (mut rows, mut overlaps, mut contradictions) = (Vec::new(), Overlaps::new(), Vec::new());
    for same in all.chunk_by(|(one, _), (other, _)| one.seed == other.seed) {
        let (row, file) = same[0];
        rows.push(row);
        if let Some((_, other)) = same.iter().find(|(other, _)| *other != row) {
            let (one, other) = (files[file].path.clone(), files[*other].path.clone());
            contradictions.push(Disagreement { seed: Some(row.seed), one, other });
        }
        for (at, (_, one)) in same.iter().enumerate() {
            same[at + 1..].iter().for_each(|(_, other)| *overlaps.entry((*one, *other)).or_default() += 1);
        }
    }
    if !contradictions.is_empty() {
        return Err(MergeError::NotDeterministic(contradictions));
    }
    let repeated = (all.len() - rows.len()) as u64;
    Ok((identity, rows, repeated, overlaps))
}

fn overlap(overlaps: &Overlaps, one: usize, other: usize) -> u64 {
    overlaps.get(&(one.min(other), one.max(other))).copied().unwrap_or(0)
}

/// Files whose coverage is added up.
struct Chosen {
    /// No two of them share a seed.
    taken: Vec<usize>,
    /// Files that share some of their seeds with them, and have others too.
    overlapping: Vec<usize>,
}

/// Chooses files that have every seed exactly once. Tried for each number of shards that occurs, because files of
/// one number never overlap but for repeats, and the larger of two repeats has what the smaller has.
fn choose(files: &[Input], overlaps: &Overlaps) -> Chosen {
    let mut counts: Vec<u32> = files.iter().map(|file| file.shard.shard.count()).collect();
    counts.sort_unstable();
    counts.dedup();
    let tries = counts.into_iter().map(|preferred| {
        let mut order: Vec<usize> = (0..files.len()).collect();
        order.sort_by_key(|file| {
            let is_other = files[*file].shard.shard.count() != preferred;
            (is_other, u64::MAX - files[*file].count, *file)
        });
        take(&order, files, overlaps)
    });
    let best = tries.min_by_key(|chosen| chosen.overlapping.len());
    best.unwrap_or(Chosen { taken: Vec::new(), overlapping: Vec::new() })
}

fn take(order: &[usize], files: &[Input], overlaps: &Overlaps) -> Chosen {
    let mut chosen = Chosen { taken: Vec::new(), overlapping: Vec::new() };
    for file in order {
        // Those taken share no seed, so that their overlaps with this one add up.
        let shared: u64 = chosen.taken.iter().map(|other| overlap(overlaps, *file, *other)).sum();
        match shared {
            0 => chosen.taken.push(*file),
            all if all == files[*file].count => {}
            _ => chosen.overlapping.push(*file),
        }
    }
    chosen
}

/// Files with the same seeds must have reached the same.
fn agree_on_coverage(files: &[Input], overlaps: &Overlaps) -> Result<(), MergeError> {
    let disagree = |(pair, shared): (&(usize, usize), &u64)| {
        let (one, other) = (&files[pair.0], &files[pair.1]);
        let is_same = *shared == one.count && *shared == other.count;
        (is_same && one.shard.coverage != other.shard.coverage).then(|| Disagreement {
            seed: None,
            one: one.path.clone(),
            other: other.path.clone(),
        })
    };
    let found: Vec<Disagreement> = overlaps.iter().filter_map(disagree).collect();
    if found.is_empty() { Ok(()) } else { Err(MergeError::NotDeterministic(found)) }
}

/// The number of shards that all files agree about, or 1.
fn common_count(files: &[Input]) -> u32 {
    let mut counts = files.iter().map(|file| file.shard.shard.count());
    let first = counts.next().unwrap_or(1);
    if counts.all(|count| count == first) { first } else { 1 }
}
