//! What is the matter with machines: rarely from the beginning, and as faults that somebody repairs, mostly.

use core::time::Duration;
use std::collections::BTreeSet;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::conditions::ConditionWord;
use switchback_scenarios::model::words::{Component, MachineKind, OsKind};
use switchback_scenarios::model::{Action, VmIndex};
use switchback_sim::Chance;

use super::draw::{one_in, pick, span};

/// What a machine begins with: mostly nothing, and never what keeps it from being protected, which is for a person to see.
pub(super) fn from_the_beginning(chance: &mut Chance, os: OsKind) -> BTreeSet<ConditionWord> {
    if !one_in(chance, 16) {
        return BTreeSet::new();
    }
    let goes = |word: &ConditionWord| word.keeps_from_pausing() || *word == ConditionWord::DriverInUse;
    Some(drawn(chance, os, goes)).into_iter().collect()
}

/// Something goes wrong with a machine, or with the servers.
pub(super) fn breaks(chance: &mut Chance, vm: VmIndex, scenario: &Scenario) -> Action {
    let (os, kind) = (scenario.vms[vm.0].os, scenario.vms[vm.0].kind);
    let what = match chance.below(6) {
        5 => ConditionWord::CacheAccountBlocked,
        4 => drawn(chance, os, |word| word.is_of_inventory() && goes(*word, kind)),
        0 => drawn(chance, os, |word| word.ends_with_restart()),
        1 => drawn(chance, os, |word| word.keeps_from_pausing() || *word == ConditionWord::DriverInUse),
        _ => drawn(chance, os, |word| word.refuses_agent()),
    };
    Action::Break { vm: whose(vm, what), what }
}

/// Somebody repairs what may well be whole.
pub(super) fn repairs(chance: &mut Chance, vm: VmIndex, scenario: &Scenario) -> Action {
    let (os, kind) = (scenario.vms[vm.0].os, scenario.vms[vm.0].kind);
    let what = drawn(chance, os, |word| !word.ends_with_restart() && goes(*word, kind));
    Action::Repair { vm: whose(vm, what), what }
}

/// What ends it: a restart of the machine, or somebody who repairs it. Now and then nobody does.
pub(super) fn undo(chance: &mut Chance, vm: Option<VmIndex>, what: ConditionWord) -> Option<Action> {
    if what.ends_with_restart() {
        let down_for = Some(span(chance, Duration::from_secs(1)..=Duration::from_mins(5)));
        return Some(Action::Crash { who: Component::Agent, vm, down_for });
    }
    // Who may only look, or whose host is lost, can neither take a planned failover back nor bring it to an end; what an
    // account does not take fills the cache that others share. Somebody always sees to that.
    let blocks = matches!(
        what,
        ConditionWord::ReadOnlyAccount | ConditionWord::HostDisconnected | ConditionWord::CacheAccountBlocked
    );
    let is_for_good = !blocks && one_in(chance, 8);
    (!is_for_good).then_some(Action::Repair { vm, what })
}

/// One of the servers is nobody's.
fn goes(word: ConditionWord, kind: MachineKind) -> bool {
    word.is_of_servers() || word.goes_with_kind(kind)
}

fn whose(vm: VmIndex, what: ConditionWord) -> Option<VmIndex> {
    (!what.is_of_servers()).then_some(vm)
}

/// One of those that go with an operating system; every kind has one that goes with both.
fn drawn(chance: &mut Chance, os: OsKind, of: impl Fn(&ConditionWord) -> bool) -> ConditionWord {
    let goes = |word: &&ConditionWord| of(word) && word.goes_with(os);
    let words: Vec<ConditionWord> = ConditionWord::ALL.iter().filter(goes).copied().collect();
    pick(chance, &words)
}
