//! Says what was changed in a report since it was written. It shows that a report fits together; who wrote it, it cannot show:
//! for that, note the hash of the manifest down elsewhere.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::chain;
use crate::error::EvidenceError;
use crate::manifest::{self, Entry, Manifest};
use crate::read;

/// What verifying a report came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The folder of the report.
    pub report: PathBuf,
    /// The SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// What was changed, a sentence each.
    pub changes: Vec<String>,
}

/// The reports in a folder: itself, or those in it. Sorted by name.
///
/// # Errors
/// When it cannot be listed, or there is none.
pub fn reports_in(folder: &Path) -> Result<Vec<PathBuf>, EvidenceError> {
    if folder.join(manifest::NAME).exists() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut reports = Vec::new();
    for entry in fs::read_dir(folder).map_err(EvidenceError::io(folder))? {
        let path = entry.map_err(EvidenceError::io(folder))?.path();
        if path.join(manifest::NAME).exists() {
            reports.push(path);
        }
    }
    reports.sort();
    if reports.is_empty() {
        let found = "no manifest.json, nor folders with one".to_owned();
        return Err(EvidenceError::Malformed { path: folder.to_owned(), expected: "a report", found });
    }
    Ok(reports)
}

/// Verifies one report.
///
/// # Errors
/// When its manifest cannot be read, or a file of it cannot be.
pub fn verify(report: &Path) -> Result<Verified, EvidenceError> {
    let manifest = read::manifest(report)?;
    let mut changes = unlisted(&manifest);
    for entry in manifest.files.iter().filter(|entry| manifest::FILES.contains(&entry.name.as_str())) {
        changes.extend(changed(report, entry, &manifest)?);
    }
    changes.extend(added(report)?);
    if changes.is_empty() {
        changes.extend(contradictions(report, &manifest)?);
    }
    let (_, manifest_sha256) = hash(&report.join(manifest::NAME))?;
    Ok(Verified { report: report.to_owned(), manifest_sha256, changes })
}

/// Names that the manifest has and no report has, and the other way round: nothing outside the report is ever opened.
fn unlisted(manifest: &Manifest) -> Vec<String> {
    let mut listed = BTreeSet::new();
    let mut changes = Vec::new();
    for entry in &manifest.files {
        if !manifest::FILES.contains(&entry.name.as_str()) {
            changes.push(format!("{} is listed, and is no file of a report", entry.name));
        } else if !listed.insert(entry.name.as_str()) {
            changes.push(format!("{} is listed twice", entry.name));
        }
    }
    let missing = manifest::FILES.iter().filter(|name| !listed.contains(**name));
    changes.extend(missing.map(|name| format!("{name} is not listed in {}", manifest::NAME)));
    changes
}

fn changed(report: &Path, entry: &Entry, manifest: &Manifest) -> Result<Option<String>, EvidenceError> {
    let (path, name) = (report.join(&entry.name), &entry.name);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(format!("{name} is missing")));
        }
        Err(error) => return Err(EvidenceError::io(&path)(error)),
        Ok(meta) if !meta.is_file() => return Ok(Some(format!("{name} is no regular file"))),
        // Bytes beyond what is listed are not read.
        Ok(meta) if meta.len() != entry.size && name != "events.jsonl" => {
            return Ok(Some(format!("{name} was changed: {} bytes, listed are {}", meta.len(), entry.size)));
        }
        Ok(_) => {}
    }
    if name == "events.jsonl" {
        let log = BufReader::new(File::open(&path).map_err(EvidenceError::io(&path))?);
        let broken = chain::broken(log, &manifest.events_sha256).map_err(EvidenceError::io(&path))?;
        if let Some(broken) = broken {
            return Ok(Some(format!("{name}: {broken}")));
        }
    }
    let (size, sha256) = hash(&path)?;
    let differs = size != entry.size || sha256 != entry.sha256;
    Ok(differs.then(|| format!("{name} was changed: its SHA-256 is {sha256}, listed is {}", entry.sha256)))
}

fn added(report: &Path) -> Result<Vec<String>, EvidenceError> {
    let mut added = Vec::new();
    for entry in fs::read_dir(report).map_err(EvidenceError::io(report))? {
        let name = entry.map_err(EvidenceError::io(report))?.file_name().to_string_lossy().into_owned();
        if name != manifest::NAME && !manifest::FILES.contains(&name.as_str()) {
            added.push(format!("{name} was added"));
        }
    }
    added.sort();
    Ok(added)
}

/// Where the record, the scenario and the manifest say different things of the same run.
fn contradictions(report: &Path, manifest: &Manifest) -> Result<Vec<String>, EvidenceError> {
    let record = read::record(report)?;
    let scenario = manifest.files.iter().find(|entry| entry.name == "scenario.yaml");
    let scenario = scenario.map_or("", |entry| entry.sha256.as_str());
    let pairs = [
        ("the scenario's hash", &*record.scenario_sha256, &*manifest.scenario_sha256),
        ("the hash of scenario.yaml", scenario, &*manifest.scenario_sha256),
        ("the seed", &*record.seed, &*manifest.seed),
        ("the digest", &*record.digest, &*manifest.digest),
        ("the hash of the last event", &*record.events_sha256, &*manifest.events_sha256),
    ];
    let differ = pairs.into_iter().filter(|(_, one, other)| one != other);
    Ok(differ
        .map(|(what, one, other)| format!("manifest.json was changed: {what} is {one}, it says {other}"))
        .collect())
}

/// The size of a file, and its SHA-256. Read piece by piece.
pub(crate) fn hash(path: &Path) -> Result<(u64, String), EvidenceError> {
    let mut file = File::open(path).map_err(EvidenceError::io(path))?;
    let (mut hasher, mut size, mut piece) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let read = io::Read::read(&mut file, &mut piece).map_err(EvidenceError::io(path))?;
        if read == 0 {
            return Ok((size, chain::hex(&hasher.finalize())));
        }
        hasher.update(&piece[..read]);
        size += read as u64;
    }
}
