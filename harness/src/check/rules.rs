//! Which states of a protected item follow each other, and what a user may ask for in each, as the product's documents
//! and the tutorial have it. Written here a second time on purpose: a judge that asked the engine would only hear that
//! the engine agrees with itself.

use switchback_engine::Direction::{self, Forward, Reverse};
use switchback_engine::control::ItemState::{self, *};
use switchback_engine::control::{Operation, Stack, TestState};

/// Whether the documents know this change of state. `before` is the state that `from` was entered from, if that was
/// seen.
pub(super) fn is_legal(before: Option<ItemState>, from: ItemState, to: ItemState) -> bool {
    let came_from = |state| before.is_none_or(|before| before == state);
    match (from, to) {
        // Replication is enabled for a machine that is not protected; the first phase of the tutorial.
        (Unprotected, Enabling(Forward)) => true,
        // Only a committed failover is reprotected, and only in the other direction.
        (Committed(Forward), Enabling(Reverse)) | (Committed(Reverse), Enabling(Forward)) => true,
        // It could not be set up: everything is as it was before.
        (Enabling(Forward), Unprotected | Committed(Reverse)) | (Enabling(Reverse), Committed(Forward)) => {
            came_from(to)
        }
        // The job is over, and initial replication goes on after it.
        (Enabling(a), Synchronising(b)) if same(a, b) => true,
        // Protected is who has a recovery point. A resynchronisation later on leaves the old points usable.
        (Synchronising(a), Protected(b)) if same(a, b) => true,
        // Failover needs a recovery point. Shutdown of the source is best effort.
        (Protected(a), FailingOver(b)) if same(a, b) => true,
        // A failover that failed before replication was stopped changed nothing.
        (FailingOver(a), Protected(b)) if same(a, b) => before.is_none_or(|before| before == Protected(a)),
        // Replication stops before a failover starts, so one that fails later is not protected any more. Its points are
        // kept until a commit, so it can be asked for again.
        (FailingOver(a), FailoverFailed(b)) | (FailoverFailed(a), FailingOver(b)) if same(a, b) => true,
        (FailingOver(a), FailedOver(b)) if same(a, b) => true,
        // A planned failover home that is cancelled or fails is taken back: the machine in the cloud goes on and
        // replicates. When that fails too the user cancels it by hand.
        (FailingOver(Reverse) | FailoverFailed(Reverse), Resuming) => true,
        (Resuming, Protected(Reverse) | Synchronising(Reverse) | FailoverFailed(Reverse)) => true,
        // A running failover away can be cancelled; the machine does not replicate again. The classic way home cannot.
        (FailingOver(Forward), Cancelling) | (Cancelling, Unprotected) => true,
        // Another point can be recovered between failover and commit, only away. The machine is made anew for it, so
        // when that fails there may be none.
        (FailedOver(Forward), ChangingPoint(Forward)) => true,
        (ChangingPoint(Forward), FailedOver(Forward) | FailoverFailed(Forward)) => true,
        // Commit finalises the point; one that failed can be repeated.
        (FailedOver(a), Committing(b)) | (Committing(a), FailedOver(b) | Committed(b)) if same(a, b) => true,
        // Protection can be ended whenever no job runs and no failover waits for its commit; also once more, when the
        // first time left something.
        (Unprotected | Synchronising(_) | Protected(_) | FailoverFailed(_) | Committed(_), Disabling) => true,
        (Disabling, Unprotected) => true,
        _ => false,
    }
}

const fn same(a: Direction, b: Direction) -> bool {
    matches!((a, b), (Forward, Forward) | (Reverse, Reverse))
}

/// Whether a machine can have come from one state to another by at most so many legal changes that nobody saw.
pub(super) fn is_way(from: ItemState, to: ItemState, changes: u32) -> bool {
    is_legal(None, from, to)
        || changes > 1 && states().any(|via| is_legal(None, from, via) && is_way(via, to, changes - 1))
}

/// Whether the documents know this change of state at all.
pub(crate) fn is_known_change(from: ItemState, to: ItemState) -> bool {
    is_legal(None, from, to)
}

/// Every state of a protected item.
pub(crate) fn states() -> impl Iterator<Item = ItemState> {
    let directed = [
        Enabling,
        Synchronising,
        Protected,
        FailingOver,
        FailoverFailed,
        FailedOver,
        ChangingPoint,
        Committing,
        Committed,
    ];
    let both = directed.into_iter().flat_map(|state| [state(Forward), state(Reverse)]);
    [Unprotected, Cancelling, Disabling, Resuming].into_iter().chain(both)
}

