//! What a step asks the vault for, machine by machine.

use switchback_engine::control::{Command, ItemState, Location};
use switchback_engine::message::Selector;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::Address;
use switchback_engine::{DatastoreId, Direction, MachineId, PointId};
use switchback_scenarios::model::words::LocationWord;
use switchback_scenarios::model::{Action, FailbackPoint, NewDisks, RecoveryPointChoice, Subject};
use switchback_sim::SimTime;

use super::Drill;
use super::failure::Failure;
use super::recovery;
use crate::content::Simulated;
use crate::world::sim_time;

impl<C: Simulated> Drill<C> {
    /// The commands of a step that asks the vault for something; none for faults.
    pub(super) fn commands(&self, action: &Action) -> Result<Vec<(MachineId, Command)>, Failure> {
        let each = |subject: Subject, command: &dyn Fn(MachineId) -> Result<Command, Failure>| {
            let members = self.scenario.members(subject).iter().map(|vm| MachineId(vm.0 as u32));
            members.map(|machine| command(machine).map(|command| (machine, command))).collect()
        };
        match action {
            Action::Failover { subject, to, shutdown } => each(*subject, &|machine| {
                let to = self.selector(machine, *to)?;
                Ok(Command::Failover { machine, to, shut_down_source: *shutdown })
            }),
            Action::Failback { subject, to } => each(*subject, &|machine| {
                let to = match to {
                    FailbackPoint::Latest => Selector::Latest,
                    FailbackPoint::LatestAppConsistent => Selector::LatestApplication,
                };
                Ok(Command::Failover { machine, to, shut_down_source: true })
            }),
            Action::ChangePoint { subject, to } => {
                each(*subject, &|machine| Ok(Command::ChangePoint { machine, to: self.point(machine, *to)? }))
            }
            Action::Commit(subject) => each(*subject, &|machine| Ok(Command::Commit { machine })),
            Action::Cancel(subject) => each(*subject, &|machine| Ok(Command::Cancel { machine })),
            Action::Reprotect { subject, datastore, location } => {
                each(*subject, &|machine| Ok(self.reprotect(machine, *datastore, *location)))
            }
            Action::Resync(subject) => each(*subject, &|machine| Ok(Command::Resync { machine })),
            Action::Disable(subject) => each(*subject, &|machine| Ok(Command::Disable { machine })),
            Action::TestFailover { subject, to } => each(*subject, &|machine| {
                Ok(Command::TestFailover { machine, to: self.selector(machine, *to)? })
            }),
            Action::CleanUpTest(subject) => each(*subject, &|machine| Ok(Command::CleanUpTest { machine })),
            Action::Configure { subject, change } => each(*subject, &|machine| {
                Ok(Command::Configure { machine, change: recovery::change(change) })
            }),
            Action::ChangeFailbackPolicy(subject) => each(*subject, &|machine| {
                Ok(Command::ChangeFailbackPolicy { machine, to: ReplicationPolicy::DEFAULT })
            }),
            Action::Protect(group) => Ok(self.enable_command(group.0).into_iter().collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// Which datastore and which machine are wanted at home is asked on the way home only.
    fn reprotect(&self, machine: MachineId, datastore: NewDisks, location: LocationWord) -> Command {
        if self.world.judges().state(machine) == ItemState::Committed(Direction::Reverse) {
            let process_server = Address::ProcessServer(0);
            let location = Location::Original;
            return Command::Reprotect { machine, process_server, datastore: None, location };
        }
        let datastore = match datastore {
            NewDisks::WithMasterTarget => Some(self.scenario.master_target.datastore),
            NewDisks::In(datastore) => Some(datastore),
            NewDisks::Unsaid => None,
        };
        Command::Reprotect {
            machine,
            process_server: Address::ProcessServer(1),
            datastore: datastore.map(|datastore| DatastoreId(datastore.0 as u32)),
            location: match location {
                LocationWord::Original => Location::Original,
                LocationWord::Alternate => Location::Alternate,
            },
        }
    }

    /// What enables replication of a group. The first of its machines stands for the job.
    pub(super) fn enable_command(&self, group: usize) -> Option<(MachineId, Command)> {
        let spec = self.world.spec();
        let group = spec.groups.get(group)?;
        let sizes = |machine: &usize| {
            let disks = spec.machines[*machine].disks.iter().map(|disk| disk.sectors).collect();
            (MachineId(*machine as u32), disks)
        };
        let machines: Vec<_> = group.machines.iter().map(sizes).collect();
        let first = machines.first()?.0;
        let process_server = Address::ProcessServer(0);
        Some((first, Command::Enable { group: group.id, machines, policy: group.policy, process_server }))
    }

    fn selector(&self, machine: MachineId, to: RecoveryPointChoice) -> Result<Selector, Failure> {
        Ok(match to {
            RecoveryPointChoice::Latest => Selector::Latest,
            RecoveryPointChoice::LatestProcessed => Selector::LatestProcessed,
            RecoveryPointChoice::LatestAppConsistent => Selector::LatestApplication,
            RecoveryPointChoice::At(_) => Selector::Exactly(self.point(machine, to)?),
        })
    }

    /// The recovery point that a user picks from the list.
    fn point(&self, machine: MachineId, to: RecoveryPointChoice) -> Result<PointId, Failure> {
        let control =
            self.world.control().ok_or_else(|| Failure::nameless("the vault is down".to_owned()))?;
        let points = control.points_of(machine);
        let app = |point: &&switchback_engine::RecoveryPoint| {
            point.consistency == switchback_engine::Consistency::Application
        };
        let found = match to {
            RecoveryPointChoice::Latest | RecoveryPointChoice::LatestProcessed => points.last(),
            RecoveryPointChoice::LatestAppConsistent => points.iter().rfind(app),
            RecoveryPointChoice::At(after) => {
                let until = self.t0.unwrap_or(SimTime::ZERO) + after;
                points.iter().rfind(|point| sim_time(point.at) <= until)
            }
        };
        found.map(|point| point.id).ok_or_else(Failure::no_such_point)
    }
}
