//! What a store keeps through a crash, and the twins that show what it loses.

use proptest::prelude::*;

use super::*;
use crate::Seed;

fn store_of(records: impl IntoIterator<Item = u32>) -> DurableStore<u32> {
    let mut store = DurableStore::new();
    append_all(&mut store, records);
    store
}

fn append_all(store: &mut DurableStore<u32>, records: impl IntoIterator<Item = u32>) {
    for record in records {
        store.append(record, 10).unwrap();
    }
}

fn sync(store: &mut DurableStore<u32>) {
    let mark = store.sync_begin();
    store.sync_complete(mark);
}

#[test]
fn a_synced_record_survives() {
    let mut store = store_of([1, 2]);
    sync(&mut store);
    assert_eq!(store.crash_keeping(Tail::None), 0);
    assert_eq!(store.to_vec(), [1, 2]);
}

#[test]
fn an_unsynced_record_can_be_lost() {
    let mut store = store_of([1, 2]);
    sync(&mut store);
    append_all(&mut store, [3, 4]);
    assert_eq!(store.to_vec(), [1, 2, 3, 4]);
    assert_eq!(store.crash_keeping(Tail::None), 2);
    assert_eq!(store.to_vec(), [1, 2]);
    assert_eq!(store.bytes_used(), 20);
}

#[test]
fn an_unsynced_record_can_survive_and_is_durable_then() {
    let mut store = store_of([1, 2, 3]);
    assert_eq!(store.crash_keeping(Tail::First(2)), 1);
    assert_eq!(store.crash_keeping(Tail::None), 0);
    assert_eq!(store.to_vec(), [1, 2]);
}

#[test]
fn a_sync_that_was_begun_is_not_a_sync() {
    let mut store = store_of([1]);
    let _pending = store.sync_begin();
    store.crash_keeping(Tail::None);
    assert!(store.is_empty());
}

#[test]
fn a_sync_covers_what_was_appended_before_it_began_and_no_more() {
    let mut store = store_of([1]);
    let mark = store.sync_begin();
    append_all(&mut store, [2]);
    store.sync_complete(mark);
    assert_eq!(store.synced_len(), 1);
    store.crash_keeping(Tail::None);
    assert_eq!(store.to_vec(), [1]);
}

#[test]
fn a_mark_from_before_a_crash_covers_nothing() {
    let mut store = store_of([1]);
    let mark = store.sync_begin();
    store.crash_keeping(Tail::None);
    append_all(&mut store, [2]);
    store.sync_complete(mark);
    store.crash_keeping(Tail::None);
    assert!(store.is_empty());
}

#[test]
fn syncs_may_complete_out_of_order() {
    let mut store = store_of([1]);
    let early = store.sync_begin();
    append_all(&mut store, [2]);
    let late = store.sync_begin();
    store.sync_complete(late);
    store.sync_complete(early);
    assert_eq!(store.synced_len(), 2);
}

#[test]
fn a_synced_compaction_replaces_everything() {
    let mut store = store_of([1, 2, 3]);
    sync(&mut store);
    store.compact(vec![(6, 5)]);
    append_all(&mut store, [7]);
    sync(&mut store);
    store.crash_keeping(Tail::None);
    assert_eq!(store.to_vec(), [6, 7]);
    assert_eq!(store.bytes_used(), 15);
}

#[test]
fn an_unsynced_compaction_gives_the_old_log_back() {
    let mut store = store_of([1, 2, 3]);
    sync(&mut store);
    store.compact(vec![(6, 5)]);
    append_all(&mut store, [7]);
    assert_eq!(store.to_vec(), [6, 7]);
    store.crash_keeping(Tail::All);
    assert_eq!(store.to_vec(), [1, 2, 3]);
    assert_eq!(store.bytes_used(), 30);
}

#[test]
fn a_sync_begun_before_a_compaction_does_not_cover_it() {
    let mut store = store_of([1, 2]);
    let mark = store.sync_begin();
    store.compact(vec![(3, 5)]);
    store.sync_complete(mark);
    store.crash_keeping(Tail::None);
    assert_eq!(store.to_vec(), [1, 2]);
}

