//! The groups of a target, found by their disks, and which of them have been changed since somebody last looked.
//!
//! A target looks after all groups at every input. With a thousand of them it can look only at those that were touched:
//! whoever asks for a group to change it touches it.

use std::collections::BTreeMap;

use super::group::Group;
use crate::content::Content;
use crate::id::{DiskId, GroupId, MachineId};

/// The groups of a target.
#[derive(Debug, Clone)]
pub(super) struct Groups<C: Content> {
    groups: BTreeMap<GroupId, Group<C>>,
    /// The groups whose journals name a machine, in order.
    of_machine: BTreeMap<MachineId, Vec<GroupId>>,
    /// Touched since folds were last planned, some of them several times.
    to_fold: Vec<GroupId>,
    /// Touched since statuses were last reported, some of them several times.
    to_report: Vec<GroupId>,
}

impl<C: Content> Groups<C> {
    pub(super) const fn new() -> Self {
        Self {
            groups: BTreeMap::new(),
            of_machine: BTreeMap::new(),
            to_fold: Vec::new(),
            to_report: Vec::new(),
        }
    }

    pub(super) fn get(&self, id: GroupId) -> Option<&Group<C>> {
        self.groups.get(&id)
    }

    /// A group that is about to change.
    pub(super) fn get_mut(&mut self, id: GroupId) -> Option<&mut Group<C>> {
        self.touch(id);
        self.groups.get_mut(&id)
    }

    /// A group, for whoever goes through the touched ones.
    pub(super) fn get_mut_untouched(&mut self, id: GroupId) -> Option<&mut Group<C>> {
        self.groups.get_mut(&id)
    }

    /// Something about a group has changed.
    pub(super) fn touch(&mut self, id: GroupId) {
        for touched in [&mut self.to_fold, &mut self.to_report] {
            if touched.last() != Some(&id) {
                touched.push(id);
            }
        }
    }

    /// The group whose journal has the disk. Several have when a machine has left its group for a part of it, and the
    /// newest is where it replicates.
    pub(super) fn of_disk(&self, disk: DiskId) -> Option<GroupId> {
        let named = self.of_machine.get(&disk.machine)?;
        let generation = |id: &&GroupId| {
            let group = self.groups.get(id).filter(|group| group.has(disk));
            group.map(|group| group.journal.spec().generation)
        };
        named.iter().filter(|id| generation(id).is_some()).max_by_key(generation).copied()
    }

    /// Puts a group in place of what it was before.
    pub(super) fn insert(&mut self, id: GroupId, group: Group<C>) {
        self.remove(id);
        for (machine, _) in &group.journal.spec().machines {
            let named = self.of_machine.entry(*machine).or_default();
            if let Err(place) = named.binary_search(&id) {
                named.insert(place, id);
            }
        }
        self.groups.insert(id, group);
        self.touch(id);
    }

    pub(super) fn remove(&mut self, id: GroupId) -> Option<Group<C>> {
        let group = self.groups.remove(&id)?;
        for (machine, _) in &group.journal.spec().machines {
            if let Some(named) = self.of_machine.get_mut(machine) {
                named.retain(|group| *group != id);
            }
        }
        Some(group)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (GroupId, &Group<C>)> {
        self.groups.iter().map(|(id, group)| (*id, group))
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The groups that were touched since this was last asked, in order.
    pub(super) fn take_to_fold(&mut self) -> Vec<GroupId> {
        in_order(core::mem::take(&mut self.to_fold))
    }

    /// The groups that were touched since this was last asked, in order.
    pub(super) fn take_to_report(&mut self) -> Vec<GroupId> {
        in_order(core::mem::take(&mut self.to_report))
    }
}

fn in_order(mut touched: Vec<GroupId>) -> Vec<GroupId> {
    touched.sort_unstable();
    touched.dedup();
    touched
}
