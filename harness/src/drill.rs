//! A drill: a scenario's world, and a user who carries out its timeline step by step and waits for each job.
//!
//! | file | owns |
//! |---|---|
//! | `steps` | one step of the timeline: begun, waited for, done |
//! | `failovers` | what each failover asked for, recovered, lost, and how long it took |
//! | `verdict` | expectations, convergence and judges, as one list of verdicts |

use core::time::Duration;
use std::sync::Arc;

use switchback_engine::control::{Command, ItemState};
use switchback_engine::role::Address;
use switchback_engine::{Direction, MachineId};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::When;
use switchback_scenarios::model::words::Origin;
use switchback_sim::SimTime;
use thiserror::Error;

use crate::content::Simulated;
use crate::outcome::Outcome;
use crate::scene::{NotEmulated, world_spec};
use crate::world::World;

mod failovers;
mod steps;
mod verdict;

pub use failovers::Failover;
use steps::StepRun;
pub use steps::StepState;

/// How often the user looks whether a job has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Users enable protection when the machines have booted.
const ENABLE_AT: Duration = Duration::from_secs(60);
/// The user gives up on a first copy, a job or a state that does not come.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a drill cannot begin.
#[derive(Debug, Error)]
pub enum DrillError {
    /// The scenario asks for what is not emulated.
    #[error(transparent)]
    NotEmulated(#[from] NotEmulated),
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
    steps: Vec<StepRun>,
    failovers: Vec<Failover>,
    /// When the last step was done.
    timeline_done: Option<SimTime>,
    /// What was asked for and could not be done.
    troubles: Vec<String>,
}

impl<C: Simulated> Drill<C> {
    /// A drill of a scenario, at its first moment.
    ///
    /// # Errors
    /// [`DrillError`] when its world cannot be built.
    pub fn new(scenario: Arc<Scenario>) -> Result<Self, DrillError> {
        let world = World::new(world_spec(&scenario)?)?;
        Ok(Self {
            t0: (scenario.t0 == Origin::Start).then_some(SimTime::ZERO),
            steps: scenario.timeline.iter().map(|_| StepRun::default()).collect(),
            world,
            scenario,
            enabled: false,
            failovers: Vec::new(),
            timeline_done: None,
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

    /// Lets one look's time pass and does what is due; false when the drill is over.
    pub fn advance(&mut self) -> bool {
        let now = self.world.now();
        let next = self.next_due().unwrap_or(SimTime::MAX).max(now);
        self.world.run_until(next.min(now + LOOK_EVERY));
        self.follow_failovers();
        self.enable_when_booted();
        self.find_t0();
        self.do_steps();
        !self.is_over()
    }

    /// The next instant that the timeline names.
    fn next_due(&self) -> Option<SimTime> {
        let waiting =
            self.scenario.timeline.iter().zip(&self.steps).filter(|(_, run)| run.state == StepState::Waiting);
        waiting.filter_map(|(step, _)| self.due_at(step.when)).filter(|at| *at > self.world.now()).min()
    }

    /// When a step is due, if that is known yet.
    fn due_at(&self, when: When) -> Option<SimTime> {
        match when {
            When::At(after) => Some(self.t0? + after),
            When::After { step, plus } => Some(self.steps[step.0].done_at()? + plus),
        }
    }

    fn enable_when_booted(&mut self) {
        if self.enabled || self.world.now() < SimTime::ZERO + ENABLE_AT {
            return;
        }
        self.enabled = true;
        for group in self.world.spec().groups.clone() {
            let sizes = |machine: &usize| {
                let disks =
                    self.world.spec().machines[*machine].disks.iter().map(|disk| disk.sectors).collect();
                (MachineId(*machine as u32), disks)
            };
            let machines = group.machines.iter().map(sizes).collect();
            let process_server = Address::ProcessServer(0);
            self.world.command(Command::Enable {
                group: group.id,
                machines,
                policy: group.policy,
                process_server,
            });
        }
        if self.t0.is_some() {
            self.world.release_traces();
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
            self.world.release_traces();
        }
    }

    fn do_steps(&mut self) {
        for at in 0..self.steps.len() {
            self.do_step(at);
        }
        if self.timeline_done.is_none() && self.t0.is_some() && self.steps.iter().all(StepRun::is_over) {
            self.timeline_done = Some(self.world.now());
        }
    }

    /// Whether nothing is left to do and the run has gone on for as long as it should.
    fn is_over(&self) -> bool {
        let now = self.world.now();
        let Some(t0) = self.t0 else { return now > SimTime::ZERO + PATIENCE };
        let Some(done) = self.timeline_done else { return false };
        let until = match (self.scenario.run_for, &self.scenario.then_heal) {
            (Some(run_for), _) => (t0 + run_for).max(done),
            (None, Some(heal)) => done + heal.within,
            (None, None) => done + Scenario::RUN_ON,
        };
        let healed =
            self.scenario.then_heal.is_some() && self.scenario.run_for.is_none() && self.has_converged();
        now >= until || (healed && now >= done + Scenario::RUN_ON.min(Duration::from_secs(60)))
    }
}
