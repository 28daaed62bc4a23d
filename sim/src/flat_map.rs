//! A small map in a sorted array: for a few entries that come and go all the time.
//!
//! Owns the order. A tree gives every node an allocation; here a handful of entries lies in one piece, so looking one up
//! touches a line or two of memory, and adding one moves those behind it. Refuses to be fast with thousands.

/// Entries sorted by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlatMap<K, V> {
    entries: Vec<(K, V)>,
}

impl<K: Ord + Copy, V> FlatMap<K, V> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn contains_key(&self, key: K) -> bool {
        self.place(key).is_ok()
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// The entry of a key; made first if there is none.
    pub(crate) fn get_or_insert(&mut self, key: K, fresh: V) -> &mut V {
        let place = self.place(key).unwrap_or_else(|place| {
            self.entries.insert(place, (key, fresh));
            place
        });
        &mut self.entries[place].1
    }

    pub(crate) fn remove(&mut self, key: K) {
        if let Ok(place) = self.place(key) {
            self.entries.remove(place);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    fn place(&self, key: K) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&key, |(key, _)| *key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the tree that it stands in for.
        #[test]
        fn holds_what_a_tree_would(steps in prop::collection::vec((0u32..12, any::<bool>()), 0..200)) {
            let (mut flat, mut tree) = (FlatMap::new(), BTreeMap::new());
            for (number, (key, stays)) in steps.into_iter().enumerate() {
                if stays {
                    prop_assert_eq!(flat.get_or_insert(key, number), tree.entry(key).or_insert(number));
                } else {
                    flat.remove(key);
                    tree.remove(&key);
                }
                prop_assert_eq!(flat.len(), tree.len());
                prop_assert_eq!(flat.contains_key(key), tree.contains_key(&key));
                prop_assert_eq!(flat.get_mut(key), tree.get_mut(&key));
            }
        }
    }
}
