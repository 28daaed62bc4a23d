//! What a run has reached: states, changes of state, jobs and tasks with their ends, refusals, kinds of fault, and which
//! fault met which state and which other fault.
//!
//! Everything that can be reached is known beforehand and has a name, so that what was never reached can be listed. It is
//! read off what people are shown, at the end of a run.

use std::sync::OnceLock;

use switchback_engine::control::ItemState;
use switchback_engine::health::{Level, ServerFigure, Symptom};
use switchback_engine::message::Observation;
use switchback_engine::{Direction, MachineId, WriteOrder};

use super::vocabulary::{self, FaultKind};
use crate::check::{Judge, is_known_change, item_states};
use crate::content::Simulated;
use crate::outcome::words;
use crate::world::{Happening, World};

/// Everything that can be reached, by name, and where each section begins.
struct Universe {
    names: Vec<String>,
    states: usize,
    changes: usize,
    tasks: usize,
    jobs: usize,
    refusals: usize,
    engine: usize,
    faults: usize,
    meetings: usize,
    pairs: usize,
    judges: usize,
    item_states: Vec<ItemState>,
    item_changes: Vec<(ItemState, ItemState)>,
}

/// What happens in the engine beside jobs and states.
const ENGINE: [&str; 15 + Symptom::ALL.len() + 8] = [
    "write order metadata",
    "write order bitmap",
    "resync unclean shutdown",
    "resync manual",
    "resync reprotect",
    "resync target error",
    "resync low memory",
    "marker abandoned",
    "points pruned",
    "cache throttled",
    "RPO alert",
    "quiesce failed",
    "resync not followed",
    "filter lost",
    "agent installed",
    "symptom the machine is silent",
    "symptom its process server is silent",
    "symptom the master target is silent",
    "symptom it does not reach its process server",
    "symptom nothing of it reaches its process server",
    "symptom no application-consistent point for long",
    "symptom the cache account takes nothing",
    "symptom it changes more than can be sent",
    "symptom its disks have to be compared, and that waits",
    "symptom no test failover has succeeded",
    "process server silent",
    "process server cache space warning",
    "process server cache space critical",
    "process server drain time",
    "process server processor",
    "process server memory",
    "cache has room again",
    "resync disk grew",
];

/// A state in words; some are called the same on both ways.
pub(super) fn name_of(state: &ItemState) -> String {
    let name = words::item_state(*state);
    let is_ambiguous = matches!(
        state,
        ItemState::Committing(Direction::Reverse) | ItemState::ChangingPoint(Direction::Reverse)
    );
    if is_ambiguous { format!("{name} home") } else { name }
}

fn universe() -> &'static Universe {
    static UNIVERSE: OnceLock<Universe> = OnceLock::new();
    UNIVERSE.get_or_init(Universe::new)
}

impl Universe {
    fn new() -> Self {
        let item_states: Vec<ItemState> = item_states().collect();
        let every = |from: ItemState| item_states.iter().map(move |to| (from, *to));
        let changes = item_states.iter().copied().flat_map(every);
        let item_changes: Vec<_> = changes.filter(|(from, to)| is_known_change(*from, *to)).collect();
        let mut names = Vec::new();
        let mut section = |of: Vec<String>| {
            let begin = names.len();
            names.extend(of);
            begin
        };
        let state = name_of;
        let states = section(item_states.iter().map(|s| format!("state {}", state(s))).collect());
        let change = |(from, to): &(ItemState, ItemState)| format!("change {} > {}", state(from), state(to));
        let changes = section(item_changes.iter().map(change).collect());
        let tasks = section(vocabulary::tasks().map(|(t, end)| format!("task {t} {end}")).collect());
        let jobs = section(vocabulary::jobs().map(|(job, end)| format!("job {job} {end}")).collect());
        let refusals = section(vocabulary::REFUSALS.iter().map(|what| format!("refused {what}")).collect());
        let engine = section(ENGINE.iter().map(|what| format!("engine {what}")).collect());
        let fault = |kind: &FaultKind| kind.name();
        let faults = section(FaultKind::ALL.iter().map(|kind| format!("fault {}", fault(kind))).collect());
        let meeting =
            |kind| item_states.iter().map(move |s| format!("fault {} while {}", fault(kind), state(s)));
        let meetings = section(FaultKind::ALL.iter().flat_map(meeting).collect());
        let pair =
            |(one, other): (&FaultKind, &FaultKind)| format!("faults {} and {}", fault(one), fault(other));
        let pairs = section(vocabulary::pairs().map(pair).collect());
        let judges = section(Judge::ALL.iter().map(|judge| format!("judge {}", judge.title())).collect());
        Self {
            names,
            states,
            changes,
            tasks,
            jobs,
            refusals,
            engine,
            faults,
            meetings,
            pairs,
            judges,
            item_states,
            item_changes,
        }
    }

    fn state(&self, state: ItemState) -> Option<usize> {
        self.item_states.iter().position(|of| *of == state)
    }
}

/// The names of everything that can be reached, in a fixed order.
#[must_use]
pub fn names() -> &'static [String] {
    &universe().names
}

/// What a run has reached, or several have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// One bit for each name.
    words: Vec<u64>,
}

