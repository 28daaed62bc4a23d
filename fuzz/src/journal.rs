//! The journal of a group under any sequence of operations, against a model that keeps a full copy of every disk at
//! every cut.
//!
//! The operations are those of agents, whose streams arrive in order but not together, and of a target: points
//! are given up, folded, promoted, and the journal is rebuilt from a checkpoint and a log. The model shares
//! nothing with the journal but the frames.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use switchback_engine::batch::RoundEnd;
use switchback_engine::journal::{Checkpoint, Fold, GroupJournal};
use switchback_engine::message::{JournalSpec, Selector};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::time::Instant;
use switchback_engine::{
    Batch, Change, Consistency, Content, DiskId, Frame, GroupId, MachineId, Marker, PointId, Stamp,
    StreamKey, WriteOrder,
};

mod judge;
mod model;

use model::Model;

/// Sectors of a disk: few, so that writes meet.
const SECTORS: u64 = 24;
const GENERATION: u64 = 7;
const GROUP: GroupId = GroupId(1);
/// Operations of one history: more make a history slow and no more telling.
const OPERATIONS_MAX: usize = 96;
/// Disks of each machine, for each group that is tried.
const GROUPS: [&[u8]; 5] = [&[1], &[2], &[3], &[1, 1], &[2, 1]];

/// One operation. Numbers are taken modulo what there is.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Operation {
    /// An agent captures a write.
    Write { disk: u8, start: u8, sectors: u8, zeroes: bool },
    /// An agent sends what a disk has pending, in the middle of a round.
    Flush { disk: u8 },
    /// An agent ends a round on all disks of its machine.
    Round { machine: u8, consistent: bool },
    /// All machines end a round with a marker, or all but one.
    Mark { application: bool, without: Option<u8> },
    /// Frames of a disk arrive.
    Deliver { disk: u8, frames: u8 },
    /// Everything under way arrives.
    DeliverAll,
    /// An agent dies and starts again: what was under way is lost.
    Restart { machine: u8 },
    /// Points are given up, one for each bit.
    GiveUp { which: u16 },
    /// Time passes, and the policy gives up points.
    Prune { minutes: u16 },
    /// A fold is planned and written.
    FoldBegin,
    /// What a fold wrote is durable.
    FoldEnd,
    /// A point is chosen.
    Choose { selector: u8 },
    /// A machine is brought to a point for good.
    Promote { machine: u8, point: u8 },
    /// The journal is written down.
    Checkpoint,
    /// The target dies and rebuilds the journal.
    Crash,
}

/// A group and its history.
#[derive(Debug, Arbitrary)]
pub struct Input {
    group: u8,
    keep_for_hours: u8,
    operations: Vec<Operation>,
}

/// The agent's side of a disk.
#[derive(Default)]
struct Outgoing {
    pending: Vec<Change<Stamp>>,
    number: u64,
    sent: VecDeque<Frame<Stamp>>,
}

/// What a target writes down, to be done again after a crash.
#[derive(Clone)]
enum Logged {
    Frame(Frame<Stamp>),
    GaveUp(Vec<PointId>),
    Chose(Selector),
    Promoted(MachineId, PointId),
}

/// A journal, those who feed it, and the model.
struct World {
    journal: GroupJournal<Stamp>,
    model: Model,
    outgoing: BTreeMap<DiskId, Outgoing>,
    /// Session and round of each machine's agent.
    lives: BTreeMap<MachineId, (u32, u64)>,
    checkpoint: Checkpoint<Stamp>,
    log: Vec<Logged>,
    folding: Option<Fold<Stamp>>,
    writes: u64,
    /// The highest number of a marker that was sent.
    marked: u64,
    now: Instant,
}

/// Lives through a history.
///
/// # Panics
/// If the journal ever holds another point, or another sector at a point, than the model.
pub fn live(input: &Input) {
    let mut world = World::new(input);
    for operation in input.operations.iter().take(OPERATIONS_MAX) {
        world.now = world.now + Duration::from_secs(1);
        if world.carry_out(*operation) {
            world.judge(*operation);
        }
    }
}

fn spec(input: &Input) -> JournalSpec {
    let disks = GROUPS[usize::from(input.group) % GROUPS.len()];
    let machine = |(id, disks): (u32, &u8)| (MachineId(id), vec![SECTORS; usize::from(*disks)]);
    JournalSpec {
        group: GROUP,
        generation: GENERATION,
        machines: (1..).zip(disks).map(machine).collect(),
        policy: ReplicationPolicy {
            retain_points_for: Duration::from_hours(u64::from(input.keep_for_hours)),
            ..ReplicationPolicy::DEFAULT
        },
    }
}

