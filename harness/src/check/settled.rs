//! When the dust has settled: every job has ended, nothing is left over, and what is not allowed is refused and
//! changes nothing.

use core::time::Duration;

use switchback_azure::LeftoverKind;
use switchback_engine::control::{
    Command, ItemState, JobState, Operation, PlannedPoint, ProtectedItem, ReprotectWay, TestState,
};
use switchback_engine::message::Selector;
use switchback_engine::recovery::SettingsChange;
use switchback_engine::role::{Address, CommandId};
use switchback_engine::{DatastoreId, Direction, GroupId, MachineId, PointId, Site};
use switchback_vsphere::LeftoverKind as HomeLeftover;

use super::Judge;
use super::rules::allowed;
use super::states::Reported;
use crate::content::Simulated;
use crate::world::World;

impl<C: Simulated> World<C> {
    /// Looks at everything that must hold once nothing is under way any more.
    pub fn judge_settled(&mut self) {
        self.judge_kept_points();
        self.judge_jobs();
        self.judge_leftovers();
        self.judge_left_machines();
        self.judge_vault_health();
        self.judge_refusals();
    }

    fn judge_jobs(&mut self) {
        self.judges.looked(Judge::JobsEnd);
        let Some(control) = self.control() else {
            return self.found(Judge::JobsEnd, "the vault is down".to_owned());
        };
        let open: Vec<String> = control
            .jobs()
            .filter(|job| job.state == JobState::InProgress)
            .map(|job| {
                format!(
                    "job {} ({:?}) is still in {:?}",
                    job.id.0,
                    job.kind,
                    job.current_task().map(|t| t.kind)
                )
            })
            .collect();
        let plans = control.plan_jobs().filter(|job| job.state == JobState::InProgress);
        let plans = plans.map(|job| format!("job {} of a plan is still {:?}", job.id.0, job.place));
        let open: Vec<String> = open.into_iter().chain(plans).collect();
        open.into_iter().for_each(|what| self.found(Judge::JobsEnd, what));
    }

    fn judge_leftovers(&mut self) {
        self.judges.looked(Judge::NoOrphan);
        let mut found = Vec::new();
        for left in self.azure().leftovers() {
            let reported = self.judges.reported(left.machine);
            if !reported.cleanup_failed && !may_be_in_cloud(reported, left.kind) {
                found.push(format!("{left} is left while the machine is {:?}", reported.state));
            }
        }
        // What is left at a site that is lost is lost with it.
        let at_home = if self.site_is_lost() { Vec::new() } else { self.vcenter().leftovers() };
        for left in at_home {
            let reported = self.judges.reported(left.machine);
            let is_wrong = match left.kind {
                HomeLeftover::AttachedDisk => !comes_home(reported.state),
                // A commit accepts what runs at home: nothing is gone back to any more.
                HomeLeftover::Snapshot => is_accepted_home(reported.state),
                HomeLeftover::Machine => false,
            };
            if is_wrong && !reported.cleanup_failed {
                found.push(format!("{left} is left while the machine is {:?}", reported.state));
            }
        }
        let groups: Vec<GroupId> = self.spec().groups.iter().map(|group| group.id).collect();
        found.extend(groups.into_iter().filter_map(|group| self.points_left(group)));
        found.into_iter().for_each(|what| self.found(Judge::NoOrphan, what));
    }

