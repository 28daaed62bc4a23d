//! The vault without its edges: what it remembers, what it waits for, what it wants said.
//!
//! Everything that does not depend on what a disk holds works on this struct; [`super::Control`] puts the durable
//! store and the disk views around it.

use std::collections::BTreeMap;

use super::config::ControlConfig;
use super::group::{Group, Run};
use super::item::{ItemStatus, ProtectedItem, TestStatus};
use super::jobs::{Job, What};
use super::ledger::{ControlRecord, Ledger};
use super::silence::Heard;
use super::vocabulary::{ItemState, JobId, JobState, TaskState, TestState};
use super::wire::{Timer, Wire, Wish};
use crate::id::{GroupId, MachineId};
use crate::message::{Observation, Order, RequestId, TargetStatus};
use crate::role::Address;
use crate::time::Instant;

/// The time at which a question of an earlier life is looked at. No question of this life is looked at then:
/// the first look is a repeat away from the first asking.
pub(super) const RECOVERED: Instant = Instant::ZERO;

/// The vault without its edges.
#[derive(Debug, Clone)]
pub(super) struct Vault {
    pub config: ControlConfig,
    pub now: Instant,
    pub ledger: Ledger,
    /// What of it is durable: all that is shown to the outside.
    pub shown: Ledger,
    pub wire: Wire,
    /// What the targets said last of each run that is not closed. Not kept: the next heartbeat brings it back.
    pub statuses: BTreeMap<(GroupId, u64), TargetStatus>,
    /// When the others were heard of.
    pub heard: Heard,
    pub wishes: Vec<Wish>,
}

impl Vault {
    pub(super) fn new(config: ControlConfig) -> Self {
        Self {
            config,
            now: Instant::ZERO,
            ledger: Ledger::default(),
            shown: Ledger::default(),
            wire: Wire::default(),
            statuses: BTreeMap::new(),
            heard: Heard::default(),
            wishes: Vec::new(),
        }
    }

    /// Goes on from what the store kept: every open question is asked again at the first wake. The states are
    /// reported again too: what was durable and not reported before the end of the last life is lost otherwise.
    pub(super) fn recover(config: ControlConfig, records: Vec<ControlRecord>) -> Self {
        let ledger = Ledger::replay(records);
        let mut vault = Self { shown: ledger.clone(), ledger, ..Self::new(config) };
        vault.reopen_views();
        let running = vault.ledger.jobs().filter(|job| job.state == JobState::InProgress);
        for job in running {
            let asks = job.current_task().into_iter().flat_map(|task| &task.asks);
            for ask in asks.filter(|ask| ask.result.is_none()) {
                vault.wire.set(ask.number, job.id, RECOVERED);
            }
        }
        vault.reopen_scripts();
        let protected = vault.ledger.items().values().filter(|item| is_protected(item));
        for item in protected {
            vault.wire.watch_rpo(item.machine, Instant::ZERO);
        }
        vault.wire.watch_health(Instant::ZERO);
        let states = vault.ledger.items().values().map(|item| (item.machine, item.state()));
        let report = |(machine, to)| Wish::Observe(Observation::Item { machine, to });
        let tests = vault.ledger.items().values().map(|item| (item.machine, item.test()));
        let report_test = |(machine, to)| Wish::Observe(Observation::Test { machine, to });
        vault.wishes = states.map(report).chain(tests.map(report_test)).collect();
        vault
    }

    /// The views of a point are too big to keep, so the question for them is open again.
    fn reopen_views(&mut self) {
        let running = self.ledger.jobs().filter(|job| job.state == JobState::InProgress);
        for id in running.map(|job| job.id).collect::<Vec<_>>() {
            let Some(task) = self.ledger.job_mut(id).and_then(Job::task_mut) else {
                continue;
            };
            if !task.asks.iter().any(|ask| ask.result.is_none() && ask.what.needs_view()) {
                continue;
            }
            for ask in task.asks.iter_mut().filter(|ask| ask.what.is_open_point()) {
                ask.result = None;
            }
        }
    }

    pub(super) fn item(&self, machine: MachineId) -> Option<&ProtectedItem> {
        self.ledger.items().get(&machine)
    }

    pub(super) fn job(&self, id: JobId) -> Option<&Job> {
        self.ledger.job(id)
    }

    pub(super) fn group_of(&self, machine: MachineId) -> Option<&Group> {
        self.ledger.group(self.item(machine)?.group)
    }

