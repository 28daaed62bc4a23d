//! The real thing under the reference of plans: a vault with two machines, and somebody who asks and compares. Nothing is
//! broken here; what becomes of plans amid faults is for the exploration to find out.

use core::marker::PhantomData;
use core::time::Duration;

use proptest_state_machine::StateMachineTest;
use switchback_engine::control::{
    Command, JobId, JobState, ManualAction, Plan, PlanAction, PlanCommand, PlanGroup, PlanId, PlanOperation,
    Refused, ReprotectWay,
};
use switchback_engine::message::Selector;
use switchback_engine::role::Address;
use switchback_engine::script::Script;
use switchback_engine::{DatastoreId, GroupId, MachineId, PointId, Stamp};
use switchback_harness::World;
use switchback_harness::world::spec::GroupSpec;

use super::common::{HOUR, MINUTE, SECOND, drill, machine, site};
use super::plan_reference::{Estate, Misshapen, PlanAsked, Plans, Shape, To};
use super::reference::{Asked, Item, Standing, Way, rehearsed_of, standing_of};

const PLAN: PlanId = PlanId(3);
const NO_POINT: PointId = PointId { generation: u64::MAX, number: 1 };

/// What counts as allowed; a twin says otherwise.
pub(crate) trait Law {
    fn allows(estate: &Estate, asked: PlanAsked) -> bool {
        estate.allows(asked)
    }
}

/// As the documents have it.
pub(crate) struct Documents;

impl Law for Documents {}

pub(crate) struct PlanRehearsal<L> {
    world: World<Stamp>,
    estate: Estate,
    law: PhantomData<L>,
}

impl<L: Law + 'static> StateMachineTest for PlanRehearsal<L> {
    type SystemUnderTest = Self;
    type Reference = Plans;

    fn init_test(estate: &Estate) -> Self {
        let machines = ["db-01", "web-01"].map(|name| machine(name, &[8], 16 << 10));
        let mut spec = site(2, machines.to_vec());
        // Each in a group of its own: one machine of a group that goes home alone waits for the other for its points.
        spec.groups[0].machines = vec![0];
        spec.groups.push(GroupSpec { id: GroupId(1), machines: vec![1], ..spec.groups[0].clone() });
        let mut drill = drill::<Stamp>(spec);
        drill.protect();
        drill.pass(6 * MINUTE);
        Self { world: drill.world, estate: *estate, law: PhantomData }
    }

    fn apply(mut rehearsal: Self, _: &Estate, asked: PlanAsked) -> Self {
        rehearsal.ask(asked);
        rehearsal
    }

    fn teardown(rehearsal: Self, _: Estate) {
        let findings = rehearsal.world.judges().findings();
        assert!(findings.is_empty(), "the judges found {findings:#?}");
    }
}

impl<L: Law> PlanRehearsal<L> {
    fn ask(&mut self, asked: PlanAsked) {
        let untouched = self.world.clone();
        let reply = self.reply_to(self.command(asked));
        match (L::allows(&self.estate, asked), reply) {
            (true, Ok(_)) => {
                self.estate = self.estate.after(asked);
                self.rest();
                self.compare(asked);
            }
            (true, Err(refused)) => {
                panic!("{asked:?} is allowed at {:?}, and was refused: {refused}", self.estate)
            }
            (false, Ok(job)) => {
                panic!("{asked:?} must be refused at {:?}, and became job {}", self.estate, job.0)
            }
            (false, Err(_)) => self.changed_nothing(asked, untouched),
        }
    }

    /// What was refused leaves everything as it would have been without it.
    fn changed_nothing(&self, asked: PlanAsked, mut untouched: World<Stamp>) {
        untouched.run_until(self.world.now());
        assert_eq!(shown(&self.world), shown(&untouched), "{asked:?} was refused and changed the vault");
        assert_eq!(sites(&self.world), sites(&untouched), "{asked:?} was refused and changed a site");
    }

    /// Every machine stands where the documents say, and the vault keeps the plan that it was given.
    fn compare(&self, asked: PlanAsked) {
        let control = self.world.control().unwrap();
        let stands: Vec<Item> = control
            .items()
            .map(|item| Item { standing: standing_of(item.state()), rehearsed: rehearsed_of(item.test()) })
            .collect();
        assert_eq!(stands, self.estate.machines, "after {asked:?}");
        assert_eq!(control.plan(PLAN).cloned(), self.estate.plan.map(plan), "after {asked:?}");
    }

    fn reply_to(&mut self, command: Command) -> Result<JobId, Refused> {
        let id = self.world.command(command);
        let limit = self.world.now() + MINUTE;
        while self.world.now() < limit {
            if let Some(reply) = self.world.reply(id) {
                return reply.clone();
            }
            self.world.run_until(self.world.now() + Duration::from_millis(100));
        }
        panic!("no reply")
    }

    /// Until nothing is under way any more but what waits for people.
    fn rest(&mut self) {
        let limit = self.world.now() + 4 * HOUR;
        self.world.run_until(self.world.now() + SECOND);
        while !self.is_at_rest() {
            assert!(self.world.now() < limit, "it does not come to rest: {}", shown(&self.world));
            self.world.run_until(self.world.now() + 10 * SECOND);
        }
    }

