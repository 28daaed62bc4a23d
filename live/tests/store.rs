//! What a role remembers: what a crash, a torn end, damage and a second process do to it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use switchback_engine::agent::AgentRecord;
use switchback_engine::batch::{Frame, StreamKey};
use switchback_engine::message::JournalSpec;
use switchback_engine::point::WriteOrder;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::{Address, Input, Outbox, Role, StorageError, StoreEffect, Token};
use switchback_engine::target::{Target, TargetRecord};
use switchback_engine::{Change, Content, DiskId, GroupId, Instant, MachineId, Message, SectorRange, Site};
use switchback_live::content::Data;
use switchback_live::store::{Opened, Record, Store, StoreError};

/// A store, and the answers to its syncs.
struct Kept<R> {
    store: Store<R>,
    synced: mpsc::Receiver<Result<(), StorageError>>,
    records: Vec<R>,
    torn_bytes: u64,
}

fn open<R: Record>(directory: &Path) -> Result<Kept<R>, StoreError> {
    let (told, synced) = mpsc::channel();
    let Opened { store, records, torn_bytes } = Store::open(directory, "control", move |_, result| {
        let _ = told.send(result);
    })?;
    Ok(Kept { store, synced, records, torn_bytes })
}

impl<R: Record> Kept<R> {
    fn append(&self, record: R) {
        self.store.ask(StoreEffect::Append(record, 0));
    }

    fn sync(&self) {
        self.store.ask(StoreEffect::Sync(Token(1)));
        assert_eq!(self.synced.recv().unwrap(), Ok(()));
    }
}

/// The last segment of a store.
fn last_segment(directory: &Path) -> PathBuf {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|e| e == "log")).max().unwrap()
}

/// As if its process had been killed: nobody noted how it ended.
fn killed<R: Record>(kept: Kept<R>, directory: &Path) {
    drop(kept);
    std::fs::remove_file(directory.join("end.json")).unwrap();
}

const fn sequence(number: u64) -> AgentRecord {
    AgentRecord::Sequence(number)
}

#[test]
fn what_was_synced_is_there_and_what_was_not_may_be_gone() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    kept.append(sequence(1));
    kept.append(sequence(2));
    kept.sync();
    kept.append(sequence(3));
    drop(kept);
    let again = open::<AgentRecord>(place.path()).unwrap();
    assert_eq!(again.records, [sequence(1), sequence(2)]);
    assert_eq!(again.torn_bytes, 0);
}

#[test]
fn what_begins_anew_stands_for_everything_before_it() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    kept.append(sequence(1));
    kept.sync();
    kept.store.ask(StoreEffect::Compact(vec![(sequence(7), 0)]));
    kept.append(sequence(8));
    kept.sync();
    kept.append(sequence(9));
    kept.sync();
    drop(kept);
    assert_eq!(open::<AgentRecord>(place.path()).unwrap().records, [sequence(7), sequence(8), sequence(9)]);
}

#[test]
fn what_was_begun_with_is_gone_as_soon_as_it_is_replaced() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    let many = |from: u64| StoreEffect::Compact((from..from + 60_000).map(|n| (sequence(n), 0)).collect());
    for from in [1, 2] {
        kept.store.ask(many(from));
        kept.sync();
        kept.append(sequence(from));
        kept.sync();
    }
    let logs = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap());
    let lengths: Vec<u64> = logs
        .filter(|entry| !["lock", "owner"].iter().any(|other| entry.file_name() == *other))
        .map(|entry| entry.metadata().unwrap().len())
        .collect();
    assert_eq!(lengths.len(), 2, "what it begins with, and what follows: {lengths:?}");
    assert!(lengths.iter().any(|length| *length < 100), "they are apart: {lengths:?}");
    drop(kept);
    let records = open::<AgentRecord>(place.path()).unwrap().records;
    assert_eq!(records.len(), 60_001);
    assert_eq!((&records[0], records.last()), (&sequence(2), Some(&sequence(2))));
}

#[test]
fn what_was_to_begin_anew_and_was_not_synced_replaces_nothing() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    kept.append(sequence(1));
    kept.sync();
    kept.store.ask(StoreEffect::Compact(vec![(sequence(7), 0)]));
    drop(kept);
    assert_eq!(open::<AgentRecord>(place.path()).unwrap().records, [sequence(1)]);
}

#[test]
fn a_torn_end_is_cut_off_and_the_log_goes_on_before_it() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    kept.append(sequence(1));
    kept.sync();
    kept.append(sequence(2));
    kept.sync();
    killed(kept, place.path());
    let segment = last_segment(place.path());
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..whole.len() - 1]).unwrap();

    let again = open(place.path()).unwrap();
    assert_eq!(again.records, [sequence(1)]);
    assert!(again.torn_bytes > 0);
    again.append(sequence(3));
    again.sync();
    drop(again);
    assert_eq!(open::<AgentRecord>(place.path()).unwrap().records, [sequence(1), sequence(3)]);
}

