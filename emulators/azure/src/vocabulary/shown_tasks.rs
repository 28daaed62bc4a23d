//! The tasks of a machine's job as users see them (site-recovery 3.2). Several of the engine's may show as one; and the
//! service has some that the engine has no need of, which are over as soon as they begin.

use switchback_engine::control::{Job, JobKind, Task, TaskKind, TaskState};
use switchback_engine::time::Instant;

use super::{Shown, TaskWords, task};

/// A task as users see it. Several of the engine's may show as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownTask {
    /// The task of the engine that it is shown as; none for one that only the service has.
    pub kind: Option<TaskKind>,
    /// What it is called.
    pub words: TaskWords,
    /// Where it stands: as the one that is furthest behind.
    pub state: TaskState,
    /// When it began.
    pub started: Option<Instant>,
    /// When it ended, as soon as all of it has.
    pub ended: Option<Instant>,
}

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

/// The tasks of a job, in order.
#[must_use]
pub fn shown_tasks(job: &Job) -> Vec<ShownTask> {
    let own = job.tasks.iter().filter_map(|of| match task(job.kind, of.kind) {
        Some(Shown::As(words)) => Some((of, words)),
        Some(Shown::Within(_)) | None => None,
    });
    let own: Vec<ShownTask> = own.map(|(of, words)| whole(job, of, words)).collect();
    let has_own_check = own.iter().any(|task| task.kind == Some(TaskKind::CheckPrerequisites));
    let mut tasks = Vec::with_capacity(own.len() + 2);
    for task in own {
        let is_here = |extra: &&Beside| extra.of == job.kind && Some(extra.next_to) == task.kind;
        // The engine checks before some commits, and not before others.
        let is_new = |extra: &&Beside| extra.of != JobKind::Commit || !has_own_check;
        let extras = BESIDE.iter().filter(is_here).filter(is_new);
        tasks.extend(extras.clone().filter(|it| !it.behind).map(|extra| extra.shown(&task)));
        tasks.push(task);
        tasks.extend(extras.filter(|it| it.behind).map(|extra| extra.shown(&task)));
    }
    tasks
}

/// A task of the engine with those that show within it.
fn whole(job: &Job, of: &Task, words: TaskWords) -> ShownTask {
    let is_within = |part: &&Task| task(job.kind, part.kind) == Some(Shown::Within(of.kind));
    let parts: Vec<&Task> = core::iter::once(of).chain(job.tasks.iter().filter(is_within)).collect();
    let all_over = parts.iter().all(|part| part.ended.is_some() || part.state == TaskState::Skipped);
    ShownTask {
        kind: Some(of.kind),
        words,
        state: whole_state(&parts),
        started: parts.iter().filter_map(|part| part.started).min(),
        ended: parts.iter().filter_map(|part| part.ended).max().filter(|_| all_over),
    }
}

impl Beside {
    /// It takes no time: it is over when the one it stands in front of has begun, or the one in front of it has ended.
    fn shown(&self, next_to: &ShownTask) -> ShownTask {
        let at = if self.behind { next_to.ended } else { next_to.started };
        let is_over = at.is_some() && !(self.behind && next_to.state == TaskState::Failed);
        let state = match is_over {
            true if self.is_skipped => TaskState::Skipped,
            true => TaskState::Succeeded,
            false => TaskState::NotStarted,
        };
        let at = at.filter(|_| state == TaskState::Succeeded);
        ShownTask { kind: None, words: self.words, state, started: at, ended: at }
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
