//! Opening a run's journal: one machine's job does it, the others wait.

use super::jobs::{Awaited, Outcome, What};
use super::vault::Vault;
use super::vocabulary::JobId;
use crate::id::MachineId;
use crate::message::JournalSpec;

impl Vault {
    /// The journal of a run is open: lets the machines go on that wait for it.
    pub(super) fn journal_opened(&mut self, spec: &JournalSpec) {
        let group = self.ledger.group_mut(spec.group);
        let Some(run) = group.and_then(|group| group.run_mut(spec.generation)) else { return };
        run.open = true;
        self.recheck_awaited(Awaited::JournalOpen, spec.group);
    }

    /// Lets another machine's job open the journal if the one that was to do it has failed.
    pub(super) fn hand_journal_over(&mut self, machine: MachineId, failed: JobId) {
        let Some(heir) = self.heir(machine, failed) else {
            return;
        };
        if let Some(run) = self.run_of_mut(machine) {
            run.opener = heir;
        }
        let awaited = What::Await(Awaited::JournalOpen);
        let waiting = self.wire.numbers_of(heir).into_iter().find(|number| {
            self.job(heir).and_then(|job| job.ask(*number)).is_some_and(|ask| ask.what == awaited)
        });
        if let Some(number) = waiting {
            // It looks again, finds the journal closed and itself the one to open it.
            self.settle(number, Outcome::Done);
        }
    }

    fn heir(&self, machine: MachineId, failed: JobId) -> Option<JobId> {
        let run = self.run_of(machine).filter(|run| run.opener == failed && !run.open)?;
        let staying = run.joined.iter().filter(|member| !run.left.contains(member));
        staying.into_iter().find_map(|member| self.beginning(*member))
    }
}
