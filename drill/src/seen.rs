//! What is seen of jobs, tasks and machines, in the words of the vault: the same of a real one, of a served one and of a
//! rehearsal.

use core::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSeen {
    /// Its name.
    pub name: String,
    /// `scenarioName`.
    pub scenario_name: String,
    /// `friendlyName`.
    pub friendly_name: String,
    /// The machine it is about.
    pub machine: String,
    /// `state`.
    pub state: String,
    /// When it was begun, since 1970.
    pub started: Option<Duration>,
    /// When it ended.
    pub ended: Option<Duration>,
    /// Its tasks, in order.
    pub tasks: Vec<TaskSeen>,
    /// The codes and messages of its errors.
    pub errors: Vec<(String, String)>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSeen {
    /// `name`.
    pub name: String,
    /// `friendlyName`.
    pub friendly_name: String,
    /// `state`.
    pub state: String,
    /// `stateDescription`.
    pub description: String,
    /// When it was begun, since 1970.
    pub started: Option<Duration>,
    /// When it ended.
    pub ended: Option<Duration>,
}

/// A machine that came into another state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSeen {
    /// Which.
    pub machine: String,
    /// `instanceType` of its provider, which says which way it replicates.
    pub provider: String,
    /// `protectionState`.
    pub state: String,
    /// `protectionStateDescription`.
    pub description: String,
}

impl JobSeen {
    /// How long it took, if it is over.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        took(self.started, self.ended)
    }

    /// Reads a job as the vault shows it; none when it is none.
    #[must_use]
    pub fn of(job: &Value) -> Option<Self> {
        let properties = &job["properties"];
        let tasks = properties["tasks"].as_array().map(|tasks| tasks.iter().map(TaskSeen::of).collect());
        let errors = properties["errors"].as_array().map(|errors| errors.iter().map(error).collect());
        Some(Self {
            name: job["name"].as_str()?.to_owned(),
            scenario_name: text(properties, "scenarioName"),
            friendly_name: text(properties, "friendlyName"),
            machine: text(properties, "targetObjectName"),
            state: text(properties, "state"),
            started: time(properties, "startTime"),
            ended: time(properties, "endTime"),
            tasks: tasks.unwrap_or_default(),
            errors: errors.unwrap_or_default(),
        })
    }
}

impl TaskSeen {
    /// How long it took, if it was begun and is over.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        took(self.started, self.ended)
    }

    fn of(task: &Value) -> Self {
        Self {
            name: text(task, "name"),
            friendly_name: text(task, "friendlyName"),
            state: text(task, "state"),
            description: text(task, "stateDescription"),
            started: time(task, "startTime"),
            ended: time(task, "endTime"),
        }
    }
}

/// An end is written in whole seconds, and may lie before its beginning (recording-classic 2).
fn took(started: Option<Duration>, ended: Option<Duration>) -> Option<Duration> {
    Some(ended?.saturating_sub(started?))
}

fn error(error: &Value) -> (String, String) {
    let details = &error["serviceErrorDetails"];
    (text(details, "code"), text(details, "message"))
}

pub(crate) fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}

/// A time as the service writes it; none where it was never set, which it writes as a year long ago.
pub(crate) fn time(of: &Value, key: &str) -> Option<Duration> {
    let written = of[key].as_str()?;
    let zoned = if written.ends_with('Z') || written.contains('+') {
        written.to_owned()
    } else {
        format!("{written}Z")
    };
    let at: Timestamp = zoned.parse().ok()?;
    Duration::try_from(at.as_duration()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stub_of_a_job_is_a_job_that_says_nothing_yet() {
        let stub = json!({ "name": "j", "properties": {
            "scenarioName": null, "state": "NotStarted", "tasks": [], "errors": [], "targetObjectName": null,
        } });
        let job = JobSeen::of(&stub).unwrap();
        assert_eq!((job.state.as_str(), job.started, job.took()), ("NotStarted", None, None));
        assert_eq!(JobSeen::of(&json!({ "error": {} })), None);
    }

    #[test]
    fn times_are_read_as_they_are_written_and_those_never_set_are_none() {
        let at = |text: &str| time(&json!({ "at": text }), "at");
        assert_eq!(at("1970-01-01T00:01:00Z"), Some(Duration::from_secs(60)));
        assert_eq!(at("1970-01-01T00:00:01.5Z"), Some(Duration::from_millis(1500)));
        for never in ["0001-01-01T00:00:00", "1753-01-01T01:01:01Z", "", "yesterday"] {
            assert_eq!(at(never), None, "{never}");
        }
        let job = JobSeen::of(&json!({ "name": "j", "properties": {
            "startTime": "2021-04-06T11:03:40.348Z", "endTime": "2021-04-06T11:03:40Z",
        } }));
        assert_eq!(job.unwrap().took(), Some(Duration::ZERO), "an end before its beginning");
    }
}
