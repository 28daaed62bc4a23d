//! The scripted world. It carries out every call once, whatever number of times it is asked under its number, and
//! counts what it carried out.

mod orders;
mod sites;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use core::time::Duration;

use crate::content::Stamp;
use crate::control::{
    Command, Control, ControlConfig, ControlRecord, ItemState, Job, JobId, JobState, Location, Operation,
    Refused, ReprotectWay, Stack,
};
use crate::id::{DatastoreId, Direction, DiskId, GroupId, MachineId, Site};
use crate::message::{
    AgentStatus, JournalSpec, Message, Observation, Order, RequestId, Selector, TargetStatus,
};
use crate::point::{Consistency, PointId, RecoveryPoint, WriteOrder};
use crate::policy::ReplicationPolicy;
use crate::ports::{
    CloudAnswer, DatastoreFound, DatastoreKind, Guest, HypervisorAnswer, Inspection, Instance, PortFailure,
};
use crate::role::{Address, CallId, CommandId, Effect, Input, Outbox, Role, StorageError};
use crate::time::Instant;

pub(super) const M: MachineId = MachineId(1);
pub(super) const N: MachineId = MachineId(2);
pub(super) const G: GroupId = GroupId(1);
/// Where disks lie at home, and where new ones are made.
pub(super) const D: DatastoreId = DatastoreId(0);
pub(super) const PS: Address = Address::ProcessServer(0);
/// More inputs than any job here needs: reaching it means that the vault does not come to rest.
const INPUTS_MAX: usize = 20_000;
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A machine at a site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub exists: bool,
    pub running: bool,
    pub attached: bool,
    pub snapshot: bool,
    pub disks: u32,
    pub guest: Guest,
    pub standing: crate::ports::Place,
    /// What the only datastore there is.
    pub storage: DatastoreKind,
    /// Its agent has not registered yet.
    pub unregistered: bool,
}

/// A journal at a site.
#[derive(Debug, Clone)]
pub(super) struct FakeJournal {
    pub spec: JournalSpec,
    pub points: Vec<RecoveryPoint>,
    pub shut_down: BTreeSet<MachineId>,
    pub finished: BTreeMap<MachineId, (Selector, RecoveryPoint)>,
    pub doubtful: Vec<(MachineId, u32)>,
}

pub(super) type Step = Input<Stamp>;

/// The world, and the vault in it.
#[derive(Clone)]
pub(super) struct World {
    pub config: ControlConfig,
    pub vault: Control<Stamp>,
    pub now: Instant,
    pub inbox: VecDeque<Step>,
    pub synced: Vec<ControlRecord>,
    pub tail: Vec<ControlRecord>,
    pub places: BTreeMap<(MachineId, Site), Place>,
    /// Machines of test failovers.
    pub tests: BTreeMap<MachineId, Place>,
    pub replicas: BTreeSet<DiskId>,
    pub journals: BTreeMap<(GroupId, Site), FakeJournal>,
    pub agents: BTreeMap<(MachineId, Site), u64>,
    /// What was answered to each call that was carried out.
    pub hypervisor_answers: BTreeMap<CallId, Result<HypervisorAnswer, PortFailure>>,
    pub cloud_answers: BTreeMap<CallId, Result<CloudAnswer, PortFailure>>,
    /// Every call that was carried out, once.
    pub done: Vec<String>,
    /// Every order that arrived, as often as it did.
    pub orders: Vec<(Address, RequestId, Order)>,
    pub replies: BTreeMap<CommandId, Result<JobId, Refused>>,
    pub observed: Vec<Observation>,
    /// Calls whose description begins so fail in this way, that many times.
    pub failures: Vec<(&'static str, PortFailure, u32)>,
    /// Answers to calls and orders whose description begins so are lost, that many times.
    pub losses: Vec<(&'static str, u32)>,
    pub store_failures: u32,
    pub appended: usize,
    pub crash_at: Option<(usize, Crash)>,
    pub inputs: usize,
    pub next_command: u64,
}

/// How the vault dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crash {
    /// The records after the last sync are kept.
    pub keeps_tail: bool,
    /// The answers that are on their way arrive all the same.
    pub keeps_answers: bool,
}

impl World {
    pub(super) fn new() -> Self {
        Self::of(Stack::Classic)
    }