    /// A commit, a cancel and a disable give the recovery points up: with the last machine of a group they are gone.
    fn points_left(&self, group: GroupId) -> Option<String> {
        let machines = self.spec().groups.iter().find(|g| g.id == group).map(|group| &group.machines)?;
        // A machine that has not come this way yet may still join those that have.
        let is_over = |machine: &usize, site: Site| {
            let Reported { state, before, cleanup_failed, .. } =
                self.judges.reported(MachineId(*machine as u32));
            let gave_up = matches!(before, Some(ItemState::Disabling | ItemState::Cancelling));
            let is_through = matches!(state, ItemState::Committed(direction) if direction.target() == site);
            !cleanup_failed && (is_through || state == ItemState::Unprotected && gave_up)
        };
        let sites = [Site::Recovery, Site::Primary].into_iter();
        let over = sites.filter(|site| machines.iter().all(|machine| is_over(machine, *site)));
        let kept = over.filter_map(|site| self.target(site)).flat_map(|target| target.journals());
        let of_group = kept.filter(|(id, _)| id.whole() == group);
        let points: usize = of_group.map(|(_, journal)| journal.points().len()).sum();
        (points > 0)
            .then(|| format!("{points} recovery points of {group:?} are left, and nobody can use them"))
    }

    /// Asks, in a copy of the world, for everything that is not allowed now.
    fn judge_refusals(&mut self) {
        let mut copy = self.clone();
        copy.judges.reads_back = false;
        let asked: Vec<(MachineId, Operation, CommandId)> = self
            .all_machines()
            .flat_map(|machine| {
                self.illegal_commands(machine).map(move |(operation, command)| (machine, operation, command))
            })
            .map(|(machine, operation, command)| (machine, operation, copy.command(command)))
            .collect();
        let until = self.now() + Duration::from_secs(1);
        copy.run_until(until);
        for (machine, operation, id) in asked {
            self.judges.looked(Judge::StatesAreLegal);
            let state = self.judges.state(machine);
            match copy.reply(id) {
                Some(Err(_)) => {}
                Some(Ok(job)) => self.found(
                    Judge::StatesAreLegal,
                    format!("{operation:?} became job {} while machine {} was {state:?}", job.0, machine.0),
                ),
                None => self.found(
                    Judge::StatesAreLegal,
                    format!("{operation:?} was not answered while machine {} was {state:?}", machine.0),
                ),
            }
        }
        self.judge_untouched(&copy);
        self.judge_offers();
    }

    /// Whether a copy shows what this world, left alone, shows at the same instant.
    fn judge_untouched(&mut self, copy: &Self) {
        let after = copy.shown();
        if after == self.shown() {
            return;
        }
        // Something has changed since; it may have come by itself.
        let mut untouched = self.clone();
        untouched.judges.reads_back = false;
        untouched.run_until(copy.now());
        let untouched = untouched.shown();
        if after != untouched {
            let what = format!("refused commands changed something: {after:?} instead of {untouched:?}");
            self.found(Judge::StatesAreLegal, what);
        }
    }

    /// What the vault says may be asked for is what the documents say.
    fn judge_offers(&mut self) {
        let Some(control) = self.control() else { return };
        let mut found = Vec::new();
        for machine in self.all_machines() {
            let state = control.item(machine).map(|item| item.state());
            let reported = self.judges.state(machine);
            if state.is_some_and(|state| state != reported) {
                found.push(format!("machine {} is {state:?} and was last reported {reported:?}", machine.0));
            }
            let known = allowed(control.item(machine).map(standing), self.spec().site.stack);
            let offered = control.allowed_operations(machine);
            if offered.len() != known.len() || offered.iter().any(|operation| !known.contains(operation)) {
                found.push(format!(
                    "machine {} is {state:?} and is offered {offered:?}, not {known:?}",
                    machine.0
                ));
            }
        }
        found.into_iter().for_each(|what| self.found(Judge::StatesAreLegal, what));
    }

    fn all_machines(&self) -> impl Iterator<Item = MachineId> + use<C> {
        (0..self.spec().machines.len()).map(|machine| MachineId(machine as u32))
    }

    /// How many jobs there are, and the state of every item.
    fn shown(&self) -> Option<(usize, Vec<(ItemState, TestState)>)> {
        let control = self.control()?;
        Some((control.jobs().count(), control.items().map(standing).collect()))
    }

