//! A drill: a scenario's world, and a user who carries out its timeline step by step and waits for each job.
//!
//! | file | owns |
//! |---|---|
//! | `steps` | one step of the timeline: begun, waited for, done |
//! | `commands` | what a step asks the vault for |
//! | `asked` | what the user does until that is done |
//! | `failure` | why it was not done, in the words of the language |
//! | `faults` | what a step does to the world itself |
//! | `moments` | the moments that steps wait for, in the engine's words |
//! | `plans` | what the user does with recovery plans |
//! | `failovers` | what each failover asked for, recovered, lost, and how long it took |
//! | `expectations` | what the scenario expects, against what there is at the end |
//! | `recovery` | what a machine is to look like in Azure, and what the vault shows of it |
//! | `verdict` | judges, the timeline, convergence and expectations, as one list of verdicts |

use core::time::Duration;
use std::sync::Arc;

use switchback_engine::control::{Command, ItemState};
use switchback_engine::role::CommandId;
use switchback_engine::{Direction, MachineId};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::When;
use switchback_scenarios::model::words::Origin;
use switchback_sim::SimTime;
use thiserror::Error;

use crate::content::Simulated;
use crate::outcome::Outcome;
use crate::scene::world_spec;
use crate::world::{Seen, World};

mod asked;
mod commands;
mod expectations;
mod failovers;
mod failure;
pub(crate) mod faults;
pub(crate) mod moments;
mod monitoring;
mod plans;
mod recovery;
mod servers;
mod steps;
mod verdict;

pub use failovers::Failover;
pub use moments::state_of;
use steps::StepRun;
pub use steps::StepState;

