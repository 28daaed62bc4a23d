//! Planned failover home, of the modernised stack: what a failback does, without losing anything, and taken back by
//! itself when anything of it fails (site-recovery 3.4).
//!
//! The recovered machine is shut down and its last changes are waited for, with those of every machine it shares points
//! with. A point is made of them, the disks at home are brought to it and given back, a snapshot keeps that state, and
//! the machine is powered on. Nothing here is best effort: a source that does not go down in order, or changes that do
//! not arrive, end the failover. `resume` takes it back.

use super::failback;
use super::failover;
use super::item::ItemStatus;
use super::jobs::{Awaited, Facts, Next, What};
use super::ledger::Reply;
use super::phase::Scene;
use super::reprotect;
use super::vault::Vault;
use super::vocabulary::{JobId, JobKind, Operation, PlannedPoint, Refused, TaskKind};
use crate::id::{Direction, MachineId};
use crate::ports::HypervisorRequest;

pub(super) fn stage(scene: &Scene<'_>, task: TaskKind, stages: u8) -> Next {
    match (task, stages) {
        (TaskKind::CheckPrerequisites, 1) => reprotect::source_is_missing(scene)
            .map_or_else(|| failback::stage(scene, task, stages), Next::Fail),
        (TaskKind::SynchroniseLatest, 0) => Next::Ask(vec![What::Await(Awaited::Drained)]),
        (TaskKind::FailOver, 2) => {
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::TakeSnapshot(scene.item.machine))])
        }
        _ => failback::stage(scene, task, stages),
    }
}

/// A planned failover ended. One that had only looked has nothing to take back.
pub(super) fn ends(vault: &mut Vault, id: JobId, well: bool) {
    let Some(job) = vault.job(id) else { return };
    let (machine, has_begun) = (job.machine, job.has_done(TaskKind::CheckPrerequisites));
    if well || !has_begun {
        return failover::ends(vault, id, well);
    }
    vault.resume(machine, id);
}

impl Vault {
    pub(super) fn plan_failover(&mut self, machine: MachineId, to: PlannedPoint) -> Reply {
        let direction = self.permit(machine, Operation::PlannedFailover)?.direction();
        let selector = to.selector();
        self.check_selector(machine, selector)?;
        self.cancel_side_jobs(machine);
        let facts = Facts { selector, shut_down_source: true, ..Facts::new() };
        let job = self.begin_job(JobKind::PlannedFailover, machine, direction, facts);
        let to = ItemStatus::FailingOver { direction, job, stopped: false, since: self.now };
        self.transition(machine, to, "planned failover");
        self.advance(job);
        Ok(job)
    }

    /// A user stops a planned failover, or asks once more for one to be taken back.
    pub(super) fn take_back(&mut self, machine: MachineId) -> Reply {
        let item = self.permit(machine, Operation::Cancel)?;
        let (ItemStatus::FailingOver { direction: Direction::Reverse, job, .. }
        | ItemStatus::FailoverFailed { direction: Direction::Reverse, job, .. }) = item.status
        else {
            return Err(Refused::NotAllowed { operation: Operation::Cancel, state: item.state() });
        };
        if self.is_running(job) {
            self.cancel_job(job);
        }
        Ok(self.resume(machine, job))
    }

    /// Whether the last markers of everybody in a machine's run have arrived. The one of a stop that was taken back may
    /// come late, with what was written since still behind it: it is from before the machine ran again.
    pub(super) fn is_drained(&self, machine: MachineId) -> bool {
        self.run_of(machine).zip(self.status_of(machine)).is_some_and(|(run, status)| {
            let newest = status.points.last().map(|point| point.at);
            run.joined.difference(&run.left).all(|member| status.shut_down.contains(member))
                && newest >= run.resumed_at
        })
    }
}
