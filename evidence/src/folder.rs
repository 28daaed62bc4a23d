//! Puts reports down. They are written under another name and renamed when whole, so that half a report never looks like one.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use switchback_harness::{Outcome, report};
use switchback_scenarios::Scenario;

use crate::chain::{self, sha256};
use crate::error::EvidenceError;
use crate::html;
use crate::manifest::{self, Entry, Manifest};
use crate::record::{self, FORMAT, Record, TOOL};

/// Writes the report of one drill into a folder, or those of several into a folder each, named after their scenarios.
/// Reports that are there already are replaced as a whole.
///
/// # Errors
/// When the folder holds anything that is no report, or cannot be written.
pub fn write(folder: &Path, drills: &[(&Scenario, &Outcome)]) -> Result<(), EvidenceError> {
    check_free(folder)?;
    let half = beside(folder, "half");
    remove(&half)?;
    match drills {
        [(scenario, outcome)] => write_one(&half, scenario, outcome)?,
        _ => {
            for (number, (scenario, outcome)) in drills.iter().enumerate() {
                let is_again = drills[..number].iter().any(|(other, _)| other.name == scenario.name);
                let name = if is_again {
                    format!("{}-{}", scenario.name, number + 1)
                } else {
                    scenario.name.clone()
                };
                write_one(&half.join(name), scenario, outcome)?;
            }
        }
    }
    let old = beside(folder, "old");
    remove(&old)?;
    if folder.exists() {
        fs::rename(folder, &old).map_err(EvidenceError::io(folder))?;
    }
    fs::rename(&half, folder).map_err(EvidenceError::io(folder))?;
    remove(&old)
}

/// Whether a report may be written here: nothing is there, or nothing but reports.
///
/// # Errors
/// [`EvidenceError::NotAReport`] with what is there instead.
pub fn check_free(folder: &Path) -> Result<(), EvidenceError> {
    if !folder.exists() {
        return Ok(());
    }
    let is_report = folder.join(manifest::NAME).is_file();
    for entry in fs::read_dir(folder).map_err(EvidenceError::io(folder))? {
        let path = entry.map_err(EvidenceError::io(folder))?.path();
        let is_ours = if is_report { is_file_of_report(&path) } else { path.join(manifest::NAME).is_file() };
        if !is_ours {
            let found = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(EvidenceError::NotAReport { path: folder.to_owned(), found });
        }
        if !is_report {
            check_free(&path)?;
        }
    }
    Ok(())
}

fn is_file_of_report(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let is_known = name == manifest::NAME || manifest::FILES.iter().any(|file| name == *file);
    is_known && fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// The folder's name with an ending, beside it: on the same file system, so that renaming is one step.
fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(folder.file_name().unwrap_or_default());
    name.push(format!(".switchback-{ending}"));
    folder.with_file_name(name)
}

/// Takes away what an earlier run left, and only that.
fn remove(folder: &Path) -> Result<(), EvidenceError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(EvidenceError::io(folder))?;
    }
    Ok(())
}

fn write_one(folder: &Path, scenario: &Scenario, outcome: &Outcome) -> Result<(), EvidenceError> {
    fs::create_dir_all(folder).map_err(EvidenceError::io(folder))?;
    let events = chain::chain(record::events(outcome))
        .map_err(|error| EvidenceError::unwritable("events.jsonl", &error))?;
    let record = Record::new(scenario, outcome, &events);
    let json = serde_json::to_vec_pretty(&record)
        .map_err(|error| EvidenceError::unwritable("report.json", &error))?;
    let junit = report::junit(core::slice::from_ref(outcome))
        .map_err(|error| EvidenceError::unwritable("junit.xml", &error))?;
    let mut trace = Vec::new();
    report::viewer_trace(outcome)
        .write_to(&mut trace)
        .map_err(|error| EvidenceError::unwritable("trace.json", &error))?;
    let page = html::page(&record, outcome);
    let files: [(&str, &[u8]); 6] = [
        ("report.html", page.as_bytes()),
        ("report.json", &json),
        ("junit.xml", junit.as_bytes()),
        ("trace.json", &trace),
        ("scenario.yaml", scenario.text.as_bytes()),
        ("events.jsonl", events.text.as_bytes()),
    ];
    for (name, bytes) in files {
        put(folder, name, bytes)?;
    }
    let manifest = serde_json::to_vec_pretty(&manifest_of(&record, &files))
        .map_err(|error| EvidenceError::unwritable(manifest::NAME, &error))?;
    put(folder, manifest::NAME, &manifest)
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), EvidenceError> {
    let path = folder.join(name);
    fs::write(&path, bytes).map_err(EvidenceError::io(&path))
}

fn manifest_of(record: &Record, files: &[(&str, &[u8])]) -> Manifest {
    let entry = |(name, bytes): &(&str, &[u8])| Entry {
        name: (*name).to_owned(),
        size: bytes.len() as u64,
        sha256: sha256(bytes),
    };
    Manifest {
        format: FORMAT,
        tool: TOOL.to_owned(),
        scenario: record.scenario.clone(),
        scenario_sha256: record.scenario_sha256.clone(),
        seed: record.seed.clone(),
        digest: record.digest.clone(),
        events_sha256: record.events_sha256.clone(),
        files: files.iter().map(entry).collect(),
    }
}
