//! What a report says, as data: `report.json`. The page is made of it, and so are comparisons.

use serde::{Deserialize, Serialize};
use switchback_engine::MachineId;
use switchback_engine::message::Observation;
use switchback_harness::Outcome;
use switchback_harness::check::Judge;
use switchback_harness::drill::Failover;
use switchback_harness::outcome::{Result, Verdict, words};
use switchback_harness::report::{Cast, told};
use switchback_harness::world::{Happening, sim_time};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::{Expectation, PlanAction};

use crate::chain::{Chained, sha256};
use crate::times::{millis, whole};

mod plan_steps;

/// The version of the format.
pub const FORMAT: u32 = 1;
/// What writes reports, and in which version.
pub const TOOL: &str = concat!("switchback ", env!("CARGO_PKG_VERSION"));
/// What every report says about itself: a rehearsal must not pass for the real test.
pub const ON_EMULATORS: &str = "Rehearsed on emulators of vSphere and Azure. This is not the yearly test itself: no real \
                                machine, network or vault took part.";

/// What a drill came to. Times are milliseconds since the start of the simulation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// [`TOOL`].
    pub tool: String,
    /// [`ON_EMULATORS`].
    pub rehearsed_on: String,
    /// The scenario's name.
    pub scenario: String,
    /// What it shows.
    pub summary: String,
    /// The SHA-256 of the scenario file.
    pub scenario_sha256: String,
    /// Where all chance came from, in hexadecimal.
    pub seed: String,
    /// The digest of the run, in hexadecimal.
    pub digest: String,
    /// The worst verdict.
    pub result: Result,
    /// What times are counted from in words.
    pub t0_ms: Option<u64>,
    /// How long it was.
    pub simulated_ms: u64,
    /// Writes that applications issued.
    pub writes: u64,
    /// Recovery points that were read back in full.
    pub points: u64,
    /// Each failover of each machine; a machine that did not fail over has one row without a way.
    pub machines: Vec<Recovery>,
    /// The steps of the scenario's timeline.
    pub steps: Vec<Step>,
    /// What recovery plans did.
    pub plan_steps: Vec<PlanStep>,
    /// What judges and expectations say.
    pub verdicts: Vec<Verdicted>,
    /// The faults, when they came and what they were.
    pub faults: Vec<(u64, String)>,
    /// Whether scripts of recovery plans were really run.
    pub scripts_really_ran: bool,
    /// How many lines the log of events has.
    pub events: u64,
    /// The SHA-256 of the last of them.
    pub events_sha256: String,
}

/// A failover of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Its name.
    pub machine: String,
    /// `to Azure` or `home`; none where it did not fail over.
    pub way: Option<String>,
    /// When it was asked for.
    pub asked_at_ms: Option<u64>,
    /// The smallest RPO that the scenario demands.
    pub rpo_target_ms: Option<u64>,
    /// What was lost, in time.
    pub rpo_ms: Option<u64>,
    /// The smallest RTO that the scenario demands.
    pub rto_target_ms: Option<u64>,
    /// From the request until applications answered.
    pub rto_ms: Option<u64>,
    /// When the recovery point that was used is from.
    pub point_at_ms: Option<u64>,
    /// What it promises.
    pub consistency: Option<String>,
    /// What reading the recovered disks back came to.
    pub data: String,
}

/// A step of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// When it began.
    pub began_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Whether what was asked for was done.
    pub well: bool,
}

/// A step of a recovery plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// The plan.
    pub plan: String,
    /// What was done.
    pub what: String,
    /// When it began.
    pub began_ms: u64,
    /// When the plan went on or ended; none where it never did.
    pub ended_ms: Option<u64>,
    /// Whether it is a manual action: its time was spent waiting for people.
    pub manual: bool,
    /// How the plan stood after it.
    pub result: String,
}

/// What a judge or an expectation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicted {
    /// What must hold.
    pub name: String,
    /// The figure it rests on.
    pub figure: String,
    /// How bad it is.
    pub result: Result,
    /// Whether the scenario asked for it.
    pub is_objective: bool,
    /// What was found.
    pub findings: Vec<String>,
    /// Where the scenario asked for it.
    pub asked_for_at: Option<String>,
}

impl Record {
    /// The record of a drill of a scenario whose log is this.
    #[must_use]
    pub fn new(scenario: &Scenario, outcome: &Outcome, events: &Chained) -> Self {
        Self {
            format: FORMAT,
            tool: TOOL.to_owned(),
            rehearsed_on: ON_EMULATORS.to_owned(),
            scenario: outcome.scenario.clone(),
            summary: outcome.summary.trim().to_owned(),
            scenario_sha256: sha256(scenario.text.as_bytes()),
            seed: format!("{:#x}", outcome.seed),
            digest: format!("{:016x}", outcome.digest),
            result: outcome.result(),
            t0_ms: outcome.t0.map(millis),
            simulated_ms: whole(outcome.figures.simulated),
            writes: outcome.figures.writes,
            points: outcome.figures.points,
            machines: machines(scenario, outcome),
            steps: outcome.steps.iter().map(step).collect(),
            plan_steps: plan_steps::of(scenario, outcome),
            verdicts: outcome.verdicts.iter().map(verdict).collect(),
            faults: faults(outcome),
            scripts_really_ran: outcome.scripts_really_ran.is_some(),
            events: events.lines,
            events_sha256: events.last.clone(),
        }
    }
}

