//! The judge of machines that take no agent or cannot be chosen: what was refused has left nothing, and the machine is as
//! unprotected as it was.

use switchback_azure::LeftoverKind;
use switchback_engine::MachineId;
use switchback_engine::control::{JobError, JobId, JobState};
use switchback_engine::ports::PortFailure;

use super::Judge;
use crate::content::Simulated;
use crate::world::World;

impl<C: Simulated> World<C> {
    /// The job that enables the protection of a machine begins, or ends.
    pub(super) fn judge_refused_agent(&mut self, job: JobId, machine: MachineId, state: JobState) {
        if state == JobState::InProgress {
            let replicas = self.replicas_of(machine);
            self.judges.replicas_before.insert(machine, replicas);
        }
        let is_refused = self.control().and_then(|control| control.job(job)).is_some_and(|job| {
            matches!(job.error, Some(JobError::Port(PortFailure::NotInstallable(_)) | JobError::NotListed))
        });
        let Some(before) = self.judges.replicas_before.get(&machine).copied() else { return };
        if state != JobState::Failed || !is_refused {
            return;
        }
        self.judges.looked(Judge::NoOrphan);
        let replicas = self.replicas_of(machine);
        if replicas > before {
            let what =
                format!("machine {} was refused, and has {replicas} replica disks, not {before}", machine.0);
            self.found(Judge::NoOrphan, what);
        }
    }

    fn replicas_of(&self, machine: MachineId) -> usize {
        let left = self.azure().leftovers().into_iter();
        left.filter(|left| left.machine == machine && left.kind == LeftoverKind::ReplicaDisk).count()
    }
}
