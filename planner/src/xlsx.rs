//! Tables as a workbook: a sheet for each. Every cell is text, so that no name becomes a formula.

use rust_xlsxwriter::{Format, Workbook};

use crate::PlanError;
use crate::tables::Table;

/// The most characters of a cell.
const CELL_MAX: usize = 32_767;

/// The workbook's bytes.
///
/// # Errors
/// [`PlanError::Workbook`] when there are more rows than a sheet can have.
pub fn xlsx(tables: &[Table]) -> Result<Vec<u8>, PlanError> {
    let mut workbook = Workbook::new();
    let bold = Format::new().set_bold();
    for table in tables {
        let sheet = workbook.add_worksheet();
        sheet.set_name(table.title)?;
        for (column, title) in (0..).zip(&table.head) {
            sheet.write_string_with_format(0, column, *title, &bold)?;
        }
        for (line, row) in (1..).zip(&table.rows) {
            for (column, cell) in (0..).zip(row) {
                sheet.write_string(line, column, cell.chars().take(CELL_MAX).collect::<String>())?;
            }
        }
        sheet.write_string(table.rows.len() as u32 + 2, 0, table.note.as_str())?;
        sheet.autofit();
    }
    Ok(workbook.save_to_buffer()?)
}
