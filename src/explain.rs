//! `switchback explain`: what a code or a judge means, from the pages of the reference, which are built in.

use std::fmt::Write as _;

use switchback_scenarios::distance;

use crate::exit::Exit;
use crate::say;

/// What is to be explained.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// An error code of Site Recovery such as 95265, a judge such as `prefix`, or an exit code such as 22.
    #[arg(required_unless_present = "list")]
    pub(crate) what: Option<String>,
    /// List everything that can be explained.
    #[arg(long, conflicts_with = "what")]
    pub(crate) list: bool,
}

/// How many names are offered in place of one that is not there.
const OFFERED: usize = 5;

/// A page of the reference with a table whose first column names what a row is about.
struct Page {
    kind: &'static str,
    text: &'static str,
    /// What the columns are called here; those beyond are not told.
    columns: &'static [&'static str],
}

const PAGES: [Page; 3] = [
    Page {
        kind: "error code of Site Recovery",
        text: include_str!("../docs/reference/errors.md"),
        columns: &["", "what is wrong", "why", "what to do", "raised when", "raised by"],
    },
    Page {
        kind: "judge",
        text: include_str!("../docs/reference/judges.md"),
        columns: &["", "in a report", "what must hold", "when it looks"],
    },
    Page {
        kind: "exit code",
        text: include_str!("../docs/reference/exit-codes.md"),
        columns: &["", "name", "meaning"],
    },
];

/// A row of a page.
struct Entry {
    page: &'static Page,
    cells: Vec<String>,
}

/// Explains one thing, or lists what can be explained.
pub(crate) fn explain(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let entries = entries();
    let Some(what) = &args.what else {
        say::result(list(&entries).trim_end())?;
        return Ok(Exit::Held);
    };
    let named = |entry: &&Entry| entry.cells[0].eq_ignore_ascii_case(what.trim());
    let found: Vec<String> = entries.iter().filter(named).map(Entry::told).collect();
    if found.is_empty() {
        say::talk(&format!("switchback: {}", unknown(what, &entries)));
        return Ok(Exit::Usage);
    }
    say::result(found.join("\n").trim_end())?;
    Ok(Exit::Held)
}

fn entries() -> Vec<Entry> {
    PAGES.iter().flat_map(|page| rows(page.text).map(move |cells| Entry { page, cells })).collect()
}

/// The rows of the tables of a page, without those that name columns and the lines below them.
fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &str| line.starts_with("|---");
    let is_row = move |at: usize| {
        let below = lines.get(at + 1).copied().unwrap_or_default();
        (lines[at].starts_with('|') && !is_rule(lines[at]) && !is_rule(below)).then(|| cells(lines[at]))
    };
    (0..text.lines().count()).filter_map(is_row)
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split(" | ").map(|cell| plain(cell.trim())).collect()
}

/// A cell as one reads it on a terminal: marks are left out, and of a link the place is told.
fn plain(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((place, after)) = link.split_once("](").and_then(|(_, place)| place.split_once(')')) else {
            break;
        };
        text += before;
        text += place.trim_start_matches("../");
        rest = after;
    }
    (text + rest).replace(['`', '*'], "")
}

impl Entry {
    fn told(&self) -> String {
        let mut text = format!("{}  ({})\n", self.cells[0], self.page.kind);
        for (column, cell) in self.page.columns.iter().zip(&self.cells).skip(1) {
            let _ = writeln!(text, "  {column:<14} {cell}");
        }
        text
    }
}

fn list(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let _ = writeln!(text, "{:<40} {:<28} {}", entry.cells[0], entry.page.kind, entry.cells[1]);
    }
    text
}

fn unknown(what: &str, entries: &[Entry]) -> String {
    let wanted = what.to_lowercase();
    let names = entries.iter().map(|entry| entry.cells[0].as_str());
    let mut near: Vec<(usize, &str)> =
        names.map(|name| (distance(&wanted, &name.to_lowercase()), name)).collect();
    near.sort_unstable();
    near.dedup();
    let names: Vec<&str> = near.iter().take(OFFERED).map(|(_, name)| *name).collect();
    let shown: String = what.chars().filter(|letter| !letter.is_control()).take(80).collect();
    format!(
        "expected an error code, a judge or an exit code, got `{shown}`\nhelp: the nearest are {}; `switchback explain --list` has all",
        names.join(", ")
    )
}
