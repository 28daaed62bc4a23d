//! What Site Recovery says when something fails: codes, texts, causes, what to do.
//!
//! `errors.toml` has one row for each code of site-recovery 3.8, also of those that nothing emulated raises; [`table`]
//! reads it. [`Code`] has those that are raised, and [`raised`] says by which condition of the engine.

use std::fmt::Write as _;

use thiserror::Error;

pub mod guest;
pub mod raised;

pub use raised::Code;

const SOURCE: &str = include_str!("errors.toml");
const KEYS: [&str; 7] = ["code", "group", "text", "causes", "action", "condition", "raised-by"];
const NOT_EMULATED: &str = "not emulated: ";

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRow {
    /// The code as users see it: a number, or a word where the service has no number.
    pub code: &'static str,
    /// When one meets it: `set-up`, `replication`, `failover`, `failback`, `interface`.
    pub group: &'static str,
    /// What is wrong.
    pub text: &'static str,
    /// Why that may be.
    pub causes: &'static str,
    /// What to do.
    pub action: &'static str,
    /// What raises it.
    pub condition: &'static str,
    /// Where it is raised.
    pub raised: Raised,
}

/// Where a code is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// In this scenario or test, a path from the root of the repository.
    By(&'static str),
    /// Nowhere, for this reason.
    NotEmulated(&'static str),
}

/// A mistake in the data file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadTable {
    /// Not a row, a key with a text, a comment or nothing.
    #[error("line {line}: wanted `[[error]]` or `key = \"text\"`, got `{got}`")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is there.
        got: String,
    },
    /// Keys are missing, unknown, or in another order.
    #[error("row {row}: wanted the keys {wanted:?}, got {got:?}", wanted = KEYS)]
    Keys {
        /// Counted from 1.
        row: usize,
        /// What is there.
        got: Vec<String>,
    },
}

/// The rows of the table, in the order of the file.
///
/// # Errors
/// [`BadTable`] when the data file is not well formed; a test sees to it that it is.
pub fn table() -> Result<Vec<ErrorRow>, BadTable> {
    read(SOURCE)
}

fn read(source: &'static str) -> Result<Vec<ErrorRow>, BadTable> {
    let mut rows: Vec<Vec<(&str, &str)>> = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let bad = || BadTable::Line { line: number + 1, got: line.to_owned() };
        match line.trim() {
            "" => {}
            comment if comment.starts_with('#') => {}
            "[[error]]" => rows.push(Vec::with_capacity(KEYS.len())),
            text => {
                let (key, value) = text.split_once(" = ").ok_or_else(bad)?;
                let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                rows.last_mut().ok_or_else(bad)?.push((key, value.ok_or_else(bad)?));
            }
        }
    }
    rows.iter().enumerate().map(|(at, pairs)| row(at + 1, pairs)).collect()
}

fn row(row: usize, pairs: &[(&'static str, &'static str)]) -> Result<ErrorRow, BadTable> {
    let bad = || BadTable::Keys { row, got: pairs.iter().map(|(key, _)| (*key).to_owned()).collect() };
    if !pairs.iter().map(|(key, _)| *key).eq(KEYS) {
        return Err(bad());
    }
    let [code, group, text, causes, action, condition, raised] =
        <[&'static str; KEYS.len()]>::try_from(pairs.iter().map(|(_, value)| *value).collect::<Vec<_>>())
            .map_err(|_| bad())?;
    let raised = raised.strip_prefix(NOT_EMULATED).map_or(Raised::By(raised), Raised::NotEmulated);
    Ok(ErrorRow { code, group, text, causes, action, condition, raised })
}

/// The table as a page of the reference.
#[must_use]
pub fn as_markdown(rows: &[ErrorRow]) -> String {
    let raised = rows.iter().filter(|row| matches!(row.raised, Raised::By(_))).count();
    let mut page = format!(
        "# Errors\n\nWhat Site Recovery says when something fails. Generated from `emulators/azure/src/errors.toml`: \
         `UPDATE_FILES=1 cargo test --test errors`.\n\n{raised} of {} codes are raised by their condition, in the \
         scenario or test that the row names.{}\n",
        rows.len(),
        if raised < rows.len() { " The others say what is missing." } else { "" }
    );
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            let _ = write!(
                page,
                "\n## {group}\n\n| code | text | causes | what to do | raised when | raised by |\n"
            );
            page.push_str("|---|---|---|---|---|---|\n");
        }
        let by = match row.raised {
            Raised::By(path) => format!("[{}](../../{path})", path.rsplit('/').next().unwrap_or(path)),
            Raised::NotEmulated(why) => format!("not emulated: {why}"),
        };
        let ErrorRow { code, text, causes, action, condition, .. } = row;
        let _ = writeln!(page, "| `{code}` | {text} | {causes} | {action} | {condition} | {by} |");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_row_and_every_row_that_says_where_it_is_raised_has_a_code() {
        let rows = table().expect("the data file is well formed");
        let codes = Code::ALL.map(Code::as_str);
        for code in codes {
            assert!(rows.iter().any(|row| row.code == code), "{code}");
        }
        for row in rows.iter().filter(|row| matches!(row.raised, Raised::By(_))) {
            assert!(codes.contains(&row.code), "{}", row.code);
        }
    }

    #[test]
    fn no_code_has_two_rows() {
        let rows = table().expect("the data file is well formed");
        let mut codes: Vec<&str> = rows.iter().map(|row| row.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), rows.len());
    }

    #[test]
    fn a_mistake_in_the_file_is_told() {
        assert!(matches!(read("code = 5"), Err(BadTable::Line { line: 1, .. })));
        assert!(matches!(read("[[error]]\ncode = 5"), Err(BadTable::Line { line: 2, .. })));
        let short = read("[[error]]\ncode = \"5\"");
        assert_eq!(short, Err(BadTable::Keys { row: 1, got: vec!["code".to_owned()] }));
    }
}
