//! The scenario language and recorded block traces.
//!
//! A scenario is a YAML file that says which site there is, what is protected, what happens and what is
//! expected. [`read_file`] turns it into a [`Scenario`] of plain, checked values, or into a [`Report`] of
//! everything that is wrong with it: each mistake with its file, line, label and help. A file with `explore:`
//! says ranges instead, and [`read_exploration`] turns it into an [`Exploration`]. [`Scenario::to_yaml`] is the way
//! back, from a scenario to a file. [`schema`] is the language as a
//! JSON schema. [`traces`] reads recorded block traces.
//!
//! Start at [`model`] for what a scenario is, at `raw` for how it is written, at `check` for what is refused.
//! This crate knows nothing of engines, emulators or simulated time: it never runs anything.
//!
//! ```
//! let text = "scenario: too-short\nversion: 2\n";
//! let report = switchback_scenarios::read_str("too-short.yaml", text).unwrap_err();
//! assert!(report.diagnostics().iter().any(|d| d.code == "scenario::unknown_version"));
//! ```

use std::path::PathBuf;

pub use crate::diagnostic::{Diagnostic, Label, Report};
pub use crate::load::{
    Checked, FILE_BYTES_MAX, check_file, read_exploration, read_exploration_str, read_file, read_file_with,
    read_steps, read_str, read_str_with,
};
pub use crate::model::{Exploration, Scenario};
pub use crate::remark::Remark;
pub use crate::schema::{exploration_schema, schema};
pub use crate::source::{SourceLine, Span};
pub use crate::suggest::distance;

pub mod model;
pub mod traces;

mod check;
mod decode;
mod diagnostic;
mod load;
mod node;
mod ranges;
mod raw;
mod raw_args;
mod raw_exploration;
mod raw_moment;
mod raw_plans;
mod raw_steps;
mod read;
mod remark;
mod scalars;
mod schema;
mod source;
mod suggest;
mod units;
mod write;

/// What a command line says instead of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Stands for the file of the one trace in the scenario; relative to the working directory. Its format is
    /// told from its content.
    pub trace_path: Option<PathBuf>,
    /// Stands for `seed`.
    pub seed: Option<u64>,
}
