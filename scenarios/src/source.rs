//! Places in a file: byte spans while reading, lines and columns for people.

use std::fmt;

/// A run of bytes in the scenario file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Number of bytes; zero marks a place between two bytes.
    pub len: usize,
}

impl Span {
    /// Offset just behind the last byte.
    pub fn end(self) -> usize {
        self.start.saturating_add(self.len)
    }
}

/// Where something was asked for: a line and a column of the scenario file, both counted from 1, columns in
/// characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLine {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for SourceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Where each line of a text starts.
#[derive(Debug)]
pub(crate) struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub(crate) fn new(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(newlines).collect() }
    }

    /// The line and column of a byte offset of the text this index was made from.
    pub(crate) fn locate(&self, text: &str, offset: usize) -> SourceLine {
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before = text.get(start..offset.min(text.len())).unwrap_or("");
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        SourceLine { line: count(line + 1), column: count(before.chars().count() + 1) }
    }

    /// The byte offset of a line and column; the end of the text where there is no such place.
    pub(crate) fn offset(&self, text: &str, at: SourceLine) -> usize {
        let start = self.starts.get(at.line.saturating_sub(1) as usize).copied().unwrap_or(text.len());
        let line = text.get(start..).unwrap_or_default();
        let before = line.char_indices().nth(at.column.saturating_sub(1) as usize);
        start + before.map_or(line.len(), |(offset, _)| offset)
    }
}
