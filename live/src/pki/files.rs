//! PEM files that only their owner reads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};

use super::PkiError;

/// The mode of all files that are made here.
const MODE: u32 = 0o600;
/// The longest file that is read, in bytes: a chain of certificates has some thousands.
const BYTES_MAX: u64 = 1 << 20;

/// Writes a file that is not there yet, and waits until it is durable.
pub(super) fn create(path: &Path, text: &str) -> Result<(), PkiError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => PkiError::Exists { path: path.to_owned() },
        _ => PkiError::File { path: path.to_owned(), source },
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path).map_err(refused)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(refused)
}

/// Takes a file away that was made a moment ago.
pub(super) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!("{} stays: {error}", path.display());
    }
}

/// Makes a folder, and those above it.
pub(super) fn create_folder(path: &Path) -> Result<(), PkiError> {
    fs::create_dir_all(path).map_err(|source| PkiError::File { path: path.to_owned(), source })
}

pub(super) fn read(path: &Path) -> Result<String, PkiError> {
    let refused = |source| PkiError::File { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(refused)?;
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(refused)?;
    Ok(text)
}

/// A file that nobody else may read.
pub(super) fn read_key(path: &Path) -> Result<String, PkiError> {
    let known = fs::metadata(path).map_err(|source| PkiError::File { path: path.to_owned(), source })?;
    let mode = known.permissions().mode() & 0o777;
    if mode & !MODE != 0 {
        return Err(PkiError::Exposed { path: path.to_owned(), mode });
    }
    read(path)
}

/// All of one kind that a text holds; at least one.
pub(super) fn parse<T: PemObject>(
    path: &Path,
    text: &str,
    expected: &'static str,
) -> Result<Vec<T>, PkiError> {
    let content = |came: String| PkiError::Content { path: path.to_owned(), expected, came };
    let found: Result<Vec<T>, pem::Error> = T::pem_slice_iter(text.as_bytes()).collect();
    match found {
        Ok(found) if found.is_empty() => Err(content("it holds none".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(content(error.to_string())),
    }
}
