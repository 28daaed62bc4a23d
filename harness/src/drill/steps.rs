//! One step of the timeline: begun when it is due, waited for, done when its job is final or its fault is over.

use core::time::Duration;

use switchback_engine::control::{Command, ItemState, JobId, JobState, Refused};
use switchback_engine::message::Selector;
use switchback_engine::ports::PortFailure;
use switchback_engine::role::{Address, CommandId};
use switchback_engine::{Direction, MachineId, PointId, Site};
use switchback_scenarios::model::words::{Component, DiskOwner, LinkName, OutsideCall, OutsideFailure};
use switchback_scenarios::model::{Action, FailbackPoint, RecoveryPointChoice, Subject};
use switchback_sim::SimTime;

use super::{Drill, PATIENCE};
use crate::content::Simulated;
use crate::world::{self, CallFailure, RoleKind, SiteCall, WAN, sim_time};

/// A role that crashes is down for this long, if the scenario does not say.
const DOWN_FOR: Duration = Duration::from_secs(30);

/// Where a step stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StepState {
    /// Its time has not come.
    #[default]
    Waiting,
    /// It was begun.
    Running {
        /// When.
        since: SimTime,
        /// When its fault is over; jobs end when they end.
        until: Option<SimTime>,
    },
    /// It is done.
    Done {
        /// When it was begun.
        since: SimTime,
        /// When it was done.
        at: SimTime,
        /// Whether what was asked for was done.
        well: bool,
    },
}

/// A step as it runs.
#[derive(Debug, Clone, Default)]
pub(super) struct StepRun {
    pub(super) state: StepState,
    asked: Vec<Asked>,
}

/// A command of a step, to one machine.
#[derive(Debug, Clone)]
struct Asked {
    command: Command,
    machine: MachineId,
    /// `None` while it waits to be asked again.
    id: Option<CommandId>,
    ended: Option<bool>,
}

impl StepRun {
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, StepState::Done { .. })
    }

    pub(super) const fn done_at(&self) -> Option<SimTime> {
        match self.state {
            StepState::Done { at, .. } => Some(at),
            _ => None,
        }
    }
}

impl<C: Simulated> Drill<C> {
    pub(super) fn do_step(&mut self, at: usize) {
        let now = self.world.now();
        match self.steps[at].state {
            StepState::Waiting => {
                let due = self.due_at(self.scenario.timeline[at].when);
                if due.is_some_and(|due| due <= now) {
                    self.begin(at);
                }
            }
            StepState::Running { since, until } => self.follow(at, since, until),
            StepState::Done { .. } => {}
        }
    }

    fn begin(&mut self, at: usize) {
        let since = self.world.now();
        let action = self.scenario.timeline[at].action.clone();
        let lasts = self.do_fault(&action);
        let commands = self.commands(&action);
        let commands = commands.unwrap_or_else(|trouble| {
            self.trouble(at, &trouble);
            Vec::new()
        });
        let is_job = lasts.is_none();
        let failed = is_job && commands.is_empty();
        for (machine, command) in commands {
            let id = Some(self.ask(machine, &command));
            self.steps[at].asked.push(Asked { command, machine, id, ended: None });
        }
        self.steps[at].state = if failed {
            StepState::Done { since, at: since, well: false }
        } else {
            StepState::Running { since, until: lasts.map(|lasts| since + lasts) }
        };
    }

    fn ask(&mut self, machine: MachineId, command: &Command) -> CommandId {
        self.note_failover(machine, command);
        self.world.command(command.clone())
    }

    /// Looks whether a step that was begun is done.
    fn follow(&mut self, at: usize, since: SimTime, until: Option<SimTime>) {
        let now = self.world.now();
        for asked in 0..self.steps[at].asked.len() {
            self.follow_asked(at, asked, since);
        }
        let run = &self.steps[at];
        let jobs_ended = run.asked.iter().all(|asked| asked.ended.is_some());
        if jobs_ended && until.is_none_or(|until| until <= now) {
            let well = run.asked.iter().all(|asked| asked.ended == Some(true));
            self.steps[at].state = StepState::Done { since, at: now, well };
        }
    }

    fn follow_asked(&mut self, at: usize, number: usize, since: SimTime) {
        let asked = self.steps[at].asked[number].clone();
        if asked.ended.is_some() {
            return;
        }
        let gave_up = self.world.now() > since + PATIENCE;
        let ended = match asked.id.map(|id| self.world.reply(id).cloned()) {
            // Asked again every look, as somebody does who waits for a button to become active.
            None => {
                let id = self.ask(asked.machine, &asked.command);
                self.steps[at].asked[number].id = Some(id);
                None
            }
            Some(None) => gave_up.then(|| Err("the vault does not answer".to_owned())),
            Some(Some(Ok(job))) => {
                self.job_ended(job).or_else(|| gave_up.then(|| Err("the job does not end".to_owned())))
            }
            Some(Some(Err(Refused::NotAllowed { state, .. }))) if is_passing(state) && !gave_up => {
                self.steps[at].asked[number].id = None;
                None
            }
            Some(Some(Err(refused))) => Some(Err(refused.to_string())),
        };
        if let Some(ended) = ended {
            self.steps[at].asked[number].ended = Some(ended.is_ok());
            if let Err(trouble) = ended {
                self.trouble(at, &trouble);
            }
        }
    }

    fn job_ended(&self, job: JobId) -> Option<Result<(), String>> {
        let job = self.world.control()?.job(job)?;
        match job.state {
            JobState::InProgress => None,
            JobState::Succeeded => Some(Ok(())),
            JobState::Cancelled => Some(Err("the job was cancelled".to_owned())),
            JobState::Failed => {
                let why =
                    job.error.as_ref().map_or_else(|| "without a reason".to_owned(), ToString::to_string);
                Some(Err(format!("the job failed: {why}")))
            }
        }
    }

