//! Whether a machine is on, as it must be known after a restart: one that was turned off must not run again by itself.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that says it.
#[derive(Debug)]
pub(super) struct Power {
    directory: PathBuf,
}

impl Power {
    pub(super) fn of(directory: &Path) -> Self {
        Self { directory: directory.into() }
    }

    /// Whether it is on; `None` if nobody has ever said.
    pub(super) fn read(&self) -> io::Result<Option<bool>> {
        match std::fs::read_to_string(self.directory.join("power")) {
            Ok(text) => match text.trim() {
                "on" => Ok(Some(true)),
                "off" => Ok(Some(false)),
                other => {
                    let what =
                        format!("{}/power: expected on or off, found {other:?}", self.directory.display());
                    Err(io::Error::new(io::ErrorKind::InvalidData, what))
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// From now on it is that, durably.
    pub(super) fn write(&self, on: bool) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(if on { b"on\n" } else { b"off\n" })?;
        file.as_file().sync_all()?;
        file.persist(self.directory.join("power")).map_err(|error| error.error)?;
        File::open(&self.directory)?.sync_all()
    }
}
