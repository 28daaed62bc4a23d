//! What the vault must remember, and which of it has changed since the last record.
//!
//! Everything that changes in one input becomes one record. A store that keeps records up to some place and drops
//! the rest therefore never shows half a change: no item without its job, no question without its number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::group::Group;
use super::item::ProtectedItem;
use super::jobs::Job;
use super::plan::{Plan, PlanId, PlanJob};
use super::vocabulary::{JobId, JobState, Refused};
use crate::id::{GroupId, MachineId};
use crate::role::CommandId;

/// How many finished jobs are kept. Older ones are forgotten when the store is compacted.
pub(super) const FINISHED_JOBS_KEPT: usize = 10_000;
/// For how many commands the reply is kept, so that a repeat is answered and not carried out.
pub(super) const REPLIES_KEPT: usize = 10_000;

/// What was answered to a command.
pub(super) type Reply = Result<JobId, Refused>;

/// One change of everything the vault remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRecord {
    parts: Vec<Part>,
}

impl ControlRecord {
    /// About how many bytes it takes in a store.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.parts.iter().map(Part::weight).sum()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    Item(Arc<ProtectedItem>),
    Group(Arc<Group>),
    Job(Arc<Job>),
    Command(CommandId, u64, Reply),
    Counters(Counters),
    Plan(Arc<Plan>),
    PlanGone(PlanId),
    PlanJob(Arc<PlanJob>),
}

impl Part {
    fn weight(&self) -> u64 {
        let bytes = match self {
            Self::Item(item) => 384 + 8 * item.disk_sectors.len() + 256 * item.standing.len(),
            Self::Group(group) => 32 + 8 * group.machines.len() + 128 * group.runs.len(),
            Self::Job(job) => {
                128 + job.tasks.iter().map(|task| 32 + 128 * task.asks.len()).sum::<usize>()
                    + 128 * job.facts.inherited.len()
            }
            Self::Command(..) => 64,
            Self::Counters(_) => 32,
            Self::Plan(plan) => 32 + 64 * plan.groups.len() + 8 * plan.machines().count(),
            Self::PlanGone(_) => 16,
            Self::PlanJob(job) => 160 + 64 * job.plan.groups.len() + 24 * job.children.len(),
        };
        bytes as u64
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counters {
    jobs: u64,
    /// Requests and calls, counted together.
    numbers: u64,
    generations: u64,
    commands: u64,
}

#[derive(Debug, Clone, Default)]
struct Dirty {
    items: BTreeSet<MachineId>,
    groups: BTreeSet<GroupId>,
    jobs: BTreeSet<JobId>,
    commands: BTreeSet<CommandId>,
    plans: BTreeSet<PlanId>,
    plan_jobs: BTreeSet<JobId>,
    counters: bool,
}

impl Dirty {
    fn is_empty(&self) -> bool {
        !self.counters
            && self.items.is_empty()
            && self.groups.is_empty()
            && self.jobs.is_empty()
            && self.commands.is_empty()
            && self.plans.is_empty()
            && self.plan_jobs.is_empty()
    }
}

/// Everything the vault remembers. Groups and jobs are shared with the records that carry them.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    items: BTreeMap<MachineId, ProtectedItem>,
    groups: BTreeMap<GroupId, Arc<Group>>,
    jobs: BTreeMap<JobId, Arc<Job>>,
    commands: BTreeMap<CommandId, (u64, Reply)>,
    plans: BTreeMap<PlanId, Arc<Plan>>,
    plan_jobs: BTreeMap<JobId, Arc<PlanJob>>,
    counters: Counters,
    dirty: Dirty,
}

impl Ledger {
    /// Rebuilds it from what the store kept.
    pub(super) fn replay(records: Vec<ControlRecord>) -> Self {
        let mut ledger = Self::default();
        for part in records.into_iter().flat_map(|record| record.parts) {
            ledger.apply(part);
        }
        ledger
    }

