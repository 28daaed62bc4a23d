//! Commands: what is refused, and what a job is given to start with when it is not.
//!
//! A command is checked completely before anything changes. Its reply is kept, so that a user who asks twice under
//! one number gets the first answer and nothing is done twice.

use std::collections::BTreeSet;

use super::cancel;
use super::group::Group;
use super::item::{Health, ItemStatus, ProtectedItem, TestStatus};
use super::jobs::{Facts, Job};
use super::ledger::Reply;
use super::operations::allowed_operations;
use super::vault::Vault;
use super::vocabulary::{Command, ItemState, JobId, JobKind, Operation, Refused, Stack};
use super::wire::Wish;
use crate::id::{Direction, GroupId, MachineId};
use crate::message::Selector;
use crate::point::{Consistency, PointId, RecoveryPoint};
use crate::policy::ReplicationPolicy;
use crate::ports::Guest;
use crate::role::{Address, CommandId};

/// A disk's place in its machine is a byte.
const DISKS_MAX: usize = 256;

impl Vault {
    /// Takes a command, and answers it.
    pub(super) fn command(&mut self, id: CommandId, command: Command) {
        if let Some(reply) = self.ledger.reply(id) {
            let reply = reply.clone();
            return self.wishes.push(Wish::Reply(id, reply));
        }
        let reply = self.accept(command);
        self.ledger.keep_reply(id, reply.clone());
        self.wishes.push(Wish::Reply(id, reply));
    }

    pub(super) fn accept(&mut self, command: Command) -> Reply {
        match command {
            Command::Enable { group, machines, policy, process_server } => {
                self.enable(group, &machines, policy, process_server)
            }
            Command::Join { group, machine, disk_sectors, process_server } => {
                self.join(group, (machine, disk_sectors), process_server)
            }
            Command::Failover { machine, to, shut_down_source } => {
                self.fail_over(machine, to, shut_down_source)
            }
            Command::ChangePoint { machine, to } => self.change_point(machine, to),
            Command::Commit { machine } => self.commit(machine),
            Command::Cancel { machine } => self.cancel(machine),
            Command::Reprotect { machine, way } => {
                let (datastore, location) = (way.datastore, way.location);
                let needs_vmfs = self.config.stack == Stack::Classic;
                let facts = Facts { named: way.named(), datastore, location, needs_vmfs, ..Facts::new() };
                self.reprotect(machine, way.process_server, facts)
            }
            Command::Resync { machine } => self.resync(machine),
            Command::SwitchProcessServer { machine, process_server } => {
                self.switch_process_server(machine, process_server)
            }
            Command::Disable { machine } => self.disable(machine),
            Command::TestFailover { machine, to } => self.test_failover(machine, to),
            Command::CleanUpTest { machine } => self.clean_up_test(machine),
            Command::PlannedFailover { machine, to } => self.plan_failover(machine, to),
            Command::Configure { machine, change } => self.configure(machine, &change),
            Command::ChangeFailbackPolicy { machine, .. } => self.change_failback_policy(machine),
            Command::Plan(command) => self.plan_command(command),
        }
    }

    /// The item, if it is in a state that allows the operation.
    pub(super) fn permit(&self, machine: MachineId, operation: Operation) -> Result<&ProtectedItem, Refused> {
        let item = self.item(machine).ok_or(Refused::UnknownMachine(machine))?;
        let state = item.state();
        let stack = self.config.stack;
        if allowed_operations(state, item.test(), stack).contains(&operation) {
            return Ok(item);
        }
        let is_unknown = match operation {
            Operation::PlannedFailover => stack == Stack::Classic,
            Operation::Failover => {
                stack == Stack::Modernised && state == ItemState::Protected(Direction::Reverse)
            }
            _ => false,
        };
        Err(if is_unknown {
            Refused::NotInStack { operation, stack }
        } else {
            Refused::NotAllowed { operation, state }
        })
    }

    fn enable(
        &mut self,
        group: GroupId,
        machines: &[(MachineId, Vec<u64>)],
        policy: ReplicationPolicy,
        process_server: Address,
    ) -> Reply {
        self.check_group(group, machines)?;
        let members: Vec<MachineId> = machines.iter().map(|(machine, _)| *machine).collect();
        self.put_members(group, members.clone());
        self.begin_protection(group, machines, policy, process_server)
    }

