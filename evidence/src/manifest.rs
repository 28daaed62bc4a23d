//! The manifest: which files a report has, how large they are, and their SHA-256.

use serde::{Deserialize, Serialize};

/// The name of its file. It does not list itself: its own hash is what somebody notes down elsewhere.
pub const NAME: &str = "manifest.json";
/// All files of a report beside the manifest, and no others.
pub const FILES: [&str; 6] =
    ["report.html", "report.json", "junit.xml", "trace.json", "scenario.yaml", "events.jsonl"];

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format, [`crate::record::FORMAT`].
    pub format: u32,
    /// What wrote it.
    pub tool: String,
    /// The scenario's name.
    pub scenario: String,
    /// The SHA-256 of the scenario file.
    pub scenario_sha256: String,
    /// Where all chance came from, in hexadecimal.
    pub seed: String,
    /// The digest of the run, in hexadecimal.
    pub digest: String,
    /// The SHA-256 of the last line of the log of events.
    pub events_sha256: String,
    /// The files.
    pub files: Vec<Entry>,
}

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// One of [`FILES`].
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}
