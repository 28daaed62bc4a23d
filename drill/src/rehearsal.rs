//! The rehearsal that a drill is set beside: the same scenario in process, in simulated time, in the words of the vault.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use switchback_azure::errors::{Code, raised};
use switchback_azure::{Names, arm, vocabulary};
use switchback_engine::control::{ItemState, Job};
use switchback_engine::message::Observation;
use switchback_engine::time::Instant;
use switchback_engine::{Block, Direction, MachineId, Stamp};
use switchback_harness::scene::world_spec;
use switchback_harness::world::Happening;
use switchback_harness::{Drill, DrillError, Simulated, World};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::ContentKind;

use crate::seen::{JobSeen, StateSeen, TaskSeen};
use crate::site::stack_of;

/// What came of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// The jobs, in the order in which they were begun.
    pub jobs: Vec<JobSeen>,
    /// The states that machines came into.
    pub states: Vec<StateSeen>,
}

/// The names under which a scenario's vault is filed when nobody says otherwise.
///
/// # Errors
/// [`DrillError`] when its world cannot be built.
pub fn names_of(scenario: &Scenario) -> Result<Names, DrillError> {
    Ok(World::<Stamp>::new(world_spec(scenario))?.azure().names().clone())
}

/// Rehearses a scenario.
///
/// # Errors
/// [`DrillError`] when its world cannot be built.
pub fn rehearse(scenario: &Arc<Scenario>) -> Result<Rehearsal, DrillError> {
    match scenario.content {
        ContentKind::Stamps => rehearse_as::<Stamp>(scenario),
        ContentKind::Bytes => rehearse_as::<Block>(scenario),
    }
}

fn rehearse_as<C: Simulated>(scenario: &Arc<Scenario>) -> Result<Rehearsal, DrillError> {
    let mut drill = Drill::<C>::new(Arc::clone(scenario))?;
    let outcome = drill.run(|_| {});
    let jobs = drill.world().control().into_iter().flat_map(|control| control.jobs());
    let jobs = jobs.map(|job| seen(job, scenario)).collect();
    let mut states = Vec::new();
    let mut ways = BTreeMap::new();
    for (_, happening) in &outcome.happenings {
        if let Happening::Observed(Observation::Item { machine, to }) = happening {
            states.push(state(*machine, *to, &mut ways, scenario));
        }
    }
    Ok(Rehearsal { jobs, states })
}

fn seen(job: &Job, scenario: &Scenario) -> JobSeen {
    let words = vocabulary::job(job.kind);
    let task = |task: vocabulary::ShownTask| {
        let state = vocabulary::task_state(task.state);
        TaskSeen {
            name: task.words.name.to_owned(),
            friendly_name: task.words.friendly_name.to_owned(),
            state: state.state.to_owned(),
            description: state.description.to_owned(),
            started: task.started.map(at),
            ended: task.ended.map(at),
        }
    };
    let why = job.error.as_ref().map_or_else(String::new, ToString::to_string);
    let error = |code: Code| (code.as_str().to_owned(), why.clone());
    JobSeen {
        name: format!("job {}", job.id.0),
        scenario_name: words.scenario_name.to_owned(),
        friendly_name: words.friendly_name.to_owned(),
        machine: name(scenario, job.machine),
        state: vocabulary::job_state(job.state).state.to_owned(),
        started: Some(at(job.started)),
        ended: job.ended.map(at),
        tasks: vocabulary::shown_tasks(job).into_iter().map(task).collect(),
        errors: raised::all_of_job(job).into_iter().map(error).collect(),
    }
}

/// What the clocks of the service show then.
fn at(instant: Instant) -> Duration {
    Duration::from_secs(arm::BEGIN_SECONDS) + Duration::from_nanos(instant.0)
}

fn name(scenario: &Scenario, machine: MachineId) -> String {
    scenario.vms.get(machine.0 as usize).map_or_else(String::new, |vm| vm.name.clone())
}

/// A state in words. One that does not say which way it goes goes the way of the one before.
fn state(
    machine: MachineId,
    to: ItemState,
    ways: &mut BTreeMap<MachineId, Direction>,
    scenario: &Scenario,
) -> StateSeen {
    if let Some(way) = direction_of(to) {
        ways.insert(machine, way);
    }
    let way = ways.get(&machine).copied().unwrap_or(Direction::Forward);
    let words = vocabulary::protection_state(to);
    StateSeen {
        machine: name(scenario, machine),
        provider: vocabulary::provider(stack_of(scenario), way).to_owned(),
        state: words.state.to_owned(),
        description: words.description.to_owned(),
    }
}

/// Which way a state goes, if it says so.
#[must_use]
pub const fn direction_of(state: ItemState) -> Option<Direction> {
    match state {
        ItemState::Enabling(way)
        | ItemState::Synchronising(way)
        | ItemState::Protected(way)
        | ItemState::FailingOver(way)
        | ItemState::FailoverFailed(way)
        | ItemState::FailedOver(way)
        | ItemState::ChangingPoint(way)
        | ItemState::Committing(way)
        | ItemState::Committed(way) => Some(way),
        ItemState::Unprotected | ItemState::Cancelling | ItemState::Disabling | ItemState::Resuming => None,
    }
}