    /// The machines of a group, in their order. Its runs stay.
    pub(super) fn put_members(&mut self, group: GroupId, machines: Vec<MachineId>) {
        let runs = self.ledger.group(group).map_or_else(Vec::new, |group| group.runs.clone());
        self.ledger.put_group(Group { id: group, machines, runs });
    }

    /// Makes items of machines, and begins a job for each. The first stands for all.
    pub(super) fn begin_protection(
        &mut self,
        group: GroupId,
        machines: &[(MachineId, Vec<u64>)],
        policy: ReplicationPolicy,
        process_server: Address,
    ) -> Reply {
        for (machine, disk_sectors) in machines {
            let status = self.item(*machine).map_or_else(
                || ItemStatus::Unprotected { leftover: false, since: self.now },
                |item| item.status.clone(),
            );
            self.ledger.put_item(ProtectedItem {
                machine: *machine,
                group,
                disk_sectors: disk_sectors.clone(),
                policy,
                failback_policy: ReplicationPolicy::FAILBACK,
                process_server,
                moves_to: None,
                master_target: self.item(*machine).and_then(|item| item.master_target),
                retention_drive: self.item(*machine).and_then(|item| item.retention_drive),
                generation: 0,
                rpo_alert: false,
                symptoms: BTreeSet::new(),
                was_tested: false,
                disks_attached: self.item(*machine).is_some_and(|item| item.disks_attached),
                guest: Guest::READY,
                profile: self.item(*machine).and_then(|item| item.profile.clone()),
                recovery: self.item(*machine).and_then(|item| item.recovery.clone()),
                health: Health::default(),
                status,
                test: self.item(*machine).map(|item| item.test).unwrap_or_default(),
                standing: Vec::new(),
            });
        }
        let jobs: Vec<JobId> = machines
            .iter()
            .map(|(machine, _)| self.begin_replication(*machine, None, Facts::new()))
            .collect();
        for job in &jobs {
            self.advance(*job);
        }
        jobs.first().copied().ok_or_else(|| Refused::BadGroup("it has no machine".to_owned()))
    }

    fn check_group(&self, group: GroupId, machines: &[(MachineId, Vec<u64>)]) -> Result<(), Refused> {
        let bad = |why: String| Err(Refused::BadGroup(why));
        if machines.is_empty() {
            return bad("it has no machine".to_owned());
        }
        if group > GroupId::MAX {
            return bad(format!("groups have numbers up to {}", GroupId::MAX.0));
        }
        self.check_new_machines(machines)?;
        let mut items = self.ledger.items().values();
        if items.any(|item| item.group.whole() == group && item.state() != ItemState::Unprotected) {
            return bad(format!("group {} is protected already", group.0));
        }
        Ok(())
    }

    /// Whether machines can become items: none of them is one, and each has disks.
    pub(super) fn check_new_machines(&self, machines: &[(MachineId, Vec<u64>)]) -> Result<(), Refused> {
        let bad = |why: String| Err(Refused::BadGroup(why));
        let mut seen = BTreeSet::new();
        for (machine, disks) in machines {
            if !seen.insert(*machine) {
                return bad(format!("machine {} is listed twice", machine.0));
            }
            if disks.is_empty() || disks.len() > DISKS_MAX {
                return bad(format!("machine {} has {} disks", machine.0, disks.len()));
            }
            if self.item(*machine).is_some_and(|item| item.state() != ItemState::Unprotected) {
                return bad(format!("machine {} is protected already", machine.0));
            }
        }
        Ok(())
    }

    pub(super) fn reprotect(&mut self, machine: MachineId, process_server: Address, facts: Facts) -> Reply {
        let item = self.permit(machine, Operation::Reprotect)?;
        let after = item.chosen_point();
        if item.direction().reversed() == Direction::Reverse && facts.datastore.is_none() {
            return Err(Refused::NoDatastore);
        }
        let invalid = facts.named.is_some() && self.config.stack == Stack::Modernised;
        self.check_master_target(machine, facts.named)?;
        if let Some(item) = self.ledger.item_mut(machine) {
            (item.process_server, item.moves_to) = (process_server, None);
        }
        let facts = Facts { invalid, ..facts };
        let job = self.begin_replication(machine, after, facts);
        self.advance(job);
        Ok(job)
    }

