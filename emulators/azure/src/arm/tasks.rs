//! The tasks of a machine's job as users see them (site-recovery 3.2). Several of the engine's may show as one; and the
//! service has some that the engine has no need of, which are over as soon as they begin.

use serde_json::{Value, json};
use switchback_engine::control::{Job, JobKind, Task, TaskKind, TaskState};
use switchback_engine::time::Instant;

use super::Rehearsal;
use super::jobs::errors;
use super::time::{UNSET, stamp};
use crate::vocabulary::{self, Shown, TaskWords};

/// A task that the service shows and the engine does not have.
struct Beside {
    of: JobKind,
    /// Next to which of the engine's it stands, and whether behind it.
    next_to: TaskKind,
    behind: bool,
    words: TaskWords,
    is_skipped: bool,
}

const fn beside(of: JobKind, next_to: TaskKind, behind: bool, words: [&'static str; 3]) -> Beside {
    let [task_id, name, friendly_name] = words;
    let task_id = if task_id.is_empty() { None } else { Some(task_id) };
    Beside { of, next_to, behind, words: TaskWords { task_id, name, friendly_name }, is_skipped: false }
}

/// All of them, in the order in which they stand.
const BESIDE: [Beside; 6] = [
    beside(
        JobKind::Enable,
        TaskKind::PrepareTarget,
        true,
        ["EnableProtectionTask", "EnableProtection", "Enable replication"],
    ),
    beside(
        JobKind::Enable,
        TaskKind::StartReplication,
        true,
        ["UpdateDraStateTask", "UpdateDraState", "Updating the provider states"],
    ),
    beside(
        JobKind::Commit,
        TaskKind::DropPoints,
        false,
        ["", "VmCommitPrerequisitesCheck", "Prerequisites check for commit"],
    ),
    Beside {
        is_skipped: true,
        ..beside(
            JobKind::Reprotect,
            TaskKind::CheckPrerequisites,
            true,
            ["CommitFailoverTask", "VmCommitFailover", "Committing failover"],
        )
    },
    beside(
        JobKind::CleanUpTest,
        TaskKind::CleanUp,
        false,
        [
            "TestFailoverCleanupPreflightChecksTask",
            "VmTfoCleanupPreflightsCheck",
            "Prerequisites check for test failover cleanup",
        ],
    ),
    beside(
        JobKind::CleanUpTest,
        TaskKind::CleanUp,
        false,
        ["EndTestFailoverTask", "VmTfoEndFailover", "Ending test failover"],
    ),
];

/// The tasks as users see them: several of the engine's may show as one, in the state of the one that is furthest behind.
pub(super) fn tasks<R: Rehearsal>(job: &Job, r: &R) -> Vec<Value> {
    let mut shown: Vec<(TaskKind, TaskWords, Vec<&Task>)> = Vec::new();
    for task in &job.tasks {
        match vocabulary::task(job.kind, task.kind) {
            Some(Shown::As(words)) => shown.push((task.kind, words, vec![task])),
            Some(Shown::Within(_)) | None => {}
        }
    }
    for task in &job.tasks {
        if let Some(Shown::Within(whole)) = vocabulary::task(job.kind, task.kind)
            && let Some((.., parts)) = shown.iter_mut().find(|(kind, ..)| *kind == whole)
        {
            parts.push(task);
        }
    }
    let mut tasks = Vec::with_capacity(shown.len() + 2);
    let has_own_check = shown.iter().any(|(kind, ..)| *kind == TaskKind::CheckPrerequisites);
    for (kind, words, parts) in shown {
        let is_here = |extra: &&Beside| extra.of == job.kind && extra.next_to == kind;
        // The engine checks before some commits, and not before others.
        let is_new = |extra: &&Beside| extra.of != JobKind::Commit || !has_own_check;
        let mut extras = BESIDE.iter().filter(is_here).filter(is_new);
        tasks.extend(extras.clone().filter(|it| !it.behind).map(|extra| beside_task(job, extra, &parts, r)));
        tasks.push(task(job, kind, words, &parts, r));
        tasks.extend(extras.by_ref().filter(|it| it.behind).map(|extra| beside_task(job, extra, &parts, r)));
    }
    tasks
}

/// A task that takes no time: it is over when the one it stands in front of has begun, or the one in front of it has ended.
fn beside_task<R: Rehearsal>(job: &Job, extra: &Beside, parts: &[&Task], r: &R) -> Value {
    let (started, ended) = span(parts);
    let at = if extra.behind { ended } else { started };
    let has_failed = whole_state(parts) == TaskState::Failed;
    let state = match at.filter(|_| !(extra.behind && has_failed)) {
        Some(_) if extra.is_skipped => TaskState::Skipped,
        Some(_) => TaskState::Succeeded,
        None => TaskState::NotStarted,
    };
    let at = at.filter(|_| state == TaskState::Succeeded);
    written(job, (extra.words, extra.words.name), state, (at, at), r)
}

fn task<R: Rehearsal>(job: &Job, kind: TaskKind, words: TaskWords, parts: &[&Task], r: &R) -> Value {
    written(job, (words, &format!("{kind:?}")), whole_state(parts), span(parts), r)
}

/// When the first of the parts of a task began, and when the last of them ended.
fn span(parts: &[&Task]) -> (Option<Instant>, Option<Instant>) {
    let all_over = parts.iter().all(|part| part.ended.is_some() || part.state == TaskState::Skipped);
    let ended = parts.iter().filter_map(|part| part.ended).max().filter(|_| all_over);
    (parts.iter().filter_map(|part| part.started).min(), ended)
}

fn written<R: Rehearsal>(
    job: &Job,
    (words, key): (TaskWords, &str),
    state: TaskState,
    (started, ended): (Option<Instant>, Option<Instant>),
    r: &R,
) -> Value {
    let shown = vocabulary::task_state(state);
    let made_up = || r.cloud().guid_named(&format!("task {} {key}", job.id.0));
    json!({
        "taskId": words.task_id.map_or_else(made_up, str::to_owned),
        "name": words.name,
        "startTime": started.map_or_else(|| UNSET.to_owned(), stamp),
        "endTime": ended.map_or_else(|| UNSET.to_owned(), stamp),
        "allowedActions": [],
        "friendlyName": words.friendly_name,
        "state": shown.state,
        "stateDescription": shown.description,
        "taskType": "TaskDetails",
        "customDetails": null,
        "groupTaskCustomDetails": null,
        "errors": if state == TaskState::Failed { errors(job, r) } else { Vec::new() },
    })
}

fn whole_state(parts: &[&Task]) -> TaskState {
    let any = |state: TaskState| parts.iter().any(|part| part.state == state);
    let all = |state: TaskState| parts.iter().all(|part| part.state == state);
    match () {
        () if any(TaskState::Failed) => TaskState::Failed,
        () if all(TaskState::NotStarted) => TaskState::NotStarted,
        () if all(TaskState::Skipped) => TaskState::Skipped,
        () if any(TaskState::InProgress) || any(TaskState::NotStarted) => TaskState::InProgress,
        () => TaskState::Succeeded,
    }
}