    fn illegal_commands(&self, machine: MachineId) -> impl Iterator<Item = (Operation, Command)> + use<C> {
        let item = self.control().and_then(|control| control.item(machine)).map(standing);
        let point = PointId { generation: u64::MAX, number: 1 };
        let process_server = Address::ProcessServer(0);
        let all = [
            (
                Operation::Failover,
                Command::Failover { machine, to: Selector::Latest, shut_down_source: false },
            ),
            (Operation::ChangePoint, Command::ChangePoint { machine, to: point }),
            (Operation::Commit, Command::Commit { machine }),
            (Operation::Cancel, Command::Cancel { machine }),
            (
                Operation::Reprotect,
                Command::Reprotect {
                    machine,
                    way: ReprotectWay::through(process_server, Some(DatastoreId(0))),
                },
            ),
            (Operation::Resync, Command::Resync { machine }),
            (Operation::SwitchProcessServer, Command::SwitchProcessServer { machine, process_server }),
            (Operation::Disable, Command::Disable { machine }),
            (Operation::TestFailover, Command::TestFailover { machine, to: Selector::Latest }),
            (Operation::CleanUpTest, Command::CleanUpTest { machine }),
            (
                Operation::PlannedFailover,
                Command::PlannedFailover { machine, to: PlannedPoint::CrashConsistent },
            ),
            (Operation::Configure, Command::Configure { machine, change: SettingsChange::default() }),
        ];
        let enable = self.enable_again(machine).map(|command| (Operation::Enable, command));
        let all = all.into_iter().chain(enable);
        let allowed = allowed(item, self.spec().site.stack);
        all.filter(move |(operation, _)| !allowed.contains(operation))
    }

    fn enable_again(&self, machine: MachineId) -> Option<Command> {
        let spec = self.spec();
        let group = spec.group_of(machine.0 as usize)?;
        let machines = group.machines.iter().map(|m| MachineId(*m as u32));
        let machines = machines.map(|machine| (machine, self.disk_sizes(machine))).collect();
        Some(Command::Enable {
            group: group.id,
            machines,
            policy: group.policy,
            process_server: Address::ProcessServer(0),
        })
    }
}

/// The state of an item, and of the test failover beside it.
fn standing(item: &ProtectedItem) -> (ItemState, TestState) {
    (item.state(), item.test())
}

/// Whether something in the cloud may be there once nothing is under way.
fn may_be_in_cloud(reported: Reported, kind: LeftoverKind) -> bool {
    if matches!(kind, LeftoverKind::TestMachine | LeftoverKind::TestDisk) {
        return reported.test != TestState::None;
    }
    if kind == LeftoverKind::ReplicaDisk {
        // A failover that was cancelled leaves the replica until the user disables.
        return reported.state != ItemState::Unprotected || reported.before != Some(ItemState::Disabling);
    }
    if reported.kept_in_cloud {
        return true;
    }
    let is_at_home = matches!(
        reported.state,
        ItemState::Enabling(Direction::Forward)
            | ItemState::Synchronising(Direction::Forward)
            | ItemState::Protected(Direction::Forward)
            | ItemState::Committed(Direction::Reverse)
    );
    // Who disables after a committed failover keeps the machine where it runs.
    !is_at_home && (reported.state != ItemState::Unprotected || reported.home == Site::Recovery)
}

/// Whether a machine's disks at home are lent to the master target.
const fn comes_home(state: ItemState) -> bool {
    matches!(
        state,
        ItemState::Enabling(Direction::Reverse)
            | ItemState::Synchronising(Direction::Reverse)
            | ItemState::Protected(Direction::Reverse)
            | ItemState::FailingOver(Direction::Reverse)
            | ItemState::FailoverFailed(Direction::Reverse)
            | ItemState::Resuming
    )
}

/// Whether a machine came home and that was committed.
const fn is_accepted_home(state: ItemState) -> bool {
    matches!(
        state,
        ItemState::Committed(Direction::Reverse)
            | ItemState::Enabling(Direction::Forward)
            | ItemState::Synchronising(Direction::Forward)
            | ItemState::Protected(Direction::Forward)
    )
}
