//! What is kept of what clients have asked for: the newest of it. A server may run for weeks, and clients poll within minutes.

use std::collections::{BTreeMap, VecDeque};

/// How many are kept.
pub(super) const KEPT: usize = 10_000;

/// The newest things by their names.
#[derive(Debug, Clone)]
pub(super) struct Newest<T> {
    by_name: BTreeMap<String, T>,
    /// The names, oldest first.
    order: VecDeque<String>,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Newest<T> {
    /// Takes one; where there are too many then, the oldest goes.
    pub(super) fn insert(&mut self, name: String, thing: T) {
        if self.by_name.insert(name.clone(), thing).is_some() {
            return;
        }
        self.order.push_back(name);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_name.remove(&oldest);
        }
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.by_name.get_mut(name)
    }

    /// Those in the order in which they came.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.order.iter().filter_map(|name| self.by_name.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room_and_the_others_stay_in_their_order() {
        let mut newest = Newest::default();
        for number in 0..KEPT + 2 {
            newest.insert(number.to_string(), number);
        }
        assert_eq!(newest.get_mut("0"), None);
        assert_eq!(newest.get_mut("1"), None);
        assert_eq!(newest.get_mut("2"), Some(&mut 2));
        assert_eq!(newest.iter().copied().collect::<Vec<_>>(), (2..KEPT + 2).collect::<Vec<_>>());
    }

    #[test]
    fn what_comes_again_under_its_name_takes_its_place() {
        let mut newest = Newest::default();
        newest.insert("a".to_owned(), 1);
        newest.insert("b".to_owned(), 2);
        newest.insert("a".to_owned(), 3);
        assert_eq!(newest.iter().collect::<Vec<_>>(), [&3, &2]);
    }
}
