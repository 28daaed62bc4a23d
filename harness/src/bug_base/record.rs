//! The facts of a bug, as they are written to `bug.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::Action;

use super::BugBaseError;
use crate::check::Judge;
use crate::outcome::{Figures, Outcome, Result as Worst};

/// The facts of a bug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BugRecord {
    /// The seed that the scenario was drawn from, and that its run drew from.
    pub seed: u64,
    /// The version of the program that found it.
    pub version: String,
    /// The version of the generator that drew the plan.
    pub generator: String,
    /// What failed when the plan was run.
    pub failure: Failure,
    /// How large the plan is.
    pub size: Size,
    /// What is known of the minimal scenario, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrunk>,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    /// The worst that came out.
    pub result: Worst,
    /// The judges whose verdicts did not hold, the one that matters most first.
    pub judges: Vec<Judge>,
    /// The first finding of that judge, in its words.
    pub finding: String,
    /// The digest of the run.
    #[serde(with = "hex")]
    pub digest: u64,
}

impl Failure {
    /// What failed in a run; `None` if everything held.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Option<Self> {
        let result = outcome.result();
        let mut failed: Vec<_> = outcome.verdicts.iter().filter(|verdict| !verdict.held).collect();
        failed.sort_by_key(|verdict| core::cmp::Reverse(verdict.result()));
        let first = failed.first()?;
        let mut judges: Vec<Judge> = Vec::new();
        for judge in failed.iter().filter_map(|verdict| verdict.judge) {
            if !judges.contains(&judge) {
                judges.push(judge);
            }
        }
        let finding = first.findings.first().unwrap_or(&first.figure);
        let finding = format!("{}: {finding}", first.name);
        Some(Self { result, judges, finding, digest: outcome.digest })
    }

    /// The judge that matters most.
    #[must_use]
    pub fn judge(&self) -> Option<Judge> {
        self.judges.first().copied()
    }

    /// That judge in a word that can be part of a file's name.
    #[must_use]
    pub fn word(&self) -> String {
        let judge = self.judge().and_then(|judge| serde_json::to_value(judge).ok());
        judge.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_else(|| "expectation".to_owned())
    }

    /// Whether another run failed for the same reason: the judge that matters most is the same.
    #[must_use]
    pub fn is_same_reason(&self, other: &Self) -> bool {
        (self.judge(), self.result) == (other.judge(), other.result)
    }
}

/// What is known of a minimal scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shrunk {
    /// The digest of its run.
    #[serde(with = "hex")]
    pub digest: u64,
    /// How large it is.
    pub size: Size,
}

/// How large a scenario is: what shrinking makes smaller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Size {
    /// Machines.
    pub machines: u64,
    /// Their disks.
    pub disks: u64,
    /// Steps of the timeline that ask the vault for something.
    pub steps: u64,
    /// Steps of the timeline that are faults or mistakes of operators.
    pub faults: u64,
    /// Writes in a run of it.
    pub writes: u64,
    /// Events in a run of it.
    pub events: u64,
}

impl Size {
    /// The size of a scenario, with the figures of a run of it.
    #[must_use]
    pub fn of(scenario: &Scenario, figures: &Figures) -> Self {
        let steps = scenario.timeline.iter().filter(|step| asks_the_vault(&step.action)).count();
        Self {
            machines: scenario.vms.len() as u64,
            disks: scenario.vms.iter().map(|vm| vm.disks.len() as u64).sum(),
            steps: steps as u64,
            faults: (scenario.timeline.len() - steps) as u64,
            writes: figures.writes,
            events: figures.events,
        }
    }
}

const fn asks_the_vault(action: &Action) -> bool {
    matches!(
        action,
        Action::Failover { .. }
            | Action::Failback { .. }
            | Action::PlannedFailover { .. }
            | Action::ChangePoint { .. }
            | Action::Commit(_)
            | Action::Cancel(_)
            | Action::Reprotect { .. }
            | Action::Disable(_)
            | Action::Protect(_)
            | Action::Resync(_)
            | Action::SwitchProcessServer { .. }
            | Action::TestFailover { .. }
            | Action::CleanUpTest(_)
            | Action::Configure { .. }
            | Action::ChangeFailbackPolicy(_)
            | Action::CompleteAction(_)
    )
}

/// A record from the text of a file.
pub(super) fn parse(path: &Path, text: &str) -> Result<BugRecord, BugBaseError> {
    serde_json::from_str(text).map_err(|source| BugBaseError::Damaged { path: path.to_owned(), source })
}

/// A record as the text of a file.
pub(super) fn write(record: &BugRecord) -> Result<String, BugBaseError> {
    let text = serde_json::to_string_pretty(record).map_err(BugBaseError::Unwritable)?;
    Ok(text + "\n")
}

/// Digests as people compare them.
mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(digest: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{digest:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(|_| {
            de::Error::custom(format!("expected a digest of hexadecimal digits, found `{text}`"))
        })
    }
}
