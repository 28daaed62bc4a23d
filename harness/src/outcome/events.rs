//! The log of codes of Site Recovery: what was raised and what was cleared, when, and for whom.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use switchback_azure::errors::Code;
use switchback_azure::errors::guest;
use switchback_azure::errors::raised::{self, Change};
use switchback_engine::MachineId;
use switchback_engine::control::JobState;
use switchback_engine::message::Observation;
use switchback_sim::SimTime;

use crate::content::Simulated;
use crate::world::{Happening, World};

/// A code was raised or cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When.
    pub at: SimTime,
    /// For which machine; none for what is wrong with the whole site.
    pub machine: Option<MachineId>,
    /// Which.
    #[serde(serialize_with = "as_text")]
    pub code: Code,
    /// Whether its condition is gone, rather than there.
    pub cleared: bool,
    /// Whether it is what a job that failed shows.
    #[serde(skip)]
    pub of_job: bool,
}

fn as_text<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

/// Everything that was raised and cleared in a world so far. A job that failed shows its code once.
#[must_use]
pub fn of<C: Simulated>(world: &World<C>) -> Vec<Event> {
    let mut standing = BTreeSet::new();
    let mut events = Vec::new();
    for (at, happening) in world.happenings() {
        for change in changes(happening) {
            let event = |machine, code, cleared| Event { at: *at, machine, code, cleared, of_job: false };
            match change {
                Change::Raised(machine, code) => {
                    standing.insert((machine, code));
                    events.push(event(machine, code, false));
                }
                Change::Cleared(machine, code) if standing.remove(&(machine, code)) => {
                    events.push(event(machine, code, true));
                }
                Change::Cleared(..) => {}
            }
        }
        if let Happening::Observed(observed) = happening {
            let failed = failed_job(world, observed);
            events.extend(failed.map(|(machine, code)| Event {
                at: *at,
                machine: Some(machine),
                code,
                cleared: false,
                of_job: true,
            }));
        }
    }
    events
}

/// What something that happened raises and clears, jobs apart.
fn changes(happening: &Happening) -> Vec<Change> {
    match happening {
        Happening::Observed(observed) => {
            let of_resync = raised::of_resync(observed);
            let others = raised::of_observation(observed).into_iter().chain(guest::of_observation(observed));
            others.chain(of_resync).collect()
        }
        Happening::FoundUnclean { machine } => vec![Change::Raised(Some(*machine), Code::UncleanStart)],
        Happening::DataPortOpened { answered: true, .. } => vec![Change::Raised(None, Code::DataPortAnswers)],
        Happening::Replied { result: Err(refused) } => {
            raised::of_refusal(refused).map(|code| Change::Raised(None, code)).into_iter().collect()
        }
        Happening::MachineStarted { machine, .. } => guest::of_restart(*machine).to_vec(),
        _ => Vec::new(),
    }
}

fn failed_job<C: Simulated>(
    world: &World<C>,
    observed: &Observation,
) -> impl Iterator<Item = (MachineId, Code)> + use<C> {
    let failed = match observed {
        Observation::Job { job, machine, state: JobState::Failed, .. } => Some((*job, *machine)),
        _ => None,
    };
    let job = failed.and_then(|(job, machine)| Some((machine, world.control()?.job(job)?)));
    let codes =
        job.map(|(machine, job)| raised::all_of_job(job).into_iter().map(move |code| (machine, code)));
    codes.into_iter().flatten()
}
