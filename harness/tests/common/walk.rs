//! A user who goes a whole journey by small steps, and does not lose heart when something crashes. It is a value,
//! with its world: cloned, both copies go the same way.
//!
//! # The rules by which the user asks again
//! What a real operator at a portal would do, and nothing that helps the engine on:
//! 1. Who hears nothing within [`REPEAT_AFTER`] asks again *under the same number*: the request, or its answer, may
//!    be lost. Nothing may be done twice because of that.
//! 2. Whose job failed looks at it for [`AGAIN_AFTER`] and then asks anew, at most [`ATTEMPTS`] times for each step.
//!    A job that never ends is nobody's to repeat: it is a failure.
//! 3. A refusal is a failure. The user only asks for what the state allows: where a test failover has failed halfway,
//!    what it has made is cleaned up before the next, and a planned failover that was taken back is asked for when the
//!    machine is protected again. A cancel that comes too late is refused, and that is no failure.

use core::time::Duration;

use switchback_engine::control::{
    Command, ItemState, Job, JobId, JobKind, JobState, PlannedPoint, ReprotectWay, TestState,
};
use switchback_engine::message::Selector;
use switchback_engine::role::{Address, CommandId};
use switchback_engine::{DatastoreId, Direction, DiskId, MachineId, Site, WriteOrder};
use switchback_harness::World;
use switchback_harness::check::Finding;
use switchback_harness::content::Simulated;
use switchback_harness::world::instant;
use switchback_sim::SimTime;

use super::{HOUR, MINUTE, SECOND};

/// A command without a reply is repeated after this long.
pub const REPEAT_AFTER: Duration = Duration::from_secs(20);
/// Between a job that failed and the next attempt.
pub const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How often a user tries one step.
pub const ATTEMPTS: u32 = 4;
/// No step takes longer than this, whatever crashes once.
const STEP_LIMIT: Duration = HOUR;
/// After the journey replication must be healthy again within this time.
const HEALTHY_WITHIN: Duration = Duration::from_secs(15 * 60);

/// More events than this within a second are roles or sites that go round in circles.
const EVENTS_A_SECOND: u64 = 100_000;

/// One step of a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Protect the group.
    Enable,
    /// Wait until every machine is protected.
    Protected,
    /// Wait until every machine has a point that restores a moment after the beginning of this step.
    Fresh,
    /// Fail every machine over to the latest point, with a shutdown.
    FailOver,
    /// Commit every machine.
    Commit,
    /// Reprotect every machine.
    Reprotect,
    /// Make a machine from the latest point of every machine, beside production.
    Test,
    /// Remove what that has made.
    CleanUp,
    /// Fail every machine over home as planned, whenever it is protected: the last changes of all are waited for together.
    ComeHome,
    /// Ask for that, and do not wait for it.
    StartHome,
    /// Take it back.
    TakeBack,
    /// Send what every machine writes through this process server.
    Switch(u16),
    /// Make the first disk of every machine larger by so many sectors.
    Grow(u64),
    /// Let time pass.
    Pause(Duration),
}

/// What came of a journey that did not go well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The cause in general words, to group by.
    pub cause: String,
    /// What exactly.
    pub what: String,
}

/// A user on a journey.
#[derive(Debug, Clone)]
pub struct Walk<C: Simulated> {
    pub world: World<C>,
    steps: Vec<Step>,
    /// Which step, and of which machine.
    at: usize,
    machine: usize,
    doing: Doing,
    since: SimTime,
    attempts: u32,
    /// One that was taken back is looked at for a while before it is asked home again.
    has_rested: bool,
    /// Every job the user has been given.
    jobs: Vec<JobId>,
}

#[derive(Debug, Clone)]
enum Doing {
    Nothing,
    Asked { id: CommandId, command: Command, repeat_at: SimTime },
    Waiting(JobId),
    Resting(SimTime),
}

