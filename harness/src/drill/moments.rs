//! The moments that steps wait for, in the engine's words.

use switchback_engine::Direction::{Forward, Reverse};
use switchback_engine::control::{ItemState, TaskKind};
use switchback_engine::{GroupId, MachineId};
use switchback_scenarios::model::words::{PassingState, TaskWord};
use switchback_scenarios::model::{self, VmIndex};

use crate::world::Moment;

pub(crate) const fn of(moment: model::Moment) -> Moment {
    match moment {
        model::Moment::State { vm, is } => Moment::State(machine(vm), state_of(is)),
        model::Moment::CutsPoint { group, number } => Moment::Cut(GroupId(group.0 as u32), number),
        model::Moment::Task { vm, task } => Moment::Task(machine(vm), task_of(task)),
    }
}

const fn machine(vm: VmIndex) -> MachineId {
    MachineId(vm.0 as u32)
}

/// The state of an item that the language calls so.
#[must_use]
pub const fn state_of(word: PassingState) -> ItemState {
    match word {
        PassingState::Unprotected => ItemState::Unprotected,
        PassingState::Enabling => ItemState::Enabling(Forward),
        PassingState::InitialReplication => ItemState::Synchronising(Forward),
        PassingState::Protected => ItemState::Protected(Forward),
        PassingState::FailingOver => ItemState::FailingOver(Forward),
        PassingState::FailoverFailed => ItemState::FailoverFailed(Forward),
        PassingState::FailedOver => ItemState::FailedOver(Forward),
        PassingState::ChangingPoint => ItemState::ChangingPoint(Forward),
        PassingState::Committing => ItemState::Committing(Forward),
        PassingState::FailoverCommitted => ItemState::Committed(Forward),
        PassingState::Cancelling => ItemState::Cancelling,
        PassingState::Disabling => ItemState::Disabling,
        PassingState::Reprotecting => ItemState::Enabling(Reverse),
        PassingState::InitialReplicationFailback => ItemState::Synchronising(Reverse),
        PassingState::Reprotected => ItemState::Protected(Reverse),
        PassingState::FailingBack => ItemState::FailingOver(Reverse),
        PassingState::FailbackFailed => ItemState::FailoverFailed(Reverse),
        PassingState::FailedBack => ItemState::FailedOver(Reverse),
        PassingState::CommittingFailback => ItemState::Committing(Reverse),
        PassingState::FailbackCommitted => ItemState::Committed(Reverse),
        PassingState::Resuming => ItemState::Resuming,
    }
}

pub(super) const fn task_of(word: TaskWord) -> TaskKind {
    match word {
        TaskWord::CheckPrerequisites => TaskKind::CheckPrerequisites,
        TaskWord::PrepareTarget => TaskKind::PrepareTarget,
        TaskWord::StartReplication => TaskKind::StartReplication,
        TaskWord::ShutDownSource => TaskKind::ShutDownSource,
        TaskWord::SynchronizeLatest => TaskKind::SynchroniseLatest,
        TaskWord::ChoosePoint => TaskKind::ChoosePoint,
        TaskWord::FailOver => TaskKind::FailOver,
        TaskWord::StartMachine => TaskKind::StartMachine,
        TaskWord::CleanUp => TaskKind::CleanUp,
        TaskWord::DropPoints => TaskKind::DropPoints,
        TaskWord::DiscoverReplica => TaskKind::DiscoverReplica,
        TaskWord::StopReplication => TaskKind::StopReplication,
        TaskWord::CreateTestMachine => TaskKind::CreateTestMachine,
        TaskWord::PrepareBoot => TaskKind::PrepareBoot,
        TaskWord::SwitchProcessServer => TaskKind::SwitchProcessServer,
    }
}
