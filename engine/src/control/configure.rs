//! What a machine is to look like when it is recovered: changed by the user, checked with the cloud, kept with the item.
//!
//! The cloud says what it would choose, and which of its requirements a machine breaks, before anything else is done: when
//! protection begins, and again before every failover and test failover away. The machine is then taken as its site
//! described it when protection began, because the site may be lost by the time it matters.

use super::jobs::{CloudAsk, Facts, JobError, Next, What};
use super::ledger::Reply;
use super::phase::Scene;
use super::vault::Vault;
use super::vocabulary::{JobKind, Operation, Refused, TaskKind};
use crate::id::{Direction, MachineId};
use crate::ports::{Inspection, PortFailure};
use crate::recovery::{RecoverySettings, SettingsChange};

pub(super) const TASKS: &[TaskKind] = &[TaskKind::CheckPrerequisites];

/// Has the cloud look at the machine. One whose site says nothing of it is not looked at.
pub(super) fn examine(scene: &Scene<'_>) -> Next {
    let found = scene.job.facts.home.as_ref().is_some_and(|found| found.profile.is_some());
    let asks = found || scene.item.profile.is_some();
    Next::Ask(if asks { vec![What::Cloud(CloudAsk::Examine(scene.item.machine))] } else { Vec::new() })
}

/// A prerequisites check in two stages: the cloud looks at its own instance, then at the machine that is to become one.
pub(super) fn then_examine(checked: Result<(), JobError>, scene: &Scene<'_>) -> Next {
    match checked {
        Ok(()) => examine(scene),
        Err(error) => Next::Fail(error),
    }
}

impl Vault {
    /// Changes what a machine is to look like. The cloud is asked about it at the next failover, as the product does.
    pub(super) fn configure(&mut self, machine: MachineId, change: &SettingsChange) -> Reply {
        let item = self.permit(machine, Operation::Configure)?;
        let Some(recovery) = &item.recovery else {
            return Err(Refused::NotAllowed { operation: Operation::Configure, state: item.state() });
        };
        let changed = recovery.with(change);
        let job = self.begin_job(JobKind::Configure, machine, Direction::Forward, Facts::new());
        if let Some(item) = self.ledger.item_mut(machine) {
            item.recovery = Some(changed);
        }
        self.advance(job);
        Ok(job)
    }

    /// The policy of the way home is made with the other one, and nobody changes it.
    pub(super) fn change_failback_policy(&self, machine: MachineId) -> Reply {
        self.item(machine).ok_or(Refused::UnknownMachine(machine))?;
        Err(Refused::FailbackPolicyIsFixed)
    }

    /// The cloud takes the machine: what it is like, and what it will be, is kept.
    pub(super) fn keep_settings(
        &mut self,
        machine: MachineId,
        found: Option<Inspection>,
        settings: RecoverySettings,
    ) {
        if let Some(item) = self.ledger.item_mut(machine) {
            item.profile = found.and_then(|found| found.profile).or_else(|| item.profile.take());
            item.recovery = Some(settings);
        }
    }
}

impl JobError {
    /// The rules of the cloud that were broken, if that is why; empty otherwise.
    #[must_use]
    pub fn violations(&self) -> &[crate::recovery::Violation] {
        match self {
            Self::Port(PortFailure::Unsuitable(violations)) => violations,
            _ => &[],
        }
    }
}
