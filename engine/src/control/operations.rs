//! What a user may ask for, derived from the state and the stack and from nothing else.

use super::vocabulary::{ItemState, Operation, Stack, TestState};
use crate::id::Direction;

/// What a user may ask for in a state, with a test failover beside it.
///
/// Nothing while a test failover runs. What it has made is cleaned up before protection ends; a failover may come
/// first, as recorded, and it does not wait for a cleanup either (recording-classic, site-recovery 1.6).
#[must_use]
pub fn allowed_operations(state: ItemState, test: TestState, stack: Stack) -> Vec<Operation> {
    let ordinary = operations_of(state, stack).iter().copied();
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
            | ItemState::Resuming
    )
}

/// On the modernised way home a failover is planned, and can be taken back while it runs or when it could not be taken
/// back by itself (recording-modernized 2.2, site-recovery 3.4).
const fn operations_of(state: ItemState, stack: Stack) -> &'static [Operation] {
    match (stack, state) {
        (Stack::Modernised, ItemState::Protected(Direction::Reverse)) => &[
            Operation::PlannedFailover,
            Operation::Resync,
            Operation::SwitchProcessServer,
            Operation::Disable,
        ],
        (Stack::Modernised, ItemState::FailingOver(Direction::Reverse)) => &[Operation::Cancel],
        (Stack::Modernised, ItemState::FailoverFailed(Direction::Reverse)) => {
            &[Operation::Cancel, Operation::Disable]
        }
        _ => ordinary_operations(state),
    }
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
        | ItemState::Disabling
        | ItemState::Resuming => &[],
    }
}
