//! What a role must not forget: its log on disk, in segments, synced in groups.
//!
//! # On disk
//! A directory of numbered segments. A segment begins with a header and goes on with records:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | how long the head is |
//! | 4 | how long the body is |
//! | 8 | how much of the segment was durable when this was written, in bytes |
//! | 4 | CRC-32C of all that, the head and the body |
//! | ... | the head: the record itself, in postcard |
//! | ... | the body: the packed frame that the record carries, if any |
//!
//! A segment whose header says that it *begins anew* makes everything before it superfluous, once its end mark is there. Frames in
//! older segments may still be needed: a segment is deleted when nothing begins in it or before it, nothing written later says that
//! something lies in it, and nobody holds a frame in it.
//!
//! All numbers are little-endian. What was not synced may be torn; it is cut off when the store is opened. What had been durable, as
//! something behind it, the header or the note of an orderly end says, and is not whole any more, is an error that names the place, and nothing is cut off.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use switchback_engine::role::{StorageError, StoreEffect, Token};
use thiserror::Error;

mod checkpoint;
mod end;
mod log;
mod open;
mod owner;
mod records;
mod segment;

pub use records::Record;
pub use segment::{Segment, Segments};

use log::Log;

/// Why a store cannot be opened.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file or the directory does not do what is asked of it.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("{}: the store is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It is the store of another role.
    #[error("{}: the store of {expected} was expected, found that of {found}", directory.display())]
    OtherOwner {
        /// Which directory.
        directory: PathBuf,
        /// Who wants it.
        expected: String,
        /// Whose it is.
        found: String,
    },
    /// It was written by another version, or is no segment.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What a segment begins with.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Something that had been written whole is not whole any more.
    #[error("{}: the record at byte {at} is damaged: {why}; nothing was cut off", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the record begins.
        at: u64,
        /// What is the matter.
        why: String,
    },
}

impl StoreError {
    fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// A store that was opened, and what it had kept.
pub struct Opened<R> {
    /// The store.
    pub store: Store<R>,
    /// What it had kept, in order.
    pub records: Vec<R>,
    /// How many bytes of a torn end were cut off.
    pub torn_bytes: u64,
}

/// The durable store of a role. What is asked of it is done in order by a thread of its own.
#[derive(Debug)]
pub struct Store<R> {
    asks: Option<mpsc::Sender<StoreEffect<R>>>,
    thread: Option<std::thread::JoinHandle<()>>,
    health: Arc<Health>,
}

/// How a store is.
#[derive(Debug, Default)]
pub struct Health {
    failed_syncs: AtomicU64,
    is_failing: AtomicBool,
}

impl Health {
    /// How many syncs have failed since it was opened.
    #[must_use]
    pub fn failed_syncs(&self) -> u64 {
        self.failed_syncs.load(Ordering::Relaxed)
    }

    /// Whether the last one has.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    fn note(&self, place: &std::path::Path, result: &io::Result<()>) {
        let was_failing = self.is_failing.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Ok(()) if was_failing => {
                tracing::info!(store = %place.display(), "the store keeps records again")
            }
            Ok(()) => {}
            Err(error) => {
                self.failed_syncs.fetch_add(1, Ordering::Relaxed);
                tracing::error!(store = %place.display(), %error, "the store keeps nothing: nothing is acknowledged");
            }
        }
    }
}

/// After a sync that failed the role hears of it this much later: it may try again at once, and a disk that is full is not
/// emptied by being asked all the time.
const FAILURE_PAUSE: Duration = Duration::from_millis(250);

impl<R: Record> Store<R> {
    /// Opens the store of `owner` in a directory, which is made if it is not there. `synced` is told of each sync that has
    /// ended, from the thread of the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(
        directory: impl Into<PathBuf>,
        owner: &str,
        synced: impl Fn(Token, Result<(), StorageError>) + Send + 'static,
    ) -> Result<Opened<R>, StoreError> {
        let directory = directory.into();
        let open::Found { log, records, torn_bytes } = open::open(directory.clone(), owner)?;
        let (asks, todo) = mpsc::channel();
        let health = Arc::new(Health::default());
        let noted = Arc::clone(&health);
        let work = move || {
            run(log, &todo, &|token, result: io::Result<()>| {
                noted.note(&directory, &result);
                if result.is_err() {
                    std::thread::sleep(FAILURE_PAUSE);
                }
                synced(token, result.map_err(|error| storage_error(&error)));
            })
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(work);
        let thread = thread.map_err(StoreError::io("a thread"))?;
        Ok(Opened { store: Self { asks: Some(asks), thread: Some(thread), health }, records, torn_bytes })
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Asks for something. The answer to a sync comes later.
    pub fn ask(&self, effect: StoreEffect<R>) {
        if let Some(asks) = &self.asks {
            // It has only ended when this is being dropped.
            let _ = asks.send(effect);
        }
    }
}

impl<R> Drop for Store<R> {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// Does what is asked, in order, until nobody can ask any more.
fn run<R: Record>(
    mut log: Log,
    todo: &mpsc::Receiver<StoreEffect<R>>,
    synced: &impl Fn(Token, io::Result<()>),
) {
    while let Ok(effect) = todo.recv() {
        match effect {
            StoreEffect::Append(record, _) => log.append(&record),
            StoreEffect::Compact(records) => log.begin_anew(records.iter().map(|(record, _)| record)),
            StoreEffect::Sync(token) => synced(token, log.sync()),
        }
    }
    log.close();
}

/// What the system says, in the words of roles.
pub(crate) fn storage_error(error: &io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StorageError::Full
        }
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => StorageError::Gone,
        _ => StorageError::Failed,
    }
}

/// Segments are shared by what lies in them.
type SharedSegment = Arc<Segment>;
