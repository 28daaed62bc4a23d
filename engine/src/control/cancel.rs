//! Cancel: a forward failover is stopped, what it made is removed, and the machine does not replicate again. A source
//! that was shut down is not started: that is for the user to decide.

use super::jobs::{Ask, CloudAsk, Next, What};
use super::phase::Scene;
use super::vault::Vault;
use super::vocabulary::{JobId, TaskKind};
use crate::ports::Instance;

pub(super) const TASKS: &[TaskKind] = &[TaskKind::StopReplication, TaskKind::CleanUp, TaskKind::DropPoints];

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    match (task, stages) {
        (TaskKind::StopReplication, 0) => Next::Ask(vec![scene.stop()]),
        (TaskKind::CleanUp, 0) => {
            Next::Ask(vec![What::Cloud(CloudAsk::DeleteMachine(Instance::Recovered, scene.item.machine))])
        }
        (TaskKind::DropPoints, 0) => Next::Ask(scene.close_journal(false)),
        _ => Next::Done,
    }
}

/// Waits for the calls of the cancelled job that may still be under way, under their own numbers: a creation that
/// came after the deletion would leave an orphan.
pub(super) fn inherit(vault: &mut Vault, id: JobId) {
    let Some(job) = vault.ledger.job_mut(id) else {
        return;
    };
    let inherited = core::mem::take(&mut job.facts.inherited);
    vault.open_asks(id, inherited, false);
}

/// The calls of a job that may create something and are not answered.
pub(super) fn unanswered(vault: &Vault, failing_over: JobId) -> Vec<Ask> {
    let task = vault.job(failing_over).and_then(|job| job.current_task());
    let open = task.into_iter().flat_map(|task| &task.asks).filter(|ask| ask.result.is_none());
    open.filter(|ask| ask.what.creates()).map(|ask| Ask { since: vault.now, ..ask.clone() }).collect()
}

/// The calls of a job that may still create something although nobody waited for their answers any longer.
pub(super) fn given_up(vault: &Vault, failed: JobId) -> Vec<Ask> {
    let asks = vault.job(failed).into_iter().flat_map(|job| &job.tasks).flat_map(|task| &task.asks);
    let is_late = |ask: &&Ask| ask.is_given_up() && ask.what.creates();
    asks.filter(is_late).map(|ask| Ask { since: vault.now, result: None, ..ask.clone() }).collect()
}
