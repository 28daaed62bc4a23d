//! Agents that write, streams that deliver, base disks that are folded onto, and a model of the journal that keeps
//! a full copy of every disk at every cut. It shares nothing with the journal but the frames.

use std::collections::{BTreeMap, VecDeque};

use super::super::*;
use crate::batch::{Batch, StreamKey};
use crate::content::{Block, SECTOR_BYTES, Stamp};
use crate::id::GroupId;
use crate::message::Selector;
use crate::point::{Consistency, Marker, WriteOrder};
use crate::policy::ReplicationPolicy;

mod judge;
mod model;

/// Sectors of a disk: few, so that writes meet.
pub(super) const SECTORS: u64 = 40;
const GENERATION: u64 = 3;

/// A kind of content that can be made up for a write.
pub(super) trait Sample: Content {
    fn sample(write: u64, sectors: u32) -> Self;
}

impl Sample for Stamp {
    fn sample(write: u64, _sectors: u32) -> Self {
        Self { write, skip: 0 }
    }
}

impl Sample for Block {
    fn sample(write: u64, sectors: u32) -> Self {
        let sector =
            |skip: u32| (0..SECTOR_BYTES).map(move |at| (write * 31 + u64::from(skip) + at / 64) as u8 | 1);
        Self((0..sectors).flat_map(sector).collect())
    }
}

/// A whole disk, sector by sector.
pub(super) type Copied<C> = Vec<C>;
/// A cut of a machine: session and round.
type CutKey = (u32, u64);

/// One disk: its agent's side, its base, and what the model knows about what the journal was given.
#[derive(Clone)]
struct Disk<C> {
    open: Vec<Change<C>>,
    number: u64,
    sent: VecDeque<Frame<C>>,
    base: Copied<C>,
    delivered: Copied<C>,
    /// Frames that changed something since the newest point; the last cut may lie before some of them.
    changing: u64,
    /// Consistent cuts after the newest point: the copy, the marker, and how many changing frames lie before.
    cuts: BTreeMap<CutKey, (Copied<C>, RoundEnd, u64)>,
}

/// What happened since the last checkpoint, as the target would log it.
#[derive(Clone)]
enum Logged<C> {
    Frame(Frame<C>),
    GaveUp(Vec<PointId>),
    Chose(Selector),
}

/// The journal and everything around it.
#[derive(Clone)]
pub(super) struct World<C: Content> {
    pub(super) journal: GroupJournal<C>,
    disks: BTreeMap<DiskId, Disk<C>>,
    sessions: BTreeMap<MachineId, u32>,
    rounds: BTreeMap<MachineId, u64>,
    /// The model's points: what each is, and every disk at it.
    points: Vec<(RecoveryPoint, BTreeMap<DiskId, Copied<C>>)>,
    checkpoint: Checkpoint<C>,
    log: Vec<Logged<C>>,
    folding: Option<Fold<C>>,
    /// Payload of the segments that were not given back.
    segments: BTreeMap<SegmentId, u64>,
    writes: u64,
    /// The highest marker number the agents have used, and the highest of a marker or point the journal has seen.
    used: u64,
    seen: u64,
    pub(super) now: Instant,
}

/// A journal's spec for machines with so many disks each.
pub(super) fn spec(machines: &[u8]) -> JournalSpec {
    let disks = |count: u8| vec![SECTORS; usize::from(count)];
    JournalSpec {
        group: GroupId(9),
        generation: GENERATION,
        machines: (1..).zip(machines).map(|(id, count)| (MachineId(id), disks(*count))).collect(),
        policy: ReplicationPolicy::DEFAULT,
    }
}

pub(super) fn disk(machine: u32, index: u8) -> DiskId {
    DiskId { machine: MachineId(machine), index }
}

pub(super) fn marker(point: PointId, consistency: Consistency, at: Instant) -> Marker {
    Marker { point, group: GroupId(9), consistency, at, last: false }
}

pub(super) fn point_id(number: u64) -> PointId {
    PointId { generation: GENERATION, number }
}

