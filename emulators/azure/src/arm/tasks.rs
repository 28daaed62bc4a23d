//! The tasks of a machine's job, as Resource Manager writes them.

use serde_json::{Value, json};
use switchback_engine::control::{Job, TaskState};

use super::Rehearsal;
use super::jobs::errors;
use super::time::{UNSET, stamp};
use crate::vocabulary::{self, ShownTask};

/// The tasks of a job, in order.
pub(super) fn tasks<R: Rehearsal>(job: &Job, r: &R) -> Vec<Value> {
    vocabulary::shown_tasks(job).iter().map(|shown| written(job, shown, r)).collect()
}

fn written<R: Rehearsal>(job: &Job, task: &ShownTask, r: &R) -> Value {
    let shown = vocabulary::task_state(task.state);
    let key = task.kind.map_or_else(|| task.words.name.to_owned(), |kind| format!("{kind:?}"));
    let made_up = || r.cloud().guid_named(&format!("task {} {key}", job.id.0));
    json!({
        "taskId": task.words.task_id.map_or_else(made_up, str::to_owned),
        "name": task.words.name,
        "startTime": task.started.map_or_else(|| UNSET.to_owned(), stamp),
        "endTime": task.ended.map_or_else(|| UNSET.to_owned(), stamp),
        "allowedActions": [],
        "friendlyName": task.words.friendly_name,
        "state": shown.state,
        "stateDescription": shown.description,
        "taskType": "TaskDetails",
        "customDetails": null,
        "groupTaskCustomDetails": null,
        "errors": if task.state == TaskState::Failed { errors(job, r) } else { Vec::new() },
    })
}
