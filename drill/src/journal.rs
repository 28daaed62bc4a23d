//! The state of a drill in a file: what is about to be asked is written before it is, and what came of it after. A drill that
//! was stopped goes on from it, and asks for nothing twice.
//!
//! One record a line, each synced. A line that broke off was never acted upon, and is dropped. No address of an operation and
//! no token is kept: addresses may be signed (recording-modernized 1.3). The name of a job is enough to follow it.

use core::time::Duration;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::seen::{JobSeen, StateSeen};

/// The form of the file. It is in its first line.
const VERSION: u32 = 1;

/// One thing that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// Which drill this is the state of; the first line.
    Of(Identity),
    /// What the timeline counts from, since 1970.
    Origin(Duration),
    /// A step was begun.
    StepBegan {
        /// Which.
        step: usize,
        /// When.
        at: Duration,
    },
    /// A step is over.
    StepEnded {
        /// Which.
        step: usize,
        /// When.
        at: Duration,
    },
    /// Something is about to be asked.
    Asking {
        /// What: the same in every run of the drill.
        ask: String,
        /// When.
        at: Duration,
        /// The jobs of the machine that there are already: another one is what comes of this.
        known: Vec<String>,
    },
    /// It was accepted.
    Accepted {
        /// What.
        ask: String,
        /// Its job, if it has one.
        job: Option<String>,
    },
    /// It is over.
    Ended {
        /// What.
        ask: String,
        /// How.
        end: AskEnd,
    },
    /// A machine was seen in another state.
    State(StateSeen),
}

/// Which drill a state file is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The form of the file.
    pub version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// A digest of its text.
    pub digest: String,
    /// The endpoint and the path of the vault.
    pub vault: String,
}

impl Identity {
    /// Of a scenario, by its text, and a vault.
    #[must_use]
    pub fn new(scenario: &str, text: &str, vault: &str) -> Self {
        let digest = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
        Self { version: VERSION, scenario: scenario.to_owned(), digest, vault: vault.to_owned() }
    }
}

/// How something that was asked for ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskEnd {
    /// In which way.
    pub how: How,
    /// When, since 1970.
    pub at: Duration,
    /// The job that it became.
    pub job: Option<JobSeen>,
}

/// In which way something ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It was done.
    Done,
    /// It was so already, and nothing was asked.
    AlreadySo,
    /// Somebody stopped it.
    Canceled,
    /// There was nothing left to do.
    TooLate {
        /// The code.
        code: String,
        /// The message.
        message: String,
    },
    /// It was begun and failed.
    Failed {
        /// The code.
        code: String,
        /// The message.
        message: String,
    },
    /// It was turned away.
    Refused {
        /// The code.
        code: String,
        /// The message.
        message: String,
    },
    /// It did not become possible in time.
    NotInTime {
        /// What it was waited for.
        message: String,
    },
}

/// The state cannot be kept.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("the state file {}: {why}", .file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        why: std::io::Error,
    },
    /// Another drill holds it.
    #[error("the state file {}: another drill uses it", .0.display())]
    InUse(PathBuf),
    /// It is the state of another drill.
    #[error("the state file {}: expected the state of {expected}, and it is that of {came}", .file.display())]
    Other {
        /// Which file.
        file: PathBuf,
        /// What this drill is.
        expected: String,
        /// What it is the state of.
        came: String,
    },
    /// It is no state file.
    #[error("the state file {}: line {line} is no record: {why}", .file.display())]
    NoRecord {
        /// Which file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        why: String,
    },
}

/// The state of a drill, as a list of records that only grows.
#[derive(Debug)]
pub struct Journal {
    file: Option<(PathBuf, File)>,
    /// What is known, in order.
    pub(crate) records: Vec<Record>,
}

impl Journal {
    /// One that is not kept.
    #[must_use]
    pub const fn in_memory() -> Self {
        Self { file: None, records: Vec::new() }
    }

    /// One in a file: what is there is read, and goes on.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be used or is of another drill.
    pub fn open(path: &Path, identity: Identity) -> Result<Self, JournalError> {
        let io = |why| JournalError::Io { file: path.to_owned(), why };
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        if file.try_lock().is_err() {
            return Err(JournalError::InUse(path.to_owned()));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(io)?;
        // What was not written to its end was never acted upon.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let records = parsed(path, &text[..whole])?;
        let mut journal = Self { file: Some((path.to_owned(), file)), records };
        match journal.records.first() {
            None => journal.write(Record::Of(identity))?,
            Some(Record::Of(found)) if *found == identity => {}
            Some(found) => {
                let came = match found {
                    Record::Of(found) => told(found),
                    _ => "no drill".to_owned(),
                };
                return Err(JournalError::Other { file: path.to_owned(), expected: told(&identity), came });
            }
        }
        Ok(journal)
    }

    /// Remembers something; it is durable when this comes back.
    ///
    /// # Errors
    /// [`JournalError`] when it is not.
    pub fn write(&mut self, record: Record) -> Result<(), JournalError> {
        if let Some((path, file)) = &mut self.file {
            let io = |why| JournalError::Io { file: path.clone(), why };
            let line = serde_json::to_string(&record).map_err(|error| io(error.into()))?;
            file.write_all(format!("{line}\n").as_bytes()).map_err(io)?;
            file.sync_data().map_err(io)?;
        }
        self.records.push(record);
        Ok(())
    }
}

fn told(identity: &Identity) -> String {
    let Identity { version, scenario, digest, vault } = identity;
    format!("`{scenario}` ({digest}, version {version}) at {vault}")
}

fn parsed(path: &Path, text: &str) -> Result<Vec<Record>, JournalError> {
    let record = |(line, text): (usize, &str)| {
        serde_json::from_str(text).map_err(|error| JournalError::NoRecord {
            file: path.to_owned(),
            line: line + 1,
            why: error.to_string(),
        })
    };
    text.lines().enumerate().map(record).collect()
}