    /// The run an item belongs to.
    pub(super) fn run_of(&self, machine: MachineId) -> Option<&Run> {
        self.group_of(machine)?.run(self.item(machine)?.generation)
    }

    pub(super) fn run_of_mut(&mut self, machine: MachineId) -> Option<&mut Run> {
        let (group, generation) = self.item(machine).map(|item| (item.group, item.generation))?;
        self.ledger.group_mut(group)?.run_mut(generation)
    }

    /// What the target said last of the run an item belongs to.
    pub(super) fn status_of(&self, machine: MachineId) -> Option<&TargetStatus> {
        let item = self.item(machine)?;
        self.statuses.get(&(item.group, item.generation))
    }

    pub(super) fn observe(&mut self, observation: Observation) {
        self.wishes.push(Wish::Observe(observation));
    }

    /// Moves an item and tells.
    pub(super) fn transition(&mut self, machine: MachineId, to: ItemStatus, trigger: &str) {
        let state = to.state();
        let Some(item) = self.ledger.item_mut(machine) else {
            return;
        };
        item.transition(to, trigger);
        item.rpo_alert = false;
        item.was_tested &= !matches!(state, ItemState::Enabling(_));
        self.observe(Observation::Item { machine, to: state });
        self.watch_rpo(machine);
        match state {
            ItemState::Synchronising(_) | ItemState::Protected(_) => self.watch_health(),
            _ => self.lower_symptoms(machine),
        }
    }

    /// Moves the test failover of an item and tells.
    pub(super) fn test_is(&mut self, machine: MachineId, to: TestStatus) {
        let Some(item) = self.ledger.item_mut(machine) else {
            return;
        };
        item.test = to;
        let to = item.test();
        self.observe(Observation::Test { machine, to });
    }

    /// Gives an order that no task waits for and that is not repeated: whoever missed it shows it in its status.
    pub(super) fn order_once(&mut self, to: Address, order: Order) {
        let number = self.ledger.next_number();
        self.wishes.push(Wish::Order(to, RequestId(number), order));
    }

    /// The deadline came: repeats questions, gives up on some, looks at lags.
    pub(super) fn wake(&mut self, is_held: impl Fn(u64) -> bool) {
        while let Some(timer) = self.wire.take_due(self.now) {
            match timer {
                Timer::Ask(number) => self.repeat_or_give_up(number, is_held(number)),
                Timer::Rpo(machine) => self.check_rpo(machine),
                Timer::Health => self.check_health(),
            }
        }
    }

    /// The views of a job are here: its disks can be asked for that had to wait for them after a restart.
    pub(super) fn views_arrived(&mut self, id: JobId) {
        for number in self.wire.numbers_of(id) {
            let what = self.job(id).and_then(|job| job.ask(number)).map(|ask| &ask.what);
            if what.is_some_and(What::needs_view) {
                self.wishes.push(Wish::Ask(number));
            }
        }
    }

    /// Whether a job still has something to do.
    pub(super) fn is_running(&self, id: JobId) -> bool {
        self.job(id).is_some_and(|job| job.state == JobState::InProgress)
    }

    /// Whether a machine is being made from a point, or what was made of it is being removed.
    pub(super) fn is_recovering(&self, machine: MachineId) -> bool {
        let is_recovering = |item: &ProtectedItem| {
            item.test() == TestState::InProgress
                || matches!(
                    item.state(),
                    ItemState::FailingOver(_) | ItemState::ChangingPoint(_) | ItemState::Cancelling
                )
        };
        self.item(machine).is_some_and(is_recovering)
    }

    /// Ends a job's record; its item is moved by whoever calls this.
    pub(super) fn close_job(&mut self, id: JobId, state: JobState) {
        let now = self.now;
        for number in self.wire.numbers_of(id) {
            self.wire.close(number);
        }
        let Some(job) = self.ledger.job_mut(id) else {
            return;
        };
        job.state = state;
        job.ended = Some(now);
        let (kind, machine) = (job.kind, job.machine);
        self.observe(Observation::Job { job: id, kind, machine, state });
    }

    /// Ends the task that is under way.
    pub(super) fn close_task(&mut self, id: JobId, state: TaskState) {
        let now = self.now;
        let Some(task) = self.ledger.job_mut(id).and_then(Job::task_mut) else {
            return;
        };
        task.state = state;
        task.ended = Some(now);
        let kind = task.kind;
        self.observe(Observation::Task { job: id, task: kind, state });
    }
}

fn is_protected(item: &ProtectedItem) -> bool {
    matches!(item.state(), ItemState::Protected(_))
}
