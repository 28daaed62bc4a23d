//! A bug base: a folder with a folder for each failure, from which it can be run again.
//!
//! | in a failure's folder | is |
//! |---|---|
//! | `bug.json` | seed, versions, what failed, digests, sizes: [`BugRecord`] |
//! | `plan.yaml` | the scenario as it was drawn |
//! | `shrunk.yaml` | the smallest scenario that fails for the same reason; absent until it is known |
//! | `trace.txt` | the timeline around the first finding |
//! | `verdict.txt` | the verdicts that did not hold |
//!
//! It owns the folder: names, completeness, damage. It refuses to know how a scenario is drawn, run or shrunk.

use std::path::{Path, PathBuf};

use crate::outcome::Outcome;

mod disk;
mod error;
mod record;
mod trace;

pub use error::BugBaseError;
pub use record::{BugRecord, Failure, Shrunk, Size};
pub use trace::{LINES_AFTER, LINES_BEFORE, trace_around, verdicts_that_failed};

/// The version of this program, which bugs are stamped with.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The file that makes a folder a bug.
pub const RECORD: &str = "bug.json";
/// The scenario as it was drawn.
pub const PLAN: &str = "plan.yaml";
/// The minimal scenario.
pub const SHRUNK: &str = "shrunk.yaml";
const TRACE: &str = "trace.txt";
const VERDICT: &str = "verdict.txt";

/// A failure with everything that is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bug {
    /// The facts.
    pub record: BugRecord,
    /// The scenario as it was drawn, as a file's text.
    pub plan: String,
    /// The minimal scenario, as a file's text.
    pub shrunk: Option<String>,
    /// The timeline around the first finding, one line each.
    pub trace: String,
    /// The verdicts that did not hold.
    pub verdict: String,
}

impl Bug {
    /// The failure that a run of `plan` ended in; `None` if everything held. `generator` is the version of what drew the
    /// plan.
    #[must_use]
    pub fn of(outcome: &Outcome, plan: &str, size: Size, generator: &str) -> Option<Self> {
        let failure = Failure::of(outcome)?;
        Some(Self {
            record: BugRecord {
                seed: outcome.seed,
                version: VERSION.to_owned(),
                generator: generator.to_owned(),
                failure,
                size,
                shrunk: None,
            },
            plan: plan.to_owned(),
            shrunk: None,
            trace: trace_around(outcome),
            verdict: verdicts_that_failed(outcome),
        })
    }

    /// The same bug with its minimal scenario, and with the trace and the verdicts of that.
    #[must_use]
    pub fn with_shrunk(mut self, outcome: &Outcome, scenario: &str, size: Size) -> Self {
        self.record.shrunk = Some(Shrunk { digest: outcome.digest, size });
        self.shrunk = Some(scenario.to_owned());
        self.trace = trace_around(outcome);
        self.verdict = verdicts_that_failed(outcome);
        self
    }

    /// The name of its folder: what failed, the seed, and the front of the digest. The same failure has the same name.
    #[must_use]
    pub fn name(&self) -> String {
        let BugRecord { seed, failure, .. } = &self.record;
        format!("{}-{seed:08x}-{:08x}", failure.word(), failure.digest >> 32)
    }

    /// The scenario to run again, and the digest that a run of it had: the minimal one if there is one.
    #[must_use]
    pub fn to_replay(&self) -> (&'static str, &str, u64) {
        match (&self.shrunk, &self.record.shrunk) {
            (Some(text), Some(shrunk)) => (SHRUNK, text, shrunk.digest),
            _ => (PLAN, &self.plan, self.record.failure.digest),
        }
    }
}

/// What is found where a bug should be.
#[derive(Debug)]
pub struct Entry {
    /// Its folder.
    pub path: PathBuf,
    /// The bug, or what is wrong with it.
    pub bug: Result<Bug, BugBaseError>,
}

/// A folder of bugs.
#[derive(Debug, Clone)]
pub struct BugBase {
    dir: PathBuf,
}

impl BugBase {
    /// The bug base in a folder, which is made if there is none.
    ///
    /// # Errors
    /// [`BugBaseError::Io`] when it can be neither read nor made, [`BugBaseError::NotAFolder`] when it is a file.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, BugBaseError> {
        let dir = dir.into();
        disk::make_folder(&dir)?;
        Ok(Self { dir })
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps a bug and says where. A bug that is there already is left as it is, unless only the new one has a minimal
    /// scenario. It is there whole or not at all.
    ///
    /// # Errors
    /// [`BugBaseError::Io`] when something cannot be written; nothing is left behind then.
    pub fn add(&self, bug: &Bug) -> Result<PathBuf, BugBaseError> {
        let path = self.dir.join(bug.name());
        let is_known = load(&path).is_ok_and(|known| known.shrunk.is_some() || bug.shrunk.is_none());
        if !is_known {
            disk::put(&self.dir, &bug.name(), &files(bug)?)?;
        }
        Ok(path)
    }

    /// Everything in it, sorted by name. A damaged entry says what is wrong with it and hides no other.
    ///
    /// # Errors
    /// [`BugBaseError::Io`] when the folder itself cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, BugBaseError> {
        let folders = disk::folders(&self.dir)?;
        Ok(folders.into_iter().map(|path| Entry { bug: load(&path), path }).collect())
    }
}

/// Whether a folder is the folder of a bug, damaged or not.
#[must_use]
pub fn is_bug(path: &Path) -> bool {
    [RECORD, PLAN, SHRUNK].iter().any(|file| path.join(file).is_file())
}

/// The bug in a folder.
///
/// # Errors
/// [`BugBaseError`], with the file that is missing, cannot be read or is damaged.
pub fn load(path: &Path) -> Result<Bug, BugBaseError> {
    let record = record::parse(&path.join(RECORD), &disk::read(&path.join(RECORD))?)?;
    let shrunk = match &record.shrunk {
        Some(_) => Some(disk::read(&path.join(SHRUNK))?),
        None => None,
    };
    Ok(Bug {
        plan: disk::read(&path.join(PLAN))?,
        trace: disk::read(&path.join(TRACE))?,
        verdict: disk::read(&path.join(VERDICT))?,
        record,
        shrunk,
    })
}

fn files(bug: &Bug) -> Result<Vec<(&'static str, String)>, BugBaseError> {
    let record = record::write(&bug.record)?;
    let mut files = vec![
        (RECORD, record),
        (PLAN, bug.plan.clone()),
        (TRACE, bug.trace.clone()),
        (VERDICT, bug.verdict.clone()),
    ];
    files.extend(bug.shrunk.clone().map(|shrunk| (SHRUNK, shrunk)));
    Ok(files)
}

#[cfg(test)]
mod tests;