#[test]
fn a_late_sync_of_a_log_long_replaced_changes_nothing() {
    let mut store = store_of([1, 2]);
    let late = store.sync_begin();
    store.compact(vec![(3, 5)]);
    sync(&mut store);
    store.sync_complete(late);
    store.crash_keeping(Tail::None);
    assert_eq!(store.to_vec(), [3]);
}

#[test]
fn a_full_store_refuses_and_compaction_frees_it() {
    let mut store = store_of([1, 2]);
    store.set_capacity(Some(25));
    let full = store.append(3, 10).unwrap_err();
    assert_eq!(full.to_string(), "a record of 10 bytes does not fit: 5 of 25 are free");
    assert_eq!(store.to_vec(), [1, 2]);
    store.compact(vec![(2, 10)]);
    assert_eq!(store.append(3, 10), Ok(()));
}

#[test]
fn chance_loses_none_some_and_all_of_the_tail() {
    let mut chance = Seed(4).chance("crash");
    let losses: Vec<_> = (0..200).map(|_| store_of(0..10).crash(&mut chance)).collect();
    assert!(losses.contains(&0) && losses.contains(&10) && losses.iter().any(|lost| (1..10).contains(lost)));
}

/// A store by its definition: whole logs are copied at each sync mark, and durable is the best copy
/// completed.
#[derive(Default)]
struct Model {
    current: Vec<u32>,
    generation: u32,
    durable: (u32, Vec<u32>),
    marks: Vec<(SyncMark, u32, Vec<u32>)>,
    /// The generations that compaction has replaced, as they were then.
    past: Vec<(u32, Vec<u32>)>,
}

impl Model {
    fn complete(&mut self, generation: u32, log: Vec<u32>) {
        if (generation, log.len()) >= (self.durable.0, self.durable.1.len()) {
            self.durable = (generation, log);
        }
    }

    /// The most that a crash may leave: all that was appended to the durable generation.
    fn longest(&self) -> Vec<u32> {
        let past = self.past.iter().find(|(generation, _)| *generation == self.durable.0);
        past.map_or_else(|| self.current.clone(), |(_, log)| log.clone())
    }
}

proptest! {
    /// Whatever is done, what a crash leaves starts with everything synced and is the front of what was
    /// written.
    #[test]
    fn a_crash_keeps_all_that_was_synced(seed: u64, steps in prop::collection::vec(0u8..20, 0..200)) {
        let mut chance = Seed(seed).chance("crash");
        let mut store = DurableStore::new();
        let mut model = Model::default();
        for (step, label) in steps.into_iter().zip(0u32..) {
            match step {
                0..10 => {
                    store.append(label, 1).unwrap();
                    model.current.push(label);
                }
                10..13 => model.marks.push((store.sync_begin(), model.generation, model.current.clone())),
                13..17 if !model.marks.is_empty() => {
                    let index = chance.below(model.marks.len() as u64) as usize;
                    let (mark, generation, log) = model.marks.remove(index);
                    store.sync_complete(mark);
                    model.complete(generation, log);
                }
                17 => {
                    let keep: Vec<_> = model.current.iter().copied().filter(|label| label % 2 == 0).collect();
                    store.compact(keep.iter().map(|&label| (label, 1)).collect());
                    model.past.push((model.generation, std::mem::replace(&mut model.current, keep)));
                    model.generation += 1;
                }
                18 => {
                    let longest = model.longest();
                    store.crash(&mut chance);
                    let left = store.to_vec();
                    prop_assert!(left.starts_with(&model.durable.1), "{:?} lost from {left:?}", model.durable.1);
                    prop_assert!(longest.starts_with(&left), "{left:?} invented beyond {longest:?}");
                    let generation = model.generation + 1;
                    let durable = (generation, left.clone());
                    model = Model { current: left, generation, durable, ..Model::default() };
                }
                _ => {}
            }
            prop_assert_eq!(&store.to_vec(), &model.current);
            prop_assert_eq!(store.bytes_used(), model.current.len() as u64);
        }
    }
}