    pub(super) fn of(stack: Stack) -> Self {
        let config = ControlConfig { stack, ..ControlConfig::STANDARD };
        let running = Place { exists: true, running: true, disks: 2, ..Place::default() };
        Self {
            config,
            vault: Control::new(config),
            now: Instant(1_000_000_000),
            inbox: VecDeque::new(),
            synced: Vec::new(),
            tail: Vec::new(),
            places: [((M, Site::Primary), running), ((N, Site::Primary), running)].into(),
            tests: BTreeMap::new(),
            replicas: BTreeSet::new(),
            journals: BTreeMap::new(),
            agents: BTreeMap::new(),
            hypervisor_answers: BTreeMap::new(),
            cloud_answers: BTreeMap::new(),
            done: Vec::new(),
            orders: Vec::new(),
            replies: BTreeMap::new(),
            observed: Vec::new(),
            failures: Vec::new(),
            losses: Vec::new(),
            store_failures: 0,
            appended: 0,
            crash_at: None,
            inputs: 0,
            next_command: 0,
        }
    }

    /// A world in which machine `M` is protected.
    pub(super) fn protected() -> Self {
        Self::new().protect()
    }

    fn protect(mut self) -> Self {
        self.succeed(enable(&[M]));
        self.reach(M, ItemState::Protected(Direction::Forward));
        self
    }

    /// A world in which machine `M` has failed over.
    pub(super) fn failed_over() -> Self {
        let mut world = Self::protected();
        world.succeed(fail_over(M));
        world
    }

    /// A world in which machine `M` replicates home.
    pub(super) fn protected_home() -> Self {
        Self::protected().turned_round()
    }

    /// The same of the modernised stack.
    pub(super) fn modernised_home() -> Self {
        Self::of(Stack::Modernised).protect().turned_round()
    }

    fn turned_round(mut self) -> Self {
        self.succeed(fail_over(M));
        self.succeed(Command::Commit { machine: M });
        self.succeed(reprotect(M));
        self.reach(M, ItemState::Protected(Direction::Reverse));
        self
    }

    pub(super) fn state(&self, machine: MachineId) -> ItemState {
        self.vault.item(machine).expect("an item").state()
    }

    pub(super) fn place(&mut self, machine: MachineId, site: Site) -> &mut Place {
        self.places.entry((machine, site)).or_default()
    }

    pub(super) fn instance(&mut self, instance: Instance, machine: MachineId) -> &mut Place {
        match instance {
            Instance::Recovered => self.place(machine, Site::Recovery),
            Instance::Test => self.tests.entry(machine).or_default(),
        }
    }

    pub(super) fn job(&self, id: JobId) -> &Job {
        self.vault.job(id).expect("a job")
    }

    /// Carries a command out and says how its job ended.
    pub(super) fn end(&mut self, command: Command) -> JobId {
        let id = self.submit(&command);
        let job = self.replies[&id].clone().unwrap_or_else(|why| panic!("{command:?} was refused: {why}"));
        self.run("the end of a job", |world| world.job(job).state != JobState::InProgress);
        job
    }

    pub(super) fn succeed(&mut self, command: Command) -> JobId {
        let job = self.end(command);
        let ended = self.job(job);
        assert_eq!(ended.state, JobState::Succeeded, "{ended:#?}");
        job
    }

    pub(super) fn refuse(&mut self, command: &Command) -> Refused {
        let id = self.submit(command);
        self.replies[&id].clone().expect_err("a refusal")
    }

    /// Gives a command until it is answered, as a user does who hears nothing.
    pub(super) fn submit(&mut self, command: &Command) -> CommandId {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.inbox.push_front(Input::Command { id, command: command.clone() });
        let mut patience = 0;
        let again = command.clone();
        self.run("a reply", move |world| {
            patience += 1;
            if patience % 50 == 0 && !world.replies.contains_key(&id) {
                world.inbox.push_back(Input::Command { id, command: again.clone() });
            }
            world.replies.contains_key(&id)
        });
        id
    }

    pub(super) fn reach(&mut self, machine: MachineId, state: ItemState) {
        self.run("a state", |world| world.state(machine) == state);
    }