/// Everything that is told of a drill, in the order of time: when in nanoseconds, where from, what.
#[must_use]
pub fn events(outcome: &Outcome) -> Vec<(u64, String, String)> {
    let cast = Cast { machines: &outcome.machines, stack: outcome.stack };
    let name = |machine: MachineId| outcome.machines.get(machine.0 as usize).map_or("?", String::as_str);
    let happened = outcome.happenings.iter().filter_map(|(at, happening)| {
        told(cast, happening).map(|(from, what)| (at.as_nanos(), from.to_owned(), what))
    });
    let codes = outcome.events.iter().map(|event| {
        let whose = event.machine.map_or("the site", name);
        let how = if event.cleared { "cleared" } else { "raised" };
        (event.at.as_nanos(), "code".to_owned(), format!("{} of {whose} is {how}", event.code))
    });
    let begun =
        outcome.steps.iter().filter_map(|step| Some((step.began_at?, format!("{} begins", step.name))));
    let ended = outcome.steps.iter().filter_map(|step| {
        let how = if step.well { "ends well" } else { "ends, not as asked for" };
        Some((step.ended_at?, format!("{} {how}", step.name)))
    });
    let steps = begun.chain(ended).map(|(at, what)| (at.as_nanos(), "step".to_owned(), what));
    let mut events: Vec<_> = happened.chain(codes).chain(steps).collect();
    events.sort_by_key(|(at, ..)| *at);
    events
}

fn step(step: &switchback_harness::outcome::StepOutcome) -> Step {
    Step {
        name: step.name.clone(),
        began_ms: step.began_at.map(millis),
        ended_ms: step.ended_at.map(millis),
        well: step.well,
    }
}

fn verdict(verdict: &Verdict) -> Verdicted {
    Verdicted {
        name: verdict.name.clone(),
        figure: verdict.figure.clone(),
        result: verdict.result(),
        is_objective: matches!(verdict.judge, Some(Judge::PromisedTimes) | None)
            || verdict.asked_for_at.is_some(),
        findings: verdict.findings.clone(),
        asked_for_at: verdict.asked_for_at.clone(),
    }
}

fn faults(outcome: &Outcome) -> Vec<(u64, String)> {
    let cast = Cast { machines: &outcome.machines, stack: outcome.stack };
    let fault = |(at, happening): &(_, Happening)| match told(cast, happening)? {
        ("fault", what) => Some((millis(*at), what)),
        _ => None,
    };
    outcome.happenings.iter().filter_map(fault).collect()
}

fn machines(scenario: &Scenario, outcome: &Outcome) -> Vec<Recovery> {
    let rows = outcome.machines.iter().enumerate().flat_map(|(index, name)| {
        let id = MachineId(index as u32);
        let targets = targets(scenario, index);
        let own: Vec<&Failover> =
            outcome.failovers.iter().filter(|failover| failover.machine == id).collect();
        let mut rows: Vec<Recovery> =
            own.iter().map(|failover| recovery(outcome, name, targets, failover)).collect();
        if rows.is_empty() {
            rows.push(stayed(name, targets));
        }
        rows
    });
    rows.collect()
}

/// The smallest RPO and RTO that are demanded of a machine.
fn targets(scenario: &Scenario, index: usize) -> (Option<u64>, Option<u64>) {
    let is_meant = |subject| scenario.members(subject).iter().any(|vm| vm.0 == index);
    let (mut rpo, mut rto) = (None, None);
    for expect in &scenario.expect {
        let (target, at_most) = match &expect.what {
            Expectation::Rpo { subject, at_most } if is_meant(*subject) => (&mut rpo, *at_most),
            Expectation::Rto { subject, at_most } if is_meant(*subject) => (&mut rto, *at_most),
            _ => continue,
        };
        *target = Some(target.map_or(whole(at_most), |known: u64| known.min(whole(at_most))));
    }
    (rpo, rto)
}

fn stayed(name: &str, targets: (Option<u64>, Option<u64>)) -> Recovery {
    Recovery {
        machine: name.to_owned(),
        way: None,
        asked_at_ms: None,
        rpo_target_ms: targets.0,
        rpo_ms: None,
        rto_target_ms: targets.1,
        rto_ms: None,
        point_at_ms: None,
        consistency: None,
        data: "did not fail over".to_owned(),
    }
}

fn recovery(
    outcome: &Outcome,
    name: &str,
    targets: (Option<u64>, Option<u64>),
    failover: &Failover,
) -> Recovery {
    Recovery {
        way: Some(words::direction(failover.direction).to_owned()),
        asked_at_ms: Some(millis(failover.asked_at)),
        rpo_ms: failover.rpo.map(whole),
        rto_ms: failover.rto().map(whole),
        point_at_ms: failover.point.map(|point| millis(sim_time(point.at))),
        consistency: failover.consistency().map(|promised| format!("{promised:?}")),
        data: data_check(outcome, failover),
        ..stayed(name, targets)
    }
}

/// What the judge of recovered disks told about the machine, between this failover and its next.
fn data_check(outcome: &Outcome, failover: &Failover) -> String {
    let is_next = |other: &&Failover| other.machine == failover.machine && other.asked_at > failover.asked_at;
    let until = outcome.failovers.iter().filter(is_next).map(|next| next.asked_at).min();
    let loss = outcome.happenings.iter().find_map(|(at, happening)| match happening {
        Happening::Recovered { machine, loss, .. }
            if *machine == failover.machine
                && *at >= failover.asked_at
                && until.is_none_or(|until| *at < until) =>
        {
            Some(*loss)
        }
        _ => None,
    });
    match loss {
        Some(loss) if loss.writes == 0 => "consistent cut, nothing lost".to_owned(),
        Some(loss) => {
            let (writes, bytes) = (words::plural(loss.writes, "write"), words::bytes(loss.bytes));
            format!("consistent cut, {writes} lost ({bytes})")
        }
        None => "no consistent cut was seen".to_owned(),
    }
}
