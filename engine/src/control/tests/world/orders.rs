//! Agents and targets, as far as the vault notices them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{FakeJournal, World, cut};
use crate::content::Stamp;
use crate::id::{DiskId, GroupId, MachineId, Site};
use crate::journal::GroupJournal;
use crate::message::{Answer, Message, Order, RequestId, Selector};
use crate::point::{Consistency, RecoveryPoint};
use crate::role::{Address, Input};
use crate::time::Instant;

impl World {
    pub(super) fn obey(&mut self, to: Address, request: RequestId, order: Order) {
        let name = format!("{order:?}");
        self.orders.push((to, request, order.clone()));
        let answer = match to {
            Address::Agent(machine, site) if !self.place(machine, site).running => return,
            Address::Agent(machine, site) => self.obey_agent(machine, site, order),
            Address::Target(site) => self.obey_target(site, order),
            Address::Control | Address::ProcessServer(_) => panic!("an order to {to:?}"),
        };
        if !self.loses(&name) {
            let message = Message::Answer { request, answer };
            self.inbox.push_back(Input::Message { from: to, message });
        }
    }

    fn obey_agent(&mut self, machine: MachineId, site: Site, order: Order) -> Answer<Stamp> {
        match order {
            Order::StartReplication(terms) => {
                self.agents.insert((machine, site), terms.generation);
            }
            Order::StopReplication { generation } => {
                let current = self.agents.entry((machine, site)).or_default();
                if *current <= generation {
                    *current = 0;
                }
            }
            Order::Resync { .. } | Order::UseProcessServer { .. } => {}
            other => panic!("an agent is told {other:?}"),
        }
        Answer::Done
    }

    fn obey_target(&mut self, site: Site, order: Order) -> Answer<Stamp> {
        match order {
            Order::OpenJournal(spec) => {
                let key = (spec.group, site);
                let current = self.journals.get(&key).map(|journal| journal.spec.generation);
                if current != Some(spec.generation) {
                    let journal = FakeJournal {
                        spec,
                        points: Vec::new(),
                        shut_down: BTreeSet::new(),
                        finished: BTreeMap::new(),
                        doubtful: Vec::new(),
                    };
                    self.journals.insert(key, journal);
                }
                Answer::Done
            }
            Order::Finish { group, machine, selector, .. } => self.finish(site, group, machine, selector),
            Order::PinPoint { group, selector, .. } => {
                let Some(journal) = self.journals.get_mut(&(group, site)) else {
                    return Answer::Unknown;
                };
                choose(journal, self.now, selector).map_or(Answer::NoSuchPoint, Answer::Chosen)
            }
            Order::UnpinPoint { .. } => Answer::Done,
            Order::OpenPoint { group, machine, point } => {
                let Some(journal) = self.journals.get(&(group, site)) else {
                    return Answer::Unknown;
                };
                if !journal.points.iter().any(|known| known.id == point) {
                    return Answer::NoSuchPoint;
                }
                let empty = GroupJournal::<Stamp>::new(&journal.spec);
                let view = |index| empty.head(DiskId { machine, index }).expect("a view");
                Answer::Views(vec![Arc::new(view(0)), Arc::new(view(1))])
            }
            Order::Promote { machine, .. } => {
                assert!(self.place(machine, Site::Primary).attached, "the disks are not attached");
                Answer::Done
            }
            Order::CloseJournal { group, fold, .. } => {
                let at_home = self.journals.get(&(group, site)).is_some_and(|_| site == Site::Primary);
                assert!(!at_home || fold.is_none(), "a fold would overwrite the disks of a running machine");
                self.journals.remove(&(group, site));
                Answer::Done
            }
            other => panic!("a target is told {other:?}"),
        }
    }

    fn finish(&mut self, site: Site, group: GroupId, machine: MachineId, wanted: Selector) -> Answer<Stamp> {
        let now = self.now;
        let Some(journal) = self.journals.get_mut(&(group, site)) else {
            return Answer::Unknown;
        };
        if let Some((_, point)) = journal.finished.get(&machine).filter(|(selector, _)| *selector == wanted) {
            return Answer::Chosen(*point);
        }
        let Some(point) = choose(journal, now, wanted) else {
            return Answer::NoSuchPoint;
        };
        journal.finished.insert(machine, (wanted, point));
        Answer::Chosen(point)
    }
}

fn choose(journal: &mut FakeJournal, now: Instant, wanted: Selector) -> Option<RecoveryPoint> {
    match wanted {
        Selector::Latest => Some(cut(journal, now, Consistency::Crash)),
        Selector::LatestProcessed | Selector::Drained => journal.points.last().copied(),
        Selector::LatestApplication => {
            journal.points.iter().rfind(|point| point.consistency == Consistency::Application).copied()
        }
        Selector::LatestCrash => {
            journal.points.iter().rfind(|point| point.consistency == Consistency::Crash).copied()
        }
        Selector::Exactly(id) => journal.points.iter().find(|point| point.id == id).copied(),
    }
}
