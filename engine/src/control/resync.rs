//! Resync: the agent compares the disks with their replicas and sends what differs. The job ends when the agent has
//! taken the order; the comparison goes on as part of replication and does not change the item's state.

use super::jobs::Next;
use super::phase::Scene;
use super::vocabulary::TaskKind;
use crate::message::{Order, ResyncReason};

pub(super) const TASKS: &[TaskKind] = &[TaskKind::StartReplication];

pub(super) fn stage(scene: &Scene<'_>, _task: TaskKind, stages: u8) -> Next {
    match stages {
        0 => Next::Ask(vec![scene.agent_does(Order::Resync { reason: ResyncReason::Manual })]),
        _ => Next::Done,
    }
}
