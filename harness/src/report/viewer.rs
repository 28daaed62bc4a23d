//! The drill for a standard trace viewer (Perfetto, or the one in Chromium): jobs and tasks as spans, everything
//! else that happened as instants, the lag as a counter.

use std::collections::BTreeMap;

use switchback_engine::MachineId;
use switchback_engine::control::{JobId, JobState, TaskKind, TaskState};
use switchback_engine::message::Observation;
use switchback_sim::{ChromeTrace, SimTime, TrackId};

use crate::outcome::{Outcome, words};
use crate::world::Happening;

/// The drill as trace events.
#[must_use]
pub fn viewer_trace(outcome: &Outcome) -> ChromeTrace {
    let mut trace = ChromeTrace::new();
    let mut tracks = Tracks {
        engine: trace.track("engine"),
        world: trace.track("world"),
        machines: outcome.machines.iter().map(|name| trace.track(name)).collect(),
        jobs: BTreeMap::new(),
        tasks: BTreeMap::new(),
    };
    for (at, happening) in &outcome.happenings {
        tracks.add(&mut trace, *at, happening);
    }
    for sample in &outcome.lags {
        if let (Some(track), Some(lag)) = (tracks.machines.get(sample.machine.0 as usize), sample.reported) {
            trace.counter(*track, "RPO lag in seconds", sample.at, lag.as_secs());
        }
    }
    trace
}

struct Tracks {
    engine: TrackId,
    world: TrackId,
    machines: Vec<TrackId>,
    /// Begun and not ended.
    jobs: BTreeMap<JobId, SimTime>,
    tasks: BTreeMap<(JobId, TaskKind), SimTime>,
}

impl Tracks {
    fn add(&mut self, trace: &mut ChromeTrace, at: SimTime, happening: &Happening) {
        match happening {
            Happening::Observed(Observation::Job { job, kind, machine, state }) => {
                self.job(trace, at, *job, words::job(*kind), *machine, *state);
            }
            Happening::Observed(Observation::Task { job, task, state }) => {
                self.task(trace, at, *job, *task, *state)
            }
            Happening::Observed(observation) => trace.instant(self.engine, &name_of(observation), at, &[]),
            other => trace.instant(self.world, &name_of(other), at, &[]),
        }
    }

    fn job(
        &mut self,
        trace: &mut ChromeTrace,
        at: SimTime,
        job: JobId,
        name: &str,
        machine: MachineId,
        state: JobState,
    ) {
        if state == JobState::InProgress {
            self.jobs.insert(job, at);
        } else if let (Some(began), Some(track)) =
            (self.jobs.remove(&job), self.machines.get(machine.0 as usize))
        {
            trace.span(*track, name, began, at, &[("state", words::job_state(state).to_owned())]);
        }
    }

    fn task(&mut self, trace: &mut ChromeTrace, at: SimTime, job: JobId, task: TaskKind, state: TaskState) {
        match state {
            TaskState::NotStarted => {}
            TaskState::InProgress => {
                self.tasks.insert((job, task), at);
            }
            _ => {
                let began = self.tasks.remove(&(job, task)).unwrap_or(at);
                let args = [("job", job.0.to_string()), ("state", words::task_state(state).to_owned())];
                trace.span(self.engine, words::task(task), began, at, &args);
            }
        }
    }
}

/// The first word of a value's debug form: what kind of thing it is. The rest of it is in the JSON.
fn name_of(value: &impl core::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take(120).collect()
}