    fn is_at_rest(&self) -> bool {
        let control = self.world.control().unwrap();
        let waits = control.plan_jobs().any(|job| job.waits_for().is_some());
        let is_through = |item: &switchback_engine::control::ProtectedItem| {
            let standing = standing_of(item.state());
            let is_held = waits && matches!(standing, Standing::FailingOver(_));
            !matches!(standing, Standing::Copying(_)) && (is_held || !standing.is_passing())
        };
        let is_over = |state: JobState| state != JobState::InProgress;
        // While it waits, the jobs of the machines that have not started are under way.
        let jobs = waits || control.jobs().all(|job| is_over(job.state));
        let plans = control.plan_jobs().all(|job| is_over(job.state) || job.waits_for().is_some());
        jobs && plans && control.items().all(is_through)
    }

    fn command(&self, asked: PlanAsked) -> Command {
        let start = |operation| Command::Plan(PlanCommand::Start(PLAN, operation));
        match asked {
            PlanAsked::Save(shape) => Command::Plan(PlanCommand::Save(plan(shape))),
            PlanAsked::SaveMisshapen(what) => Command::Plan(PlanCommand::Save(misshapen(what))),
            PlanAsked::Delete => Command::Plan(PlanCommand::Delete(PLAN)),
            PlanAsked::FailOver(to) => {
                let (to, multi_vm) = point(to);
                start(PlanOperation::Failover { to, multi_vm, shut_down_source: true })
            }
            PlanAsked::Rehearse(to) => {
                let (to, multi_vm) = point(to);
                start(PlanOperation::TestFailover { to, multi_vm })
            }
            PlanAsked::Do(Asked::CleanUp) => start(PlanOperation::CleanUpTest),
            PlanAsked::Do(Asked::Commit) => start(PlanOperation::Commit),
            PlanAsked::Do(_) => start(PlanOperation::Reprotect(self.way())),
            PlanAsked::ActionDone => Command::Plan(PlanCommand::Resume(PLAN)),
            PlanAsked::Cancel => Command::Plan(PlanCommand::Cancel(PLAN)),
            PlanAsked::Alone(number, asked) => alone(MachineId(number as u32), asked),
        }
    }

    /// Through the process server where the machines run.
    fn way(&self) -> ReprotectWay {
        let runs_away = |item: &Item| item.standing == Standing::Committed(Way::ToAzure);
        let number = u16::from(self.estate.machines.iter().any(runs_away));
        ReprotectWay::through(Address::ProcessServer(number), Some(DatastoreId(0)))
    }
}

fn alone(machine: MachineId, asked: Asked) -> Command {
    match asked {
        Asked::Commit => Command::Commit { machine },
        Asked::Rehearse => Command::TestFailover { machine, to: Selector::Latest },
        Asked::CleanUp => Command::CleanUpTest { machine },
        _ => Command::Failover { machine, to: Selector::Latest, shut_down_source: true },
    }
}

const fn point(to: To) -> (Selector, bool) {
    match to {
        To::Latest => (Selector::Latest, false),
        To::Processed => (Selector::LatestProcessed, false),
        To::MultiVm => (Selector::Latest, true),
        To::MultiVmProcessed => (Selector::LatestProcessed, true),
        To::Single => (Selector::Exactly(NO_POINT), false),
    }
}

fn of_groups(groups: Vec<PlanGroup>) -> Plan {
    Plan { id: PLAN, name: "shop".to_owned(), groups }
}

fn group(machines: &[u32]) -> PlanGroup {
    let machines = machines.iter().copied().map(MachineId).collect();
    PlanGroup { machines, before: Vec::new(), after: Vec::new() }
}

fn plan(shape: Shape) -> Plan {
    let between = |action| PlanGroup { before: vec![action], ..group(&[1]) };
    let second = match shape {
        Shape::OneGroup => return of_groups(vec![group(&[0, 1])]),
        Shape::TwoGroups => group(&[1]),
        Shape::WithAction => between(PlanAction::Manual(ManualAction { description: "look".to_owned() })),
        Shape::WithScript => between(PlanAction::Script(Script::Program("look.sh".to_owned()))),
    };
    of_groups(vec![group(&[0]), second])
}

fn misshapen(what: Misshapen) -> Plan {
    of_groups(match what {
        Misshapen::Empty => Vec::new(),
        Misshapen::EightGroups => (0..8).map(|number| group(&[number])).collect(),
        Misshapen::MachineTwice => vec![group(&[0]), group(&[0])],
        Misshapen::Stranger => vec![group(&[0]), group(&[9])],
    })
}

/// What the vault shows: items, plans, jobs with their tasks, jobs of plans.
fn shown(world: &World<Stamp>) -> String {
    let control = world.control().unwrap();
    let items: Vec<_> = control.items().map(|item| (item.machine, item.state(), item.test())).collect();
    let task = |task: &switchback_engine::control::Task| (task.kind, task.state);
    let jobs: Vec<_> = control
        .jobs()
        .map(|job| (job.id, job.kind, job.state, job.tasks.iter().map(task).collect::<Vec<_>>()))
        .collect();
    let plans: Vec<_> = control.plan_jobs().map(|job| (job.id, job.kind, job.state, job.place)).collect();
    format!("{items:?} {jobs:?} {:?} {plans:?}", control.plan(PLAN))
}

/// What is there in both sites.
fn sites(world: &World<Stamp>) -> String {
    let azure = world.azure();
    let (disks, machines): (Vec<_>, Vec<_>) = (azure.disks().collect(), azure.machines().collect());
    format!("{disks:?} {machines:?} {:?}", world.vcenter().machines().collect::<Vec<_>>())
}