    /// Goes on until something is true.
    pub(super) fn run(&mut self, what: &str, mut is_true: impl FnMut(&mut Self) -> bool) {
        for _ in 0..INPUTS_MAX {
            if is_true(self) {
                return;
            }
            self.step();
        }
        panic!("{what} was not reached; jobs: {:#?}", self.vault.jobs().collect::<Vec<_>>());
    }

    /// Goes on for a time.
    pub(super) fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        self.run("the end of a time", |world| world.now >= end);
    }

    /// One input: what is on its way, or the passing of time.
    pub(super) fn step(&mut self) {
        let Some(input) = self.inbox.pop_front() else {
            return self.pass_time();
        };
        self.inputs += 1;
        if let Some((at, crash)) = self.crash_at
            && at == self.inputs
        {
            self.crash(crash);
            if !crash.keeps_answers || matches!(input, Input::Synced { .. }) {
                return;
            }
        }
        self.hand_in(input);
    }

    fn pass_time(&mut self) {
        let beat = self.now + HEARTBEAT;
        let deadline = self.vault.deadline().unwrap_or(Instant::MAX);
        if deadline <= beat {
            self.now = self.now.max(deadline);
            self.inbox.push_back(Input::Wake);
        } else {
            self.now = beat;
            self.heartbeats();
        }
    }

    pub(super) fn hand_in(&mut self, input: Step) {
        if let Input::Synced { result: Ok(()), .. } = &input {
            self.synced.append(&mut self.tail);
        }
        let mut out = Outbox::default();
        self.vault.handle(self.now, input, &mut out);
        let effects: Vec<_> = out.drain().collect();
        for effect in effects {
            self.carry_out(effect);
        }
    }

    pub(super) fn crash(&mut self, crash: Crash) {
        if crash.keeps_tail {
            self.synced.append(&mut self.tail);
        }
        self.tail.clear();
        self.vault = Control::recover(self.config, self.synced.clone());
        self.inbox
            .retain(|input| crash.keeps_answers && !matches!(input, Input::Synced { .. } | Input::Wake));
    }

    fn carry_out(&mut self, effect: Effect<Stamp, ControlRecord>) {
        match effect {
            Effect::Append(record, _) => {
                self.appended += 1;
                self.tail.push(record);
            }
            Effect::Compact(records) => {
                self.synced.clear();
                self.tail = records.into_iter().map(|(record, _)| record).collect();
            }
            Effect::Sync(token) if self.store_failures > 0 => {
                self.store_failures -= 1;
                self.tail.clear();
                self.inbox.push_back(Input::Synced { token, result: Err(StorageError::Failed) });
            }
            Effect::Sync(token) => self.inbox.push_back(Input::Synced { token, result: Ok(()) }),
            Effect::Send { to, message: Message::Order { request, order } } => self.obey(to, request, *order),
            Effect::Hypervisor { call, request } => self.hypervisor(call, &request),
            Effect::Cloud { call, request } => self.cloud(call, &request),
            Effect::Reply { id, result } => {
                let before = self.replies.insert(id, result.clone());
                assert!(before.is_none_or(|before| before == result), "two answers to {id:?}");
            }
            Effect::Observe(observation) => self.observed.push(observation),
            other => panic!("the vault wants {other:?}"),
        }
    }

    fn fails(&mut self, call: &str) -> Option<PortFailure> {
        let rule =
            self.failures.iter_mut().find(|(begin, _, times)| call.starts_with(begin) && *times > 0)?;
        rule.2 -= 1;
        Some(rule.1.clone())
    }

    fn loses(&mut self, what: &str) -> bool {
        let rule = self.losses.iter_mut().find(|(begin, times)| what.starts_with(begin) && *times > 0);
        rule.map(|rule| rule.1 -= 1).is_some()
    }

    /// A machine that runs again goes on with what it had agreed on.
    pub(super) fn boots_again(&mut self, machine: MachineId, instance: Instance) {
        if instance == Instance::Recovered {
            for journal in self.journals.values_mut() {
                journal.shut_down.remove(&machine);
            }
        }
    }