impl World {
    fn new(input: &Input) -> Self {
        let spec = spec(input);
        let disk_ids = |(machine, disks): &(MachineId, Vec<u64>)| {
            let machine = *machine;
            (0..disks.len() as u8).map(move |index| DiskId { machine, index })
        };
        let ids: Vec<DiskId> = spec.machines.iter().flat_map(disk_ids).collect();
        let journal = GroupJournal::new(&spec);
        Self {
            checkpoint: journal.checkpoint(),
            journal,
            model: Model::new(&ids, spec.policy.retain_points_for),
            outgoing: ids.iter().map(|id| (*id, Outgoing::default())).collect(),
            lives: spec.machines.iter().map(|(id, _)| (*id, (1, 0))).collect(),
            log: Vec::new(),
            folding: None,
            writes: 0,
            marked: 0,
            now: Instant::ZERO,
        }
    }

    /// Carries out an operation and says whether the journal may have changed.
    fn carry_out(&mut self, operation: Operation) -> bool {
        match operation {
            Operation::Write { disk, start, sectors, zeroes } => self.write(disk, start, sectors, zeroes),
            Operation::Flush { disk } => self.send(self.disk(disk), None),
            Operation::Round { machine, consistent } => self.round(self.machine(machine), consistent, None),
            Operation::Mark { application, without } => self.mark(application, without),
            Operation::Restart { machine } => self.restart(self.machine(machine)),
            Operation::Deliver { disk, frames } => {
                self.deliver(self.disk(disk), 1 + usize::from(frames % 4));
                return true;
            }
            _ => {
                self.carry_out_at_target(operation);
                return true;
            }
        }
        false
    }

    fn carry_out_at_target(&mut self, operation: Operation) {
        match operation {
            Operation::DeliverAll => {
                let ids: Vec<DiskId> = self.outgoing.keys().copied().collect();
                ids.into_iter().for_each(|id| self.deliver(id, usize::MAX));
            }
            Operation::GiveUp { which } => {
                let points = (0u32..).zip(self.journal.points());
                let some = points.filter(|(at, _)| which >> (at % 16) & 1 == 1).map(|(_, point)| point.id);
                self.give_up(some.collect());
            }
            Operation::Prune { minutes } => {
                self.now = self.now + Duration::from_mins(u64::from(minutes));
                self.prune();
            }
            Operation::FoldBegin => self.fold_begin(),
            Operation::FoldEnd => self.fold_end(),
            Operation::Choose { selector } => self.choose(selector),
            Operation::Promote { machine, point } => self.promote(self.machine(machine), point),
            Operation::Checkpoint => {
                self.checkpoint = self.journal.checkpoint();
                self.log.clear();
            }
            Operation::Crash => self.crash(),
            _ => {}
        }
    }

    fn disk(&self, which: u8) -> DiskId {
        *self.outgoing.keys().nth(usize::from(which) % self.outgoing.len()).expect("a group has disks")
    }

    fn machine(&self, which: u8) -> MachineId {
        *self.lives.keys().nth(usize::from(which) % self.lives.len()).expect("a group has machines")
    }

    // The agents.

    fn write(&mut self, disk: u8, start: u8, sectors: u8, zeroes: bool) {
        self.writes += 1;
        let start = u64::from(start) % SECTORS;
        let sectors = (1 + u64::from(sectors) % 10).min(SECTORS - start) as u32;
        let content = if zeroes { Stamp::zero() } else { Stamp { write: self.writes, skip: 0 } };
        let id = self.disk(disk);
        self.outgoing_of(id).pending.push(Change { start, sectors, content });
    }

    fn outgoing_of(&mut self, id: DiskId) -> &mut Outgoing {
        self.outgoing.get_mut(&id).expect("the disk is of the group")
    }

    fn send(&mut self, id: DiskId, round_end: Option<RoundEnd>) {
        let (session, _) = self.lives[&id.machine];
        let outgoing = self.outgoing_of(id);
        outgoing.number += 1;
        let batch = Batch {
            stream: StreamKey { disk: id, generation: GENERATION, session },
            number: outgoing.number,
            opens_at: 1,
            order: WriteOrder::Data,
            first_write: 0,
            changes: std::mem::take(&mut outgoing.pending).into(),
            payload_bytes: 0,
            round_end,
        };
        outgoing.sent.push_back(Frame::seal(&batch));
    }

    fn round(&mut self, machine: MachineId, consistent: bool, marker: Option<Marker>) {
        let (_, round) = self.lives.get_mut(&machine).expect("the machine is of the group");
        *round += 1;
        let end = RoundEnd { round: *round, consistent, at: self.now, marker };
        let ids: Vec<DiskId> = self.outgoing.keys().copied().filter(|id| id.machine == machine).collect();
        ids.into_iter().for_each(|id| self.send(id, Some(end)));
    }

