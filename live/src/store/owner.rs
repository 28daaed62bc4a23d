//! Whose store a directory is: a role that is given the directory of another one must not begin with what that knew.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::StoreError;

/// The file that says it.
const FILE: &str = "owner";

/// Takes a directory for an owner. One that nobody has taken yet is his from now on.
///
/// # Errors
/// [`StoreError::OtherOwner`], or the file cannot be read or written.
pub(super) fn claim(directory: &Path, owner: &str) -> Result<(), StoreError> {
    let path = directory.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(found) if found.trim_end() == owner => Ok(()),
        Ok(found) => Err(StoreError::OtherOwner {
            directory: directory.into(),
            expected: owner.to_owned(),
            found: found.trim_end().to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write(directory, &path, owner).map_err(StoreError::io(&path))
        }
        Err(error) => Err(StoreError::Io { path, source: error }),
    }
}

fn write(directory: &Path, path: &Path, owner: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    writeln!(file, "{owner}")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}
