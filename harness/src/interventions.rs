//! What is done to a world while somebody else works in it: the steps of the scenario language that fate, a device or an
//! operator does, each at its time, after another one, or at a moment of the workflow.
//!
//! A [`crate::Drill`] has its timeline from the beginning, and an operator of its own. Here steps come at any time, from
//! somebody who breaks things while the clients of the world carry out a drill of theirs.

use core::time::Duration;

use switchback_engine::role::Address;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::{Action, Step, When};
use switchback_sim::SimTime;

use crate::content::Simulated;
use crate::drill::{faults, moments};
use crate::world::{FaultId, Seen, World};

/// Where an intervention stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its time or its moment has not come.
    Waiting,
    /// It was done, and lasts until then; at once where it does not last.
    Done {
        /// When.
        at: SimTime,
        /// Until when.
        until: SimTime,
    },
    /// Somebody has taken it back, before its time or before its end.
    Cleared,
}

/// A step that somebody wants done to a world.
#[derive(Debug, Clone)]
pub struct Intervention {
    /// Its number, counted from 1.
    pub number: u64,
    /// What is done.
    pub step: Step,
    /// Where it stands.
    pub stage: Stage,
    /// What its time counts from.
    asked_at: SimTime,
    /// The one that it comes after.
    after: Option<u64>,
    /// The moment that it waits for.
    watch: Option<usize>,
    /// The faults that it has begun.
    faults: Vec<FaultId>,
    /// The role that it has crashed.
    crashed: Option<Address>,
}

impl Intervention {
    /// Whether it waits, or lasts at that instant.
    #[must_use]
    pub fn is_open(&self, now: SimTime) -> bool {
        match self.stage {
            Stage::Waiting => true,
            Stage::Done { until, .. } => until > now,
            Stage::Cleared => false,
        }
    }
}

/// Why a step is no intervention.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoIntervention {
    /// It asks the vault for something.
    #[error("`{0}` is asked of the vault: its own clients do that")]
    AsksTheVault(&'static str),
    /// There may be no more.
    #[error("{0} interventions are kept, and no more")]
    TooMany(usize),
}

/// What is done to a world, in the order in which it was asked for.
#[derive(Debug, Clone, Default)]
pub struct Interventions {
    all: Vec<Intervention>,
}

impl Interventions {
    /// How many are kept.
    pub const MOST: usize = 10_000;

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Intervention] {
        &self.all
    }

    /// Takes steps of a timeline whose origin is now; their numbers. Does what is due.
    ///
    /// # Errors
    /// [`NoIntervention`]; none of them is taken then.
    pub fn add<C: Simulated>(
        &mut self,
        world: &mut World<C>,
        scenario: &Scenario,
        steps: Vec<Step>,
    ) -> Result<Vec<u64>, NoIntervention> {
        if let Some(step) = steps.iter().find(|step| step.action.fault().is_none()) {
            return Err(NoIntervention::AsksTheVault(step.action.word()));
        }
        if self.all.len() + steps.len() > Self::MOST {
            return Err(NoIntervention::TooMany(Self::MOST));
        }
        let first = self.all.len() as u64 + 1;
        for (number, step) in (first..).zip(steps) {
            let (after, watch) = match step.when {
                When::At(_) => (None, None),
                When::After { step, .. } => (Some(first + step.0 as u64), None),
                When::Moment { moment, .. } => (None, Some(world.watch(moments::of(moment)))),
            };
            self.all.push(Intervention {
                number,
                step,
                stage: Stage::Waiting,
                asked_at: world.now(),
                after,
                watch,
                faults: Vec::new(),
                crashed: None,
            });
        }
        self.do_what_is_due(world, scenario);
        Ok((first..).take(self.all.len() + 1 - first as usize).collect())
    }

    /// Takes one back: what waits is not done, and what lasts ends now. Whether there was anything to take back.
    pub fn clear<C: Simulated>(&mut self, world: &mut World<C>, number: u64) -> bool {
        let now = world.now();
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let Some(intervention) = at.and_then(|at| self.all.get_mut(at)).filter(|it| it.is_open(now)) else {
            return false;
        };
        intervention.stage = Stage::Cleared;
        for fault in intervention.faults.drain(..) {
            world.end_fault(fault);
        }
        if let Some(address) = intervention.crashed.take() {
            world.restart(address);
        }
        true
    }

    /// Lets time pass until then, and does what becomes due on the way. With `or_happening`, only until there is
    /// something new that people see; whether it stopped for that.
    pub fn run<C: Simulated>(
        &mut self,
        world: &mut World<C>,
        scenario: &Scenario,
        until: SimTime,
        or_happening: bool,
    ) -> bool {
        loop {
            let next = self.next_due(world).unwrap_or(until).min(until);
            let seen = world.run_until_seen(next, or_happening);
            let did_anything = self.do_what_is_due(world, scenario);
            match seen {
                Seen::Happening => return true,
                Seen::Nothing if or_happening && did_anything => return true,
                Seen::Nothing if next >= until => return false,
                Seen::Nothing | Seen::Moment => {}
            }
        }
    }

    /// Whether anything was.
    fn do_what_is_due<C: Simulated>(&mut self, world: &mut World<C>, scenario: &Scenario) -> bool {
        let now = world.now();
        let mut did_anything = false;
        for at in 0..self.all.len() {
            let is_due = self.all[at].stage == Stage::Waiting
                && self.due_at(&self.all[at], world).is_some_and(|due| due <= now);
            if is_due {
                self.all[at].carry_out(world, scenario);
                did_anything = true;
            }
        }
        did_anything
    }

    fn next_due<C: Simulated>(&self, world: &World<C>) -> Option<SimTime> {
        let waiting = self.all.iter().filter(|it| it.stage == Stage::Waiting);
        waiting.filter_map(|it| self.due_at(it, world)).filter(|due| *due > world.now()).min()
    }

    /// When it is due, if that is known yet.
    fn due_at<C: Simulated>(&self, intervention: &Intervention, world: &World<C>) -> Option<SimTime> {
        match intervention.step.when {
            When::At(after) => Some(intervention.asked_at + after),
            When::After { plus, .. } => match self.all[intervention.after? as usize - 1].stage {
                Stage::Done { until, .. } => Some(until + plus),
                Stage::Waiting | Stage::Cleared => None,
            },
            When::Moment { plus, .. } => Some(world.seen(intervention.watch?)? + plus),
        }
    }
}

impl Intervention {
    fn carry_out<C: Simulated>(&mut self, world: &mut World<C>, scenario: &Scenario) {
        let (now, before) = (world.now(), world.last_fault());
        // An agent is where its machine runs, which is nowhere once it has crashed.
        if let Action::Crash { who, vm, .. } = &self.step.action {
            self.crashed = faults::address(world, *who, vm.as_ref());
        }
        let lasts = faults::bring_about(world, scenario, &self.step.action).unwrap_or(Duration::ZERO);
        self.faults = before.until(world.last_fault()).collect();
        self.stage = Stage::Done { at: now, until: now + lasts };
    }
}
