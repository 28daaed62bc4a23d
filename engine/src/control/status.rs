//! What agents and targets say of themselves, and what the vault makes of it.
//!
//! Statuses are complete and are sent again and again; any of them may be late or overtaken. A target's status
//! counts only if it does not go back: same generation, no older newest point. An agent's counts only from the
//! site the item replicates from, and not from an earlier life of it.
//!
//! # Orders that follow from a status
//! - An agent that replicates where or under what it should not is told to stop that generation.
//! - An agent that does not replicate, or under an older generation, although it should, is told to start again
//!   with a comparison, once it has said so for a while. Its memory of what changed is gone (it was reinstalled,
//!   or its group went over to a new generation), so only a comparison can tell what the replica lacks.
//! - A target is told to open a journal that no job opens, before an agent is told to start, and to close one that
//!   no machine is in any more; see [`super::parts`].
//! - When an agent's disks are larger than they were known to be, the target is told to let the replica disks grow.
//! - When a target doubts its replica, the agents of its machines are told to resync, once per occurrence.
//!
//! Such an order is sent again, under its number, whenever a further status shows that it is needed still.

use super::item::{Health, ItemStatus, Standing};
use super::jobs::Awaited;
use super::vault::Vault;
use super::vocabulary::ItemState;
use super::wire::Wish;
use crate::id::{MachineId, Site};
use crate::message::{AgentStatus, FirstCopy, Order, Replication, RequestId, ResyncReason, TargetStatus};
use crate::role::Address;

impl Vault {
    /// An agent says how it is.
    pub(super) fn agent_status(&mut self, site: Site, status: &AgentStatus) {
        let Some(item) = self.item(status.machine) else {
            return;
        };
        let (machine, generation) = (item.machine, item.generation);
        let belongs = item.replicates_from() == Some(site);
        if belongs && status.generation == generation {
            self.note_health(status);
            self.note_sizes(machine, site, &status.disk_sectors);
            return self.check_if_ill(machine);
        }
        if status.generation != 0 && (status.generation < generation || !belongs) {
            let stop = Order::StopReplication { generation: status.generation };
            self.stand(machine, Address::Agent(machine, site), stop);
        }
        if belongs && status.generation < generation {
            self.note_life(status);
            self.start_again(machine, site);
        }
    }

    /// An agent that takes no part in the run yet into which its machine was carried over lives all the same.
    fn note_life(&mut self, status: &AgentStatus) {
        if status.generation == 0 {
            return;
        }
        let now = self.now;
        self.set_health(status.machine, |health| {
            (health.heard, health.churns_too_much) = (Some(now), status.churns_too_much);
        });
    }

    fn note_health(&mut self, status: &AgentStatus) {
        if self.item(status.machine).is_none_or(|item| status.session < item.health.session) {
            return;
        }
        let health = Health {
            heard: Some(self.now),
            idle_since: None,
            session: status.session,
            order: status.order,
            resync: status.resync,
            resync_waits: status.resync_waits,
            sectors_to_copy: status.sectors_to_copy,
            pending_bytes: status.pending_bytes,
            failed_markers: status.failed_markers,
            churns_too_much: status.churns_too_much,
            unanswered_secs: status.unanswered_secs,
        };
        self.set_health(status.machine, |known| *known = health);
    }

    /// Health is shown at once and not kept.
    fn set_health(&mut self, machine: MachineId, set: impl Fn(&mut Health)) {
        for ledger in [&mut self.ledger, &mut self.shown] {
            if let Some(item) = ledger.item_mut_unkept(machine) {
                set(&mut item.health);
            }
        }
    }

    /// The agent does not replicate although it should. While a job is about to start or stop it, that job does.
    fn start_again(&mut self, machine: MachineId, site: Site) {
        let (now, patience) = (self.now, self.config.blank_agent_after);
        let Some(item) = self.ledger.item_mut_unkept(machine) else {
            return;
        };
        if !is_replicating(item.state()) {
            return;
        }
        let since = *item.health.idle_since.get_or_insert(now);
        if now.since(since) < patience {
            return;
        }
        item.health.session = 0;
        if let Some(open) = self.journal_nobody_opens(machine) {
            return self.stand(machine, Address::Target(site.other()), open);
        }
        if let Some(replication) = self.replication_again(machine) {
            self.stand(machine, Address::Agent(machine, site), Order::StartReplication(replication));
        }
    }

    fn replication_again(&self, machine: MachineId) -> Option<Replication> {
        let item = self.item(machine)?;
        let run = self.run_of(machine)?;
        Some(Replication {
            generation: run.generation,
            group: item.group,
            members: run.members().collect(),
            process_server: item.process_server,
            disk_sectors: item.disk_sectors.clone(),
            policy: item.policy_in(run.direction),
            first: FirstCopy::Compare,
        })
    }

