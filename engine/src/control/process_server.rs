//! A machine moves to another process server: its agent is told to send there. The job ends when the agent has written
//! that down; the item's state does not change, and replication goes on. After a job that failed or was cancelled
//! nobody knows which of the two the agent sends to, so either can be asked for.

use super::jobs::Next;
use super::phase::Scene;
use super::vault::Vault;
use super::vocabulary::{JobId, TaskKind};
use crate::message::Order;

pub(super) const TASKS: &[TaskKind] = &[TaskKind::SwitchProcessServer];

pub(super) fn stage(scene: &Scene<'_>, _task: TaskKind, stages: u8) -> Next {
    match (stages, scene.job.facts.process_server) {
        (0, Some(process_server)) => {
            let generation = scene.item.generation;
            Next::Ask(vec![scene.agent_does(Order::UseProcessServer { generation, process_server })])
        }
        _ => Next::Done,
    }
}

/// What the item says follows what its agent does.
pub(super) fn ends(vault: &mut Vault, id: JobId, well: bool) {
    let moved = vault.job(id).and_then(|job| Some((job.machine, job.facts.process_server?)));
    if let Some((machine, process_server)) = moved.filter(|_| well)
        && let Some(item) = vault.ledger.item_mut(machine)
    {
        (item.process_server, item.moves_to) = (process_server, None);
    }
}
