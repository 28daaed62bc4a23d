//! A mark on an image that says which disk it is. It is an attribute of the file, so it goes where the file goes, and what a
//! machine has on the disk stays as it is.

use std::fs::File;
use std::io;

use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use rustix::io::Errno;

/// The name of the attribute.
const NAME: &str = "user.switchback.disk";
/// The longest mark that is read, in bytes.
const BYTES_MAX: usize = 256;

/// What is known of the mark of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// It has none.
    None,
    /// This.
    Is(String),
    /// It cannot have one: it is a device, or its file system keeps no attributes.
    Impossible,
}

pub(super) fn read(file: &File) -> io::Result<Mark> {
    let mut bytes = [0u8; BYTES_MAX];
    match fgetxattr(file, NAME, &mut bytes[..]) {
        Ok(length) => Ok(Mark::Is(String::from_utf8_lossy(&bytes[..length]).into_owned())),
        Err(Errno::NODATA) => Ok(if file.metadata()?.is_file() { Mark::None } else { Mark::Impossible }),
        Err(Errno::OPNOTSUPP | Errno::PERM) => Ok(Mark::Impossible),
        Err(error) => Err(error.into()),
    }
}

/// Marks an image; false if it cannot have a mark.
pub(super) fn write(file: &File, mark: &str) -> io::Result<bool> {
    match fsetxattr(file, NAME, mark.as_bytes(), XattrFlags::empty()) {
        Ok(()) => file.sync_all().map(|()| true),
        Err(Errno::OPNOTSUPP | Errno::PERM) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stays_with_its_file_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let file = File::create(&old).unwrap();
        if read(&file).unwrap() == Mark::Impossible || !write(&file, "disk 7").unwrap() {
            return;
        }
        std::fs::rename(&old, &new).unwrap();
        assert_eq!(read(&File::open(&new).unwrap()).unwrap(), Mark::Is("disk 7".to_owned()));
        assert_eq!(read(&File::create(&old).unwrap()).unwrap(), Mark::None);
    }
}