#[test]
fn damage_before_something_whole_is_named_and_nothing_is_cut_off() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    kept.append(sequence(1));
    kept.sync();
    kept.append(sequence(2));
    kept.sync();
    drop(kept);
    let segment = last_segment(place.path());
    let whole = std::fs::read(&segment).unwrap();
    // Whatever of the first record it hits: what stands before its head, or the three bytes of that.
    for at in 16..16 + 20 + 3 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&segment, &bytes).unwrap();
        let error = open::<AgentRecord>(place.path()).err().expect("it is damaged");
        assert!(matches!(&error, StoreError::Damaged { path, at: 16, .. } if *path == segment), "{error}");
        assert_eq!(std::fs::read(&segment).unwrap(), bytes, "it is left for whoever can help");
    }
}

#[test]
fn a_log_that_began_anew_and_is_damaged_is_not_taken_for_one_that_was_never_finished() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    kept.append(sequence(1));
    kept.sync();
    let old = last_segment(place.path());
    let before = std::fs::read(&old).unwrap();
    kept.store.ask(StoreEffect::Compact(vec![(sequence(7), 0)]));
    kept.sync();
    drop(kept);
    // As if something older were still kept for its frames.
    std::fs::write(&old, before).unwrap();
    let segment = last_segment(place.path());
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..whole.len() - 1]).unwrap();
    let error = open::<AgentRecord>(place.path()).err().expect("it is damaged");
    assert!(matches!(&error, StoreError::Damaged { path, .. } if *path == segment), "{error}");
}

#[test]
fn what_is_cut_off_or_damaged_at_the_end_of_a_store_that_was_closed_is_missed() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    kept.append(sequence(1));
    kept.sync();
    kept.append(sequence(2));
    kept.sync();
    // It was never durable, and is not missed.
    kept.append(sequence(3));
    drop(kept);
    let segment = last_segment(place.path());
    let whole = std::fs::read(&segment).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&whole[..whole.len() - 1], &flipped, &whole[..16]] {
        std::fs::write(&segment, damaged).unwrap();
        let error = open::<AgentRecord>(place.path()).err().expect("something is missing");
        assert!(matches!(&error, StoreError::Damaged { path, .. } if *path == segment), "{error}");
        assert!(error.to_string().contains(&format!("closed with {} bytes", whole.len())), "{error}");
        assert_eq!(std::fs::read(&segment).unwrap(), damaged, "it is left for whoever can help");
    }
    std::fs::remove_file(&segment).unwrap();
    let error = open::<AgentRecord>(place.path()).err().expect("all of it is missing").to_string();
    assert!(error.contains("it is gone"), "{error}");
    std::fs::write(&segment, &whole).unwrap();
    assert_eq!(open::<AgentRecord>(place.path()).unwrap().records, [sequence(1), sequence(2)]);
}

#[test]
fn a_store_of_another_role_is_not_opened() {
    let place = tempfile::tempdir().unwrap();
    let kept = open(place.path()).unwrap();
    kept.append(sequence(1));
    kept.sync();
    drop(kept);
    let error =
        Store::<AgentRecord>::open(place.path(), "agent-7-primary", |_, _| {}).err().expect("another's");
    assert!(
        matches!(&error, StoreError::OtherOwner { expected, found, .. } if expected == "agent-7-primary" && found == "control"),
        "{error}"
    );
    assert_eq!(open::<AgentRecord>(place.path()).unwrap().records, [sequence(1)]);
}

#[test]
fn a_store_belongs_to_one_process() {
    let place = tempfile::tempdir().unwrap();
    let kept = open::<AgentRecord>(place.path()).unwrap();
    assert!(matches!(open::<AgentRecord>(place.path()).err(), Some(StoreError::InUse(_))));
    drop(kept);
    assert!(open::<AgentRecord>(place.path()).is_ok());
}

#[test]
fn a_file_of_another_version_is_not_taken_for_a_log() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("00000001.log"), b"SWBKLG99--------").unwrap();
    let error = open::<AgentRecord>(place.path()).err().expect("it is another version").to_string();
    assert!(error.contains("SWBKLG01") && error.contains("SWBKLG99"), "{error}");
}

/// A target over a store, driven by hand.
struct Driven {
    kept: Kept<TargetRecord<Data>>,
    target: Target<Data>,
}

const DISK: DiskId = DiskId { machine: MachineId(0), index: 0 };
const STREAM: StreamKey = StreamKey { disk: DISK, generation: 1, session: 1 };

