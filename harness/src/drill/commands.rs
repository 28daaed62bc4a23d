//! What a step asks the vault for, machine by machine.

use switchback_engine::control::{Command, ItemState, Location, ReprotectWay};
use switchback_engine::message::Selector;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::Address;
use switchback_engine::{DatastoreId, Direction, MachineId, MasterTargetId, PointId};
use switchback_scenarios::model::words::LocationWord;
use switchback_scenarios::model::{
    Action, FailbackPoint, MasterTargetIndex, NewDisks, ProcessServerChoice, RecoveryPointChoice, Subject,
};
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
        if let Some(command) = self.plan_command(action)? {
            return Ok(vec![command]);
        }
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
            Action::PlannedFailover { subject, to } => each(*subject, &|machine| {
                Ok(Command::PlannedFailover { machine, to: super::plans::planned(*to) })
            }),
            Action::ChangePoint { subject, to } => {
                each(*subject, &|machine| Ok(Command::ChangePoint { machine, to: self.point(machine, *to)? }))
            }
            Action::Commit(subject) => each(*subject, &|machine| Ok(Command::Commit { machine })),
            Action::Cancel(subject) => each(*subject, &|machine| Ok(Command::Cancel { machine })),
            Action::Reprotect { subject, .. } => each(*subject, &|machine| {
                Ok(Command::Reprotect { machine, way: self.reprotect(machine, action)? })
            }),
            Action::Resync(subject) => each(*subject, &|machine| Ok(Command::Resync { machine })),
            Action::SwitchProcessServer { subject, to } => each(*subject, &|machine| {
                let process_server = Address::ProcessServer(to.number() as u16);
                Ok(Command::SwitchProcessServer { machine, process_server })
            }),
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

    /// Which datastore and which machine are wanted at home is asked on the way home only. The process server is, unless
    /// one is named, the one at the site where the machine runs.
    pub(super) fn reprotect(&self, machine: MachineId, wanted: &Action) -> Result<ReprotectWay, Failure> {
        let Action::Reprotect { process_server, master_target, retention_drive, datastore, location, .. } =
            *wanted
        else {
            return Err(Failure::nameless("it is no reprotect".to_owned()));
        };
        let is_home = self.world.judges().state(machine) == ItemState::Committed(Direction::Reverse);
        let near = if is_home { ProcessServerChoice::OnPremises } else { ProcessServerChoice::Azure };
        let of_drive = retention_drive.map(|_| MasterTargetIndex::CONFIGURATION_SERVER);
        let master_target = master_target.or(of_drive);
        let datastore = match datastore {
            NewDisks::WithMasterTarget => Some(self.datastore_of(machine, master_target)),
            NewDisks::In(datastore) => Some(datastore.0),
            NewDisks::Unsaid => None,
        };
        let is_alternate = location == LocationWord::Alternate && !is_home;
        Ok(ReprotectWay {
            process_server: Address::ProcessServer(process_server.unwrap_or(near).number() as u16),
            master_target: master_target.map(|target| MasterTargetId(target.0 as u16)),
            retention_drive: retention_drive.map(|drive| drive.0 as u8),
            datastore: datastore.filter(|_| !is_home).map(|datastore| DatastoreId(datastore as u32)),
            location: if is_alternate { Location::Alternate } else { Location::Original },
        })
    }

    /// Where the master target lies that is named, or else the one that serves the machine.
    fn datastore_of(&self, machine: MachineId, named: Option<MasterTargetIndex>) -> usize {
        let serving = || {
            let item = self.world.control().and_then(|control| control.item(machine));
            item.and_then(|item| item.master_target).map_or(0, |target| usize::from(target.0))
        };
        match named.map_or_else(serving, |target| target.0) {
            0 => self.scenario.master_target.datastore.0,
            further => self.scenario.master_targets[further - 1].datastore.0,
        }
    }

    /// What enables replication of a group. The first of its machines stands for the job.
    pub(super) fn enable_command(&self, group: usize) -> Option<(MachineId, Command)> {
        let spec = self.world.spec();
        let group = spec.groups.get(group)?;
        let sizes = |machine: &usize| {
            let machine = MachineId(*machine as u32);
            (machine, self.world.disk_sizes(machine))
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
            // The reader refuses them for anything but a plan.
            RecoveryPointChoice::LatestCrashConsistent
            | RecoveryPointChoice::LatestMultiVm
            | RecoveryPointChoice::LatestMultiVmProcessed
            | RecoveryPointChoice::LatestMultiVmAppConsistent
            | RecoveryPointChoice::LatestMultiVmCrashConsistent => return Err(Failure::no_such_point()),
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
            RecoveryPointChoice::LatestCrashConsistent
            | RecoveryPointChoice::LatestMultiVm
            | RecoveryPointChoice::LatestMultiVmProcessed
            | RecoveryPointChoice::LatestMultiVmAppConsistent
            | RecoveryPointChoice::LatestMultiVmCrashConsistent => None,
        };
        found.map(|point| point.id).ok_or_else(Failure::no_such_point)
    }
}