    /// The machine was shut down in order: its last marker becomes a point.
    fn last_marker(&mut self, machine: MachineId, site: Site) {
        let generation = self.agents.get(&(machine, site)).copied().unwrap_or(0);
        for journal in self.journals.values_mut().filter(|journal| journal.spec.generation == generation) {
            journal.shut_down.insert(machine);
            cut(journal, self.now, Consistency::Crash);
        }
    }

    /// Every agent that runs and every target says how it is; data flows, and now and then a point is made.
    pub(super) fn heartbeats(&mut self) {
        let now = self.now;
        for (&(machine, site), &generation) in &self.agents {
            if self.places.get(&(machine, site)).is_some_and(|place| place.running) {
                let message = Message::AgentStatus(agent_status(machine, generation));
                self.inbox.push_back(Input::Message { from: Address::Agent(machine, site), message });
            }
        }
        for (&(_, site), journal) in &mut self.journals {
            let feeds = |machine: &MachineId| {
                self.agents.get(&(*machine, site.other())) == Some(&journal.spec.generation)
                    && self.places.get(&(*machine, site.other())).is_some_and(|place| place.running)
            };
            let is_fed = journal.spec.machines.iter().all(|(machine, _)| feeds(machine));
            let is_due = journal.points.last().is_none_or(|point| now.since(point.at) >= CADENCE);
            if is_fed && is_due {
                let kind = [Consistency::Crash, Consistency::Application][journal.points.len() % 2];
                cut(journal, now, kind);
            }
            let message = Message::TargetStatus(target_status(journal));
            self.inbox.push_back(Input::Message { from: Address::Target(site), message });
        }
    }

    /// What is allowed, as the vault shows it.
    pub(super) fn allowed(&self, machine: MachineId) -> Vec<Operation> {
        self.vault.allowed_operations(machine).to_vec()
    }

    pub(super) fn count(&self, begin: &str) -> usize {
        self.done.iter().filter(|call| call.starts_with(begin)).count()
    }
}

const CADENCE: Duration = Duration::from_secs(300);

fn cut(journal: &mut FakeJournal, at: Instant, consistency: Consistency) -> RecoveryPoint {
    let number = journal.points.last().map_or(1, |point| point.id.number + 1);
    let id = PointId { generation: journal.spec.generation, number };
    let point = RecoveryPoint { id, consistency, at };
    journal.points.push(point);
    point
}

pub(super) fn agent_status(machine: MachineId, generation: u64) -> AgentStatus {
    AgentStatus {
        machine,
        generation,
        session: 1,
        disk_sectors: Vec::new(),
        order: WriteOrder::Data,
        resync: None,
        resync_waits: false,
        sectors_to_copy: 0,
        pending_bytes: 0,
        failed_markers: 0,
        churns_too_much: false,
        unanswered_secs: 0,
    }
}

pub(super) fn target_status(journal: &FakeJournal) -> TargetStatus {
    TargetStatus {
        group: journal.spec.group,
        generation: journal.spec.generation,
        points: journal.points.clone().into(),
        shut_down: journal.shut_down.iter().copied().collect(),
        doubtful: journal.doubtful.clone(),
    }
}

fn inspection(place: Place) -> Inspection {
    Inspection {
        exists: place.exists,
        running: place.running,
        snapshots: 0,
        datastore_in_reach: true,
        disks_attached: place.attached,
        guest: place.guest,
        profile: None,
        agent_registered: !place.unregistered,
        place: crate::ports::Place { datastore: Some(D), ..place.standing },
        datastores: vec![DatastoreFound { id: D, kind: place.storage }],
    }
}

pub(super) const fn reprotect(machine: MachineId) -> Command {
    reprotect_to(machine, Location::Original)
}

pub(super) const fn reprotect_to(machine: MachineId, location: Location) -> Command {
    Command::Reprotect { machine, way: ReprotectWay { location, ..ReprotectWay::through(PS, Some(D)) } }
}

pub(super) fn enable(machines: &[MachineId]) -> Command {
    Command::Enable {
        group: G,
        machines: machines.iter().map(|machine| (*machine, vec![1 << 20, 1 << 18])).collect(),
        policy: ReplicationPolicy::DEFAULT,
        process_server: PS,
    }
}

pub(super) fn fail_over(machine: MachineId) -> Command {
    Command::Failover { machine, to: Selector::Latest, shut_down_source: true }
}
