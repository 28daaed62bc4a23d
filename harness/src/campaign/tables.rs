//! Rows as tables for other programs: CSV always, Parquet with the feature `parquet`.
//!
//! Every column is a whole number without a sign, under the name of the field of [`Row`] it comes from.

use std::path::Path;
#[cfg(feature = "parquet")]
use std::path::PathBuf;

use thiserror::Error;

use super::row::Row;
use super::store::{WriteError, replace};

/// A column: its name and its value in a row.
type Column = (&'static str, fn(&Row) -> u64);

const COLUMNS: [Column; 16] = [
    ("seed", |row| row.seed),
    ("result", |row| u64::from(row.result)),
    ("judges", |row| u64::from(row.judges)),
    ("machines", |row| u64::from(row.machines)),
    ("disks", |row| u64::from(row.disks)),
    ("steps", |row| u64::from(row.steps)),
    ("faults", |row| u64::from(row.faults)),
    ("simulated_nanos", |row| row.simulated_nanos),
    ("events", |row| row.events),
    ("writes", |row| row.writes),
    ("points", |row| u64::from(row.points)),
    ("failovers", |row| u64::from(row.failovers)),
    ("lost_writes", |row| row.lost_writes),
    ("rpo_nanos", |row| row.rpo_nanos),
    ("rto_nanos", |row| row.rto_nanos),
    ("digest", |row| row.digest),
];

/// A table that could not be written.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The rows cannot be put into the form.
    #[cfg(feature = "parquet")]
    #[error("{}: the rows cannot be written as Parquet", file.display())]
    Parquet {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: parquet::errors::ParquetError,
    },
}

/// Writes rows as comma-separated values with a line of names, whole or not at all.
///
/// # Errors
/// [`TableError`]; what was there before is still there.
pub fn write_csv(rows: &[Row], file: &Path) -> Result<(), TableError> {
    Ok(replace(file, |out| {
        writeln!(out, "{}", COLUMNS.map(|(name, _)| name).join(","))?;
        for row in rows {
            writeln!(out, "{}", COLUMNS.map(|(_, value)| value(row).to_string()).join(","))?;
        }
        Ok(())
    })?)
}

/// How many rows of a Parquet file are compressed and indexed together.
#[cfg(feature = "parquet")]
const ROW_GROUP: usize = 100_000;

/// Writes rows as Parquet, whole or not at all.
///
/// # Errors
/// [`TableError`]; what was there before is still there.
#[cfg(feature = "parquet")]
pub fn write_parquet(rows: &[Row], file: &Path) -> Result<(), TableError> {
    let failed = |source| TableError::Parquet { file: file.to_owned(), source };
    let bytes = parquet_bytes(rows).map_err(failed)?;
    Ok(replace(file, |out| out.write_all(&bytes))?)
}

#[cfg(feature = "parquet")]
fn parquet_bytes(rows: &[Row]) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::Int64Type;
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    let fields = COLUMNS.map(|(name, _)| format!("required int64 {name} (integer(64, false));")).concat();
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {fields} }}"))?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for rows in rows.chunks(ROW_GROUP) {
        let mut group = writer.next_row_group()?;
        let mut columns = COLUMNS.iter();
        while let (Some((_, value)), Some(mut column)) = (columns.next(), group.next_column()?) {
            // Parquet has no type without a sign; the schema says how the bits are meant.
            let values: Vec<i64> = rows.iter().map(|row| value(row).cast_signed()).collect();
            column.typed::<Int64Type>().write_batch(&values, None, None)?;
            column.close()?;
        }
        group.close()?;
    }
    writer.into_inner()
}
