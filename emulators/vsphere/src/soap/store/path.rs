//! Places on datastores: `[datastore] folder/file`. None of them leads out of its datastore.

use super::super::fault::SoapFault;
use super::super::value::Data;
use crate::moid::DatastoreMoid;
use crate::vcenter::VCenter;

/// How long a name may be, and a path: what VMFS takes.
const NAME_MAX: usize = 255;
const PATH_MAX: usize = 2_048;

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DatastorePath {
    pub(crate) store: DatastoreMoid,
    /// Names with a slash between two; empty for the datastore itself.
    pub(crate) path: String,
}

impl DatastorePath {
    pub(crate) const fn root(store: DatastoreMoid) -> Self {
        Self { store, path: String::new() }
    }

    pub(crate) const fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// What it lies in.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (parent, _) = self.path.rsplit_once('/').unwrap_or(("", ""));
        (!self.is_root()).then(|| Self { store: self.store, path: parent.to_owned() })
    }

    /// Its last name.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Something in it, by its name.
    pub(crate) fn child(&self, name: &str) -> Self {
        let path = if self.is_root() { name.to_owned() } else { format!("{}/{name}", self.path) };
        Self { store: self.store, path }
    }

    /// Beside it, by its name.
    pub(crate) fn beside(&self, name: &str) -> Self {
        self.parent().unwrap_or_else(|| self.clone()).child(name)
    }

    /// `[datastore] folder/file`, as a client writes it.
    pub(crate) fn read(text: &str, vcenter: &VCenter) -> Result<Self, SoapFault> {
        let invalid = || {
            let data = Data::new("InvalidDatastorePath").with("name", text).with("datastorePath", text);
            SoapFault::new(data, format!("Invalid datastore path '{text}'."))
        };
        let (name, path) =
            text.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(invalid)?;
        let path = clean(path.trim_start()).ok_or_else(invalid)?;
        let store = vcenter.datastores().find(|store| store.name == name).ok_or_else(invalid)?;
        Ok(Self { store: store.moid, path })
    }

    /// The same for whoever reads it.
    pub(crate) fn written(&self, vcenter: &VCenter) -> String {
        let name = vcenter.datastore(self.store).map_or("", |store| store.name.as_str());
        format!("[{name}] {}", self.path)
    }
}

/// A path without what means nothing; none for one that would lead out, or that no file can have.
pub(crate) fn clean(path: &str) -> Option<String> {
    if path.len() > PATH_MAX || path.contains(['\0', '\\', '\n', '\r']) {
        return None;
    }
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    let fits = |name: &&str| *name != ".." && name.len() <= NAME_MAX;
    names.iter().all(fits).then(|| names.join("/"))
}

/// Whether a path is that one or lies below it.
pub(crate) fn within(path: &str, of: &str) -> bool {
    of.is_empty() || path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leaves_its_datastore() {
        for (path, cleaned) in [("a/b", "a/b"), ("/a//b/", "a/b"), ("./a/.", "a"), ("", ""), ("a..b", "a..b")]
        {
            assert_eq!(clean(path).as_deref(), Some(cleaned), "{path}");
        }
        for path in ["..", "a/../b", "../a", "a/..", "a\\..\\b", "a\0b", &"x".repeat(256)] {
            assert_eq!(clean(path), None, "{path}");
        }
    }

    #[test]
    fn a_name_that_begins_alike_is_not_within() {
        assert!(within("web/a", "web") && within("web", "web") && within("web", ""));
        assert!(!within("web-2/a", "web") && !within("we", "web"));
    }
}
