//! What a user may ask for, derived from the state and from nothing else.

use super::vocabulary::{ItemState, Operation, TestState};
use crate::id::Direction;

/// What a user may ask for in a state, with a test failover beside it.
///
/// Nothing while a test failover runs. What it has made is cleaned up before protection ends; a failover may come
/// first, as recorded, and it does not wait for a cleanup either (recording-classic, site-recovery 1.6).
#[must_use]
pub fn allowed_operations(state: ItemState, test: TestState) -> Vec<Operation> {
    let ordinary = ordinary_operations(state).iter().copied();
    match test {
        TestState::None if state == ItemState::Protected(Direction::Forward) => {
            ordinary.chain([Operation::TestFailover]).collect()
        }
        TestState::None | TestState::CleaningUp => ordinary.collect(),
        TestState::InProgress => Vec::new(),
        TestState::Active => {
            let clean_up = (!is_passing(state)).then_some(Operation::CleanUpTest);
            ordinary.filter(|operation| *operation != Operation::Disable).chain(clean_up).collect()
        }
    }
}

/// Whether a job moves the item.
const fn is_passing(state: ItemState) -> bool {
    matches!(
        state,
        ItemState::Enabling(_)
            | ItemState::FailingOver(_)
            | ItemState::ChangingPoint(_)
            | ItemState::Committing(_)
            | ItemState::Cancelling
            | ItemState::Disabling
    )
}

/// What a user may ask for in a state.
///
/// What the machine is to look like away can be changed as long as it may still be recovered there.
/// Nothing while a job moves the item, but for stopping a forward failover: on the way home the recovered
/// machine is stopped first, and there is nothing to go back to that would not lose its last writes.
const fn ordinary_operations(state: ItemState) -> &'static [Operation] {
    match state {
        ItemState::Unprotected => &[Operation::Enable, Operation::Disable],
        ItemState::Synchronising(Direction::Forward) => {
            &[Operation::Resync, Operation::SwitchProcessServer, Operation::Disable, Operation::Configure]
        }
        ItemState::Synchronising(Direction::Reverse) => {
            &[Operation::Resync, Operation::SwitchProcessServer, Operation::Disable]
        }
        ItemState::Protected(Direction::Forward) => &[
            Operation::Failover,
            Operation::Resync,
            Operation::SwitchProcessServer,
            Operation::Disable,
            Operation::Configure,
        ],
        ItemState::Protected(Direction::Reverse) => {
            &[Operation::Failover, Operation::Resync, Operation::SwitchProcessServer, Operation::Disable]
        }
        ItemState::FailingOver(Direction::Forward) => &[Operation::Cancel],
        ItemState::FailoverFailed(Direction::Forward) => {
            &[Operation::Failover, Operation::Disable, Operation::Configure]
        }
        ItemState::FailoverFailed(Direction::Reverse) => &[Operation::Failover, Operation::Disable],
        ItemState::FailedOver(Direction::Forward) => &[Operation::ChangePoint, Operation::Commit],
        ItemState::FailedOver(Direction::Reverse) => &[Operation::Commit],
        ItemState::Committed(_) => &[Operation::Reprotect, Operation::Disable],
        ItemState::Enabling(_)
        | ItemState::FailingOver(Direction::Reverse)
        | ItemState::ChangingPoint(_)
        | ItemState::Committing(_)
        | ItemState::Cancelling
        | ItemState::Disabling => &[],
    }
}