impl Reached {
    /// What a run has reached that is over.
    #[must_use]
    pub fn of<C: Simulated>(world: &World<C>) -> Self {
        let mut reached = Self { words: vec![0; names().len().div_ceil(64)] };
        let mut walk = Walk { states: vec![ItemState::Unprotected; world.spec().machines.len()], faults: 0 };
        for (_, happening) in world.happenings() {
            walk.see(happening, &mut reached);
        }
        for (at, judge) in Judge::ALL.into_iter().enumerate() {
            if world.judges().looks(judge) > 0 {
                reached.set(universe().judges + at);
            }
        }
        for (number, (one, other)) in vocabulary::pairs().enumerate() {
            if walk.has(*one) && walk.has(*other) {
                reached.set(universe().pairs + number);
            }
        }
        reached
    }

    fn set(&mut self, at: usize) {
        if let Some(word) = self.words.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    /// The numbers of what was reached, into [`names`], ascending.
    pub fn numbers(&self) -> impl Iterator<Item = usize> {
        let bits = |(at, word): (usize, &u64)| {
            let word = *word;
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        };
        self.words.iter().enumerate().flat_map(bits)
    }
}

/// A walk through what people were shown.
struct Walk {
    states: Vec<ItemState>,
    /// Kinds of fault so far, one bit each.
    faults: u64,
}

impl Walk {
    const fn has(&self, kind: FaultKind) -> bool {
        self.faults >> kind as u64 & 1 == 1
    }

    fn see(&mut self, happening: &Happening, reached: &mut Reached) {
        if let Some(kind) = FaultKind::of(happening) {
            self.fault(kind, reached);
        }
        match happening {
            Happening::Observed(observation) => self.observed(observation, reached),
            Happening::Replied { result: Err(refused) } => {
                if let Some(number) = vocabulary::refusal(refused) {
                    reached.set(universe().refusals + number);
                }
            }
            _ => {}
        }
    }

    fn fault(&mut self, kind: FaultKind, reached: &mut Reached) {
        let all = universe();
        self.faults |= 1 << kind as u64;
        reached.set(all.faults + kind as usize);
        let count = all.item_states.len();
        for state in self.states.iter().filter_map(|state| all.state(*state)) {
            reached.set(all.meetings + kind as usize * count + state);
        }
    }

    fn observed(&mut self, observation: &Observation, reached: &mut Reached) {
        let all = universe();
        match observation {
            Observation::Item { machine, to } => self.moved(*machine, *to, reached),
            Observation::Job { kind, state, .. } => {
                if let Some(number) = vocabulary::job_number(*kind, *state) {
                    reached.set(all.jobs + number);
                }
            }
            Observation::Task { task, state, .. } => {
                if let Some(number) = vocabulary::task_number(*task, *state) {
                    reached.set(all.tasks + number);
                }
            }
            _ => {
                if let Some(number) = of_engine(observation) {
                    reached.set(all.engine + number);
                }
            }
        }
    }

    fn moved(&mut self, machine: MachineId, to: ItemState, reached: &mut Reached) {
        let all = universe();
        let Some(state) = self.states.get_mut(machine.0 as usize) else { return };
        let from = core::mem::replace(state, to);
        if let Some(at) = all.state(to) {
            reached.set(all.states + at);
        }
        if let Some(at) = all.item_changes.iter().position(|change| *change == (from, to)) {
            reached.set(all.changes + at);
        }
    }
}

/// The place in [`ENGINE`] of what the engine reports.
fn of_engine(observation: &Observation) -> Option<usize> {
    use switchback_engine::message::ResyncReason as R;
    Some(match observation {
        Observation::WriteOrderChanged { to: WriteOrder::Metadata, .. } => 0,
        Observation::WriteOrderChanged { to: WriteOrder::Bitmap, .. } => 1,
        Observation::ResyncStarted { reason, .. } => match reason {
            R::UncleanShutdown => 2,
            R::Manual => 3,
            R::Reprotect => 4,
            R::TargetError => 5,
            R::LowMemory => 6,
            R::NotFollowed => 12,
            R::DiskGrew => ENGINE.len() - 1,
        },
        Observation::MarkerAbandoned { .. } => 7,
        Observation::PointsPruned { .. } => 8,
        Observation::Throttled { .. } => 9,
        Observation::RpoAlert { over: true, .. } => 10,
        Observation::QuiesceFailed { .. } => 11,
        Observation::FilterLost { .. } => 13,
        Observation::AgentInstalled { .. } => 14,
        Observation::Symptom { symptom, is_there: true, .. } => {
            15 + Symptom::ALL.iter().position(|one| one == symptom)?
        }
        Observation::Server { level: Level::Normal, .. } => return None,
        Observation::Server { figure, level, .. } => {
            let at = match (figure, level) {
                (ServerFigure::Heartbeat, _) => 0,
                (ServerFigure::CacheSpace, Level::Critical) => 2,
                (ServerFigure::CacheSpace, _) => 1,
                (ServerFigure::DrainTime, _) => 3,
                (ServerFigure::Processor, _) => 4,
                (ServerFigure::Memory, _) => 5,
            };
            15 + Symptom::ALL.len() + at
        }
        Observation::TakesAgain { .. } => 15 + Symptom::ALL.len() + 6,
        _ => return None,
    })
}
