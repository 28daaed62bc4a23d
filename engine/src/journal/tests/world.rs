//! Agents that write, streams that deliver, base disks that are folded onto, and a model of the journal that keeps
//! a full copy of every disk at every cut. It shares nothing with the journal but the frames.

use std::collections::{BTreeMap, VecDeque};

use super::super::*;
use crate::batch::{Batch, StreamKey};
use crate::content::{Block, SECTOR_BYTES, Stamp};
use crate::extent::{Piece, Run, SectorRange};
use crate::id::GroupId;
use crate::message::Selector;
use crate::point::{Consistency, Marker, WriteOrder};
use crate::policy::ReplicationPolicy;

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
        let sector = |skip: u32| (0..SECTOR_BYTES).map(move |at| (write * 31 + u64::from(skip) + at / 64) as u8 | 1);
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
    pub(super) highest: u64,
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
            highest: 0,
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
        self.highest += 1;
        let point = point_id(self.highest);
        let marker = Marker { point, group: GroupId(9), consistency, at: self.now, last: false };
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
            let Some(frame) = self.disks.get_mut(&id).unwrap().sent.pop_front() else { break };
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

    fn model_append(&mut self, frame: &Frame<C>, changes: &[Change<C>]) -> Option<RecoveryPoint> {
        let disk = self.disks.get_mut(&frame.stream.disk).unwrap();
        put(&mut disk.delivered, changes);
        disk.changing += u64::from(!changes.is_empty());
        let end = frame.round_end.filter(|end| end.consistent)?;
        let copy = (disk.delivered.clone(), end, disk.changing);
        disk.cuts.insert((frame.stream.session, end.round), copy);
        let marker = end.marker.filter(|marker| self.points.last().is_none_or(|(last, _)| last.id < marker.point))?;
        let carries = |(_, end, _): &&(Copied<C>, RoundEnd, u64)| {
            end.marker.is_some_and(|other| other.point == marker.point)
        };
        if !self.disks.values().all(|disk| disk.cuts.values().any(|cut| carries(&cut))) {
            return None;
        }
        let point = RecoveryPoint { id: marker.point, consistency: marker.consistency, at: marker.at };
        self.model_point(point, |disk| *disk.cuts.iter().find(|(_, cut)| carries(cut)).unwrap().0);
        Some(point)
    }

    fn model_point(&mut self, point: RecoveryPoint, cut_of: impl Fn(&Disk<C>) -> CutKey) {
        let mut copies = BTreeMap::new();
        for (id, disk) in &mut self.disks {
            let key = cut_of(disk);
            let (copy, _, changing) = disk.cuts[&key].clone();
            copies.insert(*id, copy);
            disk.changing -= changing;
            disk.cuts.retain(|other, _| *other > key);
            for (_, _, before) in disk.cuts.values_mut() {
                *before -= changing;
            }
        }
        self.points.push((point, copies));
    }

    pub(super) fn choose(&mut self, selector: Selector) -> Option<RecoveryPoint> {
        let chosen = self.journal.choose(selector);
        self.log.push(Logged::Chose(selector));
        let expected = match selector {
            Selector::Latest => self.model_latest(),
            Selector::LatestProcessed => self.points.last().map(|(point, _)| *point),
            Selector::LatestApplication => {
                self.points.iter().rev().map(|(point, _)| *point).find(|p| p.consistency == Consistency::Application)
            }
            Selector::Exactly(id) => self.points.iter().map(|(point, _)| *point).find(|point| point.id == id),
        };
        assert_eq!(chosen, expected, "{selector:?}");
        assert_eq!(self.journal.choose(selector), chosen, "asked twice: {selector:?}");
        chosen
    }

    fn model_latest(&mut self) -> Option<RecoveryPoint> {
        let newest = self.points.last().map(|(point, _)| *point);
        let common = |key: &&CutKey| self.disks.values().all(|disk| disk.cuts.contains_key(*key));
        let first = self.disks.values().next().filter(|_| self.sessions.len() == 1);
        let Some(key) = first.and_then(|disk| disk.cuts.keys().rev().find(common)).copied() else { return newest };
        let changed = self.disks.values().any(|disk| disk.cuts[&key].2 > 0);
        if !changed && newest.is_some() {
            return newest;
        }
        self.highest += 1;
        let at = self.disks.values().next().unwrap().cuts[&key].1.at;
        let point = RecoveryPoint { id: point_id(self.highest), consistency: Consistency::Crash, at };
        self.model_point(point, |_| key);
        Some(point)
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

    // The judge.

    /// Compares every sector of every disk at every point, and everything received, with the full copies.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let points: Vec<RecoveryPoint> = self.points.iter().map(|(point, _)| *point).collect();
        if self.journal.points() != points {
            return Err(format!("points {:?}, expected {points:?}", self.journal.points()));
        }
        for (point, copies) in &self.points {
            for (id, copy) in copies {
                let view = self.journal.view(*id, point.id).ok_or("a point has no view")?;
                self.compare(&view, copy).map_err(|sector| format!("{:?}, {id:?}: {sector}", point.id))?;
            }
        }
        for (id, disk) in &self.disks {
            let view = self.journal.head(*id).ok_or("a disk has no head")?;
            self.compare(&view, &disk.delivered).map_err(|sector| format!("head, {id:?}: {sector}"))?;
        }
        self.account();
        Ok(())
    }

    fn compare(&self, view: &View<C>, expected: &[C]) -> Result<(), String> {
        let base = &self.disks[&view.disk()].base;
        for whole in [self.read_in_steps(view, base, 7), self.materialised(view, base)] {
            for (sector, (found, expected)) in whole.iter().zip(expected).enumerate() {
                if found != expected {
                    return Err(format!("sector {sector} holds {found:?}, expected {expected:?}"));
                }
            }
        }
        Ok(())
    }

    fn materialised(&self, view: &View<C>, base: &[C]) -> Copied<C> {
        let runs: Vec<Change<C>> = (0..).zip(base).filter(|(_, content)| !content.is_zero()).map(|(start, content)| {
            Change { start, sectors: 1, content: content.clone() }
        }).collect();
        let disk = view.materialise(&runs);
        assert!(disk.is_sorted_by(|left, right| left.end() <= right.start()));
        assert!(disk.iter().all(|change| !change.content.is_zero()));
        let mut whole = vec![C::zero(); SECTORS as usize];
        put(&mut whole, &disk);
        whole
    }

    fn read_in_steps(&self, view: &View<C>, base: &[C], step: u64) -> Copied<C> {
        let mut whole = base.to_vec();
        for start in (0..SECTORS).step_by(step as usize) {
            let range = SectorRange { start, end: (start + step).min(SECTORS) };
            let mut at = start;
            for piece in view.read(range) {
                at = match piece {
                    Piece::Run(run) => {
                        assert_eq!(run.start, at);
                        put(&mut whole, core::slice::from_ref(&run));
                        run.end()
                    }
                    Piece::Hole(hole) => {
                        assert_eq!(hole.start, at);
                        hole.end
                    }
                };
            }
            assert_eq!(at, range.end);
        }
        whole
    }

    /// Segments are given back once, and what is left adds up.
    fn account(&mut self) {
        for segment in self.journal.take_deleted_segments() {
            assert!(self.segments.remove(&segment).is_some(), "{segment:?} was given back twice");
        }
        assert_eq!(self.journal.stats().segments, self.segments.len() as u64);
        if self.segments.values().all(|bytes| *bytes > 0) {
            let stats = self.journal.stats();
            assert_eq!(stats.live_bytes + stats.dead_bytes, self.segments.values().sum::<u64>());
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
    for disk in journal.disks.values_mut() {
        disk.keep_points(&[newest], &mut journal.deleted);
    }
}
