//! Tables for a terminal.

use comfy_table::presets::ASCII_BORDERS_ONLY_CONDENSED;

use crate::tables::Table;

/// A terminal shows no more rows of a table; the others are in the files.
const ROWS_MAX: usize = 40;

/// All tables, one under the other.
#[must_use]
pub fn text(tables: &[Table]) -> String {
    tables.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(table: &Table) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(ASCII_BORDERS_ONLY_CONDENSED).set_header(&table.head);
    drawn.add_rows(table.rows.iter().take(ROWS_MAX));
    let more = table.rows.len().saturating_sub(ROWS_MAX);
    let more = if more > 0 { format!("and {more} more rows\n") } else { String::new() };
    let note = if table.note.is_empty() { String::new() } else { format!("{}\n", table.note) };
    format!("{}\n{drawn}\n{more}{note}", table.title)
}