/// How often the user looks whether a job has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Users enable protection when the machines have booted.
const ENABLE_AT: Duration = Duration::from_secs(60);
/// Who hears nothing of that asks again after this long.
const ENABLE_AGAIN_AFTER: Duration = Duration::from_secs(20);
/// A step that waits for its plan looks for it this often.
const PLAN_LOOKED_FOR_EVERY: Duration = Duration::from_secs(20);
/// A run that heals early goes on for this long after its timeline.
const HEALTHY_FOR: Duration = Duration::from_secs(60);
/// The user looks at least so often, so that whoever watches the run hears of it.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Why a drill cannot begin.
#[derive(Debug, Error)]
pub enum DrillError {
    /// The inventory of the scenario cannot be.
    #[error("the site cannot be built: {0}")]
    Site(#[from] switchback_vsphere::Fault),
}

/// A drill under way.
#[derive(Debug, Clone)]
pub struct Drill<C: Simulated> {
    world: World<C>,
    scenario: Arc<Scenario>,
    /// What the timeline counts from, once it is known.
    t0: Option<SimTime>,
    enabled: bool,
    /// What protection was asked for with, and when it is asked for again as long as nobody answers.
    unanswered: Vec<(CommandId, Command, SimTime)>,
    steps: Vec<StepRun>,
    failovers: Vec<Failover>,
    /// When the last step was done.
    timeline_done: Option<SimTime>,
    /// When each plan is to be asked for again if the vault does not keep it.
    plans_asked: Vec<SimTime>,
    /// What was asked for and could not be done.
    troubles: Vec<String>,
}

impl<C: Simulated> Drill<C> {
    /// A drill of a scenario, at its first moment.
    ///
    /// # Errors
    /// [`DrillError`] when its world cannot be built.
    pub fn new(scenario: Arc<Scenario>) -> Result<Self, DrillError> {
        let world = World::new(world_spec(&scenario))?;
        Ok(Self {
            t0: (scenario.t0 == Origin::Start).then_some(SimTime::ZERO),
            steps: scenario.timeline.iter().map(|_| StepRun::default()).collect(),
            world,
            scenario,
            enabled: false,
            unanswered: Vec::new(),
            failovers: Vec::new(),
            timeline_done: None,
            plans_asked: Vec::new(),
            troubles: Vec::new(),
        })
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &World<C> {
        &self.world
    }

    /// The world, to break it on purpose.
    pub const fn world_mut(&mut self) -> &mut World<C> {
        &mut self.world
    }

    /// The failovers so far, in the order in which they were asked for.
    #[must_use]
    pub fn failovers(&self) -> &[Failover] {
        &self.failovers
    }

    /// What the timeline counts from, once it is known.
    #[must_use]
    pub const fn t0(&self) -> Option<SimTime> {
        self.t0
    }

    /// What it is a drill of.
    #[must_use]
    pub const fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// Where each step of the timeline stands, with its name.
    pub fn steps(&self) -> impl Iterator<Item = (&str, StepState)> {
        self.scenario.timeline.iter().zip(&self.steps).map(|(step, run)| (step.name.as_str(), run.state))
    }

    /// What came out so far, judged as if the drill ended here. The drill itself goes on untouched.
    #[must_use]
    pub fn outcome_now(&self) -> Outcome {
        self.clone().conclude()
    }

    /// Runs to the end, and lets the judges look at what is left. `progress` is told the time now and then.
    pub fn run(&mut self, mut progress: impl FnMut(&Self)) -> Outcome {
        while self.advance() {
            progress(self);
        }
        self.conclude()
    }

    /// Lets time pass until there is something to look at, and does what is due; false when the drill is over.
    pub fn advance(&mut self) -> bool {
        self.pass_time();
        self.follow_failovers();
        self.enable_when_booted();
        self.find_t0();
        self.keep_plans();
        self.do_steps();
        !self.is_over()
    }

    /// The user looks every second, and at once when the timeline names an instant or waits for a moment. Looks at
    /// which nothing can have changed are left out.
    fn pass_time(&mut self) {
        let from = self.world.now();
        let next = self.next_due(from).unwrap_or(SimTime::MAX).min(from + LONGEST_WAIT);
        if self.world.run_until_seen(next, true) == Seen::Happening {
            let look = on_grid(from, self.world.now()).min(next);
            self.world.run_until_seen(look, false);
        }
    }

    /// The next instant at which something is due by the clock.
    fn next_due(&self, from: SimTime) -> Option<SimTime> {
        let named = self.steps.iter().enumerate().filter(|(_, run)| run.state == StepState::Waiting);
        let named = named.filter_map(|(at, _)| self.due_at(at)).filter(|at| *at > from);
        let looked_at = self.steps.iter().filter_map(|run| run.looked_at(from));
        let enabled = (!self.enabled).then_some(SimTime::ZERO + ENABLE_AT);
        let open = self.unanswered.iter().filter(|(id, ..)| self.world.reply(*id).is_none());
        let again = open.map(|(.., at)| *at).filter(|at| *at > from);
        let waiting = self.steps.iter().enumerate().filter(|(_, run)| run.state == StepState::Waiting);
        let mut due = waiting.filter_map(|(at, _)| self.due_at(at));
        let is_late = self.enabled && due.any(|at| at <= from);
        let late = is_late.then_some(from + PLAN_LOOKED_FOR_EVERY);
        let healed = self.timeline_done.map(|done| done + HEALTHY_FOR).filter(|at| *at > from);
        let looked_at = looked_at
            .chain(enabled)
            .chain(again)
            .chain(late)
            .chain(healed)
            .chain(self.over_at())
            .map(|at| on_grid(from, at));
        named.chain(looked_at).min()
    }

    /// When a step is due, if that is known yet.
    fn due_at(&self, step: usize) -> Option<SimTime> {
        match self.scenario.timeline[step].when {
            When::At(after) => Some(self.t0? + after),
            When::After { step, plus } => Some(self.steps[step.0].done_at()? + plus),
            When::Moment { plus, .. } => Some(self.world.seen(self.steps[step].watch?)? + plus),
        }
    }

    /// From t0 on the moments that steps wait for are looked out for.
    fn begin_timeline(&mut self) {
        for (step, run) in self.scenario.timeline.iter().zip(&mut self.steps) {
            if let When::Moment { moment, .. } = step.when {
                run.watch = Some(self.world.watch(moments::of(moment)));
            }
        }
        self.world.release_traces();
    }

    /// A moment that never comes fires nothing: what waits for one does not keep the timeline from being over, and nor
    /// does what comes after that.
    pub(super) fn may_never_begin(&self, step: usize) -> bool {
        if self.steps[step].state != StepState::Waiting {
            return false;
        }
        match self.scenario.timeline[step].when {
            When::At(_) => false,
            When::After { step, .. } => self.may_never_begin(step.0),
            When::Moment { .. } => {
                let seen = self.steps[step].watch.and_then(|watch| self.world.seen(watch));
                self.timeline_done.is_some() || seen.is_none()
            }
        }
    }

    fn enable_when_booted(&mut self) {
        if self.enabled {
            return self.enable_once_more();
        }
        let now = self.world.now();
        if now < SimTime::ZERO + ENABLE_AT {
            return;
        }
        self.enabled = true;
        for group in 0..self.world.spec().groups.len() {
            if let Some((_, command)) = self.enable_command(group) {
                let id = self.world.command(command.clone());
                self.unanswered.push((id, command, now + ENABLE_AGAIN_AFTER));
            }
        }
        if self.t0.is_some() {
            self.begin_timeline();
        }
    }

    /// Who hears nothing asks again under the same number: the vault may have been down.
    fn enable_once_more(&mut self) {
        let now = self.world.now();
        self.unanswered.retain(|(id, ..)| self.world.reply(*id).is_none());
        for (id, command, at) in self.unanswered.iter_mut().filter(|(.., at)| *at <= now) {
            self.world.repeat_command(*id, command.clone());
            *at = now + ENABLE_AGAIN_AFTER;
        }
    }

    fn find_t0(&mut self) {
        if self.t0.is_some() {
            return;
        }
        let is_protected = |machine| {
            self.world.judges().state(MachineId(machine as u32)) == ItemState::Protected(Direction::Forward)
        };
        if (0..self.scenario.vms.len()).all(is_protected) {
            self.t0 = Some(self.world.now());
            self.begin_timeline();
        }
    }

    fn do_steps(&mut self) {
        // Once the timeline is over nothing begins any more: faults have stopped.
        if self.timeline_done.is_some() {
            return;
        }
        for at in 0..self.steps.len() {
            self.do_step(at);
        }
        let is_over = |at: usize| self.steps[at].is_over() || self.may_never_begin(at);
        if self.t0.is_some() && (0..self.steps.len()).all(is_over) {
            self.timeline_done = Some(self.world.now());
        }
    }

    /// Whether nothing is left to do and the run has gone on for as long as it should.
    fn is_over(&self) -> bool {
        self.world.is_stuck()
            || self.over_at().is_some_and(|at| self.world.now() >= at)
            || self.has_healed_early()
    }

    /// When the run is over by the clock, if that is known yet.
    fn over_at(&self) -> Option<SimTime> {
        // A first copy that does not come is given up like a job that does not end.
        let Some(t0) = self.t0 else { return Some(SimTime::ZERO + self.scenario.operator.gives_up_after) };
        let done = self.timeline_done?;
        Some(match (self.scenario.run_for, &self.scenario.then_heal) {
            (Some(run_for), _) => (t0 + run_for).max(done),
            (None, Some(heal)) => done + heal.within,
            (None, None) => done + Scenario::RUN_ON,
        })
    }

    /// A run that only goes on to heal is over when it has, and has stayed so for a moment.
    fn has_healed_early(&self) -> bool {
        let heals = self.scenario.then_heal.is_some() && self.scenario.run_for.is_none();
        let Some(done) = self.timeline_done.filter(|_| heals) else { return false };
        self.world.now() >= done + HEALTHY_FOR && self.has_converged()
    }
}

/// The first of the instants at which the user looks, counted in seconds from `from`, that is not before `at`.
fn on_grid(from: SimTime, at: SimTime) -> SimTime {
    let looks = at.saturating_since(from).as_nanos().div_ceil(LOOK_EVERY.as_nanos()).max(1);
    from.saturating_add(LOOK_EVERY.saturating_mul(u32::try_from(looks).unwrap_or(u32::MAX)))
}