impl<C: Simulated> Walk<C> {
    pub fn new(world: World<C>, steps: Vec<Step>) -> Self {
        let since = world.now();
        Self {
            world,
            steps,
            at: 0,
            machine: 0,
            doing: Doing::Nothing,
            since,
            attempts: 0,
            has_rested: false,
            jobs: Vec::new(),
        }
    }

    /// Whether the journey is over.
    pub fn is_over(&self) -> bool {
        self.at == self.steps.len()
    }

    /// The step under way, in words.
    pub fn place(&self) -> String {
        self.steps
            .get(self.at)
            .map_or_else(|| "at the end".to_owned(), |step| format!("step {} {step:?}", self.at))
    }

    /// A second passes, and the user looks at what has come of it.
    pub fn second(&mut self) -> Result<(), Trouble> {
        self.pass_a_second()?;
        if self.world.now() >= self.since + STEP_LIMIT {
            return Err(self.stuck("a step does not end"));
        }
        while !self.is_over() {
            if !self.look()? {
                break;
            }
        }
        Ok(())
    }

    fn pass_a_second(&mut self) -> Result<(), Trouble> {
        let until = self.world.now() + SECOND;
        let limit = self.world.events() + EVENTS_A_SECOND;
        while self.world.step(until) {
            if self.world.events() > limit {
                return Err(self.stuck("time stands still"));
            }
        }
        self.world.run_until(until);
        Ok(())
    }

    /// Goes to the end of the journey and judges it.
    pub fn finish(&mut self) -> Result<(), Trouble> {
        while !self.is_over() {
            self.second()?;
        }
        self.grow_healthy()?;
        self.world.judge_settled();
        self.judged()?;
        let control = self.world.control().expect("healthy");
        let open = self
            .jobs
            .iter()
            .find(|job| control.job(**job).is_none_or(|job| job.state == JobState::InProgress));
        open.map_or(Ok(()), |job| Err(trouble("a job of the user has not ended", format!("job {}", job.0))))
    }

    fn judged(&self) -> Result<(), Trouble> {
        let finding = |found: &Finding| {
            trouble(&format!("judge {:?}: {}", found.judge, in_general(&found.what)), format!("{found:?}"))
        };
        self.world.judges().findings().first().map_or(Ok(()), |found| Err(finding(found)))
    }

    /// Protected, in order, and with a point of every machine that restores a moment after the journey's end.
    fn grow_healthy(&mut self) -> Result<(), Trouble> {
        let ended = self.world.now();
        loop {
            let ill = self.illness(ended);
            match ill {
                None => return Ok(()),
                Some(why) if self.world.now() >= ended + HEALTHY_WITHIN => {
                    // What a judge has seen says more than that it has not healed.
                    self.judged()?;
                    return Err(self.stuck(&format!("not healthy at the end: {why}")));
                }
                Some(_) => self.pass_a_second()?,
            }
        }
    }

