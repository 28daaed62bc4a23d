//! Task: what vCenter shows of work it was given.

use std::collections::BTreeMap;

use switchback_sim::SimTime;

use crate::moid::{TaskMoid, VmMoid};

/// How many tasks are kept. A vCenter keeps them for weeks; clients page through the newest thousand.
const TASKS_MAX: usize = 1000;

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// It waits.
    Queued,
    /// It is under way.
    Running,
    /// It ended well, then.
    Success {
        /// When.
        completed: SimTime,
    },
    /// It failed, then.
    Error {
        /// When.
        completed: SimTime,
        /// The fault's name, such as `InvalidPowerState`.
        fault: &'static str,
        /// What the fault says.
        message: String,
    },
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub moid: TaskMoid,
    /// The method that started it, such as `PowerOnVM_Task`.
    pub name: &'static str,
    /// The machine it is about; none when that does not exist.
    pub entity: Option<VmMoid>,
    /// When it was asked for.
    pub queued: SimTime,
    /// When it began.
    pub started: SimTime,
    /// Where it stands; may lie ahead of the present.
    state: TaskState,
}

impl Task {
    /// Where it stood at `now`: a task waits from being asked for until it begins.
    #[must_use]
    pub fn state_at(&self, now: SimTime) -> TaskState {
        match &self.state {
            _ if now < self.started => TaskState::Queued,
            TaskState::Success { completed } | TaskState::Error { completed, .. } if now < *completed => {
                TaskState::Running
            }
            state => state.clone(),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct TaskManager {
    next: u32,
    tasks: BTreeMap<TaskMoid, Task>,
}

impl TaskManager {
    pub(crate) fn queue(
        &mut self,
        name: &'static str,
        entity: Option<VmMoid>,
        queued: SimTime,
        started: SimTime,
    ) -> TaskMoid {
        self.next += 1;
        let moid = TaskMoid(self.next);
        self.tasks.insert(moid, Task { moid, name, entity, queued, started, state: TaskState::Running });
        if self.tasks.len() > TASKS_MAX {
            self.tasks.pop_first();
        }
        moid
    }

    pub(crate) fn end(&mut self, task: TaskMoid, state: TaskState) {
        if let Some(task) = self.tasks.get_mut(&task) {
            task.state = state;
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values()
    }
}
