//! The files of a bug base: whole folders or none. It knows nothing of what is in them.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::BugBaseError;

/// Folders that are being written, or being replaced, begin with this; whoever lists passes over them.
const UNFINISHED: char = '.';

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BugBaseError {
    let path = path.to_owned();
    move |source| BugBaseError::Io { doing, path, source }
}

pub(super) fn make_folder(dir: &Path) -> Result<(), BugBaseError> {
    if dir.is_file() {
        return Err(BugBaseError::NotAFolder { path: dir.to_owned() });
    }
    fs::create_dir_all(dir).map_err(failed("make the folder", dir))
}

pub(super) fn read(path: &Path) -> Result<String, BugBaseError> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => BugBaseError::Missing { path: path.to_owned() },
        _ => failed("read", path)(error),
    })
}

/// The finished folders in a folder, sorted by name.
pub(super) fn folders(dir: &Path) -> Result<Vec<PathBuf>, BugBaseError> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed("read the folder", dir))? {
        let path = entry.map_err(failed("read the folder", dir))?.path();
        let is_finished = !path.file_name().is_none_or(|name| name.to_string_lossy().starts_with(UNFINISHED));
        if is_finished && path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Puts a folder with these files where it belongs, in place of the one that is there. It is written beside it under
/// another name first, so that nobody ever sees half of it.
pub(super) fn put(dir: &Path, name: &str, files: &[(&str, String)]) -> Result<(), BugBaseError> {
    // Several programs may add to one base; each has a place of its own to write.
    let unfinished = dir.join(format!("{UNFINISHED}{name}.{}", std::process::id()));
    let put = write_all(&unfinished, files).and_then(|()| move_in(&unfinished, &dir.join(name)));
    if put.is_err() {
        // What cannot be removed either is passed over by whoever lists.
        let _ = fs::remove_dir_all(&unfinished);
    }
    put
}

fn write_all(folder: &Path, files: &[(&str, String)]) -> Result<(), BugBaseError> {
    fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    for (name, text) in files {
        let path = folder.join(name);
        write(&path, text).map_err(failed("write", &path))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    // A full disk may say so only now.
    file.sync_all()
}

fn move_in(from: &Path, to: &Path) -> Result<(), BugBaseError> {
    if !to.exists() {
        return fs::rename(from, to).map_err(failed("name the folder", to));
    }
    let old = from.with_extension("old");
    fs::rename(to, &old).map_err(failed("replace", to))?;
    if let Err(error) = fs::rename(from, to) {
        // The old one comes back; if even that fails, it is still whole under its other name.
        let _ = fs::rename(&old, to);
        return Err(failed("name the folder", to)(error));
    }
    fs::remove_dir_all(&old).map_err(failed("remove", &old))
}
