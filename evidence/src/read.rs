//! Reads what stands in a report that somebody handed over. Sizes are bounded, and only the names of a report are opened.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::EvidenceError;
use crate::manifest::{self, Manifest};
use crate::record::{FORMAT, Record};

/// The largest manifest that is read, in bytes.
pub const MANIFEST_MAX: u64 = 1 << 20;
/// The largest `report.json` that is read, in bytes.
pub const RECORD_MAX: u64 = 64 << 20;

/// The manifest of a report.
///
/// # Errors
/// When it cannot be read, is larger than [`MANIFEST_MAX`], or is none of this format.
pub fn manifest(report: &Path) -> Result<Manifest, EvidenceError> {
    let path = report.join(manifest::NAME);
    let read: Manifest = json(&path, MANIFEST_MAX, "the manifest of a report")?;
    of_this_format(&path, read.format)?;
    Ok(read)
}

/// The record of a report.
///
/// # Errors
/// When it cannot be read, is larger than [`RECORD_MAX`], or is none of this format.
pub fn record(report: &Path) -> Result<Record, EvidenceError> {
    let path = report.join("report.json");
    let read: Record = json(&path, RECORD_MAX, "the record of a drill")?;
    of_this_format(&path, read.format)?;
    Ok(read)
}

fn json<T: DeserializeOwned>(path: &Path, size_max: u64, what: &'static str) -> Result<T, EvidenceError> {
    let meta = fs::symlink_metadata(path).map_err(EvidenceError::io(path))?;
    let malformed = |found: String| EvidenceError::Malformed { path: path.to_owned(), expected: what, found };
    if !meta.is_file() {
        return Err(malformed("no regular file".to_owned()));
    }
    if meta.len() > size_max {
        return Err(malformed(format!("{} bytes, at most {size_max} are read", meta.len())));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(EvidenceError::io(path))?;
    file.take(size_max).read_to_end(&mut bytes).map_err(EvidenceError::io(path))?;
    serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))
}

fn of_this_format(path: &Path, format: u32) -> Result<(), EvidenceError> {
    if format == FORMAT {
        return Ok(());
    }
    let found = format!("format {format}");
    Err(EvidenceError::Malformed { path: path.to_owned(), expected: "format 1", found })
}
