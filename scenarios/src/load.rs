//! From a path to a scenario: what can be wrong with the file itself, then with its text.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::check::check;
use crate::decode::{Decode, Decoder};
use crate::diagnostic::{Diagnostic, Report};
use crate::model::Scenario;
use crate::node::{Kind, Node};
use crate::source::Span;
use crate::{Overrides, raw, read, traces};

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
    let name = path.display().to_string();
    let text = match file_text(path) {
        Ok(text) => text,
        Err(unusable) => return Err(Report::new(name, &unusable.shown, vec![unusable.diagnostic])),
    };
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
    let fail = |diagnostics| Report::new(name, text, diagnostics);
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Report::new(name, "", vec![too_large(text.len() as u64)]));
    }
    let node = read::read_yaml(text).map_err(|diagnostic| fail(vec![diagnostic]))?;
    if let Some(diagnostic) = not_a_mapping(&node) {
        return Err(fail(vec![diagnostic]));
    }
    let mut decoder = Decoder::default();
    let raw = raw::Scenario::decode(&node, &mut decoder);
    check(decoder, raw, name, text, overrides).map_err(fail)
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