impl Driven {
    fn open(directory: &Path) -> Self {
        let kept = open(directory).unwrap();
        let target = Target::recover(Site::Recovery, &kept.records);
        Self { kept, target }
    }

    /// Hands the target an input, and does for its store what it asks.
    fn take(&mut self, input: Input<Data>) {
        let mut todo = vec![input];
        while let Some(input) = todo.pop() {
            let mut out = Outbox::default();
            self.target.handle(Instant(1), input, &mut out);
            for effect in out.drain() {
                let Err(effect) = effect.for_world() else { continue };
                let token = if let StoreEffect::Sync(token) = effect { Some(token) } else { None };
                self.kept.store.ask(effect);
                if let Some(token) = token {
                    let result = self.kept.synced.recv().unwrap();
                    todo.push(Input::Synced { token, result });
                }
            }
        }
    }

    fn open_journal(&mut self) {
        let spec = JournalSpec {
            group: GroupId(0),
            generation: 1,
            machines: vec![(MachineId(0), vec![1 << 20])],
            policy: ReplicationPolicy::DEFAULT,
        };
        let order = Box::new(switchback_engine::message::Order::OpenJournal(spec));
        let request = switchback_engine::message::RequestId(1);
        self.take(Input::Message { from: Address::Control, message: Message::Order { request, order } });
    }

    /// A frame that writes so many sectors of a byte from a place on.
    fn receive(&mut self, number: u64, start: u64, sectors: u32, byte: u8) {
        let bytes: Vec<u8> = (0..sectors * 512).map(|at| byte ^ (at % 251) as u8 | 1).collect();
        let changes = vec![Change { start, sectors, content: Data::Bytes(bytes.into()) }];
        let packed = Data::pack(changes);
        let frame = Frame { stream: STREAM, number, order: WriteOrder::Bitmap, round_end: None, packed };
        let message = Message::Frame(Arc::new(frame));
        self.take(Input::Message { from: Address::ProcessServer(0), message });
    }

    fn holds(&self, range: SectorRange) -> Vec<u8> {
        let head = self.target.journal(GroupId(0)).unwrap().head(DISK).unwrap();
        let mut bytes = vec![0; (range.sectors() * 512) as usize];
        for change in head.merged().read_over(&[], range) {
            let from = ((change.start - range.start) * 512) as usize;
            change.content.read(&mut bytes[from..from + change.sectors as usize * 512]).unwrap();
        }
        bytes
    }
}

#[test]
fn a_target_that_begins_again_holds_every_byte_that_it_had_acknowledged() {
    let place = tempfile::tempdir().unwrap();
    let all = SectorRange::new(0, 4096);
    let mut driven = Driven::open(place.path());
    driven.open_journal();
    for number in 1..=20u64 {
        driven.receive(number, number * 61, 200, number as u8);
    }
    let held = driven.holds(all);
    assert!(held.iter().any(|byte| *byte != 0));
    drop(driven);
    assert_eq!(Driven::open(place.path()).holds(all), held);
}

#[test]
fn a_checkpoint_names_what_lies_in_older_segments_and_they_are_kept_for_it() {
    let place = tempfile::tempdir().unwrap();
    let all = SectorRange::new(0, 1 << 19);
    let mut driven = Driven::open(place.path());
    driven.open_journal();
    // More than a checkpoint waits for: 256 MiB of what LZ4 makes no smaller.
    for number in 1..=9u64 {
        driven.receive_noise(number, (number - 1) * 65_536 / 2, 65_536);
    }
    let held = driven.holds(all);
    drop(driven);
    let segments = || std::fs::read_dir(place.path()).unwrap().count();
    assert!(segments() > 2, "a lock, a segment with frames, and one that begins anew");
    let mut again = Driven::open(place.path());
    assert!(
        matches!(again.kept.records[0], TargetRecord::Checkpoint(_)),
        "the log was replaced by a checkpoint"
    );
    assert!(again.holds(all) == held, "the frames are read where they were written");
    again.receive(10, 0, 8, 1);
    drop(again);
    assert_ne!(Driven::open(place.path()).holds(SectorRange::new(0, 8)), held[..4096]);
}

impl Driven {
    fn receive_noise(&mut self, number: u64, start: u64, sectors: u32) {
        let mut state = number;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let bytes: Vec<u8> = (0..sectors * 512).map(|_| noise()).collect();
        let packed = Data::pack(vec![Change { start, sectors, content: Data::Bytes(bytes.into()) }]);
        let frame = Frame { stream: STREAM, number, order: WriteOrder::Bitmap, round_end: None, packed };
        let message = Message::Frame(Arc::new(frame));
        self.take(Input::Message { from: Address::ProcessServer(0), message });
    }
}
