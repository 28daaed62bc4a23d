//! Replacing a file as a whole: whoever reads it sees the old one or the new one, whatever happens in between.
//!
//! Refuses to know what is written.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file that could not be written. What was there before is still there.
#[derive(Debug, Error)]
#[error("{}: cannot be written ({doing}); what was there before is untouched", file.display())]
pub struct WriteError {
    /// The file that was to be written.
    pub file: PathBuf,
    /// What was being done.
    pub doing: &'static str,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

/// How many temporary files may lie beside a file: leftovers of killed writers, or writers at the same time.
const TEMPORARIES_MAX: u32 = 100;

/// Writes a file under a temporary name, makes it durable and gives it its name.
///
/// # Errors
/// [`WriteError`]. The temporary file is removed, and the older file is untouched.
pub(super) fn replace(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    let failed = |doing| move |source| WriteError { file: file.to_owned(), doing, source };
    let (temporary, opened) = create_beside(file).map_err(failed("creating a temporary file beside it"))?;
    let written = fill(opened, write).map_err(failed("writing its contents"));
    let placed = written.and_then(|()| fs::rename(&temporary, file).map_err(failed("giving it its name")));
    if placed.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
    }
    placed?;
    sync_folder(file).map_err(failed("making its name durable"))
}

/// A new file beside another one. Two writers never share one, even when both are process 1 of their container.
fn create_beside(file: &Path) -> io::Result<(PathBuf, File)> {
    for number in 0..TEMPORARIES_MAX {
        let mut name = OsString::from(".");
        name.push(file.file_name().unwrap_or_default());
        name.push(format!(".{number}.partial"));
        let path = file.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(opened) => return Ok((path, opened)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    let message = format!("{TEMPORARIES_MAX} files ending in .partial lie beside it: remove them");
    Err(io::Error::new(ErrorKind::AlreadyExists, message))
}

fn fill(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}

/// Makes a rename durable. Only Unix can open a folder.
fn sync_folder(file: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder =
        file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows");
        for text in ["old", "new"] {
            replace(&file, |out| out.write_all(text.as_bytes())).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(names(folder.path()), ["rows"]);
    }

    #[test]
    fn a_disk_that_fills_up_leaves_the_older_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows");
        replace(&file, |out| out.write_all(b"old")).unwrap();
        let full = |out: &mut dyn Write| {
            out.write_all(&[0; 100_000])?;
            Err(io::Error::from(ErrorKind::StorageFull))
        };
        let error = replace(&file, full).unwrap_err();
        assert_eq!(error.source.kind(), ErrorKind::StorageFull);
        assert_eq!(error.file, file);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(names(folder.path()), ["rows"]);
    }

    #[test]
    fn a_leftover_of_a_killed_writer_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".rows.0.partial"), "half").unwrap();
        replace(&folder.path().join("rows"), |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("rows")).unwrap(), "new");
    }
}
