//! The parts of a group that comes home through several master targets.
//!
//! A master target keeps the journal of what comes home through it, so machines that come through different ones share no
//! recovery point (site-recovery 3.7; the product allows it and offers no common point in time). The machines of a group
//! that come through one master target are a *part*, with a journal, barriers and points of its own; the first to come is
//! in the part that has the number of the group itself. On the way to the other site a group is whole again.
//!
//! A machine that leaves for a part of its own was counted on by those that came before it: their journal could show no
//! point without it. They begin a run anew among themselves, and their replicas are compared.

use super::group::Group;
use super::item::{ItemStatus, ProtectedItem};
use super::vault::Vault;
use super::vocabulary::JobId;
use crate::id::{Direction, GroupId, MachineId, MasterTargetId, Site};
use crate::message::Order;
use crate::role::Address;

impl Vault {
    /// Puts a machine that is about to replicate into the whole of its group or into a part of it.
    pub(super) fn choose_part(&mut self, machine: MachineId, direction: Direction, job: JobId) {
        let Some(from) = self.item(machine).map(|item| item.group) else { return };
        let to = match direction {
            Direction::Forward => from.whole(),
            Direction::Reverse => self.part_at_home(machine, from, job),
        };
        if from == to {
            return;
        }
        if self.ledger.group(to).is_none() {
            let machines =
                self.ledger.group(from.whole()).map_or_else(Vec::new, |whole| whole.machines.clone());
            self.ledger.put_group(Group { id: to, machines, runs: Vec::new() });
        }
        if let Some(item) = self.ledger.item_mut(machine) {
            (item.group, item.generation) = (to, 0);
        }
        if direction == Direction::Reverse {
            self.go_on_without(machine, from, job);
        }
    }

    /// Where those are that come home through the same master target; else where nobody is.
    fn part_at_home(&self, machine: MachineId, present: GroupId, job: JobId) -> GroupId {
        let own = self.received_by(machine, job);
        let others = || {
            let items = self.ledger.items().values();
            items.filter(|other| other.machine != machine && other.group.whole() == present.whole())
        };
        let coming = || others().filter(|other| self.comes_home(other));
        if let Some(companion) = coming().find(|other| self.received_by(other.machine, job) == own) {
            return companion.group;
        }
        let whole = present.whole();
        let parts = (0..MasterTargetId::MAX.0).map(|number| whole.part(MasterTargetId(number)));
        let mut free = [present, whole].into_iter().chain(parts);
        free.find(|part| coming().all(|other| other.group != *part)).unwrap_or(present)
    }

    fn comes_home(&self, item: &ProtectedItem) -> bool {
        self.run_of(item.machine).is_some_and(|run| {
            run.direction == Direction::Reverse
                && !run.closed
                && run.joined.contains(&item.machine)
                && !run.left.contains(&item.machine)
        })
    }

    /// The master target that a machine comes home through, or will next unless another is named. One job is about to
    /// begin and not yet in the status of its machine.
    pub(super) fn received_by(&self, machine: MachineId, begins: JobId) -> MasterTargetId {
        let Some(item) = self.item(machine) else { return MasterTargetId::default() };
        let job = match item.status() {
            ItemStatus::Enabling { job, .. } => self.job(*job),
            _ => self.job(begins).filter(|job| job.machine == machine),
        };
        let named = job.and_then(|job| job.facts.named).map(|(named, _)| named);
        named.or(item.master_target).unwrap_or_default()
    }

    /// The machines that counted on one which has left for another part begin anew, unless one of them is past that.
    fn go_on_without(&mut self, gone: MachineId, part: GroupId, job: JobId) {
        let Some(run) = self.ledger.group(part).and_then(Group::open_run) else { return };
        let counted_on = run.direction == Direction::Reverse
            && run.members().any(|member| member == gone)
            && !run.joined.contains(&gone);
        let staying: Vec<MachineId> =
            run.joined.iter().filter(|member| !run.left.contains(member)).copied().collect();
        let carried = self.carried_over(part, Direction::Reverse);
        if counted_on && !staying.is_empty() && staying.iter().all(|member| carried.contains(member)) {
            let opener = staying.iter().find_map(|member| self.beginning(*member)).unwrap_or(job);
            self.begin_run(part, Direction::Reverse, opener);
        }
    }

    /// The journal of a machine's run that no job is going to open, if that is how it is.
    pub(super) fn journal_nobody_opens(&self, machine: MachineId) -> Option<Order> {
        let (item, run) = (self.item(machine)?, self.run_of(machine)?);
        let opens = |member: &MachineId| self.beginning(*member) == Some(run.opener);
        if run.open || run.closed || run.joined.iter().any(opens) {
            return None;
        }
        Some(Order::OpenJournal(run.journal(item.group, item.policy_in(run.direction))))
    }

    /// The job with which a machine enters its run, while it runs.
    pub(super) fn beginning(&self, machine: MachineId) -> Option<JobId> {
        match self.item(machine)?.status {
            ItemStatus::Enabling { job, .. } | ItemStatus::Resuming { job, entered: true, .. } => Some(job),
            _ => None,
        }
    }

    /// Closes a journal that a target keeps for a part of a group in which no machine is any more.
    pub(super) fn close_abandoned(&mut self, site: Site, part: GroupId, generation: u64) {
        let items = self.ledger.items().values();
        let mut of_whole = items.filter(|item| item.group.whole() == part.whole());
        let Some(owner) = of_whole.clone().next().map(|item| item.machine) else { return };
        if part != part.whole() && of_whole.all(|item| item.group != part) {
            let order = Order::CloseJournal { group: part, generation, fold: None };
            self.stand(owner, Address::Target(site), order);
        }
    }
}
