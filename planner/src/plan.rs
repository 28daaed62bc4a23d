//! The plan: every question, asked in order.

use core::time::Duration;

use serde::Serialize;
use switchback_scenarios::Scenario;

use crate::estate;
use crate::failover::{PlanTime, plan_times};
use crate::limits::{self, Broken, average};
use crate::measure::{self, Measured, Run};
use crate::search::{Search, always, mostly};
use crate::servers::{Servers, servers};
use crate::sheet;
use crate::tiers::{self, Placed};
use crate::{Options, PlanError, memory};

/// The least time that a run lasts, and that it lasts where loads are constant.
const LASTS_AT_LEAST: Duration = Duration::from_hours(4);
/// The longest that is looked at without being asked for.
const LASTS_AT_MOST: Duration = Duration::from_hours(48);
/// A first copy that takes longer than this is not waited for.
const FIRST_COPY_AT_MOST: Duration = Duration::from_hours(7 * 24);
/// The part of the time in which an objective must be met where it need not always be, in percent.
const MOST_OF_THE_TIME: usize = 95;

/// What an estate needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// How many machines there are.
    pub machines: usize,
    /// How many disks.
    pub disks: usize,
    /// What their disks hold, in bytes.
    pub used: u64,
    /// What they write on average, in bytes a second.
    pub churn: u64,
    /// What they write in their worst minute, in bytes a second.
    pub churn_peak: u64,
    /// The line that was asked about, in bits a second.
    pub bandwidth: u64,
    /// How much simulated time every run took after the first copy.
    #[serde(serialize_with = "crate::units::seconds")]
    pub lasting: Duration,
    /// What the method of a spreadsheet adds to the churn, in percent.
    pub growth_percent: u64,
    /// What the line that was asked about gives; `None` without runs.
    pub reached: Option<Measured>,
    /// What the method of a spreadsheet says of that line at all times.
    #[serde(serialize_with = "crate::units::seconds")]
    pub sheet_reached: Duration,
    /// What each objective needs.
    pub objectives: Vec<Objective>,
    /// All lines that were run, from the thinnest on.
    pub what_if: Vec<WhatIf>,
    /// How long the first copy of all machines takes over the line that was asked about; `None` without runs, or if it takes more than a week.
    #[serde(serialize_with = "crate::units::seconds_or_null")]
    pub first_copy: Option<Duration>,
    /// The process servers, by what is written.
    pub servers: Servers,
    /// The same by the method of a spreadsheet, with growth.
    pub sheet_servers: Servers,
    /// Every limit that a machine breaks.
    pub broken: Vec<Broken>,
    /// The tier of every disk; without those that are too large for any.
    pub tiers: Vec<DiskTier>,
    /// How long each recovery plan takes.
    pub plans: Vec<PlanTime>,
}

/// What an objective needs. Bandwidths are bits a second; `None` if none was found with the runs that were allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Objective {
    /// The objective.
    #[serde(serialize_with = "crate::units::seconds")]
    pub rpo: Duration,
    /// The line with which it is always met.
    pub bandwidth: Option<u64>,
    /// The line with which it is met in 95 % of the time.
    pub bandwidth_95: Option<u64>,
    /// What the method of a spreadsheet says, without growth.
    pub sheet: u64,
    /// The same in 95 % of the time.
    pub sheet_95: u64,
    /// The same at all times, with growth.
    pub sheet_grown: u64,
}

/// What a line gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// What was measured.
    #[serde(flatten)]
    pub measured: Measured,
    /// What the method of a spreadsheet says of the same line at all times.
    #[serde(serialize_with = "crate::units::seconds")]
    pub sheet: Duration,
}

/// The tier of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiskTier {
    /// The machine's name.
    pub machine: String,
    /// The disk's name.
    pub disk: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it becomes.
    #[serde(flatten)]
    pub placed: Placed,
}

/// Plans an estate. `progress` hears of every run that looks for a bandwidth.
///
/// # Errors
/// [`PlanError::Memory`] before anything is run that would not fit; [`PlanError::Drill`] and [`PlanError::BrokeOff`] of runs.
pub fn plan(
    scenario: &Scenario,
    options: &Options,
    mut progress: impl FnMut(&Measured),
) -> Result<Plan, PlanError> {
    let run = Run { lasting: lasting(scenario, options), batch_every: options.batch_every };
    if options.runs {
        memory::check(scenario.vms.len(), run, options.memory_max)?;
    }
    let minutes = estate::minutes_of(run.lasting);
    let churn = estate::total(scenario, minutes);
    let mut plan = on_paper(scenario, options, run.lasting, &churn);
    if options.runs {
        simulate(&mut plan, scenario, &churn, options, run, &mut progress)?;
    }
    Ok(plan)
}