    fn apply(&mut self, part: Part) {
        match part {
            Part::Item(item) => drop(self.items.insert(item.machine, Arc::unwrap_or_clone(item))),
            Part::Group(group) => drop(self.groups.insert(group.id, group)),
            Part::Job(job) => drop(self.jobs.insert(job.id, job)),
            Part::Command(id, place, reply) => drop(self.commands.insert(id, (place, reply))),
            Part::Counters(counters) => self.counters = counters,
            Part::Plan(plan) => drop(self.plans.insert(plan.id, plan)),
            Part::PlanGone(id) => drop(self.plans.remove(&id)),
            Part::PlanJob(job) => drop(self.plan_jobs.insert(job.id, job)),
        }
    }

    /// Takes a record over. What is known of an item's health stays: records do not carry it.
    pub(super) fn apply_record(&mut self, record: ControlRecord) {
        for part in record.parts {
            match part {
                Part::Item(item) => {
                    let health = self.items.get(&item.machine).map(|old| old.health).unwrap_or_default();
                    self.items.insert(item.machine, ProtectedItem { health, ..Arc::unwrap_or_clone(item) });
                }
                part => self.apply(part),
            }
        }
    }

    /// What has changed since it was last asked.
    pub(super) fn take_changes(&mut self) -> Option<ControlRecord> {
        if self.dirty.is_empty() {
            return None;
        }
        let dirty = core::mem::take(&mut self.dirty);
        let mut parts = Vec::new();
        parts.extend(dirty.items.iter().filter_map(|id| self.items.get(id)).map(item_part));
        parts.extend(dirty.groups.iter().filter_map(|id| self.groups.get(id)).cloned().map(Part::Group));
        parts.extend(dirty.jobs.iter().filter_map(|id| self.jobs.get(id)).cloned().map(Part::Job));
        parts
            .extend(dirty.commands.iter().filter_map(|id| self.commands.get_key_value(id)).map(command_part));
        parts.extend(dirty.counters.then_some(Part::Counters(self.counters)));
        parts.extend(dirty.plans.iter().map(|id| self.plan_part(*id)));
        parts.extend(
            dirty.plan_jobs.iter().filter_map(|id| self.plan_jobs.get(id)).cloned().map(Part::PlanJob),
        );
        (!parts.is_empty()).then_some(ControlRecord { parts })
    }

    /// Everything, as one record; what exceeds the limits is forgotten first.
    pub(super) fn snapshot(&mut self) -> ControlRecord {
        self.forget();
        let mut parts = vec![Part::Counters(self.counters)];
        parts.extend(self.items.values().map(item_part));
        parts.extend(self.groups.values().cloned().map(Part::Group));
        parts.extend(self.jobs.values().cloned().map(Part::Job));
        parts.extend(self.commands.iter().map(command_part));
        parts.extend(self.plans.values().cloned().map(Part::Plan));
        parts.extend(self.plan_jobs.values().cloned().map(Part::PlanJob));
        ControlRecord { parts }
    }

    /// Forgets what exceeds the limits.
    pub(super) fn forget(&mut self) {
        let finished: Vec<JobId> =
            self.jobs.values().filter(|job| job.state != JobState::InProgress).map(|job| job.id).collect();
        for id in &finished[..finished.len().saturating_sub(FINISHED_JOBS_KEPT)] {
            self.jobs.remove(id);
        }
        let plans = self.plan_jobs.values().filter(|job| job.state != JobState::InProgress);
        let finished: Vec<JobId> = plans.map(|job| job.id).collect();
        for id in &finished[..finished.len().saturating_sub(FINISHED_JOBS_KEPT)] {
            self.plan_jobs.remove(id);
        }
        let oldest_kept = self.counters.commands.saturating_sub(REPLIES_KEPT as u64);
        self.commands.retain(|_, (place, _)| *place > oldest_kept);
    }

    pub(super) const fn items(&self) -> &BTreeMap<MachineId, ProtectedItem> {
        &self.items
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().map(|group| &**group)
    }