/// What the documents let a user ask for, with a test failover beside the state; `None` is a machine that was never
/// protected.
pub(super) fn allowed(item: Option<(ItemState, TestState)>, stack: Stack) -> Vec<Operation> {
    let (state, test) = item.unzip();
    let mut allowed = match (stack, state) {
        (Stack::Modernised, Some(state)) => modernised(state),
        _ => None,
    }
    .unwrap_or_else(|| allowed_by_state(state))
    .to_vec();
    match test {
        // Only on the way to the cloud can a failover be tested.
        None | Some(TestState::None) if state == Some(Protected(Forward)) => {
            allowed.push(Operation::TestFailover)
        }
        // A job is at work.
        Some(TestState::InProgress) => allowed.clear(),
        // The product does not wait for a cleanup before it fails over; the vault keeps its items until they are clean.
        Some(TestState::Active) => {
            let is_idle = allowed.iter().any(|operation| *operation != Operation::Cancel);
            allowed.retain(|operation| *operation != Operation::Disable);
            allowed.extend(is_idle.then_some(Operation::CleanUpTest));
        }
        None | Some(TestState::None | TestState::CleaningUp) => {}
    }
    allowed
}

/// What is different in the modernised stack: the way home is a planned failover, and it can be taken back.
const fn modernised(state: ItemState) -> Option<&'static [Operation]> {
    match state {
        Protected(Reverse) => Some(&[
            Operation::PlannedFailover,
            Operation::Disable,
            Operation::SwitchProcessServer,
            Operation::Resync,
        ]),
        FailingOver(Reverse) => Some(&[Operation::Cancel]),
        FailoverFailed(Reverse) => Some(&[Operation::Disable, Operation::Cancel]),
        _ => None,
    }
}

const fn allowed_by_state(state: Option<ItemState>) -> &'static [Operation] {
    match state {
        None => &[Operation::Enable],
        // Disabling removes what a cancelled failover or an earlier attempt left in the vault.
        Some(Unprotected) => &[Operation::Enable, Operation::Disable],
        // What a machine is to look like in the cloud can be changed until it is there.
        Some(Synchronising(Forward)) => {
            &[Operation::Resync, Operation::SwitchProcessServer, Operation::Disable, Operation::Configure]
        }
        Some(Synchronising(Reverse)) => {
            &[Operation::Resync, Operation::SwitchProcessServer, Operation::Disable]
        }
        Some(Protected(Forward)) => &[
            Operation::Failover,
            Operation::Resync,
            Operation::SwitchProcessServer,
            Operation::Disable,
            Operation::Configure,
        ],
        Some(Protected(Reverse)) => {
            &[Operation::Failover, Operation::Resync, Operation::SwitchProcessServer, Operation::Disable]
        }
        // Only on the way to the cloud is there something to go back to.
        Some(FailingOver(Forward)) => &[Operation::Cancel],
        Some(FailoverFailed(Forward)) => &[Operation::Failover, Operation::Disable, Operation::Configure],
        Some(FailoverFailed(Reverse)) => &[Operation::Failover, Operation::Disable],
        Some(FailedOver(Forward)) => &[Operation::ChangePoint, Operation::Commit],
        Some(FailedOver(Reverse)) => &[Operation::Commit],
        Some(Committed(_)) => &[Operation::Reprotect, Operation::Disable],
        // A job is at work.
        Some(
            Enabling(_) | FailingOver(Reverse) | ChangingPoint(_) | Committing(_) | Cancelling | Disabling
            | Resuming,
        ) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reprotect_that_failed_goes_back_to_where_it_came_from() {
        assert!(is_legal(Some(Committed(Reverse)), Enabling(Forward), Committed(Reverse)));
        assert!(!is_legal(Some(Committed(Reverse)), Enabling(Forward), Unprotected));
        assert!(!is_legal(Some(Unprotected), Enabling(Forward), Committed(Reverse)));
    }

    #[test]
    fn the_way_home_leads_through_the_cloud() {
        assert!(is_way(Protected(Forward), Committing(Forward), 3));
        assert!(!is_way(Protected(Forward), Protected(Reverse), 3));
        assert!(!is_legal(None, Protected(Forward), Protected(Reverse)));
        assert!(!is_legal(None, FailingOver(Reverse), Cancelling));
    }
}
