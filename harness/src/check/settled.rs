//! When the dust has settled: every job has ended, nothing is left over, and what is not allowed is refused and
//! changes nothing.

use core::time::Duration;

use switchback_engine::control::{Command, ItemState, JobState, Operation};
use switchback_engine::message::Selector;
use switchback_engine::role::Address;
use switchback_engine::{Direction, MachineId, PointId};

use switchback_azure::LeftoverKind;

use super::Judge;
use crate::content::Simulated;
use crate::world::World;

impl<C: Simulated> World<C> {
    /// Looks at everything that must hold once nothing is under way any more.
    pub fn judge_settled(&mut self) {
        self.judge_kept_points();
        self.judge_jobs();
        self.judge_leftovers();
        self.judge_refusals();
    }

    fn judge_jobs(&mut self) {
        self.judges.looked(Judge::JobsEnd);
        let Some(control) = self.control() else { return self.found(Judge::JobsEnd, "the vault is down".to_owned()) };
        let open: Vec<String> = control
            .jobs()
            .filter(|job| job.state == JobState::InProgress)
            .map(|job| format!("job {} ({:?}) is still in {:?}", job.id.0, job.kind, job.current_task().map(|t| t.kind)))
            .collect();
        open.into_iter().for_each(|what| self.found(Judge::JobsEnd, what));
    }

    /// What belongs to a machine in the cloud while it does not run there, and the other way round.
    fn judge_leftovers(&mut self) {
        self.judges.looked(Judge::NoOrphan);
        let mut found = Vec::new();
        for machine in 0..self.spec().machines.len() {
            let id = MachineId(machine as u32);
            let state = self.judges.state(id);
            let at_home = matches!(
                state,
                ItemState::Unprotected
                    | ItemState::Enabling(Direction::Forward)
                    | ItemState::Synchronising(Direction::Forward)
                    | ItemState::Protected(Direction::Forward)
                    | ItemState::Committed(Direction::Reverse)
            );
            if at_home && self.azure().machine(id).is_some() {
                found.push(format!("{} is at home, and its machine in the cloud was not deleted", self.spec().machines[machine].name));
            }
            if at_home && self.azure().leftovers().iter().any(|left| left.machine == id && left.kind != LeftoverKind::ReplicaDisk) {
                found.push(format!("{} is at home, and resources of its recovery are left", self.spec().machines[machine].name));
            }
        }
        found.into_iter().for_each(|what| self.found(Judge::NoOrphan, what));
    }

    /// Asks, in a copy of the world, for everything that is not allowed now.
    fn judge_refusals(&mut self) {
        let machines = (0..self.spec().machines.len()).map(|machine| MachineId(machine as u32));
        for machine in machines.collect::<Vec<_>>() {
            let Some(control) = self.control() else { return };
            let Some(before) = control.item(machine).cloned() else { continue };
            let allowed = control.allowed_operations(machine).to_vec();
            for (operation, command) in illegal_commands(machine, &allowed) {
                self.judges.looked(Judge::StatesAreLegal);
                let mut copy = self.clone();
                copy.judges.reads_back = false;
                let id = copy.command(command);
                copy.run_until(copy.now() + Duration::from_secs(1));
                let refused = matches!(copy.reply(id), Some(Err(_)));
                let after = copy.control().and_then(|control| control.item(machine).map(|item| item.state()));
                if !refused || after != Some(before.state()) {
                    let what = format!("{operation:?} was not refused while machine {} was {:?}", machine.0, before.state());
                    self.found(Judge::StatesAreLegal, what);
                }
            }
        }
    }
}

fn illegal_commands(machine: MachineId, allowed: &[Operation]) -> Vec<(Operation, Command)> {
    let point = PointId { generation: u64::MAX, number: 1 };
    let process_server = Address::ProcessServer(0);
    let all = [
        (Operation::Failover, Command::Failover { machine, to: Selector::Latest, shut_down_source: false }),
        (Operation::ChangePoint, Command::ChangePoint { machine, to: point }),
        (Operation::Commit, Command::Commit { machine }),
        (Operation::Cancel, Command::Cancel { machine }),
        (Operation::Reprotect, Command::Reprotect { machine, process_server }),
        (Operation::Resync, Command::Resync { machine }),
        (Operation::Disable, Command::Disable { machine }),
    ];
    all.into_iter().filter(|(operation, _)| !allowed.contains(operation)).collect()
}
