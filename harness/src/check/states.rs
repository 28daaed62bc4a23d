//! Legal states, and one writable side.

use switchback_engine::control::{ItemState, JobKind, TaskKind, TaskState};
use switchback_engine::message::Observation;
use switchback_engine::role::Address;
use switchback_engine::{Direction, MachineId, Site};

use super::{Judge, Judges};
use crate::content::Simulated;
use crate::world::{Happening, World};

/// Whether the product's documents know this change of state. Written here a second time on purpose: a judge that
/// asked the engine would only hear that the engine agrees with itself.
const fn is_legal(from: ItemState, to: ItemState) -> bool {
    use Direction::{Forward, Reverse};
    use ItemState::{
        ChangingPoint, Committed, Committing, Enabling, FailedOver, FailingOver, Protected, Synchronising, Unprotected,
    };
    match (from, to) {
        // Protection begins, forward or (reprotect) in reverse of where the machine was committed.
        (Unprotected | Committed(Reverse), Enabling(Forward)) | (Committed(Forward), Enabling(Reverse)) => true,
        // It could not be set up.
        (Enabling(Forward), Unprotected | Committed(Reverse)) | (Enabling(Reverse), Committed(Forward)) => true,
        (Enabling(Forward), Synchronising(Forward)) | (Enabling(Reverse), Synchronising(Reverse)) => true,
        (Synchronising(Forward), Protected(Forward)) | (Synchronising(Reverse), Protected(Reverse)) => true,
        (Protected(Forward), FailingOver(Forward)) | (Protected(Reverse), FailingOver(Reverse)) => true,
        (FailingOver(Forward), FailedOver(Forward)) | (FailingOver(Reverse), FailedOver(Reverse)) => true,
        // A failover that failed can be asked for again; a forward one can be cancelled.
        (FailingOver(Forward), Protected(Forward) | Unprotected) | (FailingOver(Reverse), Protected(Reverse)) => true,
        (FailedOver(Forward), ChangingPoint(Forward)) | (ChangingPoint(Forward), FailedOver(Forward)) => true,
        (FailedOver(Forward), Committing(Forward)) | (FailedOver(Reverse), Committing(Reverse)) => true,
        (Committing(Forward), Committed(Forward) | FailedOver(Forward)) => true,
        (Committing(Reverse), Committed(Reverse) | FailedOver(Reverse)) => true,
        // Disabling is possible from everywhere where nothing runs.
        (Synchronising(_) | Protected(_) | FailedOver(_) | Committed(_), Unprotected) => true,
        _ => false,
    }
}

/// Every state there is, for looking for a way through them.
const EVERY_STATE: [ItemState; 19] = {
    use Direction::{Forward, Reverse};
    use ItemState as S;
    [
        S::Unprotected,
        S::Enabling(Forward),
        S::Enabling(Reverse),
        S::Synchronising(Forward),
        S::Synchronising(Reverse),
        S::Protected(Forward),
        S::Protected(Reverse),
        S::FailingOver(Forward),
        S::FailingOver(Reverse),
        S::FailoverFailed(Forward),
        S::FailoverFailed(Reverse),
        S::FailedOver(Forward),
        S::FailedOver(Reverse),
        S::ChangingPoint(Forward),
        S::Committing(Forward),
        S::Committing(Reverse),
        S::Committed(Forward),
        S::Committed(Reverse),
        S::Cancelling,
    ]
};

/// How many changes a crash of the vault can keep from being reported: those of one sync.
const UNREPORTED_MAX: u32 = 3;

/// Whether there is a way of at most so many legal changes.
fn is_way(from: ItemState, to: ItemState, changes: u32) -> bool {
    is_legal(from, to)
        || changes > 1 && EVERY_STATE.iter().any(|via| is_legal(from, *via) && is_way(*via, to, changes - 1))
}

impl<C: Simulated> World<C> {
    /// The engine reports something. Judges use it only to know when to look.
    pub(crate) fn observe(&mut self, from: Address, observation: Observation) {
        match &observation {
            Observation::Item { machine, to } => self.judge_state(*machine, *to),
            Observation::PointCreated { group, point } => {
                if let Address::Target(site) = from {
                    self.judge_new_point(site, *group, *point);
                }
            }
            _ => {}
        }
        self.note(Happening::Observed(observation));
    }

    fn judge_state(&mut self, machine: MachineId, to: ItemState) {
        self.judges.looked(Judge::StatesAreLegal);
        let from = self.judges.states.insert(machine, to).unwrap_or(ItemState::Unprotected);
        // What a vault had made durable and not reported when it crashed is never reported. The first report of its
        // next life, which repeats the state, may therefore be several changes on; from there each is seen again.
        let changes = if self.judges.unsure_of.remove(&machine) { UNREPORTED_MAX } else { 1 };
        if from != to && !is_way(from, to, changes) {
            self.found(Judge::StatesAreLegal, format!("machine {} went from {from:?} to {to:?}", machine.0));
        }
    }

    /// The vault starts again after a crash.
    pub(crate) fn judge_vault_restart(&mut self) {
        self.judges.unsure_of = (0..self.spec().machines.len()).map(|machine| MachineId(machine as u32)).collect();
    }

    /// A machine begins to run at a site while it may run at the other.
    pub(crate) fn judge_sides(&mut self, machine: MachineId, site: Site) {
        self.judges.looked(Judge::OneWritableSide);
        if !self.is_running(machine, site.other()) {
            return;
        }
        if site == Site::Recovery && self.shutdown_was_skipped(machine) {
            return;
        }
        let name = self.spec().machines[machine.0 as usize].name.clone();
        self.found(Judge::OneWritableSide, format!("{name} runs on both sides"));
    }

    /// The documents let a failover go on when the shutdown of the source failed or was not asked for.
    fn shutdown_was_skipped(&self, machine: MachineId) -> bool {
        let Some(control) = self.control() else { return true };
        let failover = control.jobs().rev().find(|job| job.machine == machine && job.kind == JobKind::Failover);
        failover.is_some_and(|job| {
            job.tasks.iter().any(|task| task.kind == TaskKind::ShutDownSource && task.state == TaskState::Skipped)
        })
    }
}

impl<C: Simulated> Judges<C> {
    /// The state that a machine's item was last reported in.
    #[must_use]
    pub fn state(&self, machine: MachineId) -> ItemState {
        self.states.get(&machine).copied().unwrap_or(ItemState::Unprotected)
    }
}
