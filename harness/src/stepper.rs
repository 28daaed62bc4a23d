//! Stepping through a drill, one event at a time, forwards and backwards.
//!
//! Worlds are values, so going back is starting again from an earlier copy. A place in a drill is a number of events: the
//! world after so many, and after everything that its user does before the next one. Whichever way one comes to a
//! place, it is the same world.
//!
//! Copies are kept now and then on the way, at most [`SNAPSHOTS_MAX`]; when there are more, every second is given up and
//! the distance between them doubles. So memory is bounded, and going back costs at most one distance of running.
//!
//! It rests on one property of [`Drill::advance`]: first the world runs, then the user acts. What lies between two calls
//! of it is the world alone, which can be stepped.
//!
//! | file | owns |
//! |---|---|
//! | `seek` | finding places: by number, by time, by what happens there |

use std::sync::Arc;

use switchback_engine::{Block, Stamp};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::ContentKind;
use switchback_sim::SimTime;

use crate::content::Simulated;
use crate::drill::{Drill, DrillError};
use crate::outcome::Outcome;
use crate::report;
use crate::world::{Happening, World};

mod seek;

pub use seek::Moment;

/// Copies of the drill that are kept at most.
pub const SNAPSHOTS_MAX: usize = 24;
/// Events between two copies, at first.
const SNAPSHOT_EVERY: u64 = 2_000;

/// One event that was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number, from 1.
    pub event: u64,
    /// When it was handled.
    pub at: SimTime,
    /// What it was, in a line.
    pub what: String,
    /// What came of it that people see, and what the user of the drill did before the next event, a line each.
    pub happened: Vec<String>,
}

/// Somebody who steps through a drill, whatever its disks hold.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Steps through the drill.
    fn visit<C: Simulated>(self, stepper: Stepper<C>) -> Self::Output;
}

/// Lets somebody step through the drill of a scenario.
///
/// # Errors
/// [`DrillError`] when its world cannot be built.
pub fn with<V: Visitor>(scenario: &Arc<Scenario>, visitor: V) -> Result<V::Output, DrillError> {
    Ok(match scenario.content {
        ContentKind::Stamps => visitor.visit(Stepper::<Stamp>::new(Arc::clone(scenario))?),
        ContentKind::Bytes => visitor.visit(Stepper::<Block>::new(Arc::clone(scenario))?),
    })
}

/// A drill that stands still at some event.
#[derive(Debug, Clone)]
pub struct Stepper<C: Simulated> {
    /// In the order of their events; the first is the first moment of the drill.
    snapshots: Vec<Drill<C>>,
    snapshot_every: u64,
    here: Place<C>,
    /// Names the machines, for lines of the timeline.
    cast: Outcome,
}

/// A place in a drill.
#[derive(Debug, Clone)]
struct Place<C: Simulated> {
    /// The drill when its user looked last.
    looked: Drill<C>,
    /// The drill when its user looks next, or the end.
    ahead: Drill<C>,
    /// Whether the drill is over when `ahead` is reached.
    ends: bool,
    /// The drill here: `looked`, and some events more.
    now: Drill<C>,
}

fn events<C: Simulated>(drill: &Drill<C>) -> u64 {
    drill.world().events()
}

impl<C: Simulated> Place<C> {
    /// The place of a drill whose user has just looked.
    fn at(looked: Drill<C>) -> Self {
        let mut ahead = looked.clone();
        let ends = !ahead.advance();
        let mut place = Self { now: looked.clone(), looked, ahead, ends };
        place.settle();
        place
    }

    /// The last place of a drill.
    fn end(drill: Drill<C>) -> Self {
        Self { looked: drill.clone(), ahead: drill.clone(), ends: true, now: drill }
    }

    fn events(&self) -> u64 {
        events(&self.now)
    }

    fn is_over(&self) -> bool {
        self.ends && self.events() == events(&self.ahead)
    }

    /// Goes on to the last look before the next event, so that what the user does there has been done.
    fn settle(&mut self) {
        while self.events() == events(&self.ahead) {
            self.looked = self.ahead.clone();
            self.now = self.ahead.clone();
            if self.ends {
                return;
            }
            self.ends = !self.ahead.advance();
        }
    }

    fn forward(&mut self) -> bool {
        if self.is_over() {
            return false;
        }
        self.now.world_mut().step(SimTime::MAX);
        self.settle();
        true
    }
}

impl<C: Simulated> Stepper<C> {
    /// Stands before the first event of a drill of a scenario.
    ///
    /// # Errors
    /// [`DrillError`] when its world cannot be built.
    pub fn new(scenario: Arc<Scenario>) -> Result<Self, DrillError> {
        Ok(Self::of(Drill::new(scenario)?))
    }

