//! Faults on the wire: requests and answers that are lost, cut off, late, turned away, or answered by nobody who knows.
//!
//! What goes wrong behind the surfaces, in the site and the cloud, are interventions in the scenario language.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchback_engine::MachineId;
use switchback_engine::control::ItemState;
use switchback_harness::drill::state_of;
use switchback_scenarios::model::words::PassingState;

use crate::rehearsed::Rehearsed;
use crate::request_log::{Asked, SurfaceName};
use crate::surfaces::Exchange;

/// How many faults are kept.
const MOST: usize = 1_000;
/// The highest count of requests or bytes in a fault.
const COUNT_MAX: u32 = 1_000_000_000;
/// The longest that a client is told to stay away, in seconds.
const AWAY_MAX: u32 = 3_600;
/// The longest that an answer is held back, in milliseconds.
const DELAY_MAX: u32 = 60_000;

/// A fault that requests meet.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WireFault {
    /// The surface whose requests meet it.
    pub(crate) surface: SurfaceName,
    /// Only this operation: as in the page of operations, or the method of vSphere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    /// Only this verb, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// Only paths with this in them, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Only while a machine is in a state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) when: Option<WhenIn>,
    /// So many such requests pass first.
    #[serde(default)]
    #[schemars(range(max = COUNT_MAX))]
    pub(crate) after: u32,
    /// So many then meet it; all of them if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = COUNT_MAX))]
    pub(crate) times: Option<u32>,
    /// What they meet.
    pub(crate) effect: Effect,
}

/// A state of the workflow.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WhenIn {
    /// The machine, by its name in the scenario.
    pub(crate) machine: String,
    /// The state, in the words of the scenario language: `protected`, `failing-over`, `failed-over`...
    pub(crate) state: String,
}

/// What a request meets.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum Effect {
    /// It is turned away with 429, and told when to come again.
    Throttle {
        /// `Retry-After`, in seconds.
        #[schemars(range(max = AWAY_MAX))]
        retry_after_seconds: u32,
    },
    /// It is turned away with an error.
    Fail {
        /// The HTTP status.
        #[schemars(range(min = 400, max = 599))]
        status: u16,
        /// The code of the error.
        code: String,
    },
    /// The connection is closed before it is handed on.
    LoseRequest {},
    /// It is carried out, and the connection is closed without an answer.
    LoseReply {},
    /// It is carried out, and the connection is closed in the middle of the answer.
    CutReply {
        /// How many bytes of the body are sent.
        #[schemars(range(max = COUNT_MAX))]
        bytes: u32,
    },
    /// It is answered so much later, on the wall.
    Delay {
        /// How much later, in milliseconds.
        #[schemars(range(max = DELAY_MAX))]
        milliseconds: u32,
    },
    /// The session of the client is over before it is handed on. Of vSphere only.
    EndSession {},
}

/// Why there can be no such fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoFault {
    #[error("no machine is called `{0}`")]
    NoMachine(String),
    #[error("`{0}` is no state of the scenario language")]
    NoState(String),
    #[error("a fault is met at least once")]
    Never,
    #[error("the status of an error is 400 to 599, not {0}")]
    NoError(u16),
    #[error("at most {1} are possible here, and not {0}")]
    TooMuch(u32, u32),
    #[error("clients of Azure have no session")]
    NoSession,
    #[error("{MOST} faults are kept, and no more")]
    TooMany,
}

/// A fault, and how often it was met.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Injected {
    /// Its number, counted from 1.
    pub(crate) number: u64,
    /// What it is.
    pub(crate) fault: WireFault,
    /// How many requests were such, those that passed included.
    pub(crate) seen: u32,
    /// How many have met it.
    pub(crate) met: u32,
    #[serde(skip)]
    state: Option<(MachineId, ItemState)>,
}

/// All faults on the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct WireFaults {
    begun: u64,
    faults: Vec<Injected>,
}

impl WireFaults {
    pub(crate) fn all(&self) -> &[Injected] {
        &self.faults
    }

