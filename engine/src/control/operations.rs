//! What a user may ask for, derived from the state and from nothing else.

use super::vocabulary::{ItemState, Operation};
use crate::id::Direction;

/// What a user may ask for in a state.
///
/// Nothing while a job moves the item, but for stopping a forward failover: on the way home the recovered
/// machine is stopped first, and there is nothing to go back to that would not lose its last writes.
#[must_use]
pub const fn allowed_operations(state: ItemState) -> &'static [Operation] {
    match state {
        ItemState::Unprotected => &[Operation::Enable, Operation::Disable],
        ItemState::Synchronising(_) => &[Operation::Resync, Operation::Disable],
        ItemState::Protected(_) => &[Operation::Failover, Operation::Resync, Operation::Disable],
        ItemState::FailingOver(Direction::Forward) => &[Operation::Cancel],
        ItemState::FailoverFailed(_) => &[Operation::Failover, Operation::Disable],
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
