//! The log of codes of Site Recovery: what was raised and what was cleared, when, and for whom.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use switchback_azure::errors::Code;
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
        let event = |machine, code, cleared| Event { at: *at, machine, code, cleared };
        let observed = match happening {
            Happening::Observed(observed) => observed,
            Happening::FoundUnclean { machine } => {
                events.push(event(Some(*machine), Code::UncleanStart, false));
                continue;
            }
            Happening::Replied { result: Err(refused) } => {
                events.extend(raised::of_refusal(refused).map(|code| event(None, code, false)));
                continue;
            }
            _ => continue,
        };
        match raised::of_observation(observed) {
            Some(Change::Raised(machine, code)) => {
                standing.insert((machine, code));
                events.push(event(machine, code, false));
            }
            Some(Change::Cleared(machine, code)) if standing.remove(&(machine, code)) => {
                events.push(event(machine, code, true));
            }
            Some(Change::Cleared(..)) => {}
            None => {
                let failed = failed_job(world, observed);
                events.extend(failed.map(|(machine, code)| event(Some(machine), code, false)));
            }
        }
    }
    events
}

fn failed_job<C: Simulated>(world: &World<C>, observed: &Observation) -> Option<(MachineId, Code)> {
    let Observation::Job { job, machine, state: JobState::Failed, .. } = observed else { return None };
    Some((*machine, raised::of_job(world.control()?.job(*job)?)?))
}
