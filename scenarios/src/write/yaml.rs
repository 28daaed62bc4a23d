//! How texts, lists and mappings are written in YAML so that the reader gets back what was meant.
//!
//! A text is written plain only when no reader of YAML, of whatever version, could take it for something else.

use std::fmt::{self, Display};

/// Columns a folded text is wrapped at, its indentation left out.
const FOLD_COLUMNS: usize = 88;

/// Words some version of YAML takes for something other than a text.
const NOT_TEXTS: &[&str] =
    &["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity"];

/// A mapping on one line.
#[derive(Debug, Default)]
pub(super) struct Flow {
    entries: Vec<(&'static str, String)>,
}

impl Flow {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a key. The value is YAML already.
    pub(super) fn with(mut self, key: &'static str, value: impl Display) -> Self {
        self.entries.push((key, value.to_string()));
        self
    }

    /// Adds a key when it has to be said.
    pub(super) fn with_if<V: Display>(
        self,
        said: bool,
        key: &'static str,
        value: impl FnOnce() -> V,
    ) -> Self {
        if said { self.with(key, value()) } else { self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("{}");
        }
        let entries: Vec<String> =
            self.entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        write!(f, "{{ {} }}", entries.join(", "))
    }
}

/// A list on one line. The items are YAML already.
pub(super) fn list<T: Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    format!("[{}]", items.join(", "))
}

/// A name or a path: plain where that is safe, else in quotes.
pub(super) fn plain(text: &str) -> String {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        || text.starts_with("./")
        || text.starts_with("../");
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let is_text = !NOT_TEXTS.contains(&text.to_ascii_lowercase().as_str());
    if starts_well && is_text && text.chars().all(safe) { text.to_owned() } else { quoted(text) }
}

/// A text for people: folded over several lines where that keeps it, else in quotes. Stands after `key: ` at the
/// left margin.
pub(super) fn folded(text: &str) -> String {
    let whole = |line: &str| {
        !line.is_empty() && !line.starts_with(' ') && !line.ends_with(' ') && !line.contains("  ")
    };
    let paragraphs: Vec<&str> = text.split('\n').collect();
    let empty_is_between = paragraphs.first().is_some_and(|line| !line.is_empty())
        && paragraphs.last().is_some_and(|line| !line.is_empty());
    let kept = paragraphs.iter().all(|line| line.is_empty() || whole(line));
    if !empty_is_between || !kept || !text.chars().all(|c| c == '\n' || is_printable(c)) {
        return quoted(text);
    }
    let wrapped: Vec<String> = paragraphs.iter().map(|line| wrap(line)).collect();
    // Between two lines of text one line break is a space: it takes an empty line to mean one.
    let mut out = ">".to_owned();
    for (index, line) in wrapped.iter().enumerate() {
        if index > 0 && !line.is_empty() {
            out.push('\n');
        }
        out.push('\n');
        out.push_str(line);
    }
    out
}

/// Breaks a line at its spaces, each part indented.
fn wrap(line: &str) -> String {
    let mut out = String::new();
    let mut columns = 0;
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let width = word.chars().count();
        if columns > 0 && columns + 1 + width <= FOLD_COLUMNS {
            out.push(' ');
            columns += 1 + width;
        } else {
            out.push_str(if columns > 0 { "\n  " } else { "  " });
            columns = width;
        }
        out.push_str(word);
    }
    out
}

/// Whether a character may stand for itself in YAML and is no line break in any version of it.
fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        c => c > '\u{9f}',
    }
}

fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_something_else_is_quoted_and_another_is_not() {
        for name in ["web-01", "ds.ssd", "traces/a.vscsi", "../b", "/abs", "nobody"] {
            assert_eq!(plain(name), name);
        }
        for name in ["1", "0x10", "1e3", "true", "No", "NULL", ".inf", "a b", "a: b", "", "é"] {
            assert_eq!(plain(name), format!("\"{name}\""));
        }
    }

    #[test]
    fn a_text_is_folded_at_its_spaces_and_quoted_when_that_would_change_it() {
        assert_eq!(folded("one line: of # text"), ">\n  one line: of # text");
        assert_eq!(folded("one\ntwo\n\nthree"), ">\n  one\n\n  two\n\n\n  three");
        let long = ["word"; 40].join(" ");
        assert_eq!(folded(&long).lines().count(), 4);
        for kept in ["two  spaces", "a\n b", "tab\tbed", "", "\u{7}", "a\u{2028}b"] {
            assert!(folded(kept).starts_with('"'), "{kept:?}");
        }
    }
}
