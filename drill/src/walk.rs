//! A scenario is walked: what is due is asked for, what runs is looked at, and in between somebody waits.
//!
//! | file | owns |
//! |---|---|
//! | `prelude` | policies, protection, and what the timeline counts from |
//! | `ask` | one wish for one machine, from when it is due to its end |
//! | `send` | asking so that it is done once |
//! | `look` | what the vault shows: items, jobs, points |
//! | `memory` | what a run before has left in the journal |

use core::time::Duration;
use std::collections::BTreeMap;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::{Step, StepIndex, VmIndex, When};

use crate::client::Client;
use crate::clock::Clock;
use crate::error::WalkError;
use crate::journal::{AskEnd, How, Journal, Record};
use crate::paths::Vault;
use crate::plan::{Plan, Planned};
use crate::seen::StateSeen;
use crate::site::Site;
use crate::transport::Transport;

mod ask;
mod look;
mod memory;
mod prelude;
mod send;

use ask::Ask;
use memory::Memory;

/// Where time jumps, a look at an operation may let so much of it pass: what is due before comes first.
const LOOK_MAY_TAKE: Duration = Duration::from_mins(10);

/// How a drill is walked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The network of recovered machines: a name, or an id.
    pub network: Option<String>,
    /// Machines of a group are protected each by itself.
    pub each_by_itself: bool,
    /// What failed in a run before is asked for again.
    pub again: bool,
}

/// What came of a walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Walked {
    /// What the timeline counts from, since 1970.
    pub origin: Option<Duration>,
    /// What was asked for, in the order in which it was.
    pub asks: Vec<Asked>,
    /// The states that machines were seen in.
    pub states: Vec<StateSeen>,
}

/// Something that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The step; none for the protection with which a drill begins.
    pub step: Option<StepIndex>,
    /// For whom.
    pub machine: String,
    /// How it ended.
    pub end: AskEnd,
    /// Whether that is as it should be.
    pub well: bool,
}

impl Walked {
    /// Whether everything went as it should.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.asks.iter().all(|asked| asked.well)
    }
}

/// A walk under way.
pub struct Walk<'a, T, C> {
    scenario: &'a Scenario,
    plan: &'a Plan,
    options: Options,
    client: Client<T, C>,
    journal: Journal,
    memory: Memory,
    site: Site,
    tell: &'a mut dyn FnMut(&str),
    origin: Option<Duration>,
    steps: Vec<StepRun>,
    asks: Vec<Ask>,
    states: BTreeMap<String, StateSeen>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct StepRun {
    /// When the moment was seen that it waits for.
    seen: Option<Duration>,
    began: Option<Duration>,
    ended: Option<Duration>,
}

