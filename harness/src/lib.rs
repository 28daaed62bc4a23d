//! From a scenario to a world, to a run, to verdicts, to a report.
//!
//! Start reading at [`World`] (the simulated world around the real engine), then [`check`] (the judges).
//!
//! Other people's replicators come under the same judges, workloads and faults through [`adapter`]: implement
//! [`adapter::Replicator`] and call [`adapter::search`]. A [`World`] itself is built for the engine's own roles. Each
//! of them implements [`switchback_engine::role::Role`], but the world names them by their types, so a role of
//! somebody else's cannot be put in the place of one of them today.

pub mod adapter;
pub mod bug_base;
pub mod campaign;
pub mod check;
pub mod content;
pub mod drill;
pub mod explore;
pub mod guard;
pub mod interventions;
pub mod outcome;
pub mod outside;
pub mod report;
pub mod scene;
pub mod stepper;
pub mod truth;
pub mod workload;
pub mod world;

pub use content::Simulated;
pub use drill::{Drill, DrillError};
pub use interventions::Interventions;
pub use outcome::Outcome;
pub use outside::ScriptRunner;
pub use world::{World, WorldSpec};

use std::sync::Arc;

use switchback_engine::{Block, Stamp};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::ContentKind;
pub use switchback_sim::SimTime;

/// Runs a drill of a scenario to its end; one that panics ends there, and its verdict says so. `progress` is told the simulated time now and then.
///
/// # Errors
/// [`DrillError`] when its world cannot be built.
pub fn run(scenario: &Arc<Scenario>, progress: impl FnMut(SimTime)) -> Result<Outcome, DrillError> {
    run_with(scenario, None, progress)
}

/// Like [`run`]; the scripts of its recovery plans are really run by `scripts`, if there is anybody. What comes out then depends on
/// what they do, and not on the scenario and its seed alone.
///
/// # Errors
/// [`DrillError`] when its world cannot be built.
pub fn run_with(
    scenario: &Arc<Scenario>,
    scripts: Option<&Arc<dyn ScriptRunner>>,
    mut progress: impl FnMut(SimTime),
) -> Result<Outcome, DrillError> {
    let run = || match scenario.content {
        ContentKind::Stamps => run_as::<Stamp>(scenario, scripts, &mut progress),
        ContentKind::Bytes => run_as::<Block>(scenario, scripts, &mut progress),
    };
    let broken_off = |panicked| Outcome::broken_off(scenario, outcome::Verdict::panicked(&panicked));
    guard::guarded(run).unwrap_or_else(|panicked| Ok(broken_off(panicked)))
}

fn run_as<C: Simulated>(
    scenario: &Arc<Scenario>,
    scripts: Option<&Arc<dyn ScriptRunner>>,
    progress: &mut impl FnMut(SimTime),
) -> Result<Outcome, DrillError> {
    let mut drill = Drill::<C>::new(Arc::clone(scenario))?;
    if let Some(scripts) = scripts {
        drill.world_mut().run_scripts_by(Arc::clone(scripts));
    }
    Ok(drill.run(|drill| progress(drill.world().now())))
}
