//! The real times beside the rehearsed ones: for each job and each of its tasks.

use core::fmt::Write as _;
use core::time::Duration;
use std::collections::BTreeMap;

use serde::Serialize;
use switchback_harness::outcome::words;
use switchback_scenarios::Scenario;

use crate::journal::How;
use crate::plan::Plan;
use crate::rehearsal::Rehearsal;
use crate::seen::{JobSeen, StateSeen, TaskSeen};
use crate::walk::{Asked, Walked};

/// What came of a drill, for programs.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// The endpoint and the path of the vault.
    pub vault: String,
    /// Whether every step went as the scenario wants it.
    pub well: bool,
    /// Why it broke off, if it did.
    pub broke_off: Option<String>,
    /// What the timeline counts from, in seconds since 1970.
    pub origin: Option<u64>,
    /// What was asked for, in order.
    pub jobs: Vec<JobRow>,
    /// The states that machines were seen in, in order.
    pub states: Vec<StateSeen>,
    /// Steps that were left out.
    pub left_out: Vec<String>,
}

/// Something that was asked for: how long it took, and how long in the rehearsal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRow {
    /// The step; none for the protection with which a drill begins.
    pub step: Option<String>,
    /// `FILE:LINE`.
    pub line: Option<String>,
    /// The machine.
    pub machine: String,
    /// What it is called: the job, or the step where none came of it.
    pub what: String,
    /// How it ended.
    pub how: How,
    /// Whether that is as the scenario wants it.
    pub well: bool,
    /// How long it took, in seconds.
    pub took: Option<f64>,
    /// How long it took in the rehearsal.
    pub rehearsed: Option<f64>,
    /// How it ended there.
    pub rehearsed_state: Option<String>,
    /// Its tasks.
    pub tasks: Vec<TaskRow>,
}

/// A task of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskRow {
    /// What it is called.
    pub what: String,
    /// How it ended.
    pub state: String,
    /// How long it took, in seconds.
    pub took: Option<f64>,
    /// How long it took in the rehearsal.
    pub rehearsed: Option<f64>,
}

impl Report {
    /// Sets a walk beside a rehearsal.
    #[must_use]
    pub fn new(
        scenario: &Scenario,
        plan: &Plan,
        vault: &str,
        walked: &Walked,
        rehearsal: &Rehearsal,
    ) -> Self {
        let mut seen = BTreeMap::new();
        let jobs = walked.asks.iter().map(|asked| row(scenario, asked, rehearsal, &mut seen)).collect();
        let left_out = plan.unreachable.iter().map(|left| {
            let step = &scenario.timeline[left.step.0];
            format!("{} ({}): {}", step.name, scenario.asked_for_at(step.source), left.why)
        });
        Self {
            scenario: scenario.name.clone(),
            vault: vault.to_owned(),
            well: walked.is_well(),
            broke_off: None,
            origin: walked.origin.map(|origin| origin.as_secs()),
            jobs,
            states: walked.states.clone(),
            left_out: left_out.collect(),
        }
    }

    /// For people: a line for each job and each of its tasks.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows = vec![["job", "machine", "ended", "took", "rehearsed"].map(str::to_owned)];
        for job in &self.jobs {
            let mark = if job.well { "" } else { "FAIL " };
            rows.push([
                job.what.clone(),
                job.machine.clone(),
                format!("{mark}{}", told(&job.how)),
                span(job.took),
                span(job.rehearsed),
            ]);
            for task in &job.tasks {
                let (took, rehearsed) = (span(task.took), span(task.rehearsed));
                rows.push([format!("  {}", task.what), String::new(), task.state.clone(), took, rehearsed]);
            }
        }
        let mut text = aligned(&rows);
        for left in &self.left_out {
            let _ = writeln!(text, "  left out: {left}");
        }
        if let Some(why) = &self.broke_off {
            let _ = writeln!(text, "  broke off: {why}");
        }
        text
    }
}

/// The how-manieth job of its kind and machine it is, and its like in the rehearsal.
fn row(
    scenario: &Scenario,
    asked: &Asked,
    rehearsal: &Rehearsal,
    seen: &mut BTreeMap<(String, String), usize>,
) -> JobRow {
    let step = asked.step.map(|step| &scenario.timeline[step.0]);
    let job = asked.end.job.as_ref();
    let rehearsed = job.and_then(|job| {
        let count = seen.entry((job.machine.clone(), job.scenario_name.clone())).or_insert(0);
        *count += 1;
        let same =
            |other: &&JobSeen| other.machine == job.machine && other.scenario_name == job.scenario_name;
        rehearsal.jobs.iter().filter(same).nth(*count - 1)
    });
    let name = step.map_or_else(|| "protect".to_owned(), |step| step.name.clone());
    JobRow {
        step: step.map(|step| step.name.clone()),
        line: step.map(|step| scenario.asked_for_at(step.source)),
        machine: asked.machine.clone(),
        what: job.map_or_else(|| name, |job| job.friendly_name.clone()),
        how: asked.end.how.clone(),
        well: asked.well,
        took: job.and_then(JobSeen::took).map(|span| span.as_secs_f64()),
        rehearsed: rehearsed.and_then(JobSeen::took).map(|span| span.as_secs_f64()),
        rehearsed_state: rehearsed.map(|job| job.state.clone()),
        tasks: job.map_or_else(Vec::new, |job| tasks(job, rehearsed)),
    }
}

fn tasks(job: &JobSeen, rehearsed: Option<&JobSeen>) -> Vec<TaskRow> {
    let like = |task: &TaskSeen| rehearsed?.tasks.iter().find(|other| other.name == task.name)?.took();
    let row = |task: &TaskSeen| TaskRow {
        what: task.friendly_name.clone(),
        state: task.description.clone(),
        took: task.took().map(|span| span.as_secs_f64()),
        rehearsed: like(task).map(|span| span.as_secs_f64()),
    };
    job.tasks.iter().map(row).collect()
}

fn told(how: &How) -> String {
    match how {
        How::Done => "done".to_owned(),
        How::AlreadySo => "was so already".to_owned(),
        How::Canceled => "canceled".to_owned(),
        How::TooLate { .. } => "too late".to_owned(),
        How::Failed { code, .. } => format!("failed, {code}"),
        How::Refused { code, .. } => format!("refused, {code}"),
        How::NotInTime { message } => format!("not in time: {message}"),
    }
}

fn span(seconds: Option<f64>) -> String {
    let of = |seconds: f64| words::span(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    seconds.map_or_else(|| "-".to_owned(), of)
}

fn aligned(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = core::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
    }
    text
}
