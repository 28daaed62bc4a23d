//! What can be wrong with a bug base, with the file it is about. It recovers from nothing.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a bug cannot be kept or read.
#[derive(Debug, Error)]
pub enum BugBaseError {
    /// The file system refuses: no room, no permission, no such file.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// A file stands where the folder should be.
    #[error("{}: a bug base is a folder, and this is a file", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// A file of a bug is not there.
    #[error("{}: missing; a bug has a bug.json, a plan.yaml, a trace.txt and a verdict.txt", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A record is not what it should be.
    #[error("{}:{}: damaged: {source}", path.display(), source.line())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected, and what came.
        source: serde_json::Error,
    },
    /// A record cannot be put into words.
    #[error("the record of a bug cannot be written: {0}")]
    Unwritable(serde_json::Error),
}