    fn illness(&self, ended: SimTime) -> Option<&'static str> {
        let Some(control) = self.world.control() else { return Some("the vault is down") };
        for machine in 0..self.world.spec().machines.len() {
            let machine = MachineId(machine as u32);
            let Some(item) = control.item(machine) else { return Some("no item") };
            if item.state() != ItemState::Protected(Direction::Forward) {
                return Some("not protected");
            }
            let Some(agent) = self.world.agent(machine, Site::Primary) else { return Some("no agent") };
            if agent.write_order() != WriteOrder::Data || item.health.order != WriteOrder::Data {
                return Some("write order is not kept");
            }
            if !self.has_point_since(machine, ended) {
                return Some("no recent point");
            }
        }
        None
    }

    fn stuck(&self, cause: &str) -> Trouble {
        let jobs = self.world.control().map(|control| {
            let open = control.jobs().filter(|job| job.state == JobState::InProgress);
            open.map(|job| format!("{:?} in {:?}", job.kind, job.current_task().map(|task| task.kind)))
                .collect::<Vec<_>>()
        });
        let states: Vec<_> = self.machines().map(|machine| self.state(machine)).collect();
        let step = self.steps.get(self.at);
        trouble(
            &format!("{cause}: {step:?} {jobs:?} {states:?}"),
            format!("{} {:?}", self.place(), self.doing),
        )
    }

    /// What the portal shows; `None` while the vault is down.
    fn state(&self, machine: MachineId) -> Option<ItemState> {
        self.world.control()?.item(machine).map(|item| item.state())
    }

    fn test(&self, machine: MachineId) -> TestState {
        let item = self.world.control().and_then(|control| control.item(machine));
        item.map_or(TestState::None, |item| item.test())
    }

    fn has_point_since(&self, machine: MachineId, since: SimTime) -> bool {
        let newest = self.world.control().and_then(|control| control.points_of(machine).last().copied());
        newest.is_some_and(|point| point.at > instant(since))
    }

    fn machines(&self) -> impl Iterator<Item = MachineId> + use<C> {
        (0..self.world.spec().machines.len()).map(|machine| MachineId(machine as u32))
    }

    /// Does what can be done now; whether there may be more.
    fn look(&mut self) -> Result<bool, Trouble> {
        match self.doing.clone() {
            Doing::Nothing => Ok(self.begin()),
            Doing::Resting(until) if self.world.now() < until => Ok(false),
            Doing::Resting(_) => {
                if let Step::Pause(_) = self.steps[self.at] {
                    self.next_step();
                }
                self.doing = Doing::Nothing;
                Ok(true)
            }
            Doing::Asked { id, command, repeat_at } => match self.world.reply(id).cloned() {
                Some(Ok(job)) => {
                    self.jobs.push(job);
                    self.doing = Doing::Waiting(job);
                    match self.steps[self.at] {
                        Step::StartHome => self.next_machine(),
                        Step::ComeHome => self.asked_home()?,
                        _ => {}
                    }
                    Ok(true)
                }
                Some(Err(_)) if self.steps[self.at] == Step::TakeBack => {
                    self.next_machine();
                    Ok(true)
                }
                Some(Err(refused)) => Err(trouble(
                    &format!("refused: {}", in_general(&refused.to_string())),
                    format!("{command:?}: {refused}"),
                )),
                None if self.world.now() >= repeat_at => {
                    self.world.repeat_command(id, command.clone());
                    let repeat_at = self.world.now() + REPEAT_AFTER;
                    self.doing = Doing::Asked { id, command, repeat_at };
                    Ok(false)
                }
                None => Ok(false),
            },
            Doing::Waiting(job) => self.look_at_job(job),
        }
    }

    /// Begins the step of the machine whose turn it is; whether it is over with that.
    fn begin(&mut self) -> bool {
        match self.steps[self.at] {
            Step::Pause(pause) => self.doing = Doing::Resting(self.world.now() + pause),
            Step::Protected => {
                let is_protected = |machine| matches!(self.state(machine), Some(ItemState::Protected(_)));
                if !self.machines().all(is_protected) {
                    return false;
                }
                self.next_step();
            }
            Step::Fresh => {
                if !self.machines().all(|machine| self.has_point_since(machine, self.since)) {
                    return false;
                }
                self.next_step();
            }
            Step::Grow(sectors) => {
                for machine in self.machines() {
                    let size = self.world.disk_sizes(machine)[0] + sectors;
                    self.world.operator_grows_disk(DiskId { machine, index: 0 }, size);
                }
                self.next_step();
            }
            // Somebody who cannot see the portal asks for nothing.
            _ if self.world.control().is_none() => return false,
            Step::ComeHome => return self.begin_to_come_home(),
            step => self.ask(step),
        }
        true
    }

    fn ask(&mut self, step: Step) {
        let command = self.command(step);
        let id = self.world.command(command.clone());
        self.doing = Doing::Asked { id, command, repeat_at: self.world.now() + REPEAT_AFTER };
    }

    /// Asks all machines home, one right after the other: the last changes of all are waited for together. Where not all
    /// came, those that were taken back are looked at for a while and asked once more.
    fn begin_to_come_home(&mut self) -> bool {
        let is_first = self.machine == 0;
        if self.machines().all(|machine| self.is_home(machine)) {
            self.next_step();
        } else if is_first && !self.machines().all(|of| self.is_home(of) || self.may_come_home(of)) {
            return false;
        } else if is_first && self.attempts > 0 && !self.has_rested {
            self.has_rested = true;
            self.doing = Doing::Resting(self.world.now() + AGAIN_AFTER);
        } else if self.may_come_home(MachineId(self.machine as u32)) {
            self.ask(Step::ComeHome);
        } else {
            // One that was asked to be taken back too late is home already.
            return self.asked_home().is_ok();
        }
        true
    }

    /// The turn goes to the next machine.
    fn asked_home(&mut self) -> Result<(), Trouble> {
        self.doing = Doing::Nothing;
        self.machine = (self.machine + 1) % self.world.spec().machines.len();
        self.attempts += u32::from(self.machine == 0);
        self.has_rested &= self.machine != 0;
        if self.attempts > ATTEMPTS { Err(self.stuck("nobody comes home")) } else { Ok(()) }
    }

    fn is_home(&self, machine: MachineId) -> bool {
        self.state(machine) == Some(ItemState::FailedOver(Direction::Reverse))
    }

    fn may_come_home(&self, machine: MachineId) -> bool {
        self.state(machine) == Some(ItemState::Protected(Direction::Reverse))
    }

    fn command(&self, step: Step) -> Command {
        let machine = MachineId(self.machine as u32);
        match step {
            Step::Enable => {
                let spec = self.world.spec();
                let group = &spec.groups[0];
                let sizes = |m: &usize| {
                    (MachineId(*m as u32), spec.machines[*m].disks.iter().map(|disk| disk.sectors).collect())
                };
                let machines = group.machines.iter().map(sizes).collect();
                Command::Enable {
                    group: group.id,
                    machines,
                    policy: group.policy,
                    process_server: Address::ProcessServer(0),
                }
            }
            Step::FailOver => Command::Failover { machine, to: Selector::Latest, shut_down_source: true },
            Step::Commit => Command::Commit { machine },
            Step::ComeHome | Step::StartHome => {
                Command::PlannedFailover { machine, to: PlannedPoint::CrashConsistent }
            }
            Step::TakeBack => Command::Cancel { machine },
            Step::Switch(number) => {
                Command::SwitchProcessServer { machine, process_server: Address::ProcessServer(number) }
            }
            Step::Test if self.test(machine) == TestState::None => {
                Command::TestFailover { machine, to: Selector::Latest }
            }
            Step::Test | Step::CleanUp => Command::CleanUpTest { machine },
            Step::Reprotect | Step::Protected | Step::Fresh | Step::Grow(_) | Step::Pause(_) => {
                let is_home = self.state(machine) == Some(ItemState::Committed(Direction::Reverse));
                let process_server = Address::ProcessServer(u16::from(!is_home));
                let way = ReprotectWay::through(process_server, Some(DatastoreId(0)));
                Command::Reprotect { machine, way }
            }
        }
    }

    fn look_at_job(&mut self, id: JobId) -> Result<bool, Trouble> {
        let Some(job) = self.world.control().and_then(|control| control.job(id)) else { return Ok(false) };
        match job.state {
            JobState::InProgress => return Ok(false),
            JobState::Succeeded if self.steps[self.at] == Step::Test && job.kind == JobKind::CleanUpTest => {
                self.doing = Doing::Nothing;
            }
            JobState::Succeeded => self.next_machine(),
            JobState::Failed | JobState::Cancelled => {
                self.attempts += 1;
                if self.attempts >= ATTEMPTS {
                    let step = self.steps[self.at];
                    return Err(trouble(
                        &format!("{step:?} fails again and again: {:?}", job.error),
                        in_words(job),
                    ));
                }
                self.doing = Doing::Resting(self.world.now() + AGAIN_AFTER);
            }
        }
        Ok(true)
    }

    fn next_machine(&mut self) {
        self.machine += 1;
        self.attempts = 0;
        self.doing = Doing::Nothing;
        let is_for_all = self.steps[self.at] == Step::Enable;
        if is_for_all || self.machine == self.world.spec().machines.len() {
            self.next_step();
        }
    }

    fn next_step(&mut self) {
        self.at += 1;
        self.machine = 0;
        self.attempts = 0;
        self.doing = Doing::Nothing;
        self.since = self.world.now();
    }
}

