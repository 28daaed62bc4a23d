//! The tasks of a job as users see them.

use switchback_engine::control::{Job, Task, TaskKind, TaskState};
use switchback_engine::time::Instant;

use super::{Shown, TaskWords, task};

/// A task as users see it. Several of the engine's may show as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownTask {
    /// The task of the engine that it is shown as.
    pub kind: TaskKind,
    /// What it is called.
    pub words: TaskWords,
    /// Where it stands: as the one that is furthest behind.
    pub state: TaskState,
    /// When it began.
    pub started: Option<Instant>,
    /// When it ended, as soon as all of it has.
    pub ended: Option<Instant>,
}

/// The tasks of a job, in order.
#[must_use]
pub fn shown_tasks(job: &Job) -> Vec<ShownTask> {
    let own = job.tasks.iter().filter_map(|of| match task(job.kind, of.kind) {
        Some(Shown::As(words)) => Some((of, words)),
        Some(Shown::Within(_)) | None => None,
    });
    own.map(|(of, words)| {
        let is_within = |part: &&Task| task(job.kind, part.kind) == Some(Shown::Within(of.kind));
        let parts: Vec<&Task> = core::iter::once(of).chain(job.tasks.iter().filter(is_within)).collect();
        whole(of.kind, words, &parts)
    })
    .collect()
}

fn whole(kind: TaskKind, words: TaskWords, parts: &[&Task]) -> ShownTask {
    let all_over = parts.iter().all(|part| part.ended.is_some() || part.state == TaskState::Skipped);
    ShownTask {
        kind,
        words,
        state: whole_state(parts),
        started: parts.iter().filter_map(|part| part.started).min(),
        ended: parts.iter().filter_map(|part| part.ended).max().filter(|_| all_over),
    }
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
