//! The writes to replica disks that a target has to do, oldest first, found by group and by what they wait for.
//!
//! It knows in which order they come and which of them can go on. What is written, and what follows from it, is for
//! `write` to say.

use std::collections::{BTreeMap, BTreeSet};

use super::write::{Purpose, Writing};
use crate::content::Content;
use crate::id::GroupId;
use crate::message::RequestId;
use crate::role::Token;
use crate::time::Instant;

/// The writes, numbered in the order in which they came.
#[derive(Debug, Clone)]
pub(super) struct Writings<C: Content> {
    all: BTreeMap<u64, Writing<C>>,
    next: u64,
    by_group: BTreeMap<GroupId, BTreeSet<u64>>,
    /// Those with nothing under way and something to do.
    idle: BTreeSet<u64>,
    /// Those of the idle that failed and wait for their time.
    failed: BTreeSet<u64>,
    /// Those with nothing left to do.
    ended: BTreeSet<u64>,
    by_token: BTreeMap<Token, u64>,
}

impl<C: Content> Writings<C> {
    pub(super) const fn new() -> Self {
        Self {
            all: BTreeMap::new(),
            next: 0,
            by_group: BTreeMap::new(),
            idle: BTreeSet::new(),
            failed: BTreeSet::new(),
            ended: BTreeSet::new(),
            by_token: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn push(&mut self, writing: Writing<C>) {
        let number = self.next;
        self.next += 1;
        self.by_group.entry(writing.purpose.group()).or_default().insert(number);
        self.all.insert(number, writing);
        self.sort(number);
    }

    /// Whether an order is being carried out already.
    pub(super) fn has(&self, request: RequestId, group: GroupId) -> bool {
        let of_group = self.by_group.get(&group).into_iter().flatten();
        of_group.filter_map(|number| self.all.get(number)).any(|w| w.purpose.request() == Some(request))
    }

    /// Whether something of the group is to be written, or under way.
    pub(super) fn is_busy(&self, group: GroupId) -> bool {
        self.by_group.contains_key(&group)
    }

    /// Whether something of the group is under way.
    pub(super) fn is_under_way(&self, group: GroupId) -> bool {
        let of_group = self.by_group.get(&group).into_iter().flatten();
        of_group.filter_map(|number| self.all.get(number)).any(Writing::is_under_way)
    }

    /// When to try again what failed, the first of it.
    pub(super) fn deadline(&self) -> Instant {
        let failed = self.failed.iter().filter_map(|number| self.all.get(number));
        failed.map(Writing::deadline).min().unwrap_or(Instant::MAX)
    }

    /// Those that can go on now, in order. One after the other for each group: two at once could end in either order on
    /// the disk. What they rest on becomes durable in the order in which they came.
    pub(super) fn ready(&self, now: Instant, is_durable: impl Fn(u64) -> bool) -> Vec<u64> {
        let idle = self.idle.iter().filter_map(|number| Some((*number, self.all.get(number)?)));
        idle.take_while(|(_, writing)| is_durable(writing.after))
            .filter(|(number, writing)| writing.may_begin(now) && self.is_first(*number, writing))
            .map(|(number, _)| number)
            .collect()
    }

    fn is_first(&self, number: u64, writing: &Writing<C>) -> bool {
        let of_group = self.by_group.get(&writing.purpose.group());
        of_group.and_then(|of_group| of_group.first()) == Some(&number)
    }

    pub(super) fn get(&self, number: u64) -> Option<&Writing<C>> {
        self.all.get(&number)
    }

    /// Everything that is left of one is under way from now on.
    pub(super) fn begun(&mut self, number: u64, tokens: Vec<(Token, usize)>) {
        self.by_token.extend(tokens.iter().map(|(token, _)| (*token, number)));
        if let Some(writing) = self.all.get_mut(&number) {
            writing.begin(tokens);
        }
        self.sort(number);
    }

    /// Something that was under way has ended: what it was a part of takes note of it.
    pub(super) fn came_back(&mut self, token: Token, note: impl FnOnce(&mut Writing<C>)) {
        let Some(number) = self.by_token.remove(&token) else { return };
        if let Some(writing) = self.all.get_mut(&number) {
            note(writing);
        }
        self.sort(number);
    }

    /// What has been done, in order, taken out.
    pub(super) fn take_ended(&mut self) -> Vec<Purpose<C>> {
        if self.ended.is_empty() {
            return Vec::new();
        }
        let ended = core::mem::take(&mut self.ended);
        ended.into_iter().filter_map(|number| self.remove(number)).map(|writing| writing.purpose).collect()
    }

    /// Gives up everything of a group.
    pub(super) fn remove_group(&mut self, group: GroupId) {
        for number in self.by_group.get(&group).cloned().unwrap_or_default() {
            self.remove(number);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Writing<C>> {
        let writing = self.all.remove(&number)?;
        let group = writing.purpose.group();
        if let Some(of_group) = self.by_group.get_mut(&group) {
            of_group.remove(&number);
            if of_group.is_empty() {
                self.by_group.remove(&group);
            }
        }
        self.idle.remove(&number);
        self.failed.remove(&number);
        self.ended.remove(&number);
        for token in writing.tokens() {
            self.by_token.remove(&token);
        }
        Some(writing)
    }

    /// Puts one where it belongs after it has changed.
    fn sort(&mut self, number: u64) {
        let Some(writing) = self.all.get(&number) else { return };
        let (under_way, over) = (writing.is_under_way(), writing.is_over());
        let failed = !under_way && writing.deadline() < Instant::MAX;
        for (set, belongs) in [
            (&mut self.idle, !under_way && !over),
            (&mut self.failed, failed),
            (&mut self.ended, !under_way && over),
        ] {
            if belongs {
                set.insert(number);
            } else {
                set.remove(&number);
            }
        }
    }
}