    /// Stands at a drill that has not been stepped into: its beginning is what can be gone back to.
    #[must_use]
    pub fn of(drill: Drill<C>) -> Self {
        Self {
            cast: drill.outcome_now(),
            here: Place::at(drill.clone()),
            snapshots: vec![drill],
            snapshot_every: SNAPSHOT_EVERY,
        }
    }

    /// The drill as it is here. Its time is that of the last event, or of the last look of its user.
    #[must_use]
    pub const fn drill(&self) -> &Drill<C> {
        &self.here.now
    }

    /// The world as it is here.
    #[must_use]
    pub const fn world(&self) -> &World<C> {
        self.here.now.world()
    }

    /// How many events have been handled up to here.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.here.events()
    }

    /// Whether this is the end of the drill.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.here.is_over()
    }

    /// Copies kept to go back to.
    #[must_use]
    pub const fn snapshots(&self) -> usize {
        self.snapshots.len()
    }

    /// What the judges and expectations say of the drill as if it ended here.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.drill().outcome_now()
    }

    /// Handles one event; `None` at the end.
    pub fn forward(&mut self) -> Option<Step> {
        if self.is_over() {
            return None;
        }
        let next = self.world().next_event();
        let seen = self.world().happenings().len();
        self.here.forward();
        self.keep_snapshot();
        let what = next.as_ref().map_or_else(String::new, |next| next.what.clone());
        let at = next.map_or_else(|| self.world().now(), |next| next.at);
        Some(Step { event: self.events(), at, what, happened: self.lines_since(seen) })
    }

    /// The last lines of the timeline up to here.
    #[must_use]
    pub fn timeline(&self, count: usize) -> Vec<String> {
        let cast = self.cast();
        let newest_first = self.world().happenings().iter().rev();
        let lines = newest_first.filter_map(|(at, what)| report::timeline_line(&cast, *at, what));
        let mut lines: Vec<String> = lines.take(count).collect();
        lines.reverse();
        lines
    }

    /// Everything that happened after the first `seen` happenings, also what the timeline leaves out.
    fn lines_since(&self, seen: usize) -> Vec<String> {
        let cast = self.cast();
        let line = |(at, happening): &(SimTime, Happening)| {
            report::timeline_line(&cast, *at, happening).unwrap_or_else(|| small_print(&cast, *at, happening))
        };
        self.world().happenings().iter().skip(seen).map(line).collect()
    }

    fn cast(&self) -> Outcome {
        Outcome { t0: self.drill().t0(), ..self.cast.clone() }
    }

    /// Keeps a copy of the last look if the last copy is far behind.
    fn keep_snapshot(&mut self) {
        let looked = &self.here.looked;
        let newest = self.snapshots.last().map_or(0, events);
        if !self.is_over() && events(looked) >= newest + self.snapshot_every {
            self.snapshots.push(looked.clone());
            self.thin_out();
        }
    }

    /// Gives up every second copy when there are too many, never the first.
    fn thin_out(&mut self) {
        if self.snapshots.len() <= SNAPSHOTS_MAX {
            return;
        }
        self.snapshot_every *= 2;
        let mut place = 0;
        self.snapshots.retain(|_| {
            place += 1;
            place % 2 == 1
        });
    }
}

/// What the timeline leaves out and somebody who steps wants to see.
fn small_print(cast: &Outcome, at: SimTime, happening: &Happening) -> String {
    use crate::outcome::words;
    use switchback_engine::message::Observation;
    let what = match happening {
        Happening::Observed(Observation::PointCreated { point, .. }) => {
            format!("recovery point {} ({:?}) is created", point.id.number, point.consistency)
        }
        Happening::Observed(Observation::MarkerAbandoned { point }) => {
            format!("the marker of point {} is abandoned", point.number)
        }
        Happening::Observed(Observation::PointsPruned { count, .. }) => {
            format!("{} given up by retention", words::plural(u64::from(*count), "recovery point"))
        }
        Happening::Observed(Observation::Task { job, task, state }) => {
            format!("job {}   {}: {}", job.0, words::task(*task), words::task_state(*state))
        }
        Happening::Observed(observation) => format!("{observation:?}"),
        Happening::Replied { result: Ok(job) } => format!("the vault accepts, job {}", job.0),
        happening => format!("{happening:?}"),
    };
    format!("{:>16}  {:<9}  {what}", words::since(at, cast.t0), "engine")
}
