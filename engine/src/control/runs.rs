//! Machines enter and leave runs of replication; see [`super::group`] for the rules.

use std::collections::BTreeSet;

use super::group::Run;
use super::item::{Health, ItemStatus, ProtectedItem};
use super::vault::Vault;
use super::vocabulary::{ItemState, JobId, JobKind, JobState};
use crate::id::{Direction, GroupId, MachineId};

impl Vault {
    /// Puts a machine into the run it is to replicate in.
    pub(super) fn enter_run(&mut self, machine: MachineId, direction: Direction, job: JobId) {
        let Some(group) = self.group_of(machine) else {
            return;
        };
        let id = group.id;
        let generation = match group.joinable(machine, direction) {
            Some(generation) => generation,
            None => self.begin_run(id, direction, job),
        };
        if let Some(item) = self.ledger.item_mut(machine) {
            item.generation = generation;
            item.standing.clear();
            item.health = Health::default();
        }
        if let Some(run) = self.run_of_mut(machine) {
            run.joined.insert(machine);
        }
    }

    /// A machine does not replicate after all. Where nobody has been told the members yet, the others go on without it.
    pub(super) fn go_on_without_waiting_for(&mut self, machine: MachineId, direction: Direction) {
        let group = self.item(machine).map(|item| item.group);
        let newest = group.and_then(|id| self.ledger.group_mut(id)).and_then(|group| group.runs.last_mut());
        if let Some(run) = newest.filter(|run| run.direction == direction && !run.open) {
            run.disks.retain(|(member, _)| *member != machine);
        }
    }

    pub(super) fn begin_run(&mut self, id: GroupId, direction: Direction, opener: JobId) -> u64 {
        let generation = self.ledger.next_generation();
        let machines = self.ledger.group(id).map_or_else(Vec::new, |group| group.machines.clone());
        let beginning = self.job(opener).map(|job| (job.kind, job.machine));
        let carried = self.carried_over(id, direction);
        let is_member = |item: &&ProtectedItem| {
            if let Some((JobKind::Cancel, machine)) = beginning {
                return item.machine == machine || carried.contains(&item.machine);
            }
            let is_going =
                [ItemState::Unprotected, ItemState::Disabling, ItemState::Cancelling].contains(&item.state());
            let is_first = matches!(beginning, Some((JobKind::Enable, _)));
            item.group == id && (is_first || !is_going) && self.is_expected(item, direction, &carried, opener)
        };
        let items = machines.iter().filter_map(|machine| self.item(*machine)).filter(is_member);
        let disks: Vec<_> = items.map(|item| (item.machine, item.disk_sectors.clone())).collect();
        let Some(group) = self.ledger.group_mut(id) else {
            return generation;
        };
        let mut behind_since = None;
        for older in group.runs.iter_mut().filter(|run| run.direction == direction) {
            if !older.closed && !carried.is_empty() {
                behind_since = behind_since.max(older.newest_instant());
            }
            older.closed = true;
        }
        group.runs.push(Run {
            generation,
            direction,
            disks,
            joined: carried.iter().copied().collect(),
            left: BTreeSet::new(),
            opener,
            open: false,
            closed: false,
            newest: None,
            behind_since,
            resumed_at: None,
        });
        for machine in carried {
            if let Some(item) = self.ledger.item_mut(machine) {
                item.generation = generation;
            }
        }
        self.forget_closed_runs(id);
        generation
    }

    /// Whether a machine will join those that begin a run, as far as anybody knows: at home it has to come through
    /// the same master target, and nobody counts on one that has tried and could not.
    fn is_expected(
        &self,
        item: &ProtectedItem,
        direction: Direction,
        carried: &[MachineId],
        opener: JobId,
    ) -> bool {
        let beginner = self.job(opener).map(|job| job.machine);
        let first = carried.first().copied().or(beginner);
        let through = |machine: MachineId| self.received_by(machine, opener);
        if carried.contains(&item.machine) {
            return true;
        }
        !self.was_turned_back(item, direction)
            && (direction == Direction::Forward
                || first.is_none_or(|first| through(first) == through(item.machine)))
    }

    /// Whether a machine stands where the last attempt to let it turn round has left it.
    fn was_turned_back(&self, item: &ProtectedItem, direction: Direction) -> bool {
        let mut of_machine = self.ledger.jobs().rev().filter(|job| job.machine == item.machine);
        let last = of_machine.find(|job| job.kind == JobKind::Reprotect && job.direction == direction);
        matches!(item.state(), ItemState::Committed(_))
            && last.is_some_and(|job| job.state == JobState::Failed)
    }

    /// The machines of a group that replicate in an older run of the same direction, or are about to: the journal of that
    /// one is gone with the new one.
    pub(super) fn carried_over(&self, id: GroupId, direction: Direction) -> Vec<MachineId> {
        let replicating = [ItemState::Enabling, ItemState::Synchronising, ItemState::Protected];
        let is_there = |item: &&ProtectedItem| {
            let replicates = replicating.iter().any(|state| state(direction) == item.state())
                || matches!(item.status, ItemStatus::Resuming { stopped: false, .. });
            item.group == id && replicates && self.has_entered(item.machine, direction)
        };
        self.ledger.items().values().filter(is_there).map(|item| item.machine).collect()
    }

    /// Whether a machine is in a run of that direction.
    fn has_entered(&self, machine: MachineId, direction: Direction) -> bool {
        self.run_of(machine).is_some_and(|run| {
            run.direction == direction && run.joined.contains(&machine) && !run.left.contains(&machine)
        })
    }

    /// The target has closed the journal of a machine's run.
    pub(super) fn journal_closed(&mut self, machine: MachineId) {
        if let Some(run) = self.run_of_mut(machine) {
            run.closed = true;
        }
    }

    /// Forgets the runs of a machine's group whose journals are closed and which nobody is in.
    pub(super) fn forget_run(&mut self, machine: MachineId) {
        if let Some(id) = self.item(machine).map(|item| item.group) {
            self.forget_closed_runs(id);
        }
    }

    fn forget_closed_runs(&mut self, id: GroupId) {
        let used: BTreeSet<u64> = self
            .ledger
            .items()
            .values()
            .filter(|item| item.group == id)
            .map(|item| item.generation)
            .collect();
        let Some(group) = self.ledger.group_mut(id) else {
            return;
        };
        group.runs.retain(|run| !run.closed || used.contains(&run.generation));
        let open: BTreeSet<u64> =
            group.runs.iter().filter(|run| !run.closed).map(|run| run.generation).collect();
        self.statuses.retain(|(group, generation), _| *group != id || open.contains(generation));
    }
}