    fn trouble(&mut self, at: usize, what: &str) {
        let step = &self.scenario.timeline[at];
        let line = self.scenario.asked_for_at(step.source);
        self.troubles.push(format!("step `{}` ({line}): {what}", step.name));
    }

    /// The commands of a step that asks the vault for something; none for faults.
    fn commands(&self, action: &Action) -> Result<Vec<(MachineId, Command)>, String> {
        let each = |subject: Subject, command: &dyn Fn(MachineId) -> Result<Command, String>| {
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
            Action::Reprotect(subject) => each(*subject, &|machine| {
                let home = self.world.judges().state(machine) == ItemState::Committed(Direction::Reverse);
                let process_server = Address::ProcessServer(if home { 0 } else { 1 });
                Ok(Command::Reprotect { machine, process_server })
            }),
            Action::Resync(subject) => each(*subject, &|machine| Ok(Command::Resync { machine })),
            _ => Ok(Vec::new()),
        }
    }

    fn selector(&self, machine: MachineId, to: RecoveryPointChoice) -> Result<Selector, String> {
        Ok(match to {
            RecoveryPointChoice::Latest => Selector::Latest,
            RecoveryPointChoice::LatestProcessed => Selector::LatestProcessed,
            RecoveryPointChoice::LatestAppConsistent => Selector::LatestApplication,
            RecoveryPointChoice::At(_) => Selector::Exactly(self.point(machine, to)?),
        })
    }

    /// The recovery point that a user picks from the list.
    fn point(&self, machine: MachineId, to: RecoveryPointChoice) -> Result<PointId, String> {
        let control = self.world.control().ok_or_else(|| "the vault is down".to_owned())?;
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
        found.map(|point| point.id).ok_or_else(|| "there is no such recovery point".to_owned())
    }

    /// Does what a step does to the world, and how long that lasts; `None` for a step that asks the vault.
    fn do_fault(&mut self, action: &Action) -> Option<Duration> {
        match action {
            Action::Cut { link, lasts } => {
                self.world.cut(links(*link), *lasts);
                Some(*lasts)
            }
            Action::Slow { link, bandwidth, lasts } => {
                self.world.slow(links(*link), (*bandwidth / 8).max(1), *lasts);
                Some(*lasts)
            }
            Action::Crash { who, vm, down_for } => {
                Some(self.crash(*who, vm.map(|vm| MachineId(vm.0 as u32)), *down_for))
            }
            Action::Destroy => {
                self.world.destroy_primary_site();
                Some(Duration::ZERO)
            }
            Action::Stop(vm) => {
                self.world.operator_stops(MachineId(vm.0 as u32));
                Some(Duration::ZERO)
            }
            Action::Start(vm) => {
                self.world.operator_starts(MachineId(vm.0 as u32));
                Some(Duration::ZERO)
            }
            Action::Fail { call, times, with } => {
                self.world.fail_calls(site_call(*call)?, &call_failure(*with), *times);
                Some(Duration::ZERO)
            }
            Action::DiskFull { who, lasts } => {
                let address = match who {
                    DiskOwner::ProcessServer => Address::ProcessServer(0),
                    DiskOwner::Target => Address::Target(Site::Recovery),
                    DiskOwner::MasterTarget => Address::Target(Site::Primary),
                    DiskOwner::AzureProcessServer => Address::ProcessServer(1),
                };
                self.world.fill_store(address, *lasts);
                Some(*lasts)
            }
            _ => None,
        }
    }

    fn crash(&mut self, who: Component, vm: Option<MachineId>, down_for: Option<Duration>) -> Duration {
        let kind = match who {
            Component::Agent => RoleKind::Agent,
            Component::ProcessServer => RoleKind::ProcessServer,
            Component::AzureProcessServer => RoleKind::AzureProcessServer,
            Component::Target => RoleKind::Target,
            Component::MasterTarget => RoleKind::MasterTarget,
            Component::Control => RoleKind::Control,
        };
        let usual = if kind == RoleKind::ProcessServer {
            self.scenario.process_server.crash_restart
        } else {
            DOWN_FOR
        };
        let down_for = down_for.unwrap_or(usual);
        let agent = vm.map(|vm| (vm, self.world.running_site(vm).unwrap_or(Site::Primary)));
        if let Some(address) = kind.address(agent) {
            self.world.crash(address, down_for);
        }
        down_for
    }
}

/// Whether an item is on its way to another state, so that asking again may help.
const fn is_passing(state: ItemState) -> bool {
    !matches!(
        state,
        ItemState::Unprotected | ItemState::Protected(_) | ItemState::Committed(_) | ItemState::FailedOver(_)
    )
}

const fn links(link: LinkName) -> &'static [world::LinkName] {
    match link {
        LinkName::Wan => &WAN,
        LinkName::Lan => &[world::LinkName::Lan],
    }
}

const fn site_call(call: OutsideCall) -> Option<SiteCall> {
    Some(match call {
        OutsideCall::Shutdown => SiteCall::ShutDown,
        OutsideCall::CreateDisk => SiteCall::CreateDisk,
        OutsideCall::CreateMachine => SiteCall::CreateMachine,
        OutsideCall::StartMachine => SiteCall::StartMachine,
        _ => return None,
    })
}

const fn call_failure(with: OutsideFailure) -> CallFailure {
    match with {
        OutsideFailure::Throttled => CallFailure::Throttled,
        OutsideFailure::Unavailable => CallFailure::Fail(PortFailure::Unavailable),
        OutsideFailure::TimeoutAfterSuccess => CallFailure::ReplyLost,
    }
}