/// How long a run lasts: two of the longest cycles, if it is not said.
fn lasting(scenario: &Scenario, options: &Options) -> Duration {
    let cycles = estate::longest_cycle(scenario).saturating_mul(2).clamp(LASTS_AT_LEAST, LASTS_AT_MOST);
    options.lasting.unwrap_or(cycles)
}

/// Everything that needs no run.
fn on_paper(scenario: &Scenario, options: &Options, lasting: Duration, churn: &[u64]) -> Plan {
    let bandwidth = options.bandwidth.unwrap_or(scenario.wan.bandwidth);
    let machines = scenario.vms.len();
    let a_day = average(churn).saturating_mul(86_400);
    let grown = sheet::grown(churn, options.growth_percent);
    let a_grown_day = sheet::percentile(&grown, MOST_OF_THE_TIME).saturating_mul(1440);
    let disks = scenario.vms.iter().flat_map(|vm| &vm.disks);
    Plan {
        scenario: scenario.name.clone(),
        machines,
        disks: disks.clone().count(),
        used: disks.map(|disk| disk.used).sum(),
        churn: average(churn),
        churn_peak: churn.iter().max().copied().unwrap_or(0) / 60,
        bandwidth,
        lasting,
        growth_percent: options.growth_percent,
        reached: None,
        sheet_reached: sheet::rpo(churn, bandwidth, 100),
        objectives: options.objectives.iter().map(|rpo| on_the_sheet(*rpo, churn, &grown)).collect(),
        what_if: Vec::new(),
        first_copy: None,
        servers: servers(a_day, machines as u64),
        sheet_servers: servers(a_grown_day, machines as u64),
        broken: scenario.vms.iter().flat_map(|vm| limits::broken(vm, churn.len())).collect(),
        tiers: tiers_of(scenario, churn.len()),
        plans: Vec::new(),
    }
}

fn on_the_sheet(rpo: Duration, churn: &[u64], grown: &[u64]) -> Objective {
    Objective {
        rpo,
        bandwidth: None,
        bandwidth_95: None,
        sheet: sheet::bandwidth(churn, rpo, 100),
        sheet_95: sheet::bandwidth(churn, rpo, MOST_OF_THE_TIME),
        sheet_grown: sheet::bandwidth(grown, rpo, 100),
    }
}

fn tiers_of(scenario: &Scenario, minutes: usize) -> Vec<DiskTier> {
    let mut tiers = Vec::new();
    for vm in &scenario.vms {
        for (number, disk) in vm.disks.iter().enumerate() {
            let index = switchback_scenarios::model::DiskIndex(number);
            let churn = average(&estate::of_disk(vm, index, minutes));
            let write_size = estate::write_size(vm, index).unwrap_or(0);
            let placed = tiers::place(disk.size, churn, write_size);
            tiers.extend(placed.map(|placed| DiskTier {
                machine: vm.name.clone(),
                disk: disk.name.clone(),
                size: disk.size,
                placed,
            }));
        }
    }
    tiers
}

/// Everything that the engine says.
fn simulate(
    plan: &mut Plan,
    scenario: &Scenario,
    churn: &[u64],
    options: &Options,
    run: Run,
    progress: &mut dyn FnMut(&Measured),
) -> Result<(), PlanError> {
    let mut search = Search::new(scenario, run, options.runs_max.max(1), progress);
    plan.reached = search.at(plan.bandwidth)?;
    for objective in &mut plan.objectives {
        let rpo = objective.rpo;
        objective.bandwidth = search.enough(objective.sheet, always(rpo))?;
        objective.bandwidth_95 = search.enough(objective.sheet_95, mostly(rpo))?;
    }
    let beside = |measured: Measured| WhatIf { sheet: sheet::rpo(churn, measured.bandwidth, 100), measured };
    plan.what_if = search.into_known().into_iter().map(beside).collect();
    plan.first_copy = measure::first_copy(scenario, plan.bandwidth, run, FIRST_COPY_AT_MOST)?;
    plan.plans = plan_times(scenario, plan.bandwidth, run)?;
    Ok(())
}
