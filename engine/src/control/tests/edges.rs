//! The state machine as a picture: which way its edges lead.

use crate::control::ItemState;
use crate::control::item::reason_of_edge;
use crate::id::Direction::{self, Forward, Reverse};

/// States that have a direction.
const DIRECTED: [fn(Direction) -> ItemState; 9] = [
    ItemState::Enabling,
    ItemState::Synchronising,
    ItemState::Protected,
    ItemState::FailingOver,
    ItemState::FailoverFailed,
    ItemState::FailedOver,
    ItemState::ChangingPoint,
    ItemState::Committing,
    ItemState::Committed,
];

#[test]
fn a_machine_turns_round_only_between_a_commit_and_the_way_back() {
    for (from, to) in DIRECTED.iter().flat_map(|from| DIRECTED.iter().map(move |to| (from, to))) {
        for (there, back) in [(Forward, Reverse), (Reverse, Forward)] {
            let (from, to) = (from(there), to(back));
            let turns = matches!(
                (from, to),
                (ItemState::Committed(_), ItemState::Enabling(_))
                    | (ItemState::Enabling(_), ItemState::Committed(_))
            );
            assert_eq!(reason_of_edge(from, to).is_some(), turns, "{from:?} to {to:?}");
        }
    }
}

#[test]
fn every_state_can_be_left() {
    for from in DIRECTED.iter().map(|state| state(Forward)) {
        let leads_on = DIRECTED.iter().any(|to| {
            let to = [to(Forward), to(Reverse)];
            to.iter().any(|to| *to != from && reason_of_edge(from, *to).is_some())
        });
        assert!(leads_on, "{from:?} has no way out");
    }
}
