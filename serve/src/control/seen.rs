//! What has happened: the timeline of the world, the log of requests, the operations that were reached.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use switchback_azure::arm;
use switchback_vsphere::soap;

use super::{Answered, Call, ok};
use crate::request_log::{Logged, SurfaceName};
use crate::surfaces::Surfaces;

/// What has happened in the world.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Trace {
    happenings: Vec<Happened>,
    /// How many there were in all.
    count: u64,
}

/// Something that has happened.
#[derive(Debug, Serialize, JsonSchema)]
struct Happened {
    /// Its number, counted from 1.
    number: u64,
    /// When, in simulated seconds.
    at_seconds: f64,
    /// What, in words; none for what only machines read.
    text: Option<String>,
    /// The same as data.
    what: serde_json::Value,
}

/// Requests that were answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Requests {
    requests: Vec<Logged>,
}

/// The operations of each surface.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Coverage {
    azure: Operations,
    vsphere: Operations,
}

/// The operations of a surface.
#[derive(Debug, Serialize, JsonSchema)]
struct Operations {
    /// How many are answered.
    answered: usize,
    /// How often each was asked for.
    asked: BTreeMap<String, u64>,
    /// Those that are answered, and that nobody has asked for.
    missing: Vec<String>,
}

pub(super) fn trace(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    let (after, most) = call.page()?;
    let world = surfaces.rehearsed.world();
    let all = world.happenings();
    let skipped = usize::try_from(after).unwrap_or(usize::MAX).min(all.len());
    let numbered = (skipped as u64 + 1..).zip(&all[skipped..]).take(most);
    let happened = |(number, (at, happening)): (
        u64,
        &(switchback_sim::SimTime, switchback_harness::world::Happening),
    )| Happened {
        number,
        at_seconds: at.since_start().as_secs_f64(),
        text: surfaces.rehearsed.told(happening),
        what: serde_json::to_value(happening).unwrap_or_default(),
    };
    ok(&Trace { happenings: numbered.map(happened).collect(), count: all.len() as u64 })
}

pub(super) fn requests(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    let (after, most) = call.page()?;
    ok(&Requests { requests: surfaces.log.after(after).take(most).cloned().collect() })
}

pub(super) fn coverage(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    let azure = arm::operations::all().filter(|it| it.is_answered).map(|it| it.name).collect::<Vec<_>>();
    let vsphere = soap::OPERATIONS.iter().map(|it| it.method).collect::<Vec<_>>();
    ok(&Coverage {
        azure: operations(surfaces, SurfaceName::Azure, &azure),
        vsphere: operations(surfaces, SurfaceName::Vsphere, &vsphere),
    })
}

fn operations(surfaces: &Surfaces, surface: SurfaceName, answered: &[&str]) -> Operations {
    let asked: BTreeMap<String, u64> =
        surfaces.log.operations(surface).map(|(name, count)| (name.to_owned(), count)).collect();
    let missing = answered.iter().filter(|name| !asked.contains_key(**name)).map(|name| (*name).to_owned());
    Operations { answered: answered.len(), missing: missing.collect(), asked }
}