    /// Takes a fault.
    pub(crate) fn inject(&mut self, fault: WireFault, rehearsed: &Rehearsed) -> Result<&Injected, NoFault> {
        let state = checked(&fault, rehearsed)?;
        if self.faults.len() >= MOST {
            return Err(NoFault::TooMany);
        }
        self.begun += 1;
        let at = self.faults.len();
        self.faults.push(Injected { number: self.begun, fault, seen: 0, met: 0, state });
        Ok(&self.faults[at])
    }

    /// Whether there was such a fault.
    pub(crate) fn clear(&mut self, number: u64) -> bool {
        let before = self.faults.len();
        self.faults.retain(|fault| fault.number != number);
        self.faults.len() < before
    }

    pub(crate) fn clear_all(&mut self) {
        self.faults.clear();
    }

    /// The first fault that a request meets, with its number. The others do not see it.
    pub(crate) fn meet(
        &mut self,
        exchange: &Exchange<'_>,
        asked: &Asked,
        rehearsed: &Rehearsed,
    ) -> Option<(u64, Effect)> {
        for injected in &mut self.faults {
            if injected.is_for(exchange, asked, rehearsed) && injected.is_met() {
                return Some((injected.number, injected.fault.effect.clone()));
            }
        }
        None
    }
}

impl Injected {
    fn is_for(&self, exchange: &Exchange<'_>, asked: &Asked, rehearsed: &Rehearsed) -> bool {
        let fault = &self.fault;
        let same = |wanted: &Option<String>, is: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(is))
        };
        let path = || exchange.path.to_ascii_lowercase();
        fault.surface == asked.surface
            && same(&fault.operation, asked.operation.as_deref().unwrap_or_default())
            && same(&fault.method, exchange.method)
            && fault.path.as_ref().is_none_or(|part| path().contains(&part.to_ascii_lowercase()))
            && self.state.is_none_or(|(machine, state)| state_in(machine, rehearsed) == state)
    }

    /// One more such request has come. Whether it meets the fault.
    fn is_met(&mut self) -> bool {
        self.seen += 1;
        let is_met = self.seen > self.fault.after && self.fault.times.is_none_or(|times| self.met < times);
        self.met += u32::from(is_met);
        is_met
    }
}

fn state_in(machine: MachineId, rehearsed: &Rehearsed) -> ItemState {
    let item = rehearsed.world().control().and_then(|vault| vault.item(machine));
    item.map_or(ItemState::Unprotected, switchback_engine::control::ProtectedItem::state)
}

fn checked(fault: &WireFault, rehearsed: &Rehearsed) -> Result<Option<(MachineId, ItemState)>, NoFault> {
    let bounded = |value, most| if value > most { Err(NoFault::TooMuch(value, most)) } else { Ok(()) };
    bounded(fault.after, COUNT_MAX)?;
    bounded(fault.times.unwrap_or_default(), COUNT_MAX)?;
    match fault.effect {
        Effect::Fail { status, .. } if !(400..600).contains(&status) => return Err(NoFault::NoError(status)),
        Effect::Throttle { retry_after_seconds } => bounded(retry_after_seconds, AWAY_MAX)?,
        Effect::CutReply { bytes } => bounded(bytes, COUNT_MAX)?,
        Effect::Delay { milliseconds } => bounded(milliseconds, DELAY_MAX)?,
        Effect::EndSession {} if fault.surface == SurfaceName::Azure => return Err(NoFault::NoSession),
        _ => {}
    }
    if fault.times == Some(0) {
        return Err(NoFault::Never);
    }
    let Some(WhenIn { machine, state }) = &fault.when else { return Ok(None) };
    let machines = &rehearsed.world().spec().machines;
    let at = machines.iter().position(|it| it.name == *machine);
    let at = at.ok_or_else(|| NoFault::NoMachine(machine.clone()))?;
    let word = PassingState::ALL.iter().find(|word| word.as_str() == state);
    let word = word.ok_or_else(|| NoFault::NoState(state.clone()))?;
    Ok(Some((MachineId(at as u32), state_of(*word))))
}
