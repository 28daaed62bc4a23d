//! Files on datastores. Those of clients are kept here, with what they hold; those of machines are made from what is known of
//! the machines ([`machine_files`]), so that they are never out of date. [`look`] sees both as one.

pub(crate) mod look;
pub(crate) mod machine_files;
pub(crate) mod path;

use std::collections::BTreeMap;

use switchback_disks::ByteFile;
use switchback_sim::SimTime;

use crate::moid::DatastoreMoid;
pub(crate) use path::{DatastorePath, within};

/// How much all files of clients may hold together: they are kept in memory.
const HELD_MAX: u64 = 2 << 30;

/// A file or folder that a client has made.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    Folder,
    File(StoredFile),
}

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct StoredFile {
    pub(crate) contents: ByteFile,
    pub(crate) modified: SimTime,
}

/// All files and folders of clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    entries: BTreeMap<DatastorePath, Stored>,
}

impl Store {
    pub(crate) fn get(&self, at: &DatastorePath) -> Option<&Stored> {
        self.entries.get(at)
    }

    pub(crate) fn file(&self, at: &DatastorePath) -> Option<&StoredFile> {
        match self.entries.get(at)? {
            Stored::File(file) => Some(file),
            Stored::Folder => None,
        }
    }

    pub(crate) fn file_mut(&mut self, at: &DatastorePath) -> Option<&mut StoredFile> {
        match self.entries.get_mut(at)? {
            Stored::File(file) => Some(file),
            Stored::Folder => None,
        }
    }

    /// Everything on a datastore.
    pub(crate) fn on(&self, store: DatastoreMoid) -> impl Iterator<Item = (&str, &Stored)> {
        let of_store = self.entries.range(DatastorePath::root(store)..);
        of_store.take_while(move |(at, _)| at.store == store).map(|(at, entry)| (at.path.as_str(), entry))
    }

    /// Makes a folder, with those it lies in.
    pub(crate) fn make_folders(&mut self, at: &DatastorePath) {
        let mut folder = Some(at.clone());
        while let Some(here) = folder.filter(|here| !here.is_root()) {
            self.entries.entry(here.clone()).or_insert(Stored::Folder);
            folder = here.parent();
        }
    }

    /// Puts a file there.
    pub(crate) fn put(&mut self, at: DatastorePath, contents: ByteFile, modified: SimTime) {
        self.entries.insert(at, Stored::File(StoredFile { contents, modified }));
    }

    /// Takes a file, or a folder with all that is in it: how much it took.
    pub(crate) fn remove(&mut self, at: &DatastorePath) -> u64 {
        let mut freed = 0;
        for here in self.below(at) {
            if let Some(Stored::File(file)) = self.entries.remove(&here) {
                freed += file.contents.bytes();
            }
        }
        freed
    }

    /// It, and all that is in it.
    fn below(&self, at: &DatastorePath) -> Vec<DatastorePath> {
        let here = self.entries.keys().filter(|entry| entry.store == at.store);
        here.filter(|entry| within(&entry.path, &at.path)).cloned().collect()
    }

    /// What it takes, with all that is in it.
    pub(crate) fn bytes_below(&self, at: &DatastorePath) -> u64 {
        let files = self.below(at).into_iter().filter_map(|entry| self.file(&entry));
        files.map(|file| file.contents.bytes()).sum()
    }

    /// Copies a file, or a folder with all that is in it.
    pub(crate) fn copy(&mut self, from: &DatastorePath, to: &DatastorePath, modified: SimTime) {
        for here in self.below(from) {
            let behind = here.path.get(from.path.len()..).unwrap_or_default();
            let there = DatastorePath { store: to.store, path: format!("{}{behind}", to.path) };
            match self.entries.get(&here).cloned() {
                Some(Stored::File(file)) => self.put(there, file.contents, modified),
                Some(Stored::Folder) => drop(self.entries.insert(there, Stored::Folder)),
                None => {}
            }
        }
    }

    /// Whether there is room for so many more bytes that are not zeroes.
    pub(crate) fn has_room(&self, more: u64) -> bool {
        let files = self.entries.values().filter_map(|entry| match entry {
            Stored::File(file) => Some(file.contents.written()),
            Stored::Folder => None,
        });
        files.sum::<u64>().saturating_add(more) <= HELD_MAX
    }
}