/// The smallest journey that visits every state on the way there and back, and looks in each protected one whether
/// points go on being made.
pub fn there_and_back(pause: Duration) -> Vec<Step> {
    let there =
        [Step::Enable, Step::Protected, Step::Pause(pause), Step::Fresh, Step::FailOver, Step::Pause(MINUTE)];
    let back =
        [Step::Commit, Step::Reprotect, Step::Protected, Step::Pause(pause), Step::Fresh, Step::FailOver];
    let home = [Step::Pause(MINUTE), Step::Commit, Step::Reprotect, Step::Protected, Step::Pause(pause)];
    [&there[..], &back, &home].concat()
}

/// A test failover beside production, looked at for a while and cleaned up, and production afterwards.
pub fn test_and_clean_up(pause: Duration) -> Vec<Step> {
    let test =
        [Step::Enable, Step::Protected, Step::Pause(pause), Step::Test, Step::Pause(MINUTE), Step::Fresh];
    let after = [Step::CleanUp, Step::Pause(pause), Step::Fresh];
    [&test[..], &after].concat()
}

/// A move to the other process server on premises and back, with everything under way.
pub fn move_and_move_back(pause: Duration) -> Vec<Step> {
    let there =
        [Step::Enable, Step::Protected, Step::Fresh, Step::Switch(2), Step::Pause(pause), Step::Fresh];
    let back = [Step::Switch(0), Step::Pause(SECOND), Step::Switch(2), Step::Switch(0), Step::Fresh];
    [&there[..], &back].concat()
}