    /// Gives an order that follows from a status, under the number it had if it was given before.
    pub(super) fn stand(&mut self, machine: MachineId, to: Address, order: Order) {
        let known =
            self.item(machine).and_then(|item| item.standing.iter().find(|s| s.to == to && s.order == order));
        if let Some(standing) = known {
            let number = standing.number;
            return self.wishes.push(Wish::Order(to, RequestId(number), order));
        }
        let number = self.ledger.next_number();
        let Some(item) = self.ledger.item_mut(machine) else {
            return;
        };
        item.standing.push(Standing { number, to, order: order.clone(), answered: false });
        self.wishes.push(Wish::Order(to, RequestId(number), order));
    }

    /// An order that follows from a status was answered.
    ///
    /// What is done once is forgotten, so that a later one is a new order. A stop keeps its number: a late status may ask
    /// for it again. A resync keeps it until the target no longer doubts.
    pub(super) fn standing_answered(&mut self, from: Address, number: u64) {
        let is_it = |s: &Standing| s.number == number && s.to == from && !s.answered;
        let given = self.ledger.items().values().find_map(|item| {
            let standing = item.standing.iter().find(|standing| is_it(standing))?;
            Some((item.machine, standing.order.clone()))
        });
        let Some((machine, order)) = given else { return };
        let Some(item) = self.ledger.item_mut(machine) else { return };
        for standing in item.standing.iter_mut().filter(|standing| standing.number == number) {
            standing.answered = true;
        }
        item.standing.retain(|s| !(s.answered && s.is_once()));
        match order {
            Order::OpenJournal(spec) => self.journal_opened(&spec),
            Order::GrowReplicas { .. } | Order::CloseJournal { .. } => {}
            _ => item.health.idle_since = None,
        }
    }

    /// A target says what it holds.
    pub(super) fn target_status(&mut self, site: Site, status: TargetStatus) {
        let key = (status.group, status.generation);
        let group = self.ledger.group(status.group);
        let run = group.and_then(|group| group.run(status.generation)).filter(|run| !run.closed);
        let Some(run) = run.filter(|run| run.direction.target() == site) else {
            return self.close_abandoned(site, status.group, status.generation);
        };
        let newest = status.points.last().copied();
        if newest.map(|point| point.id) < run.newest.map(|point| point.id) {
            return;
        }
        let is_newer = newest.map(|point| point.id) > run.newest.map(|point| point.id);
        let members: Vec<MachineId> = run.joined.iter().copied().collect();
        let (id, is_shut_down) = (status.group, !status.shut_down.is_empty());
        let doubtful = status.doubtful.clone();
        self.statuses.insert(key, status);
        if is_newer && let Some(run) = self.ledger.group_mut(id).and_then(|group| group.run_mut(key.1)) {
            run.newest = newest;
        }
        for machine in members {
            self.protect_if_pointed(machine);
            let doubt = doubtful.iter().find(|(of, _)| *of == machine).map(|(_, session)| *session);
            self.resync_if_doubtful(machine, key.1, doubt);
            if is_newer {
                self.check_rpo(machine);
                self.check_if_ill(machine);
            }
        }
        self.recheck_awaited(Awaited::Points, id);
        if is_shut_down {
            self.recheck_awaited(Awaited::ShutDownPoint, id);
            self.recheck_awaited(Awaited::Drained, id);
        }
    }

    /// An item whose run shows a point is protected from then on.
    pub(super) fn protect_if_pointed(&mut self, machine: MachineId) {
        let Some(&ItemStatus::Synchronising { direction, .. }) = self.item(machine).map(|item| item.status())
        else {
            return;
        };
        if self.run_of(machine).is_some_and(|run| run.newest.is_some()) {
            let to = ItemStatus::Protected { direction, since: self.now };
            self.transition(machine, to, "first recovery point");
        }
    }

    /// Orders a resync of a machine whose replica came to be in doubt in a session. One that was ordered is ordered again
    /// when the doubt is of the session that it began.
    fn resync_if_doubtful(&mut self, machine: MachineId, generation: u64, doubt: Option<u32>) {
        let Some(item) = self.item(machine).filter(|item| item.generation == generation) else {
            return;
        };
        let order = Order::Resync { reason: ResyncReason::TargetError };
        let given = item.standing.iter().find(|standing| standing.order == order);
        let is_answered = given.is_some_and(|standing| standing.answered);
        let is_new = doubt.is_some_and(|session| (1..=session).contains(&item.health.session));
        let is_over = given.is_some() && (doubt.is_none() || is_answered && is_new);
        let is_wanted = doubt.is_some() && (!is_answered || is_new) && is_replicating(item.state());
        let site = item.direction().source();
        if is_over && let Some(item) = self.ledger.item_mut(machine) {
            item.standing.retain(|standing| standing.order != order);
        }
        if is_wanted {
            self.stand(machine, Address::Agent(machine, site), order);
        }
    }
}

const fn is_replicating(state: ItemState) -> bool {
    matches!(state, ItemState::Synchronising(_) | ItemState::Protected(_))
}
