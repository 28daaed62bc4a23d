//! What control asks of a target. Every order may come again and is then answered as the first time.

use std::sync::Arc;

use super::durable::TargetRecord;
use super::group::{Group, Pin};
use super::receive::NOTE_BYTES;
use super::write::Purpose;
use super::{Out, Target};
use crate::content::Content;
use crate::id::{DiskId, GroupId, MachineId};
use crate::journal::{DiskWrites, View};
use crate::message::{Answer, JournalSpec, Order, RequestId, Selector};
use crate::point::PointId;
use crate::role::Effect;

impl<C: Content> Target<C> {
    pub(super) fn order(&mut self, request: RequestId, order: Order, out: &mut Out<C>) {
        match order {
            Order::GrowReplicas { machine, disk_sectors } => {
                for (index, sectors) in (0..).zip(disk_sectors) {
                    out.push(Effect::GrowReplica { disk: DiskId { machine, index }, sectors });
                }
                self.answer(request, Answer::Done);
            }
            Order::OpenJournal(spec) => self.open(request, &spec),
            Order::Finish { group, generation, machine, selector } => {
                let answer = self.finish(group, generation, machine, selector);
                self.answer(request, answer);
            }
            Order::PinPoint { group, generation, machine, selector, by, with } => {
                let answer = self.pin(group, generation, machine, selector, Pin { by, with });
                self.answer(request, answer);
            }
            Order::UnpinPoint { group, generation, machine, by } => {
                self.unpin(group, generation, machine, by);
                self.answer(request, Answer::Done);
            }
            Order::OpenPoint { group, machine, point } => {
                let answer = self.views(group, machine, point);
                self.answer(request, answer);
            }
            Order::Promote { group, machine, point } => self.promote(request, group, machine, point),
            Order::CloseJournal { group, generation, fold } => {
                self.close_at(request, group, generation, fold)
            }
            Order::StartReplication(_)
            | Order::StopReplication { .. }
            | Order::Resync { .. }
            | Order::UseProcessServer { .. } => {
                self.answer(request, Answer::Unknown);
            }
        }
    }

    fn open(&mut self, request: RequestId, spec: &JournalSpec) {
        let current = self.groups.get(spec.group).map(|group| group.journal.spec().generation);
        if current.is_some_and(|generation| generation > spec.generation) {
            return self.answer(request, Answer::Unknown);
        }
        if current != Some(spec.generation) {
            if !self.drop_writing(spec.group) {
                // Writes of the older journal are under way and may end at any time: a comparison that reads the
                // disk before them would be wrong after them. The order comes again.
                return;
            }
            self.replace(spec);
            self.ledger.append(TargetRecord::Opened(Arc::new(spec.clone())), NOTE_BYTES);
        }
        self.answer(request, Answer::Done);
    }

    /// Begins an empty journal for a group, whatever it had before.
    pub(super) fn replace(&mut self, spec: &JournalSpec) {
        self.groups.insert(spec.group, Group::open(spec));
    }

    /// A group, if its journal is of this generation.
    fn of_generation(&mut self, id: GroupId, generation: u64) -> Option<&mut Group<C>> {
        self.groups.get_mut(id).filter(|group| group.journal.spec().generation == generation)
    }

    fn finish(&mut self, id: GroupId, generation: u64, machine: MachineId, selector: Selector) -> Answer<C> {
        let Some(group) = self.of_generation(id, generation) else { return Answer::Unknown };
        // Who fails over once more, after an attempt that failed, may want another point than the first time.
        if let Some(finished) = group.finished.get(&machine).filter(|finished| finished.selector == selector)
        {
            return Answer::Chosen(finished.point);
        }
        let Some(point) = group.choose(machine, selector) else { return Answer::NoSuchPoint };
        group.has_news = true;
        self.ledger.append(TargetRecord::Finished { group: id, machine, selector }, NOTE_BYTES);
        Answer::Chosen(point)
    }

    fn pin(
        &mut self,
        id: GroupId,
        generation: u64,
        machine: MachineId,
        selector: Selector,
        pin: Pin,
    ) -> Answer<C> {
        let Some(group) = self.of_generation(id, generation) else { return Answer::Unknown };
        let Some(point) = group.pin(machine, selector, pin) else { return Answer::NoSuchPoint };
        group.has_news = true;
        self.ledger.append(TargetRecord::Pinned { group: id, machine, selector, pin }, NOTE_BYTES);
        Answer::Chosen(point)
    }

    fn unpin(&mut self, id: GroupId, generation: u64, machine: MachineId, by: u64) {
        if let Some(group) = self.of_generation(id, generation) {
            group.unpin(machine, by);
            self.ledger.append(TargetRecord::Unpinned(id, machine, by), NOTE_BYTES);
        }
    }

    fn views(&self, id: GroupId, machine: MachineId, point: PointId) -> Answer<C> {
        let Some(group) = self.groups.get(id) else { return Answer::Unknown };
        let disks = group.journal.spec().disks().filter(|disk| disk.machine == machine);
        let views: Option<Vec<Arc<View<C>>>> =
            disks.map(|disk| group.journal.view(disk, point).map(Arc::new)).collect();
        views.filter(|views| !views.is_empty()).map_or(Answer::NoSuchPoint, Answer::Views)
    }

    fn promote(&mut self, request: RequestId, id: GroupId, machine: MachineId, point: PointId) {
        if self.groups.get(id).is_none() {
            return self.answer(request, Answer::Unknown);
        }
        match self.plan_promotion(id, machine, point) {
            Some(todo) => self.write(Purpose::Promote { request, group: id, machine, point }, todo),
            None => self.answer(request, Answer::NoSuchPoint),
        }
    }

    /// What makes the disks of a machine equal to a point. It is noted first that they are about to be written.
    fn plan_promotion(&mut self, id: GroupId, machine: MachineId, point: PointId) -> Option<DiskWrites<C>> {
        let group = self.groups.get_mut(id)?;
        let todo = group.journal.promote_plan(machine, point)?;
        if !todo.is_empty() {
            group.journal.promoting(machine, point);
            self.ledger.append(TargetRecord::Promoting(id, machine, point), NOTE_BYTES);
        }
        Some(todo)
    }

    fn close_at(&mut self, request: RequestId, id: GroupId, generation: u64, fold: Option<PointId>) {
        let Some(group) = self.groups.get(id).filter(|g| g.journal.spec().generation <= generation) else {
            return self.answer(request, Answer::Done);
        };
        let machines: Vec<MachineId> =
            group.journal.spec().machines.iter().map(|(machine, _)| *machine).collect();
        let mut todo = Vec::new();
        for machine in machines {
            todo.extend(fold.and_then(|point| self.plan_promotion(id, machine, point)).unwrap_or_default());
        }
        self.write(Purpose::Close { request, group: id, generation }, todo);
    }
}