impl<C: Sample> World<C> {
    pub(super) fn new(machines: &[u8]) -> Self {
        let journal: GroupJournal<C> = GroupJournal::new(&spec(machines));
        let blank = vec![C::zero(); SECTORS as usize];
        let fresh = Disk {
            open: Vec::new(),
            number: 0,
            sent: VecDeque::new(),
            base: blank.clone(),
            delivered: blank,
            changing: 0,
            cuts: BTreeMap::new(),
        };
        Self {
            disks: journal.disks.keys().map(|id| (*id, fresh.clone())).collect(),
            sessions: journal.spec.machines.iter().map(|(id, _)| (*id, 1)).collect(),
            rounds: journal.spec.machines.iter().map(|(id, _)| (*id, 0)).collect(),
            checkpoint: journal.checkpoint(),
            journal,
            points: Vec::new(),
            log: Vec::new(),
            folding: None,
            segments: BTreeMap::new(),
            writes: 0,
            used: 0,
            seen: 0,
            now: Instant::ZERO,
        }
    }

    pub(super) fn disk_ids(&self) -> Vec<DiskId> {
        self.disks.keys().copied().collect()
    }

    pub(super) fn machine_ids(&self) -> Vec<MachineId> {
        self.sessions.keys().copied().collect()
    }

    // The agents.

    pub(super) fn write(&mut self, id: DiskId, start: u64, sectors: u32, zero: bool) -> u64 {
        self.writes += 1;
        let sectors = sectors.min((SECTORS - start) as u32);
        let content = if zero { C::zero() } else { C::sample(self.writes, sectors) };
        self.disks.get_mut(&id).unwrap().open.push(Change { start, sectors, content });
        self.writes
    }

    /// Sends what a disk has open, in the middle of a round.
    pub(super) fn flush(&mut self, id: DiskId) {
        self.send(id, None);
    }

    fn send(&mut self, id: DiskId, round_end: Option<RoundEnd>) {
        let session = self.sessions[&id.machine];
        let disk = self.disks.get_mut(&id).unwrap();
        disk.number += 1;
        let batch = Batch {
            stream: StreamKey { disk: id, generation: GENERATION, session },
            number: disk.number,
            opens_at: 1,
            order: WriteOrder::Data,
            first_write: 0,
            changes: core::mem::take(&mut disk.open).into(),
            payload_bytes: 0,
            round_end,
        };
        disk.sent.push_back(Frame::seal(&batch));
    }

    /// Ends a round on all disks of a machine.
    pub(super) fn round(&mut self, machine: MachineId, consistent: bool, marker: Option<Marker>) {
        let round = self.rounds.get_mut(&machine).unwrap();
        *round += 1;
        let end = RoundEnd { round: *round, consistent, at: self.now, marker };
        for id in self.disk_ids().into_iter().filter(|id| id.machine == machine) {
            self.send(id, Some(end));
        }
    }

    /// Ends a round on every machine but one, with a marker.
    pub(super) fn mark(&mut self, consistency: Consistency, without: Option<MachineId>) -> PointId {
        self.used = self.used.max(self.seen) + 1;
        let point = point_id(self.used);
        let marker = marker(point, consistency, self.now);
        for machine in self.machine_ids().into_iter().filter(|machine| Some(*machine) != without) {
            self.round(machine, true, Some(marker));
        }
        point
    }

    /// The agent dies and starts again: what was not delivered is gone, rounds start over.
    pub(super) fn restart(&mut self, machine: MachineId) {
        *self.sessions.get_mut(&machine).unwrap() += 1;
        self.rounds.insert(machine, 0);
        for (_, disk) in self.disks.iter_mut().filter(|(id, _)| id.machine == machine) {
            disk.open.clear();
            disk.sent.clear();
            disk.number = 0;
        }
    }

    /// Takes the frames that a disk has sent, undelivered.
    pub(super) fn take_sent(&mut self, id: DiskId) -> VecDeque<Frame<C>> {
        core::mem::take(&mut self.disks.get_mut(&id).unwrap().sent)
    }

    // The target.

    /// Delivers the next frames of a disk.
    pub(super) fn deliver(&mut self, id: DiskId, count: usize) -> Vec<RecoveryPoint> {
        let mut points = Vec::new();
        for _ in 0..count {
            let Some(frame) = self.disks.get_mut(&id).unwrap().sent.pop_front() else {
                break;
            };
            points.extend(self.append(&frame));
        }
        points
    }

    pub(super) fn deliver_all(&mut self) -> Vec<RecoveryPoint> {
        self.disk_ids().into_iter().flat_map(|id| self.deliver(id, usize::MAX)).collect()
    }

