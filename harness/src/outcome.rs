//! What came out of a drill, as plain values that every report is made from.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use switchback_azure::VaultHealth;
use switchback_engine::control::Stack;
use switchback_scenarios::Scenario;
use switchback_sim::SimTime;

use crate::check::{Judge, LagSample};
use crate::content::Simulated;
use crate::drill::Failover;
use crate::guard::Panicked;
use crate::outside::ScriptReallyRan;
use crate::scene;
use crate::world::{Happening, World};

pub mod events;
pub mod vault;
pub mod words;

use events::Event;
use vault::Alert;

/// What came out of a drill.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// Its file.
    pub file: String,
    /// What it shows.
    pub summary: String,
    /// Where all chance came from.
    pub seed: u64,
    /// A digest of everything that happened: the same on every machine and in every build.
    #[serde(serialize_with = "hex")]
    pub digest: u64,
    /// What the timeline counts from.
    pub t0: Option<SimTime>,
    /// What protects the machines.
    #[serde(skip)]
    pub stack: Stack,
    /// The machines' names.
    pub machines: Vec<String>,
    /// Figures.
    pub figures: Figures,
    /// The steps of the timeline.
    pub steps: Vec<StepOutcome>,
    /// Failovers, in order.
    pub failovers: Vec<Failover>,
    /// What the judges and expectations say.
    pub verdicts: Vec<Verdict>,
    /// What happened, in order.
    pub happenings: Vec<(SimTime, Happening)>,
    /// The codes that were raised and cleared, in order.
    pub events: Vec<Event>,
    /// The mails that went out, in order.
    pub alerts: Vec<Alert>,
    /// The health of the vault at the end.
    #[serde(skip)]
    pub vault: VaultHealth,
    /// The reported lag over time.
    pub lags: Vec<LagSample>,
    /// The scripts that were really run, in order: the drill had effects outside it. None where none were to be, and
    /// each ended as the scenario says.
    pub scripts_really_ran: Option<Vec<ScriptReallyRan>>,
}

/// A drill in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Writes that applications issued.
    pub writes: u64,
    /// Recovery points that came into being, each read back in full.
    pub points: u64,
    /// Events of the simulation.
    pub events: u64,
    /// Simulated time.
    pub simulated: Duration,
}

/// A step of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepOutcome {
    /// What it is called.
    pub name: String,
    /// When it was begun.
    pub began_at: Option<SimTime>,
    /// When it was done.
    pub ended_at: Option<SimTime>,
    /// Whether what was asked for was done.
    pub well: bool,
    /// `FILE:LINE`.
    pub line: String,
}

/// What a judge or an expectation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What must hold.
    pub name: String,
    /// Who looks after it.
    pub judge: Option<Judge>,
    /// Whether it held.
    pub held: bool,
    /// The figure it rests on.
    pub figure: String,
    /// What was found.
    pub findings: Vec<String>,
    /// `FILE:LINE` where it was asked for, if it was.
    pub asked_for_at: Option<String>,
}

/// The worst thing that came out, in the order in which it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Result {
    /// Everything held.
    Held,
    /// An objective was missed.
    ObjectiveMissed,
    /// Something good did not happen: a job that did not end, a state that was not reached.
    DidNotConverge,
    /// Something bad happened.
    SafetyFailed,
}

impl Verdict {
    /// How bad it is.
    #[must_use]
    pub const fn result(&self) -> Result {
        match self.judge {
            _ if self.held => Result::Held,
            Some(Judge::PromisedTimes) | None => Result::ObjectiveMissed,
            Some(judge) if judge.is_safety() => Result::SafetyFailed,
            Some(_) => Result::DidNotConverge,
        }
    }
}

impl Verdict {
    /// The world of a run could not be built.
    #[must_use]
    pub(crate) fn not_built(error: &crate::DrillError) -> Self {
        Self {
            name: Judge::RunsThrough.title().to_owned(),
            judge: Some(Judge::RunsThrough),
            held: false,
            figure: "not built".to_owned(),
            findings: vec![error.to_string()],
            asked_for_at: None,
        }
    }

    /// The program panicked.
    #[must_use]
    pub fn panicked(panicked: &Panicked) -> Self {
        Self {
            name: Judge::RunsThrough.title().to_owned(),
            judge: Some(Judge::RunsThrough),
            held: false,
            figure: panicked.place.clone(),
            findings: vec![panicked.to_string()],
            asked_for_at: None,
        }
    }
}

impl Outcome {
    /// Of a run that broke off: nothing is known but why.
    pub(crate) fn broken_off(scenario: &Scenario, verdict: Verdict) -> Self {
        Self {
            scenario: scenario.name.clone(),
            file: scenario.file.clone(),
            summary: scenario.summary.clone(),
            seed: scenario.seed,
            digest: 0,
            t0: None,
            stack: scene::stack(scenario.site.stack),
            machines: scenario.vms.iter().map(|vm| vm.name.clone()).collect(),
            figures: Figures::default(),
            steps: Vec::new(),
            failovers: Vec::new(),
            verdicts: vec![verdict],
            happenings: Vec::new(),
            events: Vec::new(),
            alerts: Vec::new(),
            vault: VaultHealth::default(),
            lags: Vec::new(),
            scripts_really_ran: None,
        }
    }

    pub(crate) fn new<C: Simulated>(
        scenario: &Scenario,
        world: &World<C>,
        figures: Figures,
        steps: Vec<StepOutcome>,
        failovers: Vec<Failover>,
        verdicts: Vec<Verdict>,
        t0: Option<SimTime>,
    ) -> Self {
        Self {
            scenario: scenario.name.clone(),
            file: scenario.file.clone(),
            summary: scenario.summary.clone(),
            seed: scenario.seed,
            digest: world.digest(),
            t0,
            stack: scene::stack(scenario.site.stack),
            machines: scenario.vms.iter().map(|vm| vm.name.clone()).collect(),
            figures,
            steps,
            failovers,
            verdicts,
            happenings: world.happenings().to_vec(),
            events: events::of(world),
            alerts: vault::alerts(world, scenario),
            vault: vault::health(world),
            lags: world.judges().lags().to_vec(),
            scripts_really_ran: world.scripts_really_ran().map(<[_]>::to_vec),
        }
    }

    /// The worst verdict.
    #[must_use]
    pub fn result(&self) -> Result {
        self.verdicts.iter().map(Verdict::result).max().unwrap_or(Result::Held)
    }
}

fn hex<S: serde::Serializer>(digest: &u64, serializer: S) -> core::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{digest:016x}"))
}
