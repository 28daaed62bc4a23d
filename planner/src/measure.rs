//! One run of the engine: how old the newest recovery point of every group is, over time.

use core::time::Duration;
use std::sync::Arc;

use switchback_engine::{GroupId, Site, Stamp};
use switchback_harness::Drill;
use switchback_harness::guard;
use switchback_harness::world::sim_time;
use switchback_scenarios::Scenario;

use crate::PlanError;
use crate::lags::Lags;
use crate::variant;

/// How often the newest points are looked at, in simulated time. The error of every lag.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Protection is asked for so long after the start.
const ENABLED_AFTER: Duration = Duration::from_secs(60);

/// What one run showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Measured {
    /// The line, in bits a second.
    pub bandwidth: u64,
    /// The largest lag of any group; `None` if not all machines came to be protected.
    #[serde(serialize_with = "crate::units::seconds_or_null")]
    pub rpo: Option<Duration>,
    /// The lag that no group exceeded in more than 5 % of the time.
    #[serde(serialize_with = "crate::units::seconds_or_null")]
    pub rpo_95: Option<Duration>,
    /// Whether the lag was still growing at the end: a longer run would show a larger one.
    pub grows: bool,
}

/// What a run looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Simulated time after the first copy.
    pub lasting: Duration,
    /// From batch to batch; `None` runs every write by itself.
    pub batch_every: Option<Duration>,
}

/// Runs the churn of an estate over a line of so many bits a second.
///
/// # Errors
/// [`PlanError::Drill`] when the site cannot be built, [`PlanError::BrokeOff`] when the run panicked.
pub fn measure(scenario: &Scenario, bandwidth: u64, run: Run) -> Result<Measured, PlanError> {
    let variant = Arc::new(variant::churn_only(scenario, bandwidth, run.batch_every));
    let lags = guarded(bandwidth, || look(&variant, run.lasting))?;
    let worst =
        |percent| lags.as_ref().and_then(|lags| lags.iter().filter_map(|lag| lag.within(percent)).max());
    let grows =
        lags.as_ref().is_none_or(|lags| lags.iter().any(|lag| lag.is_growing(Duration::from_mins(1))));
    Ok(Measured { bandwidth, rpo: worst(100), rpo_95: worst(95), grows })
}

/// How long the first copy of all machines takes over this line, with their churn beside it; `None` if it was not through in time.
///
/// # Errors
/// As [`measure`].
pub fn first_copy(
    scenario: &Scenario,
    bandwidth: u64,
    run: Run,
    at_most: Duration,
) -> Result<Option<Duration>, PlanError> {
    let mut variant = variant::undisturbed(scenario, bandwidth, run.batch_every);
    variant.operator.gives_up_after = at_most;
    let variant = Arc::new(variant);
    let drill = guarded(bandwidth, || protected(&variant))?;
    Ok(drill.and_then(|drill| drill.t0()).map(|t0| t0.since_start().saturating_sub(ENABLED_AFTER)))
}

/// What a run over a line of so many bits a second comes to; one that panics broke off.
pub(crate) fn guarded<T>(bandwidth: u64, run: impl FnOnce() -> Result<T, PlanError>) -> Result<T, PlanError> {
    guard::guarded(run).map_err(|why| PlanError::BrokeOff { bandwidth, why: why.to_string() })?
}

/// A drill whose judges do not look: a plan asks for figures.
pub(crate) fn unjudged(scenario: &Arc<Scenario>) -> Result<Drill<Stamp>, PlanError> {
    let mut drill = Drill::new(Arc::clone(scenario))?;
    drill.world_mut().set_judging(false);
    Ok(drill)
}

/// A drill in which all machines are protected; `None` if that was given up.
fn protected(scenario: &Arc<Scenario>) -> Result<Option<Drill<Stamp>>, PlanError> {
    let mut drill = unjudged(scenario)?;
    while drill.t0().is_none() {
        if !drill.advance() {
            return Ok(None);
        }
    }
    Ok(Some(drill))
}

/// The lags of all groups, looked at until the time is over.
fn look(scenario: &Arc<Scenario>, lasting: Duration) -> Result<Option<Vec<Lags>>, PlanError> {
    let Some(mut drill) = protected(scenario)? else { return Ok(None) };
    let world = drill.world_mut();
    let mut lags = vec![Lags::default(); scenario.groups.len()];
    let end = world.now() + lasting;
    while world.now() < end {
        world.run_until(world.now() + LOOK_EVERY);
        let now = world.now();
        let Some(target) = world.target(Site::Recovery) else { continue };
        for (group, lags) in lags.iter_mut().enumerate() {
            let points = target.journal(GroupId(group as u32)).map(|journal| journal.points());
            if let Some(newest) = points.and_then(<[_]>::last) {
                lags.push(now.saturating_since(sim_time(newest.at)));
            }
        }
    }
    Ok(Some(lags))
}
