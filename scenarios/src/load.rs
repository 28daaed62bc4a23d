//! From a path to a scenario or to ranges: what can be wrong with the file itself, then with its text.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::check::{check, check_exploration};
use crate::decode::{Decode, Decoder};
use crate::diagnostic::{Diagnostic, Report};
use crate::model::{Exploration, Scenario, Step};
use crate::node::{Kind, Node};
use crate::source::Span;
use crate::{Overrides, raw, raw_exploration, read, traces};

/// The largest scenario file: 1 MiB. A site of a thousand machines takes a fifth of it.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads and checks a scenario file, and opens the traces it names.
///
/// # Errors
/// A report of everything that is wrong with it.
pub fn read_file(path: &Path) -> Result<Scenario, Report> {
    read_file_with(path, &Overrides::default())
}

/// [`read_file`], with what a command line says instead of the file.
///
/// # Errors
/// A report of everything that is wrong with it.
pub fn read_file_with(path: &Path, overrides: &Overrides) -> Result<Scenario, Report> {
    let (name, text) = text_of(path)?;
    read_str_with(&name, &text, overrides)
}

/// Reads and checks a scenario. `name` is the file the text stands for: reports name it, and traces are looked
/// for beside it.
///
/// # Errors
/// A report of everything that is wrong with it.
pub fn read_str(name: &str, text: &str) -> Result<Scenario, Report> {
    read_str_with(name, text, &Overrides::default())
}

/// [`read_str`], with what a command line says instead of the file.
///
/// # Errors
/// A report of everything that is wrong with it.
pub fn read_str_with(name: &str, text: &str, overrides: &Overrides) -> Result<Scenario, Report> {
    let node = document(name, text)?;
    scenario(name, text, &node, overrides)
}

/// Reads and checks steps that are added to the timeline of a scenario: a list in JSON, in which steps name what the
/// scenario has. `name` is what the list stands for: reports name it.
///
/// # Errors
/// A report of everything that is wrong with them.
pub fn read_steps(scenario: &Scenario, name: &str, steps: &str) -> Result<Vec<Step>, Report> {
    // They are read as the whole timeline of the same scenario, and stand in the first line, where reports find them.
    let around = Scenario { timeline: Vec::new(), expect: Vec::new(), run_for: None, ..scenario.clone() };
    let text = format!("timeline: {steps}\n{}", around.to_yaml());
    read_str(name, &text).map(|whole| whole.timeline)
}

/// Reads and checks a file that says ranges to draw scenarios from.
///
/// # Errors
/// A report of everything that is wrong with it; `scenario::no_ranges` for a file that says one scenario.
pub fn read_exploration(path: &Path) -> Result<Exploration, Report> {
    let (name, text) = text_of(path)?;
    read_exploration_str(&name, &text)
}

/// [`read_exploration`], of a text. `name` is the file it stands for: reports name it.
///
/// # Errors
/// A report of everything that is wrong with it; `scenario::no_ranges` for a text that says one scenario.
pub fn read_exploration_str(name: &str, text: &str) -> Result<Exploration, Report> {
    let node = document(name, text)?;
    exploration(name, text, &node)
}

/// A file of either kind.
#[derive(Debug, Clone)]
pub enum Checked {
    /// It says one scenario.
    Scenario(Box<Scenario>),
    /// It says ranges.
    Exploration(Box<Exploration>),
}

/// Reads and checks a file as what it is: ranges if it has an `explore` section, else one scenario.
///
/// # Errors
/// A report of everything that is wrong with it.
pub fn check_file(path: &Path) -> Result<Checked, Report> {
    let (name, text) = text_of(path)?;
    let node = document(&name, &text)?;
    match explore_key(&node) {
        Some(_) => {
            exploration(&name, &text, &node).map(|exploration| Checked::Exploration(Box::new(exploration)))
        }
        None => scenario(&name, &text, &node, &Overrides::default())
            .map(|scenario| Checked::Scenario(Box::new(scenario))),
    }
}

fn scenario(name: &str, text: &str, node: &Node, overrides: &Overrides) -> Result<Scenario, Report> {
    let fail = |diagnostics| Report::new(name, text, diagnostics);
    if let Some(explore) = explore_key(node) {
        let diagnostic = Diagnostic::new(
            "scenario::ranges",
            "this file says ranges to draw scenarios from, and not one scenario",
        );
        let help = "draw from them with `switchback explore`; a scenario to run has no `explore:` section";
        return Err(fail(vec![diagnostic.label(explore, "the ranges").help(help)]));
    }
    let mut decoder = Decoder::default();
    let raw = raw::Scenario::decode(node, &mut decoder);
    check(decoder, raw, name, text, overrides).map_err(fail)
}