    fn append(&mut self, frame: &Frame<C>) -> Option<RecoveryPoint> {
        let changes = C::unpack(&frame.packed).unwrap();
        let appended = self.journal.append(frame, &changes);
        if let Some(segment) = appended.segment {
            let payload = changes.iter().filter(|change| !change.content.is_zero());
            let bytes = payload.map(|change| u64::from(change.sectors) * SECTOR_BYTES).sum();
            assert!(self.segments.insert(segment, bytes).is_none(), "a segment's name was used twice");
        }
        self.log.push(Logged::Frame(frame.clone()));
        let expected = self.model_append(frame, &changes);
        assert_eq!(appended.point, expected, "the point that this frame completes");
        appended.point
    }

    pub(super) fn choose(&mut self, selector: Selector) -> Option<RecoveryPoint> {
        let chosen = self.journal.choose(selector);
        self.log.push(Logged::Chose(selector));
        let expected = match selector {
            Selector::Latest => self.model_latest(),
            Selector::LatestProcessed => self.points.last().map(|(point, _)| *point),
            Selector::LatestApplication => self
                .points
                .iter()
                .rev()
                .map(|(point, _)| *point)
                .find(|p| p.consistency == Consistency::Application),
            Selector::LatestCrash => self
                .points
                .iter()
                .rev()
                .map(|(point, _)| *point)
                .find(|p| p.consistency == Consistency::Crash),
            // Its own story: what lies behind the newest cut is not in the model.
            Selector::Drained => chosen,
            Selector::Exactly(id) => self.points.iter().map(|(point, _)| *point).find(|point| point.id == id),
        };
        assert_eq!(chosen, expected, "{selector:?}");
        assert_eq!(self.journal.choose(selector), chosen, "asked twice: {selector:?}");
        chosen
    }

    pub(super) fn give_up(&mut self, points: &[PointId]) {
        let newest = self.points.last().map(|(point, _)| point.id);
        let before = self.points.len();
        self.points.retain(|(point, _)| Some(point.id) == newest || !points.contains(&point.id));
        assert_eq!(self.journal.give_up(points) as usize, before - self.points.len());
        self.log.push(Logged::GaveUp(points.to_vec()));
    }

    /// Begins a fold: its writes reach the base disks now.
    pub(super) fn fold_begin(&mut self) {
        if self.folding.is_none()
            && let Some(fold) = self.journal.fold_plan()
        {
            for (id, changes) in fold.disks() {
                put(&mut self.disks.get_mut(id).unwrap().base, changes);
            }
            self.folding = Some(fold);
        }
    }

    /// The writes of the fold are durable.
    pub(super) fn fold_end(&mut self) {
        if let Some(fold) = self.folding.take() {
            self.journal.fold_done(&fold);
        }
    }

    pub(super) fn checkpoint(&mut self) {
        self.account();
        self.checkpoint = self.journal.checkpoint();
        self.log.clear();
    }

    /// The target dies and starts again from its checkpoint and its log. The base disks are what they are.
    pub(super) fn crash(&mut self) {
        self.account();
        let before = self.journal.points().to_vec();
        self.folding = None;
        self.journal = GroupJournal::restore(self.checkpoint.clone());
        let mut segments = self.journal.stats().segments;
        for logged in self.log.clone() {
            match logged {
                Logged::Frame(frame) => {
                    let appended = self.journal.append(&frame, &C::unpack(&frame.packed).unwrap());
                    segments += u64::from(appended.segment.is_some());
                }
                Logged::GaveUp(points) => {
                    self.journal.give_up(&points);
                }
                Logged::Chose(selector) => {
                    self.journal.choose(selector);
                }
            }
        }
        assert_eq!(self.journal.points(), before, "points after a crash");
        // Folds are not repeated, so segments may be back that were given back; names stay unique.
        let deleted = self.journal.take_deleted_segments().len() as u64;
        assert_eq!(self.journal.stats().segments, segments - deleted);
        self.segments.clear();
        for log in self.journal.disks.values() {
            for segment in log.layers().iter().flat_map(|layer| layer.segments().collect::<Vec<_>>()) {
                self.segments.insert(segment, 0);
            }
        }
    }
}

fn put<C: Content>(disk: &mut [C], changes: &[Change<C>]) {
    for change in changes {
        for skip in 0..change.sectors {
            disk[(change.start + u64::from(skip)) as usize] = change.content.part(skip, 1);
        }
    }
}

/// A deliberately broken prune: it merges epochs across points that are kept.
pub(super) fn merge_across_kept_points<C: Content>(journal: &mut GroupJournal<C>) {
    let newest = journal.points.last().map(|point| point.id).unwrap();
    let all = journal.points[0].id..=newest;
    for disk in journal.disks.values_mut() {
        disk.keep_points(&[newest], &all, &mut journal.deleted);
    }
}