    /// Moves the item to enabling: away, or after a failover in the other direction. Who is protected for the first time
    /// enters its run at once, with all of its group; who turns round enters it when nothing stands in the way any more,
    /// because those that replicate already begin anew with it.
    fn begin_replication(&mut self, machine: MachineId, after: Option<RecoveryPoint>, facts: Facts) -> JobId {
        let (kind, direction) = match (after, self.item(machine)) {
            (Some(_), Some(item)) => (JobKind::Reprotect, item.direction().reversed()),
            _ => (JobKind::Enable, Direction::Forward),
        };
        let job = self.begin_job(kind, machine, direction, facts);
        if kind == JobKind::Enable {
            self.enter_run(machine, direction, job);
        }
        let to = ItemStatus::Enabling { direction, job, after, since: self.now };
        self.transition(machine, to, "enable or reprotect");
        job
    }

    pub(super) fn fail_over(
        &mut self,
        machine: MachineId,
        selector: Selector,
        shut_down_source: bool,
    ) -> Reply {
        let item = self.permit(machine, Operation::Failover)?;
        let (direction, is_retry) =
            (item.direction(), matches!(item.status, ItemStatus::FailoverFailed { .. }));
        let only_start = is_retry && direction == Direction::Reverse && !item.disks_attached;
        let before = self.job_of_status(&item.status).and_then(Job::point);
        match before {
            Some(point) if only_start => settled_on(point, selector)?,
            _ => self.check_selector(machine, selector)?,
        }
        let facts = Facts {
            selector,
            shut_down_source,
            leftover: is_retry && direction == Direction::Forward,
            only_start,
            point: before.filter(|_| only_start),
            // A recovered machine that a first attempt stopped is down already; one that runs is stopped now.
            source_is_down: is_retry && direction == Direction::Reverse,
            ..Facts::new()
        };
        self.cancel_side_jobs(machine);
        let job = self.begin_job(JobKind::Failover, machine, direction, facts);
        let to = ItemStatus::FailingOver { direction, job, stopped: is_retry, since: self.now };
        self.transition(machine, to, "failover");
        self.advance(job);
        Ok(job)
    }

    fn job_of_status(&self, status: &ItemStatus) -> Option<&Job> {
        match status {
            ItemStatus::FailoverFailed { job, .. } => self.job(*job),
            _ => None,
        }
    }

    /// Refuses a point that is known not to exist. What the target said may be old; its answer to the job decides.
    pub(super) fn check_selector(&self, machine: MachineId, selector: Selector) -> Result<(), Refused> {
        let Some(status) = self.status_of(machine) else {
            return Ok(());
        };
        let exists = match selector {
            Selector::Latest | Selector::LatestProcessed | Selector::Drained => true,
            Selector::LatestApplication => {
                status.points.iter().any(|point| point.consistency == Consistency::Application)
            }
            Selector::LatestCrash => {
                status.points.iter().any(|point| point.consistency == Consistency::Crash)
            }
            Selector::Exactly(wanted) => status.points.iter().any(|point| point.id == wanted),
        };
        if exists { Ok(()) } else { Err(Refused::NoSuchPoint) }
    }

    fn change_point(&mut self, machine: MachineId, to: PointId) -> Reply {
        let before = self.permit(machine, Operation::ChangePoint)?.chosen_point();
        let Some(point) = before else {
            return Err(Refused::NoSuchPoint);
        };
        self.check_selector(machine, Selector::Exactly(to))?;
        let direction = Direction::Forward;
        let facts = Facts { selector: Selector::Exactly(to), ..Facts::new() };
        let job = self.begin_job(JobKind::ChangePoint, machine, direction, facts);
        let status = ItemStatus::ChangingPoint { direction, job, point, since: self.now };
        self.transition(machine, status, "change of point");
        self.advance(job);
        Ok(job)
    }

    pub(super) fn commit(&mut self, machine: MachineId) -> Reply {
        let item = self.permit(machine, Operation::Commit)?;
        let ItemStatus::FailedOver { direction, point, .. } = item.status else {
            return Err(Refused::NotAllowed { operation: Operation::Commit, state: item.state() });
        };
        let snapshot = self.config.stack == Stack::Modernised && direction == Direction::Reverse;
        let job = self.begin_job(JobKind::Commit, machine, direction, Facts { snapshot, ..Facts::new() });
        self.transition(machine, ItemStatus::Committing { direction, job, point, since: self.now }, "commit");
        self.advance(job);
        Ok(job)
    }