/// A disk grows soon after the first copy, and again before anybody has looked at it; then there and home.
pub fn grow_there_and_back(pause: Duration) -> Vec<Step> {
    let grown = [Step::Enable, Step::Protected, Step::Grow(2048), Step::Pause(SECOND), Step::Grow(1)];
    let there = [Step::Pause(pause), Step::Fresh, Step::FailOver, Step::Commit, Step::Reprotect];
    let home = [Step::Protected, Step::Fresh, Step::FailOver, Step::Commit, Step::Reprotect, Step::Protected];
    [&grown[..], &there, &home].concat()
}

/// There, and home as planned: once taken back at a moment of it, and then for good.
pub fn there_and_home_as_planned(pause: Duration, taken_back_after: Duration) -> Vec<Step> {
    let there =
        [Step::Enable, Step::Protected, Step::FailOver, Step::Commit, Step::Reprotect, Step::Protected];
    let back = [Step::Pause(pause), Step::StartHome, Step::Pause(taken_back_after), Step::TakeBack];
    let home = [Step::ComeHome, Step::Commit, Step::Reprotect, Step::Protected, Step::Pause(pause)];
    [&there[..], &back, &home].concat()
}

fn trouble(cause: &str, what: String) -> Trouble {
    Trouble { cause: cause.to_owned(), what }
}

fn in_words(job: &Job) -> String {
    format!("job {} {:?} {:?}", job.id.0, job.kind, job.error)
}

/// The words without the numbers in them.
fn in_general(what: &str) -> String {
    let mut general = String::with_capacity(what.len());
    for letter in what.chars() {
        match letter {
            '0'..='9' if general.ends_with('#') => {}
            '0'..='9' => general.push('#'),
            _ => general.push(letter),
        }
    }
    general
}