fn exploration(name: &str, text: &str, node: &Node) -> Result<Exploration, Report> {
    let fail = |diagnostics| Report::new(name, text, diagnostics);
    if explore_key(node).is_none() {
        let diagnostic = Diagnostic::new(
            "scenario::no_ranges",
            "this scenario has no `explore:` section, so there is nothing to draw from",
        );
        let help = "run it with `switchback run`, or give ranges";
        return Err(fail(vec![diagnostic.label(node.span, "no `explore:` in this mapping").help(help)]));
    }
    let mut decoder = Decoder::default();
    let raw = raw_exploration::Exploration::decode(node, &mut decoder);
    check_exploration(decoder, raw, name, text).map_err(fail)
}

/// Where `explore` stands, if it does.
fn explore_key(node: &Node) -> Option<Span> {
    let Kind::Map(entries) = &node.kind else { return None };
    let is_explore = |key: &Node| matches!(&key.kind, Kind::Text(text) if text == "explore");
    entries.iter().find(|(key, _)| is_explore(key)).map(|(key, _)| key.span)
}

/// The name and the text of a file.
fn text_of(path: &Path) -> Result<(String, String), Report> {
    let name = path.display().to_string();
    match file_text(path) {
        Ok(text) => Ok((name, text)),
        Err(unusable) => Err(Report::new(name, &unusable.shown, vec![unusable.diagnostic])),
    }
}

/// The one mapping of a text.
fn document(name: &str, text: &str) -> Result<Node, Report> {
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Report::new(name, "", vec![too_large(text.len() as u64)]));
    }
    let fail = |diagnostic| Report::new(name, text, vec![diagnostic]);
    let node = read::read_yaml(text).map_err(fail)?;
    match not_a_mapping(&node) {
        Some(diagnostic) => Err(fail(diagnostic)),
        None => Ok(node),
    }
}

fn not_a_mapping(node: &Node) -> Option<Diagnostic> {
    const HELP: &str = "a scenario starts with `scenario: name` and `version: 1`";
    match node.kind {
        Kind::Map(_) => None,
        Kind::Null => Some(Diagnostic::new("scenario::empty_file", "the file has no content").help(HELP)),
        _ => Some(
            Diagnostic::new(
                "scenario::not_a_scenario",
                format!("the file holds {}, not a scenario", node.describe()),
            )
            .label(node.span, "a mapping is wanted here")
            .help(HELP),
        ),
    }
}

/// A file that is no text, and what of it can be shown.
struct Unusable {
    shown: String,
    diagnostic: Diagnostic,
}

impl From<Diagnostic> for Unusable {
    /// Nothing of it can be shown.
    fn from(diagnostic: Diagnostic) -> Self {
        Self { shown: String::new(), diagnostic }
    }
}

impl Unusable {
    /// A file of another kind: its first bytes, written so that they can be read, with a label under them.
    fn begins_with(bytes: &[u8], diagnostic: Diagnostic, label: &str) -> Self {
        /// Enough to recognise a kind of file by.
        const SHOWN_BYTES: usize = 32;
        let shown = bytes[..bytes.len().min(SHOWN_BYTES)].escape_ascii().to_string();
        let span = Span { start: 0, len: shown.len() };
        Self { diagnostic: diagnostic.label(span, label), shown }
    }
}

fn file_text(path: &Path) -> Result<String, Unusable> {
    let unreadable = |error: io::Error| {
        let (message, help) = match error.kind() {
            io::ErrorKind::NotFound => ("the file does not exist".to_owned(), "check the path"),
            io::ErrorKind::PermissionDenied => {
                ("the file may not be read".to_owned(), "check its permissions")
            }
            _ => (format!("the file cannot be read: {error}"), "check the path and the disk"),
        };
        Diagnostic::new("scenario::unreadable_file", message).help(help)
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Diagnostic::new("scenario::directory", "this is a directory, not a scenario file")
            .help("name a .yaml file in it")
            .into());
    }
    let mut bytes = Vec::new();
    // One byte more than allowed: a file may grow, or not know its size (a pipe).
    fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if let Some(kind) = traces::magic_of(&bytes) {
        let diagnostic =
            Diagnostic::new("scenario::not_text", format!("this is {kind}, not a scenario file"))
                .help("a scenario is a YAML text");
        return Err(Unusable::begins_with(&bytes, diagnostic, &format!("{kind} begins like this")));
    }
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(too_large(metadata.len().max(bytes.len() as u64)).into());
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let diagnostic =
            Diagnostic::new("scenario::not_text", format!("the file is binary: byte {at} is zero"))
                .help("a scenario is a YAML text in UTF-8");
        return Err(Unusable::begins_with(&bytes, diagnostic, "the file begins with these bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let diagnostic = Diagnostic::new(
            "scenario::not_text",
            format!("the file is not UTF-8 text: byte {at} is not part of a character"),
        )
        .help("a scenario is a YAML text in UTF-8; save it as that");
        Unusable::begins_with(&error.as_bytes()[at..], diagnostic, "these bytes are not UTF-8")
    })
}

fn too_large(bytes: u64) -> Diagnostic {
    let message = format!("the file has {bytes} bytes or more, and a scenario has at most {FILE_BYTES_MAX}");
    Diagnostic::new("scenario::file_too_large", message).help("is this the right file? split a large estate")
}