    pub(super) fn cancel(&mut self, machine: MachineId) -> Reply {
        let item = self.permit(machine, Operation::Cancel)?;
        if item.direction() == Direction::Reverse {
            return self.take_back(machine);
        }
        let ItemStatus::FailingOver { job: failing_over, .. } = item.status else {
            return Err(Refused::NotAllowed { operation: Operation::Cancel, state: item.state() });
        };
        let inherited = cancel::unanswered(self, failing_over);
        self.cancel_job(failing_over);
        let facts = Facts { inherited, leftover: true, ..Facts::new() };
        let job = self.begin_job(JobKind::Cancel, machine, Direction::Forward, facts);
        self.transition(machine, ItemStatus::Cancelling { job, since: self.now }, "cancel");
        self.advance(job);
        Ok(job)
    }

    fn resync(&mut self, machine: MachineId) -> Reply {
        let direction = self.permit(machine, Operation::Resync)?.direction();
        let job = self.begin_job(JobKind::Resync, machine, direction, Facts::new());
        self.advance(job);
        Ok(job)
    }

    fn switch_process_server(&mut self, machine: MachineId, process_server: Address) -> Reply {
        let item = self.permit(machine, Operation::SwitchProcessServer)?;
        let direction = item.direction();
        let is_known = matches!(process_server, Address::ProcessServer(_));
        let is_there = item.process_server == process_server && item.moves_to.is_none();
        if !is_known {
            return Err(Refused::NoProcessServer(process_server));
        }
        if let Some(job) = self.side_jobs(machine).next() {
            return Err(Refused::JobUnderWay(job));
        }
        if is_there {
            return Err(Refused::SameProcessServer);
        }
        if let Some(item) = self.ledger.item_mut(machine) {
            item.moves_to = Some(process_server);
        }
        let facts = Facts { process_server: Some(process_server), ..Facts::new() };
        let job = self.begin_job(JobKind::SwitchProcessServer, machine, direction, facts);
        self.advance(job);
        Ok(job)
    }

    fn disable(&mut self, machine: MachineId) -> Reply {
        let item = self.permit(machine, Operation::Disable)?;
        let direction = item.direction();
        let leftover = match item.status {
            ItemStatus::Unprotected { leftover, .. } => leftover,
            ItemStatus::FailoverFailed { direction, .. } => direction == Direction::Forward,
            _ => false,
        };
        let inherited = match item.status {
            ItemStatus::FailoverFailed { job, .. } => cancel::given_up(self, job),
            _ => Vec::new(),
        };
        self.cancel_side_jobs(machine);
        let facts = Facts { leftover, inherited, ..Facts::new() };
        let job = self.begin_job(JobKind::Disable, machine, direction, facts);
        self.transition(machine, ItemStatus::Disabling { direction, job, since: self.now }, "disable");
        self.advance(job);
        Ok(job)
    }

    pub(super) fn test_failover(&mut self, machine: MachineId, selector: Selector) -> Reply {
        let direction = self.permit(machine, Operation::TestFailover)?.direction();
        self.check_selector(machine, selector)?;
        let facts = Facts { selector, ..Facts::new() };
        let job = self.begin_job(JobKind::TestFailover, machine, direction, facts);
        self.test_is(machine, TestStatus::InProgress(job));
        self.advance(job);
        Ok(job)
    }

    pub(super) fn clean_up_test(&mut self, machine: MachineId) -> Reply {
        let item = self.permit(machine, Operation::CleanUpTest)?;
        let inherited = match item.test {
            TestStatus::Active(job) => cancel::given_up(self, job),
            _ => Vec::new(),
        };
        let facts = Facts { inherited, ..Facts::new() };
        let job = self.begin_job(JobKind::CleanUpTest, machine, Direction::Forward, facts);
        self.test_is(machine, TestStatus::CleaningUp(job));
        self.advance(job);
        Ok(job)
    }
}

/// The disks of a machine are brought to a point already and given back: it can be had, and no other.
fn settled_on(point: RecoveryPoint, wanted: Selector) -> Result<(), Refused> {
    let is_another = match wanted {
        Selector::LatestApplication => point.consistency != Consistency::Application,
        Selector::Exactly(id) => point.id != id,
        _ => false,
    };
    if is_another { Err(Refused::NoSuchPoint) } else { Ok(()) }
}
