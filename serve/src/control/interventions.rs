//! What is done to the site and the cloud while clients carry out a drill: steps of the scenario language.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchback_harness::interventions::{Intervention, Stage};
use switchback_sim::SimTime;

use super::{Answered, Call, Refused, nothing, ok};
use crate::rehearsed::StepsRefused;
use crate::surfaces::Surfaces;

/// What is to be done.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Steps as in the timeline of a scenario, whose origin is now:
    /// `{"at": "0s", "cut": "wan", "for": "5m"}`, `{"when": {"vm": "web-01", "is": "failing-over"}, "crash": "control"}`.
    #[schemars(with = "Vec<std::collections::BTreeMap<String, Value>>", length(min = 1))]
    steps: Vec<serde_json::Map<String, Value>>,
}

/// Interventions.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    interventions: Vec<Shown>,
}

/// An intervention and where it stands.
#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    /// Its number, counted from 1.
    number: u64,
    /// What its step is called: its name, or its action.
    name: String,
    stage: Word,
    /// When it was done, in simulated seconds.
    done_at_seconds: Option<f64>,
    /// Until when it lasts.
    until_seconds: Option<f64>,
}

/// Where it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// Its time or its moment has not come.
    Waiting,
    /// It was done, and lasts.
    UnderWay,
    /// It was done, and is over.
    Over,
    /// It was taken back.
    Cleared,
}

fn seconds(at: SimTime) -> f64 {
    at.since_start().as_secs_f64()
}

fn shown(it: &Intervention, now: SimTime) -> Shown {
    let (stage, done) = match it.stage {
        Stage::Waiting => (Word::Waiting, None),
        Stage::Done { at, until } if until > now => (Word::UnderWay, Some((at, until))),
        Stage::Done { at, until } => (Word::Over, Some((at, until))),
        Stage::Cleared => (Word::Cleared, None),
    };
    Shown {
        number: it.number,
        name: it.step.name.clone(),
        stage,
        done_at_seconds: done.map(|(at, _)| seconds(at)),
        until_seconds: done.map(|(_, until)| seconds(until)),
    }
}

fn listed(surfaces: &Surfaces, numbers: Option<&[u64]>) -> Listed {
    let now = surfaces.rehearsed.world().now();
    let all = surfaces.rehearsed.interventions().iter();
    let wanted = all.filter(|it| numbers.is_none_or(|numbers| numbers.contains(&it.number)));
    Listed { interventions: wanted.map(|it| shown(it, now)).collect() }
}

pub(super) fn list(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    ok(&listed(surfaces, None))
}

pub(super) fn add(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    let Asked { steps } = call.json()?;
    if steps.is_empty() {
        return Err(Refused::malformed("at least one step is expected"));
    }
    let steps = Value::Array(steps.into_iter().map(Value::Object).collect());
    let numbers = surfaces.rehearsed.intervene(&steps.to_string()).map_err(refused)?;
    ok(&listed(surfaces, Some(&numbers)))
}

fn refused(why: StepsRefused) -> Refused {
    let refused = Refused::conflict("StepsRefused", &why.to_string());
    let details = match why {
        StepsRefused::Unreadable(report) => {
            let told = |it: &switchback_scenarios::Diagnostic| match &it.help {
                Some(help) => format!("{}: {} ({help})", it.code, it.message),
                None => format!("{}: {}", it.code, it.message),
            };
            report.diagnostics().iter().map(told).collect()
        }
        StepsRefused::NoIntervention(_) => Vec::new(),
    };
    Refused { details, ..refused }
}

pub(super) fn clear(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    match surfaces.rehearsed.clear_intervention(call.number()?) {
        true => nothing(),
        false => Err(Refused::nothing_called(call.name())),
    }
}
