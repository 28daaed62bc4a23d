//! Which disks a machine has, as it must be known after a restart: an image of another machine, or a disk that became smaller,
//! must not be replicated as if nothing had happened.
//!
//! Each image has a mark ([`crate::disks::Mark`]), and a file in the machine's directory says which marks are expected. When the
//! machine has stopped in order, the file also says how its images looked. If they look otherwise when it starts, somebody wrote
//! to them meanwhile, and they are compared with the replica before there is another recovery point. That is forgotten before
//! the disks are served again, so a node that dies right after it began compares as well.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use switchback_engine::Address;
use thiserror::Error;

use crate::config::name_of;
use crate::disks::{Disk, Look, Mark};

/// The file, in the directory of a machine.
const FILE: &str = "disks.json";
/// Where a new mark comes from.
const UUID: &str = "/proc/sys/kernel/random/uuid";

/// Why a machine does not start with the images that are there.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// An image is that of another disk.
    #[error(
        "{}: this is another disk: the mark {expected:?} was expected, found {found:?}; \
         if it is the right one all the same, remove its attribute user.switchback.disk and {}, and it is compared with its replica",
        image.display(), file.display()
    )]
    OtherDisk {
        /// Which image.
        image: PathBuf,
        /// The mark of the disk that belongs here.
        expected: String,
        /// The mark that it has; nothing if it has none.
        found: String,
        /// Where it says what is expected.
        file: PathBuf,
    },
    /// A disk is smaller than it was.
    #[error("{}: the disk had {expected} sectors, and has {found}: what lay behind its end is gone", image.display())]
    Shrunk {
        /// Which image.
        image: PathBuf,
        /// How many it had.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// The file that says which disks there are holds something else.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What the system says, with the name of the file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Which disks a machine has.
#[derive(Debug)]
pub(super) struct Identity {
    path: PathBuf,
    owner: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    disks: Vec<RememberedDisk>,
    /// How the images looked when the machine stopped in order; none while it runs, and after it was killed.
    closed: Option<Vec<Look>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RememberedDisk {
    /// Nothing if its image can have none.
    mark: String,
    sectors: u64,
}

impl Identity {
    /// That of a machine whose agent is reached there, in its directory.
    pub(super) fn of(directory: &Path, agent: Address) -> Self {
        Self { path: directory.join(FILE), owner: name_of(agent) }
    }

    /// Says whether these are the disks that the machine had, and marks those that are new.
    ///
    /// # Errors
    /// They are others, or smaller.
    pub(super) fn check(&self, disks: &[Arc<Disk>]) -> Result<(), IdentityError> {
        let before = self.read()?;
        self.checked(&before, disks).map(drop)
    }

    /// As [`Identity::check`], for a machine that starts: says whether the disks are as they were when it stopped, and forgets
    /// how they looked then.
    pub(super) fn begin(&self, disks: &[Arc<Disk>]) -> Result<bool, IdentityError> {
        let before = self.read()?;
        let now = self.checked(&before, disks)?;
        let looks: Vec<Look> = disks.iter().map(|disk| disk.look()).collect::<io::Result<_>>()?;
        self.write(&Remembered { disks: now, closed: None })?;
        Ok(before.closed.is_some_and(|closed| closed == looks))
    }

    /// The machine has stopped in order, or its disks were given back by whoever wrote to them instead of it.
    pub(super) fn close(&self, images: &[PathBuf]) -> Result<(), IdentityError> {
        let looks = images.iter().map(|image| Disk::look_at(image)).collect::<io::Result<_>>()?;
        self.write(&Remembered { closed: Some(looks), ..self.read()? })
    }

    fn checked(
        &self,
        before: &Remembered,
        disks: &[Arc<Disk>],
    ) -> Result<Vec<RememberedDisk>, IdentityError> {
        let check = |(index, disk): (usize, &Arc<Disk>)| {
            let known = before.disks.get(index);
            let mark = self.mark(index, disk, known.map(|known| known.mark.as_str()))?;
            let sectors = disk.sectors()?;
            match known.filter(|known| known.sectors > sectors) {
                Some(known) => Err(IdentityError::Shrunk {
                    image: disk.path().into(),
                    expected: known.sectors,
                    found: sectors,
                }),
                None => Ok(RememberedDisk { mark, sectors }),
            }
        };
        disks.iter().enumerate().map(check).collect()
    }

    /// The mark of an image, which gets one if none is known; an error if it is that of another disk.
    fn mark(&self, index: usize, disk: &Disk, known: Option<&str>) -> Result<String, IdentityError> {
        let ours = format!("{}/disk-{index} ", self.owner);
        let other = |expected: &str, found: &str| IdentityError::OtherDisk {
            image: disk.path().into(),
            expected: expected.trim_end().to_owned(),
            found: found.to_owned(),
            file: self.path.clone(),
        };
        match (known.filter(|known| !known.is_empty()), disk.mark()?) {
            (_, Mark::Impossible) => {
                tracing::warn!(image = %disk.path().display(), "the image can have no mark: another one in its place is not noticed");
                Ok(String::new())
            }
            (Some(known), Mark::Is(found)) if known == found => Ok(found),
            (Some(known), Mark::Is(found)) => Err(other(known, &found)),
            (Some(known), Mark::None) => Err(other(known, "")),
            // What was known of it is lost: its mark still says whose it is.
            (None, Mark::Is(found)) if found.starts_with(&ours) => Ok(found),
            (None, Mark::Is(found)) => Err(other(&ours, &found)),
            (None, Mark::None) => {
                let mark = format!("{ours}{}", std::fs::read_to_string(UUID)?.trim());
                Ok(if disk.set_mark(&mark)? { mark } else { String::new() })
            }
        }
    }

    fn read(&self) -> Result<Remembered, IdentityError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| IdentityError::Unreadable {
                path: self.path.clone(),
                why: error.to_string(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Remembered::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// From now on it is that, durably.
    fn write(&self, remembered: &Remembered) -> Result<(), IdentityError> {
        let directory = self.path.parent().unwrap_or_else(|| Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(&serde_json::to_vec(remembered).map_err(io::Error::other)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(File::open(directory)?.sync_all()?)
    }
}
