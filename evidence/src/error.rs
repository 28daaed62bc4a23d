//! Why a report cannot be written or read.

use std::io;
use std::path::{Path, PathBuf};

use switchback_harness::report::plain;

/// Why a report cannot be written or read. Paths and names come from outside; they are shown without control characters.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The operating system refused.
    #[error("{path}: {source}", path = plain::line(&path.display().to_string()))]
    Io {
        /// Of what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder holds something that a report does not.
    #[error("{path} holds {found}, which is no part of a report: expected a new or empty folder, or an older report", path = plain::line(&path.display().to_string()), found = plain::line(found))]
    NotAReport {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        found: String,
    },
    /// A file of a report is not what it should be.
    #[error("{path}: expected {expected}, found {found}", path = plain::line(&path.display().to_string()), found = plain::line(found))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
        /// What is.
        found: String,
    },
    /// A part of the report cannot be put into its format.
    #[error("{part} cannot be written: {why}")]
    Unwritable {
        /// The file of the report.
        part: &'static str,
        /// Why.
        why: String,
    },
}

impl EvidenceError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn unwritable(part: &'static str, why: &dyn core::fmt::Display) -> Self {
        Self::Unwritable { part, why: why.to_string() }
    }
}
