//! One step of the timeline: begun when it is due, waited for, done when its job is final or its fault is over.

use switchback_scenarios::model::Action;
use switchback_sim::SimTime;

use super::asked::Asked;
use super::{Drill, LOOK_EVERY, faults};
use crate::content::Simulated;

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
    pub(super) asked: Vec<Asked>,
    /// The moment it waits for.
    pub(super) watch: Option<usize>,
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

    /// When the user looks at it again, although nobody may see anything new until then.
    pub(super) fn looked_at(&self, now: SimTime) -> Option<SimTime> {
        let StepState::Running { until, .. } = self.state else { return None };
        let asked = self.asked.iter().filter_map(|asked| asked.looked_at(now + LOOK_EVERY));
        asked.chain(until.filter(|until| *until > now)).min()
    }
}

impl<C: Simulated> Drill<C> {
    pub(super) fn do_step(&mut self, at: usize) {
        let now = self.world.now();
        match self.steps[at].state {
            StepState::Waiting => {
                let due = self.due_at(at);
                if due.is_some_and(|due| due <= now && !self.waits_for_its_plan(at, due)) {
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
        let lasts = faults::bring_about(&mut self.world, &self.scenario, &action);
        let commands = self.commands(&action);
        let mut accepts = self.scenario.operator.accepts_refusals;
        let commands = commands.unwrap_or_else(|failure| {
            let wanted = self.scenario.timeline[at].fails;
            accepts |= failure.is(wanted);
            if !accepts {
                self.trouble(at, &failure.told(wanted));
            }
            Vec::new()
        });
        let is_job = lasts.is_none();
        let failed = is_job && commands.is_empty();
        for (machine, command) in commands {
            let asked = self.ask_first(machine, command);
            self.steps[at].asked.push(asked);
        }
        self.steps[at].state = if failed {
            StepState::Done { since, at: since, well: accepts }
        } else {
            StepState::Running { since, until: lasts.map(|lasts| since + lasts) }
        };
    }

    /// Looks whether a step that was begun is done.
    fn follow(&mut self, at: usize, since: SimTime, until: Option<SimTime>) {
        let now = self.world.now();
        for asked in 0..self.steps[at].asked.len() {
            self.follow_asked(at, asked, since);
        }
        let run = &self.steps[at];
        let jobs_ended = run.asked.iter().all(|asked| asked.ended().is_some());
        if jobs_ended && until.is_none_or(|until| until <= now) {
            let well = run.asked.iter().all(|asked| asked.ended() == Some(true));
            self.steps[at].state = StepState::Done { since, at: now, well };
        }
    }

    /// Whether an action needs a site that is lost: by the fault atlas, nothing can come home to it, and nothing there
    /// can be protected any more.
    fn is_beyond_reach(&self, action: &Action) -> bool {
        let needs_site = !matches!(
            action,
            Action::Failover { .. }
                | Action::ChangePoint { .. }
                | Action::Commit(_)
                | Action::Cancel(_)
                | Action::TestFailover { .. }
                | Action::CleanUpTest(_)
                | Action::Configure { .. }
                | Action::ChangeFailbackPolicy(_)
                | Action::CompleteAction(_)
        );
        needs_site && self.world.site_is_lost()
    }

    /// Takes note of what could not be done; whether it is a failure of the timeline.
    pub(super) fn trouble(&mut self, at: usize, what: &str) -> bool {
        if self.is_beyond_reach(&self.scenario.timeline[at].action) {
            return false;
        }
        let step = &self.scenario.timeline[at];
        let line = self.scenario.asked_for_at(step.source);
        self.troubles.push(format!("step `{}` ({line}): {what}", step.name));
        true
    }
}
