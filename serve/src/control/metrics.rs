//! Figures for Prometheus, read off the world when somebody asks.

use core::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use switchback_engine::MachineId;
use switchback_engine::control::{ItemState, JobState, ProtectedItem};
use switchback_harness::world::instant;

use super::{Answered, Call, Refused, text};
use crate::surfaces::Surfaces;

/// What an answer holds.
pub(super) const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Labels of a figure, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), core::fmt::Error> {
        self.0.encode(encoder)
    }
}

type Whole = Family<Labels, Gauge<i64, AtomicI64>>;
type Fraction = Family<Labels, Gauge<f64, AtomicU64>>;

pub(super) fn answer(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    let mut registry = Registry::with_prefix("switchback");
    of_rehearsal(surfaces, &mut registry);
    of_machines(surfaces, &mut registry);
    of_jobs(surfaces, &mut registry);
    of_requests(surfaces, &mut registry);
    let mut body = String::new();
    let encoded = encode(&mut body, &registry);
    encoded.map_err(|error| {
        Refused::new(hyper::StatusCode::INTERNAL_SERVER_ERROR, "Broken", &error.to_string())
    })?;
    Ok(text(CONTENT, body))
}

fn whole(registry: &mut Registry, name: &str, help: &str) -> Whole {
    let family = Whole::default();
    registry.register(name, help, family.clone());
    family
}

fn fraction(registry: &mut Registry, name: &str, help: &str) -> Fraction {
    let family = Fraction::default();
    registry.register(name, help, family.clone());
    family
}

fn set(family: &Whole, labels: Vec<(&'static str, String)>, value: u64) {
    family.get_or_create(&Labels(labels)).set(i64::try_from(value).unwrap_or(i64::MAX));
}

fn of_rehearsal(surfaces: &Surfaces, registry: &mut Registry) {
    let world = surfaces.rehearsed.world();
    let seconds = fraction(registry, "simulated_seconds", "Time of the rehearsal since its beginning");
    seconds.get_or_create(&Labels(Vec::new())).set(world.now().since_start().as_secs_f64());
    let events = whole(registry, "events", "Events of the simulation");
    set(&events, Vec::new(), world.events());
}

fn of_machines(surfaces: &Surfaces, registry: &mut Registry) {
    let world = surfaces.rehearsed.world();
    let states = whole(registry, "item_state", "1 for the state that the replicated item of a machine is in");
    let lags = fraction(registry, "rpo_seconds", "Age of the newest recovery point of a machine");
    let points = whole(registry, "recovery_points", "Recovery points of a machine that are kept");
    let Some(vault) = world.control() else { return };
    for (number, machine) in world.spec().machines.iter().enumerate() {
        let id = MachineId(number as u32);
        let of = |more: Option<(&'static str, String)>| {
            [("machine", machine.name.clone())].into_iter().chain(more).collect::<Vec<_>>()
        };
        let state = vault.item(id).map_or(ItemState::Unprotected, ProtectedItem::state);
        set(&states, of(Some(("state", format!("{state:?}")))), 1);
        set(&points, of(None), vault.points_of(id).len() as u64);
        if let Some(lag) = vault.rpo_lag(id, instant(world.now())) {
            lags.get_or_create(&Labels(of(None))).set(lag.as_secs_f64());
        }
    }
}

fn of_jobs(surfaces: &Surfaces, registry: &mut Registry) {
    let jobs = whole(registry, "jobs", "Jobs of the vault by their state");
    let Some(vault) = surfaces.rehearsed.world().control() else { return };
    let states = [
        ("in-progress", JobState::InProgress),
        ("succeeded", JobState::Succeeded),
        ("failed", JobState::Failed),
        ("cancelled", JobState::Cancelled),
    ];
    for (word, state) in states {
        let count = vault.jobs().filter(|job| job.state == state).count();
        set(&jobs, vec![("state", word.to_owned())], count as u64);
    }
}

fn of_requests(surfaces: &Surfaces, registry: &mut Registry) {
    let requests =
        whole(registry, "requests", "Requests to the emulated surfaces by the status of their answer");
    for (surface, status, count) in surfaces.log.by_status() {
        let labels = vec![("surface", surface.as_str().to_owned()), ("status", status.to_string())];
        set(&requests, labels, count);
    }
    let faults = whole(registry, "wire_faults_met", "How often each fault on the wire was met");
    for fault in surfaces.faults.all() {
        set(&faults, vec![("fault", fault.number.to_string())], fault.met.into());
    }
}