    fn mark(&mut self, application: bool, without: Option<u8>) {
        self.marked = self.marked.max(self.model.highest) + 1;
        let marker = Marker {
            point: PointId { generation: GENERATION, number: self.marked },
            group: GROUP,
            consistency: if application { Consistency::Application } else { Consistency::Crash },
            at: self.now,
            last: false,
        };
        let without = without.map(|machine| self.machine(machine));
        let machines: Vec<MachineId> = self.lives.keys().copied().filter(|id| Some(*id) != without).collect();
        machines.into_iter().for_each(|machine| self.round(machine, true, Some(marker)));
    }

    fn restart(&mut self, machine: MachineId) {
        let life = self.lives.get_mut(&machine).expect("the machine is of the group");
        *life = (life.0 + 1, 0);
        for (_, outgoing) in self.outgoing.iter_mut().filter(|(id, _)| id.machine == machine) {
            *outgoing = Outgoing::default();
        }
    }

    // The target.

    fn deliver(&mut self, id: DiskId, frames: usize) {
        for _ in 0..frames {
            let Some(frame) = self.outgoing_of(id).sent.pop_front() else { return };
            let changes = Stamp::unpack(&frame.packed).expect("a stamp is carried as it is");
            let appended = self.journal.append(&frame, &changes);
            let expected = self.model.append(&frame, &changes);
            assert_eq!(appended.point, expected, "the point that a frame completes");
            self.log.push(Logged::Frame(frame));
        }
    }

    fn give_up(&mut self, points: Vec<PointId>) {
        let gone = self.model.give_up(&points);
        assert_eq!(self.journal.give_up(&points), gone, "points given up");
        self.log.push(Logged::GaveUp(points));
    }

    fn prune(&mut self) {
        let expired = self.journal.expired(self.now, &[]);
        self.model.judge_expired(&expired, self.now);
        let gone = self.model.give_up(&expired);
        assert_eq!(self.journal.prune(self.now, &[]), gone, "points pruned");
        self.log.push(Logged::GaveUp(expired));
    }

    fn fold_begin(&mut self) {
        if self.folding.is_some() {
            return;
        }
        self.folding = self.journal.fold_plan();
        for (id, changes) in self.folding.iter().flat_map(Fold::disks) {
            self.model.write_base(*id, changes);
        }
    }

    fn fold_end(&mut self) {
        if let Some(fold) = self.folding.take() {
            self.journal.fold_done(&fold);
        }
    }

    fn choose(&mut self, selector: u8) {
        let nth = usize::from(selector / 4) % self.model.points.len().max(1);
        let exactly = self.model.points.get(nth).map(|point| Selector::Exactly(point.point.id));
        let selector = match selector % 4 {
            0 => Selector::Latest,
            1 => Selector::LatestProcessed,
            2 => Selector::LatestApplication,
            _ => exactly.unwrap_or(Selector::Exactly(PointId { generation: GENERATION, number: 0 })),
        };
        let chosen = self.journal.choose(selector);
        assert_eq!(chosen, self.model.choose(selector), "{selector:?}");
        assert_eq!(self.journal.choose(selector), chosen, "asked twice: {selector:?}");
        self.log.push(Logged::Chose(selector));
    }

    fn promote(&mut self, machine: MachineId, point: u8) {
        let nth = usize::from(point) % self.model.points.len().max(1);
        let Some(point) = self.model.points.get(nth).map(|point| point.point.id) else { return };
        // A fold that is under way would write over what was promoted; a target ends one before the other.
        self.fold_end();
        let plan = self.journal.promote_plan(machine, point);
        let promoted = self.model.promoted.get(&machine).copied();
        assert_eq!(plan.is_some(), promoted.is_none_or(|promoted| promoted == point), "a plan to promote");
        let Some(plan) = plan else { return };
        for (id, changes) in plan {
            assert_eq!(id.machine, machine);
            self.model.write_base(id, &changes);
        }
        self.journal.promoted(machine, point);
        self.model.promote(machine, point);
        self.log.push(Logged::Promoted(machine, point));
    }

    /// Rebuilds the journal. The base disks are what they are; a fold that was under way is forgotten.
    fn crash(&mut self) {
        self.folding = None;
        self.journal = GroupJournal::restore(self.checkpoint.clone());
        for logged in &self.log {
            match logged {
                Logged::Frame(frame) => {
                    let changes: Arc<[Change<Stamp>]> =
                        Stamp::unpack(&frame.packed).expect("a stamp is carried as it is");
                    self.journal.append(frame, &changes);
                }
                Logged::GaveUp(points) => {
                    self.journal.give_up(points);
                }
                Logged::Chose(selector) => {
                    self.journal.choose(*selector);
                }
                Logged::Promoted(machine, point) => self.journal.promoted(*machine, *point),
            }
        }
    }
}