impl<'a, T: Transport, C: Clock> Walk<'a, T, C> {
    /// A walk of a plan, in a vault. What the journal knows is not done again.
    ///
    /// # Errors
    /// [`WalkError`] when the vault is not there, or not the scenario's.
    pub fn new(
        scenario: &'a Scenario,
        plan: &'a Plan,
        vault: Vault,
        options: Options,
        mut client: Client<T, C>,
        journal: Journal,
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Self, WalkError> {
        let site = Site::look(&mut client, scenario, vault, options.network.as_deref())?;
        let memory = Memory::of(&journal.records);
        let steps = (0..scenario.timeline.len()).map(|step| StepRun {
            seen: None,
            began: memory.began.get(&step).copied(),
            ended: memory.ended.get(&step).copied(),
        });
        Ok(Self {
            scenario,
            plan,
            options,
            client,
            site,
            tell,
            origin: memory.origin,
            steps: steps.collect(),
            asks: Vec::new(),
            states: memory.states.clone(),
            memory,
            journal,
        })
    }

    /// Walks to the end.
    ///
    /// # Errors
    /// [`WalkError`] when it breaks off; what was asked for goes on by itself.
    pub fn run(&mut self) -> Result<(), WalkError> {
        self.prepare()?;
        self.protect()?;
        if self.find_origin()? {
            self.take_up()?;
            while self.round()? {}
        }
        Ok(())
    }

    /// Steps that a run before has begun.
    fn take_up(&mut self) -> Result<(), WalkError> {
        let plan = self.plan;
        for planned in &plan.steps {
            if let Some(began) = self.steps[planned.step.0].began {
                self.add_asks(planned, began)?;
            }
        }
        Ok(())
    }

    /// One round of looking; whether there is anything left to do.
    fn round(&mut self) -> Result<bool, WalkError> {
        let now = self.now()?;
        self.begin_steps(now)?;
        let mut was_busy = self.ask_what_is_due(now)?;
        was_busy |= self.look_for_moments()?;
        if !was_busy {
            was_busy = self.look_at_what_runs()?;
        }
        was_busy |= self.end_steps()?;
        if was_busy {
            return Ok(true);
        }
        let now = self.now()?;
        match self.next_due(now) {
            Some(due) => {
                self.client.clock().sleep(due.saturating_sub(now).max(Duration::from_millis(1)))?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn now(&mut self) -> Result<Duration, WalkError> {
        Ok(self.client.clock().now()?)
    }

    /// Whether something has gone wrong: nothing is begun any more then.
    fn has_failed(&self) -> bool {
        self.asks.iter().any(|ask| ask.end().is_some_and(|end| !self.is_well(ask.step, end)))
    }

    fn begin_steps(&mut self, now: Duration) -> Result<(), WalkError> {
        let plan = self.plan;
        for planned in &plan.steps {
            let step = planned.step.0;
            let is_due = self.steps[step].began.is_none() && self.due_at(step).is_some_and(|due| due <= now);
            if is_due && !self.has_failed() {
                self.steps[step].began = Some(now);
                self.journal.write(Record::StepBegan { step, at: now })?;
                let words = self.told_of(planned);
                (self.tell)(&words);
                self.add_asks(planned, now)?;
            }
        }
        Ok(())
    }

    fn told_of(&self, planned: &Planned) -> String {
        let step = self.step(planned.step);
        let names: Vec<&str> = planned.machines.iter().map(|vm| self.name(*vm)).collect();
        format!("{} ({}) of {}", step.name, self.scenario.asked_for_at(step.source), names.join(", "))
    }

    fn end_steps(&mut self) -> Result<bool, WalkError> {
        let (mut any, plan) = (false, self.plan);
        for planned in &plan.steps {
            let step = planned.step.0;
            let of_step = |ask: &&Ask| ask.step == Some(planned.step);
            let is_through = self.asks.iter().filter(of_step).all(|ask| ask.end().is_some());
            if self.steps[step].began.is_some() && self.steps[step].ended.is_none() && is_through {
                let at = self.now()?;
                self.steps[step].ended = Some(at);
                self.journal.write(Record::StepEnded { step, at })?;
                any = true;
            }
        }
        Ok(any)
    }

    /// When a step is due, if that is known yet. One that is not walked is over as soon as it is due.
    fn due_at(&self, step: usize) -> Option<Duration> {
        match self.scenario.timeline[step].when {
            When::At(after) => Some(self.origin? + after),
            When::After { step, plus } => Some(self.over_at(step.0)? + plus),
            When::Moment { plus, .. } => Some(self.steps[step].seen? + plus),
        }
    }

    fn over_at(&self, step: usize) -> Option<Duration> {
        let is_walked = self.plan.steps.iter().any(|planned| planned.step.0 == step);
        if is_walked { self.steps[step].ended } else { self.due_at(step) }
    }

    /// When steps are due that have not begun, as far as that is known.
    fn dues(&self) -> impl Iterator<Item = Duration> {
        let waiting = self.plan.steps.iter().map(|planned| planned.step.0);
        let waiting = waiting.filter(|step| self.steps[*step].began.is_none() && !self.has_failed());
        waiting.filter_map(|step| self.due_at(step))
    }

    /// The next step or look that is due by the clock; none when there is nothing to wait for. A moment that never comes
    /// fires nothing.
    fn next_due(&self, now: Duration) -> Option<Duration> {
        if self.is_held_back(now) {
            return self.dues().min();
        }
        let next = self.asks.iter().filter_map(Ask::due).chain(self.dues()).min()?;
        let look = now + self.client.patience().poll_every;
        Some(if self.waits_for_moments() { next.min(look) } else { next })
    }

    fn waits_for_moments(&self) -> bool {
        let waiting = self.plan.steps.iter().map(|planned| planned.step.0);
        let is_unseen = |step: usize| self.steps[step].seen.is_none() && self.steps[step].began.is_none();
        let is_moment = |step: usize| matches!(self.scenario.timeline[step].when, When::Moment { .. });
        waiting.into_iter().any(|step| is_moment(step) && is_unseen(step))
    }

    /// Where time jumps, a step that is due soon comes before a look that would let its time pass.
    fn is_held_back(&self, now: Duration) -> bool {
        self.client.jumps() && self.dues().any(|due| due > now && due < now + LOOK_MAY_TAKE)
    }

    fn step(&self, step: StepIndex) -> &'a Step {
        &self.scenario.timeline[step.0]
    }

    fn name(&self, vm: VmIndex) -> &'a str {
        &self.scenario.vm(vm).name
    }

    /// Whether something ended as the scenario wants it.
    fn is_well(&self, step: Option<StepIndex>, end: &AskEnd) -> bool {
        let is_to_fail = step.is_some_and(|step| self.step(step).fails.is_some());
        match end.how {
            How::Done | How::AlreadySo => !is_to_fail,
            // Only a user cancels a job.
            How::Canceled => !is_to_fail,
            How::TooLate { .. } => true,
            How::Failed { .. } | How::Refused { .. } => is_to_fail,
            How::NotInTime { .. } => false,
        }
    }

    /// What has come of it so far.
    #[must_use]
    pub fn walked(&self) -> Walked {
        let mut asks: Vec<(Duration, Asked)> = Vec::new();
        for ask in &self.asks {
            for end in ask.all_ends() {
                let begun = end.job.as_ref().and_then(|job| job.started).unwrap_or(end.at);
                let machine = self.name(ask.machine).to_owned();
                let well = self.is_well(ask.step, end) || ask.end() != Some(end);
                asks.push((begun, Asked { step: ask.step, machine, end: end.clone(), well }));
            }
        }
        asks.sort_by_key(|(begun, _)| *begun);
        let states = self.journal.records.iter().filter_map(|record| match record {
            Record::State(seen) => Some(seen.clone()),
            _ => None,
        });
        Walked {
            origin: self.origin,
            asks: asks.into_iter().map(|(_, asked)| asked).collect(),
            states: states.collect(),
        }
    }
}
