//! What is said about a scenario file that cannot be used: one [`Diagnostic`] per mistake, all of them in one
//! [`Report`] with the text they point into.
//!
//! This module knows how a diagnostic looks (through miette) and how it is written as JSON. It does not know
//! what can be wrong with a scenario.

use std::fmt;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use serde_json::{Value, json};

use crate::source::{LineIndex, Span};

/// Columns a rendered report is wrapped at.
const RENDER_WIDTH: usize = 100;

/// A place in the file and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The bytes that are marked.
    pub span: Span,
    /// The words beside the mark.
    pub text: String,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name of the kind of mistake, such as `scenario::unknown_key`.
    pub code: &'static str,
    /// One sentence in the present tense.
    pub message: String,
    /// Where; the first label is the mistake itself, further ones explain it. Empty when the file as a whole
    /// is the mistake.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: printable(&message.into()), labels: Vec::new(), help: None }
    }

    pub(crate) fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: printable(&text.into()) });
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(printable(&help.into()));
        self
    }
}

/// Everything that is wrong with one scenario file.
///
/// `Display` writes the report as text without colour; [`Report::render`] chooses.
#[derive(Debug, Clone)]
pub struct Report {
    file: String,
    text: Arc<str>,
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// The exit code of a program that was given an invalid scenario.
    pub const EXIT_CODE: u8 = 10;

    /// Diagnostics come out in the order of the file; those without a place come first.
    pub(crate) fn new(file: impl Into<String>, text: &str, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|d| d.labels.first().map(|label| label.span.start));
        diagnostics.dedup();
        Self { file: file.into(), text: printable(text).into(), diagnostics }
    }

    /// The file as it was named by the caller.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The mistakes, never empty, in the order of the file.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The whole report for a person: every mistake with the lines it is about, then how many there are.
    pub fn render(&self, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(RENDER_WIDTH)
            .with_links(false)
            .without_cause_chain();
        let source = NamedSource::new(&self.file, Arc::clone(&self.text));
        let mut out = String::new();
        for diagnostic in &self.diagnostics {
            // Writing to a string fails only when the source cannot be read, and ours is in memory.
            let shown = Shown { diagnostic, source: &source };
            if handler.render_report(&mut out, &shown).is_err() {
                out.push_str(&diagnostic.message);
            }
            out.push('\n');
        }
        let count = self.diagnostics.len();
        out.push_str(&format!(
            "{}: {count} {}\n",
            self.file,
            if count == 1 { "problem" } else { "problems" }
        ));
        out
    }

    /// The report for a program: every label with byte offsets and 1-based lines and columns.
    pub fn to_json(&self) -> Value {
        let lines = LineIndex::new(&self.text);
        let place = |offset: usize| {
            let at = lines.locate(&self.text, offset);
            json!({ "offset": offset, "line": at.line, "column": at.column })
        };
        let diagnostics: Vec<Value> = self
            .diagnostics
            .iter()
            .map(|d| {
                let labels: Vec<Value> = d
                    .labels
                    .iter()
                    .map(|l| json!({ "text": l.text, "start": place(l.span.start), "end": place(l.span.end()) }))
                    .collect();
                json!({ "code": d.code, "message": d.message, "labels": labels, "help": d.help })
            })
            .collect();
        json!({ "file": self.file, "diagnostics": diagnostics })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// A diagnostic in miette's clothes.
#[derive(Debug)]
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: &'a NamedSource<Arc<str>>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        (!self.diagnostic.labels.is_empty()).then_some(self.source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.diagnostic.labels.is_empty() {
            return None;
        }
        Some(Box::new(self.diagnostic.labels.iter().enumerate().map(|(index, label)| {
            let span = (label.span.start, label.span.len);
            match index {
                0 => LabeledSpan::new_primary_with_span(Some(label.text.clone()), span),
                _ => LabeledSpan::new_with_span(Some(label.text.clone()), span),
            }
        })))
    }
}

/// Replaces control characters, which could drive the reader's terminal, by as many `?` as they have bytes, so
/// that every span stays where it was.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => out.push(c),
            c if c.is_control() => out.extend(std::iter::repeat_n('?', c.len_utf8())),
            c => out.push(c),
        }
    }
    out
}