    pub(super) fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id).map(|group| &**group)
    }

    pub(super) fn jobs(&self) -> impl DoubleEndedIterator<Item = &Job> {
        self.jobs.values().map(|job| &**job)
    }

    pub(super) fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id).map(|job| &**job)
    }

    pub(super) fn reply(&self, id: CommandId) -> Option<&Reply> {
        self.commands.get(&id).map(|(_, reply)| reply)
    }

    pub(super) fn keep_reply(&mut self, id: CommandId, reply: Reply) {
        self.counters.commands += 1;
        self.dirty.counters = true;
        self.dirty.commands.insert(id);
        self.commands.insert(id, (self.counters.commands, reply));
    }

    pub(super) fn item_mut(&mut self, machine: MachineId) -> Option<&mut ProtectedItem> {
        self.dirty.items.insert(machine);
        self.items.get_mut(&machine)
    }

    /// For what is not kept: health.
    pub(super) fn item_mut_unkept(&mut self, machine: MachineId) -> Option<&mut ProtectedItem> {
        self.items.get_mut(&machine)
    }

    pub(super) fn group_mut(&mut self, group: GroupId) -> Option<&mut Group> {
        self.dirty.groups.insert(group);
        self.groups.get_mut(&group).map(Arc::make_mut)
    }

    pub(super) fn job_mut(&mut self, job: JobId) -> Option<&mut Job> {
        self.dirty.jobs.insert(job);
        self.jobs.get_mut(&job).map(Arc::make_mut)
    }

    pub(super) fn put_item(&mut self, item: ProtectedItem) {
        self.dirty.items.insert(item.machine);
        self.items.insert(item.machine, item);
    }

    pub(super) fn put_group(&mut self, group: Group) {
        self.dirty.groups.insert(group.id);
        self.groups.insert(group.id, Arc::new(group));
    }

    pub(super) fn put_job(&mut self, job: Job) {
        self.dirty.jobs.insert(job.id);
        self.jobs.insert(job.id, Arc::new(job));
    }

    fn plan_part(&self, id: PlanId) -> Part {
        self.plans.get(&id).map_or(Part::PlanGone(id), |plan| Part::Plan(Arc::clone(plan)))
    }

    pub(super) fn plan(&self, id: PlanId) -> Option<&Plan> {
        self.plans.get(&id).map(|plan| &**plan)
    }

    pub(super) fn put_plan(&mut self, plan: Plan) {
        self.dirty.plans.insert(plan.id);
        self.plans.insert(plan.id, Arc::new(plan));
    }

    pub(super) fn remove_plan(&mut self, id: PlanId) {
        self.dirty.plans.insert(id);
        self.plans.remove(&id);
    }

    pub(super) fn plan_jobs(&self) -> impl DoubleEndedIterator<Item = &PlanJob> {
        self.plan_jobs.values().map(|job| &**job)
    }

    pub(super) fn plan_job(&self, id: JobId) -> Option<&PlanJob> {
        self.plan_jobs.get(&id).map(|job| &**job)
    }

    pub(super) fn plan_job_mut(&mut self, id: JobId) -> Option<&mut PlanJob> {
        self.dirty.plan_jobs.insert(id);
        self.plan_jobs.get_mut(&id).map(Arc::make_mut)
    }

    pub(super) fn put_plan_job(&mut self, job: PlanJob) {
        self.dirty.plan_jobs.insert(job.id);
        self.plan_jobs.insert(job.id, Arc::new(job));
    }

    pub(super) const fn next_job(&mut self) -> JobId {
        self.dirty.counters = true;
        self.counters.jobs += 1;
        JobId(self.counters.jobs)
    }

    pub(super) const fn next_number(&mut self) -> u64 {
        self.dirty.counters = true;
        self.counters.numbers += 1;
        self.counters.numbers
    }

    pub(super) const fn next_generation(&mut self) -> u64 {
        self.dirty.counters = true;
        self.counters.generations += 1;
        self.counters.generations
    }
}

fn item_part(item: &ProtectedItem) -> Part {
    Part::Item(Arc::new(ProtectedItem { health: Default::default(), ..item.clone() }))
}

fn command_part((id, (place, reply)): (&CommandId, &(u64, Reply))) -> Part {
    Part::Command(*id, *place, reply.clone())
}
